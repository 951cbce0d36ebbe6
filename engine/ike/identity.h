/*
 * An identity of IKEv2 (RFC 7296 3.5): a value, no memory of its own. Text is read and printed as charon does, so that
 * a swanctl.conf means the same. What a peer sends is never a pattern: identity_equal() and identity_in_cert() take it
 * literally; only what is configured may have wildcards.
 */
#pragma once

#include "base/addr.h"
#include "engine/crypto/cert.h"
#include "engine/wire/ikev2.h"

#define IDENTITY_MAX      512  /* bytes on the wire */
#define IDENTITY_TEXT_MAX 1024 /* and the NUL */

/* How well a pattern matches; more is better. */
#define IDENTITY_MATCH_NONE     0U
#define IDENTITY_MATCH_ANY      1U
#define IDENTITY_MATCH_MANY     2U  /* a DN with 18 wildcards or more; one fewer is one better */
#define IDENTITY_MATCH_WILDCARD 19U /* with one wildcard */
#define IDENTITY_MATCH_PERFECT  20U

struct identity {
    enum ike_id_type type;
    size_t len; /* 0 for ID_ANY */
    uint8_t data[IDENTITY_MAX];
};

/* "%any", "192.0.2.1", "a.example", "@a.example", "u@a.example", "C=CH, CN=x", "@#0a0b", "keyid:x", "fqdn:x" and so on.
 * -EINVAL where the text after a prefix is wrong, -ENOTSUP for ranges and subnets, -ENOBUFS where it is too long. */
int identity_parse(const char *text, struct identity *ret);

/* The body of an ID payload. -ENOTSUP for a type that is not known, -EBADMSG where the data cannot be one. */
int identity_from_wire(uint8_t type, const void *data, size_t len, struct identity *ret);

struct identity identity_any(void);
struct identity identity_of_addr(const struct addr *a);              /* %any where it is not set */
int identity_of_subject(const struct cert *c, struct identity *ret); /* -EBADMSG where it is empty or too long */

/* As charon prints it; what is not printable becomes '?'. Returns BUF. */
const char *identity_text(const struct identity *id, char buf[static IDENTITY_TEXT_MAX]);

bool identity_equal(const struct identity *a, const struct identity *b);
bool identity_has_wildcards(const struct identity *id);
unsigned identity_match(const struct identity *id, const struct identity *pattern);

/* Whether C says that its owner is ID: the subject, a subjectAltName, or a key id. */
bool identity_in_cert(const struct identity *id, const struct cert *c);

/* The best match of what C says with PATTERN. */
unsigned identity_match_cert(const struct cert *c, const struct identity *pattern);
