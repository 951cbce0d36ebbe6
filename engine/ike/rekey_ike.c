/* Rekeying of an IKE_SA (RFC 7296 1.3.2, 2.8, 2.8.2, 2.18). */
#include "base/secret.h"
#include "base/str.h"
#include "engine/ike/delete.h"
#include "engine/ike/life.h"
#include "engine/ike/rekey.h"
#include "engine/ike/task.h"

#include <errno.h>
#include <string.h>

#define RETRY_TRIES 4 /* the longest pause: the rekeying failed, and the lifetime is not over yet */

/* The new IKE_SA -------------------------------------------------------------------------------------------------- */

static const uint8_t no_spi[IKE_SPI_LEN];

/* What an IKE_SA is beside its keys and SPIs goes on with NEW. */
static void inherit(struct ike_sa *new, const struct ike_sa *old)
{
    new->local = old->local;
    new->remote = old->remote;
    new->natt = old->natt;
    new->nat_local = old->nat_local;
    new->nat_remote = old->nat_remote;
    new->encap = old->encap;
    new->told_initial_contact = old->told_initial_contact;
    new->me = old->me;
    new->peer = old->peer;
    new->my_auth = old->my_auth;
    new->peer_auth = old->peer_auth;
    new->fragmentation = old->fragmentation;
    new->mobike = old->mobike;
    new->childless = old->childless;
    new->peer_hashes = old->peer_hashes;
    new->ppk_used = old->ppk_used;
    new->reauth_at = old->reauth_at;
    new->begun_by_us = old->begun_by_us;
    new->authenticated_at = old->authenticated_at;
    new->crossed_at = old->crossed_at;
    new->replaces = old->unique;
}

/* RFC 7296 2.18 */
static int make_keys(struct ike_sa *new, const struct ike_sa *old, const struct create_nonces *n, const uint8_t *secret,
                     size_t secret_len)
{
    keymat_bytes ni = {n->ni.data, n->ni.len}, nr = {n->nr.data, n->nr.len};
    uint8_t seed[ALG_PRF_MAX];
    int r = keymat_seed_rekey(&old->keys, &ni, &nr, &(keymat_bytes){secret, secret_len}, seed);

    if (r >= 0)
        r = keymat_ike(new->suite.prf, new->suite.encr, new->suite.integ, seed, old->keys.prf->out_len, &ni, &nr,
                       new->spi_i, new->spi_r, &new->keys);
    secret_wipe(seed, sizeof(seed));
    return r < 0 ? r : ike_sa_keyed(new);
}

/* RFC 6290 3: a token for each IKE_SA */
static void write_qcd(const struct ike_sa *sa, const uint8_t *spi_i, const uint8_t *spi_r, struct chain_writer *cw)
{
    uint8_t token[32];

    if (core_qcd_token(sa->engine, spi_i, spi_r, token))
        payload_write_notify(cw, NOTIFY_QUICK_CRASH_DETECTION, PROTO_NONE, NULL, 0, token, sizeof(token));
}

static void read_qcd(struct ike_sa *new, const struct chain *c)
{
    struct notify_payload n;

    if (!chain_notify(c, NOTIFY_QUICK_CRASH_DETECTION, &n) || n.data.len > sizeof(new->qcd_token))
        return;
    memcpy(new->qcd_token, n.data.data, n.data.len);
    new->qcd_token_len = n.data.len;
}

static void stands(struct ike_sa *new, const struct chain *c, usec_t now)
{
    read_qcd(new, c);
    life_of_ike(new, now);
    ike_sa_become(new, IKE_ESTABLISHED, "made by a rekeying", now);
    ike_sa_log(new, ENGINE_LOG_IKE, 0, "IKE_SA %s[%u] rekeyed, it was %u", new->conf->name, new->unique, new->replaces);
}

/* What waits, but for what has no meaning beyond its IKE_SA. */
static void move_tasks(struct ike_sa *from, struct ike_sa *to)
{
    struct task *next;

    for (struct task *t = from->tasks; t; t = next) {
        next = t->next;
        if (!task_is_out(from, t) && t->kind != TASK_DPD && t->kind != TASK_REKEY_IKE)
            task_move(from, t, to);
    }
}

