/*
 * The VICI server: what charon's is for swanctl. Clients come over a unix socket, ask the engine and its credentials,
 * and hear events. All of it is bounded for each client; one that does not read is cut off.
 */
#pragma once

#include "base/loop.h"
#include "engine/ike/engine.h"

#define ENGINE_VERSION       "0.1.0"
#define CONTROL_SESSIONS_MAX 32 /* a further client is turned away */

struct control;

struct control_config {
    const char *path; /* of the socket, copied; NULL: none, for tests */
    mode_t mode;      /* of the socket: 0600 or 0660; 0: 0600 */
    struct engine *engine;
    struct creds *creds;
    bool allow_legacy;
    void (*after)(void *data); /* a command has changed something in the engine: there may be output; NULL */
    void (*log)(void *data, const struct engine_log *l); /* who asked for what; NULL */
    void *data;
};

/* A socket file that nobody answers at is replaced. -EADDRINUSE where somebody does, -EEXIST where it is no socket,
 * -ENAMETOOLONG, -ENOMEM, errors of the socket. */
int control_new(struct loop *l, const struct control_config *c, struct control **ret);
struct control *control_free(struct control *c); /* removes the socket; accepts NULL */
DEFINE_CLEANUP(struct control *, control_free)

/* From the engine's table (engine/ike/ops.h). */
void control_event(struct control *c, const struct engine_event *ev);
void control_log(struct control *c, const struct engine_log *l);
void control_done(struct control *c, uint32_t ticket, const char *error);
