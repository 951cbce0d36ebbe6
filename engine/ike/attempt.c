/* Attempts to make an IKE_SA: how one begins, fails, begins anew, and what follows when an IKE_SA stands or is lost. */
#include "base/str.h"
#include "engine/ike/crossed.h"
#include "engine/ike/delete.h"
#include "engine/ike/engine_state.h"
#include "engine/ike/rekey.h"
#include "engine/ike/task.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define RETRY_DOUBLINGS_MAX 5

/* Addresses ------------------------------------------------------------------------------------------------------- */

static bool is_host(const struct conf_addr *a)
{
    return addr_is_set(&a->addr) && a->bits == (addr_family(&a->addr) == AF_INET6 ? 128 : 32);
}

static const struct addr *first_host(const struct conf_addr *addrs, size_t n, int family)
{
    for (size_t i = 0; i < n; i++)
        if (is_host(&addrs[i]) && (family == AF_UNSPEC || addr_family(&addrs[i].addr) == family))
            return &addrs[i].addr;
    return NULL;
}

/* Where SA goes to and leaves from. */
static bool find_addresses(struct ike_sa *sa, char *error, size_t size)
{
    const struct engine_settings *s = core_settings(sa->engine);
    const struct ike_conf *c = sa->conf;
    const struct addr *remote = first_host(c->remote_addrs, c->n_remote_addrs, AF_UNSPEC), *local;
    char text[ADDR_TEXT_MAX];

    if (!remote) {
        (void)str_format(error, size, "connection '%s' has no address to go to (remote_addrs)", c->name);
        return false;
    }
    local = first_host(c->local_addrs, c->n_local_addrs, addr_family(remote));
    if (local)
        sa->local = *local;
    else if (core_source(sa->engine, remote, &sa->local) < 0) {
        (void)str_format(error, size, "there is no route to %s", addr_text(remote, text));
        return false;
    }
    sa->remote = *remote;
    addr_set_port(&sa->remote, c->remote_port);
    sa->natt = c->remote_port != IKE_PORT;
    addr_set_port(&sa->local, sa->natt ? s->natt_port : s->port);
    return true;
}

/* Beginning ------------------------------------------------------------------------------------------------------- */

struct ike_sa *attempt_begin(struct engine *e, struct ike_conf *c, const struct child_conf *child, uint32_t ticket,
                             usec_t now, char *error, size_t size)
{
    struct ike_sa *sa = ike_sa_new(e, c, true, now);
    struct task *auth;

    (void)str_copy(error, size, "no memory, or too many IKE_SAs");
    if (!sa)
        return NULL;
    if (!find_addresses(sa, error, size)) {
        ike_sa_destroy(sa, error, now);
        return NULL;
    }
    auth =
        task_add(sa, TASK_INIT, NULL, NULL, 0, 0) ? task_add(sa, TASK_AUTH, child ? c : NULL, child, 0, ticket) : NULL;
    if (!auth) {
        ike_sa_destroy(sa, error, now);
        return NULL;
    }
    engine_wake(e, now);
    return sa;
}

/* Failing --------------------------------------------------------------------------------------------------------- */

static struct retry *find_retry(struct engine *e, const char *ike, const char *child)
{
    for (size_t i = 0; i < e->n_retries; i++)
        if (str_eq(e->retries[i].ike, ike) && str_eq(e->retries[i].child, child))
            return &e->retries[i];
    return NULL;
}

static usec_t pause_after(const struct engine *e, unsigned failures)
{
    usec_t wait = e->settings.retry;

    for (unsigned i = 1; i < failures && i <= RETRY_DOUBLINGS_MAX; i++)
        wait *= 2;
    return wait;
}

static void retry_later(struct engine *e, const char *ike, const char *child, usec_t now)
{
    struct retry *r = find_retry(e, ike, child);

    if (!r) {
        r = e->n_retries < ENGINE_RETRIES_MAX ? realloc(e->retries, (e->n_retries + 1) * sizeof(*r)) : NULL;
        if (!r)
            return;
        e->retries = r;
        r = &e->retries[e->n_retries++];
        *r = (struct retry){0};
        (void)str_copy(r->ike, sizeof(r->ike), ike);
        (void)str_copy(r->child, sizeof(r->child), child);
    }
    r->failures++;
    r->at = now + pause_after(e, r->failures);
    core_log(e, ENGINE_LOG_IKE, 1, "connection '%s', child '%s': tried again in %u s", ike, child,
             (unsigned)(pause_after(e, r->failures) / USEC_PER_SEC));
    engine_wake(e, r->at);
}

