#include "agent/status.h"

#include "agent/agent.h"
#include "agent/fix.h"
#include "agent/repair.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "base/version.h"

#include <math.h>

#define FIX_MAX 2048

static char number_format[] = "%.10g"; /* only read */

static void add_text(struct json_object *o, const char *key, const char *text)
{
    json_object_object_add(o, key, text ? json_object_new_string(text) : NULL);
}

static void add_wall(struct json_object *o, const char *key, usec_t wall)
{
    char text[CLOCK_TEXT_MAX];

    add_text(o, key, wall ? clock_rfc3339(wall, text) : NULL);
}

static void add_number(struct json_object *o, const char *key, bool known, double value)
{
    struct json_object *number = known ? json_object_new_double(value) : NULL;

    if (number) /* json-c's own way prints 0.1 as 0.10000000000000001 */
        json_object_set_serializer(number, json_object_double_to_json_string, number_format, NULL);
    json_object_object_add(o, key, number);
}

static double milliseconds(usec_t span)
{
    return round((double)span / 10.0) / 100.0;
}

/* Wall clock of a CLOCK_BOOTTIME in the past; 0 for never. */
static usec_t wall_of(struct agent *a, usec_t at)
{
    return at == 0 ? 0 : loop_wall(a->loop) - clock_since(at, loop_now(a->loop));
}

/* Wall clock of the end of a pause; 0 where there is none. */
static usec_t pause_end(struct agent *a, usec_t until)
{
    usec_t now = loop_now(a->loop);

    return until > now ? loop_wall(a->loop) + (until - now) : 0;
}

/* Loss and round-trip time of a target, and whether there is one; what was lost before the present verdict is past. */
struct measurement {
    bool known;
    double loss;
    usec_t srtt;
};

static struct measurement measure(const struct tunnel *t, size_t i)
{
    const struct window *w = &t->targets[i].window;
    struct window_loss loss = window_loss_since(w, t->verdict.since);

    return (struct measurement){
        .known = loss.n > 0,
        .loss = loss.n > 0 ? (double)loss.lost / (double)loss.n : 0,
        .srtt = window_summarise(w).srtt,
    };
}

static void add_measurement(struct json_object *o, const struct measurement *m)
{
    add_number(o, "loss", m->known, round(m->loss * 1000) / 1000);
    add_number(o, "rtt_ms", m->srtt > 0, milliseconds(m->srtt));
}

/* Of the target that stands best: what a person wants to see. */
static void add_best(struct json_object *o, const struct tunnel *t)
{
    struct measurement best = {0};

    for (size_t i = 0; i < t->conf->n_targets; i++) {
        struct measurement m = measure(t, i);

        if (m.known && (!best.known || m.loss < best.loss))
            best = m;
    }
    add_measurement(o, &best);
}

static struct json_object *target_object(const struct tunnel *t, size_t i)
{
    struct json_object *o = json_object_new_object();
    struct measurement m = measure(t, i);

    add_text(o, "target", t->conf->targets[i].text);
    add_measurement(o, &m);
    return o;
}

static void add_targets(struct json_object *o, const struct tunnel *t)
{
    struct json_object *targets = json_object_new_array();

    for (size_t i = 0; i < t->conf->n_targets; i++)
        json_object_array_add(targets, target_object(t, i));
    json_object_object_add(o, "probes", targets);
}

static void add_decision(struct json_object *o, struct tunnel *t)
{
    const struct decision *d = &t->decision;
    struct json_object *decision;

    if (d->text[0] == '\0') {
        json_object_object_add(o, "decision", NULL);
        return;
    }
    decision = json_object_new_object();
    add_text(decision, "action", action_name(d->action));
    add_text(decision, "proposed", d->proposed != ACTION_HOLD ? action_name(d->proposed) : NULL);
    add_text(decision, "reason", d->text);
    json_object_object_add(decision, "needs_approval", json_object_new_boolean(d->needs_approval));
    add_wall(decision, "at", t->decided_wall);
    add_wall(decision, "next_at",
             d->again == USEC_NEVER ? 0 : loop_wall(t->agent->loop) + clock_since(loop_now(t->agent->loop), d->again));
    json_object_object_add(o, "decision", decision);
}

static void add_aws(struct json_object *o, const struct tunnel *t)
{
    struct json_object *aws;

    if (!t->aws.configured) {
        json_object_object_add(o, "aws", NULL);
        return;
    }
    aws = json_object_new_object();
    add_text(aws, "state", ec2_state_name(t->aws.state));
    add_text(aws, "telemetry", !t->aws.telemetry_known ? NULL : t->aws.telemetry_up ? "UP" : "DOWN");
    add_text(aws, "dpd_timeout_action", t->aws.tunnel_known ? ec2_dpd_name(t->aws.dpd_action) : NULL);
    add_text(aws, "startup_action", t->aws.tunnel_known ? ec2_startup_name(t->aws.startup_action) : NULL);
    add_text(aws, "error", t->aws.error != AWS_OK ? aws_error_name(t->aws.error) : NULL);
    add_wall(aws, "read_at", wall_of(t->agent, t->aws.when));
    json_object_object_add(o, "aws", aws);
}

static void add_ike(struct json_object *o, const struct tunnel *t)
{
    const struct ike_view *v = &t->ike;
    struct json_object *ike;

    if (!v->configured) {
        json_object_object_add(o, "ike", NULL);
        return;
    }
    ike = json_object_new_object();
    add_text(ike, "daemon", ike_daemon_state_name(v->daemon));
    add_text(ike, "state", v->n_ike_up > 0 ? "ESTABLISHED" : v->n_connecting > 0 ? "CONNECTING" : NULL);
    add_text(ike, "child_state", v->n_child_up > 0 ? "INSTALLED" : NULL);
    add_text(ike, "connection", v->loaded ? v->ike : NULL);
    add_text(ike, "child", v->loaded ? v->child : NULL);
    json_object_object_add(o, "ike", ike);
}

