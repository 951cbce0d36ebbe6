/*
 * What the engine believes: CA certificates and CRLs, in memory only and bounded. A chain is judged at a given wall
 * time; it ends at a self-signed CA of the store, as charon asks too. Nothing is fetched.
 */
#pragma once

#include "engine/crypto/cert.h"

#define TRUST_CAS_MAX   64
#define TRUST_CRLS_MAX  64
#define TRUST_CRL_MAX   1048576 /* bytes of one CRL */
#define TRUST_CHAIN_MAX 8       /* certificates of the peer besides its own; further ones are not looked at */
#define TRUST_DEPTH_MAX 6       /* intermediate CAs of a chain */

enum trust_error {
    TRUST_FINE,
    TRUST_EXPIRED,
    TRUST_NOT_YET_VALID,
    TRUST_UNKNOWN_ISSUER,
    TRUST_REVOKED,
    TRUST_NO_CRL, /* none, or none that is fresh, and the policy asks for one */
    TRUST_BAD_SIGNATURE,
    TRUST_NOT_A_CA, /* an issuer that may not issue */
    TRUST_OTHER_CA, /* trust_verify_under(): none of those that were asked for is in the chain */
    TRUST_WEAK,     /* a key or a hash that is too weak */
    TRUST_INVALID,  /* anything else */
};

/* `revocation` of swanctl.conf. A certificate that a CRL lists is refused by all but the first. */
enum trust_revocation {
    TRUST_REVOCATION_NONE,
    TRUST_REVOCATION_RELAXED, /* the default: without a CRL it is fine */
    TRUST_REVOCATION_IFURI,   /* without a CRL it is fine where the certificate names none */
    TRUST_REVOCATION_STRICT,  /* a fresh CRL for each certificate of the chain */
};

struct trust;

int trust_new(struct trust **ret);
struct trust *trust_free(struct trust *t); /* accepts NULL */
DEFINE_CLEANUP(struct trust *, trust_free)

/* Takes a reference to CA; again is no error. -EINVAL where it is no CA, -ENOSPC at the maximum. */
int trust_add_ca(struct trust *t, struct cert *ca);

/* PEM or DER; an older one of the same issuer goes, a newer one stays. -EFBIG, -EBADMSG, -ENOSPC, -ESTALE. */
int trust_add_crl(struct trust *t, const void *data, size_t len);
void trust_clear(struct trust *t);

/* Judges C at WALL with the COUNT certificates of the peer at CHAIN, in any order. */
enum trust_error trust_verify(const struct trust *t, const struct cert *c, struct cert *const *chain, size_t count,
                              usec_t wall, enum trust_revocation policy);

/* As trust_verify(), with the CA certificates CAS besides those of T; one of them must be in the chain, or else it is
 * TRUST_OTHER_CA. Without any it is trust_verify(). */
enum trust_error trust_verify_under(const struct trust *t, const struct cert *c, struct cert *const *chain,
                                    size_t count, struct cert *const *cas, size_t n_cas, usec_t wall,
                                    enum trust_revocation policy);

const char *trust_error_text(enum trust_error error); /* a sentence without its end: "the certificate has expired" */

/* The hashes of a CERTREQ (RFC 7296 3.7), PKEY_ID_LEN bytes for each CA. -ENOBUFS */
int trust_certreq(const struct trust *t, uint8_t *buf, size_t size, size_t *ret_len);
