#include "conf/conf.h"

static void free_tunnel(struct conf_tunnel *t)
{
    for (size_t i = 0; i < t->n_targets; i++) {
        free(t->targets[i].text);
        free(t->targets[i].host);
    }
    free(t->name);
    free(t->ike_connection);
    free(t->ike_child);
    free(t->psk_file);
}

static void free_connection(struct conf_connection *c)
{
    for (size_t i = 0; i < c->n_tunnels; i++)
        free_tunnel(&c->tunnels[i]);
    free(c->name);
    free(c->vpn_connection_id);
}

struct conf *conf_free(struct conf *c)
{
    if (!c)
        return NULL;
    for (size_t i = 0; i < c->n_connections; i++)
        free_connection(&c->connections[i]);
    for (size_t i = 0; i < c->n_ikes; i++) {
        free(c->ikes[i].name);
        free(c->ikes[i].socket);
    }
    for (size_t i = 0; i < c->n_alerts; i++) {
        free(c->alerts[i].name);
        (void)secret_free(c->alerts[i].url);
        free(c->alerts[i].source);
    }
    free(c->connections);
    free(c->ikes);
    free(c->alerts);
    free(c->aws_region);
    free(c->listen);
    free(c);
    return NULL;
}
