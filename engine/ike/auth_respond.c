/* IKE_AUTH as responder. */
#include "base/str.h"
#include "engine/ike/auth.h"
#include "engine/wire/names.h"

#include <string.h>

/* An IKE_AUTH request that is being judged. */
struct auth_request {
    const struct message *in;
    struct auth_claim claim;
    struct identity wanted; /* IDr; %any where it is not there */
    struct auth_own own;
    struct ike_keys keys;
    bool ppk_used;
    char error[AUTH_ERROR_MAX];
};

static bool read_request(struct auth_request *a)
{
    const struct chain *c = &a->in->chain;
    const struct payload *idr = chain_find(c, PAYLOAD_IDR, NULL);
    struct id_payload id;

    a->wanted = identity_any();
    if (!chain_find(c, PAYLOAD_AUTH, NULL)) {
        (void)str_format(a->error, sizeof(a->error), "the peer asks for EAP, which is not supported");
        return false;
    }
    if (!auth_read_claim(c, PAYLOAD_IDI, &a->claim) ||
        (idr &&
         (payload_read_id(idr, &id) < 0 || identity_from_wire(id.type, id.data.data, id.data.len, &a->wanted) < 0))) {
        (void)str_format(a->error, sizeof(a->error), "an identity or the proof of it is malformed");
        return false;
    }
    return true;
}

/*
 * RFC 8784 3: A->keys are those that AUTH is to be verified with, and the claim is the one without PPK where we do not
 * have it and the peer can do without.
 */
static bool take_ppk(const struct ike_sa *sa, const struct ike_conf *c, struct auth_request *a,
                     struct auth_claim *claim)
{
    struct notify_payload n;
    struct identity id;

    a->keys = sa->keys;
    a->ppk_used = false;
    if (sa->first->ppk && chain_notify(claim->chain, NOTIFY_PPK_IDENTITY, &n)) {
        if (c->has_ppk && auth_ppk_read_id(c, &n, &id) && auth_ppk_mix(sa, &id, &a->keys) == 0) {
            a->ppk_used = true;
            return true;
        }
        if (c->ppk_required || !chain_notify(claim->chain, NOTIFY_NO_PPK_AUTH, &n)) {
            (void)str_format(a->error, sizeof(a->error), "the peer's PPK is not known");
            return false;
        }
        claim->data = n.data;
        return true;
    }
    if (c->ppk_required)
        (void)str_format(a->error, sizeof(a->error), "the peer uses no PPK, but one is required");
    return !c->ppk_required;
}

/* RFC 6023 3 */
static bool fits_childless(const struct ike_conf *c, struct auth_request *a)
{
    bool childless = !chain_find(&a->in->chain, PAYLOAD_SA, NULL);

    if (childless && c->childless == CONF_CHILDLESS_NEVER)
        (void)str_format(a->error, sizeof(a->error), "the peer wants no CHILD_SA, which is not allowed");
    else if (!childless && c->childless == CONF_CHILDLESS_FORCE)
        (void)str_format(a->error, sizeof(a->error), "the peer wants a CHILD_SA, but childless IKE_SAs are forced");
    else
        return true;
    return false;
}

static bool fits(const struct ike_sa *sa, const struct ike_conf *c, struct auth_request *a)
{
    struct auth_claim claim = a->claim;

    if (!auth_fits_method(c, claim.method)) {
        (void)str_format(a->error, sizeof(a->error), "the peer authenticates with %s, which is not configured for it",
                         str_or(name_auth_method(claim.method), "an unknown method"));
        return false;
    }
    auth_own(sa, c, a->wanted.type != ID_ANY ? &a->wanted : NULL, &a->own);
    return fits_childless(c, a) && take_ppk(sa, c, a, &claim) &&
           auth_check(sa, &a->keys, c, &a->own.id, &claim, a->error);
}

/* The connection that the peer belongs to and is proven for; NULL with a sentence. */
static struct ike_conf *judge(const struct ike_sa *sa, struct auth_request *a)
{
    struct ike_conf *candidates[AUTH_CANDIDATES_MAX];
    char peer[IDENTITY_TEXT_MAX], me[IDENTITY_TEXT_MAX];
    size_t n;

