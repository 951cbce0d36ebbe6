#include "engine/ike/engine.h"

#include "base/array.h"
#include "base/secret.h"
#include "base/str.h"
#include "engine/ike/engine_state.h"
#include "engine/ike/life.h"
#include "engine/ike/task.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS_RETRANSMIT     (4 * USEC_PER_SEC)
#define SETTINGS_RETRANSMISSION 1.8
#define SETTINGS_TRIES          5
#define SETTINGS_HALF_OPEN      (30 * USEC_PER_SEC)
#define SETTINGS_COOKIE         64
#define SETTINGS_PER_PEER       64
#define SETTINGS_KEEPALIVE      (20 * USEC_PER_SEC)
#define SETTINGS_RETRY          (10 * USEC_PER_SEC)
#define SETTINGS_FRAGMENT       1280

void engine_settings_default(struct engine_settings *ret)
{
    *ret = (struct engine_settings){
        .port = IKE_PORT,
        .natt_port = IKE_PORT_NATT,
        .retransmit = SETTINGS_RETRANSMIT,
        .retransmit_base = SETTINGS_RETRANSMISSION,
        .retransmit_tries = SETTINGS_TRIES,
        .half_open_timeout = SETTINGS_HALF_OPEN,
        .cookie_threshold = SETTINGS_COOKIE,
        .half_open_per_peer = SETTINGS_PER_PEER,
        .keepalive = SETTINGS_KEEPALIVE,
        .retry = SETTINGS_RETRY,
        .fragment_size = SETTINGS_FRAGMENT,
    };
}

int engine_new(const struct engine_settings *s, const struct engine_ops *ops, void *data, struct creds *creds,
               struct engine **ret)
{
    struct engine *e = calloc(1, sizeof(*e));

    if (!e || counters_new(&e->counters) < 0) {
        free(e);
        return -ENOMEM;
    }
    e->settings = *s;
    e->ops = *ops;
    e->data = data;
    e->creds = creds;
    e->sas_end = &e->sas;
    e->deadline = USEC_NEVER;
    *ret = e;
    return 0;
}

struct engine *engine_free(struct engine *e)
{
    if (!e)
        return NULL;
    for (struct ike_sa *sa = e->sas; sa; sa = sa->next)
        ike_sa_destroy(sa, "the engine ends", 0);
    engine_reap(e);
    wish_untrap_all(e, NULL);
    while (e->n_confs > 0)
        (void)ike_conf_unref(e->confs[--e->n_confs]);
    free(e->traps);
    free(e->retries);
    free(e->reqids);
    e->counters = counters_free(e->counters);
    output_done(&e->output);
    secret_wipe(e, offsetof(struct engine, output));
    free(e);
    return NULL;
}

/* Time ------------------------------------------------------------------------------------------------------------ */

bool engine_next_output(struct engine *e, struct engine_output *ret)
{
    return output_next(&e->output, ret);
}

void engine_wake(struct engine *e, usec_t when)
{
    e->deadline = when < e->deadline ? when : e->deadline;
}

usec_t engine_next_deadline(const struct engine *e)
{
    return e->deadline;
}

