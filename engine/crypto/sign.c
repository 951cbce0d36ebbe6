#include "engine/crypto/sign.h"

#include "base/array.h"
#include "base/reader.h"
#include "base/writer.h"

#include <errno.h>
#include <openssl/asn1.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

enum {
    METHOD_RSA = 1,
    METHOD_ECDSA_256 = 9,
    METHOD_ECDSA_384 = 10,
    METHOD_ECDSA_521 = 11,
    METHOD_DIGITAL = 14,

    MD_SHA1 = 1,
    MD_SHA2_256 = 2,
    MD_SHA2_384 = 3,
    MD_SHA2_512 = 4,
    MD_IDENTITY = 5,
};

/* SHA-1 is not among them: RFC 8247 3 says MUST NOT to it in RFC 7427. */
const uint16_t sign_hashes[SIGN_HASHES_MAX] = {MD_SHA2_256, MD_SHA2_384, MD_SHA2_512, MD_IDENTITY};

struct scheme {
    uint8_t method;
    enum pkey_kind kind;
    unsigned bits;   /* the only size of the key; 0 for any */
    uint8_t hash;    /* IANA's number */
    int digest;      /* OpenSSL's NIDs; NID_undef for none */
    int algorithm;   /* method 14: that of the AlgorithmIdentifier */
    unsigned suited; /* method 14, signing: the largest key that this hash is strong enough for */
};

/* NIST SP 800-57 part 1, table 2: what a hash is strong enough for. */
static const struct scheme schemes[] = {
    {METHOD_RSA, PKEY_RSA, 0, MD_SHA1, NID_sha1, NID_undef, 0},
    {METHOD_ECDSA_256, PKEY_ECDSA, 256, MD_SHA2_256, NID_sha256, NID_undef, 0},
    {METHOD_ECDSA_384, PKEY_ECDSA, 384, MD_SHA2_384, NID_sha384, NID_undef, 0},
    {METHOD_ECDSA_521, PKEY_ECDSA, 521, MD_SHA2_512, NID_sha512, NID_undef, 0},
    {METHOD_DIGITAL, PKEY_RSA, 0, MD_SHA2_256, NID_sha256, NID_sha256WithRSAEncryption, 3072},
    {METHOD_DIGITAL, PKEY_RSA, 0, MD_SHA2_384, NID_sha384, NID_sha384WithRSAEncryption, 7680},
    {METHOD_DIGITAL, PKEY_RSA, 0, MD_SHA2_512, NID_sha512, NID_sha512WithRSAEncryption, PKEY_RSA_BITS_MAX},
    {METHOD_DIGITAL, PKEY_ECDSA, 0, MD_SHA2_256, NID_sha256, NID_ecdsa_with_SHA256, 256},
    {METHOD_DIGITAL, PKEY_ECDSA, 0, MD_SHA2_384, NID_sha384, NID_ecdsa_with_SHA384, 384},
    {METHOD_DIGITAL, PKEY_ECDSA, 0, MD_SHA2_512, NID_sha512, NID_ecdsa_with_SHA512, 521},
    {METHOD_DIGITAL, PKEY_ED25519, 0, MD_IDENTITY, NID_undef, NID_ED25519, 256},
};

unsigned sign_hashes_all(void)
{
    unsigned set = 0;

    for (size_t i = 0; i < ARRAY_LEN(sign_hashes); i++)
        set |= SIGN_HASH(sign_hashes[i]);
    return set;
}

int sign_hashes_read(const void *data, size_t len, unsigned *ret)
{
    struct rd r = rd_of(data, len);
    unsigned set = 0;

    if (len % 2 != 0)
        return -EINVAL;
    while (rd_left(&r) > 0) {
        uint16_t number = rd_be16(&r);

        if (number >= MD_SHA1 && number <= MD_IDENTITY)
            set |= SIGN_HASH(number);
    }
    *ret = set;
    return 0;
}

static bool fits(const struct scheme *s, const struct pkey *k, uint8_t method, unsigned hashes)
{
    return s->method == method && s->kind == pkey_kind(k) && (s->bits == 0 || s->bits == pkey_bits(k)) &&
           (method != METHOD_DIGITAL || (hashes & SIGN_HASH(s->hash)));
}

/* The weakest hash that suits K; the strongest one where the peer knows none that does. */
static const struct scheme *choose(const struct pkey *k, uint8_t method, unsigned hashes)
{
    const struct scheme *best = NULL;

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        const struct scheme *s = &schemes[i];

        if (!fits(s, k, method, hashes))
            continue;
        best = s;
        if (s->suited >= pkey_bits(k))
            break;
    }
    return best;
}

