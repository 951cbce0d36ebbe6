#include "engine/ike/creds.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>

struct shared {
    enum creds_kind kind;
    char unique[CREDS_UNIQUE_MAX]; /* "" for none */
    struct secret *secret;         /* owned */
    struct identity *owners;       /* owned */
    size_t count;
};

struct entry {
    struct cert *cert; /* a reference */
    enum creds_flag flag;
};

struct creds {
    struct shared shared[CREDS_SHARED_MAX];
    size_t shareds;
    struct entry cert[CREDS_CERTS_MAX];
    size_t certs;
    struct pkey *key[CREDS_KEYS_MAX]; /* owned */
    size_t keys;
    struct trust *trust; /* owned */
};

int creds_new(struct creds **ret)
{
    cleanup(creds_freep) struct creds *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    if (trust_new(&c->trust) < 0)
        return -ENOMEM;
    *ret = TAKE_PTR(c);
    return 0;
}

static void shared_done(struct shared *s)
{
    secret_free(s->secret);
    free(s->owners);
    *s = (struct shared){0};
}

void creds_clear(struct creds *c)
{
    while (c->shareds > 0)
        shared_done(&c->shared[--c->shareds]);
    while (c->certs > 0)
        cert_unref(c->cert[--c->certs].cert);
    while (c->keys > 0)
        pkey_free(c->key[--c->keys]);
    trust_clear(c->trust);
}

struct creds *creds_free(struct creds *c)
{
    if (c && c->trust)
        creds_clear(c);
    if (c)
        trust_free(c->trust);
    free(c);
    return NULL;
}

static struct shared *find_unique(struct creds *c, const char *unique)
{
    for (size_t i = 0; i < c->shareds; i++)
        if (c->shared[i].unique[0] != '\0' && strcmp(c->shared[i].unique, unique) == 0)
            return &c->shared[i];
    return NULL;
}

static bool same_shared(const struct shared *a, const struct shared *b)
{
    if (a->kind != b->kind || a->count != b->count || !secret_equal(a->secret, b->secret))
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!identity_equal(&a->owners[i], &b->owners[i]))
            return false;
    return true;
}

/* Where S goes: over the one with its id, or over one that is the same and has no id either; NULL where it is full. */
static struct shared *place_of(struct creds *c, const struct shared *s)
{
    struct shared *old = s->unique[0] != '\0' ? find_unique(c, s->unique) : NULL;

    for (size_t i = 0; !old && s->unique[0] == '\0' && i < c->shareds; i++)
        if (c->shared[i].unique[0] == '\0' && same_shared(&c->shared[i], s))
            old = &c->shared[i];
    if (old)
        return old;
    return c->shareds < CREDS_SHARED_MAX ? &c->shared[c->shareds++] : NULL;
}

static int fill_shared(struct shared *s, const char *unique, const struct identity *owners, size_t count)
{
    if (secret_len(s->secret) == 0 || !str_copy(s->unique, sizeof(s->unique), str_or(unique, "")))
        return -EINVAL;
    if (count > CREDS_OWNERS_MAX)
        return -E2BIG;
    if (count == 0)
        return 0;
    s->owners = calloc(count, sizeof(*owners));
    if (!s->owners)
        return -ENOMEM;
    memcpy(s->owners, owners, count * sizeof(*owners));
    s->count = count;
    return 0;
}

int creds_take_shared(struct creds *c, enum creds_kind kind, const char *unique, const struct identity *owners,
                      size_t count, struct secret *secret)
{
    struct shared s = {.kind = kind, .secret = secret}, *place = NULL;
    int r = fill_shared(&s, unique, owners, count);

    if (r == 0) {
        place = place_of(c, &s);
        r = place ? 0 : -ENOSPC;
    }
    if (r < 0) {
        shared_done(&s);
        return r;
    }
    shared_done(place);
    *place = s;
    return 0;
}

int creds_remove_shared(struct creds *c, const char *unique)
{
    struct shared *s = find_unique(c, unique);
    size_t after;

    if (!s)
        return -ENOENT;
    shared_done(s);
    after = (size_t)(&c->shared[c->shareds] - s) - 1;
    memmove(s, s + 1, after * sizeof(*s)); /* the order counts where two match alike */
    c->shared[--c->shareds] = (struct shared){0};
    return 0;
}

