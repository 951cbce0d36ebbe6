/*
 * IKE_SAs and CHILD_SAs. engine/control reads the structs to list them; only engine/ike changes them.
 * What is destroyed stays in memory until the engine call that it happens in ends (engine.c reaps), so that pointers
 * hold.
 */
#pragma once

#include "engine/crypto/keymat.h"
#include "engine/crypto/seal.h"
#include "engine/ike/conf.h"
#include "engine/ike/engine.h"
#include "engine/ike/fragments.h"
#include "engine/ike/message_ids.h"
#include "engine/ike/proposals.h"
#include "engine/ike/state.h"

#define SA_CHILDREN_MAX 64
#define SA_TASKS_MAX    128
#define SA_NONCE_LEN    32 /* of ours */
#define NONCE_CMP_MAX   256

struct task;
struct message;
struct first; /* engine/ike/first.h: what IKE_SA_INIT and IKE_AUTH keep until the IKE_SA is established */

struct child_sa {
    struct child_sa *next;
    struct ike_sa *ike;
    struct ike_conf *ike_conf; /* owned reference, of CONF */
    const struct child_conf *conf;
    uint32_t unique;
    uint32_t reqid;
    enum child_state state;
    struct suite suite;
    uint32_t spi_in, spi_out; /* host order */
    struct selectors local_ts, remote_ts;
    bool encap;
    bool in_path;       /* installed in the data path */
    bool rekeyed_by_us; /* REKEYED: our DELETE is to follow, not the peer's */
    bool closing;       /* a DELETE was asked for; its close action is not carried out */
    bool told_down;
    usec_t installed_at;
    usec_t rekey_at, life_at;         /* USEC_NEVER */
    usec_t inactive_at;               /* when to look whether it still has traffic; USEC_NEVER */
    usec_t gone_at;                   /* DELETED, REKEYED: when nothing is awaited any more; USEC_NEVER */
    uint32_t replaces;                /* unique id of the CHILD_SA that it was made to replace; 0 */
    uint32_t replaced_by;             /* by rekeying, or by the winner of a collision; 0 */
    uint8_t nonce_min[NONCE_CMP_MAX]; /* the lower one of the exchange that made it: for collisions (RFC 7296 2.8.1) */
    size_t nonce_min_len;
};

struct ike_sa {
    struct ike_sa *next, *next_spi; /* all; of the same hash */
    struct engine *engine;
    struct ike_conf *conf; /* owned reference */
    uint32_t unique;
    enum ike_state state;
    bool initiator; /* original initiator: SPI_I is ours */
    uint8_t spi_i[IKE_SPI_LEN], spi_r[IKE_SPI_LEN];
    struct addr local, remote; /* with their ports */
    bool natt;                 /* on the NAT-T ports */
    bool nat_local, nat_remote;
    bool encap; /* ESP of its CHILD_SAs goes in UDP: there is a NAT, or it is forced */
    bool told_initial_contact;
    bool has_cookie; /* as responder: the peer is where it says (RFC 7296 2.6) */

    struct suite suite;
    struct ike_keys keys; /* zeroed until there are some */
    struct seal *seal_in, *seal_out;
    uint64_t seal_counter;
    struct message_ids ids;
    struct fragments request_in, response_in; /* of the peer's request and of its response, whose ids may be the same */

    struct identity me, peer;
    enum conf_auth my_auth, peer_auth;
    bool fragmentation, mobike, childless; /* both sides can */
    unsigned peer_hashes;                  /* RFC 7427 4 */
    bool ppk_used;
    uint8_t qcd_token[32]; /* of the peer (RFC 6290) */
    size_t qcd_token_len;

    struct first *first; /* owned; NULL once established */
    struct task *tasks;  /* owned; the first one's request is out while ids.pending */
    unsigned n_tasks;
    const struct message *request; /* of the peer, while it is being answered; NULL */
    struct child_sa *children;     /* owned */
    unsigned n_children;