uint8_t sign_method(const struct pkey *k, unsigned hashes)
{
    static const uint8_t preferred[] = {METHOD_DIGITAL, METHOD_ECDSA_256, METHOD_ECDSA_384, METHOD_ECDSA_521,
                                        METHOD_RSA};

    for (size_t i = 0; i < ARRAY_LEN(preferred); i++)
        if (choose(k, preferred[i], hashes & sign_hashes_all()))
            return preferred[i];
    return 0;
}

static const EVP_MD *digest_of(int nid)
{
    return nid == NID_undef ? NULL : EVP_get_digestbynid(nid);
}

static int make(const struct pkey *k, const struct scheme *s, const void *octets, size_t len, uint8_t *sig,
                size_t *sig_len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int r = -EIO;

    if (ctx && EVP_DigestSignInit(ctx, NULL, digest_of(s->digest), NULL, pkey_evp(k)) == 1 &&
        EVP_DigestSign(ctx, sig, sig_len, octets, len) == 1)
        r = 0;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return r;
}

/* RFC 4754 7: r and s, each as long as the curve's order. */
static size_t half_len(const struct pkey *k)
{
    return (pkey_bits(k) + 7) / 8;
}

static int put_raw(struct wr *w, const struct pkey *k, const uint8_t *der, size_t len)
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
    uint8_t half[2][66];
    int n = (int)half_len(k), r = -EIO;

    if (sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), half[0], n) == n &&
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), half[1], n) == n) {
        wr_bytes(w, half[0], (size_t)n);
        wr_bytes(w, half[1], (size_t)n);
        r = 0;
    }
    ECDSA_SIG_free(sig);
    return r;
}

/* RFC 7427 3: a byte of length, the AlgorithmIdentifier, then the signature. */
static int put_algorithm(struct wr *w, const struct scheme *s)
{
    X509_ALGOR *alg = X509_ALGOR_new();
    unsigned char *der = NULL;
    int n = -1;

    /* RFC 4055 5: RSA has NULL parameters; the others have none (RFC 5758 3.2, RFC 8410 3). */
    if (alg && X509_ALGOR_set0(alg, OBJ_nid2obj(s->algorithm), s->kind == PKEY_RSA ? V_ASN1_NULL : V_ASN1_UNDEF, NULL))
        n = i2d_X509_ALGOR(alg, &der);
    if (n > 0 && n <= UINT8_MAX) {
        wr_u8(w, (uint8_t)n);
        wr_bytes(w, der, (size_t)n);
    }
    OPENSSL_free(der);
    X509_ALGOR_free(alg);
    return n > 0 ? 0 : -EIO;
}

int sign_auth(const struct pkey *k, uint8_t method, unsigned hashes, const void *octets, size_t len, uint8_t *buf,
              size_t size, size_t *ret_len)
{
    const struct scheme *s = choose(k, method, hashes & sign_hashes_all());
    struct wr w = wr_of(buf, size);
    uint8_t sig[PKEY_RSA_BITS_MAX / 8];
    size_t sig_len = sizeof(sig);
    int r;

    if (!s)
        return -ENOTSUP;
    r = make(k, s, octets, len, sig, &sig_len);
    if (r == 0 && method == METHOD_DIGITAL)
        r = put_algorithm(&w, s);
    if (r == 0 && s->bits != 0)
        r = put_raw(&w, k, sig, sig_len);
    else if (r == 0)
        wr_bytes(&w, sig, sig_len);
    if (r < 0)
        return r;
    if (!wr_ok(&w))
        return -ENOBUFS;
    *ret_len = wr_len(&w);
    return 0;
}

