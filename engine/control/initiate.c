#include "base/str.h"
#include "engine/control/commands.h"
#include "engine/control/control_private.h"

#include <inttypes.h>

struct subject {
    const char *kind, *name;
};

static struct subject subject_of(const struct args *a)
{
    return a->child[0] ? (struct subject){"CHILD_SA", a->child} : (struct subject){"IKE_SA", a->ike};
}

/* charon's sentence; the reason behind it is ours. */
static void answer(struct control *c, const struct waiting *w, const char *error, bool late, struct strbuf *reply)
{
    struct subject s = subject_of(&w->args);

    (void)c;
    vici_put_value(reply, "success", late || error ? "no" : "yes");
    if (late)
        vici_put_valuef(reply, "errmsg", "%s '%s' not established after %" PRId64 "ms", s.kind, s.name,
                        w->args.timeout);
    else if (error)
        vici_put_valuef(reply, "errmsg", "establishing %s '%s' failed: %s", s.kind, s.name, error);
}

static bool concerns(const struct control *c, const struct waiting *w, const struct engine_log *l)
{
    return engine_serves(c->config.engine, l->ike_unique, w->ticket) || (w->beginning && str_eq(w->ike, l->ike_name));
}

/* The connection that a wish for CHILD is about; "". */
static const char *ike_of(const struct engine *e, const struct args *a)
{
    const struct ike_conf *conf;

    if (a->ike[0])
        return a->ike;
    for (size_t i = 0; (conf = engine_conf_at(e, i)); i++)
        if (ike_conf_child(conf, a->child))
            return conf->name;
    return "";
}

/* The session waits for the ticket that is returned. */
static uint32_t begin_waiting(struct call *c, const struct args *a)
{
    uint32_t ticket = call_wait(c, a, concerns, answer);
    struct waiting *w = &c->session->waiting;

    (void)str_copy(w->ike, sizeof(w->ike), ike_of(c->control->config.engine, a));
    w->beginning = true;
    return ticket;
}

void initiate_run(struct call *c)
{
    struct engine *e = c->control->config.engine;
    struct args a;
    uint32_t ticket = 0;
    int r;

    if (!call_args(c, &a))
        return;
    if (!a.child[0] && !a.ike[0]) {
        call_fail(c, "missing configuration name");
        return;
    }
    call_log_args(c, "initiate", &a);
    if (a.timeout >= 0)
        ticket = begin_waiting(c, &a);
    r = engine_initiate(e, c->now, args_ike(&a), args_child(&a), ticket);
    c->session->waiting.beginning = false;
    if (r < 0) {
        struct subject s = subject_of(&a);

        call_wait_not(c);
        call_fail(c, "%s config '%s' not found", s.kind, s.name);
        return;
    }
    if (ticket == 0)
        call_succeed(c);
    control_changed(c->control);
}
