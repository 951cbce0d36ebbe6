/* Curve25519 and Curve448 (RFC 7748, RFC 8031). */
#include "base/cleanup.h"
#include "engine/crypto/dh_group.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#define CURVE_MAX 56

static void pkey_freep(EVP_PKEY **p)
{
    EVP_PKEY_free(*p);
}

static void pkey_ctx_freep(EVP_PKEY_CTX **ctx)
{
    EVP_PKEY_CTX_free(*ctx);
}

static int curve_generate(const struct dh_group *g, uint8_t *ret_private, size_t *ret_len)
{
    if (RAND_priv_bytes(ret_private, (int)g->secret_len) != 1)
        return -ENOMEM;
    *ret_len = g->secret_len;
    return 0;
}

static int curve_public(const struct dh_group *g, const uint8_t *private, size_t len, uint8_t *ret)
{
    cleanup(pkey_freep) EVP_PKEY *key = NULL;
    size_t n = g->public_len;

    if (len != g->secret_len)
        return -ERANGE;
    key = EVP_PKEY_new_raw_private_key_ex(NULL, g->name, NULL, private, len);
    return key && EVP_PKEY_get_raw_public_key(key, ret, &n) == 1 ? 0 : -ENOMEM;
}

static int curve_secret(const struct dh_group *g, const uint8_t *private, size_t len, const uint8_t *peer, uint8_t *ret)
{
    static const uint8_t zero[CURVE_MAX];
    cleanup(pkey_freep) EVP_PKEY *own = EVP_PKEY_new_raw_private_key_ex(NULL, g->name, NULL, private, len);
    cleanup(pkey_freep) EVP_PKEY *other = EVP_PKEY_new_raw_public_key_ex(NULL, g->name, NULL, peer, g->public_len);
    cleanup(pkey_ctx_freep) EVP_PKEY_CTX *ctx = own ? EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL) : NULL;
    uint8_t secret[CURVE_MAX] = {0};
    size_t n = g->secret_len;
    int r = 0;

    if (!other || !ctx || EVP_PKEY_derive_init(ctx) != 1 || EVP_PKEY_derive_set_peer(ctx, other) != 1)
        return -ENOMEM;
    /* RFC 8031 4, RFC 7748 6: a secret of zeros comes from a point of small order. OpenSSL fails with it as well. */
    if (EVP_PKEY_derive(ctx, secret, &n) != 1 || CRYPTO_memcmp(secret, zero, g->secret_len) == 0)
        r = -EBADMSG;
    else
        memcpy(ret, secret, g->secret_len);
    OPENSSL_cleanse(secret, sizeof(secret));
    return r;
}

const struct dh_family dh_curve = {curve_generate, curve_public, curve_secret};
