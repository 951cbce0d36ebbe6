#include "agent/aws_view.h"

static const struct ec2_tunnel *tunnel_at(const struct ec2_connection *c, const struct addr *outside)
{
    for (size_t i = 0; c && i < c->n_tunnels; i++)
        if (addr_equal(&c->tunnels[i].outside, outside))
            return &c->tunnels[i];
    return NULL;
}

static void fill(struct aws_view *v, const struct ec2_connection *c, const struct ec2_tunnel *t, usec_t when)
{
    v->when = when;
    v->state = c ? c->state : EC2_STATE_UNKNOWN;
    v->tunnel_known = t != NULL;
    v->telemetry_known = t && t->telemetry.known;
    if (!t)
        return;
    v->telemetry_up = t->telemetry.up;
    v->only_bgp_down = t->telemetry.ipsec_up && !t->telemetry.up;
    v->telemetry_read = when;
    v->dpd_action = t->dpd_action;
    v->startup_action = t->startup_action;
    v->ikev2_allowed = t->ikev2_allowed;
}

void aws_view_update(struct agent *a)
{
    usec_t error_at = 0;
    const struct aws_failure *error = aws_status_error(a->fleet->aws_status, &error_at);
    usec_t when = aws_status_when(a->fleet->aws_status);

    for (struct tunnel *t = tunnel_first(a->fleet); t; t = tunnel_next(t)) {
        const struct ec2_connection *c;

        if (!t->aws.configured)
            continue;
        t->aws.error = error->error;
        t->aws.error_at = error_at;
        if (when == 0)
            continue;
        c = aws_status_connection(a->fleet->aws_status, t->connection->conf->vpn_connection_id);
        fill(&t->aws, c, tunnel_at(c, &t->conf->outside), when);
    }
}
