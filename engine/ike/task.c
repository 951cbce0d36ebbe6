#include "engine/ike/task.h"

#include "base/str.h"
#include "engine/ike/create.h"
#include "engine/ike/engine_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct task_ops *const ops_of[TASK_KINDS] = {
    [TASK_INIT] = &task_init_ops,
    [TASK_AUTH] = &task_auth_ops,
    [TASK_CHILD] = &task_child_ops,
    [TASK_REKEY_CHILD] = &task_rekey_child_ops,
    [TASK_REKEY_IKE] = &task_rekey_ike_ops,
    [TASK_DELETE_CHILD] = &task_delete_child_ops,
    [TASK_DELETE_IKE] = &task_delete_ike_ops,
    [TASK_DPD] = &task_dpd_ops,
};

const struct task_ops *task_ops(enum task_kind kind)
{
    return ops_of[kind];
}

/* Another one of these would say the same. */
static bool is_single(enum task_kind kind)
{
    return kind == TASK_DPD || kind == TASK_REKEY_IKE || kind == TASK_DELETE_IKE || kind == TASK_REKEY_CHILD ||
           kind == TASK_DELETE_CHILD;
}

static struct task *find(const struct ike_sa *sa, enum task_kind kind, uint32_t child)
{
    for (struct task *t = sa->tasks; t; t = t->next)
        if (t->kind == kind && (child == 0 || t->child == child))
            return t;
    return NULL;
}

const struct task *task_find(const struct ike_sa *sa, enum task_kind kind, uint32_t child)
{
    return find(sa, kind, child);
}

static void append(struct ike_sa *sa, struct task *t)
{
    struct task **end = &sa->tasks;

    while (*end)
        end = &(*end)->next;
    t->next = NULL;
    *end = t;
    sa->n_tasks++;
}

struct task *task_add(struct ike_sa *sa, enum task_kind kind, struct ike_conf *ike_conf, const struct child_conf *conf,
                      uint32_t child, uint32_t ticket)
{
    struct task *t = is_single(kind) ? find(sa, kind, child) : NULL;

    if (t && (ticket == 0 || t->ticket == 0)) {
        t->ticket = ticket != 0 ? ticket : t->ticket;
        return t;
    }
    t = sa->n_tasks < SA_TASKS_MAX ? calloc(1, sizeof(*t)) : NULL;
    if (!t)
        return NULL;
    t->kind = kind;
    t->ticket = ticket;
    t->ike_conf = ike_conf ? ike_conf_ref(ike_conf) : NULL;
    t->conf = conf;
    t->child = child;
    append(sa, t);
    engine_wake(sa->engine, 0);
    return t;
}

static void unlink_task(struct ike_sa *sa, struct task *t)
{
    struct task **p = &sa->tasks;

    while (*p != t)
        p = &(*p)->next;
    *p = t->next;
    sa->n_tasks--;
}

void task_free(struct ike_sa *sa, struct task *t, const char *error)
{
    unlink_task(sa, t);
    core_done(sa->engine, t->ticket, error);
    (void)create_free(t->create);
    (void)ike_conf_unref(t->ike_conf);
    free(t);
}

void task_end(struct ike_sa *sa, struct task *t, const char *reason)
{
    bool wanted = t->kind == TASK_DELETE_IKE || t->kind == TASK_DELETE_CHILD;

    if (t->error[0])
        reason = t->error;
    task_free(sa, t, wanted ? NULL : reason);
}

void task_move(struct ike_sa *sa, struct task *t, struct ike_sa *to)
{
    unlink_task(sa, t);
    append(to, t);
    engine_wake(to->engine, 0);
}

bool task_is_out(const struct ike_sa *sa, const struct task *t)
{
    return sa->ids.pending && sa->tasks == t;
}

static struct task *next_due(struct ike_sa *sa, usec_t now)
{
    struct task *t = sa->tasks;

    while (t && t->not_before > now)
        t = t->next;
    return t;
}

/* The one whose request is out stands first. */
static void to_front(struct ike_sa *sa, struct task *t)
{
    unlink_task(sa, t);
    t->next = sa->tasks;
    sa->tasks = t;
    sa->n_tasks++;
}

/* 0; the request of T is out. -ECANCELED where it is not needed any more, other errors end it. */
static int begin(struct ike_sa *sa, struct task *t, usec_t now)
{
    struct engine *e = sa->engine;
    struct chain_writer cw = chain_writer_of(e->chain, sizeof(e->chain));
    int r = ops_of[t->kind]->build(sa, t, &cw, now);

    if (r < 0)
        return r;
    to_front(sa, t);
    return exchange_send_request(sa, ops_of[t->kind]->exchange, &cw, now);
}

void task_run(struct ike_sa *sa, usec_t now)
{
    struct task *t;

    while (sa->state != IKE_DESTROYING && !sa->ids.pending && (t = next_due(sa, now))) {
        int r;

        if (message_ids_exhausted(&sa->ids)) {
            ike_sa_destroy(sa, "its message ids are used up", now);
            return;
        }
        r = begin(sa, t, now);
        if (r == 0 || sa->state == IKE_DESTROYING)
            return;
        assert(r != -EAGAIN || t->not_before > now);
        if (r == -EAGAIN)
            continue;
        if (r != -ECANCELED && t->error[0] == '\0')
            (void)str_copy(t->error, sizeof(t->error), strerror(-r));
        task_free(sa, t, r == -ECANCELED && t->error[0] == '\0' ? NULL : t->error);
    }
}
