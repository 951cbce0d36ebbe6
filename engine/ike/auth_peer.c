/* The peer's side of IKE_AUTH: whether it is who it says. */
#include "base/str.h"
#include "engine/crypto/sign.h"
#include "engine/ike/auth.h"
#include "engine/wire/names.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct peer_certs {
    struct cert *own;                    /* a reference; NULL: none was sent */
    struct cert *chain[TRUST_CHAIN_MAX]; /* references */
    size_t n;
};

static void peer_certs_done(struct peer_certs *pc)
{
    (void)cert_unref(pc->own);
    while (pc->n > 0)
        (void)cert_unref(pc->chain[--pc->n]);
}

/* RFC 7296 3.6: the first one holds the key of AUTH. What cannot be read is passed over; one line tells of all, as
 * nobody knows yet who it is that writes our log. */
static void read_certs(const struct ike_sa *sa, const struct chain *c, struct peer_certs *ret)
{
    const struct payload *p = NULL;
    unsigned unread = 0, urls = 0;
    bool first = true;

    *ret = (struct peer_certs){0};
    while ((p = chain_find(c, PAYLOAD_CERT, p)) && ret->n < TRUST_CHAIN_MAX) {
        struct cert_payload cp = {0};
        struct cert *cert = NULL;

        if (payload_read_cert(p, &cp) < 0 || cp.encoding != CERT_X509_SIGNATURE ||
            cert_parse(cp.data.data, cp.data.len, &cert) < 0) {
            urls += cp.encoding == CERT_HASH_URL || cp.encoding == CERT_HASH_URL_BUNDLE;
            unread++;
        } else if (first) {
            ret->own = cert;
        } else {
            ret->chain[ret->n++] = cert;
        }
        first = false;
    }
    if (unread > 0)
        ike_sa_log(sa, ENGINE_LOG_IKE, 1, "of the peer's certificates %u cannot be read%s", unread,
                   urls > 0 ? ": it sends them by URL, which is not supported" : "");
}

bool auth_fits_method(const struct ike_conf *c, uint8_t method)
{
    return (method == AUTH_PSK) == (c->remote.auth == CONF_AUTH_PSK);
}

/* PSK ------------------------------------------------------------------------------------------------------------- */

static bool same_bytes(const uint8_t *a, const uint8_t *b, size_t len)
{
    uint8_t differ = 0;

    for (size_t i = 0; i < len; i++)
        differ = (uint8_t)(differ | (a[i] ^ b[i]));
    return differ == 0;
}

static bool check_psk(const struct ike_sa *sa, const struct auth_octets *o, const struct identity *me,
                      const struct auth_claim *claim, const char *peer, char error[static AUTH_ERROR_MAX])
{
    const struct secret *s = auth_secret(sa, me, &claim->id);
    char mine[IDENTITY_TEXT_MAX];
    uint8_t expected[ALG_PRF_MAX];
    bool same;

    if (!s) {
        (void)str_format(error, AUTH_ERROR_MAX, "no shared key found for '%.80s' - '%.80s'", identity_text(me, mine),
                         peer);
        return false;
    }
    if (keymat_psk_auth(sa->keys.prf, &(keymat_bytes){(const uint8_t *)secret_text(s), secret_len(s)}, &o->message,
                        &o->nonce, o->sk_p, &(keymat_bytes){claim->id_body.data, claim->id_body.len}, expected) < 0) {
        (void)str_format(error, AUTH_ERROR_MAX, "there is no memory");
        return false;
    }
    same = claim->data.len == sa->keys.prf->out_len && same_bytes(expected, claim->data.data, claim->data.len);
    secret_wipe(expected, sizeof(expected));
    if (!same)
        (void)str_format(error, AUTH_ERROR_MAX, "the pre-shared key of '%.80s' is not ours (MAC mismatch)", peer);
    return same;
}

/* Certificates ---------------------------------------------------------------------------------------------------- */

static bool is_pinned(const struct conf_side *side, const struct cert *c)
{
    for (size_t i = 0; i < side->n_certs; i++)
        if (cert_equal(side->certs[i], c))
            return true;
    return false;
}

/*
 * A certificate that is configured as the peer's needs no CA, but it must be in force; where revocation is strict, it
 * needs one all the same.
 */
static enum trust_error judge(const struct ike_sa *sa, const struct conf_side *side, const struct peer_certs *pc,
                              const struct cert *c)
{
    usec_t wall = core_wall(sa->engine);
    enum trust_error error = trust_verify_under(creds_trust(core_creds(sa->engine)), c, pc->chain, pc->n, side->cas,
                                                side->n_cas, wall, side->revocation);

    if (error != TRUST_UNKNOWN_ISSUER || !is_pinned(side, c) || side->revocation == TRUST_REVOCATION_STRICT)
        return error;
    if (wall < cert_not_before(c))
        return TRUST_NOT_YET_VALID;
    return wall > cert_not_after(c) ? TRUST_EXPIRED : TRUST_FINE;
}

