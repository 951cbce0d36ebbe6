/* The functions of the engine that engine/control calls, played by a test. Included by one program only. */
#pragma once

#include "base/str.h"
#include "engine/ike/core.h"
#include "engine/ike/engine.h"
#include "engine/ike/sa.h"
#include "engine/ike/task.h"

#include <errno.h>
#include <string.h>

#define FAKE_CONFS_MAX 64

struct engine {
    struct ike_conf *confs[FAKE_CONFS_MAX]; /* owned references */
    size_t n_confs;
    struct ike_sa *sas; /* borrowed */
    struct counters *counters;
    char asked[128];   /* the last wish */
    uint32_t ticket;   /* of it */
    unsigned found;    /* what terminate and rekey are to find */
    bool at_once;      /* done before the function returns */
    const char *error; /* then */
    uint32_t serves;   /* unique id of the IKE_SA that works on the last wish */
    bool trapped;
    void (*done)(void *data, uint32_t ticket, const char *error);
    void *data;
    struct path_ops path;
};

static inline bool fake_usage(void *data, uint32_t unique, struct path_usage *ret)
{
    (void)data;
    *ret = (struct path_usage){.in = {.packets = 3, .bytes = 300}, .out = {.packets = 2, .bytes = 200}};
    ret->in.drops[ESP_DROP_REPLAY] = unique;
    return true;
}

static inline void fake_asked(struct engine *e, const char *what, const char *ike, const char *child, uint32_t ticket)
{
    (void)str_format(e->asked, sizeof(e->asked), "%s %s/%s", what, str_or(ike, "-"), str_or(child, "-"));
    e->ticket = ticket;
    if (e->at_once)
        e->done(e->data, ticket, e->error);
}

int engine_load(struct engine *e, usec_t now, struct ike_conf *c)
{
    (void)now;
    if (e->n_confs == FAKE_CONFS_MAX)
        return -ENOSPC;
    (void)engine_unload(e, now, c->name);
    e->confs[e->n_confs++] = ike_conf_ref(c);
    return 0;
}

int engine_unload(struct engine *e, usec_t now, const char *name)
{
    (void)now;
    for (size_t i = 0; i < e->n_confs; i++)
        if (str_eq(e->confs[i]->name, name)) {
            (void)ike_conf_unref(e->confs[i]);
            memmove(&e->confs[i], &e->confs[i + 1], (--e->n_confs - i) * sizeof(e->confs[0]));
            return 0;
        }
    return -ENOENT;
}

struct ike_conf *engine_conf(const struct engine *e, const char *name)
{
    for (size_t i = 0; i < e->n_confs; i++)
        if (str_eq(e->confs[i]->name, name))
            return e->confs[i];
    return NULL;
}

struct ike_conf *engine_conf_at(const struct engine *e, size_t i)
{
    return i < e->n_confs ? e->confs[i] : NULL;
}

bool engine_trapped(const struct engine *e, const char *ike, const char *child)
{
    return e->trapped && ike && child;
}

int engine_initiate(struct engine *e, usec_t now, const char *ike, const char *child, uint32_t ticket)
{
    (void)now;
    for (size_t i = 0; i < e->n_confs; i++)
        if ((!ike || str_eq(e->confs[i]->name, ike)) && (!child || ike_conf_child(e->confs[i], child))) {
            fake_asked(e, "initiate", ike, child, ticket);
            return 0;
        }
    return -ENOENT;
}

bool engine_serves(const struct engine *e, uint32_t ike, uint32_t ticket)
{
    return ike == e->serves && ticket == e->ticket;
}

static inline void fake_end(struct ike_sa *sa)
{
    sa->state = IKE_DESTROYING;
    for (struct child_sa *c = sa->children; c; c = c->next)
        c->state = CHILD_DESTROYING;
}

int engine_terminate(struct engine *e, usec_t now, const struct engine_filter *f, bool force, uint32_t ticket,
                     unsigned *ret)
{
    (void)now;
    *ret = e->found;
    for (struct ike_sa *sa = e->sas; sa && (force || e->at_once); sa = sa->next)
        fake_end(sa);
    if (e->found > 0)
        fake_asked(e, force ? "kill" : "terminate", f->ike, f->child, ticket);
    return 0;
}

int engine_rekey(struct engine *e, usec_t now, const struct engine_filter *f, bool reauth, unsigned *ret)
{
    (void)now;
    *ret = e->found;
    fake_asked(e, reauth ? "reauth" : "rekey", f->ike, f->child, 0);
    return 0;
}

int engine_trap(struct engine *e, usec_t now, const char *ike, const char *child)
{
    (void)now;
    for (size_t i = 0; i < e->n_confs; i++)
        if ((!ike || str_eq(e->confs[i]->name, ike)) && ike_conf_child(e->confs[i], child)) {
            e->trapped = true;
            return 0;
        }
    return -ENOENT;
}

int engine_untrap(struct engine *e, usec_t now, const char *ike, const char *child)
{
    (void)now;
    (void)ike;
    (void)child;
    if (!e->trapped)
        return -ENOENT;
    e->trapped = false;
    return 0;
}

const struct ike_sa *engine_next_sa(const struct engine *e, const struct ike_sa *sa)
{
    return sa ? sa->next : e->sas;
}

struct counters *engine_counters(struct engine *e)
{
    return e->counters;
}

unsigned engine_half_open(const struct engine *e)
{
    return e->found;
}

const struct path_ops *core_path(const struct engine *e, void **ret_data)
{
    *ret_data = NULL;
    return &e->path;
}

static inline void fake_engine_done(struct engine *e)
{
    for (size_t i = 0; i < e->n_confs; i++)
        (void)ike_conf_unref(e->confs[i]);
    e->n_confs = 0;
    e->counters = counters_free(e->counters);
}