/* NEW takes the place of OLD: all that OLD had is its own. BY_US: our exchange, whose task is CURRENT. */
static void take_over(struct ike_sa *old, struct ike_sa *new, const struct task *current, usec_t now)
{
    struct engine_event ev = {.type = ENGINE_IKE_REKEYED, .ike = old, .new_ike = new};
    bool by_us = current && new->initiator;

    while (old->children)
        child_sa_move(old->children, new);
    move_tasks(old, new);
    new->reauth = old->reauth;
    new->gone_at = old->reauth ? old->gone_at : USEC_NEVER;
    old->reauth = false;
    old->replaced_by = new->unique;
    old->rekeyed_by_us = by_us;
    old->gone_at = now + DELETE_WAIT;
    ike_sa_become(old, IKE_REKEYED, by_us ? "we have rekeyed it" : "the peer has rekeyed it", now);
    ike_sa_count(old, by_us ? ENGINE_IKE_REKEY_INIT : ENGINE_IKE_REKEY_RESP);
    core_event(old->engine, &ev);
    if (by_us)
        (void)task_add(old, TASK_DELETE_IKE, NULL, NULL, 0, 0);
}

/* Two rekeyings that cross ---------------------------------------------------------------------------------------- */

static struct task *task_of(const struct ike_sa *sa)
{
    for (struct task *t = sa->tasks; t; t = t->next)
        if (t->kind == TASK_REKEY_IKE)
            return t;
    return NULL;
}

static struct ike_sa *rival_of(const struct ike_sa *sa, const struct task *t)
{
    struct ike_sa *rival =
        t && t->create && t->create->rival != 0 ? core_sa_by_unique(sa->engine, t->create->rival) : NULL;

    return rival && rival->state == IKE_ESTABLISHED ? rival : NULL;
}

void rekey_ike_adopt_rival(struct ike_sa *sa, usec_t now)
{
    struct ike_sa *rival = sa->state == IKE_REKEYING ? rival_of(sa, task_of(sa)) : NULL;

    if (rival)
        take_over(sa, rival, NULL, now);
}

/* The IKE_SA that SA came out of by the peer's rekeying, while ours of it is still out. */
static struct ike_sa *undecided(const struct ike_sa *sa)
{
    struct ike_sa *old = sa->replaces != 0 ? core_sa_by_unique(sa->engine, sa->replaces) : NULL;

    return old && old->state == IKE_REKEYING && rival_of(old, task_of(old)) == sa ? old : NULL;
}

void rekey_ike_peer_uses(struct ike_sa *sa, usec_t now)
{
    struct ike_sa *old = undecided(sa);

    if (old)
        take_over(old, sa, NULL, now);
}

void rekey_ike_taken_back(struct ike_sa *sa)
{
    struct ike_sa *old = undecided(sa);

    if (!old)
        return;
    sa->replaced_by = old->unique;
    move_tasks(sa, old);
}

bool rekey_ike_undecided(const struct ike_sa *sa)
{
    return undecided(sa) != NULL;
}

/* The one with the lowest of the four nonces loses (RFC 7296 2.8.2); who made it deletes it. */
static void settle(struct ike_sa *old, struct ike_sa *ours, struct ike_sa *rival, const struct task *t, usec_t now)
{
    if (create_nonce_less(ours->nonce_min, ours->nonce_min_len, rival->nonce_min, rival->nonce_min_len)) {
        ike_sa_log(old, ENGINE_LOG_IKE, 1, "the peer rekeyed the IKE_SA too: ours is closed");
        ours->replaced_by = rival->unique;
        (void)task_add(ours, TASK_DELETE_IKE, NULL, NULL, 0, 0);
        take_over(old, rival, t, now);
        return;
    }
    ike_sa_log(old, ENGINE_LOG_IKE, 1, "the peer rekeyed the IKE_SA too: the peer's is closed");
    rival->replaced_by = ours->unique;
    rival->gone_at = now + DELETE_WAIT;
    move_tasks(rival, ours);
    ike_sa_become(rival, IKE_REKEYED, "it lost against ours: the peer's DELETE is awaited", now);
    take_over(old, ours, t, now);
}

/* Initiator ------------------------------------------------------------------------------------------------------- */

static void choose_spi(const struct ike_sa *sa, uint8_t spi[static IKE_SPI_LEN])
{
    do
        core_random(sa->engine, spi, IKE_SPI_LEN);
    while (memcmp(spi, no_spi, IKE_SPI_LEN) == 0 || core_sa_by_spi(sa->engine, spi));
}

static int build(struct ike_sa *sa, struct task *t, struct chain_writer *cw, usec_t now)
{
    struct create *cr;
    int r;

    if (sa->state != IKE_ESTABLISHED)
        return -ECANCELED;
    if (rekey_ike_undecided(sa)) {
        t->not_before = now + REKEY_CONFIRM;
        return -EAGAIN;
    }
    r = create_begin(sa, t);
    if (r < 0)
        return r;
    cr = t->create;
    choose_spi(sa, cr->spi_ike);
    cr->offered = sa->conf->proposals;
    proposals_set_spi(&cr->offered, cr->spi_ike, sizeof(cr->spi_ike));
    r = create_key_pair(sa, cr, sa->suite.dh);
    if (r < 0)
        return r;
    ike_sa_become(sa, IKE_REKEYING, "CREATE_CHILD_SA for the IKE_SA is sent", now);
    ike_sa_log(sa, ENGINE_LOG_IKE, 0, "rekeying IKE_SA %s[%u]", sa->conf->name, sa->unique);
    payload_write_sa(cw, &cr->offered);
    payload_write_nonce(cw, cr->nonce, sizeof(cr->nonce));
    if (cr->dh)
        payload_write_ke(cw, dh_alg(cr->dh)->id, dh_public(cr->dh), dh_public_len(dh_alg(cr->dh)));
    return 0;
}