/* NULL, or why C is not to be believed. */
static const char *distrust(const struct ike_sa *sa, const struct conf_side *side, const struct peer_certs *pc,
                            const struct cert *c, const struct identity *id)
{
    enum trust_error error;

    if (!identity_in_cert(id, c))
        return "the certificate does not say that";
    if (side->n_certs > 0 && !is_pinned(side, c))
        return "the certificate is none of those that are configured";
    if (!conf_side_allows_key(side, cert_key(c)))
        return "the key of the certificate is of a kind or size that is not allowed";
    error = judge(sa, side, pc, c);
    return error == TRUST_FINE ? NULL : trust_error_text(error);
}

/* The old methods have a fixed hash each, which a policy on hashes holds for too. */
static bool allows_method(const struct conf_side *side, uint8_t method)
{
    static const struct {
        uint8_t method, hash;
    } fixed[] = {{AUTH_RSA, HASH_SHA1},
                 {AUTH_ECDSA_256, HASH_SHA2_256},
                 {AUTH_ECDSA_384, HASH_SHA2_384},
                 {AUTH_ECDSA_521, HASH_SHA2_512}};

    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        if (fixed[i].method == method)
            return side->hashes == 0 || (side->hashes & SIGN_HASH(fixed[i].hash)) != 0;
    return method == AUTH_DIGITAL_SIGNATURE;
}

static bool verify(const struct ike_sa *sa, const struct auth_octets *o, const struct conf_side *side,
                   const struct cert *c, const struct auth_claim *claim, const char *peer,
                   char error[static AUTH_ERROR_MAX])
{
    cleanup(freep) uint8_t *octets = NULL;
    unsigned hashes = side->hashes != 0 ? side->hashes : sign_hashes_all();
    const char *name = str_or(name_auth_method(claim->method), "unknown");
    size_t len;
    int r = -ENOMEM;

    octets = auth_octets_join(o, sa->keys.prf, &(keymat_bytes){claim->id_body.data, claim->id_body.len}, &len);
    if (octets)
        r = sign_verify(cert_key(c), claim->method, hashes, octets, len, claim->data.data, claim->data.len);
    if (r == -ENOTSUP)
        (void)str_format(error, AUTH_ERROR_MAX, "'%.80s' signs with an algorithm that is not accepted (%s)", peer,
                         name);
    else if (r < 0)
        (void)str_format(error, AUTH_ERROR_MAX, "signature validation of '%.80s' failed (%s)", peer, name);
    return r == 0;
}

/* What is at hand of a peer that sends no certificate: AFTER or NULL, then the next one; NULL at the end. */
static struct cert *next_known(const struct ike_sa *sa, const struct conf_side *side, const struct identity *id,
                               size_t *pos)
{
    enum creds_flag flag;
    size_t creds_pos;
    struct cert *c;

    while (*pos < side->n_certs) {
        c = side->certs[(*pos)++];
        if (identity_in_cert(id, c))
            return c;
    }
    creds_pos = *pos - side->n_certs;
    while ((c = creds_next_cert(core_creds(sa->engine), &creds_pos, &flag))) {
        *pos = side->n_certs + creds_pos;
        if (flag == CREDS_CERT_NONE && identity_in_cert(id, c))
            return c;
    }
    return NULL;
}

static bool check_signature(const struct ike_sa *sa, const struct auth_octets *o, const struct conf_side *side,
                            const struct auth_claim *claim, const char *peer, char error[static AUTH_ERROR_MAX])
{
    cleanup(peer_certs_done) struct peer_certs pc;
    size_t pos = 0;
    struct cert *c;

    (void)str_format(error, AUTH_ERROR_MAX, "no trusted public key found for '%.80s'", peer);
    read_certs(sa, claim->chain, &pc);
    c = pc.own ? pc.own : next_known(sa, side, &claim->id, &pos);
    while (c) {
        const char *why = distrust(sa, side, &pc, c, &claim->id);

        if (!why && verify(sa, o, side, c, claim, peer, error))
            return true;
        if (why)
            (void)str_format(error, AUTH_ERROR_MAX, "no trusted public key found for '%.80s': %s", peer, why);
        c = pc.own ? NULL : next_known(sa, side, &claim->id, &pos);
    }
    return false;
}

bool auth_check(const struct ike_sa *sa, const struct ike_keys *keys, const struct ike_conf *c,
                const struct identity *me, const struct auth_claim *claim, char error[static AUTH_ERROR_MAX])
{
    const struct conf_side *side = &c->remote;
    struct auth_octets o = auth_octets_of(sa, keys, false);
    char peer[IDENTITY_TEXT_MAX], wanted[IDENTITY_TEXT_MAX];

    identity_text(&claim->id, peer);
    if (identity_match(&claim->id, &side->id) == IDENTITY_MATCH_NONE) {
        (void)str_format(error, AUTH_ERROR_MAX, "the peer is '%.80s', but '%.80s' is required", peer,
                         identity_text(&side->id, wanted));
        return false;
    }
    switch (side->auth) {
    case CONF_AUTH_PSK:
        if (claim->method == AUTH_PSK)
            return check_psk(sa, &o, me, claim, peer, error);
        break;
    case CONF_AUTH_PUBKEY:
        if (allows_method(side, claim->method))
            return check_signature(sa, &o, side, claim, peer, error);
        break;
    }
    (void)str_format(error, AUTH_ERROR_MAX, "the peer authenticates with %s, which is not configured for it",
                     str_or(name_auth_method(claim->method), "an unknown method"));
    return false;
}