void attempt_forget(struct engine *e, const char *ike, const char *child)
{
    for (size_t i = 0; i < e->n_retries;) {
        if (str_eq(e->retries[i].ike, ike) && (!child || str_eq(e->retries[i].child, child)))
            e->retries[i] = e->retries[--e->n_retries];
        else
            i++;
    }
}

/* What SA was to make, TASK after TASK, is for a new one to make. */
static void begin_anew(struct ike_sa *sa, usec_t now)
{
    struct ike_sa *again = NULL;
    char error[128];

    for (struct task *t = sa->tasks; t; t = t->next) {
        if (t->kind != TASK_AUTH && t->kind != TASK_CHILD)
            continue;
        if (!again) {
            again = attempt_begin(sa->engine, sa->conf, t->conf, t->ticket, now, error, sizeof(error));
            if (!again) {
                (void)str_copy(t->error, sizeof(t->error), error);
                continue;
            }
            again->keyingtry = sa->keyingtry + 1;
            t->ticket = 0;
        } else if (task_add(again, TASK_CHILD, t->ike_conf, t->conf, 0, t->ticket)) {
            t->ticket = 0;
        }
    }
}

/* Nobody waits for those any more, but the connection is to be up always. */
static void begin_later(struct ike_sa *sa, usec_t now)
{
    for (const struct task *t = sa->tasks; t; t = t->next)
        if ((t->kind == TASK_AUTH || t->kind == TASK_CHILD) && t->conf && (t->conf->start_action & CONF_ACTION_START) &&
            engine_conf(sa->engine, sa->conf->name) == sa->conf)
            retry_later(sa->engine, sa->conf->name, t->conf->name, now);
}

static bool stands(const struct ike_sa *sa)
{
    return (sa->state == IKE_ESTABLISHED || sa->state == IKE_REKEYING) && sa->replaced_by == 0;
}

/* One that the peer made meanwhile, or that stood all the time. */
static struct ike_sa *standing_of(const struct ike_sa *sa)
{
    for (struct ike_sa *other = sa->engine->sas; other; other = other->next)
        if (other != sa && stands(other) && !other->reauth && !task_find(other, TASK_DELETE_IKE, 0) &&
            str_eq(other->conf->name, sa->conf->name) && addr_equal(&other->remote, &sa->remote))
            return other;
    return NULL;
}

/* What attempt SA was to make is asked of TO. */
static void hand_over(struct ike_sa *sa, struct ike_sa *to)
{
    for (struct task *t = sa->tasks; t; t = t->next) {
        if (t->kind == TASK_AUTH && !t->conf)
            core_done(sa->engine, t->ticket, NULL);
        else if (!t->conf || !task_add(to, TASK_CHILD, t->ike_conf, t->conf, 0, t->ticket))
            continue;
        t->ticket = 0;
    }
}

void core_attempt_failed(struct ike_sa *sa, bool silence, const char *reason, usec_t now)
{
    struct ike_sa *other = sa->initiator ? standing_of(sa) : NULL;
    bool again = sa->initiator && silence && (sa->conf->keyingtries == 0 || sa->keyingtry < sa->conf->keyingtries);

    ike_sa_log(sa, ENGINE_LOG_IKE, 0, "the IKE_SA cannot be made: %s%s", reason,
               other   ? "; another one stands"
               : again ? "; once more"
                       : "");
    if (other)
        hand_over(sa, other);
    else if (again)
        begin_anew(sa, now);
    else if (sa->initiator && !silence && sa->conf->keyingtries == 0)
        begin_later(sa, now);
    ike_sa_destroy(sa, reason, now);
}

