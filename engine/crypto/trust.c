#include "engine/crypto/trust.h"

#include "base/writer.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

struct trust {
    struct cert *ca[TRUST_CAS_MAX]; /* references */
    size_t cas;
    X509_CRL *crl[TRUST_CRLS_MAX]; /* owned */
    size_t crls;
};

int trust_new(struct trust **ret)
{
    struct trust *t = calloc(1, sizeof(*t));

    if (!t)
        return -ENOMEM;
    *ret = t;
    return 0;
}

void trust_clear(struct trust *t)
{
    while (t->cas > 0)
        cert_unref(t->ca[--t->cas]);
    while (t->crls > 0)
        X509_CRL_free(t->crl[--t->crls]);
}

struct trust *trust_free(struct trust *t)
{
    if (t)
        trust_clear(t);
    free(t);
    return NULL;
}

int trust_add_ca(struct trust *t, struct cert *ca)
{
    if (!cert_is_ca(ca))
        return -EINVAL;
    for (size_t i = 0; i < t->cas; i++)
        if (cert_equal(t->ca[i], ca))
            return 0;
    if (t->cas == TRUST_CAS_MAX)
        return -ENOSPC;
    t->ca[t->cas++] = cert_ref(ca);
    return 0;
}

static X509_CRL *read_crl(const void *data, size_t len)
{
    const unsigned char *p = data;
    BIO *bio = BIO_new_mem_buf(data, (int)len);
    X509_CRL *crl = bio ? PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    if (!crl)
        crl = d2i_X509_CRL(NULL, &p, (long)len);
    ERR_clear_error();
    return crl;
}

/* Puts CRL, which becomes T's, in the place of an older one, or behind the others. */
static int place_crl(struct trust *t, X509_CRL *crl)
{
    for (size_t i = 0; i < t->crls; i++) {
        if (X509_NAME_cmp(X509_CRL_get_issuer(t->crl[i]), X509_CRL_get_issuer(crl)) != 0)
            continue;
        if (ASN1_TIME_compare(X509_CRL_get0_lastUpdate(crl), X509_CRL_get0_lastUpdate(t->crl[i])) < 0)
            return -ESTALE;
        X509_CRL_free(t->crl[i]);
        t->crl[i] = crl;
        return 0;
    }
    if (t->crls == TRUST_CRLS_MAX)
        return -ENOSPC;
    t->crl[t->crls++] = crl;
    return 0;
}

int trust_add_crl(struct trust *t, const void *data, size_t len)
{
    X509_CRL *crl;
    int r;

    if (len > TRUST_CRL_MAX)
        return -EFBIG;
    crl = read_crl(data, len);
    if (!crl)
        return -EBADMSG;
    r = place_crl(t, crl);
    if (r < 0)
        X509_CRL_free(crl);
    return r;
}

/* Whether a certificate without a fresh CRL will do. The root is nobody's to revoke. */
static bool crl_may_lack(X509_STORE_CTX *ctx, enum trust_revocation policy)
{
    X509 *cert = X509_STORE_CTX_get_current_cert(ctx);

    switch (policy) {
    case TRUST_REVOCATION_NONE:
    case TRUST_REVOCATION_RELAXED:
        return true;
    case TRUST_REVOCATION_IFURI:
        return X509_get_ext_by_NID(cert, NID_crl_distribution_points, -1) < 0 ||
               (X509_get_extension_flags(cert) & EXFLAG_SS) != 0;
    case TRUST_REVOCATION_STRICT:
        return (X509_get_extension_flags(cert) & EXFLAG_SS) != 0;
    }
    return false;
}

static int on_verify(int ok, X509_STORE_CTX *ctx)
{
    const enum trust_revocation *policy = X509_STORE_CTX_get_app_data(ctx);
    int error = X509_STORE_CTX_get_error(ctx);

    if (ok)
        return 1;
    if ((error == X509_V_ERR_UNABLE_TO_GET_CRL || error == X509_V_ERR_CRL_HAS_EXPIRED ||
         error == X509_V_ERR_CRL_NOT_YET_VALID) &&
        crl_may_lack(ctx, *policy)) {
        X509_STORE_CTX_set_error(ctx, X509_V_OK);
        return 1;
    }
    return 0;
}

static enum trust_error error_of(int error)
{
    switch (error) {
    case X509_V_OK:
        return TRUST_FINE;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return TRUST_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return TRUST_NOT_YET_VALID;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return TRUST_UNKNOWN_ISSUER;
    case X509_V_ERR_CERT_REVOKED:
        return TRUST_REVOKED;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
        return TRUST_NO_CRL;
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
        return TRUST_BAD_SIGNATURE;
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
        return TRUST_NOT_A_CA;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return TRUST_WEAK;
    default:
        return TRUST_INVALID;
    }
}

