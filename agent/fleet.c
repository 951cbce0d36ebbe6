#include "agent/fleet.h"

#include "agent/aws_view.h"
#include "agent/ike_view.h"
#include "agent/judge.h"
#include "agent/persist.h"
#include "agent/repair.h"
#include "agent/watch.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>

static struct daemon *daemon_of(struct fleet *f, const struct conf_ike *ike)
{
    for (size_t i = 0; ike && i < f->n_daemons; i++)
        if (f->daemons[i].conf == ike)
            return &f->daemons[i];
    return NULL;
}

static int build_tunnel(struct connection *c, struct tunnel *t, const struct conf_tunnel *conf)
{
    t->agent = c->agent;
    t->connection = c;
    t->conf = conf;
    (void)addr_text(&conf->outside, t->outside);
    t->decision.again = USEC_NEVER;
    t->targets = calloc(conf->n_targets > 0 ? conf->n_targets : 1, sizeof(*t->targets));
    if (!t->targets)
        return -ENOMEM;
    ike_view_absent(&t->ike);
    t->ike.configured = c->daemon != NULL;
    t->aws.configured = c->conf->vpn_connection_id && c->fleet->conf->aws;
    if (!addr_is_set(&conf->outside)) /* one that is expected to be down may have none */
        return 0;
    return c->daemon ? map_put(c->daemon->by_outside, t->outside, t) : 0;
}

static int build_connection(struct fleet *f, struct connection *c, const struct conf_connection *conf)
{
    c->agent = f->agent;
    c->fleet = f;
    c->conf = conf;
    c->daemon = daemon_of(f, conf->ike);
    c->tunnels = calloc(conf->n_tunnels, sizeof(*c->tunnels));
    if (!c->tunnels)
        return -ENOMEM;
    for (size_t i = 0; i < conf->n_tunnels; i++) {
        int r = build_tunnel(c, &c->tunnels[i], &conf->tunnels[i]);

        if (r < 0)
            return r;
    }
    return 0;
}

static int build_connections(struct fleet *f)
{
    size_t n = f->conf->n_connections;

    f->connections = calloc(n > 0 ? n : 1, sizeof(*f->connections));
    if (!f->connections)
        return -ENOMEM;
    f->n_connections = n;
    for (size_t i = 0; i < n; i++) {
        int r = build_connection(f, &f->connections[i], &f->conf->connections[i]);

        if (r < 0)
            return r;
    }
    return 0;
}

static void drop_connections(struct fleet *f)
{
    for (size_t i = 0; i < f->n_connections; i++) {
        struct connection *c = &f->connections[i];

        c->repair = repair_free(c->repair);
        for (size_t k = 0; c->tunnels && k < c->conf->n_tunnels; k++) {
            if (c->tunnels[k].targets)
                watch_stop(&c->tunnels[k]);
            free(c->tunnels[k].targets);
        }
        free(c->tunnels);
    }
    free(f->connections);
}

static void drop_daemons(struct daemon *daemons, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        daemons[i].probe = ike_sa_probe_free(daemons[i].probe);
        daemons[i].by_outside = map_free(daemons[i].by_outside);
    }
    free(daemons);
}

static int build_daemons(struct fleet *f)
{
    f->daemons = calloc(f->conf->n_ikes > 0 ? f->conf->n_ikes : 1, sizeof(*f->daemons));
    if (!f->daemons)
        return -ENOMEM;
    for (size_t i = 0; i < f->conf->n_ikes; i++) {
        const struct conf_ike *ike = &f->conf->ikes[i];
        struct daemon *d;
        int r;

        if (ike->type != CONF_IKE_VICI)
            continue;
        d = &f->daemons[f->n_daemons++];
        *d = (struct daemon){.agent = f->agent, .conf = ike};
        r = map_new(CONF_CONNECTIONS_MAX * CONF_TUNNELS_MAX, &d->by_outside);
        if (r < 0)
            return r;
    }
    return 0;
}

static void on_ike_news(void *data, struct ike_sa_probe *p)
{
    struct daemon *d = data;
    usec_t now = loop_now(d->agent->loop);
    const char *key;
    void *value;

    (void)p;
    ike_view_update(d, now);
    for (size_t pos = 0; map_next(d->by_outside, &pos, &key, &value);) {
        judge_tunnel(value, now);
        if (((struct tunnel *)value)->timer)
            watch_plan(value, now);
    }
}

/* A tunnel is in trouble, or an action waits for what AWS says. */
static bool aws_matters(struct fleet *f)
{
    for (struct tunnel *t = tunnel_first(f); t; t = tunnel_next(t))
        if (t->aws.configured && (t->trouble_since != 0 || t->connection->repair))
            return true;
    return false;
}

static void on_aws_news(void *data, struct aws_status *s)
{
    struct fleet *f = data;
    struct agent *a = f->agent;
    usec_t now = loop_now(a->loop);

    aws_view_update(a);
    repair_aws_news(a, now);
    judge_all(a, now);
    aws_status_set_interval(s, aws_matters(f) ? f->conf->timing.aws_down_interval : f->conf->timing.aws_poll_interval);
}