    if (!read_request(a))
        return NULL;
    n = auth_candidates(sa, &a->claim.id, a->wanted.type != ID_ANY ? &a->wanted : NULL, candidates);
    (void)str_format(a->error, sizeof(a->error), "no connection is configured for '%.80s' with '%.80s'",
                     identity_text(&a->wanted, me), identity_text(&a->claim.id, peer));
    for (size_t i = 0; i < n; i++)
        if (fits(sa, candidates[i], a))
            return candidates[i];
    return NULL;
}

/* Where the peer's message came from, verified: it may have changed to the ports of NAT-T (RFC 7296 2.23). */
static void take_path(struct ike_sa *sa, const struct message *in)
{
    sa->local = in->local;
    sa->remote = in->remote;
    sa->natt = addr_port(&in->local) == core_settings(sa->engine)->natt_port;
}

static void take_conf(struct ike_sa *sa, struct ike_conf *c, const struct auth_request *a)
{
    struct ike_conf *before = sa->conf;

    if (c != before)
        ike_sa_log(sa, ENGINE_LOG_CFG, 1, "selected connection '%s'", c->name);
    sa->conf = ike_conf_ref(c);
    (void)ike_conf_unref(before);
    sa->me = a->own.id;
    sa->peer = a->claim.id;
    sa->keys = a->keys;
    sa->ppk_used = a->ppk_used;
}

static bool write_response(struct ike_sa *sa, struct auth_request *a, struct chain_writer *cw)
{
    struct auth_data data;
    struct notify_payload n;

    if (!auth_make(sa, &sa->keys, &a->own, &sa->peer, &data, a->error))
        return false;
    auth_write_id(cw, PAYLOAD_IDR, &sa->me);
    auth_write_certs(sa, &a->own, cw);
    payload_write_auth(cw, data.method, data.data, data.len);
    if (a->ppk_used)
        payload_write_notify(cw, NOTIFY_PPK_IDENTITY, PROTO_NONE, NULL, 0, NULL, 0);
    sa->mobike = sa->conf->mobike && chain_notify(&a->in->chain, NOTIFY_MOBIKE_SUPPORTED, &n);
    if (sa->mobike)
        payload_write_notify(cw, NOTIFY_MOBIKE_SUPPORTED, PROTO_NONE, NULL, 0, NULL, 0);
    auth_write_qcd(sa, cw);
    return true;
}

static void fail(struct ike_sa *sa, struct auth_request *a, struct chain_writer *cw, usec_t now)
{
    ike_sa_log(sa, ENGINE_LOG_IKE, 0, "%s, sending AUTHENTICATION_FAILED", a->error);
    payload_write_notify(cw, NOTIFY_AUTHENTICATION_FAILED, PROTO_NONE, NULL, 0, NULL, 0);
    ike_sa_destroy(sa, a->error, now);
}

static void establish(struct ike_sa *sa, const struct message *in, struct chain_writer *cw, usec_t now)
{
    struct notify_payload n;
    struct wire_bytes ni, nr;

    auth_take_qcd(sa, &in->chain);
    auth_established(sa, chain_notify(&in->chain, NOTIFY_INITIAL_CONTACT, &n), now);
    if (sa->state != IKE_ESTABLISHED)
        return;
    first_nonces(sa, &ni, &nr);
    create_auth_respond(sa, &in->chain, &ni, &nr, cw, now);
    sa->first = first_free(sa->first);
}

void respond_auth(struct ike_sa *sa, const struct message *in, struct chain_writer *cw, usec_t now)
{
    struct auth_request a = {.in = in};
    struct ike_conf *c;

    take_path(sa, in);
    sa->first->certreq = chain_find(&in->chain, PAYLOAD_CERTREQ, NULL) != NULL;
    c = judge(sa, &a);
    if (!c) {
        fail(sa, &a, cw, now);
    } else {
        auth_log_success(sa, &a.claim);
        take_conf(sa, c, &a);
        if (write_response(sa, &a, cw))
            establish(sa, in, cw, now);
        else
            fail(sa, &a, cw, now);
    }
    ike_keys_wipe(&a.keys);
}
