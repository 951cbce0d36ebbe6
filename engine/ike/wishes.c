/* What people, configurations and the data path ask for. */
#include "base/str.h"
#include "engine/ike/child_log.h"
#include "engine/ike/engine_state.h"
#include "engine/ike/life.h"
#include "engine/ike/task.h"

#include <errno.h>
#include <stdlib.h>

#define ERROR_MAX 160

/* Initiating ------------------------------------------------------------------------------------------------------ */

/* The IKE_SA of C that is there, or on its way by us; one that lost a crossing stays where it turns out to be the only
 * one. */
static struct ike_sa *find_sa(const struct engine *e, const struct ike_conf *c)
{
    struct ike_sa *loser = NULL;

    for (struct ike_sa *sa = e->sas; sa; sa = sa->next) {
        bool usable = sa->state == IKE_ESTABLISHED || sa->state == IKE_REKEYING ||
                      ((sa->state == IKE_CONNECTING || sa->state == IKE_CREATED) && sa->initiator);

        if (!usable || sa->replaced_by != 0 || sa->reauth || !str_eq(sa->conf->name, c->name))
            continue;
        if (!task_find(sa, TASK_DELETE_IKE, 0))
            return sa;
        if (sa->crossed_at != 0)
            loser = sa;
    }
    return loser;
}

static const struct child_sa *find_child(const struct ike_sa *sa, const char *name)
{
    for (const struct child_sa *c = sa->children; c; c = c->next)
        if (str_eq(c->conf->name, name) && child_sa_live(c) && !c->closing)
            return c;
    return NULL;
}

static struct task *find_making(struct ike_sa *sa, const char *child)
{
    for (struct task *t = sa->tasks; t; t = t->next) {
        if (t->kind == TASK_AUTH && !child)
            return t;
        if ((t->kind == TASK_AUTH || t->kind == TASK_CHILD) && t->conf && child && str_eq(t->conf->name, child))
            return t;
    }
    return NULL;
}

/* TICKET is done when T is. */
static int wait_for(struct engine *e, struct task *t, uint32_t ticket, char *error, size_t size)
{
    if (ticket == 0)
        return 0;
    if (t->ticket == 0) {
        t->ticket = ticket;
        return 0;
    }
    if (e->n_waiters == ENGINE_WAITERS_MAX) {
        (void)str_copy(error, size, "too many wait already");
        return -ENOSPC;
    }
    e->waiters[e->n_waiters++] = (struct waiter){.of = t->ticket, .ticket = ticket};
    return 0;
}

int wish_child(struct engine *e, struct ike_conf *c, const struct child_conf *child, uint32_t ticket, usec_t now,
               char *error, size_t size)
{
    struct ike_sa *sa = find_sa(e, c);
    const struct child_sa *there;
    struct task *t;

    if (!sa)
        return attempt_begin(e, c, child, ticket, now, error, size) ? 0 : -EHOSTUNREACH;
    t = find_making(sa, child ? child->name : NULL);
    if (t)
        return wait_for(e, t, ticket, error, size);
    there = child ? find_child(sa, child->name) : NULL;
    if (there)
        child_log_duplicate(there);
    if (!child || there) {
        core_done(e, ticket, NULL);
        return 0;
    }
    if (!task_add(sa, TASK_CHILD, c, child, 0, ticket)) {
        (void)str_copy(error, size, "too much waits to be done on this IKE_SA");
        return -ENOSPC;
    }
    return 0;
}

/* What is waited for leaves at once. */
static void run_all(struct engine *e, usec_t now)
{
    for (struct ike_sa *sa = e->sas; sa; sa = sa->next)
        task_run(sa, now);
    engine_reap(e);
}

static struct ike_conf *conf_of(const struct engine *e, const char *ike, const char *child)
{
    for (size_t i = 0; i < e->n_confs; i++)
        if ((!ike || str_eq(e->confs[i]->name, ike)) && (!child || ike_conf_child(e->confs[i], child)))
            return e->confs[i];
    return NULL;
}

int engine_initiate(struct engine *e, usec_t now, const char *ike, const char *child, uint32_t ticket)
{
    struct ike_conf *c = ike || child ? conf_of(e, ike, child) : NULL;
    char error[ERROR_MAX];

    if (!c)
        return -ENOENT;
    if (wish_child(e, c, child ? ike_conf_child(c, child) : NULL, ticket, now, error, sizeof(error)) < 0)
        core_done(e, ticket, error);
    run_all(e, now);
    return 0;
}

static bool waits_for(const struct engine *e, uint32_t ticket, uint32_t of)
{
    for (size_t i = 0; i < e->n_waiters; i++)
        if (e->waiters[i].ticket == ticket && e->waiters[i].of == of && e->waiters[i].count == 0)
            return true;
    return false;
}

