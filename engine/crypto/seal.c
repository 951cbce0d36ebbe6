#include "engine/crypto/seal.h"

#include "engine/crypto/hmac.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define AEAD_NONCE_LEN 12 /* salt and IV: RFC 4106 4, RFC 7634 2 */

struct seal {
    const struct alg *encr;
    const struct alg *integ; /* NULL for an AEAD */
    EVP_CIPHER_CTX *encrypt; /* both are keyed once */
    EVP_CIPHER_CTX *decrypt;
    EVP_MAC_CTX *mac; /* NULL for an AEAD */
    uint8_t salt[ALG_SALT_MAX];
};

/* OpenSSL fails here for want of memory only. What could not be encrypted must not leave: there is no going on. */
static void must(int ok)
{
    if (ok != 1)
        abort();
}

static const char *cipher_name(const struct alg *a)
{
    switch (a->id) {
    case 12:
        return a->key_bits == 128 ? "AES-128-CBC" : "AES-256-CBC";
    case 20:
        return a->key_bits == 128 ? "AES-128-GCM" : "AES-256-GCM";
    case 28:
        return "ChaCha20-Poly1305";
    default:
        return NULL;
    }
}

static EVP_CIPHER_CTX *cipher_new(const EVP_CIPHER *cipher, const uint8_t *key, int encrypt)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    if (!ctx || EVP_CipherInit_ex2(ctx, cipher, key, NULL, encrypt, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(ctx, 0) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

static int key_ciphers(struct seal *s, const uint8_t *key)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, cipher_name(s->encr), NULL);

    if (!cipher)
        return -ENOMEM;
    s->encrypt = cipher_new(cipher, key, 1);
    s->decrypt = cipher_new(cipher, key, 0);
    EVP_CIPHER_free(cipher);
    memcpy(s->salt, key + s->encr->key_len, s->encr->salt_len);
    return s->encrypt && s->decrypt ? 0 : -ENOMEM;
}

int seal_new(const struct alg *encr, const uint8_t *key_encr, const struct alg *integ, const uint8_t *key_integ,
             struct seal **ret)
{
    cleanup(seal_freep) struct seal *s = NULL;
    int r;

    if (!encr || encr->type != ALG_ENCR || !key_encr || encr->aead != !integ || !integ != !key_integ)
        return -EINVAL;
    if (integ && integ->type != ALG_INTEG)
        return -EINVAL;
    s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->encr = encr;
    s->integ = integ;
    r = key_ciphers(s, key_encr);
    if (r < 0)
        return r;
    if (integ) {
        s->mac = hmac_new(integ, key_integ, integ->key_len);
        if (!s->mac)
            return -ENOMEM;
    }
    *ret = TAKE_PTR(s);
    return 0;
}

struct seal *seal_free(struct seal *s)
{
    if (s) {
        EVP_CIPHER_CTX_free(s->encrypt);
        EVP_CIPHER_CTX_free(s->decrypt);
        EVP_MAC_CTX_free(s->mac);
        OPENSSL_cleanse(s, sizeof(*s));
        free(s);
    }
    return NULL;
}

size_t seal_iv_len(const struct seal *s)
{
    return s->encr->iv_len;
}

size_t seal_icv_len(const struct seal *s)
{
    return s->integ ? s->integ->icv_len : s->encr->icv_len;
}

size_t seal_block(const struct seal *s)
{
    return s->encr->block;
}

bool seal_is_aead(const struct seal *s)
{
    return s->encr->aead;
}

static void put_counter(uint8_t *at, uint64_t counter)
{
    for (int i = 7; i >= 0; i--, counter >>= 8)
        at[i] = (uint8_t)counter;
}

static void update(EVP_CIPHER_CTX *ctx, uint8_t *out, const uint8_t *in, size_t len)
{
    int n = 0;

    assert(len <= INT_MAX);
    if (len > 0)
        must(EVP_CipherUpdate(ctx, out, &n, in, (int)len));
}

