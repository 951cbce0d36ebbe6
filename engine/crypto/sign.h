/*
 * Signatures of the AUTH payload. METHOD and the hashes are IANA's numbers, as in engine/wire/ikev2.h: 1 is RSA with
 * SHA-1 (RFC 7296 2.15), 9 to 11 are ECDSA as r and s (RFC 4754), 14 names its algorithm (RFC 7427, RFC 8420).
 * OCTETS are the signed octets of RFC 7296 2.15, whole.
 */
#pragma once

#include "engine/crypto/pkey.h"

#define SIGN_AUTH_MAX 1536 /* bytes of AUTH data: 8192 bits of RSA and the algorithm */

/* A set of hash algorithms (RFC 7427 7) is a bit for each number. */
#define SIGN_HASH(number) (1U << (number))

#define SIGN_HASHES_MAX   4

/* The hashes that verifying takes, strongest last, as they go into SIGNATURE_HASH_ALGORITHMS. */
extern const uint16_t sign_hashes[SIGN_HASHES_MAX];

/* The set of all in sign_hashes; reads the peer's notification of LEN bytes. -EINVAL where LEN is odd. */
unsigned sign_hashes_all(void);
int sign_hashes_read(const void *data, size_t len, unsigned *ret);

/* The method that K signs with for a peer that knows HASHES: 14 where one fits, else the old one; 0 where there is none
 * (Ed25519 and a peer without RFC 8420). */
uint8_t sign_method(const struct pkey *k, unsigned hashes);

/* Writes AUTH data. -ENOTSUP where K cannot sign with METHOD and HASHES, -ENOBUFS, -EIO where OpenSSL fails. */
int sign_auth(const struct pkey *k, uint8_t method, unsigned hashes, const void *octets, size_t len, uint8_t *buf,
              size_t size, size_t *ret_len);

/* -EBADMSG where the AUTH data is malformed or not K's signature; -ENOTSUP where its algorithm is none of ours, not
 * among HASHES, or not one for K. */
int sign_verify(const struct pkey *k, uint8_t method, unsigned hashes, const void *octets, size_t len, const void *auth,
                size_t auth_len);
