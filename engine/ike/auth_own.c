/* Our side of IKE_AUTH. */
#include "base/str.h"
#include "engine/crypto/sign.h"
#include "engine/ike/auth.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static_assert(sizeof(((struct auth_data *)0)->data) == SIGN_AUTH_MAX, "what sign_auth() writes at most");

/* Whether we can show C: its private key is here, the policy allows it, and the peer can verify it. */
static bool may_show(const struct ike_sa *sa, const struct conf_side *side, struct cert *c, struct auth_own *own)
{
    const struct pkey *key = creds_key_of(core_creds(sa->engine), c);

    if (!key || !conf_side_allows_key(side, key) || sign_method(key, own->hashes) == 0)
        return false;
    own->cert = c;
    own->key = key;
    return true;
}

static void choose_cert(const struct ike_sa *sa, const struct conf_side *side, struct auth_own *own)
{
    struct cert *c;

    for (size_t i = 0; i < side->n_certs; i++)
        if (may_show(sa, side, side->certs[i], own))
            return;
    if (side->n_certs > 0 || side->id.type == ID_ANY)
        return;
    c = creds_own_cert(core_creds(sa->engine), &side->id);
    if (c)
        (void)may_show(sa, side, c, own);
}

/* An identity that the certificate does not bear out would be refused: then it is the subject, as with charon. */
static void id_of_cert(const struct ike_sa *sa, const struct identity *wanted, struct auth_own *own)
{
    char text[IDENTITY_TEXT_MAX];

    if (own->id.type == ID_ANY && wanted && identity_in_cert(wanted, own->cert)) {
        own->id = *wanted;
    } else if (own->id.type == ID_ANY) {
        (void)identity_of_subject(own->cert, &own->id);
    } else if (!identity_in_cert(&own->id, own->cert) && identity_of_subject(own->cert, &own->id) == 0) {
        ike_sa_log(sa, ENGINE_LOG_CFG, 1, "our identity is not in our certificate, using its subject '%s'",
                   identity_text(&own->id, text));
    }
}

void auth_own(const struct ike_sa *sa, const struct ike_conf *c, const struct identity *wanted, struct auth_own *ret)
{
    const struct conf_side *side = &c->local;

    *ret = (struct auth_own){.id = side->id, .auth = side->auth, .hashes = sa->peer_hashes};
    if (side->hashes != 0)
        ret->hashes &= side->hashes;
    if (side->auth == CONF_AUTH_PUBKEY)
        choose_cert(sa, side, ret);
    if (ret->cert)
        id_of_cert(sa, wanted, ret);
    else if (wanted && identity_has_wildcards(&ret->id) && identity_match(wanted, &ret->id) != IDENTITY_MATCH_NONE)
        ret->id = *wanted;
    if (ret->id.type == ID_ANY)
        ret->id = identity_of_addr(&sa->local);
}

const struct secret *auth_secret(const struct ike_sa *sa, const struct identity *me, const struct identity *peer)
{
    struct identity addr = identity_of_addr(&sa->remote);

    return creds_shared(core_creds(sa->engine), CREDS_IKE, me, peer ? peer : &addr);
}

/* Payloads -------------------------------------------------------------------------------------------------------- */

void auth_write_id(struct chain_writer *cw, enum ike_payload which, const struct identity *id)
{
    payload_write_id(cw, which, (uint8_t)id->type, id->data, id->len);
}

static bool wants_certs(const struct ike_sa *sa)
{
    switch (sa->conf->send_cert) {
    case CONF_SEND_CERT_IFASKED:
        return sa->first->certreq;
    case CONF_SEND_CERT_ALWAYS:
        return true;
    case CONF_SEND_CERT_NEVER:
        break;
    }
    return false;
}

static bool issued(const struct cert *issuer, const struct cert *c)
{
    size_t subject_len, issuer_len;
    const uint8_t *subject = cert_subject(issuer, &subject_len), *name = cert_issuer(c, &issuer_len);

    return cert_is_ca(issuer) && subject_len == issuer_len && memcmp(subject, name, subject_len) == 0;
}

/* NULL for the root, which the peer has or does not believe (RFC 7296 3.6). */
static const struct cert *intermediate_of(const struct ike_sa *sa, const struct cert *c)
{
    enum creds_flag flag;
    struct cert *ca;
    size_t pos = 0;

    while ((ca = creds_next_cert(core_creds(sa->engine), &pos, &flag)))
        if (issued(ca, c) && !issued(ca, ca))
            return ca;
    return NULL;
}

