/* CHILD_SAs as things: making, finding, changing state, moving. */
#include "engine/ike/engine_state.h"

#include <assert.h>
#include <stdlib.h>

struct child_sa *child_sa_new(struct ike_sa *sa, struct ike_conf *ike_conf, const struct child_conf *conf)
{
    struct child_sa *c = sa->n_children < SA_CHILDREN_MAX ? calloc(1, sizeof(*c)) : NULL;
    struct child_sa **end = &sa->children;

    if (!c)
        return NULL;
    c->ike = sa;
    c->ike_conf = ike_conf_ref(ike_conf);
    c->conf = conf;
    c->unique = ++sa->engine->last_child;
    c->reqid = conf->reqid != 0 ? conf->reqid : core_reqid(sa->engine, ike_conf->name, conf);
    c->rekey_at = c->life_at = c->inactive_at = c->gone_at = USEC_NEVER;
    while (*end)
        end = &(*end)->next;
    *end = c;
    sa->n_children++;
    return c;
}

/* UP and DOWN are told once each, and not where a rekeying puts one in the place of another. */
static void tell_up(struct child_sa *c)
{
    struct engine_event ev = {.type = ENGINE_CHILD_UP, .ike = c->ike, .child = c};

    if (c->replaces == 0)
        core_event(c->ike->engine, &ev);
}

static void tell_down(struct child_sa *c, enum child_state before)
{
    struct engine_event ev = {.type = ENGINE_CHILD_DOWN, .ike = c->ike, .child = c};

    if (c->told_down || c->installed_at == 0 || c->replaced_by != 0)
        return;
    if (before != CHILD_INSTALLED && before != CHILD_UPDATING && before != CHILD_REKEYING && before != CHILD_DELETING)
        return;
    c->told_down = true;
    core_event(c->ike->engine, &ev);
}

void child_sa_tell_down(struct child_sa *c)
{
    tell_down(c, c->state);
}

void child_sa_become(struct child_sa *c, enum child_state s, const char *reason, usec_t now)
{
    enum child_state before = c->state;

    assert(child_state_may(before, s));
    c->state = s;
    ike_sa_log(c->ike, ENGINE_LOG_CHD, 2, "CHILD_SA %s{%u} %s => %s: %s", c->conf->name, c->unique,
               child_state_name(before), child_state_name(s), reason);
    if (s == CHILD_INSTALLED && before == CHILD_INSTALLING)
        tell_up(c);
    else if (s == CHILD_DELETED || s == CHILD_DESTROYING)
        tell_down(c, before);
    engine_wake(c->ike->engine, now);
}

void child_sa_destroy(struct child_sa *c, const char *reason, usec_t now)
{
    void *data;
    const struct path_ops *path = core_path(c->ike->engine, &data);

    if (c->state == CHILD_DESTROYING)
        return;
    child_sa_become(c, CHILD_DESTROYING, reason, now); /* whoever hears of it may still ask what it has passed */
    if (c->in_path)
        path->child_remove(data, c->unique);
    c->in_path = false;
    c->ike->engine->reap_wanted = true;
}

struct child_sa *child_sa_by_unique(const struct ike_sa *sa, uint32_t unique)
{
    for (struct child_sa *c = sa->children; c; c = c->next)
        if (c->unique == unique && c->state != CHILD_DESTROYING)
            return c;
    return NULL;
}

struct child_sa *child_sa_by_spi_out(const struct ike_sa *sa, uint32_t spi)
{
    for (struct child_sa *c = sa->children; c; c = c->next)
        if (c->spi_out == spi && c->in_path && c->state != CHILD_DELETED && c->state != CHILD_DESTROYING)
            return c;
    return NULL;
}

void child_sa_move(struct child_sa *c, struct ike_sa *to)
{
    struct child_sa **p = &c->ike->children, **end = &to->children;

    while (*p != c)
        p = &(*p)->next;
    *p = c->next;
    c->ike->n_children--;
    while (*end)
        end = &(*end)->next;
    *end = c;
    c->next = NULL;
    c->ike = to;
    to->n_children++;
}

bool child_sa_live(const struct child_sa *c)
{
    return c->state == CHILD_INSTALLED || c->state == CHILD_UPDATING || c->state == CHILD_REKEYING;
}