/* Refused, not for ever: the lifetime has a hard end, which makes all anew. */
static void try_later(struct ike_sa *sa, const char *reason, usec_t now)
{
    ike_sa_become(sa, IKE_ESTABLISHED, reason, now);
    sa->rekey_at = now + life_pause(sa, RETRY_TRIES);
}

static enum task_result refused(struct ike_sa *sa, struct task *t, const struct notify_payload *n, usec_t now)
{
    struct ike_sa *rival = rival_of(sa, t);
    enum task_result result;

    if (rival) { /* the peer was faster */
        take_over(sa, rival, t, now);
        return TASK_DONE;
    }
    result = create_refused(sa, t, &sa->conf->proposals, n, now);
    if (n->type == NOTIFY_NO_ADDITIONAL_SAS) {
        life_reauth(sa, "the peer does not rekey IKE_SAs", now);
        ike_sa_become(sa, IKE_ESTABLISHED, "the peer does not rekey IKE_SAs", now);
    } else if (result == TASK_DONE) {
        try_later(sa, "the rekeying was refused", now);
    } else {
        ike_sa_become(sa, IKE_ESTABLISHED, "the rekeying was refused for now", now);
    }
    return result;
}

/* The IKE_SA that ANSWER agrees on; NULL, with a sentence in t->error. */
static struct ike_sa *make_as_initiator(struct ike_sa *old, struct task *t, const struct chain *answer, usec_t now)
{
    const struct payload *p = chain_find(answer, PAYLOAD_SA, NULL);
    struct create *cr = t->create;
    struct create_nonces nonces;
    uint8_t secret[DH_SECRET_MAX];
    size_t secret_len;
    struct proposals ps;
    struct suite suite;
    struct ike_sa *new;
    int r;

    if (!p || payload_read_sa(p, &ps) < 0 || !create_nonces_of(cr, answer, &nonces) ||
        !proposals_accept(&ps, &cr->offered, &suite) || ps.p[0].spi_len != IKE_SPI_LEN ||
        memcmp(ps.p[0].spi, no_spi, IKE_SPI_LEN) == 0 || !suite.dh) {
        (void)str_format(t->error, sizeof(t->error), "the peer chose what was not offered for the IKE_SA");
        return NULL;
    }
    if (create_secret(cr->dh, &suite, answer, secret, &secret_len, t->error, sizeof(t->error)) < 0)
        return NULL;
    new = ike_sa_new(old->engine, old->conf, true, now);
    if (!new) {
        secret_wipe(secret, sizeof(secret));
        (void)str_format(t->error, sizeof(t->error), "no room for a further IKE_SA");
        return NULL;
    }
    core_sa_unhash(new);
    memcpy(new->spi_i, cr->spi_ike, IKE_SPI_LEN);
    memcpy(new->spi_r, ps.p[0].spi, IKE_SPI_LEN);
    core_sa_hash(new);
    new->suite = suite;
    inherit(new, old);
    create_nonce_min(&nonces, new->nonce_min, &new->nonce_min_len);
    r = make_keys(new, old, &nonces, secret, secret_len);
    secret_wipe(secret, sizeof(secret));
    if (r < 0) {
        (void)str_format(t->error, sizeof(t->error), "the keys of the IKE_SA cannot be made: %s", strerror(-r));
        ike_sa_destroy(new, t->error, now);
        return NULL;
    }
    stands(new, answer, now);
    return new;
}

static enum task_result process(struct ike_sa *sa, struct task *t, const struct message *in, usec_t now)
{
    struct ike_sa *rival = rival_of(sa, t), *new;
    struct notify_payload n;

    if (sa->state != IKE_REKEYING) /* the peer's new IKE_SA has taken over meanwhile */
        return TASK_DONE;
    if (chain_error(&in->chain, &n))
        return refused(sa, t, &n, now);
    new = make_as_initiator(sa, t, &in->chain, now);
    if (!new) { /* the peer has it, and perhaps all CHILD_SAs with it */
        ike_sa_log(sa, ENGINE_LOG_IKE, 0, "%s", t->error);
        if (rival)
            take_over(sa, rival, t, now);
        else
            life_reauth(sa, "the IKE_SA cannot be rekeyed", now);
        return TASK_DONE;
    }
    if (rival)
        settle(sa, new, rival, t, now);
    else
        take_over(sa, new, t, now);
    return TASK_DONE;
}