bool engine_serves(const struct engine *e, uint32_t ike, uint32_t ticket)
{
    const struct ike_sa *sa = e->sas;

    while (sa && sa->unique != ike)
        sa = sa->next;
    for (const struct task *t = sa ? sa->tasks : NULL; t; t = t->next)
        if (t->ticket != 0 && (t->ticket == ticket || waits_for(e, ticket, t->ticket)))
            return true;
    return false;
}

void core_action(struct engine *e, struct ike_conf *c, const struct child_conf *conf, unsigned action, usec_t now)
{
    struct ike_conf *loaded = engine_conf(e, c->name);
    const struct child_conf *child = loaded ? ike_conf_child(loaded, conf->name) : NULL;
    char error[ERROR_MAX];

    if (!child)
        return;
    if (action & CONF_ACTION_TRAP)
        (void)engine_trap(e, now, loaded->name, child->name);
    if (action & CONF_ACTION_START && wish_child(e, loaded, child, 0, now, error, sizeof(error)) < 0)
        core_log(e, ENGINE_LOG_CFG, 0, "cannot begin '%s' anew: %s", child->name, error);
}

/* Ending ---------------------------------------------------------------------------------------------------------- */

static bool is_meant(const struct ike_sa *sa, const struct engine_filter *f)
{
    return sa->state != IKE_DESTROYING && (!f->ike || str_eq(sa->conf->name, f->ike)) &&
           (f->ike_id == 0 || sa->unique == f->ike_id);
}

static bool is_child_meant(const struct child_sa *c, const struct engine_filter *f)
{
    return c->state != CHILD_DESTROYING && c->state != CHILD_DELETED && c->state != CHILD_REKEYED &&
           (!f->child || str_eq(c->conf->name, f->child)) && (f->child_id == 0 || c->unique == f->child_id);
}

static bool wants_children(const struct engine_filter *f)
{
    return f->child || f->child_id != 0;
}

static unsigned count_meant(const struct engine *e, const struct engine_filter *f)
{
    unsigned n = 0;

    for (const struct ike_sa *sa = e->sas; sa; sa = sa->next) {
        if (!is_meant(sa, f))
            continue;
        if (!wants_children(f))
            n++;
        else
            for (const struct child_sa *c = sa->children; c; c = c->next)
                n += is_child_meant(c, f);
    }
    return n;
}

/* A message on its way keeps the window shut: then nobody is told. */
static void end_now(struct ike_sa *sa, usec_t now)
{
    if (!sa->ids.pending && (sa->state == IKE_ESTABLISHED || sa->state == IKE_REKEYING)) {
        while (sa->tasks)
            task_end(sa, sa->tasks, "ended");
        if (task_add(sa, TASK_DELETE_IKE, NULL, NULL, 0, 0))
            task_run(sa, now);
    }
    ike_sa_destroy(sa, "ended", now);
}

static void end_sa(struct ike_sa *sa, bool force, uint32_t ticket, usec_t now)
{
    struct engine *e = sa->engine;

    attempt_forget(e, sa->conf->name, NULL);
    for (struct child_sa *c = sa->children; c; c = c->next)
        c->closing = true;
    if (force || sa->state == IKE_CREATED || sa->state == IKE_CONNECTING) {
        end_now(sa, now);
        core_done(e, ticket, NULL);
    } else if (!task_add(sa, TASK_DELETE_IKE, NULL, NULL, 0, ticket)) {
        ike_sa_destroy(sa, "ended", now);
        core_done(e, ticket, NULL);
    }
}

static void end_child(struct child_sa *c, uint32_t ticket, usec_t now)
{
    struct engine *e = c->ike->engine;

    attempt_forget(e, c->ike->conf->name, c->conf->name);
    c->closing = true;
    if (!task_add(c->ike, TASK_DELETE_CHILD, NULL, NULL, c->unique, ticket)) {
        child_sa_destroy(c, "ended", now);
        core_done(e, ticket, NULL);
    }
}

int engine_terminate(struct engine *e, usec_t now, const struct engine_filter *f, bool force, uint32_t ticket,
                     unsigned *ret)
{
    unsigned n = count_meant(e, f);

    if (n > 1 && ticket != 0 && e->n_waiters == ENGINE_WAITERS_MAX)
        return -ENOSPC;
    if (n > 1 && ticket != 0)
        e->waiters[e->n_waiters++] = (struct waiter){.ticket = ticket, .count = n};
    for (struct ike_sa *sa = e->sas; sa; sa = sa->next) {
        if (!is_meant(sa, f))
            continue;
        if (!wants_children(f)) {
            end_sa(sa, force, ticket, now);
            continue;
        }
        for (struct child_sa *c = sa->children; c; c = c->next)
            if (is_child_meant(c, f))
                end_child(c, ticket, now);
    }
    run_all(e, now);
    *ret = n;
    return 0;
}

