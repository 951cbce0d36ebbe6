/*
 * MODP groups. The numbers come from OpenSSL's table of groups; the arithmetic is BN's, which EVP runs too, as EVP
 * neither has group 2 by name nor makes the public value for a given private one.
 */
#include "base/cleanup.h"
#include "engine/crypto/dh_group.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <string.h>

#define EXPONENT_BITS 512 /* twice the strength of the strongest group, RFC 3526 8 */

struct domain {
    BN_CTX *ctx; /* owns what its functions borrow; wiped when it goes */
    BIGNUM *p;
    BIGNUM *g;
    BIGNUM *q; /* the order of g where it is much smaller than p (RFC 5114), or NULL */
};

static void domain_done(struct domain *d)
{
    BN_free(d->p);
    BN_free(d->g);
    BN_free(d->q);
    BN_CTX_free(d->ctx);
}

static void pkey_freep(EVP_PKEY **p)
{
    EVP_PKEY_free(*p);
}

static void pkey_ctx_freep(EVP_PKEY_CTX **ctx)
{
    EVP_PKEY_CTX_free(*ctx);
}

static int load_named(const struct dh_group *group, struct domain *d)
{
    const char *type = strncmp(group->name, "dh_", 3) == 0 ? "DHX" : "DH";
    cleanup(pkey_ctx_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    cleanup(pkey_freep) EVP_PKEY *pkey = NULL;
    OSSL_PARAM params[] = {OSSL_PARAM_END, OSSL_PARAM_END};
    char name[16];

    (void)stpcpy(name, group->name);
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0);
    if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEY_PARAMETERS, params) != 1 ||
        EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_FFC_P, &d->p) != 1 ||
        EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_FFC_G, &d->g) != 1 ||
        EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_FFC_Q, &d->q) != 1)
        return -ENOMEM;
    if (BN_num_bits(d->q) >= BN_num_bits(d->p) - 1) { /* a safe prime has no small subgroups */
        BN_free(d->q);
        d->q = NULL;
    }
    return 0;
}

static int load(const struct dh_group *group, struct domain *d)
{
    *d = (struct domain){.ctx = BN_CTX_secure_new()};
    if (!d->ctx)
        return -ENOMEM;
    if (group->name)
        return load_named(group, d);
    d->p = BN_get_rfc2409_prime_1024(NULL);
    d->g = BN_new();
    return d->p && d->g && BN_set_word(d->g, 2) == 1 ? 0 : -ENOMEM;
}

/* 1 < n < p - 1 */
static bool in_range(const struct domain *d, const BIGNUM *n)
{
    BIGNUM *top = BN_CTX_get(d->ctx);

    return top && BN_copy(top, d->p) && BN_sub_word(top, 1) == 1 && !BN_is_zero(n) && !BN_is_one(n) &&
           BN_cmp(n, top) < 0;
}

/* RFC 6989 2.1, and 2.2 for the groups with small subgroups. */
static bool is_public(const struct domain *d, const BIGNUM *y)
{
    BIGNUM *one = BN_CTX_get(d->ctx);

    if (!one || !in_range(d, y))
        return false;
    return !d->q || (BN_mod_exp(one, y, d->q, d->p, d->ctx) == 1 && BN_is_one(one));
}

static int modp_generate(const struct dh_group *group, uint8_t *ret_private, size_t *ret_len)
{
    cleanup(domain_done) struct domain d;
    BIGNUM *x;
    int r = load(group, &d);

    if (r < 0)
        return r;
    BN_CTX_start(d.ctx);
    x = BN_CTX_get(d.ctx);
    r = -ENOMEM;
    if (x && d.q)
        r = BN_priv_rand_range(x, d.q) == 1 ? 0 : -ENOMEM;
    else if (x)
        r = BN_priv_rand(x, EXPONENT_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 ? 0 : -ENOMEM;
    if (r == 0) {
        *ret_len = EXPONENT_BITS / 8;
        if (BN_bn2binpad(x, ret_private, EXPONENT_BITS / 8) < 0)
            r = -ENOMEM;
    }
    BN_CTX_end(d.ctx);
    return r;
}

/* BASE to the power of PRIVATE, in the length of the prime; -ERANGE where PRIVATE or what comes out is none. */
static int power(const struct domain *d, const struct dh_group *group, const BIGNUM *base, const uint8_t *private,
                 size_t len, uint8_t *ret)
{
    BIGNUM *x = BN_CTX_get(d->ctx), *z = BN_CTX_get(d->ctx);

    if (!x || !z || !BN_bin2bn(private, (int)len, x))
        return -ENOMEM;
    if (!in_range(d, x))
        return -ERANGE;
    BN_set_flags(x, BN_FLG_CONSTTIME);
    if (BN_mod_exp_mont_consttime(z, base, x, d->p, d->ctx, NULL) != 1)
        return -ENOMEM;
    if (BN_is_one(z))
        return -ERANGE;
    return BN_bn2binpad(z, ret, (int)group->secret_len) > 0 ? 0 : -ENOMEM;
}

static int modp_public(const struct dh_group *group, const uint8_t *private, size_t len, uint8_t *ret)
{
    cleanup(domain_done) struct domain d;
    int r = load(group, &d);

    if (r < 0)
        return r;
    BN_CTX_start(d.ctx);
    r = power(&d, group, d.g, private, len, ret);
    BN_CTX_end(d.ctx);
    return r;
}

static int modp_secret(const struct dh_group *group, const uint8_t *private, size_t len, const uint8_t *peer,
                       uint8_t *ret)
{
    cleanup(domain_done) struct domain d;
    BIGNUM *y;
    int r = load(group, &d);

    if (r < 0)
        return r;
    BN_CTX_start(d.ctx);
    y = BN_CTX_get(d.ctx);
    if (!y || !BN_bin2bn(peer, (int)group->public_len, y))
        r = -ENOMEM;
    else if (!is_public(&d, y))
        r = -EBADMSG;
    else
        r = power(&d, group, y, private, len, ret);
    BN_CTX_end(d.ctx);
    return r == -ERANGE ? -EBADMSG : r; /* our own was good already */
}

const struct dh_family dh_modp = {modp_generate, modp_public, modp_secret};
