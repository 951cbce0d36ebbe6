/*
 * The control plane: all IKE_SAs, no I/O. Messages, time and wishes come in by the functions below; messages go out
 * by engine_next_output(), everything else through the table given at creation. `now` never goes back. The functions of
 * the table must not call back, except where it is said.
 */
#pragma once

#include "engine/ike/counters.h"
#include "engine/ike/creds.h"
#include "engine/ike/ops.h"

#define ENGINE_CONFS_MAX     1024
#define ENGINE_SAS_MAX       8192 /* IKE_SAs, half-open ones among them */
#define ENGINE_HALF_OPEN_MAX 1024 /* as responder; one that brings a COOKIE takes the place of another */
#define ENGINE_OUTPUT_MAX    4096 /* datagrams that wait; the oldest goes: it is as if it was lost */

struct engine;

/* DATA is given to the functions of OPS, which is copied. CREDS is borrowed. -ENOMEM */
int engine_new(const struct engine_settings *s, const struct engine_ops *ops, void *data, struct creds *creds,
               struct engine **ret);
struct engine *engine_free(struct engine *e); /* tells nobody; removes what is in the data path; accepts NULL */
DEFINE_CLEANUP(struct engine *, engine_free)

/* One IKE message, without marker. LOCAL and REMOTE have their ports. */
void engine_input(struct engine *e, usec_t now, const struct addr *local, const struct addr *remote,
                  const uint8_t *data, size_t len);

struct engine_output {
    struct addr local, remote;
    bool natt;           /* from the NAT-T port, behind a marker */
    bool keepalive;      /* one byte 0xff instead of a message (RFC 3948 4) */
    const uint8_t *data; /* valid until the next call of anything here */
    size_t len;
};

bool engine_next_output(struct engine *e, struct engine_output *ret);

usec_t engine_next_deadline(const struct engine *e); /* when engine_tick() has something to do; USEC_NEVER */
void engine_tick(struct engine *e, usec_t now);

/* Configurations -------------------------------------------------------------------------------------------------- */

/* Takes a reference; one of the same name is replaced, IKE_SAs keep theirs. Start actions are carried out. -ENOSPC */
int engine_load(struct engine *e, usec_t now, struct ike_conf *c);
int engine_unload(struct engine *e, usec_t now, const char *name);      /* -ENOENT; IKE_SAs stay */
struct ike_conf *engine_conf(const struct engine *e, const char *name); /* NULL; borrowed */
struct ike_conf *engine_conf_at(const struct engine *e, size_t i);      /* in the order of loading; NULL: no more */
bool engine_trapped(const struct engine *e, const char *ike, const char *child);

/* Wishes: done() is called once for each ticket, perhaps before the function returns ------------------------------- */

/* CHILD may be NULL: the IKE_SA alone. IKE may be NULL: the first connection with such a child. An IKE_SA that exists
 * is used; a CHILD_SA that is being made is waited for, one that exists is success. -ENOENT, then done() is not called.
 */
int engine_initiate(struct engine *e, usec_t now, const char *ike, const char *child, uint32_t ticket);

/* Whether the IKE_SA of this unique id works on what was asked for under TICKET. */
bool engine_serves(const struct engine *e, uint32_t ike, uint32_t ticket);

struct engine_filter { /* zero and NULL: any */
    const char *ike, *child;
    uint32_t ike_id, child_id;
};

/* With FORCE the peer's answer to the DELETE of an IKE_SA is not waited for. *RET is the number of SAs that are ended;
 * with 0 done() is not called. */
int engine_terminate(struct engine *e, usec_t now, const struct engine_filter *f, bool force, uint32_t ticket,
                     unsigned *ret);
/* Begun when this returns; REAUTH makes IKE_SAs anew. *RET as above. */
int engine_rekey(struct engine *e, usec_t now, const struct engine_filter *f, bool reauth, unsigned *ret);
int engine_trap(struct engine *e, usec_t now, const char *ike, const char *child); /* `install`; -ENOENT */
int engine_untrap(struct engine *e, usec_t now, const char *ike, const char *child);

/* All IKE_SAs are told to the peers as deleted, without waiting; traps go. For the end of the program. */
void engine_shutdown(struct engine *e, usec_t now);

/* From the data path ---------------------------------------------------------------------------------------------- */
void engine_acquire(struct engine *e, usec_t now, const char *ike, const char *child); /* a trap was hit */
void engine_limit(struct engine *e, usec_t now, uint32_t child_unique, bool hard);     /* bytes or packets used up */
void engine_invalid_spi(struct engine *e, usec_t now, const struct addr *remote, uint32_t spi);

/* Looking (engine/ike/sa.h) --------------------------------------------------------------------------------------- */
const struct ike_sa *engine_next_sa(const struct engine *e, const struct ike_sa *sa); /* NULL: the first */

struct counters *engine_counters(struct engine *e); /* its own; may be reset */
unsigned engine_half_open(const struct engine *e);