/* Sets the nonce and takes the data that is authenticated only; the key stays. */
static void aead_start(const struct seal *s, EVP_CIPHER_CTX *ctx, const struct seal_text *t)
{
    uint8_t nonce[AEAD_NONCE_LEN];

    assert(t->tail_len == 0); /* RFC 4106 5: an ESN is part of the AAD */
    memcpy(nonce, s->salt, s->encr->salt_len);
    memcpy(nonce + s->encr->salt_len, t->iv, s->encr->iv_len);
    must(EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, -1, NULL));
    update(ctx, NULL, t->aad, t->aad_len);
}

static void aead_encrypt(struct seal *s, const struct seal_text *t)
{
    uint8_t nothing[ALG_BLOCK_MAX];
    int n = 0;

    aead_start(s, s->encrypt, t);
    update(s->encrypt, t->text, t->text, t->text_len);
    must(EVP_CipherFinal_ex(s->encrypt, nothing, &n));
    must(EVP_CIPHER_CTX_ctrl(s->encrypt, EVP_CTRL_AEAD_GET_TAG, s->encr->icv_len, t->icv));
}

static int aead_decrypt(struct seal *s, const struct seal_text *t)
{
    uint8_t nothing[ALG_BLOCK_MAX];
    int n = 0;

    aead_start(s, s->decrypt, t);
    update(s->decrypt, t->text, t->text, t->text_len);
    must(EVP_CIPHER_CTX_ctrl(s->decrypt, EVP_CTRL_AEAD_SET_TAG, s->encr->icv_len, t->icv));
    return EVP_CipherFinal_ex(s->decrypt, nothing, &n) == 1 ? 0 : -EBADMSG;
}

/* What HMAC makes of the message, over the cipher text (RFC 4303 3.3.2.1, RFC 7296 3.14). */
static void mac(struct seal *s, const struct seal_text *t, uint8_t ret[EVP_MAX_MD_SIZE])
{
    size_t n = 0;

    must(EVP_MAC_init(s->mac, NULL, 0, NULL)); /* once more with the same key */
    must(EVP_MAC_update(s->mac, t->aad, t->aad_len));
    must(EVP_MAC_update(s->mac, t->iv, s->encr->iv_len));
    must(EVP_MAC_update(s->mac, t->text, t->text_len));
    must(EVP_MAC_update(s->mac, t->tail, t->tail_len));
    must(EVP_MAC_final(s->mac, ret, &n, EVP_MAX_MD_SIZE));
}

/*
 * The counter is encrypted as a block in front of the text, under an IV of zero. What comes out is the IV, which cannot
 * be foreseen (NIST SP 800-38A, appendix C), and as CBC chains from block to block the text follows on at once.
 */
static void cbc_encrypt(struct seal *s, uint64_t counter, const struct seal_text *t)
{
    static const uint8_t zero[ALG_IV_MAX];
    uint8_t block[ALG_BLOCK_MAX] = {0};
    uint8_t sum[EVP_MAX_MD_SIZE];

    assert(t->text_len % s->encr->block == 0);
    put_counter(block + s->encr->block - sizeof(counter), counter);
    must(EVP_CipherInit_ex2(s->encrypt, NULL, NULL, zero, -1, NULL));
    update(s->encrypt, t->iv, block, s->encr->block);
    update(s->encrypt, t->text, t->text, t->text_len);
    mac(s, t, sum);
    memcpy(t->icv, sum, s->integ->icv_len);
}

static int cbc_decrypt(struct seal *s, const struct seal_text *t)
{
    uint8_t sum[EVP_MAX_MD_SIZE];

    if (t->text_len % s->encr->block != 0)
        return -EBADMSG;
    mac(s, t, sum);
    if (CRYPTO_memcmp(sum, t->icv, s->integ->icv_len) != 0)
        return -EBADMSG;
    must(EVP_CipherInit_ex2(s->decrypt, NULL, NULL, t->iv, -1, NULL));
    update(s->decrypt, t->text, t->text, t->text_len);
    return 0;
}

void seal_encrypt(struct seal *s, uint64_t counter, const struct seal_text *t)
{
    if (s->encr->aead) {
        put_counter(t->iv, counter);
        aead_encrypt(s, t);
    } else {
        cbc_encrypt(s, counter, t);
    }
}

int seal_decrypt(struct seal *s, const struct seal_text *t)
{
    return s->encr->aead ? aead_decrypt(s, t) : cbc_decrypt(s, t);
}
