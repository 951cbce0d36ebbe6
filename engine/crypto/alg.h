/*
 * The algorithms that the engine knows, as one table. Numbers are IANA's (Internet Key Exchange Version 2 Parameters),
 * names are charon's. Key lengths are in bits as on the wire, everything else is in bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ALG_KEY_MAX   64 /* bytes of a key, without salt */
#define ALG_SALT_MAX  4
#define ALG_BLOCK_MAX 16
#define ALG_IV_MAX    16
#define ALG_ICV_MAX   32
#define ALG_PRF_MAX   64 /* output of a PRF */

/* transform types, RFC 7296 3.3.2 */
enum alg_type {
    ALG_ENCR = 1,
    ALG_PRF = 2,
    ALG_INTEG = 3,
    ALG_DH = 4,
    ALG_ESN = 5,
};

struct alg {
    enum alg_type type;
    uint16_t id;
    uint16_t key_bits;   /* the Key Length attribute; 0 where the transform has none */
    const char *name;    /* as in list-sas: "AES_GCM_16", "HMAC_SHA2_256_128", "PRF_HMAC_SHA2_256", "ECP_256" */
    const char *keyword; /* in a proposal of swanctl.conf: "aes128gcm16", "sha256", "prfsha256", "ecp256" */
    bool aead;
    bool legacy;      /* only with allow-legacy */
    uint8_t key_len;  /* without the salt */
    uint8_t salt_len; /* AEAD: part of the keying material (RFC 4106 8.1, RFC 7634) */
    uint8_t block;    /* what the plain text is padded to: 16 for CBC, 1 otherwise */
    uint8_t iv_len;   /* explicit IV in the packet */
    uint8_t icv_len;
    uint8_t out_len; /* PRF: output and preferred key length */
};

/* NULL where the engine does not know it. KEY_BITS is 0 where the transform has no Key Length attribute. */
const struct alg *alg_find(enum alg_type type, uint16_t id, uint16_t key_bits);

/* By its keyword in a proposal of swanctl.conf, aliases included ("sha2_256", "x25519"); NULL where unknown. A keyword
 * of an integrity algorithm ("sha256") names its PRF too: TYPE tells which is wanted. */
const struct alg *alg_by_keyword(enum alg_type type, const char *keyword);

/* Walks the table: *POS starts at 0; NULL at the end. */
const struct alg *alg_next(size_t *pos);
