#include "engine/ike/crossed.h"

#include "base/str.h"
#include "engine/ike/engine_state.h"
#include "engine/ike/task.h"

#include <errno.h>
#include <string.h>

#define PEER_WAIT  (10 * USEC_PER_SEC) /* for the peer to delete its own */
#define PROOF_WAIT USEC_PER_SEC

static bool stands(const struct ike_sa *sa)
{
    return (sa->state == IKE_ESTABLISHED || sa->state == IKE_REKEYING) && sa->replaced_by == 0;
}

static bool is_between_same(const struct ike_sa *a, const struct ike_sa *b)
{
    return str_eq(a->conf->name, b->conf->name) && addr_equal(&a->remote, &b->remote) &&
           identity_equal(&a->me, &b->me) && identity_equal(&a->peer, &b->peer);
}

bool crossed(const struct ike_sa *old, const struct ike_sa *sa)
{
    return old->begun_by_us != sa->begun_by_us && sa->created_at <= old->authenticated_at && is_between_same(old, sa) &&
           !identity_equal(&sa->me, &sa->peer);
}

static bool is_less(const struct identity *a, const struct identity *b)
{
    int r;

    if (a->type != b->type)
        return a->type < b->type;
    r = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);
    return r != 0 ? r < 0 : a->len < b->len;
}

void crossed_settle(struct ike_sa *old, struct ike_sa *sa, usec_t now)
{
    bool ours_stays = is_less(&sa->me, &sa->peer);
    struct ike_sa *loser = old->begun_by_us == ours_stays ? sa : old, *winner = loser == sa ? old : sa;
    struct task *t = task_add(loser, TASK_DELETE_IKE, NULL, NULL, 0, 0);

    ike_sa_log(loser, ENGINE_LOG_IKE, 1, "both sides made IKE_SA %s: [%u] stays, [%u] goes", sa->conf->name,
               winner->unique, loser->unique);
    loser->crossed_at = now;
    if (t && !loser->begun_by_us)
        t->not_before = now + PEER_WAIT;
    (void)task_add(winner, TASK_DPD, NULL, NULL, 0, 0);
}

static struct ike_sa *winner_of(const struct ike_sa *sa)
{
    for (struct ike_sa *other = sa->engine->sas; other; other = other->next)
        if (other != sa && stands(other) && other->crossed_at == 0 && is_between_same(other, sa))
            return other;
    return NULL;
}

static bool has(const struct ike_sa *sa, const struct child_conf *conf)
{
    for (const struct child_sa *c = sa->children; c; c = c->next)
        if (str_eq(c->conf->name, conf->name) && child_sa_live(c) && !c->closing)
            return true;
    for (const struct task *t = sa->tasks; t; t = t->next)
        if (t->kind == TASK_CHILD && str_eq(t->conf->name, conf->name))
            return true;
    return false;
}

static void hand_over(struct ike_sa *sa, struct ike_sa *winner)
{
    struct task *next;

    for (struct child_sa *c = sa->children; c; c = c->next) {
        if (child_sa_live(c) && !c->closing && !has(winner, c->conf))
            (void)task_add(winner, TASK_CHILD, c->ike_conf, c->conf, 0, 0);
        c->closing = true;
    }
    for (struct task *t = sa->tasks; t; t = next) {
        next = t->next;
        if (t->kind == TASK_CHILD && !task_is_out(sa, t))
            task_move(sa, t, winner);
    }
}

int crossed_leave(struct ike_sa *sa, usec_t now, usec_t *ret)
{
    struct ike_sa *winner = winner_of(sa);

    if (!winner) {
        sa->crossed_at = 0;
        return -ECANCELED;
    }
    if (winner->last_in <= sa->crossed_at) {
        *ret = now + PROOF_WAIT;
        return -EAGAIN;
    }
    hand_over(sa, winner);
    return 0;
}
