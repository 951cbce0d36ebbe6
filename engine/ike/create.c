#include "engine/ike/create.h"

#include "base/secret.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "engine/ike/child_log.h"
#include "engine/ike/child_path.h"
#include "engine/ike/create_parts.h"
#include "engine/ike/delete.h"
#include "engine/ike/life.h"
#include "engine/wire/names.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct create *create_new(struct ike_sa *sa)
{
    struct create *c = calloc(1, sizeof(*c));

    if (c)
        core_random(sa->engine, c->nonce, sizeof(c->nonce));
    return c;
}

struct create *create_free(struct create *c)
{
    if (c) {
        c->dh = dh_free(c->dh);
        secret_wipe(c, sizeof(*c));
        free(c);
    }
    return NULL;
}

/* Nonces ---------------------------------------------------------------------------------------------------------- */

bool create_nonce_less(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

    return order != 0 ? order < 0 : a_len < b_len;
}

void create_nonce_min(const struct create_nonces *n, uint8_t ret[static NONCE_CMP_MAX], size_t *ret_len)
{
    const struct wire_bytes *least = create_nonce_less(n->ni.data, n->ni.len, n->nr.data, n->nr.len) ? &n->ni : &n->nr;

    assert(least->len <= NONCE_CMP_MAX);
    memcpy(ret, least->data, least->len);
    *ret_len = least->len;
}

bool create_nonces_of(const struct create *cr, const struct chain *answer, struct create_nonces *ret)
{
    const struct payload *p = chain_find(answer, PAYLOAD_NONCE, NULL);

    ret->ni = (struct wire_bytes){cr->nonce, sizeof(cr->nonce)};
    return p && payload_read_nonce(p, &ret->nr) >= 0;
}

/* The request ----------------------------------------------------------------------------------------------------- */

int create_begin(struct ike_sa *sa, struct task *t)
{
    uint16_t group = t->create ? t->create->group : 0;

    t->create = create_free(t->create);
    t->create = create_new(sa);
    if (!t->create)
        return -ENOMEM;
    t->create->group = group;
    return 0;
}

/* The group is one that we offer, or else the key pair would be of no use. */
static const struct alg *group_of(const struct ike_sa *sa, const struct create *cr, const struct alg *prefer)
{
    if (cr->group != 0 && proposals_have_dh(&cr->offered, cr->group))
        return alg_find(ALG_DH, cr->group, 0);
    if (prefer && proposals_have_dh(&cr->offered, prefer->id))
        return prefer;
    if (sa->suite.dh && proposals_have_dh(&cr->offered, sa->suite.dh->id))
        return sa->suite.dh;
    return proposals_first_dh(&cr->offered);
}

int create_key_pair(struct ike_sa *sa, struct create *cr, const struct alg *prefer)
{
    const struct alg *group = group_of(sa, cr, prefer);

    return group ? dh_new(group, &cr->dh) : 0;
}

void create_offer(struct ike_sa *sa, struct create *cr, const struct child_conf *conf, bool groups)
{
    uint8_t spi[ESP_SPI_LEN];

    if (cr->spi_in == 0)
        cr->spi_in = core_esp_spi(sa->engine);
    for (size_t i = 0; i < sizeof(spi); i++)
        spi[i] = (uint8_t)(cr->spi_in >> (24 - 8 * i));
    if (groups)
        cr->offered = conf->proposals;
    else
        proposals_without_dh(&conf->proposals, &cr->offered);
    proposals_set_spi(&cr->offered, spi, sizeof(spi));
    selectors_resolve(&conf->local_ts, &sa->local, &cr->tsi);
    selectors_resolve(&conf->remote_ts, &sa->remote, &cr->tsr);
}

static void write_child(const struct create *cr, struct chain_writer *cw)
{
    payload_write_ts(cw, PAYLOAD_TSI, &cr->tsi);
    payload_write_ts(cw, PAYLOAD_TSR, &cr->tsr);
}

void create_write_request(const struct create *cr, struct chain_writer *cw)
{
    payload_write_notify(cw, NOTIFY_ESP_TFC_PADDING_NOT_SUPPORTED, PROTO_NONE, NULL, 0, NULL, 0);
    payload_write_sa(cw, &cr->offered);
    payload_write_nonce(cw, cr->nonce, sizeof(cr->nonce));
    if (cr->dh)
        payload_write_ke(cw, dh_alg(cr->dh)->id, dh_public(cr->dh), dh_public_len(dh_alg(cr->dh)));
    write_child(cr, cw);
}

