/* Rekeying of a CHILD_SA (RFC 7296 1.3.3, 2.8, 2.8.1). */
#include "base/str.h"
#include "engine/ike/child_path.h"
#include "engine/ike/delete.h"
#include "engine/ike/life.h"
#include "engine/ike/rekey.h"
#include "engine/ike/task.h"

#include <errno.h>

#define RETRY_TRIES 4 /* the longest pause: the rekeying failed, and the hard limit is not reached yet */

static int build(struct ike_sa *sa, struct task *t, struct chain_writer *cw, usec_t now)
{
    struct child_sa *c = child_sa_by_unique(sa, t->child);
    uint8_t spi[ESP_SPI_LEN];
    int r;

    if (!c || c->state != CHILD_INSTALLED || c->closing || sa->state != IKE_ESTABLISHED)
        return -ECANCELED;
    if (rekey_child_unconfirmed(c)) {
        t->not_before = now + REKEY_CONFIRM;
        return -EAGAIN;
    }
    r = create_begin(sa, t);
    if (r < 0)
        return r;
    if (!t->conf) { /* the CHILD_SA may be gone when the answer comes */
        t->ike_conf = ike_conf_ref(c->ike_conf);
        t->conf = c->conf;
    }
    create_offer(sa, t->create, t->conf, true);
    r = create_key_pair(sa, t->create, c->suite.dh);
    if (r < 0)
        return r;
    child_sa_become(c, CHILD_REKEYING, "CREATE_CHILD_SA with REKEY_SA is sent", now);
    ike_sa_log(sa, ENGINE_LOG_IKE, 0, "rekeying CHILD_SA %s{%u}", c->conf->name, c->unique);
    for (size_t i = 0; i < sizeof(spi); i++) /* RFC 7296 1.3.3: the one that we receive with */
        spi[i] = (uint8_t)(c->spi_in >> (24 - 8 * i));
    payload_write_notify(cw, NOTIFY_REKEY_SA, PROTO_ESP, spi, sizeof(spi), NULL, 0);
    create_write_request(t->create, cw);
    return 0;
}

/* Whoever wants OLD to be closed means its successor too. */
static void close_too(struct child_sa *old, struct child_sa *new)
{
    new->closing = true;
    for (struct task *t = old->ike->tasks; t; t = t->next)
        if (t->kind == TASK_DELETE_CHILD && t->child == old->unique)
            t->child = new->unique;
}

/* OLD has a successor: BY_US, then we delete it; the peer does otherwise. */
static void replaced(struct child_sa *old, struct child_sa *new, bool by_us, usec_t now)
{
    struct engine_event ev = {
        .type = ENGINE_CHILD_REKEYED, .ike = old->ike, .new_ike = old->ike, .child = old, .new_child = new};

    old->rekeyed_by_us = by_us;
    old->replaced_by = new->unique;
    child_sa_become(old, CHILD_REKEYED, by_us ? "we have rekeyed it" : "the peer has rekeyed it", now);
    ike_sa_count(old->ike, ENGINE_CHILD_REKEY);
    core_event(old->ike->engine, &ev);
    if (old->closing)
        close_too(old, new);
    if (!by_us) {
        old->gone_at = now + DELETE_WAIT;
        return;
    }
    child_path_use(new);
    (void)task_add(old->ike, TASK_DELETE_CHILD, NULL, NULL, old->unique, 0);
}

