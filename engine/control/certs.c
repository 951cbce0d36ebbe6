#include "base/array.h"
#include "base/str.h"
#include "engine/control/commands.h"
#include "engine/control/control_private.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 32

enum what {
    WHAT_ANY,
    WHAT_X509,
    WHAT_CRL,
    WHAT_NONE, /* kinds that the engine has none of */
};

/* What TYPE and FLAG of charon, or TYPE alone as swanctl's folders are called, ask for. */
static const struct row {
    const char *type, *flag;
    enum what what;
    enum creds_flag creds_flag;
} rows[] = {
    {"x509", "none", WHAT_X509, CREDS_CERT_NONE},  {"x509", "ca", WHAT_X509, CREDS_CERT_CA},
    {"x509", "any", WHAT_ANY, CREDS_CERT_NONE},    {"x509", NULL, WHAT_NONE, CREDS_CERT_NONE},
    {"x509ca", NULL, WHAT_X509, CREDS_CERT_CA},    {"x509crl", NULL, WHAT_CRL, CREDS_CERT_NONE},
    {"x509_crl", NULL, WHAT_CRL, CREDS_CERT_NONE}, {"any", NULL, WHAT_ANY, CREDS_CERT_NONE},
};

/* OTHERWISE is the flag where there is none. */
static const struct row *row_of(struct call *c, const char *type, const char *otherwise)
{
    char flag[WORD_MAX];

    if (args_text(c->message, "flag", flag, sizeof(flag)) <= 0)
        (void)str_copy(flag, sizeof(flag), otherwise);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcasecmp(rows[i].type, type) == 0 && (!rows[i].flag || strcasecmp(rows[i].flag, flag) == 0))
            return &rows[i];
    return NULL;
}

static void load_x509(struct call *c, const struct vici_item *data, enum creds_flag flag)
{
    cleanup(cert_unrefp) struct cert *cert = NULL;
    int r = cert_parse(data->value, data->value_len, &cert);

    if (r == -ENOTSUP)
        call_fail(c, "the certificate's key is of a kind that is not supported");
    else if (r < 0)
        call_fail(c, "parsing X509 certificate failed");
    if (r < 0)
        return;
    r = creds_add_cert(c->control->config.creds, cert, flag);
    if (r == -EINVAL)
        call_fail(c, "the certificate is none of a CA: it lacks the basic constraint");
    else if (r < 0)
        call_fail(c, "cannot keep the certificate: %s", strerrordesc_np(-r));
    else
        call_succeed(c);
}

static void load_crl(struct call *c, const struct vici_item *data)
{
    int r = trust_add_crl(creds_trust(c->control->config.creds), data->value, data->value_len);

    if (r == -ESTALE || r == 0)
        call_succeed(c); /* a newer one is there already: no less is known */
    else if (r == -ENOSPC)
        call_fail(c, "there are %d CRLs already", TRUST_CRLS_MAX);
    else
        call_fail(c, "parsing X509_CRL certificate failed");
}

void certs_load(struct call *c)
{
    char type[WORD_MAX];
    const struct row *r = NULL;
    struct vici_item data;

    if (args_text(c->message, "type", type, sizeof(type)) <= 0) {
        call_fail(c, "certificate type missing");
        return;
    }
    r = row_of(c, type, "none");
    if (!args_item(c->message, "data", &data))
        call_fail(c, "certificate data missing");
    else if (r && r->what == WHAT_X509)
        load_x509(c, &data, r->creds_flag);
    else if (r && r->what == WHAT_CRL)
        load_crl(c, &data);
    else
        call_fail(c, "certificates of type '%s' with this flag are not supported", type);
}

void certs_clear(struct call *c)
{
    creds_clear(c->control->config.creds);
    call_succeed(c);
}

/* Nothing is fetched, so nothing is cached. */
void certs_flush(struct call *c)
{
    call_succeed(c);
}

/* Listing --------------------------------------------------------------------------------------------------------- */

static void put_cert(struct strbuf *b, const struct creds *creds, const struct cert *cert, enum creds_flag flag)
{
    const uint8_t *der;
    size_t len;

    der = cert_der(cert, &len);
    vici_put_value(b, "type", "X509");
    vici_put_value(b, "flag", flag == CREDS_CERT_CA ? "CA" : "NONE");
    if (creds_key_of(creds, cert))
        vici_put_value(b, "has_privkey", "yes");
    vici_put_bytes(b, "data", der, len);
}

/* IDS are positions in the store. */
static bool step(struct session *s, struct listing *l, struct strbuf *event)
{
    const struct creds *creds = s->control->config.creds;
    enum creds_flag flag;
    const struct cert *cert;
    size_t pos;

    if (l->at == l->n)
        return false;
    pos = l->ids[l->at++];
    cert = creds_next_cert(creds, &pos, &flag);
    if (cert)
        put_cert(event, creds, cert, flag);
    return true;
}

/* False: answered. Without a subject it is anybody. */
static bool read_subject(struct call *c, struct identity *ret)
{
    char text[IDENTITY_TEXT_MAX];
    int r = args_text(c->message, "subject", text, sizeof(text));

    *ret = identity_any();
    if (r < 0 || (r > 0 && identity_parse(text, ret) < 0)) {
        call_fail(c, "invalid value of 'subject'");
        return false;
    }
    return true;
}

void list_certs_run(struct call *c)
{
    char type[WORD_MAX];
    const struct row *r;
    struct identity subject;
    const struct cert *cert;
    enum creds_flag flag;
    uint32_t *ids;
    size_t n = 0;

    if (args_text(c->message, "type", type, sizeof(type)) <= 0)
        (void)str_copy(type, sizeof(type), "any");
    r = row_of(c, type, "any");
    if (!r || (r->what != WHAT_ANY && r->what != WHAT_X509) || !read_subject(c, &subject))
        return;
    ids = calloc(CREDS_CERTS_MAX, sizeof(*ids));
    if (!ids)
        return;
    for (size_t pos = 0, at = 0; n < CREDS_CERTS_MAX && (cert = creds_next_cert(c->control->config.creds, &pos, &flag));
         at = pos)
        if ((r->what == WHAT_ANY || r->creds_flag == flag) && identity_match_cert(cert, &subject) > IDENTITY_MATCH_NONE)
            ids[n++] = (uint32_t)at;
    call_list(c, SESSION_LIST_CERT, step, ids, n, &(struct args){.level = 1});
}
