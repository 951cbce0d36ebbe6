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

static void put_answer(struct strbuf *b, unsigned matches, unsigned terminated, const char *error)
{
    vici_put_value(b, "success", error ? "no" : "yes");
    vici_put_valuef(b, "matches", "%u", matches);
    vici_put_valuef(b, "terminated", "%u", terminated);
    if (error)
        vici_put_value(b, "errmsg", error);
}

static void answer(const struct waiting *w, const char *error, bool late, struct strbuf *reply)
{
    if (!late && !error)
        put_answer(reply, w->matches, w->matches, NULL);
    else
        put_answer(reply, w->matches, 0,
                   w->matches == 1 ? "terminating SA failed" : "not all matching SAs could be terminated");
}

static bool is_alive(enum child_state s)
{
    return s != CHILD_DESTROYING && s != CHILD_DELETED && s != CHILD_REKEYED;
}

/* What engine_terminate() will find. It may be done before it returns, and the answer tells the number. */
static unsigned count(const struct engine *e, const struct args *a)
{
    bool children = a->child[0] || a->child_id;
    unsigned n = 0;

    for (const struct ike_sa *sa = NULL; (sa = engine_next_sa(e, sa));) {
        if (sa->state == IKE_DESTROYING)
            continue;
        if ((a->ike[0] && !str_eq(a->ike, sa->conf->name)) || (a->ike_id && a->ike_id != sa->unique))
            continue;
        n += !children;
        for (const struct child_sa *c = sa->children; children && c; c = c->next)
            n += is_alive(c->state) && (!a->child[0] || str_eq(a->child, c->conf->name)) &&
                 (!a->child_id || a->child_id == c->unique);
    }
    return n;
}

/* Whose log is of interest: the connection's, where one is named. */
static const char *ike_of(const struct engine *e, const struct args *a)
{
    if (a->ike[0] || a->ike_id == 0)
        return args_ike(a);
    for (const struct ike_sa *sa = NULL; (sa = engine_next_sa(e, sa));)
        if (sa->unique == a->ike_id)
            return sa->conf->name;
    return NULL;
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
        ticket = call_wait(c, &a, ike_of(e, &a), answer);
        w->matches = count(e, &a);
    }
    (void)engine_terminate(e, c->now, &f, a.force, ticket, &matches);
    if (matches == 0 || ticket == 0) {
        call_wait_not(c);
        put_answer(c->reply, matches, matches, matches > 0 ? NULL : "no matching SAs to terminate found");
    } else if (w->ticket == ticket) {
        w->matches = matches;
    }
    call_changed(c);
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
    call_changed(c);
}
