#include "base/str.h"
#include "engine/control/commands.h"
#include "engine/control/control_private.h"
#include "engine/control/tree.h"

#include <inttypes.h>

static const char *unique_name(enum conf_unique u)
{
    switch (u) {
    case CONF_UNIQUE_NO:
        return "UNIQUE_NO";
    case CONF_UNIQUE_NEVER:
        return "UNIQUE_NEVER";
    case CONF_UNIQUE_KEEP:
        return "UNIQUE_KEEP";
    case CONF_UNIQUE_REPLACE:
        break;
    }
    return "UNIQUE_REPLACE";
}

static const char *action_name(unsigned action)
{
    if (action == (CONF_ACTION_TRAP | CONF_ACTION_START))
        return "trap | start";
    return action == CONF_ACTION_TRAP ? "trap" : action == CONF_ACTION_START ? "start" : "none";
}

static void put_seconds(struct strbuf *b, const char *key, usec_t span)
{
    vici_put_valuef(b, key, "%" PRIu64, span / USEC_PER_SEC);
}

static void put_addrs(struct strbuf *b, const char *key, const struct conf_addr *as, size_t n)
{
    char text[ADDR_TEXT_MAX], net[ADDR_TEXT_MAX + 8];

    vici_put_list(b, key);
    for (size_t i = 0; i < n; i++) {
        bool host = as[i].bits == (addr_family(&as[i].addr) == AF_INET6 ? 128 : 32);

        if (!addr_is_set(&as[i].addr))
            (void)str_copy(net, sizeof(net), "%any");
        else if (host)
            (void)str_copy(net, sizeof(net), addr_text(&as[i].addr, text));
        else
            (void)str_format(net, sizeof(net), "%s/%u", addr_text(&as[i].addr, text), as[i].bits);
        vici_put_list_item(b, net);
    }
    if (n == 0)
        vici_put_list_item(b, "%any");
    vici_put_list_end(b);
}

static void put_subjects(struct strbuf *b, const char *key, struct cert *const *certs, size_t n)
{
    char text[IDENTITY_TEXT_MAX];
    struct identity id;

    vici_put_list(b, key);
    for (size_t i = 0; i < n; i++)
        if (identity_of_subject(certs[i], &id) == 0)
            vici_put_list_item(b, identity_text(&id, text));
    vici_put_list_end(b);
}

static void put_side(struct strbuf *b, const char *name, const struct conf_side *s)
{
    char text[IDENTITY_TEXT_MAX];

    vici_put_section(b, name);
    if (s->id.len > 0)
        vici_put_value(b, "id", identity_text(&s->id, text));
    vici_put_value(b, "class", s->auth == CONF_AUTH_PSK ? "pre-shared key" : "public key");
    vici_put_list(b, "groups"); /* swanctl wants these lists, empty or not */
    vici_put_list_end(b);
    vici_put_list(b, "cert_policy");
    vici_put_list_end(b);
    put_subjects(b, "certs", s->certs, s->n_certs);
    put_subjects(b, "cacerts", s->cas, s->n_cas);
    vici_put_section_end(b);
}

static void put_child_conf(struct strbuf *b, const struct child_conf *c)
{
    vici_put_section(b, c->name);
    vici_put_value(b, "mode", "TUNNEL");
    put_seconds(b, "rekey_time", c->time.rekey);
    vici_put_valuef(b, "rekey_bytes", "%" PRIu64, c->bytes.rekey);
    vici_put_valuef(b, "rekey_packets", "%" PRIu64, c->packets.rekey);
    vici_put_value(b, "dpd_action", action_name(c->dpd_action));
    vici_put_value(b, "close_action", action_name(c->close_action));
    tree_put_selectors_conf(b, "local-ts", &c->local_ts);
    tree_put_selectors_conf(b, "remote-ts", &c->remote_ts);
    vici_put_section_end(b);
}

static void put_conn(struct strbuf *b, const struct ike_conf *c)
{
    char ppk[IDENTITY_TEXT_MAX];

    vici_put_section(b, c->name);
    put_addrs(b, "local_addrs", c->local_addrs, c->n_local_addrs);
    put_addrs(b, "remote_addrs", c->remote_addrs, c->n_remote_addrs);
    vici_put_value(b, "version", "IKEv2");
    put_seconds(b, "reauth_time", c->reauth_time);
    put_seconds(b, "rekey_time", c->rekey_time);
    vici_put_value(b, "unique", unique_name(c->unique));
    if (c->dpd_delay)
        put_seconds(b, "dpd_delay", c->dpd_delay);
    if (c->dpd_timeout)
        put_seconds(b, "dpd_timeout", c->dpd_timeout);
    if (c->has_ppk) {
        vici_put_value(b, "ppk_id", identity_text(&c->ppk_id, ppk));
        if (c->ppk_required)
            vici_put_value(b, "ppk_required", "yes");
    }
    put_side(b, "local-1", &c->local);
    put_side(b, "remote-1", &c->remote);
    vici_put_section(b, "children");
    for (size_t i = 0; i < c->n_children; i++)
        put_child_conf(b, &c->children[i]);
    vici_put_section_end(b);
    vici_put_section_end(b);
}

/* AT counts connections: one that is loaded or unloaded meanwhile may shift it, which a client that lists again sees.
 */
static bool step(struct session *s, struct listing *l, struct strbuf *event)
{
    const struct ike_conf *conf = engine_conf_at(s->control->config.engine, l->at);

    if (!conf)
        return false;
    l->at++;
    if (!l->args.ike[0] || str_eq(l->args.ike, conf->name))
        put_conn(event, conf);
    return true;
}

void list_conns_run(struct call *c)
{
    struct args a;

    if (call_args(c, &a))
        call_list(c, SESSION_LIST_CONN, step, NULL, 0, &a);
}
