/* A small certification authority for tests: certificates and CRLs with OpenSSL. */
#pragma once

#include "engine/crypto/cert.h"

struct pki_party;

struct pki_spec {
    const char *cn;
    const struct pki_party *issuer; /* NULL: self-signed */
    bool ca;
    const char *path_len; /* of a CA; NULL for none */
    const char *sans;     /* as in openssl.cnf: "DNS:a.example, IP:192.0.2.1"; NULL for none */
    const char *crl_uri;  /* NULL for none */
    const char *digest;   /* "SHA256" where NULL */
    const char *key;      /* "P-256" where NULL, another curve, or "RSA" of 2048 bits */
    int64_t from, until;  /* seconds since 1970 */
};

struct pki_party *pki_make(const struct pki_spec *spec);
struct pki_party *pki_free(struct pki_party *p);
DEFINE_CLEANUP(struct pki_party *, pki_free)

struct cert *pki_cert(const struct pki_party *p); /* borrowed */
struct pkey *pki_key(const struct pki_party *p);  /* the private key, borrowed */

/* The same certificate with a bit of its signature changed; the caller's. */
struct cert *pki_forged(const struct pki_party *p);

/* DER of a CRL by ISSUER that lists REVOKED (or nobody where NULL); returns its length. */
size_t pki_crl(const struct pki_party *issuer, const struct pki_party *revoked, int64_t from, int64_t until,
               uint8_t *buf, size_t size);
