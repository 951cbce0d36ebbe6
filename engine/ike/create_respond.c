#include "base/secret.h"
#include "base/str.h"
#include "engine/ike/child_log.h"
#include "engine/ike/child_path.h"
#include "engine/ike/create_parts.h"
#include "engine/wire/names.h"

#include <errno.h>
#include <string.h>

void create_write_error(struct ike_sa *sa, struct chain_writer *cw, uint16_t notify, const char *why)
{
    const char *name = name_notify(notify);

    ike_sa_log(sa, ENGINE_LOG_IKE, 1, "%s, sending %s", why, name ? name : "an error");
    payload_write_notify(cw, notify, PROTO_NONE, NULL, 0, NULL, 0);
}

int create_read_wish(const struct chain *c, struct create_wish *ret)
{
    const struct payload *p;

    *ret = (struct create_wish){0};
    p = chain_find(c, PAYLOAD_SA, NULL);
    if (!p || payload_read_sa(p, &ret->offered) < 0)
        return -EBADMSG;
    p = chain_find(c, PAYLOAD_TSI, NULL);
    if (p && payload_read_ts(p, &ret->tsi) < 0)
        return -EBADMSG;
    p = chain_find(c, PAYLOAD_TSR, NULL);
    if (p && payload_read_ts(p, &ret->tsr) < 0)
        return -EBADMSG;
    p = chain_find(c, PAYLOAD_KE, NULL);
    if (p && payload_read_ke(p, &ret->ke) < 0)
        return -EBADMSG;
    ret->has_ke = p != NULL;
    p = chain_find(c, PAYLOAD_NONCE, NULL);
    return p && payload_read_nonce(p, &ret->ni) < 0 ? -EBADMSG : 0;
}

int create_respond_ke(struct ike_sa *sa, const struct create_wish *w, const struct suite *suite,
                      struct chain_writer *cw, struct dh **ret, uint8_t secret[DH_SECRET_MAX], size_t *ret_len)
{
    cleanup(dh_freep) struct dh *dh = NULL;
    int r;

    *ret_len = 0;
    if (!suite->dh)
        return 0;
    if (!w->has_ke || w->ke.group != suite->dh->id) { /* RFC 7296 1.3 */
        uint8_t group[2] = {(uint8_t)(suite->dh->id >> 8), (uint8_t)suite->dh->id};

        ike_sa_log(sa, ENGINE_LOG_IKE, 1, "the key exchange is not of %s, sending INVALID_KE_PAYLOAD", suite->dh->name);
        payload_write_notify(cw, NOTIFY_INVALID_KE_PAYLOAD, PROTO_NONE, NULL, 0, group, sizeof(group));
        return -EPROTO;
    }
    r = dh_new(suite->dh, &dh);
    if (r >= 0)
        r = dh_secret(dh, w->ke.value.data, w->ke.value.len, secret, ret_len);
    if (r == -EBADMSG)
        create_write_error(sa, cw, NOTIFY_INVALID_SYNTAX, "the key exchange is no value of its group");
    else if (r < 0)
        create_write_error(sa, cw, NOTIFY_TEMPORARY_FAILURE, "no memory for a key exchange");
    if (r < 0)
        return r;
    *ret = TAKE_PTR(dh);
    return 0;
}

/* What is agreed on with the peer, before anything is made. */
struct agreement {
    const struct child_conf *conf;
    struct suite suite;
    struct proposal proposal; /* the answer */
    struct selectors local_ts, remote_ts;
};

static bool is_taken(const struct ike_sa *sa, const struct child_conf *conf)
{
    for (const struct child_sa *c = sa->children; c; c = c->next)
        if (c->conf == conf && child_sa_live(c))
            return true;
    return false;
}

/* How well CONF fits what W asks for: 0 not at all. As responder our side is TSr. */
static unsigned narrow(const struct ike_sa *sa, const struct create_wish *w, const struct child_conf *conf,
                       struct agreement *a)
{
    struct selectors local, remote;
    unsigned fit = 1;

