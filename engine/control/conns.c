#include "base/str.h"
#include "engine/control/commands.h"
#include "engine/control/control_private.h"
#include "engine/control/load_conn.h"

#include <errno.h>
#include <string.h>

void conns_load(struct call *c)
{
    cleanup(ike_conf_unrefp) struct ike_conf *conf = NULL;
    char error[LOAD_CONN_ERROR_MAX];
    int r;

    if (load_conn_read(c->message, c->control->config.allow_legacy, &conf, error, sizeof(error)) < 0) {
        call_log(c, "refused a connection: %s", error);
        call_fail(c, "%s", error);
        return;
    }
    r = engine_load(c->control->config.engine, c->now, conf);
    if (r == -ENOSPC)
        call_fail(c, "there are %d connections already", ENGINE_CONFS_MAX);
    else if (r < 0)
        call_fail(c, "connection '%s': cannot make its tunnels: %s", conf->name, strerrordesc_np(-r));
    else
        call_succeed(c);
    if (r == 0)
        call_log(c, "added vici connection: %s", conf->name);
    control_changed(c->control);
}

void conns_unload(struct call *c)
{
    char name[CONF_NAME_MAX];
    int r = args_text(c->message, "name", name, sizeof(name));

    if (r == 0) {
        call_fail(c, "missing connection name to unload");
        return;
    }
    if (r < 0 || engine_unload(c->control->config.engine, c->now, name) < 0) {
        call_fail(c, "unload: connection '%s' not found", r < 0 ? "" : name);
        return;
    }
    call_log(c, "removed vici connection: %s", name);
    call_succeed(c);
    control_changed(c->control);
}

void conns_get(struct call *c)
{
    const struct ike_conf *conf;

    vici_put_list(c->reply, "conns");
    for (size_t i = 0; (conf = engine_conf_at(c->control->config.engine, i)); i++)
        vici_put_list_item(c->reply, conf->name);
    vici_put_list_end(c->reply);
}
