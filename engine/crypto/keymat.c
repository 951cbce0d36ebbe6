#include "engine/crypto/keymat.h"

#include "base/array.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <string.h>

#define NONCES_MAX 512 /* two of 256 bytes: RFC 7296 3.9 */

/* A piece of what prf+ gives. */
struct slice {
    uint8_t *to;
    size_t len;
};

static size_t encr_len(const struct alg *encr)
{
    return (size_t)encr->key_len + encr->salt_len;
}

static size_t integ_len(const struct alg *integ)
{
    return integ ? integ->key_len : 0;
}

/* Takes the pieces in their order from one prf+. */
static int derive(const struct alg *alg, const uint8_t *key, size_t key_len, const struct prf_part *parts,
                  size_t n_parts, const struct slice *slices, size_t n_slices)
{
    uint8_t all[5 * ALG_PRF_MAX + 2 * KEYMAT_KEY_MAX + 2 * ALG_KEY_MAX];
    size_t len = 0, at = 0;
    int r;

    for (size_t i = 0; i < n_slices; i++)
        len += slices[i].len;
    assert(len <= sizeof(all));
    r = prf_plus(alg, key, key_len, parts, n_parts, all, len);
    for (size_t i = 0; r == 0 && i < n_slices; at += slices[i++].len)
        memcpy(slices[i].to, all + at, slices[i].len);
    OPENSSL_cleanse(all, sizeof(all));
    return r;
}

int keymat_seed(const struct alg *alg, const keymat_bytes *ni, const keymat_bytes *nr, const keymat_bytes *secret,
                uint8_t *ret)
{
    uint8_t nonces[NONCES_MAX];

    assert(ni->len + nr->len <= sizeof(nonces));
    memcpy(nonces, ni->data, ni->len);
    memcpy(nonces + ni->len, nr->data, nr->len);
    return prf(alg, nonces, ni->len + nr->len, secret, 1, ret);
}

int keymat_seed_rekey(const struct ike_keys *old, const keymat_bytes *ni, const keymat_bytes *nr,
                      const keymat_bytes *secret, uint8_t *ret)
{
    const struct prf_part parts[] = {*secret, *ni, *nr};

    return prf(old->prf, old->sk_d, old->prf->out_len, parts, ARRAY_LEN(parts), ret);
}

int keymat_ike(const struct alg *alg, const struct alg *encr, const struct alg *integ, const uint8_t *seed,
               size_t seed_len, const keymat_bytes *ni, const keymat_bytes *nr, const uint8_t spi_i[IKE_SPI_LEN],
               const uint8_t spi_r[IKE_SPI_LEN], struct ike_keys *ret)
{
    const struct prf_part parts[] = {*ni, *nr, {spi_i, IKE_SPI_LEN}, {spi_r, IKE_SPI_LEN}};
    struct ike_keys k = {.prf = alg, .encr = encr, .integ = integ};
    const struct slice slices[] = {
        {k.sk_d, alg->out_len},    {k.sk_ai, integ_len(integ)}, {k.sk_ar, integ_len(integ)}, {k.sk_ei, encr_len(encr)},
        {k.sk_er, encr_len(encr)}, {k.sk_pi, alg->out_len},     {k.sk_pr, alg->out_len},
    };
    int r = derive(alg, seed, seed_len, parts, ARRAY_LEN(parts), slices, ARRAY_LEN(slices));

    if (r == 0)
        *ret = k;
    ike_keys_wipe(&k);
    return r;
}

/* Encryption before integrity, and the initiator's direction first. */
int keymat_child(const struct ike_keys *ike, const keymat_bytes *secret, const keymat_bytes *ni, const keymat_bytes *nr,
                 const struct alg *encr, const struct alg *integ, struct child_keys *ret)
{
    const struct prf_part parts[] = {secret ? *secret : (struct prf_part){NULL, 0}, *ni, *nr};
    struct child_keys k = {0};
    const struct slice slices[] = {
        {k.encr_i, encr_len(encr)},
        {k.integ_i, integ_len(integ)},
        {k.encr_r, encr_len(encr)},
        {k.integ_r, integ_len(integ)},
    };
    int r = derive(ike->prf, ike->sk_d, ike->prf->out_len, parts, ARRAY_LEN(parts), slices, ARRAY_LEN(slices));

    if (r == 0)
        *ret = k;
    child_keys_wipe(&k);
    return r;
}

int keymat_maced_id(const struct alg *alg, const uint8_t *sk_p, const keymat_bytes *id, uint8_t *ret)
{
    return prf(alg, sk_p, alg->out_len, id, 1, ret);
}

int keymat_psk_auth(const struct alg *alg, const keymat_bytes *psk, const keymat_bytes *message,
                    const keymat_bytes *nonce, const uint8_t *sk_p, const keymat_bytes *id, uint8_t *ret)
{
    static const char pad[] = "Key Pad for IKEv2"; /* without its NUL */
    const struct prf_part pad_part = {(const uint8_t *)pad, sizeof(pad) - 1};
    uint8_t key[ALG_PRF_MAX], maced_id[ALG_PRF_MAX];
    const struct prf_part parts[] = {*message, *nonce, {maced_id, alg->out_len}};
    int r = prf(alg, psk->data, psk->len, &pad_part, 1, key);

    if (r == 0)
        r = keymat_maced_id(alg, sk_p, id, maced_id);
    if (r == 0)
        r = prf(alg, key, alg->out_len, parts, ARRAY_LEN(parts), ret);
    OPENSSL_cleanse(key, sizeof(key));
    OPENSSL_cleanse(maced_id, sizeof(maced_id));
    return r;
}

int keymat_mix_ppk(struct ike_keys *keys, const keymat_bytes *ppk)
{
    struct ike_keys mixed = *keys;
    const size_t len = keys->prf->out_len;
    const struct prf_part d = {keys->sk_d, len}, pi = {keys->sk_pi, len}, pr = {keys->sk_pr, len};
    int r = prf_plus(keys->prf, ppk->data, ppk->len, &d, 1, mixed.sk_d, len);

    if (r == 0)
        r = prf_plus(keys->prf, ppk->data, ppk->len, &pi, 1, mixed.sk_pi, len);
    if (r == 0)
        r = prf_plus(keys->prf, ppk->data, ppk->len, &pr, 1, mixed.sk_pr, len);
    if (r == 0)
        *keys = mixed;
    ike_keys_wipe(&mixed);
    return r;
}

void ike_keys_wipe(struct ike_keys *k)
{
    OPENSSL_cleanse(k, sizeof(*k));
}

void child_keys_wipe(struct child_keys *k)
{
    OPENSSL_cleanse(k, sizeof(*k));
}