/* Two rekeyings crossed: the one with the lowest of the four nonces loses (RFC 7296 2.8.1). */
static void settle(struct child_sa *old, struct child_sa *ours, struct child_sa *rival, usec_t now)
{
    if (create_nonce_less(ours->nonce_min, ours->nonce_min_len, rival->nonce_min, rival->nonce_min_len)) {
        ike_sa_log(old->ike, ENGINE_LOG_IKE, 1, "the peer rekeyed CHILD_SA %s{%u} too: ours is closed", old->conf->name,
                   old->unique);
        ours->replaced_by = rival->unique;
        ours->closing = true;
        (void)task_add(old->ike, TASK_DELETE_CHILD, NULL, NULL, ours->unique, 0);
        replaced(old, rival, false, now);
        return;
    }
    ike_sa_log(old->ike, ENGINE_LOG_IKE, 1, "the peer rekeyed CHILD_SA %s{%u} too: the peer's is closed",
               old->conf->name, old->unique);
    rival->replaced_by = ours->unique;
    rival->gone_at = now + DELETE_WAIT;
    child_sa_become(rival, CHILD_REKEYED, "it lost against ours: the peer's DELETE is awaited", now);
    replaced(old, ours, true, now);
}

static struct child_sa *rival_of(const struct ike_sa *sa, const struct task *t)
{
    struct child_sa *c = t->create && t->create->rival != 0 ? child_sa_by_unique(sa, t->create->rival) : NULL;

    return c && child_sa_live(c) ? c : NULL;
}

/* RFC 7296 2.25: an SA that the peer does not know is of no use; it goes, and one is made anew. */
static void unknown_to_peer(struct ike_sa *sa, struct child_sa *c, usec_t now)
{
    bool wanted = !c->closing;

    child_sa_destroy(c, "the peer does not know it", now);
    if (wanted)
        (void)task_add(sa, TASK_CHILD, c->ike_conf, c->conf, 0, 0);
}

static enum task_result refused(struct ike_sa *sa, struct task *t, struct child_sa *c, const struct notify_payload *n,
                                usec_t now)
{
    struct child_sa *rival = rival_of(sa, t);
    enum task_result result;

    if (!c || c->state != CHILD_REKEYING)
        return TASK_DONE;
    if (rival) { /* the peer was faster */
        replaced(c, rival, false, now);
        return TASK_DONE;
    }
    if (n->type == NOTIFY_CHILD_SA_NOT_FOUND) {
        unknown_to_peer(sa, c, now);
        return TASK_DONE;
    }
    result = create_refused(sa, t, &c->conf->proposals, n, now);
    child_sa_become(c, CHILD_INSTALLED, "the rekeying was refused", now);
    if (n->type == NOTIFY_NO_ADDITIONAL_SAS) /* RFC 7296 1.3: all that is left is a new IKE_SA */
        life_reauth(sa, "the peer does not rekey CHILD_SAs", now);
    else if (result == TASK_DONE)
        c->rekey_at = now + life_pause(sa, RETRY_TRIES);
    return result;
}

static enum task_result failed(struct ike_sa *sa, struct task *t, struct child_sa *c, usec_t now)
{
    struct child_sa *rival = rival_of(sa, t);

    if (!c || c->state != CHILD_REKEYING)
        return TASK_DONE;
    if (rival) {
        replaced(c, rival, false, now);
        return TASK_DONE;
    }
    child_sa_become(c, CHILD_INSTALLED, "the rekeying failed", now);
    c->rekey_at = now + life_pause(sa, RETRY_TRIES);
    return TASK_DONE;
}

static enum task_result process(struct ike_sa *sa, struct task *t, const struct message *in, usec_t now)
{
    struct child_sa *c = child_sa_by_unique(sa, t->child), *rival = rival_of(sa, t), *ours;
    bool there = c && c->state == CHILD_REKEYING;
    struct create_nonces nonces;
    struct notify_payload n;
    uint32_t replaces = there ? c->unique : rival ? rival->unique : 0;

