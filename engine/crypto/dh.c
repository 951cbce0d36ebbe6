#include "engine/crypto/dh.h"

#include "engine/crypto/dh_group.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

struct dh {
    const struct alg *alg;
    const struct dh_group *group;
    size_t private_len;
    uint8_t private[DH_PRIVATE_MAX];
    uint8_t public[DH_PUBLIC_MAX];
};

static int dh_alloc(const struct alg *alg, struct dh **ret)
{
    const struct dh_group *group = alg->type == ALG_DH ? dh_group_find(alg->id) : NULL;
    struct dh *d;

    if (!group)
        return -EOPNOTSUPP;
    d = calloc(1, sizeof(*d));
    if (!d)
        return -ENOMEM;
    d->alg = alg;
    d->group = group;
    *ret = d;
    return 0;
}

int dh_new(const struct alg *alg, struct dh **ret)
{
    cleanup(dh_freep) struct dh *d = NULL;
    int r = dh_alloc(alg, &d);

    if (r == 0)
        r = d->group->family->generate(d->group, d->private, &d->private_len);
    if (r == 0)
        r = d->group->family->public(d->group, d->private, d->private_len, d->public);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(d);
    return 0;
}

int dh_new_private(const struct alg *alg, const uint8_t *private, size_t len, struct dh **ret)
{
    cleanup(dh_freep) struct dh *d = NULL;
    int r = dh_alloc(alg, &d);

    if (r < 0)
        return r;
    if (len == 0 || len > sizeof(d->private))
        return -ERANGE;
    memcpy(d->private, private, len);
    d->private_len = len;
    r = d->group->family->public(d->group, d->private, d->private_len, d->public);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(d);
    return 0;
}

struct dh *dh_free(struct dh *d)
{
    if (d) {
        OPENSSL_cleanse(d, sizeof(*d));
        free(d);
    }
    return NULL;
}

const struct alg *dh_alg(const struct dh *d)
{
    return d->alg;
}

size_t dh_public_len(const struct alg *alg)
{
    const struct dh_group *group = alg->type == ALG_DH ? dh_group_find(alg->id) : NULL;

    return group ? group->public_len : 0;
}

const uint8_t *dh_public(const struct dh *d)
{
    return d->public;
}

int dh_secret(const struct dh *d, const uint8_t *peer, size_t peer_len, uint8_t *ret, size_t *ret_len)
{
    int r;

    if (peer_len != d->group->public_len)
        return -EBADMSG;
    r = d->group->family->secret(d->group, d->private, d->private_len, peer, ret);
    if (r == 0)
        *ret_len = d->group->secret_len;
    return r;
}