void auth_write_certs(const struct ike_sa *sa, const struct auth_own *own, struct chain_writer *cw)
{
    const struct cert *c = own->cert;

    if (!c || !wants_certs(sa))
        return;
    for (size_t i = 0; c && i <= TRUST_CHAIN_MAX; i++) {
        size_t len;
        const uint8_t *der = cert_der(c, &len);

        payload_write_cert(cw, PAYLOAD_CERT, CERT_X509_SIGNATURE, der, len);
        c = intermediate_of(sa, c);
    }
}

/* AUTH ------------------------------------------------------------------------------------------------------------ */

struct auth_octets auth_octets_of(const struct ike_sa *sa, const struct ike_keys *keys, bool mine)
{
    const struct first *f = sa->first;

    return (struct auth_octets){
        .message = mine ? (keymat_bytes){f->my_init, f->my_init_len} : (keymat_bytes){f->peer_init, f->peer_init_len},
        .nonce = mine ? (keymat_bytes){f->peer_nonce, f->peer_nonce_len} : (keymat_bytes){f->nonce, sizeof(f->nonce)},
        .sk_p = mine == sa->initiator ? keys->sk_pi : keys->sk_pr,
    };
}

uint8_t *auth_octets_join(const struct auth_octets *o, const struct alg *prf, const keymat_bytes *id, size_t *ret_len)
{
    size_t len = o->message.len + o->nonce.len;
    uint8_t *all = malloc(len + prf->out_len);

    if (!all)
        return NULL;
    memcpy(all, o->message.data, o->message.len);
    memcpy(all + o->message.len, o->nonce.data, o->nonce.len);
    if (keymat_maced_id(prf, o->sk_p, id, all + len) < 0) {
        free(all);
        return NULL;
    }
    *ret_len = len + prf->out_len;
    return all;
}

static bool make_psk(const struct ike_sa *sa, const struct auth_octets *o, const struct auth_own *own,
                     const struct identity *peer, const keymat_bytes *id, struct auth_data *ret,
                     char error[static AUTH_ERROR_MAX])
{
    const struct secret *s = auth_secret(sa, &own->id, peer);
    char mine[IDENTITY_TEXT_MAX], theirs[IDENTITY_TEXT_MAX];

    if (!s) {
        (void)str_format(error, AUTH_ERROR_MAX, "no shared key found for '%.80s' - '%.80s'",
                         identity_text(&own->id, mine), peer ? identity_text(peer, theirs) : "%any");
        return false;
    }
    ret->method = AUTH_PSK;
    ret->len = sa->keys.prf->out_len;
    if (keymat_psk_auth(sa->keys.prf, &(keymat_bytes){(const uint8_t *)secret_text(s), secret_len(s)}, &o->message,
                        &o->nonce, o->sk_p, id, ret->data) == 0)
        return true;
    (void)str_format(error, AUTH_ERROR_MAX, "there is no memory");
    return false;
}

static bool make_signature(const struct ike_sa *sa, const struct auth_octets *o, const struct auth_own *own,
                           const keymat_bytes *id, struct auth_data *ret, char error[static AUTH_ERROR_MAX])
{
    cleanup(freep) uint8_t *octets = NULL;
    char text[IDENTITY_TEXT_MAX];
    size_t len;
    int r;

    if (!own->key) {
        (void)str_format(error, AUTH_ERROR_MAX, "no private key found for '%.80s' that the peer can verify",
                         identity_text(&own->id, text));
        return false;
    }
    ret->method = sign_method(own->key, own->hashes);
    octets = auth_octets_join(o, sa->keys.prf, id, &len);
    r = octets ? sign_auth(own->key, ret->method, own->hashes, octets, len, ret->data, sizeof(ret->data), &ret->len)
               : -ENOMEM;
    if (r < 0)
        (void)str_format(error, AUTH_ERROR_MAX, "signing failed: %s", strerror(-r));
    return r == 0;
}

bool auth_make(const struct ike_sa *sa, const struct ike_keys *keys, const struct auth_own *own,
               const struct identity *peer, struct auth_data *ret, char error[static AUTH_ERROR_MAX])
{
    struct auth_octets o = auth_octets_of(sa, keys, true);
    uint8_t body[4 + IDENTITY_MAX] = {(uint8_t)own->id.type}; /* RFC 7296 3.5 */
    keymat_bytes id = {body, 4 + own->id.len};

    memcpy(body + 4, own->id.data, own->id.len);
    switch (own->auth) {
    case CONF_AUTH_PSK:
        return make_psk(sa, &o, own, peer, &id, ret, error);
    case CONF_AUTH_PUBKEY:
        return make_signature(sa, &o, own, &id, ret, error);
    }
    return false;
}
