/*
 * The store: SQLite (WAL) in the state directory. All writes go through a bounded queue to one writer thread, so that a
 * slow disk never delays a probe; callbacks come on the loop once the write is durable (or failed). Reading happens at
 * start, before the loop runs, and for the history through the same queue. A full disk stops history, never the
 * watching: what has a callback fails at once and is the caller's to do again; values, closed intentions and delivered
 * alerts are kept in the queue and written as soon as the disk takes them. Writing is tried again by itself every
 * STORE_RETRY.
 */
#pragma once

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_QUEUE_MAX     4096
#define STORE_QUEUE_HISTORY 3072 /* history gives way before what must not be lost */
#define STORE_TEXT_MAX      512
#define STORE_ID_MAX        64
#define STORE_BODY_MAX      (64 * 1024) /* of a spooled alert */
#define STORE_SPOOL_MAX     4096        /* alerts waiting; the oldest is dropped beyond (the alerter counts before) */
#define STORE_HISTORY_MAX   10000       /* entries given to a reader at once */
#define STORE_ROWS_MAX      50000       /* entries kept; the oldest are dropped beyond */
#define STORE_INTENTS_MAX   4096        /* open at once */
#define STORE_INTENTS_KEPT  1000        /* closed ones that are kept */
#define STORE_RETRY         (2 * USEC_PER_SEC)
#define STORE_CLOSE_MAX     (5 * USEC_PER_SEC) /* a disk that hangs does not keep the process from ending */

struct store;

/*
 * ERROR 0 or -errno (-ENOSPC: the disk is full, -EIO). On the loop; never from within the call, nor once the store is
 * being closed. Every function that queues returns 0, -ENOBUFS where the queue is full, -E2BIG over STORE_BODY_MAX, or
 * -ENOMEM.
 */
typedef void (*store_done_fn)(void *data, int error);

/*
 * Opens (and creates, mode 0700/0600) DIR/rekindle.db and starts the writer. A damaged file is set aside as
 * rekindle.db.damaged-SECONDS and a new one begun. Where the disk is full or fails, the store is opened all the same:
 * it does not work until the disk does. Both are logged here, once, and so is the end of a failure.
 */
int store_open(struct loop *l, const char *dir, struct store **ret);
struct store *store_close(struct store *s); /* writes out what is queued; accepts NULL */
DEFINE_CLEANUP(struct store *, store_close)

/* Whether the last write succeeded. */
bool store_works(const struct store *s);

/* No callback with DATA comes any more. What was queued is written all the same. */
void store_forget(struct store *s, const void *data);

/* An entry of the audit trail: append-only, the SHA-256 of each row covers that of the one before. Copied. */
struct store_entry {
    usec_t wall;
    const char *kind;     /* event_kind_name() */
    const char *incident; /* "" where none */
    const char *connection;
    const char *tunnel;
    const char *text;
    const char *detail; /* JSON or "" */
};
int store_append(struct store *s, const struct store_entry *e, store_done_fn fn, void *data); /* FN may be NULL */

/* The newest LIMIT entries, newest first; ENTRIES borrowed for the callback. */
typedef void (*store_history_fn)(void *data, int error, const struct store_entry *entries, size_t n);
int store_history(struct store *s, size_t limit, store_history_fn fn, void *data);

/*
 * Recomputes the chain of hashes: 0, or -EBADMSG with the row number. By a command; reads everything. It shows rows
 * that were changed, put in or taken out; that the newest ones were cut off shows only beside another copy, such as the
 * journal.
 */
int store_verify(const char *dir, uint64_t *ret_bad_row);

/*
 * The intention of a call that changes something outside and must not be repeated blindly. Stored before the call;
 * closed when its end is known. What is still open at start is reconciled by reading, never by calling again.
 */
struct store_intent {
    char id[STORE_ID_MAX];
    usec_t wall;
    char connection[STORE_ID_MAX];
    struct addr outside;
    char action[STORE_ID_MAX];
    char incident[STORE_ID_MAX];
    char detail[STORE_TEXT_MAX];
};
int store_intend(struct store *s, const struct store_intent *i, store_done_fn fn, void *data);
int store_intent_close(struct store *s, const char *id, const char *result);

/* Small values that outlive the process: what was notified, pauses, past actions. VALUE NULL removes. */
int store_set(struct store *s, const char *key, const char *value);

/* The spool of alerts: one row for each (id, target). */
struct store_alert {
    char id[STORE_ID_MAX];
    char target[STORE_ID_MAX];
    const char *body;
    usec_t wall; /* when it happened */
    unsigned attempts;
};
int store_spool_add(struct store *s, const struct store_alert *a, store_done_fn fn, void *data);
int store_spool_attempted(struct store *s, const char *id, const char *target, unsigned attempts);
int store_spool_remove(struct store *s, const char *id, const char *target);

/*
 * Intentions that are open, with what is queued taken into account, so that it can be asked at any time. EACH may close
 * the one that it is given.
 */
int store_each_intent(struct store *s, void (*each)(void *data, const struct store_intent *i), void *data);

/* At start: what the file holds. Each calls EACH for every row, alerts in the order in which they were added; -errno.
 */
int store_each_value(struct store *s, const char *prefix, void (*each)(void *data, const char *key, const char *value),
                     void *data);
int store_each_alert(struct store *s, void (*each)(void *data, const struct store_alert *a), void *data);
