/*
 * Encryption and integrity of one direction of an IKE_SA (RFC 7296 3.14, RFC 5282) or of an ESP SA (RFC 4303, 4106,
 * 3602, 4868, 7634). One context for each direction, keyed once; for a packet only the nonce is set.
 */
#pragma once

#include "base/cleanup.h"
#include "engine/crypto/alg.h"

struct seal;

/* The parts of a message; all borrowed. TEXT is encrypted in place; its length is a multiple of the block. */
struct seal_text {
    const uint8_t *aad; /* authenticated in front of the IV */
    size_t aad_len;
    uint8_t *iv; /* iv_len bytes: written by seal_encrypt(), read by seal_decrypt() */
    uint8_t *text;
    size_t text_len;
    const uint8_t *tail; /* authenticated behind the cipher text, not sent: high half of an ESN with HMAC; or NULL */
    size_t tail_len;
    uint8_t *icv; /* icv_len bytes */
};

/* KEY_ENCR holds key and salt (alg->key_len + salt_len). INTEG and KEY_INTEG are NULL for an AEAD. Keys are copied.
 * -EINVAL where the two do not go together, -ENOMEM. */
int seal_new(const struct alg *encr, const uint8_t *key_encr, const struct alg *integ, const uint8_t *key_integ,
             struct seal **ret);
struct seal *seal_free(struct seal *s); /* wipes; accepts NULL */
DEFINE_CLEANUP(struct seal *, seal_free)

size_t seal_iv_len(const struct seal *s);
size_t seal_icv_len(const struct seal *s);
size_t seal_block(const struct seal *s);
bool seal_is_aead(const struct seal *s);

/* COUNTER is never given twice for one key: it makes the IV of an AEAD, and of CBC, where it is encrypted first so that
 * nobody can foresee it. */
void seal_encrypt(struct seal *s, uint64_t counter, const struct seal_text *t);

/* -EBADMSG where the message does not verify; TEXT is then of no use. Compares in constant time. */
int seal_decrypt(struct seal *s, const struct seal_text *t);