    if (chain_error(&in->chain, &n))
        return refused(sa, t, c, &n, now);
    if (!create_nonces_of(t->create, &in->chain, &nonces)) {
        (void)str_format(t->error, sizeof(t->error), "the peer's nonce is malformed");
        return failed(sa, t, c, now);
    }
    ours = create_accept(sa, t->create, t->ike_conf, t->conf, &in->chain, &nonces, replaces, now, t->error,
                         sizeof(t->error));
    if (!ours)
        return failed(sa, t, c, now);
    if (there && rival) {
        settle(c, ours, rival, now);
    } else if (there) {
        replaced(c, ours, true, now);
    } else if (rival) { /* the peer has deleted the old one: it took its own new one for the winner */
        ours->replaced_by = rival->unique;
        ours->closing = true;
        (void)task_add(sa, TASK_DELETE_CHILD, NULL, NULL, ours->unique, 0);
    } else {
        child_path_use(ours);
    }
    create_close_gone(t->create, ours, now);
    return TASK_DONE;
}

const struct task_ops task_rekey_child_ops = {
    .name = "rekey CHILD_SA",
    .exchange = CREATE_CHILD_SA,
    .build = build,
    .process = process,
};

/* Responder ------------------------------------------------------------------------------------------------------- */

static struct task *task_of(const struct child_sa *c)
{
    for (struct task *t = c->ike->tasks; t; t = t->next)
        if (t->kind == TASK_REKEY_CHILD && t->child == c->unique)
            return t;
    return NULL;
}

struct child_sa *rekey_child_rival(const struct child_sa *c)
{
    const struct task *t = task_of(c);

    return t ? rival_of(c->ike, t) : NULL;
}

bool rekey_child_unconfirmed(const struct child_sa *c)
{
    const struct child_sa *old = c->replaces != 0 ? child_sa_by_unique(c->ike, c->replaces) : NULL;

    return old && old->state == CHILD_REKEYED && !old->rekeyed_by_us && old->replaced_by == c->unique;
}

/* RFC 7296 2.25.1 */
static bool is_busy(const struct child_sa *c)
{
    if (c->closing || task_find(c->ike, TASK_DELETE_CHILD, c->unique))
        return true;
    return c->state != CHILD_INSTALLED && (c->state != CHILD_REKEYING || rekey_child_rival(c));
}

void rekey_child_respond(struct ike_sa *sa, const struct create_wish *w, const struct notify_payload *rekey,
                         struct chain_writer *cw, usec_t now)
{
    uint8_t nonce[SA_NONCE_LEN];
    struct create_nonces nonces = {w->ni, {nonce, sizeof(nonce)}};
    struct child_sa *c = NULL, *new;
    struct task *t;

    if (rekey->protocol == PROTO_ESP && rekey->spi.len == ESP_SPI_LEN)
        c = child_sa_by_spi_out(sa, (uint32_t)rekey->spi.data[0] << 24 | (uint32_t)rekey->spi.data[1] << 16 |
                                        (uint32_t)rekey->spi.data[2] << 8 | rekey->spi.data[3]);
    if (!c && create_pending(sa)) { /* it may be the one that the answer to our request brings */
        create_write_error(sa, cw, NOTIFY_TEMPORARY_FAILURE, "the peer rekeys a CHILD_SA that we do not know yet");
        return;
    }
    if (!c) {
        ike_sa_log(sa, ENGINE_LOG_IKE, 1, "the peer rekeys a CHILD_SA that does not exist, sending CHILD_SA_NOT_FOUND");
        payload_write_notify(cw, NOTIFY_CHILD_SA_NOT_FOUND, rekey->protocol, rekey->spi.data, rekey->spi.len, NULL, 0);
        return;
    }
    if (is_busy(c)) {
        create_write_error(sa, cw, NOTIFY_TEMPORARY_FAILURE, "the CHILD_SA is being closed");
        return;
    }
    core_random(sa->engine, nonce, sizeof(nonce));
    new = create_respond(sa, w, &nonces, false, c, cw, now);
    if (!new)
        return;
    t = c->state == CHILD_REKEYING ? task_of(c) : NULL;
    if (t && t->create)
        t->create->rival = new->unique;
    else
        replaced(c, new, false, now);
}
