/* What IKE_SA_INIT and IKE_AUTH keep until the IKE_SA is established. For init*.c and auth*.c. */
#pragma once

#include "engine/ike/core.h"
#include "engine/ike/first.h"

#define FIRST_INIT_MAX    8192 /* bytes of an IKE_SA_INIT message, which AUTH covers; a longer one is dropped */
#define FIRST_REFUSED_MAX 128
#define FIRST_ANSWERS_MAX 6 /* to IKE_SA_INIT that are kept */
#define FIRST_ANSWERS_OLD 3 /* of these, which no later one takes the place of */
#define FIRST_REFUSALS    2 /* of IKE_SA_INIT and its retransmission: the peer means it */

/* One that goes on, as it came. */
struct first_answer {
    uint8_t *raw; /* owned */
    size_t len;
    struct addr local, remote;
    bool late; /* a later one may take its place */
};

struct first {
    uint8_t nonce[SA_NONCE_LEN]; /* ours */
    uint8_t peer_nonce[NONCE_MAX];
    size_t peer_nonce_len;
    uint8_t *my_init, *peer_init; /* owned: the messages as AUTH covers them (RFC 7296 2.15) */
    size_t my_init_len, peer_init_len;
    struct proposal chosen;
    bool certreq; /* the peer asks for a certificate */
    bool ppk;     /* both sides sent USE_PPK (RFC 8784 3) */

    /* initiator */
    const struct alg *group; /* of the KE payload */
    struct dh *dh;           /* owned; NULL until it is needed */
    uint8_t cookie[FIRST_COOKIE_MAX];
    size_t cookie_len;
    unsigned retries;                               /* since the last retransmission */
    unsigned refusals;                              /* of requests that were out long enough */
    char refused[FIRST_REFUSED_MAX];                /* "" */
    struct first_answer answers[FIRST_ANSWERS_MAX]; /* the first one is in use */
    size_t n_answers;
    size_t turns;              /* of answers in this round */
    usec_t answered_at;        /* when the first one came */
    struct addr local, remote; /* that IKE_SA_INIT went between */
    bool natt;
    bool ppk_offered;
    struct ike_keys ppk_keys; /* with the PPK, for the case that the responder has it too */
};

/* An empty one with a nonce. NULL: no memory. */
struct first *first_new(struct engine *e);

/* Keeps a copy of a message. -ENOMEM */
int first_keep(uint8_t **place, size_t *place_len, const void *data, size_t len);

/* The nonces of IKE_SA_INIT, borrowed. */
void first_nonces(const struct ike_sa *sa, struct wire_bytes *ret_ni, struct wire_bytes *ret_nr);

/* Whether ESP goes in UDP whatever is between: it is configured, or the host cannot do otherwise. */
bool first_forces_encap(const struct engine *e, const struct ike_conf *c);

/* What both sides write at the end of IKE_SA_INIT: FRAGMENTATION_SUPPORTED, SIGNATURE_HASH_ALGORITHMS. */
void first_write_fragmentation(struct chain_writer *cw);
void first_write_hashes(struct chain_writer *cw);

/* A CERTREQ for the CAs of C's peer, where it shall show a certificate (RFC 7296 3.7). */
void first_write_certreq(const struct engine *e, const struct ike_conf *c, struct chain_writer *cw);

/*
 * SA has its SPIs and nonces: the keys of SUITE from our DH and the peer's public VALUE. -EBADMSG where that is none of
 * the group (RFC 7296 2.14, RFC 6989), -ENOMEM.
 */
int first_keys(const struct ike_sa *sa, const struct suite *suite, const struct dh *dh, const struct wire_bytes *value,
               struct ike_keys *ret);

/* What the peer can, as its IKE_SA_INIT says. */
void first_read_abilities(struct ike_sa *sa, const struct chain *c);

/* Takes the first answer to IKE_SA_INIT that is as it must be, and keeps it. -EBADMSG with a sentence where it is not,
 * -ENOMEM. */
int init_take_answer(struct ike_sa *sa, const struct message *in, usec_t now, const char **ret_wrong);

/*
 * The peer's AUTH is sealed with the right keys, but does not cover the answer that is in use: somebody may have
 * changed that on the way. Takes another one of the same responder instead; false: there is none.
 */
bool init_next_version(struct ike_sa *sa);

/* NAT detection (RFC 7296 2.23). With FORGED, the hash of our address is one that cannot be right. */
void natd_write(struct chain_writer *cw, const uint8_t spi_i[static IKE_SPI_LEN],
                const uint8_t spi_r[static IKE_SPI_LEN], const struct addr *local, const struct addr *remote,
                bool forged);

/* False where the peer knows no NAT detection; the others are untouched then. */
bool natd_read(const struct message *in, bool *ret_nat_local, bool *ret_nat_remote);
