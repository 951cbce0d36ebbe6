/* ECP groups: a public value is x | y, the shared secret is x alone (RFC 5903 7). */
#include "base/cleanup.h"
#include "engine/crypto/dh_group.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <string.h>

#define POINT_MAX (1 + 132) /* with the byte that says uncompressed */

struct curve {
    BN_CTX *ctx;
    EC_GROUP *group;
    EC_POINT *point;
    BIGNUM *private;
    BIGNUM *x;
    BIGNUM *y;
};

static void curve_done(struct curve *c)
{
    BN_clear_free(c->private);
    BN_clear_free(c->x);
    BN_clear_free(c->y);
    EC_POINT_clear_free(c->point);
    EC_GROUP_free(c->group);
    BN_CTX_free(c->ctx);
}

static int load(const struct dh_group *g, struct curve *c)
{
    *c = (struct curve){
        .ctx = BN_CTX_secure_new(),
        .group = EC_GROUP_new_by_curve_name(EC_curve_nist2nid(g->name)),
        .private = BN_secure_new(),
        .x = BN_new(),
        .y = BN_new(),
    };
    if (c->group)
        c->point = EC_POINT_new(c->group);
    return c->ctx && c->private && c->x && c->y && c->point ? 0 : -ENOMEM;
}

/* 0 < private < order */
static int take_private(struct curve *c, const uint8_t *private, size_t len)
{
    if (!BN_bin2bn(private, (int)len, c->private))
        return -ENOMEM;
    BN_set_flags(c->private, BN_FLG_CONSTTIME);
    return BN_is_zero(c->private) || BN_cmp(c->private, EC_GROUP_get0_order(c->group)) >= 0 ? -ERANGE : 0;
}

static int ecp_generate(const struct dh_group *g, uint8_t *ret_private, size_t *ret_len)
{
    cleanup(curve_done) struct curve c;
    int r = load(g, &c);

    if (r < 0)
        return r;
    do {
        if (BN_priv_rand_range(c.private, EC_GROUP_get0_order(c.group)) != 1)
            return -ENOMEM;
    } while (BN_is_zero(c.private));
    if (BN_bn2binpad(c.private, ret_private, (int)g->secret_len) < 0)
        return -ENOMEM;
    *ret_len = g->secret_len;
    return 0;
}

static int ecp_public(const struct dh_group *g, const uint8_t *private, size_t len, uint8_t *ret)
{
    cleanup(curve_done) struct curve c;
    const int half = (int)g->secret_len;
    int r = load(g, &c);

    if (r == 0)
        r = take_private(&c, private, len);
    if (r < 0)
        return r;
    if (EC_POINT_mul(c.group, c.point, c.private, NULL, NULL, c.ctx) != 1 ||
        EC_POINT_get_affine_coordinates(c.group, c.point, c.x, c.y, c.ctx) != 1 || BN_bn2binpad(c.x, ret, half) < 0 ||
        BN_bn2binpad(c.y, ret + half, half) < 0)
        return -ENOMEM;
    return 0;
}

static int ecp_secret(const struct dh_group *g, const uint8_t *private, size_t len, const uint8_t *peer, uint8_t *ret)
{
    cleanup(curve_done) struct curve c;
    uint8_t point[POINT_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
    int r = load(g, &c);

    if (r == 0)
        r = take_private(&c, private, len);
    if (r < 0)
        return r;
    memcpy(point + 1, peer, g->public_len);
    /* RFC 6989 2.3: both coordinates in range and the point on the curve. Cofactors are 1: there is no subgroup. */
    if (EC_POINT_oct2point(c.group, c.point, point, 1 + g->public_len, c.ctx) != 1)
        return -EBADMSG;
    if (EC_POINT_mul(c.group, c.point, NULL, c.point, c.private, c.ctx) != 1)
        return -ENOMEM;
    if (EC_POINT_get_affine_coordinates(c.group, c.point, c.x, NULL, c.ctx) != 1) /* infinity has none */
        return -EBADMSG;
    return BN_bn2binpad(c.x, ret, (int)g->secret_len) < 0 ? -ENOMEM : 0;
}

const struct dh_family dh_ecp = {ecp_generate, ecp_public, ecp_secret};
