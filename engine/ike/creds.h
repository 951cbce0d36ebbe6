/*
 * What load-shared, load-cert and load-key brought: shared secrets, certificates, private keys, CAs and CRLs, in memory
 * only, each with a maximum. What a lookup returns is borrowed until the store changes; who keeps a certificate takes a
 * reference, who keeps a secret copies it.
 */
#pragma once

#include "base/secret.h"
#include "engine/crypto/trust.h"
#include "engine/ike/identity.h"

#define CREDS_SHARED_MAX 256
#define CREDS_OWNERS_MAX 8   /* of one secret */
#define CREDS_UNIQUE_MAX 128 /* bytes of a unique id, with the NUL */
#define CREDS_CERTS_MAX  256
#define CREDS_KEYS_MAX   64

enum creds_kind {
    CREDS_IKE, /* a PSK */
    CREDS_PPK, /* RFC 8784 */
};

/* `flag` of load-cert */
enum creds_flag {
    CREDS_CERT_NONE,
    CREDS_CERT_CA,
};

struct creds;

int creds_new(struct creds **ret);
struct creds *creds_free(struct creds *c); /* wipes; accepts NULL */
DEFINE_CLEANUP(struct creds *, creds_free)

/* Forgets all, as clear-creds does. */
void creds_clear(struct creds *c);

/*
 * Takes SECRET in any case. UNIQUE is what get-shared and unload-shared call it; a secret of the same id is replaced.
 * With NULL it has none, and one with the same secret and owners is not stored twice. Without owners it is anybody's.
 * -EINVAL for an empty secret or too long an id, -E2BIG for too many owners, -ENOSPC at the maximum, -ENOMEM.
 */
int creds_take_shared(struct creds *c, enum creds_kind kind, const char *unique, const struct identity *owners,
                      size_t count, struct secret *secret);

int creds_remove_shared(struct creds *c, const char *unique);      /* -ENOENT */
const char *creds_next_unique(const struct creds *c, size_t *pos); /* walks the ids from *POS = 0; NULL at the end */

/*
 * The secret whose owners match best: the peer's identity counts first, then ours, and of equal ones the first. An
 * owner may have wildcards. One of ME and PEER may be NULL where it is not known. NULL where there is none.
 */
const struct secret *creds_shared(const struct creds *c, enum creds_kind kind, const struct identity *me,
                                  const struct identity *peer);

/* Takes a reference; a CA becomes a trust anchor or an intermediate of ours. Again is no error. -EINVAL for a CA that
 * is none, -ENOSPC at a maximum. */
int creds_add_cert(struct creds *c, struct cert *cert, enum creds_flag flag);
struct cert *creds_next_cert(const struct creds *c, size_t *pos, enum creds_flag *ret_flag); /* NULL at the end */

/* Takes KEY in any case; again is no error. -ENOSPC at the maximum. */
int creds_take_key(struct creds *c, struct pkey *key);
int creds_remove_key(struct creds *c, const uint8_t id[static PKEY_ID_LEN]); /* -ENOENT */
const struct pkey *creds_next_key(const struct creds *c, size_t *pos);       /* NULL at the end */

/* The private key of CERT, or NULL. */
const struct pkey *creds_key_of(const struct creds *c, const struct cert *cert);

/* The certificate with a private key that says ID best, or NULL. */
struct cert *creds_own_cert(const struct creds *c, const struct identity *id);

struct trust *creds_trust(const struct creds *c); /* CAs and CRLs; borrowed */