const char *creds_next_unique(const struct creds *c, size_t *pos)
{
    while (*pos < c->shareds) {
        const struct shared *s = &c->shared[(*pos)++];

        if (s->unique[0] != '\0')
            return s->unique;
    }
    return NULL;
}

static unsigned owner_match(const struct shared *s, const struct identity *id)
{
    unsigned best = s->count == 0 ? IDENTITY_MATCH_ANY : IDENTITY_MATCH_NONE;

    if (!id)
        return IDENTITY_MATCH_NONE;
    for (size_t i = 0; i < s->count; i++) {
        unsigned match = identity_match(id, &s->owners[i]);

        best = match > best ? match : best;
    }
    return best;
}

const struct secret *creds_shared(const struct creds *c, enum creds_kind kind, const struct identity *me,
                                  const struct identity *peer)
{
    unsigned best_me = IDENTITY_MATCH_NONE, best_peer = IDENTITY_MATCH_NONE;
    const struct secret *best = NULL;

    for (size_t i = 0; i < c->shareds; i++) {
        const struct shared *s = &c->shared[i];
        unsigned mine = owner_match(s, me), theirs = owner_match(s, peer);

        if (s->kind != kind || (mine == IDENTITY_MATCH_NONE && theirs == IDENTITY_MATCH_NONE))
            continue;
        if (best && (theirs < best_peer || (theirs == best_peer && mine <= best_me)))
            continue;
        best = s->secret;
        best_me = mine;
        best_peer = theirs;
    }
    return best;
}

int creds_add_cert(struct creds *c, struct cert *cert, enum creds_flag flag)
{
    int r;

    for (size_t i = 0; i < c->certs; i++)
        if (c->cert[i].flag == flag && cert_equal(c->cert[i].cert, cert))
            return 0;
    if (c->certs == CREDS_CERTS_MAX)
        return -ENOSPC;
    r = flag == CREDS_CERT_CA ? trust_add_ca(c->trust, cert) : 0;
    if (r < 0)
        return r;
    c->cert[c->certs++] = (struct entry){.cert = cert_ref(cert), .flag = flag};
    return 0;
}

struct cert *creds_next_cert(const struct creds *c, size_t *pos, enum creds_flag *ret_flag)
{
    const struct entry *e;

    if (*pos >= c->certs)
        return NULL;
    e = &c->cert[(*pos)++];
    *ret_flag = e->flag;
    return e->cert;
}

int creds_take_key(struct creds *c, struct pkey *key)
{
    cleanup(pkey_freep) struct pkey *k = key;

    for (size_t i = 0; i < c->keys; i++)
        if (pkey_same(c->key[i], k))
            return 0;
    if (c->keys == CREDS_KEYS_MAX)
        return -ENOSPC;
    c->key[c->keys++] = TAKE_PTR(k);
    return 0;
}

int creds_remove_key(struct creds *c, const uint8_t id[static PKEY_ID_LEN])
{
    for (size_t i = 0; i < c->keys; i++) {
        if (memcmp(pkey_id(c->key[i]), id, PKEY_ID_LEN) != 0)
            continue;
        pkey_free(c->key[i]);
        c->key[i] = c->key[--c->keys];
        return 0;
    }
    return -ENOENT;
}

const struct pkey *creds_next_key(const struct creds *c, size_t *pos)
{
    return *pos < c->keys ? c->key[(*pos)++] : NULL;
}

const struct pkey *creds_key_of(const struct creds *c, const struct cert *cert)
{
    for (size_t i = 0; i < c->keys; i++)
        if (pkey_same(c->key[i], cert_key(cert)))
            return c->key[i];
    return NULL;
}

struct cert *creds_own_cert(const struct creds *c, const struct identity *id)
{
    unsigned best_match = IDENTITY_MATCH_NONE;
    struct cert *best = NULL;

    for (size_t i = 0; i < c->certs; i++) {
        struct cert *cert = c->cert[i].cert;
        unsigned match = identity_match_cert(cert, id);

        if (c->cert[i].flag != CREDS_CERT_NONE || match <= best_match || !creds_key_of(c, cert))
            continue;
        best = cert;
        best_match = match;
    }
    return best;
}

struct trust *creds_trust(const struct creds *c)
{
    return c->trust;
}
