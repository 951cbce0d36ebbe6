/*
 * IKE_AUTH: how one side shows who it is and how the other side's proof is judged (RFC 7296 2.15, RFC 7427, RFC 4754,
 * RFC 8784). For auth*.c.
 */
#pragma once

#include "engine/ike/first_state.h"

#define AUTH_ERROR_MAX      192
#define AUTH_CANDIDATES_MAX 8 /* connections that are tried for one IKE_AUTH request */

/* Ours ------------------------------------------------------------------------------------------------------------ */

/* Who we are under a configuration, and with what we show it. */
struct auth_own {
    struct identity id;
    enum conf_auth auth;
    struct cert *cert;      /* borrowed; NULL with a PSK, or where there is none with a private key */
    const struct pkey *key; /* borrowed, of CERT */
    unsigned hashes;        /* that we may sign with and the peer knows */
};

/* WANTED is what the peer calls us (IDr of its request); NULL: nothing. */
void auth_own(const struct ike_sa *sa, const struct ike_conf *c, const struct identity *wanted, struct auth_own *ret);

/* The secret that ME and PEER share; the peer's address stands for it where it is not known. NULL: there is none. */
const struct secret *auth_secret(const struct ike_sa *sa, const struct identity *me, const struct identity *peer);

void auth_write_id(struct chain_writer *cw, enum ike_payload which, const struct identity *id);
/* CERT payloads, our own first, then intermediate CAs, where the policy and the peer want them. */
void auth_write_certs(const struct ike_sa *sa, const struct auth_own *own, struct chain_writer *cw);

/* The AUTH data of OWN with the keys KEYS (of the IKE_SA, or with a PPK). PEER may be NULL. False, with a sentence. */
struct auth_data {
    uint8_t method;
    uint8_t data[1536];
    size_t len;
};
bool auth_make(const struct ike_sa *sa, const struct ike_keys *keys, const struct auth_own *own,
               const struct identity *peer, struct auth_data *ret, char error[static AUTH_ERROR_MAX]);

/* The peer's ------------------------------------------------------------------------------------------------------ */

/* What an IKE_AUTH message says of its sender. */
struct auth_claim {
    struct identity id;
    struct wire_bytes id_body;
    uint8_t method;
    struct wire_bytes data;
    const struct chain *chain; /* with its CERT payloads */
};

/* Whether the peer of SA is, under C, who it says. KEYS as above. False, with a sentence. */
bool auth_check(const struct ike_sa *sa, const struct ike_keys *keys, const struct ike_conf *c,
                const struct identity *me, const struct auth_claim *claim, char error[static AUTH_ERROR_MAX]);

/* Whether C asks for the kind of proof that METHOD is. */
bool auth_fits_method(const struct ike_conf *c, uint8_t method);

/* Both ------------------------------------------------------------------------------------------------------------ */

/* RFC 7296 2.15: what AUTH of one side covers. */
struct auth_octets {
    keymat_bytes message;
    keymat_bytes nonce;
    const uint8_t *sk_p;
};
struct auth_octets auth_octets_of(const struct ike_sa *sa, const struct ike_keys *keys, bool mine);

/* The octets that are signed, whole; the caller's to free. NULL: no memory. */
uint8_t *auth_octets_join(const struct auth_octets *o, const struct alg *prf, const keymat_bytes *id, size_t *ret_len);

/* ID and AUTH of a message. False where one is missing or malformed. */
bool auth_read_claim(const struct chain *c, enum ike_payload which, struct auth_claim *ret);

/* The tokens of quick crash detection (RFC 6290 4.2): ours, and the peer's to remember. */
void auth_write_qcd(const struct ike_sa *sa, struct chain_writer *cw);
void auth_take_qcd(struct ike_sa *sa, const struct chain *c);

/* As initiator: the peer holds its IKE_SA for established and is told that it is not, with NOTIFY (RFC 7296 2.21.2).
 * Nobody waits for an answer. */
void auth_tell_failed(struct ike_sa *sa, uint16_t notify);

/* Both sides are authenticated. SA may be another's to replace: look at its state afterwards. */
void auth_log_success(const struct ike_sa *sa, const struct auth_claim *claim);
void auth_established(struct ike_sa *sa, bool initial_contact, usec_t now);

/* PPK (RFC 8784) -------------------------------------------------------------------------------------------------- */

/* KEYS of SA with the PPK called ID mixed in. -ENOENT where there is none, -ENOMEM. */
int auth_ppk_mix(const struct ike_sa *sa, const struct identity *id, struct ike_keys *ret);
void auth_ppk_write_id(struct chain_writer *cw, const struct identity *id);
/* The identity in a PPK_IDENTITY notification that C accepts. False: none. */
bool auth_ppk_read_id(const struct ike_conf *c, const struct notify_payload *n, struct identity *ret);

/* The connections that fit a peer that calls itself PEER and us ME (NULL: by no name), best first. Returns how many. */
size_t auth_candidates(const struct ike_sa *sa, const struct identity *peer, const struct identity *me,
                       struct ike_conf *ret[static AUTH_CANDIDATES_MAX]);