    selectors_resolve(&conf->local_ts, &sa->local, &local);
    selectors_resolve(&conf->remote_ts, &sa->remote, &remote);
    selectors_narrow(&w->tsr, &local, &a->local_ts);
    selectors_narrow(&w->tsi, &remote, &a->remote_ts);
    if (a->local_ts.n == 0 || a->remote_ts.n == 0)
        return 0;
    if (selectors_equal(&w->tsr, &local) && selectors_equal(&w->tsi, &remote))
        fit = 3;
    else if (selectors_within(&w->tsr, &local) && selectors_within(&w->tsi, &remote))
        fit = 2;
    return 2 * fit - is_taken(sa, conf); /* of two, the one that has no CHILD_SA yet */
}

static bool choose_suite(const struct create_wish *w, const struct child_conf *conf, bool groups, struct agreement *a)
{
    struct proposals peer, ours;

    if (groups)
        return proposals_choose(&w->offered, &conf->proposals, w->has_ke ? alg_find(ALG_DH, w->ke.group, 0) : NULL,
                                &a->suite, &a->proposal);
    proposals_without_dh(&w->offered, &peer);
    proposals_without_dh(&conf->proposals, &ours);
    return proposals_choose(&peer, &ours, NULL, &a->suite, &a->proposal);
}

/* The child of the connection that fits best; 0 and *RET, or the error to send. */
static uint16_t agree(const struct ike_sa *sa, const struct create_wish *w, bool groups, const struct child_conf *only,
                      struct agreement *ret)
{
    uint16_t error = NOTIFY_TS_UNACCEPTABLE;
    unsigned best = 0;

    for (size_t i = 0; i < (only ? 1 : sa->conf->n_children); i++) {
        struct agreement a = {.conf = only ? only : &sa->conf->children[i]};
        unsigned fit = narrow(sa, w, a.conf, &a);

        if (fit <= best)
            continue;
        if (!choose_suite(w, a.conf, groups, &a)) {
            error = best == 0 ? NOTIFY_NO_PROPOSAL_CHOSEN : error;
            continue;
        }
        best = fit;
        *ret = a;
    }
    return best > 0 ? 0 : error;
}

/* The SPI of the proposal that was chosen: they need not be the same in all. */
static uint32_t peer_spi(const struct create_wish *w, const struct proposal *chosen)
{
    uint32_t spi = 0;

    for (size_t i = 0; i < w->offered.n; i++) {
        const struct proposal *p = &w->offered.p[i];

        if (p->number != chosen->number || p->protocol != chosen->protocol || p->spi_len != ESP_SPI_LEN)
            continue;
        for (size_t k = 0; k < ESP_SPI_LEN; k++)
            spi = spi << 8 | p->spi[k];
        break;
    }
    return spi;
}

static int install(struct child_sa *c, const uint8_t *secret, size_t secret_len, const struct create_nonces *nonces,
                   usec_t now)
{
    struct child_keys keys;
    int r = keymat_child(&c->ike->keys, secret_len > 0 ? &(keymat_bytes){secret, secret_len} : NULL,
                         &(keymat_bytes){nonces->ni.data, nonces->ni.len},
                         &(keymat_bytes){nonces->nr.data, nonces->nr.len}, c->suite.encr, c->suite.integ, &keys);

    if (r < 0)
        return r;
    r = child_path_install(c, false, &keys, now);
    child_keys_wipe(&keys);
    return r;
}

static struct child_sa *make(struct ike_sa *sa, const struct agreement *a, struct child_sa *old, uint32_t spi_out,
                             const uint8_t *secret, size_t secret_len, const struct create_nonces *nonces, usec_t now)
{
    struct child_sa *c = child_sa_new(sa, old ? old->ike_conf : sa->conf, a->conf);
    int r;

    if (!c)
        return NULL;
    c->spi_in = core_esp_spi(sa->engine);
    c->spi_out = spi_out;
    c->suite = a->suite;
    c->local_ts = a->local_ts;
    c->remote_ts = a->remote_ts;
    c->replaces = old ? old->unique : 0;
    create_nonce_min(nonces, c->nonce_min, &c->nonce_min_len);
    r = install(c, secret, secret_len, nonces, now);
    if (r < 0) {
        ike_sa_log(sa, ENGINE_LOG_CHD, 0, "the CHILD_SA cannot be installed: %s", strerror(-r));
        child_sa_destroy(c, "the data path refused it", now);
        return NULL;
    }
    child_log_established(c);
    return c;
}

