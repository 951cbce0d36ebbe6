#include "engine/crypto/cert.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

struct cert {
    unsigned refs;
    X509 *x509;           /* owned */
    GENERAL_NAMES *names; /* owned; NULL where there are none */
    struct pkey *key;     /* owned */
    unsigned char *der;   /* owned by OpenSSL's allocator */
    size_t der_len;
    usec_t not_before, not_after;
    size_t sans;
    struct cert_san san[CERT_SANS_MAX]; /* into NAMES */
};

static X509 *read_x509(const void *data, size_t len)
{
    const unsigned char *p = data;
    BIO *bio = BIO_new_mem_buf(data, (int)len);
    X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    if (x)
        return x;
    x = d2i_X509(NULL, &p, (long)len);
    if (x && p != (const unsigned char *)data + len) {
        X509_free(x);
        return NULL;
    }
    return x;
}

static bool read_time(const ASN1_TIME *t, usec_t *ret)
{
    struct tm tm;
    time_t seconds;

    if (ASN1_TIME_to_tm(t, &tm) != 1)
        return false;
    seconds = timegm(&tm);
    *ret = seconds > 0 ? (usec_t)seconds * USEC_PER_SEC : 0;
    return true;
}

static void add_san(struct cert *c, uint8_t type, const unsigned char *data, int len)
{
    if (data && len > 0)
        c->san[c->sans++] = (struct cert_san){.type = type, .data = data, .len = (size_t)len};
}

static void add_name(struct cert *c, GENERAL_NAME *name)
{
    int type, len;
    void *value = GENERAL_NAME_get0_value(name, &type);
    const unsigned char *der;
    size_t der_len;

    if (type == GEN_DNS || type == GEN_EMAIL) {
        add_san(c, type == GEN_DNS ? 2 : 3, ASN1_STRING_get0_data(value), ASN1_STRING_length(value));
    } else if (type == GEN_IPADD) {
        len = ASN1_STRING_length(value);
        if (len == 4 || len == 16)
            add_san(c, len == 4 ? 1 : 5, ASN1_STRING_get0_data(value), len);
    } else if (type == GEN_DIRNAME && X509_NAME_get0_der(value, &der, &der_len) == 1) {
        add_san(c, 9, der, (int)der_len);
    }
}

/* False where the extension is there and cannot be read. */
static bool read_sans(struct cert *c)
{
    int critical = 0;

    c->names = X509_get_ext_d2i(c->x509, NID_subject_alt_name, &critical, NULL);
    if (!c->names)
        return critical == -1;
    for (int i = 0; i < sk_GENERAL_NAME_num(c->names) && c->sans < CERT_SANS_MAX; i++)
        add_name(c, sk_GENERAL_NAME_value(c->names, i));
    return true;
}

static int fill(struct cert *c)
{
    EVP_PKEY *evp = X509_get0_pubkey(c->x509);
    int len = i2d_X509(c->x509, &c->der);

    if (len <= 0 || !read_sans(c) || !read_time(X509_get0_notBefore(c->x509), &c->not_before) ||
        !read_time(X509_get0_notAfter(c->x509), &c->not_after))
        return -EBADMSG;
    c->der_len = (size_t)len;
    return evp ? pkey_of_evp(evp, &c->key) : -ENOTSUP;
}

int cert_parse(const void *data, size_t len, struct cert **ret)
{
    cleanup(cert_unrefp) struct cert *c = NULL;
    int r;

    if (len > CERT_FILE_MAX)
        return -EFBIG;
    c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->refs = 1;
    c->x509 = read_x509(data, len);
    r = c->x509 ? fill(c) : -EBADMSG;
    ERR_clear_error();
    if (r < 0)
        return r;
    *ret = TAKE_PTR(c);
    return 0;
}

struct cert *cert_ref(struct cert *c)
{
    c->refs++;
    return c;
}

struct cert *cert_unref(struct cert *c)
{
    if (!c || --c->refs > 0)
        return NULL;
    GENERAL_NAMES_free(c->names);
    X509_free(c->x509);
    OPENSSL_free(c->der);
    pkey_free(c->key);
    free(c);
    return NULL;
}

const uint8_t *cert_der(const struct cert *c, size_t *ret_len)
{
    *ret_len = c->der_len;
    return c->der;
}

static const uint8_t *name_der(const X509_NAME *name, size_t *ret_len)
{
    const unsigned char *der = NULL;

    *ret_len = 0;
    (void)X509_NAME_get0_der(name, &der, ret_len);
    return der;
}

const uint8_t *cert_subject(const struct cert *c, size_t *ret_len)
{
    return name_der(X509_get_subject_name(c->x509), ret_len);
}

const uint8_t *cert_issuer(const struct cert *c, size_t *ret_len)
{
    return name_der(X509_get_issuer_name(c->x509), ret_len);
}

const struct pkey *cert_key(const struct cert *c)
{
    return c->key;
}

usec_t cert_not_before(const struct cert *c)
{
    return c->not_before;
}

usec_t cert_not_after(const struct cert *c)
{
    return c->not_after;
}

bool cert_is_ca(const struct cert *c)
{
    return (X509_get_extension_flags(c->x509) & EXFLAG_CA) != 0;
}

bool cert_equal(const struct cert *a, const struct cert *b)
{
    return a->der_len == b->der_len && memcmp(a->der, b->der, a->der_len) == 0;
}

size_t cert_sans(const struct cert *c)
{
    return c->sans;
}

struct cert_san cert_san(const struct cert *c, size_t i)
{
    return c->san[i];
}

struct x509_st *cert_x509(const struct cert *c)
{
    return c->x509;
}
