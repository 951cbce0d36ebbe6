#include "base/str.h"
#include "engine/control/commands.h"
#include "engine/control/control_private.h"
#include "engine/control/tree.h"
#include "engine/ike/sa.h"

static bool child_wanted(const struct child_sa *c, const struct args *a)
{
    return (!a->child[0] || str_eq(a->child, c->conf->name)) && (a->child_id == 0 || a->child_id == c->unique);
}

/* Not narrowed to those with such children, as charon. */
static bool ike_wanted(const struct ike_sa *sa, const struct args *a)
{
    return (!a->ike[0] || str_eq(a->ike, sa->conf->name)) && (a->ike_id == 0 || a->ike_id == sa->unique);
}

static bool is_listed(enum ike_state s)
{
    return s != IKE_DESTROYING;
}

static void put_sa(struct strbuf *b, const struct ike_sa *sa, const struct args *a, usec_t now)
{
    vici_put_section(b, sa->conf->name);
    tree_put_ike(b, sa, now);
    vici_put_section(b, "child-sas");
    for (const struct child_sa *c = sa->children; c; c = c->next)
        if (c->state != CHILD_DESTROYING && child_wanted(c, a))
            tree_put_child(b, c, now);
    vici_put_section_end(b);
    vici_put_section_end(b);
}

/* SAs come and go between two steps: the ids tell which ones there were. */
static bool step(struct session *s, struct listing *l, struct strbuf *event)
{
    const struct control *c = s->control;

    if (l->at == l->n)
        return false;
    for (const struct ike_sa *sa = NULL; (sa = engine_next_sa(c->config.engine, sa));)
        if (sa->unique == l->ids[l->at] && is_listed(sa->state)) {
            put_sa(event, sa, &l->args, loop_now(c->loop));
            break;
        }
    l->at++;
    return true;
}

void list_sas_run(struct call *c)
{
    const struct engine *e = c->control->config.engine;
    struct args a;
    uint32_t *ids;
    size_t n = 0;

    if (!call_args(c, &a))
        return;
    ids = calloc(ENGINE_SAS_MAX, sizeof(*ids));
    if (!ids) {
        call_fail(c, "out of memory");
        return;
    }
    for (const struct ike_sa *sa = NULL; n < ENGINE_SAS_MAX && (sa = engine_next_sa(e, sa));)
        if (is_listed(sa->state) && ike_wanted(sa, &a))
            ids[n++] = sa->unique;
    call_list(c, SESSION_LIST_SA, step, ids, n, &a);
}
