/* Key exchange: MODP (RFC 3526, 5114), ECP (RFC 5903), Curve25519 and Curve448 (RFC 8031). A key pair serves once. */
#pragma once

#include "base/cleanup.h"
#include "engine/crypto/alg.h"

#define DH_PUBLIC_MAX  1024 /* MODP_8192 */
#define DH_SECRET_MAX  1024
#define DH_PRIVATE_MAX 1024

struct dh;

/* A key pair of OpenSSL's randomness. -EOPNOTSUPP where ALG is no group of the table, -ENOMEM. */
int dh_new(const struct alg *alg, struct dh **ret);

/* With a private value of the caller's, in network order: for known answers. -ERANGE where it is none of the group. */
int dh_new_private(const struct alg *alg, const uint8_t *private, size_t len, struct dh **ret);

struct dh *dh_free(struct dh *d); /* wipes; accepts NULL */
DEFINE_CLEANUP(struct dh *, dh_free)

const struct alg *dh_alg(const struct dh *d);

/* Bytes of a public value of the group, which all have the same length; 0 where ALG is no group of the table. */
size_t dh_public_len(const struct alg *alg);

/* What goes into the KE payload, borrowed; dh_public_len() bytes. */
const uint8_t *dh_public(const struct dh *d);

/*
 * The shared secret, at most DH_SECRET_MAX bytes, in the length that the group has. -EBADMSG where the value of the
 * peer is none (RFC 6989 2, RFC 7748 6): length, range, order, curve. -ENOMEM.
 */
int dh_secret(const struct dh *d, const uint8_t *peer, size_t peer_len, uint8_t *ret, size_t *ret_len);
