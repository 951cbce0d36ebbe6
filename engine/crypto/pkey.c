#include "engine/crypto/pkey.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

struct pkey {
    EVP_PKEY *evp; /* a reference */
    enum pkey_kind kind;
    uint8_t id[PKEY_ID_LEN];
    uint8_t info_id[PKEY_ID_LEN];
};

/* An encrypted key is not asked for: swanctl decrypts before it loads. */
static int no_password(char *buf, int size, int writing, void *data)
{
    (void)buf, (void)size, (void)writing, (void)data;
    return -1;
}

static EVP_PKEY *read_pem(const void *data, size_t len)
{
    BIO *bio = BIO_new_mem_buf(data, (int)len);
    EVP_PKEY *evp = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;

    BIO_free(bio);
    return evp;
}

static EVP_PKEY *read_der(const void *data, size_t len)
{
    const unsigned char *p = data;
    EVP_PKEY *evp = d2i_AutoPrivateKey(NULL, &p, (long)len);

    if (evp && p != (const unsigned char *)data + len) {
        EVP_PKEY_free(evp);
        return NULL;
    }
    return evp;
}

/* False for a kind, curve or size that the engine does not sign with. */
static bool classify(EVP_PKEY *evp, enum pkey_kind *ret)
{
    int bits = EVP_PKEY_get_bits(evp);
    char group[64] = "";

    switch (EVP_PKEY_get_base_id(evp)) {
    case EVP_PKEY_RSA:
        *ret = PKEY_RSA;
        return bits >= PKEY_RSA_BITS_MIN && bits <= PKEY_RSA_BITS_MAX;
    case EVP_PKEY_EC:
        *ret = PKEY_ECDSA;
        return EVP_PKEY_get_group_name(evp, group, sizeof(group), NULL) == 1 &&
               (strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0 || strcmp(group, "secp521r1") == 0);
    case EVP_PKEY_ED25519:
        *ret = PKEY_ED25519;
        return true;
    default:
        return false;
    }
}

static bool sha1(const void *data, size_t len, uint8_t out[static PKEY_ID_LEN])
{
    return EVP_Digest(data, len, out, NULL, EVP_sha1(), NULL) == 1;
}

static bool hash_public_half(struct pkey *k)
{
    X509_PUBKEY *info = NULL;
    unsigned char *der = NULL;
    const unsigned char *bits;
    int bits_len, der_len;
    bool ok = false;

    if (X509_PUBKEY_set(&info, k->evp) == 1) {
        der_len = i2d_X509_PUBKEY(info, &der);
        ok = der_len > 0 && X509_PUBKEY_get0_param(NULL, &bits, &bits_len, NULL, info) == 1 &&
             sha1(bits, (size_t)bits_len, k->id) && sha1(der, (size_t)der_len, k->info_id);
    }
    OPENSSL_free(der);
    X509_PUBKEY_free(info);
    return ok;
}

int pkey_of_evp(struct evp_pkey_st *evp, struct pkey **ret)
{
    cleanup(pkey_freep) struct pkey *k = NULL;
    enum pkey_kind kind;

    if (!classify(evp, &kind))
        return -ENOTSUP;
    k = calloc(1, sizeof(*k));
    if (!k || EVP_PKEY_up_ref(evp) != 1)
        return -ENOMEM;
    k->evp = evp;
    k->kind = kind;
    if (!hash_public_half(k)) {
        ERR_clear_error();
        return -ENOTSUP;
    }
    *ret = TAKE_PTR(k);
    return 0;
}

int pkey_parse(const void *data, size_t len, struct pkey **ret)
{
    EVP_PKEY *evp;
    int r;

    if (len > PKEY_FILE_MAX)
        return -EFBIG;
    evp = read_pem(data, len);
    if (!evp)
        evp = read_der(data, len);
    ERR_clear_error();
    if (!evp)
        return -EBADMSG;
    r = pkey_of_evp(evp, ret);
    EVP_PKEY_free(evp);
    return r;
}

struct pkey *pkey_free(struct pkey *k)
{
    if (k)
        EVP_PKEY_free(k->evp);
    free(k);
    return NULL;
}

enum pkey_kind pkey_kind(const struct pkey *k)
{
    return k->kind;
}

unsigned pkey_bits(const struct pkey *k)
{
    return (unsigned)EVP_PKEY_get_bits(k->evp);
}

const char *pkey_kind_name(enum pkey_kind kind)
{
    switch (kind) {
    case PKEY_RSA:
        return "RSA";
    case PKEY_ECDSA:
        return "ECDSA";
    case PKEY_ED25519:
        return "ED25519";
    }
    return "unknown";
}

bool pkey_same(const struct pkey *a, const struct pkey *b)
{
    return EVP_PKEY_eq(a->evp, b->evp) == 1;
}

struct evp_pkey_st *pkey_evp(const struct pkey *k)
{
    return k->evp;
}

const uint8_t *pkey_id(const struct pkey *k)
{
    return k->id;
}

const uint8_t *pkey_info_id(const struct pkey *k)
{
    return k->info_id;
}