/* NULL where there is no memory. */
static X509_STORE *store_of(const struct trust *t, struct cert *const *cas, size_t n_cas, bool with_crls)
{
    X509_STORE *store = X509_STORE_new();
    bool ok = store;

    for (size_t i = 0; ok && i < t->cas; i++)
        ok = X509_STORE_add_cert(store, cert_x509(t->ca[i])) == 1;
    for (size_t i = 0; ok && i < n_cas; i++)
        ok = X509_STORE_add_cert(store, cert_x509(cas[i])) == 1; /* again is fine */
    for (size_t i = 0; ok && with_crls && i < t->crls; i++)
        ok = X509_STORE_add_crl(store, t->crl[i]) == 1;
    if (!ok) {
        X509_STORE_free(store);
        return NULL;
    }
    return store;
}

/* NULL where there is no memory. */
static STACK_OF(X509) * stack_of(struct cert *const *chain, size_t count)
{
    STACK_OF(X509) *stack = sk_X509_new_null();

    for (size_t i = 0; stack && i < count && i < TRUST_CHAIN_MAX; i++)
        if (sk_X509_push(stack, cert_x509(chain[i])) <= 0) {
            sk_X509_free(stack);
            return NULL;
        }
    return stack;
}

static void set_rules(X509_STORE_CTX *ctx, usec_t wall, enum trust_revocation *policy)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);

    X509_VERIFY_PARAM_set_time(param, (time_t)(wall / USEC_PER_SEC));
    X509_VERIFY_PARAM_set_depth(param, TRUST_DEPTH_MAX);
    X509_VERIFY_PARAM_set_auth_level(param, 1); /* 80 bits: no MD5 or SHA-1, no RSA under 1024 bits */
    if (*policy != TRUST_REVOCATION_NONE)
        (void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    X509_STORE_CTX_set_app_data(ctx, policy);
    X509_STORE_CTX_set_verify_cb(ctx, on_verify);
}

/* The first of the chain that was found is the certificate itself. */
static bool is_under(X509_STORE_CTX *ctx, struct cert *const *cas, size_t n_cas)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);

    for (int i = 1; i < sk_X509_num(chain); i++)
        for (size_t k = 0; k < n_cas; k++)
            if (X509_cmp(sk_X509_value(chain, i), cert_x509(cas[k])) == 0)
                return true;
    return n_cas == 0;
}

enum trust_error trust_verify(const struct trust *t, const struct cert *c, struct cert *const *chain, size_t count,
                              usec_t wall, enum trust_revocation policy)
{
    return trust_verify_under(t, c, chain, count, NULL, 0, wall, policy);
}

enum trust_error trust_verify_under(const struct trust *t, const struct cert *c, struct cert *const *chain,
                                    size_t count, struct cert *const *cas, size_t n_cas, usec_t wall,
                                    enum trust_revocation policy)
{
    X509_STORE *store = store_of(t, cas, n_cas, policy != TRUST_REVOCATION_NONE);
    STACK_OF(X509) *stack = stack_of(chain, count);
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    enum trust_error error = TRUST_INVALID;

    if (store && stack && ctx && X509_STORE_CTX_init(ctx, store, cert_x509(c), stack) == 1) {
        set_rules(ctx, wall, &policy);
        if (X509_verify_cert(ctx) == 1)
            error = is_under(ctx, cas, n_cas) ? TRUST_FINE : TRUST_OTHER_CA;
        else if (X509_STORE_CTX_get_error(ctx) != X509_V_OK)
            error = error_of(X509_STORE_CTX_get_error(ctx));
    }
    X509_STORE_CTX_free(ctx);
    sk_X509_free(stack);
    X509_STORE_free(store);
    ERR_clear_error();
    return error;
}

const char *trust_error_text(enum trust_error error)
{
    switch (error) {
    case TRUST_FINE:
        return "the certificate is valid";
    case TRUST_EXPIRED:
        return "the certificate or one of its issuers has expired";
    case TRUST_NOT_YET_VALID:
        return "the certificate or one of its issuers is not valid yet";
    case TRUST_UNKNOWN_ISSUER:
        return "no CA certificate that is loaded has issued it";
    case TRUST_REVOKED:
        return "the certificate or one of its issuers is revoked";
    case TRUST_NO_CRL:
        return "there is no current CRL, and revocation asks for one";
    case TRUST_BAD_SIGNATURE:
        return "a signature in the certificate chain is wrong";
    case TRUST_NOT_A_CA:
        return "an issuer in the certificate chain may not issue it";
    case TRUST_OTHER_CA:
        return "none of the CA certificates that are configured for the peer has issued it";
    case TRUST_WEAK:
        return "a key or a hash in the certificate chain is too weak";
    case TRUST_INVALID:
        return "the certificate chain is not valid";
    }
    return "unknown";
}

int trust_certreq(const struct trust *t, uint8_t *buf, size_t size, size_t *ret_len)
{
    struct wr w = wr_of(buf, size);

    for (size_t i = 0; i < t->cas; i++)
        wr_bytes(&w, pkey_info_id(cert_key(t->ca[i])), PKEY_ID_LEN);
    if (!wr_ok(&w))
        return -ENOBUFS;
    *ret_len = wr_len(&w);
    return 0;
}