/* The DER of r and s, which OpenSSL verifies. */
static int raw_to_der(const struct pkey *k, const uint8_t *raw, size_t len, unsigned char **ret)
{
    size_t n = half_len(k);
    ECDSA_SIG *sig = len == 2 * n ? ECDSA_SIG_new() : NULL;
    BIGNUM *r = sig ? BN_bin2bn(raw, (int)n, NULL) : NULL;
    BIGNUM *s = sig ? BN_bin2bn(raw + n, (int)n, NULL) : NULL;
    int der_len = -EBADMSG;

    if (r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
        der_len = i2d_ECDSA_SIG(sig, ret);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(sig);
    return der_len > 0 ? der_len : -EBADMSG;
}

/* SALT is the length of the salt of RSASSA-PSS, or -1 for any other scheme. */
static int check(const struct pkey *k, int digest, int salt, const void *octets, size_t len, const uint8_t *sig,
                 size_t sig_len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL; /* CTX's */
    bool ok = ctx && EVP_DigestVerifyInit(ctx, &pctx, digest_of(digest), NULL, pkey_evp(k)) == 1;

    if (ok && salt >= 0)
        ok = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_mgf1_md(pctx, digest_of(digest)) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, salt) == 1;
    ok = ok && EVP_DigestVerify(ctx, sig, sig_len, octets, len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return ok ? 0 : -EBADMSG;
}

static int nid_of(const X509_ALGOR *alg)
{
    const ASN1_OBJECT *oid = NULL;

    if (!alg)
        return NID_undef;
    X509_ALGOR_get0(&oid, NULL, NULL, alg);
    return OBJ_obj2nid(oid);
}

/* Parameters are NULL or left out for all of ours but RSASSA-PSS and MGF1 (RFC 4055 2.1, RFC 5758 3.2, RFC 8410 3). */
static int plain_nid_of(const X509_ALGOR *alg)
{
    int type = V_ASN1_UNDEF;

    if (alg)
        X509_ALGOR_get0(NULL, &type, NULL, alg);
    return type == V_ASN1_UNDEF || type == V_ASN1_NULL ? nid_of(alg) : NID_undef;
}

/* RFC 7427 A.4: the same hash for the message and for MGF1, which has no default among ours. */
static const struct scheme *pss_scheme(const X509_ALGOR *alg, unsigned hashes, int *ret_salt)
{
    RSA_PSS_PARAMS *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS), alg->parameter);
    X509_ALGOR *mgf_hash = NULL;
    const struct scheme *found = NULL;
    int64_t salt = 20;

    if (p && nid_of(p->maskGenAlgorithm) == NID_mgf1)
        mgf_hash = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(X509_ALGOR), p->maskGenAlgorithm->parameter);
    for (size_t i = 0; mgf_hash && i < ARRAY_LEN(schemes); i++)
        if (schemes[i].method == METHOD_DIGITAL && schemes[i].kind == PKEY_RSA &&
            (hashes & SIGN_HASH(schemes[i].hash)) && schemes[i].digest == plain_nid_of(p->hashAlgorithm) &&
            schemes[i].digest == plain_nid_of(mgf_hash))
            found = &schemes[i];
    if (found && p->saltLength && ASN1_INTEGER_get_int64(&salt, p->saltLength) != 1)
        found = NULL;
    if (found && (salt < 0 || salt > EVP_MAX_MD_SIZE || (p->trailerField && ASN1_INTEGER_get(p->trailerField) != 1)))
        found = NULL;
    X509_ALGOR_free(mgf_hash);
    RSA_PSS_PARAMS_free(p);
    *ret_salt = (int)salt;
    return found;
}

static const struct scheme *named_scheme(const struct pkey *k, const X509_ALGOR *alg, unsigned hashes, int *ret_salt)
{
    int nid;

    *ret_salt = -1;
    if (nid_of(alg) == NID_rsassaPss)
        return pkey_kind(k) == PKEY_RSA && alg->parameter ? pss_scheme(alg, hashes, ret_salt) : NULL;
    nid = plain_nid_of(alg);
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (nid != NID_undef && schemes[i].algorithm == nid && fits(&schemes[i], k, METHOD_DIGITAL, hashes))
            return &schemes[i];
    return NULL;
}

static int verify_digital(const struct pkey *k, unsigned hashes, const void *octets, size_t len, struct rd r)
{
    size_t alg_len = rd_u8(&r), sig_len = 0;
    const unsigned char *der = rd_take(&r, alg_len), *p = der;
    const uint8_t *sig = rd_rest(&r, &sig_len);
    const struct scheme *s = NULL;
    X509_ALGOR *alg;
    int salt = -1;

    if (!rd_ok(&r))
        return -EBADMSG;
    alg = d2i_X509_ALGOR(NULL, &p, (long)alg_len);
    ERR_clear_error();
    if (!alg || p != der + alg_len) {
        X509_ALGOR_free(alg);
        return -EBADMSG;
    }
    s = named_scheme(k, alg, hashes, &salt);
    X509_ALGOR_free(alg);
    ERR_clear_error();
    return s ? check(k, s->digest, salt, octets, len, sig, sig_len) : -ENOTSUP;
}

int sign_verify(const struct pkey *k, uint8_t method, unsigned hashes, const void *octets, size_t len, const void *auth,
                size_t auth_len)
{
    const struct scheme *s;
    unsigned char *der = NULL;
    int r;

    hashes &= sign_hashes_all();
    if (method == METHOD_DIGITAL)
        return verify_digital(k, hashes, octets, len, rd_of(auth, auth_len));
    s = choose(k, method, hashes);
    if (!s)
        return -ENOTSUP;
    if (s->bits == 0)
        return check(k, s->digest, -1, octets, len, auth, auth_len);
    r = raw_to_der(k, auth, auth_len, &der);
    if (r > 0)
        r = check(k, s->digest, -1, octets, len, der, (size_t)r);
    OPENSSL_free(der);
    ERR_clear_error();
    return r;
}
