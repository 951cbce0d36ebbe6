/*
 * Private and public keys: RSA, ECDSA over P-256, P-384 and P-521, Ed25519. A key is immutable; OpenSSL wipes a private
 * one when it is given back. Nothing here formats a key.
 */
#pragma once

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PKEY_FILE_MAX     16384 /* bytes, PEM or DER */
#define PKEY_RSA_BITS_MIN 1024
#define PKEY_RSA_BITS_MAX 8192
#define PKEY_ID_LEN       20

enum pkey_kind {
    PKEY_RSA,
    PKEY_ECDSA,
    PKEY_ED25519,
};

struct pkey;
struct evp_pkey_st;

/* A private key: PKCS#8, PKCS#1 or SEC1, as PEM or DER. -EFBIG, -EBADMSG where it cannot be read (or is encrypted),
 * -ENOTSUP for another kind, curve or size, -ENOMEM. */
int pkey_parse(const void *data, size_t len, struct pkey **ret);

/* Takes a reference to OpenSSL's key of either kind, e.g. of a certificate. -ENOTSUP, -ENOMEM */
int pkey_of_evp(struct evp_pkey_st *evp, struct pkey **ret);

struct pkey *pkey_free(struct pkey *k); /* accepts NULL */
DEFINE_CLEANUP(struct pkey *, pkey_free)

enum pkey_kind pkey_kind(const struct pkey *k);
unsigned pkey_bits(const struct pkey *k);                   /* 2048, 256, 521 */
const char *pkey_kind_name(enum pkey_kind kind);            /* "RSA", "ECDSA", "ED25519", as charon */
bool pkey_same(const struct pkey *a, const struct pkey *b); /* the same public half */
struct evp_pkey_st *pkey_evp(const struct pkey *k);         /* borrowed; for engine/crypto only */

/* SHA-1 of the subjectPublicKey: the key id that load-key answers with. */
const uint8_t *pkey_id(const struct pkey *k); /* PKEY_ID_LEN bytes, borrowed */

/* SHA-1 of the SubjectPublicKeyInfo: what stands in a CERTREQ (RFC 7296 3.7). */
const uint8_t *pkey_info_id(const struct pkey *k); /* PKEY_ID_LEN bytes, borrowed */
