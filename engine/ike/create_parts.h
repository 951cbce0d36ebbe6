/* What the exchanges that make SAs share (RFC 7296 1.3, 2.9, 2.12, 2.17): for auth.c's part and CREATE_CHILD_SA. */
#pragma once

#include "engine/crypto/dh.h"
#include "engine/ike/core.h"
#include "engine/ike/create.h"

#define CREATE_TRIES_MAX 10 /* of one exchange that the peer refuses for now, or with another group */

struct create_nonces {
    struct wire_bytes ni, nr;
};

/* Nonces ---------------------------------------------------------------------------------------------------------- */

/* Octet by octet; where one ends, it is the lower one (RFC 7296 2.8.1). */
bool create_nonce_less(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

/* The lower one of the two. */
void create_nonce_min(const struct create_nonces *n, uint8_t ret[static NONCE_CMP_MAX], size_t *ret_len);

/* Initiator ------------------------------------------------------------------------------------------------------- */

/* T->create anew, with the group that was asked for. -ENOMEM */
int create_begin(struct ike_sa *sa, struct task *t);

/* A key pair: of the group asked for, of PREFER, of the IKE_SA, or the first one, out of CR->offered; none where it has
 * no groups. -errno */
int create_key_pair(struct ike_sa *sa, struct create *cr, const struct alg *prefer);

/* SPI, proposals and selectors of CONF. */
void create_offer(struct ike_sa *sa, struct create *cr, const struct child_conf *conf, bool groups);

/* SA, Ni, [KEi], TSi, TSr of CREATE_CHILD_SA. */
void create_write_request(const struct create *cr, struct chain_writer *cw);

/* The nonces of a CREATE_CHILD_SA that was answered; false where the peer's is none. */
bool create_nonces_of(const struct create *cr, const struct chain *answer, struct create_nonces *ret);

/* The secret of the key exchange of SUITE, LEN 0 without one. -EBADMSG, and in ERROR a sentence. */
int create_secret(const struct dh *dh, const struct suite *suite, const struct chain *c, uint8_t ret[DH_SECRET_MAX],
                  size_t *ret_len, char *error, size_t size);

/*
 * The CHILD_SA that ANSWER to CR agrees on: INSTALLED, not yet used, REPLACES that one. NULL, with a sentence in ERROR:
 * then a DELETE for it is queued.
 */
struct child_sa *create_accept(struct ike_sa *sa, struct create *cr, struct ike_conf *ike_conf,
                               const struct child_conf *conf, const struct chain *answer,
                               const struct create_nonces *nonces, uint32_t replaces, usec_t now, char *error,
                               size_t size);

/* Our request for a CHILD_SA that is out; NULL. */
struct create *create_pending(const struct ike_sa *sa);

/* Where the peer deleted C before its answer came: it ends as if that came now. */
void create_close_gone(const struct create *cr, struct child_sa *c, usec_t now);

/* What an error notification does to a task that makes a CHILD_SA or an IKE_SA: TASK_AGAIN after INVALID_KE_PAYLOAD
 * and TEMPORARY_FAILURE, TASK_DONE with ->error otherwise. */
enum task_result create_refused(struct ike_sa *sa, struct task *t, const struct proposals *ours,
                                const struct notify_payload *n, usec_t now);

/* Responder ------------------------------------------------------------------------------------------------------- */

/* What a request asks for. */
struct create_wish {
    struct proposals offered;
    struct selectors tsi, tsr;
    bool has_ke;
    struct ke_payload ke;
    struct wire_bytes ni;
};

/* -EBADMSG where a payload is malformed. Of IKE_AUTH and of the IKE_SA some are left empty. */
int create_read_wish(const struct chain *c, struct create_wish *ret);

/*
 * Answers W: a CHILD_SA, INSTALLED, not used, with SA, [Nr, KEr], TSi, TSr written; NULL with an error notification
 * written. OLD is the one that it replaces, or NULL. CREATE_CHILD_SA has NR written; for IKE_AUTH, AUTH is true.
 */
struct child_sa *create_respond(struct ike_sa *sa, const struct create_wish *w, const struct create_nonces *nonces,
                                bool auth, struct child_sa *old, struct chain_writer *cw, usec_t now);

/* The answer's key pair and secret for a request with KE of GROUP; or INVALID_KE_PAYLOAD is written (RFC 7296 1.3). */
int create_respond_ke(struct ike_sa *sa, const struct create_wish *w, const struct suite *suite,
                      struct chain_writer *cw, struct dh **ret, uint8_t secret[DH_SECRET_MAX], size_t *ret_len);

void create_write_error(struct ike_sa *sa, struct chain_writer *cw, uint16_t notify, const char *why);
