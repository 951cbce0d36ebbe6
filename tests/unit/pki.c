#include "tests/unit/pki.h"

#include "base/str.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct pki_party {
    struct cert *cert;
    struct pkey *key;
};

static void add_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;

    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(ext);
    assert_int_equal(X509_add_ext(x, ext, -1), 1);
    X509_EXTENSION_free(ext);
}

static void set_name(X509_NAME *name, const char *cn)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "C", MBSTRING_ASC, (const uint8_t *)"CH", -1, -1, 0), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const uint8_t *)"Test", -1, -1, 0), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)cn, -1, -1, 0), 1);
}

static void add_exts(X509 *x, X509 *issuer, const struct pki_spec *spec)
{
    char text[256];

    if (spec->ca) {
        str_format(text, sizeof(text), "critical,CA:TRUE%s%s", spec->path_len ? ",pathlen:" : "",
                   str_or(spec->path_len, ""));
        add_ext(x, issuer, NID_basic_constraints, text);
    }
    if (spec->sans)
        add_ext(x, issuer, NID_subject_alt_name, spec->sans);
    if (spec->crl_uri) {
        str_format(text, sizeof(text), "URI:%s", spec->crl_uri);
        add_ext(x, issuer, NID_crl_distribution_points, text);
    }
}

struct pki_party *pki_make(const struct pki_spec *spec)
{
    static long serial = 0x1000;
    struct pki_party *p = calloc(1, sizeof(*p));
    EVP_PKEY *key = str_eq(spec->key, "RSA") ? EVP_RSA_gen(2048) : EVP_EC_gen(str_or(spec->key, "P-256"));
    X509 *x = X509_new(), *issuer = spec->issuer ? cert_x509(spec->issuer->cert) : x;
    unsigned char *der = NULL;
    int len;

    assert_true(p && key && x);
    assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    set_name(X509_get_subject_name(x), spec->cn);
    X509_set_issuer_name(x, X509_get_subject_name(issuer));
    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)spec->from);
    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)spec->until);
    X509_set_pubkey(x, key);
    add_exts(x, issuer, spec);
    assert_true(X509_sign(x, spec->issuer ? pkey_evp(spec->issuer->key) : key,
                          EVP_get_digestbyname(str_or(spec->digest, "SHA256"))) > 0);
    len = i2d_X509(x, &der);
    assert_int_equal(cert_parse(der, (size_t)len, &p->cert), 0);
    assert_int_equal(pkey_of_evp(key, &p->key), 0);
    OPENSSL_free(der);
    X509_free(x);
    EVP_PKEY_free(key);
    return p;
}

struct pki_party *pki_free(struct pki_party *p)
{
    if (p) {
        cert_unref(p->cert);
        pkey_free(p->key);
    }
    free(p);
    return NULL;
}

struct cert *pki_cert(const struct pki_party *p)
{
    return p->cert;
}

struct pkey *pki_key(const struct pki_party *p)
{
    return p->key;
}

struct cert *pki_forged(const struct pki_party *p)
{
    uint8_t copy[CERT_FILE_MAX];
    struct cert *c = NULL;
    size_t len;
    const uint8_t *der = cert_der(p->cert, &len);

    memcpy(copy, der, len);
    copy[len - 1] ^= 1; /* the end of s */
    assert_int_equal(cert_parse(copy, len, &c), 0);
    return c;
}

size_t pki_crl(const struct pki_party *issuer, const struct pki_party *revoked, int64_t from, int64_t until,
               uint8_t *buf, size_t size)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *at = ASN1_TIME_set(NULL, (time_t)from), *next = ASN1_TIME_set(NULL, (time_t)until);
    unsigned char *der = NULL;
    int len;

    assert_int_equal(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(cert_x509(issuer->cert)));
    X509_CRL_set1_lastUpdate(crl, at);
    X509_CRL_set1_nextUpdate(crl, next);
    if (revoked) {
        X509_REVOKED *entry = X509_REVOKED_new();

        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(cert_x509(revoked->cert)));
        X509_REVOKED_set_revocationDate(entry, at);
        X509_CRL_add0_revoked(crl, entry);
    }
    assert_true(X509_CRL_sign(crl, pkey_evp(issuer->key), EVP_sha256()) > 0);
    len = i2d_X509_CRL(crl, &der);
    assert_true(len > 0 && (size_t)len <= size);
    memcpy(buf, der, (size_t)len);
    OPENSSL_free(der);
    ASN1_TIME_free(at);
    ASN1_TIME_free(next);
    X509_CRL_free(crl);
    return (size_t)len;
}
