/*
 * An X.509 certificate. Immutable; who shares one takes a reference. Whether it is to be believed is asked of a
 * `struct trust`.
 */
#pragma once

#include "base/clock.h"
#include "engine/crypto/pkey.h"

#define CERT_FILE_MAX 16384 /* bytes, PEM or DER */
#define CERT_SANS_MAX 32    /* further ones are not looked at */

struct cert;
struct x509_st;

/* TYPE is that of IKEv2's identities (RFC 7296 3.5): 1 IPv4, 2 FQDN, 3 RFC 822, 5 IPv6, 9 DN. */
struct cert_san {
    uint8_t type;
    const uint8_t *data; /* borrowed */
    size_t len;
};

/* One certificate, PEM or DER. -EFBIG, -EBADMSG where it cannot be read, -ENOTSUP where its key is not one of ours,
 * -ENOMEM. */
int cert_parse(const void *data, size_t len, struct cert **ret);
struct cert *cert_ref(struct cert *c);
struct cert *cert_unref(struct cert *c); /* accepts NULL; returns NULL */
DEFINE_CLEANUP(struct cert *, cert_unref)

const uint8_t *cert_der(const struct cert *c, size_t *ret_len);     /* as in a CERT payload */
const uint8_t *cert_subject(const struct cert *c, size_t *ret_len); /* DER of the Name */
const uint8_t *cert_issuer(const struct cert *c, size_t *ret_len);
const struct pkey *cert_key(const struct cert *c); /* the public key, borrowed */
usec_t cert_not_before(const struct cert *c);      /* wall time; 0 for what is before 1970 */
usec_t cert_not_after(const struct cert *c);
bool cert_is_ca(const struct cert *c); /* basicConstraints; a version 1 certificate is none */
bool cert_equal(const struct cert *a, const struct cert *b);
size_t cert_sans(const struct cert *c);
struct cert_san cert_san(const struct cert *c, size_t i);

struct x509_st *cert_x509(const struct cert *c); /* borrowed; for engine/crypto only */
