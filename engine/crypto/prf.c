#include "engine/crypto/prf.h"

#include "base/cleanup.h"
#include "engine/crypto/hmac.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

static void ctx_freep(EVP_MAC_CTX **ctx)
{
    EVP_MAC_CTX_free(*ctx);
}

static int compute(EVP_MAC_CTX *ctx, const struct prf_part *parts, size_t n, uint8_t ret[ALG_PRF_MAX])
{
    size_t len = 0;

    if (EVP_MAC_init(ctx, NULL, 0, NULL) != 1) /* once more with the same key */
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (parts[i].len > 0 && EVP_MAC_update(ctx, parts[i].data, parts[i].len) != 1)
            return -ENOMEM;
    return EVP_MAC_final(ctx, ret, &len, ALG_PRF_MAX) == 1 ? 0 : -ENOMEM;
}

int prf(const struct alg *alg, const uint8_t *key, size_t key_len, const struct prf_part *parts, size_t n, uint8_t *ret)
{
    cleanup(ctx_freep) EVP_MAC_CTX *ctx = hmac_new(alg, key, key_len);
    uint8_t sum[ALG_PRF_MAX];
    int r;

    assert(alg->type == ALG_PRF && n <= PRF_PARTS_MAX);
    if (!ctx)
        return -ENOMEM;
    r = compute(ctx, parts, n, sum);
    if (r == 0)
        memcpy(ret, sum, alg->out_len);
    OPENSSL_cleanse(sum, sizeof(sum));
    return r;
}

/* RFC 7296 2.13: T1 = prf (K, S | 0x01), T2 = prf (K, T1 | S | 0x02), ... */
int prf_plus(const struct alg *alg, const uint8_t *key, size_t key_len, const struct prf_part *parts, size_t n,
             uint8_t *ret, size_t ret_len)
{
    cleanup(ctx_freep) EVP_MAC_CTX *ctx = hmac_new(alg, key, key_len);
    struct prf_part round[PRF_PARTS_MAX + 2];
    uint8_t t[ALG_PRF_MAX], count = 0;
    size_t done = 0;
    int r = 0;

    assert(alg->type == ALG_PRF && n <= PRF_PARTS_MAX);
    if (ret_len > (size_t)UINT8_MAX * alg->out_len)
        return -EMSGSIZE;
    if (!ctx)
        return -ENOMEM;
    round[0] = (struct prf_part){t, 0}; /* nothing in the first round */
    memcpy(round + 1, parts, n * sizeof(*parts));
    round[n + 1] = (struct prf_part){&count, sizeof(count)};
    while (r == 0 && done < ret_len) {
        size_t len = ret_len - done < alg->out_len ? ret_len - done : alg->out_len;

        count++;
        r = compute(ctx, round, n + 2, t);
        round[0].len = alg->out_len;
        if (r == 0)
            memcpy(ret + done, t, len);
        done += len;
    }
    OPENSSL_cleanse(t, sizeof(t));
    return r;
}
