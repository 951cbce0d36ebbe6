/*
 * Proposals: read from swanctl.conf, chosen from those of a peer, and checked as an answer (RFC 7296 2.7, 3.3). Pure.
 */
#pragma once

#include "engine/crypto/alg.h"
#include "engine/wire/proposal.h"

#define PROPOSALS_TEXT_MAX 512

/* What was agreed on. */
struct suite {
    const struct alg *encr;
    const struct alg *integ; /* NULL with an AEAD */
    const struct alg *prf;   /* of IKE only */
    const struct alg *dh;    /* NULL: no key exchange (ESP) */
    bool esn;
};

/*
 * A comma-free proposal ("aes128-sha256-ecp256", "default", "aes256gcm16-prfsha384-ecp384-esn") is added to PS with the
 * next number. PROTOCOL is PROTO_IKE or PROTO_ESP. -EINVAL and in ERROR a sentence that names the word; -ENOSPC.
 * A transform that only allow-legacy permits is refused where LEGACY is false.
 */
int proposals_parse(uint8_t protocol, const char *text, bool legacy, struct proposals *ps, char *error, size_t size);

void proposals_default(uint8_t protocol, struct proposals *ret);

/* PS without its key exchanges: for IKE_AUTH (RFC 7296 1.2). */
void proposals_without_dh(const struct proposals *ps, struct proposals *ret);

/* Each proposal of PS bears SPI. */
void proposals_set_spi(struct proposals *ps, const void *spi, uint8_t len);

/*
 * As responder: the first of the peer's PEER that one of OURS has a common suite with. *RET_PROPOSAL is the answer: one
 * proposal, a transform of each type, the number of the peer's, no SPI yet. With PREFER, a
 * group, one that is not among the peer's is passed over where another fits. False: NO_PROPOSAL_CHOSEN.
 */
bool proposals_choose(const struct proposals *peer, const struct proposals *ours, const struct alg *prefer,
                      struct suite *ret_suite, struct proposal *ret_proposal);

/* As initiator: whether ANSWER, a single proposal, is one choice out of OURS; then what was agreed on. */
bool proposals_accept(const struct proposals *answer, const struct proposals *ours, struct suite *ret_suite);

/* The group that a first KE payload is made for: the first of the first proposal; NULL where there is none. */
const struct alg *proposals_first_dh(const struct proposals *ps);
bool proposals_have_dh(const struct proposals *ps, uint16_t id);

/* "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256", as charon logs it. Returns BUF, cut where it is long.
 */
const char *proposal_text(const struct proposal *p, char buf[static PROPOSALS_TEXT_MAX]);
