/* struct engine, for the files that make up the engine: core.c, engine.c, exchange.c, half_open.c,
 * unknown.c, wishes.c. */
#pragma once

#include "engine/ike/core.h"
#include "engine/ike/output.h"

#define ENGINE_BUCKETS     4096 /* of IKE_SAs by our SPI */
#define ENGINE_TRAPS_MAX   (ENGINE_CONFS_MAX * 4)
#define ENGINE_RETRIES_MAX ENGINE_CONFS_MAX
#define ENGINE_REQIDS_MAX  (ENGINE_CONFS_MAX * CONF_CHILDREN_MAX)
#define ENGINE_WAITERS_MAX 256
#define COOKIE_SECRET_LEN  32

/* An attempt that failed otherwise than by silence and is made again: a connection's child. */
struct retry {
    char ike[CONF_NAME_MAX];
    char child[CONF_NAME_MAX]; /* "": the IKE_SA alone */
    unsigned failures;
    usec_t at;
};

struct trap {
    struct ike_conf *conf; /* owned reference */
    char child[CONF_NAME_MAX];
};

struct reqid {
    char ike[CONF_NAME_MAX];
    char child[CONF_NAME_MAX];
    uint32_t id;
};

/* TICKET is done when OF is (someone asks for what is under way), or after COUNT dones of it (several SAs end). */
struct waiter {
    uint32_t of;
    uint32_t ticket;
    unsigned count; /* 0: another ticket's */
};

/* To those that nobody vouches for. */
struct answers {
    usec_t since;
    unsigned n; /* in the second that began then */
};

struct engine {
    struct engine_settings settings;
    struct engine_ops ops;
    void *data;
    struct creds *creds; /* borrowed */

    struct ike_conf *confs[ENGINE_CONFS_MAX]; /* owned references, in the order of loading */
    size_t n_confs;
    struct trap *traps; /* owned */
    size_t n_traps;
    struct retry *retries; /* owned */
    size_t n_retries;
    struct reqid *reqids; /* owned */
    size_t n_reqids;

    struct ike_sa *sas; /* owned; in the order of their making */
    struct ike_sa **sas_end;
    struct ike_sa *by_spi[ENGINE_BUCKETS];
    unsigned n_sas;
    struct ike_sa *half_open[ENGINE_HALF_OPEN_MAX]; /* of these, those that a peer began and has not authenticated */
    unsigned n_half_open;
    bool reap_wanted;
    uint32_t last_ike, last_child, last_reqid; /* unique ids: never 0, never twice */
    struct waiter waiters[ENGINE_WAITERS_MAX];
    size_t n_waiters;

    struct counters *counters; /* owned */
    usec_t deadline;           /* never later than the next one */

    uint8_t cookie_secrets[2][COOKIE_SECRET_LEN]; /* of COOKIE_VERSION and the one before */
    uint8_t cookie_version;
    usec_t cookie_changed;
    struct answers answers[CORE_ANSWERS];

    uint8_t chain[CHAIN_BYTES_MAX]; /* of the message that is written */

    struct output output; /* last: all before it is wiped at the end; this is large and holds what the network saw */
};

/* Frees what is IKE_DESTROYING; at the end of each function of engine.h that may destroy. */
void engine_reap(struct engine *e);

/* The IKE_SA has something to do at WHEN. */
void engine_wake(struct engine *e, usec_t when);

/* exchange.c: the request with what CW holds goes out; it becomes that of message id ids.next. -errno */
int exchange_send_request(struct ike_sa *sa, uint8_t exchange, const struct chain_writer *cw, usec_t now);

/* Once more, or the peer is given up. */
void exchange_retransmit(struct ike_sa *sa, usec_t now);

/* half_open.c: an IKE_SA_INIT request. */
void half_open_input(struct engine *e, const struct message *in, usec_t now);

/* attempt.c: a new IKE_SA to the peer of C, its first exchanges queued. CHILD may be NULL. NULL, and in ERROR a
 * sentence, where that cannot be begun; TICKET is then not answered. */
struct ike_sa *attempt_begin(struct engine *e, struct ike_conf *c, const struct child_conf *child, uint32_t ticket,
                             usec_t now, char *error, size_t size);
void attempt_tick(struct engine *e, usec_t now); /* those that wait for their time */
usec_t attempt_next(const struct engine *e);
void attempt_forget(struct engine *e, const char *ike, const char *child); /* CHILD NULL: all of the connection */

/* wishes.c */
int wish_child(struct engine *e, struct ike_conf *c, const struct child_conf *child, uint32_t ticket, usec_t now,
               char *error, size_t size);
void wish_untrap_all(struct engine *e, const char *ike);

#define UNKNOWN_SEALED_MIN 57 /* bytes of the smallest request of an IKE_SA: empty, with AES-GCM */

/* unknown.c: a message that no keys of ours fit, and one without protection for an IKE_SA of ours. */
void unknown_input(struct engine *e, const struct message *in, usec_t now);
void unknown_version(struct engine *e, const struct message *in, usec_t now);
void unknown_hint(struct ike_sa *sa, const struct message *in, usec_t now);
