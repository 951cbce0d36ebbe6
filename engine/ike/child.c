/* A further CHILD_SA (RFC 7296 1.3.1). */
#include "base/str.h"
#include "engine/ike/child_path.h"
#include "engine/ike/create_parts.h"
#include "engine/ike/rekey.h"
#include "engine/ike/task.h"

#include <errno.h>

#define SETTLE_WAIT (10 * USEC_PER_SEC) /* for the peer to close its own */

static struct child_sa *live_of(const struct ike_sa *sa, const struct child_conf *conf)
{
    for (struct child_sa *c = sa->children; c; c = c->next)
        if (c->conf == conf && child_sa_live(c) && !c->closing && c->replaced_by == 0)
            return c;
    return NULL;
}

static int build(struct ike_sa *sa, struct task *t, struct chain_writer *cw, usec_t now)
{
    int r;

    if (sa->state != IKE_ESTABLISHED) {
        (void)str_format(t->error, sizeof(t->error), "the IKE_SA is being closed");
        return -ECANCELED;
    }
    if (rekey_ike_undecided(sa)) {
        t->not_before = now + REKEY_CONFIRM;
        return -EAGAIN;
    }
    if (live_of(sa, t->conf)) /* the peer was first */
        return -ECANCELED;
    r = create_begin(sa, t);
    if (r < 0)
        return r;
    create_offer(sa, t->create, t->conf, true);
    r = create_key_pair(sa, t->create, NULL);
    if (r < 0)
        return r;
    ike_sa_log(sa, ENGINE_LOG_IKE, 0, "establishing CHILD_SA %s", t->conf->name);
    create_write_request(t->create, cw);
    return 0;
}

/*
 * The peer made the same CHILD_SA at the same time. The RFC lets both stand; as with two rekeyings that cross, the one
 * with the lowest nonce is closed by the side that made it. The peer may not know of the crossing, or not of this rule:
 * then we close its own a bit later.
 */
static void settle(struct child_sa *c, struct child_sa *rival, usec_t now)
{
    struct engine_event ev = {
        .type = ENGINE_CHILD_REKEYED, .ike = c->ike, .new_ike = c->ike, .child = rival, .new_child = c};
    struct task *t;

    if (create_nonce_less(c->nonce_min, c->nonce_min_len, rival->nonce_min, rival->nonce_min_len)) {
        c->replaced_by = rival->unique;
        c->closing = true;
        (void)task_add(c->ike, TASK_DELETE_CHILD, NULL, NULL, c->unique, 0);
        return;
    }
    rival->replaced_by = c->unique;
    rival->closing = true; /* not rekeyed by anybody */
    child_path_use(c);
    core_event(c->ike->engine, &ev);
    t = task_add(c->ike, TASK_DELETE_CHILD, NULL, NULL, rival->unique, 0);
    if (t)
        t->not_before = now + SETTLE_WAIT;
}

static enum task_result process(struct ike_sa *sa, struct task *t, const struct message *in, usec_t now)
{
    struct create_nonces nonces;
    struct notify_payload n;
    struct child_sa *c, *rival = live_of(sa, t->conf);

    if (chain_error(&in->chain, &n)) {
        enum task_result result = create_refused(sa, t, &t->conf->proposals, &n, now);

        if (result == TASK_DONE && rival)
            t->error[0] = '\0';
        return result;
    }
    if (!create_nonces_of(t->create, &in->chain, &nonces)) {
        (void)str_format(t->error, sizeof(t->error), "the peer's nonce is malformed");
        return TASK_DONE;
    }
    c = create_accept(sa, t->create, t->ike_conf ? t->ike_conf : sa->conf, t->conf, &in->chain, &nonces,
                      rival ? rival->unique : 0, now, t->error, sizeof(t->error));
    if (!c)
        return TASK_DONE;
    if (rival && selectors_equal(&c->local_ts, &rival->local_ts) && selectors_equal(&c->remote_ts, &rival->remote_ts))
        settle(c, rival, now);
    else
        child_path_use(c);
    create_close_gone(t->create, c, now);
    return TASK_DONE;
}

const struct task_ops task_child_ops = {
    .name = "CHILD_SA",
    .exchange = CREATE_CHILD_SA,
    .build = build,
    .process = process,
};

/* RFC 7296 2.25.2: what the IKE_SA is doing stands before what the peer asks for. */
static bool is_closing(const struct ike_sa *sa)
{
    return sa->state != IKE_ESTABLISHED && sa->state != IKE_REKEYING;
}

static void respond_child(struct ike_sa *sa, const struct create_wish *w, struct chain_writer *cw, usec_t now)
{
    uint8_t nonce[SA_NONCE_LEN];
    struct create_nonces nonces = {w->ni, {nonce, sizeof(nonce)}};
    struct child_sa *c;

    core_random(sa->engine, nonce, sizeof(nonce));
    c = create_respond(sa, w, &nonces, false, NULL, cw, now);
    if (c)
        child_path_use(c);
}

void respond_create_child(struct ike_sa *sa, const struct message *in, struct chain_writer *cw, usec_t now)
{
    struct create_wish w;
    struct notify_payload rekey;
    bool is_ike;

    rekey_ike_peer_uses(sa, now);
    if (is_closing(sa)) {
        create_write_error(sa, cw, NOTIFY_TEMPORARY_FAILURE, "the IKE_SA is being closed");
        return;
    }
    if (create_read_wish(&in->chain, &w) < 0 || w.ni.len == 0) {
        create_write_error(sa, cw, NOTIFY_INVALID_SYNTAX, "a payload of CREATE_CHILD_SA is malformed");
        return;
    }
    is_ike = w.offered.n > 0 ? w.offered.p[0].protocol == PROTO_IKE : w.tsi.n == 0;
    if (is_ike)
        rekey_ike_respond(sa, &in->chain, &w, cw, now);
    else if (sa->state == IKE_REKEYING)
        create_write_error(sa, cw, NOTIFY_TEMPORARY_FAILURE, "the IKE_SA is being rekeyed");
    else if (chain_notify(&in->chain, NOTIFY_REKEY_SA, &rekey))
        rekey_child_respond(sa, &w, &rekey, cw, now);
    else
        respond_child(sa, &w, cw, now);
}