usec_t attempt_next(const struct engine *e)
{
    usec_t next = USEC_NEVER;

    for (size_t i = 0; i < e->n_retries; i++)
        next = e->retries[i].at < next ? e->retries[i].at : next;
    return next;
}

/* It stays in the list, for the next pause to be longer, until the IKE_SA stands. */
void attempt_tick(struct engine *e, usec_t now)
{
    for (size_t i = 0; i < e->n_retries; i++) {
        struct retry *r = &e->retries[i];
        struct ike_conf *c = engine_conf(e, r->ike);
        const struct child_conf *child = c ? ike_conf_child(c, r->child) : NULL;
        char error[128];

        if (r->at > now)
            continue;
        r->at = USEC_NEVER;
        if (child && wish_child(e, c, child, 0, now, error, sizeof(error)) < 0)
            r->at = now + pause_after(e, ++r->failures);
    }
}

/* Standing, and being lost ---------------------------------------------------------------------------------------- */

static bool is_same_peer(const struct ike_sa *a, const struct ike_sa *b)
{
    return identity_equal(&a->me, &b->me) && identity_equal(&a->peer, &b->peer);
}

/* RFC 7296 2.4: INITIAL_CONTACT says that the peer has no other IKE_SA with us. */
static void enforce_unique(struct ike_sa *sa, bool initial_contact, usec_t now)
{
    for (struct ike_sa *old = sa->engine->sas; old; old = old->next) {
        if (old == sa || !stands(old) || !is_same_peer(old, sa) || sa->conf->unique == CONF_UNIQUE_NEVER)
            continue;
        if (crossed(old, sa)) {
            crossed_settle(old, sa, now);
        } else if (initial_contact) {
            ike_sa_destroy(old, "the peer began anew (INITIAL_CONTACT)", now);
        } else if (sa->conf->unique == CONF_UNIQUE_REPLACE) {
            (void)task_add(old, TASK_DELETE_IKE, NULL, NULL, 0, 0);
        } else if (sa->conf->unique == CONF_UNIQUE_KEEP) {
            (void)task_add(sa, TASK_DELETE_IKE, NULL, NULL, 0, 0);
        }
    }
}

/* An attempt of ours that has not got beyond IKE_SA_INIT is not needed: what it was for is asked of SA. */
static void take_over_attempts(struct ike_sa *sa, usec_t now)
{
    for (struct ike_sa *other = sa->engine->sas; other; other = other->next) {
        if (other == sa || other->state != IKE_CONNECTING || !other->initiator || other->conf != sa->conf ||
            !other->tasks || other->tasks->kind != TASK_INIT || sa->initiator)
            continue;
        hand_over(other, sa);
        ike_sa_destroy(other, "the peer made an IKE_SA meanwhile", now);
    }
}

void core_established(struct ike_sa *sa, bool initial_contact, usec_t now)
{
    attempt_forget(sa->engine, sa->conf->name, NULL);
    enforce_unique(sa, initial_contact, now);
    take_over_attempts(sa, now);
}

void core_peer_lost(struct ike_sa *sa, const char *reason, usec_t now)
{
    struct engine *e = sa->engine;
    struct lost {
        struct ike_conf *ike;
        const struct child_conf *conf;
    } lost[SA_CHILDREN_MAX];
    size_t n = 0;

    if (sa->state == IKE_CONNECTING || sa->state == IKE_CREATED) {
        core_attempt_failed(sa, false, reason, now);
        return;
    }
    rekey_ike_adopt_rival(sa, now);
    if (sa->state == IKE_DELETING || sa->state == IKE_REKEYED) {
        delete_ike_ended(sa, reason, now);
        return;
    }
    for (const struct child_sa *c = sa->children; c; c = c->next)
        if (child_sa_live(c) && !c->closing)
            lost[n++] = (struct lost){ike_conf_ref(c->ike_conf), c->conf};
    ike_sa_log(sa, ENGINE_LOG_IKE, 0, "the peer is lost: %s", reason);
    ike_sa_destroy(sa, reason, now);
    for (size_t i = 0; i < n; i++) {
        core_action(e, lost[i].ike, lost[i].conf, lost[i].conf->dpd_action, now);
        (void)ike_conf_unref(lost[i].ike);
    }
}