    usec_t created_at, established_at;
    bool begun_by_us;        /* the attempt that authenticated it, or what it was rekeyed from */
    usec_t authenticated_at; /* by that attempt */
    usec_t crossed_at;       /* when it lost against one of the peer's, or of ours (engine/ike/crossed.h); 0 */
    usec_t rekey_at, reauth_at, life_at; /* USEC_NEVER */
    usec_t last_in, last_out;            /* verified messages; any message */
    usec_t dpd_at;                       /* when to look whether the peer is silent; USEC_NEVER */
    usec_t gone_at;                      /* REKEYED, DELETING: when it is destroyed without more ado; USEC_NEVER */
    bool reauth;                         /* its CHILD_SAs are begun anew once it is deleted */
    unsigned tries;                      /* retransmissions of the request that is out */
    usec_t retransmit_at;                /* USEC_NEVER */
    usec_t sent_at;                      /* the request that is out: first time */
    unsigned keyingtry;                  /* 1, 2, ... */
    uint32_t replaces;                   /* unique id of the IKE_SA that it rekeyed; 0 */
    uint32_t replaced_by;                /* by rekeying, or by the winner of a collision; 0 */
    bool rekeyed_by_us;
    uint8_t nonce_min[NONCE_CMP_MAX];
    size_t nonce_min_len;
};

/* In state CREATED, linked into the engine with a fresh SPI of ours and unique id. NULL: no memory, or ENGINE_SAS_MAX.
 */
struct ike_sa *ike_sa_new(struct engine *e, struct ike_conf *c, bool initiator, usec_t now);

/* Changes the state, logs REASON, tells the event (up of what replaces none, down of what none replaces). The only
 * writer of ->state. */
void ike_sa_become(struct ike_sa *sa, enum ike_state s, const char *reason, usec_t now);

/* IKE_DESTROYING: children are removed, tickets of tasks answered with REASON, pointers hold until the reaping. */
void ike_sa_destroy(struct ike_sa *sa, const char *reason, usec_t now);

/* SUITE and KEYS are set: makes the two seals. -ENOMEM */
int ike_sa_keyed(struct ike_sa *sa);

/* The peer, or we, are reached elsewhere: also all CHILD_SAs (RFC 4555 3.5, RFC 7296 2.23). Tells ENGINE_IKE_MOVED. */
void ike_sa_move(struct ike_sa *sa, const struct addr *local, const struct addr *remote, bool nat_local,
                 bool nat_remote, usec_t now);

void ike_sa_count(const struct ike_sa *sa, enum engine_counter c);
const uint8_t *ike_sa_my_spi(const struct ike_sa *sa);
const uint8_t *ike_sa_peer_spi(const struct ike_sa *sa);
void ike_sa_log(const struct ike_sa *sa, enum engine_group g, int level, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* In state CREATED, linked into SA. NULL: no memory, or SA_CHILDREN_MAX. CONF is of IKE_CONF. */
struct child_sa *child_sa_new(struct ike_sa *sa, struct ike_conf *ike_conf, const struct child_conf *conf);
/* The only writer of ->state. Tells CHILD_UP of what replaces none, CHILD_DOWN of what none replaces. */
void child_sa_become(struct child_sa *c, enum child_state s, const char *reason, usec_t now);
void child_sa_destroy(struct child_sa *c, const char *reason, usec_t now); /* out of the data path; CHILD_DESTROYING */
void child_sa_tell_down(struct child_sa *c); /* it goes with its IKE_SA: told while both are in the state they end in */
struct child_sa *child_sa_by_unique(const struct ike_sa *sa, uint32_t unique); /* NULL */
struct child_sa *child_sa_by_spi_out(const struct ike_sa *sa, uint32_t spi);   /* what the peer calls it by; not
                                                                                   DELETED or DESTROYING; NULL */
void child_sa_move(struct child_sa *c, struct ike_sa *to);                     /* by the rekeying of its IKE_SA */
bool child_sa_live(const struct child_sa *c);                                  /* INSTALLED, UPDATING, REKEYING */