int create_auth_write(struct ike_sa *sa, struct create *cr, struct ike_conf *ike_conf, const struct child_conf *conf,
                      struct chain_writer *cw)
{
    (void)ike_conf;
    create_offer(sa, cr, conf, false);
    payload_write_notify(cw, NOTIFY_ESP_TFC_PADDING_NOT_SUPPORTED, PROTO_NONE, NULL, 0, NULL, 0);
    payload_write_sa(cw, &cr->offered);
    write_child(cr, cw);
    return chain_ok(cw) ? 0 : -EMSGSIZE;
}

/* The answer ------------------------------------------------------------------------------------------------------ */

int create_secret(const struct dh *dh, const struct suite *suite, const struct chain *c, uint8_t ret[DH_SECRET_MAX],
                  size_t *ret_len, char *error, size_t size)
{
    const struct payload *p = chain_find(c, PAYLOAD_KE, NULL);
    struct ke_payload ke;

    *ret_len = 0;
    if (!suite->dh)
        return 0;
    if (!dh || !p || payload_read_ke(p, &ke) < 0 || dh_alg(dh) != suite->dh || ke.group != suite->dh->id) {
        (void)str_format(error, size, "the key exchange of the answer is not of the group that it chose");
        return -EBADMSG;
    }
    if (dh_secret(dh, ke.value.data, ke.value.len, ret, ret_len) < 0) {
        (void)str_format(error, size, "the key exchange of the answer is no value of %s", suite->dh->name);
        return -EBADMSG;
    }
    return 0;
}

static uint32_t spi_of(const struct proposal *p)
{
    uint32_t spi = 0;

    for (size_t i = 0; i < ESP_SPI_LEN && p->spi_len == ESP_SPI_LEN; i++)
        spi = spi << 8 | p->spi[i];
    return spi;
}

/* Suite, SPI and selectors of C out of ANSWER. */
static bool read_answer(struct create *cr, struct child_sa *c, const struct chain *answer, char *error, size_t size)
{
    const struct payload *sa = chain_find(answer, PAYLOAD_SA, NULL), *tsi = chain_find(answer, PAYLOAD_TSI, NULL),
                         *tsr = chain_find(answer, PAYLOAD_TSR, NULL);
    struct proposals ps;

    if (!sa || !tsi || !tsr || payload_read_sa(sa, &ps) < 0 || payload_read_ts(tsi, &c->local_ts) < 0 ||
        payload_read_ts(tsr, &c->remote_ts) < 0) {
        (void)str_format(error, size, "the peer's answer for the CHILD_SA is not whole");
        return false;
    }
    if (!proposals_accept(&ps, &cr->offered, &c->suite) || spi_of(&ps.p[0]) == 0) {
        (void)str_format(error, size, "the peer chose what was not offered for the CHILD_SA");
        return false;
    }
    c->spi_out = spi_of(&ps.p[0]);
    /* RFC 7296 2.9: narrowed, never widened. */
    if (c->local_ts.n == 0 || c->remote_ts.n == 0 || !selectors_within(&c->local_ts, &cr->tsi) ||
        !selectors_within(&c->remote_ts, &cr->tsr)) {
        (void)str_format(error, size, "the peer's traffic selectors are not within those that were offered");
        return false;
    }
    return true;
}

static bool accept_into(struct child_sa *c, struct create *cr, const struct chain *answer,
                        const struct create_nonces *nonces, usec_t now, char *error, size_t size)
{
    struct child_keys keys;
    uint8_t secret[DH_SECRET_MAX];
    size_t secret_len;
    int r;

    if (!read_answer(cr, c, answer, error, size))
        return false;
    if (create_secret(cr->dh, &c->suite, answer, secret, &secret_len, error, size) < 0)
        return false;
    r = keymat_child(&c->ike->keys, secret_len > 0 ? &(keymat_bytes){secret, secret_len} : NULL,
                     &(keymat_bytes){nonces->ni.data, nonces->ni.len}, &(keymat_bytes){nonces->nr.data, nonces->nr.len},
                     c->suite.encr, c->suite.integ, &keys);
    secret_wipe(secret, sizeof(secret));
    if (r >= 0)
        r = child_path_install(c, true, &keys, now);
    child_keys_wipe(&keys);
    if (r < 0) {
        (void)str_format(error, size, "the CHILD_SA cannot be installed: %s", strerror(-r));
        return false;
    }
    return true;
}

