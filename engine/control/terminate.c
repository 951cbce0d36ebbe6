#include "base/str.h"
#include "engine/control/commands.h"
#include "engine/control/control_private.h"
#include "engine/ike/sa.h"

static struct engine_filter filter_of(const struct args *a)
{
    return (struct engine_filter){
        .ike = args_ike(a), .child = args_child(a), .ike_id = a->ike_id, .child_id = a->child_id};
}

static bool has_filter(const struct args *a)
{
    return a->ike[0] || a->child[0] || a->ike_id || a->child_id;
}

static bool wants_children(const struct args *a)
{
    return a->child[0] || a->child_id;
}

static bool is_meant(const struct ike_sa *sa, const struct args *a)
{
    return (!a->ike[0] || str_eq(a->ike, sa->conf->name)) && (!a->ike_id || a->ike_id == sa->unique);
}

static bool is_child_meant(const struct child_sa *c, const struct args *a)
{
    return (!a->child[0] || str_eq(a->child, c->conf->name)) && (!a->child_id || a->child_id == c->unique);
}

static bool is_alive(enum child_state s)
{
    return s != CHILD_DESTROYING && s != CHILD_DELETED && s != CHILD_REKEYED;
}

static void tally(uint32_t unique, uint32_t last, unsigned *n, uint32_t *newest)
{
    if (unique > last)
        return;
    ++*n;
    if (unique > *newest)
        *newest = unique;
}

/* The SAs that A means, as engine_terminate() finds them, but for those that are newer than LAST. */
static unsigned count(const struct engine *e, const struct args *a, uint32_t last, uint32_t *newest)
{
    unsigned n = 0;

    *newest = 0;
    for (const struct ike_sa *sa = NULL; (sa = engine_next_sa(e, sa));) {
        if (sa->state == IKE_DESTROYING || !is_meant(sa, a))
            continue;
        if (!wants_children(a))
            tally(sa->unique, last, &n, newest);
        for (const struct child_sa *c = sa->children; wants_children(a) && c; c = c->next)
            if (is_alive(c->state) && is_child_meant(c, a))
                tally(c->unique, last, &n, newest);
    }
    return n;
}

static void put_answer(struct strbuf *b, unsigned matches, unsigned terminated)
{
    const char *error = NULL;

    if (matches == 0)
        error = "no matching SAs to terminate found";
    else if (terminated < matches)
        error = matches == 1 ? "terminating SA failed" : "not all matching SAs could be terminated";
    vici_put_value(b, "success", error ? "no" : "yes");
    vici_put_valuef(b, "matches", "%u", matches);
    vici_put_valuef(b, "terminated", "%u", terminated);
    if (error)
        vici_put_value(b, "errmsg", error);
}

/* What is gone is ended, however it came. After the time that was given to the peer FORCE does without it. */
static void answer(struct control *c, const struct waiting *w, const char *error, bool late, struct strbuf *reply)
{
    struct engine *e = c->config.engine;
    struct engine_filter f = filter_of(&w->args);
    unsigned left, matches;
    uint32_t newest;

    (void)error;
    if (late && w->args.force) {
        (void)engine_terminate(e, loop_now(c->loop), &f, true, 0, &matches);
        control_changed(c);
    }
    left = count(e, &w->args, w->last, &newest);
    put_answer(reply, w->matches, left < w->matches ? w->matches - left : 0);
}

static bool concerns(const struct control *c, const struct waiting *w, const struct engine_log *l)
{
    const struct args *a = &w->args;

    for (const struct ike_sa *sa = NULL; (sa = engine_next_sa(c->config.engine, sa));) {
        const struct child_sa *child = sa->children;

        if (sa->unique != l->ike_unique)
            continue;
        while (child && !is_child_meant(child, a))
            child = child->next;
        return is_meant(sa, a) && (child || !wants_children(a));
    }
    return false;
}

void terminate_run(struct call *c)
{
    struct engine *e = c->control->config.engine;
    struct waiting *w = &c->session->waiting;
    struct engine_filter f;
    struct args a;
    uint32_t ticket = 0;
    unsigned matches = 0;

    if (!call_args(c, &a))
        return;
    if (!has_filter(&a)) {
        call_fail(c, "missing terminate selector");
        return;
    }
    call_log_args(c, "terminate", &a);
    f = filter_of(&a);
    if (a.timeout >= 0) {
        ticket = call_wait(c, &a, concerns, answer);
        w->matches = count(e, &a, UINT32_MAX, &w->last);
    }
    (void)engine_terminate(e, c->now, &f, a.force && a.timeout <= 0, ticket, &matches);
    if (matches == 0 || ticket == 0) {
        call_wait_not(c);
        put_answer(c->reply, matches, matches);
    }
    control_changed(c->control);
}

void rekey_run(struct call *c)
{
    struct engine_filter f;
    struct args a;
    unsigned matches = 0;

    if (!call_args(c, &a))
        return;
    if (!has_filter(&a)) {
        call_fail(c, "missing rekey selector");
        return;
    }
    call_log_args(c, "rekey", &a);
    f = filter_of(&a);
    (void)engine_rekey(c->control->config.engine, c->now, &f, a.reauth, &matches);
    vici_put_value(c->reply, "success", matches > 0 ? "yes" : "no");
    vici_put_valuef(c->reply, "matches", "%u", matches);
    if (matches == 0)
        vici_put_value(c->reply, "errmsg", "no matching SAs to rekey found");
    control_changed(c->control);
}
