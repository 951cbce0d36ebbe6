/* IKE_SA_INIT and IKE_AUTH (RFC 7296 1.2, 2.6, 2.14 to 2.16, 2.23): what they keep, and both roles. */
#pragma once

#include "engine/ike/create.h"

#define FIRST_COOKIE_MAX  64 /* bytes, RFC 7296 2.6 */
#define FIRST_RETRIES_MAX 8  /* COOKIE and INVALID_KE_PAYLOAD of one attempt */

struct first; /* private to init.c and auth.c (first_state.h) */

struct first *first_free(struct first *f); /* wipes; accepts NULL */

/*
 * Responder: a good IKE_SA_INIT request that is no retransmission and passed the COOKIE. Either an IKE_SA in state
 * CONNECTING with its keys, NULL otherwise; *RET is the response in any case: sent by the caller, and kept as the
 * response to message id 0 where there is an IKE_SA. An empty *RET: nothing is answered.
 */
struct ike_sa *init_respond(struct engine *e, const struct message *in, usec_t now, struct packets *ret);

/*
 * As initiator, when a retransmission of IKE_SA_INIT is due: why the peer refuses, as notifications said that nobody
 * vouches for; NULL where none did, or where it is the first time: the real response may have been lost.
 */
const char *init_refused(struct ike_sa *sa);

/*
 * As initiator, while IKE_AUTH is out: another response to IKE_SA_INIT came. RFC 7296 2.4: it may be the real one, and
 * is kept.
 */
void init_late_answer(struct ike_sa *sa, const struct message *in);

/*
 * IKE_AUTH got no answer in time: SA becomes that of the next response that is kept, and the request is to be built and
 * sent anew. The one before has its turn again later. False: there is no other one. *RET_ROUND: each has had its turn.
 */
bool init_next_answer(struct ike_sa *sa, bool *ret_round);

/*
 * IKE_AUTH failed for REASON, with keys that nobody vouches for. True where that is not the end: another response has
 * its turn, or is waited for a moment more.
 */
bool init_answer_failed(struct ike_sa *sa, const char *reason, usec_t now);

/* The request that made SA, to know a retransmission from another request of the same SPI. */
bool init_is_retransmission(const struct ike_sa *sa, const struct message *in);

/* The COOKIE of RFC 7296 2.6 with the secret of the engine, which changes. Pure: SECRET is 32 bytes, VERSION goes in
 * front. 0 where there is no memory. */
size_t cookie_make(const uint8_t secret[static 32], uint8_t version, const struct message *in,
                   uint8_t ret[static FIRST_COOKIE_MAX]);

/* NAT detection (RFC 7296 2.23): SHA-1 of SPIs, address and port. */
#define NATD_LEN 20
void natd_hash(const uint8_t spi_i[static IKE_SPI_LEN], const uint8_t spi_r[static IKE_SPI_LEN], const struct addr *a,
               uint8_t ret[static NATD_LEN]);
