#include "base/str.h"
#include "engine/control/commands.h"
#include "engine/control/control_private.h"
#include "engine/control/tree.h"

/* The connection of CHILD that A means: the first, for uninstall the first that is installed. NULL */
static const char *ike_of(const struct engine *e, const struct args *a, bool trapped)
{
    const struct ike_conf *conf;

    for (size_t i = 0; (conf = engine_conf_at(e, i)); i++)
        if ((!a->ike[0] || str_eq(a->ike, conf->name)) && ike_conf_child(conf, a->child) &&
            (!trapped || engine_trapped(e, conf->name, a->child)))
            return conf->name;
    return NULL;
}

static bool read_args(struct call *c, struct args *ret)
{
    if (!call_args(c, ret))
        return false;
    if (ret->child[0])
        return true;
    call_fail(c, "missing configuration name");
    return false;
}

void policies_install(struct call *c)
{
    struct engine *e = c->control->config.engine;
    const char *ike;
    struct args a;

    if (!read_args(c, &a))
        return;
    call_log_args(c, "install", &a);
    ike = ike_of(e, &a, false);
    if (!ike)
        call_fail(c, "configuration name not found");
    else if (engine_trap(e, c->now, ike, a.child) < 0)
        call_fail(c, "installing policy '%s' failed", a.child);
    else
        call_succeed(c);
    control_changed(c->control);
}

void policies_uninstall(struct call *c)
{
    struct engine *e = c->control->config.engine;
    const char *ike;
    struct args a;

    if (!read_args(c, &a))
        return;
    call_log_args(c, "uninstall", &a);
    ike = ike_of(e, &a, true);
    if (!ike || engine_untrap(e, c->now, ike, a.child) < 0)
        call_fail(c, "policy '%s' not found", a.child);
    else
        call_succeed(c);
    control_changed(c->control);
}

/* "dynamic" is the outside address, where the connection names a single one. */
static void put_selectors(struct strbuf *b, const char *key, const struct selectors_conf *ss,
                          const struct conf_addr *outside, size_t n)
{
    struct selectors resolved;

    if (n == 1 && addr_is_set(&outside->addr) &&
        outside->bits == (addr_family(&outside->addr) == AF_INET6 ? 128 : 32)) {
        selectors_resolve(ss, &outside->addr, &resolved);
        tree_put_selectors(b, key, &resolved);
    } else {
        tree_put_selectors_conf(b, key, ss);
    }
}

static void put_policy(struct strbuf *b, const struct ike_conf *ike, const struct child_conf *child)
{
    char name[2 * CONF_NAME_MAX];

    (void)str_format(name, sizeof(name), "%s/%s", ike->name, child->name);
    vici_put_section(b, name);
    vici_put_value(b, "child", child->name);
    vici_put_value(b, "ike", ike->name);
    vici_put_value(b, "mode", "TUNNEL");
    put_selectors(b, "local-ts", &child->local_ts, ike->local_addrs, ike->n_local_addrs);
    put_selectors(b, "remote-ts", &child->remote_ts, ike->remote_addrs, ike->n_remote_addrs);
    vici_put_section_end(b);
}

/* AT counts connections, N the children of one. */
static bool step(struct session *s, struct listing *l, struct strbuf *event)
{
    const struct engine *e = s->control->config.engine;
    const struct args *a = &l->args;
    const struct ike_conf *conf = engine_conf_at(e, l->at);
    const struct child_conf *child;

    if (!conf)
        return false;
    if (l->n >= conf->n_children) {
        l->at++;
        l->n = 0;
        return true;
    }
    child = &conf->children[l->n++];
    if ((!a->ike[0] || str_eq(a->ike, conf->name)) && (!a->child[0] || str_eq(a->child, child->name)) &&
        engine_trapped(e, conf->name, child->name))
        put_policy(event, conf, child);
    return true;
}

/* There are traps only: no policies that drop or pass. */
void list_policies_run(struct call *c)
{
    struct args a;

    if (call_args(c, &a) && a.trap)
        call_list(c, SESSION_LIST_POLICY, step, NULL, 0, &a);
}