static int start_daemons(struct fleet *f)
{
    for (size_t i = 0; i < f->n_daemons; i++) {
        struct daemon *d = &f->daemons[i];
        int r = ike_sa_probe_new(f->agent->loop, d->conf->socket, f->conf->timing.ike_poll_interval, on_ike_news, d,
                                 &d->probe);

        if (r < 0)
            return r;
    }
    return 0;
}

static int start_aws(struct fleet *f)
{
    const char *ids[CONF_CONNECTIONS_MAX];
    size_t n = 0;
    int r;

    for (size_t i = 0; i < f->n_connections; i++)
        if (f->connections[i].conf->vpn_connection_id)
            ids[n++] = f->connections[i].conf->vpn_connection_id;
    if (!f->conf->aws || n == 0)
        return 0;
    r = ec2_new(f->agent->loop, f->agent->http, f->conf->aws_region, &f->ec2);
    if (r < 0)
        return r;
    return aws_status_new(f->agent->loop, f->ec2, ids, n, f->conf->timing.aws_poll_interval, on_aws_news, f,
                          &f->aws_status);
}

int fleet_new(struct agent *a, struct conf *conf, struct fleet **ret)
{
    cleanup(fleet_freep) struct fleet *f = calloc(1, sizeof(*f));
    int r;

    if (!f) {
        conf_free(conf);
        return -ENOMEM;
    }
    f->agent = a;
    f->conf = conf;
    r = build_daemons(f);
    if (r >= 0)
        r = build_connections(f);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(f);
    return 0;
}

struct fleet *fleet_free(struct fleet *f)
{
    if (!f)
        return NULL;
    drop_connections(f);
    drop_daemons(f->daemons, f->n_daemons);
    aws_status_free(f->aws_status);
    ec2_free(f->ec2);
    conf_free(f->conf);
    free(f);
    return NULL;
}

int fleet_start(struct fleet *f)
{
    usec_t now = loop_now(f->agent->loop);
    int r = start_aws(f);

    if (r >= 0)
        r = start_daemons(f);
    for (struct tunnel *t = tunnel_first(f); t && r >= 0; t = tunnel_next(t))
        r = watch_start(t, now);
    return r;
}

/* What AWS said holds until it is asked again, if it is about the same connection. */
static void inherit_aws(struct tunnel *to, const struct tunnel *from)
{
    if (!to->aws.configured || !from->aws.configured ||
        !str_eq(to->connection->conf->vpn_connection_id, from->connection->conf->vpn_connection_id))
        return;
    to->aws = from->aws;
    to->aws.repairing = false;
}

/* The state of judging and the probes go over; what belongs to the old configuration does not. */
static void inherit(struct tunnel *to, struct tunnel *from)
{

    to->verdict = from->verdict;
    to->ike = from->ike;
    to->ike.configured = to->connection->daemon != NULL;
    to->connecting_id = from->connecting_id;
    to->connecting_id_since = from->connecting_id_since;
    to->ping = from->ping;
    inherit_aws(to, from);
    to->diagnosis = from->diagnosis;
    to->incident = from->incident;
    to->policy = from->policy;
    to->trouble_since = from->trouble_since;
    to->offline_at = from->offline_at;
    to->known_endpoint = from->known_endpoint;
    to->silent_endpoint = from->silent_endpoint;
    to->fast_until = from->fast_until;
    to->verifying = from->verifying;
    to->verify_since = from->verify_since;
    to->verify_until = from->verify_until;
    to->compare_at = from->compare_at;
    to->other_was_up = from->other_was_up;
    to->told = from->told;
    to->notified = from->notified;
    to->told_cause = from->told_cause;
    (void)str_copy(to->told_decision, sizeof(to->told_decision), from->told_decision);
    watch_adopt(to, from, loop_now(to->agent->loop));
}

/* The action in flight on O, which T takes the place of. */
static void inherit_repair(struct tunnel *t, struct tunnel *o)
{
    struct repair *r = o->connection->repair;

    if (!r || repair_tunnel(r) != o)
        return;
    if (repair_action(r) != ACTION_TUNNEL_OPTIONS) {
        t->connection->repair = TAKE_PTR(o->connection->repair);
        repair_move(r, t);
    } else if (!repair_is_intended(r)) {
        policy_undone(&t->policy, ACTION_TUNNEL_OPTIONS);
        t->incident.actions -= t->incident.actions > 0;
    }
}

static struct tunnel *same_tunnel(struct fleet *f, const struct tunnel *old)
{
    for (struct tunnel *t = tunnel_first(f); t; t = tunnel_next(t))
        if (addr_equal(&t->conf->outside, &old->conf->outside) &&
            str_eq(t->connection->conf->name, old->connection->conf->name))
            return t;
    return NULL;
}

void fleet_inherit(struct fleet *f, struct fleet *old)
{
    for (struct tunnel *o = tunnel_first(old); o; o = tunnel_next(o)) {
        struct tunnel *t = same_tunnel(f, o);

        if (!t) {
            persist_forget(o);
            continue;
        }
        inherit(t, o);
        f->n_known += t->known_endpoint;
        f->n_silent += t->silent_endpoint;
        inherit_repair(t, o);
    }
}
