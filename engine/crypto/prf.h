/* The pseudorandom functions of IKEv2 (RFC 7296 2.13): HMAC over data that is given in parts. */
#pragma once

#include "engine/crypto/alg.h"

#define PRF_PARTS_MAX 8 /* of the data of one call */

/* A part of the data; borrowed. */
struct prf_part {
    const uint8_t *data;
    size_t len;
};

/* Writes alg->out_len bytes to RET. KEY may have any length but 0. -ENOMEM. */
int prf(const struct alg *alg, const uint8_t *key, size_t key_len, const struct prf_part *parts, size_t n,
        uint8_t *ret);

/* prf+: writes RET_LEN bytes, at most 255 times alg->out_len. -EMSGSIZE where more are wanted, -ENOMEM. */
int prf_plus(const struct alg *alg, const uint8_t *key, size_t key_len, const struct prf_part *parts, size_t n,
             uint8_t *ret, size_t ret_len);
