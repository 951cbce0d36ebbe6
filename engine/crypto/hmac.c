#include "engine/crypto/hmac.h"

#include "base/array.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <string.h>

static const struct {
    enum alg_type type;
    uint16_t id;
    const char *digest;
} digests[] = {
    {ALG_INTEG, 2, "SHA1"},      {ALG_PRF, 2, "SHA1"},     {ALG_INTEG, 12, "SHA2-256"}, {ALG_PRF, 5, "SHA2-256"},
    {ALG_INTEG, 13, "SHA2-384"}, {ALG_PRF, 6, "SHA2-384"}, {ALG_INTEG, 14, "SHA2-512"}, {ALG_PRF, 7, "SHA2-512"},
};

static const char *digest_of(const struct alg *alg)
{
    for (size_t i = 0; i < ARRAY_LEN(digests); i++)
        if (digests[i].type == alg->type && digests[i].id == alg->id)
            return digests[i].digest;
    return NULL;
}

EVP_MAC_CTX *hmac_new(const struct alg *alg, const uint8_t *key, size_t key_len)
{
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    const char *digest = digest_of(alg);
    OSSL_PARAM params[] = {OSSL_PARAM_END, OSSL_PARAM_END};
    char name[16];

    assert(digest && strlen(digest) < sizeof(name) && key_len > 0);
    EVP_MAC_free(hmac); /* the context holds it */
    (void)stpcpy(name, digest);
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
    if (ctx && EVP_MAC_init(ctx, key, key_len, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}
