/*
 * A client of the VICI protocol (strongSwan's src/libcharon/plugins/vici/README.md): one stream connection, one command
 * at a time, events told apart from answers wherever they come. Every call has a deadline. A daemon that refuses the
 * connection and one that accepts and stays silent are different states. The client reconnects by itself with back-off,
 * with never more than one socket.
 *
 * An answer that comes after its call ended is dropped, and until it has come nothing else is sent: what waits behind a
 * hung daemon ends with -ETIMEDOUT without ever having reached it, and a daemon that goes on is used again at once.
 * Only after VICI_PATIENCE of silence is the connection given up for another one, since a daemon may have lost a single
 * command.
 */
#pragma once

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/reader.h"
#include "clients/vici/message.h"

#include <stdbool.h>
#include <stdint.h>

#define VICI_QUEUE_MAX       32 /* calls waiting for their turn */
#define VICI_EVENTS_MAX      16 /* names of events and streams that are ever used */
#define VICI_EVENT_NAME_MAX  64
#define VICI_DEADLINE        (2 * USEC_PER_SEC)    /* of an ordinary call */
#define VICI_PATIENCE        (10 * USEC_PER_SEC)   /* for the answer that nobody waits for any more */
#define VICI_RECONNECT_FIRST (100 * USEC_PER_MSEC) /* doubles with each try */
#define VICI_RECONNECT_MAX   USEC_PER_SEC

struct vici_client;

enum vici_state {
    VICI_CONNECTING,
    VICI_CONNECTED, /* the socket accepted us; says nothing of the daemon's health */
    VICI_REFUSED,   /* no socket file, or nobody listens */
    VICI_DENIED,    /* EACCES, EPERM */
    VICI_BUSY,      /* the backlog is full: nobody accepts */
};

/*
 * The outcome of a call. ERROR: 0, -ETIMEDOUT (deadline), -ECONNREFUSED, -ECONNRESET (the connection broke while the
 * answer was awaited), -EACCES, -EAGAIN (full backlog), -EBADMSG, -EOPNOTSUPP (unknown command or stream), or what else
 * kept us from connecting (-EMFILE). MESSAGE is the answer, borrowed for the time of the callback; it keeps to the
 * grammar. What it says, such as success = no, is the caller's to read. Every callback may free the client.
 */
typedef void (*vici_done_fn)(void *data, int error, struct rd message);
typedef void (*vici_event_fn)(void *data, const char *name, struct rd message);
typedef void (*vici_state_fn)(void *data, enum vici_state state);

/* Connects from the loop on. SOCKET is a path, copied. ON_STATE hears of changes from VICI_CONNECTING on; it and
 * ON_EVENT may be NULL. -ENAMETOOLONG, -ENOMEM. */
int vici_client_new(struct loop *l, const char *socket, vici_state_fn on_state, vici_event_fn on_event, void *data,
                    struct vici_client **ret);
struct vici_client *vici_client_free(struct vici_client *c); /* calls under way end without a callback; accepts NULL */
DEFINE_CLEANUP(struct vici_client *, vici_client_free)

/* Registers for an event, now and after every reconnect. -ENOSPC, -ENAMETOOLONG. */
int vici_client_register(struct vici_client *c, const char *event);

/* Whether the daemon has confirmed EVENT on this connection. False too while it has not been asked. */
bool vici_client_knows(const struct vici_client *c, const char *event);

/*
 * Queues COMMAND with MESSAGE (copied; may be empty). STREAM is the event that carries parts of the answer ("list-sa",
 * "control-log") or NULL; it is registered before the first call that names it, and goes to ON_STREAM while the call is
 * under way. DEADLINE is a span, counted from now: waiting for the turn and for a connection is part of it.
 * -ENOSPC over VICI_QUEUE_MAX or VICI_EVENTS_MAX, -EMSGSIZE, -ENAMETOOLONG, -ENOMEM.
 * The callbacks never come from within. RET_ID may be NULL.
 */
int vici_call(struct vici_client *c, const char *command, const void *message, size_t len, const char *stream,
              vici_event_fn on_stream, vici_done_fn on_done, void *data, usec_t deadline, uint64_t *ret_id);

/* The callbacks of call ID no longer come. Its answer is awaited and dropped. */
void vici_call_cancel(struct vici_client *c, uint64_t id);