struct child_sa *create_accept(struct ike_sa *sa, struct create *cr, struct ike_conf *ike_conf,
                               const struct child_conf *conf, const struct chain *answer,
                               const struct create_nonces *nonces, uint32_t replaces, usec_t now, char *error,
                               size_t size)
{
    struct child_sa *c = child_sa_new(sa, ike_conf, conf);

    if (!c) {
        (void)str_format(error, size, "no room for a further CHILD_SA");
        return NULL;
    }
    c->spi_in = cr->spi_in;
    c->replaces = replaces;
    create_nonce_min(nonces, c->nonce_min, &c->nonce_min_len);
    if (accept_into(c, cr, answer, nonces, now, error, size)) {
        child_log_established(c);
        return c;
    }
    ike_sa_log(sa, ENGINE_LOG_CHD, 0, "CHILD_SA %s{%u}: %s", conf->name, c->unique, error);
    /* The peer has it already. */
    if (!task_add(sa, TASK_DELETE_CHILD, NULL, NULL, c->unique, 0))
        child_sa_destroy(c, error, now);
    return NULL;
}

struct create *create_pending(const struct ike_sa *sa)
{
    const struct task *t = sa->tasks;

    return t && task_is_out(sa, t) && (t->kind == TASK_CHILD || t->kind == TASK_REKEY_CHILD) ? t->create : NULL;
}

void create_close_gone(const struct create *cr, struct child_sa *c, usec_t now)
{
    for (size_t i = 0; i < cr->n_gone; i++)
        if (cr->gone[i] == c->spi_out) {
            (void)delete_child_by_peer(c, now);
            return;
        }
}

static const char *explain(uint16_t type)
{
    static const struct {
        enum ike_notify type;
        const char *text;
    } rows[] = {
        {NOTIFY_NO_PROPOSAL_CHOSEN, "the peer accepts none of our proposals"},
        {NOTIFY_TS_UNACCEPTABLE, "the peer accepts none of our traffic selectors"},
        {NOTIFY_NO_ADDITIONAL_SAS, "the peer wants no further CHILD_SA of this IKE_SA"},
        {NOTIFY_TEMPORARY_FAILURE, "the peer is busy with another exchange"},
        {NOTIFY_CHILD_SA_NOT_FOUND, "the peer does not know the CHILD_SA"},
        {NOTIFY_INVALID_KE_PAYLOAD, "the peer wants a group that we do not offer"},
        {NOTIFY_INVALID_SYNTAX, "the peer calls our request malformed"},
        {NOTIFY_SINGLE_PAIR_REQUIRED, "the peer wants traffic selectors of a single pair of addresses"},
        {NOTIFY_INTERNAL_ADDRESS_FAILURE, "the peer wants us to ask for an address"},
        {NOTIFY_FAILED_CP_REQUIRED, "the peer wants us to ask for an address"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].type == type)
            return rows[i].text;
    return "the peer refuses";
}

static void set_error(struct ike_sa *sa, const struct notify_payload *n, char *error, size_t size)
{
    const char *name = name_notify(n->type);

    if (name)
        (void)str_format(error, size, "received %s: %s", name, explain(n->type));
    else
        (void)str_format(error, size, "received error %u: %s", n->type, explain(n->type));
    ike_sa_log(sa, ENGINE_LOG_IKE, 1, "%s", error);
}

enum task_result create_refused(struct ike_sa *sa, struct task *t, const struct proposals *ours,
                                const struct notify_payload *n, usec_t now)
{
    set_error(sa, n, t->error, sizeof(t->error));
    if (t->tries >= CREATE_TRIES_MAX)
        return TASK_DONE;
    if (n->type == NOTIFY_INVALID_KE_PAYLOAD && n->data.len == 2) {
        uint16_t group = (uint16_t)(n->data.data[0] << 8 | n->data.data[1]);

        if (group == t->create->group || !proposals_have_dh(ours, group))
            return TASK_DONE;
        t->create->group = group;
    } else if (n->type == NOTIFY_TEMPORARY_FAILURE) { /* RFC 7296 2.25: not at once */
        t->not_before = now + life_pause(sa, t->tries);
    } else {
        return TASK_DONE;
    }
    t->tries++;
    t->error[0] = '\0';
    return TASK_AGAIN;
}

bool create_auth_accept(struct ike_sa *sa, struct create *cr, struct ike_conf *ike_conf, const struct child_conf *conf,
                        const struct chain *answer, const struct wire_bytes *ni, const struct wire_bytes *nr,
                        usec_t now, char *error, size_t size)
{
    struct create_nonces nonces = {*ni, *nr};
    struct notify_payload n;
    struct child_sa *c;

    if (chain_error(answer, &n)) {
        set_error(sa, &n, error, size);
        return false;
    }
    c = create_accept(sa, cr, ike_conf, conf, answer, &nonces, 0, now, error, size);
    if (c)
        child_path_use(c);
    return c != NULL;
}