const struct task_ops task_rekey_ike_ops = {
    .name = "rekey IKE_SA",
    .exchange = CREATE_CHILD_SA,
    .build = build,
    .process = process,
};

/* Responder ------------------------------------------------------------------------------------------------------- */

/* RFC 7296 2.25.2: not while one of its CHILD_SAs is made, rekeyed or closed by us. */
static bool is_busy(const struct ike_sa *sa)
{
    const struct task *t = sa->tasks;

    if (sa->state == IKE_REKEYING)
        return rival_of(sa, task_of(sa)) != NULL;
    return t && task_is_out(sa, t) && t->kind != TASK_DPD;
}

static bool read_spi(const struct create_wish *w, const struct proposal *chosen, uint8_t ret[static IKE_SPI_LEN])
{
    for (size_t i = 0; i < w->offered.n; i++) {
        const struct proposal *p = &w->offered.p[i];

        if (p->number != chosen->number || p->protocol != PROTO_IKE || p->spi_len != IKE_SPI_LEN)
            continue;
        memcpy(ret, p->spi, IKE_SPI_LEN);
        return memcmp(ret, no_spi, IKE_SPI_LEN) != 0;
    }
    return false;
}

static struct ike_sa *make_as_responder(struct ike_sa *old, const struct suite *suite,
                                        const uint8_t spi_i[static IKE_SPI_LEN], const struct create_nonces *nonces,
                                        const uint8_t *secret, size_t secret_len, usec_t now)
{
    struct ike_sa *new = ike_sa_new(old->engine, old->conf, false, now);

    if (!new)
        return NULL;
    memcpy(new->spi_i, spi_i, IKE_SPI_LEN);
    new->suite = *suite;
    inherit(new, old);
    create_nonce_min(nonces, new->nonce_min, &new->nonce_min_len);
    if (make_keys(new, old, nonces, secret, secret_len) < 0) {
        ike_sa_destroy(new, "its keys cannot be made", now);
        return NULL;
    }
    return new;
}

static void write_answer(const struct ike_sa *new, const struct proposal *chosen, const struct create_nonces *nonces,
                         const struct dh *dh, struct chain_writer *cw)
{
    struct proposals ps = {.n = 1, .p[0] = *chosen};

    proposals_set_spi(&ps, new->spi_r, IKE_SPI_LEN);
    payload_write_sa(cw, &ps);
    payload_write_nonce(cw, nonces->nr.data, nonces->nr.len);
    payload_write_ke(cw, dh_alg(dh)->id, dh_public(dh), dh_public_len(dh_alg(dh)));
    write_qcd(new, new->spi_i, new->spi_r, cw);
}

void rekey_ike_respond(struct ike_sa *sa, const struct chain *request, const struct create_wish *w,
                       struct chain_writer *cw, usec_t now)
{
    cleanup(dh_freep) struct dh *dh = NULL;
    uint8_t nonce[SA_NONCE_LEN], spi[IKE_SPI_LEN], secret[DH_SECRET_MAX];
    struct create_nonces nonces = {w->ni, {nonce, sizeof(nonce)}};
    struct proposal chosen;
    struct suite suite;
    size_t secret_len;
    struct ike_sa *new;
    struct task *t;

    if (is_busy(sa)) {
        create_write_error(sa, cw, NOTIFY_TEMPORARY_FAILURE, "a CHILD_SA is being made, rekeyed or closed");
        return;
    }
    if (!proposals_choose(&w->offered, &sa->conf->proposals, w->has_ke ? alg_find(ALG_DH, w->ke.group, 0) : NULL,
                          &suite, &chosen) ||
        !suite.dh || !read_spi(w, &chosen, spi)) {
        create_write_error(sa, cw, NOTIFY_NO_PROPOSAL_CHOSEN, "the IKE proposals of the peer have none of ours");
        return;
    }
    if (create_respond_ke(sa, w, &suite, cw, &dh, secret, &secret_len) < 0)
        return;
    core_random(sa->engine, nonce, sizeof(nonce));
    new = make_as_responder(sa, &suite, spi, &nonces, secret, secret_len, now);
    secret_wipe(secret, sizeof(secret));
    if (!new) {
        create_write_error(sa, cw, NOTIFY_NO_ADDITIONAL_SAS, "no IKE_SA can be made");
        return;
    }
    write_answer(new, &chosen, &nonces, dh, cw);
    stands(new, request, now);
    t = sa->state == IKE_REKEYING ? task_of(sa) : NULL;
    if (t && t->create)
        t->create->rival = new->unique;
    else
        take_over(sa, new, NULL, now);
}