int engine_rekey(struct engine *e, usec_t now, const struct engine_filter *f, bool reauth, unsigned *ret)
{
    unsigned n = 0;

    for (struct ike_sa *sa = e->sas; sa; sa = sa->next) {
        if (!is_meant(sa, f) || sa->state != IKE_ESTABLISHED)
            continue;
        if (wants_children(f)) {
            for (struct child_sa *c = sa->children; c; c = c->next)
                n += is_child_meant(c, f) && task_add(sa, TASK_REKEY_CHILD, NULL, NULL, c->unique, 0);
        } else if (reauth) {
            life_reauth(sa, "asked for", now);
            n++;
        } else {
            n += task_add(sa, TASK_REKEY_IKE, NULL, NULL, 0, 0) != NULL;
        }
    }
    run_all(e, now);
    *ret = n;
    return 0;
}

/* Traps ----------------------------------------------------------------------------------------------------------- */

static struct trap *find_trap(const struct engine *e, const char *ike, const char *child)
{
    for (size_t i = 0; i < e->n_traps; i++)
        if ((!ike || str_eq(e->traps[i].conf->name, ike)) && str_eq(e->traps[i].child, child))
            return &e->traps[i];
    return NULL;
}

bool engine_trapped(const struct engine *e, const char *ike, const char *child)
{
    return find_trap(e, ike, child);
}

int engine_trap(struct engine *e, usec_t now, const char *ike, const char *child)
{
    struct ike_conf *c = conf_of(e, ike, child);
    struct trap *t;
    int r;

    (void)now;
    if (!c || !child)
        return -ENOENT;
    if (find_trap(e, c->name, child))
        return 0;
    t = e->n_traps < ENGINE_TRAPS_MAX ? realloc(e->traps, (e->n_traps + 1) * sizeof(*t)) : NULL;
    if (!t)
        return -ENOSPC;
    e->traps = t;
    r = e->ops.path.trap_install(e->ops.path_data, c, ike_conf_child(c, child));
    if (r < 0)
        return r;
    t = &e->traps[e->n_traps++];
    t->conf = ike_conf_ref(c);
    (void)str_copy(t->child, sizeof(t->child), child);
    core_log(e, ENGINE_LOG_CFG, 1, "'%s' waits for packets", child);
    return 0;
}

static void remove_trap(struct engine *e, struct trap *t)
{
    e->ops.path.trap_remove(e->ops.path_data, t->conf->name, t->child);
    (void)ike_conf_unref(t->conf);
    *t = e->traps[--e->n_traps];
}

int engine_untrap(struct engine *e, usec_t now, const char *ike, const char *child)
{
    struct trap *t = find_trap(e, ike, child);

    (void)now;
    if (!t)
        return -ENOENT;
    remove_trap(e, t);
    return 0;
}

void wish_untrap_all(struct engine *e, const char *ike)
{
    for (size_t i = 0; i < e->n_traps;) {
        if (!ike || str_eq(e->traps[i].conf->name, ike))
            remove_trap(e, &e->traps[i]);
        else
            i++;
    }
}

/* From the data path ---------------------------------------------------------------------------------------------- */

void engine_acquire(struct engine *e, usec_t now, const char *ike, const char *child)
{
    core_log(e, ENGINE_LOG_CHD, 1, "a packet asks for '%s'", child);
    (void)engine_initiate(e, now, ike, child, 0);
}

void engine_limit(struct engine *e, usec_t now, uint32_t child_unique, bool hard)
{
    for (struct ike_sa *sa = e->sas; sa; sa = sa->next) {
        struct child_sa *c = sa->state != IKE_DESTROYING ? child_sa_by_unique(sa, child_unique) : NULL;

        if (c)
            life_limit(c, hard, now);
    }
    run_all(e, now);
}

/* RFC 7296 1.5 allows a hint outside of an IKE_SA, which no peer could believe: it is logged alone. */
void engine_invalid_spi(struct engine *e, usec_t now, const struct addr *remote, uint32_t spi)
{
    char text[ADDR_TEXT_MAX];

    (void)now;
    core_count(e, ENGINE_IN_INVALID_SPI);
    core_log(e, ENGINE_LOG_NET, 2, "ESP from %s with SPI %08x, which is none of ours", addr_text(remote, text), spi);
}

void engine_shutdown(struct engine *e, usec_t now)
{
    wish_untrap_all(e, NULL);
    for (struct ike_sa *sa = e->sas; sa; sa = sa->next) {
        for (struct child_sa *c = sa->children; c; c = c->next)
            c->closing = true;
        if (sa->state != IKE_DESTROYING)
            end_now(sa, now);
    }
    engine_reap(e);
}