static usec_t earlier(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

/* Only the one that a NAT hides keeps its mapping (RFC 3948 4). */
static usec_t keepalive_at(const struct ike_sa *sa)
{
    bool wanted = sa->nat_local && sa->natt && sa->established_at != 0 && sa->engine->settings.keepalive != 0;

    return wanted ? clock_add(sa->last_out, sa->engine->settings.keepalive) : USEC_NEVER;
}

static usec_t half_open_until(const struct ike_sa *sa)
{
    return !sa->initiator && sa->state == IKE_CONNECTING
               ? clock_add(sa->created_at, sa->engine->settings.half_open_timeout)
               : USEC_NEVER;
}

static usec_t next_task_at(const struct ike_sa *sa)
{
    usec_t next = USEC_NEVER;

    if (sa->ids.pending)
        return USEC_NEVER;
    for (const struct task *t = sa->tasks; t; t = t->next)
        next = earlier(next, t->not_before);
    return next;
}

static usec_t next_of(const struct ike_sa *sa)
{
    usec_t next = earlier(sa->retransmit_at, earlier(keepalive_at(sa), half_open_until(sa)));

    return earlier(next, earlier(life_next(sa), next_task_at(sa)));
}

static void tick_sa(struct ike_sa *sa, usec_t now)
{
    if (half_open_until(sa) <= now) {
        ike_sa_destroy(sa, "the peer did not go on after IKE_SA_INIT", now);
        return;
    }
    if (sa->ids.pending && sa->retransmit_at <= now)
        exchange_retransmit(sa, now);
    if (sa->state != IKE_DESTROYING)
        life_tick(sa, now);
    if (sa->state != IKE_DESTROYING && keepalive_at(sa) <= now) {
        output_keepalive(&sa->engine->output, &sa->local, &sa->remote);
        sa->last_out = now;
    }
    if (sa->state != IKE_DESTROYING)
        task_run(sa, now);
}

void engine_tick(struct engine *e, usec_t now)
{
    for (struct ike_sa *sa = e->sas; sa; sa = sa->next)
        if (sa->state != IKE_DESTROYING && next_of(sa) <= now)
            tick_sa(sa, now);
    if (attempt_next(e) <= now)
        attempt_tick(e, now);
    engine_reap(e);
    e->deadline = attempt_next(e);
    for (struct ike_sa *sa = e->sas; sa; sa = sa->next)
        e->deadline = earlier(e->deadline, next_of(sa));
}

/* Configurations -------------------------------------------------------------------------------------------------- */

static size_t index_of(const struct engine *e, const char *name)
{
    size_t i = 0;

    while (i < e->n_confs && !str_eq(e->confs[i]->name, name))
        i++;
    return i;
}

struct ike_conf *engine_conf(const struct engine *e, const char *name)
{
    size_t i = index_of(e, name);

    return i < e->n_confs ? e->confs[i] : NULL;
}

struct ike_conf *engine_conf_at(const struct engine *e, size_t i)
{
    return i < e->n_confs ? e->confs[i] : NULL;
}

static void start(struct engine *e, struct ike_conf *c, usec_t now)
{
    for (size_t i = 0; i < c->n_children; i++)
        core_action(e, c, &c->children[i], c->children[i].start_action, now);
}

int engine_load(struct engine *e, usec_t now, struct ike_conf *c)
{
    size_t i = index_of(e, c->name);
    int r;

    if (i == ENGINE_CONFS_MAX)
        return -ENOSPC;
    r = e->ops.path.conf_load(e->ops.path_data, c);
    if (r < 0)
        return r;
    wish_untrap_all(e, c->name);
    attempt_forget(e, c->name, NULL);
    if (i < e->n_confs)
        (void)ike_conf_unref(e->confs[i]);
    else
        e->n_confs++;
    e->confs[i] = ike_conf_ref(c);
    start(e, c, now);
    for (struct ike_sa *sa = e->sas; sa; sa = sa->next)
        task_run(sa, now);
    engine_reap(e);
    return 0;
}

int engine_unload(struct engine *e, usec_t now, const char *name)
{
    size_t i = index_of(e, name);

    (void)now;
    if (i == e->n_confs)
        return -ENOENT;
    wish_untrap_all(e, name);
    attempt_forget(e, name, NULL);
    e->ops.path.conf_unload(e->ops.path_data, name);
    (void)ike_conf_unref(e->confs[i]);
    memmove(&e->confs[i], &e->confs[i + 1], (e->n_confs - i - 1) * sizeof(struct ike_conf *));
    e->n_confs--;
    return 0;
}

/* Looking --------------------------------------------------------------------------------------------------------- */

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
    return e->n_half_open;
}