static void write_answer(const struct child_sa *c, const struct agreement *a, const struct create_nonces *nonces,
                         bool auth, const struct dh *dh, struct chain_writer *cw)
{
    struct proposals ps = {.n = 1, .p[0] = a->proposal};
    uint8_t spi[ESP_SPI_LEN];

    for (size_t i = 0; i < sizeof(spi); i++)
        spi[i] = (uint8_t)(c->spi_in >> (24 - 8 * i));
    proposals_set_spi(&ps, spi, sizeof(spi));
    payload_write_notify(cw, NOTIFY_ESP_TFC_PADDING_NOT_SUPPORTED, PROTO_NONE, NULL, 0, NULL, 0);
    payload_write_sa(cw, &ps);
    if (!auth)
        payload_write_nonce(cw, nonces->nr.data, nonces->nr.len);
    if (dh)
        payload_write_ke(cw, dh_alg(dh)->id, dh_public(dh), dh_public_len(dh_alg(dh)));
    payload_write_ts(cw, PAYLOAD_TSI, &c->remote_ts);
    payload_write_ts(cw, PAYLOAD_TSR, &c->local_ts);
}

struct child_sa *create_respond(struct ike_sa *sa, const struct create_wish *w, const struct create_nonces *nonces,
                                bool auth, struct child_sa *old, struct chain_writer *cw, usec_t now)
{
    cleanup(dh_freep) struct dh *dh = NULL;
    uint8_t secret[DH_SECRET_MAX];
    size_t secret_len;
    struct agreement a;
    struct child_sa *c;
    uint32_t spi;
    uint16_t error = agree(sa, w, !auth, old ? old->conf : NULL, &a);

    if (error != 0) {
        create_write_error(sa, cw, error,
                           error == NOTIFY_TS_UNACCEPTABLE ? "no child of the connection has the traffic selectors"
                                                           : "the ESP proposals of the peer have none of ours");
        return NULL;
    }
    spi = peer_spi(w, &a.proposal);
    if (spi == 0) {
        create_write_error(sa, cw, NOTIFY_INVALID_SYNTAX, "the ESP proposal has no SPI");
        return NULL;
    }
    if (create_respond_ke(sa, w, &a.suite, cw, &dh, secret, &secret_len) < 0)
        return NULL;
    c = make(sa, &a, old, spi, secret, secret_len, nonces, now);
    secret_wipe(secret, sizeof(secret));
    if (!c) {
        create_write_error(sa, cw,
                           sa->n_children >= SA_CHILDREN_MAX ? NOTIFY_NO_ADDITIONAL_SAS : NOTIFY_TEMPORARY_FAILURE,
                           "no CHILD_SA can be made");
        return NULL;
    }
    write_answer(c, &a, nonces, auth, dh, cw);
    return c;
}

void create_auth_respond(struct ike_sa *sa, const struct chain *request, const struct wire_bytes *ni,
                         const struct wire_bytes *nr, struct chain_writer *cw, usec_t now)
{
    struct create_nonces nonces = {*ni, *nr};
    struct create_wish w;
    struct child_sa *c;

    if (!chain_find(request, PAYLOAD_SA, NULL)) /* RFC 6023 */
        return;
    if (create_read_wish(request, &w) < 0) {
        create_write_error(sa, cw, NOTIFY_INVALID_SYNTAX, "a payload for the CHILD_SA is malformed");
        return;
    }
    c = create_respond(sa, &w, &nonces, true, NULL, cw, now);
    if (c)
        child_path_use(c);
}