static void add_evidence(struct json_object *o, const struct tunnel *t)
{
    struct json_object *list = json_object_new_array();
    const struct cause_row *row = t->diagnosis.row;
    char text[FACT_TEXT_MAX];

    for (size_t i = 0; row && i < CAUSE_FACTS_MAX && row->proves[i].fact != FACT_NONE; i++)
        json_object_array_add(list, json_object_new_string(fact_text(row->proves[i].fact, row->proves[i].truth, text)));
    json_object_object_add(o, "evidence", list);
}

static void add_fix(struct json_object *o, const struct cause_row *row, const struct tunnel *t)
{
    struct strbuf text cleanup(strbuf_done);
    const struct fix_names names = {
        .ike = t->ike.loaded ? t->ike.ike : t->conf->ike_connection,
        .child = t->ike.loaded ? t->ike.child : t->conf->ike_child,
        .outside = t->outside,
        .vpn_connection = t->connection->conf->vpn_connection_id,
    };

    strbuf_init(&text, FIX_MAX);
    fix_put(row ? row->fix : "", &names, &text);
    add_text(o, "fix", text.len > 0 ? strbuf_text(&text) : NULL);
}

static struct json_object *tunnel_object(struct tunnel *t)
{
    struct json_object *o = json_object_new_object();
    const struct repair *repair = t->connection->repair;
    struct agent *a = t->agent;
    bool bad = t->diagnosis.cause != CAUSE_NONE;

    add_text(o, "connection", t->connection->conf->name);
    add_text(o, "tunnel", t->conf->name);
    add_text(o, "outside_address", addr_is_set(&t->conf->outside) ? t->outside : NULL);
    add_text(o, "vpn_connection_id", t->connection->conf->vpn_connection_id);
    add_text(o, "verdict", verdict_name(t->verdict.verdict));
    json_object_object_add(o, "suspect", json_object_new_boolean(t->verdict.suspect));
    add_text(o, "cause", cause_name(t->diagnosis.cause));
    add_text(o, "cause_text", bad ? diagnosis_text(&t->diagnosis) : NULL);
    add_fix(o, bad ? t->diagnosis.row : NULL, t);
    add_wall(o, "since", wall_of(a, t->verdict.since));
    json_object_object_add(
        o, "for_seconds",
        json_object_new_int64((int64_t)(clock_since(t->verdict.since, loop_now(a->loop)) / USEC_PER_SEC)));
    json_object_object_add(o, "expected_down", json_object_new_boolean(t->conf->expected_down));
    add_wall(o, "paused_until", pause_end(a, t->policy.paused_until));
    add_best(o, t);
    add_targets(o, t);
    add_text(o, "incident", t->incident.state != INCIDENT_NONE ? t->incident.id : NULL);
    add_decision(o, t);
    add_text(o, "under_way", repair && repair_tunnel(repair) == t ? action_name(repair_action(repair)) : NULL);
    add_aws(o, t);
    add_ike(o, t);
    add_evidence(o, t);
    return o;
}

static struct json_object *daemon_object(const struct daemon *d)
{
    struct json_object *o = json_object_new_object();
    const char *version = ike_sa_probe_version(d->probe);

    add_text(o, "name", d->conf->name);
    add_text(o, "state", ike_daemon_state_name(d->state));
    add_text(o, "version", version[0] ? version : NULL);
    add_number(o, "rtt_ms", ike_sa_probe_rtt(d->probe) > 0, milliseconds(ike_sa_probe_rtt(d->probe)));
    return o;
}

static struct json_object *alerts_object(const struct agent *a)
{
    struct alerter_status s = alerter_status(a->alerter);
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "waiting", json_object_new_int64((int64_t)s.waiting));
    json_object_object_add(o, "delivered", json_object_new_int64((int64_t)s.delivered));
    json_object_object_add(o, "failed_attempts", json_object_new_int64((int64_t)s.failed_attempts));
    json_object_object_add(o, "dropped", json_object_new_int64((int64_t)s.dropped));
    return o;
}

struct json_object *status_document(struct agent *a)
{
    struct json_object *o = json_object_new_object();
    struct json_object *daemons = json_object_new_array();
    struct json_object *tunnels = json_object_new_array();
    struct json_object *uplink = json_object_new_object();

    add_text(o, "schema", "rekindle.status/1");
    add_text(o, "version", REKINDLE_VERSION);
    add_text(o, "mode", conf_mode_name(a->fleet->conf->mode));
    add_wall(o, "now", loop_wall(a->loop));
    add_wall(o, "started", a->started_wall);
    add_wall(o, "paused_until", pause_end(a, a->paused_until));
    add_text(uplink, "state", a->offline ? "down" : "ok");
    json_object_object_add(o, "uplink", uplink);
    json_object_object_add(o, "store_works", json_object_new_boolean(store_works(a->store)));
    json_object_object_add(o, "alerts", alerts_object(a));
    for (size_t i = 0; i < a->fleet->n_daemons; i++)
        if (a->fleet->daemons[i].probe)
            json_object_array_add(daemons, daemon_object(&a->fleet->daemons[i]));
    json_object_object_add(o, "daemons", daemons);
    for (struct tunnel *t = tunnel_first(a->fleet); t; t = tunnel_next(t))
        json_object_array_add(tunnels, tunnel_object(t));
    json_object_object_add(o, "tunnels", tunnels);
    return o;
}
