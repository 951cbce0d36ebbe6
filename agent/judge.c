#include "agent/judge.h"

#include "agent/persist.h"
#include "agent/repair.h"
#include "agent/report.h"
#include "agent/tell.h"
#include "agent/watch.h"
#include "base/random.h"
#include "base/str.h"

#include <string.h>

/* What the pure functions are given of the targets. */
struct inputs {
    struct verdict_target targets[CONF_TARGETS_MAX];
    bool is_endpoint[CONF_TARGETS_MAX];
};

static struct inputs inputs_of(const struct tunnel *t)
{
    struct inputs in = {0};

    for (size_t i = 0; i < t->conf->n_targets; i++) {
        in.targets[i] = (struct verdict_target){.window = &t->targets[i].window, .tcp = t->targets[i].is_tcp};
        in.is_endpoint[i] = t->targets[i].is_endpoint;
    }
    return in;
}

static bool has_icmp(const struct tunnel *t)
{
    for (size_t i = 0; i < t->conf->n_targets; i++)
        if (!t->targets[i].is_tcp)
            return true;
    return false;
}

static usec_t other_disturbed_at(const struct tunnel *t)
{
    const struct tunnel *other = tunnel_other(t);

    return other ? other->policy.last_disturbed : 0;
}

static struct diagnosis diagnose(const struct tunnel *t, usec_t now)
{
    struct inputs in = inputs_of(t);
    const struct fact_input facts = {
        .expected_down = t->conf->expected_down,
        .verdict = t->verdict,
        .targets = in.targets,
        .target_is_endpoint = in.is_endpoint,
        .n_targets = t->conf->n_targets,
        .ike = &t->ike,
        .ping = &t->ping,
        .aws = &t->aws,
        .host = &t->host,
    };

    return diagnosis_make(&facts, now);
}

void judge_diagnose(struct tunnel *t, usec_t now)
{
    t->diagnosis = diagnose(t, now);
}

static struct decision decide(const struct tunnel *t, const struct diagnosis *diagnosis,
                              const struct policy_state *state, usec_t now)
{
    const struct agent *a = t->agent;
    const struct policy_input in = {
        .mode = a->fleet->conf->mode,
        .timing = &a->fleet->conf->timing,
        .limits = &a->fleet->conf->limits,
        .diagnosis = diagnosis,
        .verdict = t->verdict,
        .incident = &t->incident,
        .state = state,
        .ike = &t->ike,
        .ping = &t->ping,
        .aws = &t->aws,
        .has_ike_leg = t->connection->daemon != NULL,
        .has_aws_leg = t->aws.configured,
        .has_icmp = has_icmp(t),
        .in_flight = t->connection->repair != NULL,
        .initiating_since = repair_initiating_since(t),
        .initiations = repair_count_initiating(t->connection->daemon),
        .store_works = a->store && store_works(a->store) && !a->intents_lost,
        .other_disturbed_at = other_disturbed_at(t),
        .actions_this_hour = repair_count_hour(a, now),
        .paused_until = a->paused_until,
    };

    return policy_decide(&in, now);
}

struct decision judge_what_if(struct tunnel *t, enum action action, usec_t now)
{
    struct policy_state state = t->policy;
    struct diagnosis diagnosis = diagnose(t, now); /* a tunnel that is well is not diagnosed by itself */

    state.forced = action;
    return decide(t, &diagnosis, &state, now);
}

static bool is_calm(const struct tunnel *t)
{
    return t->verdict.verdict == VERDICT_UP && !t->verdict.suspect;
}

/* What AWS says is old by the time that a tunnel is down, and it shows whether anything outside can be reached. */
static void ask_aws(struct tunnel *t)
{
    struct fleet *f = t->connection->fleet;

    if (!t->aws.configured || !f->aws_status)
        return;
    aws_status_set_interval(f->aws_status, f->conf->timing.aws_down_interval);
    aws_status_refresh(f->aws_status);
}

static void note_trouble(struct tunnel *t, usec_t now)
{
    bool trouble = (t->verdict.suspect || verdict_is_bad(t->verdict.verdict)) && !t->conf->expected_down;

    if (trouble && t->trouble_since == 0) {
        t->trouble_since = now;
        t->fast_until = now + WATCH_FAST_SPAN;
        t->last_ping = t->last_refresh = 0; /* the other sides are asked at once */
        if (t->connection->daemon)
            ike_sa_probe_refresh(t->connection->daemon->probe);
        for (size_t i = 0; i < t->connection->conf->n_tunnels; i++)
            if (&t->connection->tunnels[i] != t && t->connection->tunnels[i].timer)
                watch_plan(&t->connection->tunnels[i], now);
    } else if (!trouble && is_calm(t)) {
        t->trouble_since = 0;
    }
}

usec_t judge_again(const struct tunnel *t)
{
    usec_t at = tell_again(t);

    if (t->verifying != ACTION_HOLD && t->verify_until < at)
        at = t->verify_until;
    if (t->compare_at != 0 && t->compare_at < at)
        at = t->compare_at;
    return at;
}

/* An action is judged by its effect. */
static void verify_action(struct tunnel *t, usec_t now)
{
    struct event e;
    char span[CLOCK_TEXT_MAX];

    if (t->verifying == ACTION_HOLD)
        return;
    if (t->verdict.verdict != VERDICT_UP && t->verdict.verdict != VERDICT_DEGRADED && now < t->verify_until)
        return;
    e = report_event(t, EVENT_OUTCOME);
    e.action = t->verifying;
    e.good = t->verdict.verdict == VERDICT_UP || t->verdict.verdict == VERDICT_DEGRADED;
    if (e.good)
        e.cause = CAUSE_NONE;
    e.lasted = clock_since(t->verify_since, now);
    (void)str_format(e.text, sizeof(e.text),
                     e.good ? "%s worked: the tunnel passes traffic again after %s."
                            : "%s did not help: the tunnel is still down after %s.",
                     action_name(t->verifying), clock_duration(e.lasted, span));
    t->verifying = ACTION_HOLD;
    report(t->agent, &e, true);
}

/* What an action that disturbs left behind is compared with what was before. */
static void check_circuit(struct tunnel *t, usec_t now)
{
    const struct tunnel *other = tunnel_other(t);
    struct event e;

    if (t->compare_at == 0 || (now < t->compare_at && t->verdict.verdict != VERDICT_UP))
        return;
    t->compare_at = 0;
    if (!other || !incident_judge_action(&t->incident, t->other_was_up, t->verdict.verdict, other->verdict.verdict))
        return;
    persist_incident(t);
    e = report_event(t, EVENT_OUTCOME);
    (void)str_copy(
        e.text, sizeof(e.text),
        "Things are worse than before: the tunnel is still down, and so is the other one, which worked. Nothing "
        "that could cut a tunnel is done here any more until a person orders it or the tunnel is healthy again.");
    report(t->agent, &e, true);
}

static void step_incident(struct tunnel *t, usec_t now)
{
    const struct conf_timing *timing = &t->connection->fleet->conf->timing;
    char id[INCIDENT_ID_MAX] = "";
    char uuid[37];

    if (t->incident.state == INCIDENT_NONE && verdict_is_bad(t->verdict.verdict)) {
        random_uuid(uuid);
        (void)str_copy(id, sizeof(id), uuid);
    }
    switch (incident_step(&t->incident, t->verdict.verdict, t->diagnosis.cause, t->conf->expected_down, id,
                          timing->healthy_after, now, loop_wall(t->agent->loop))) {
    case INCIDENT_UNCHANGED:
        break;
    case INCIDENT_RELAPSED:
    case INCIDENT_DID_RECOVER:
        persist_incident(t);
        break;
    case INCIDENT_OPENED: /* what a person ordered before it is not of this incident either */
    case INCIDENT_CLOSED:
        policy_incident_closed(&t->policy);
        persist_past(t);
        persist_incident(t);
        break;
    }
}

static void decide_and_act(struct tunnel *t, usec_t now)
{
    if (t->incident.state != INCIDENT_OPEN && t->policy.forced == ACTION_HOLD && !t->verdict.suspect) {
        t->decision = (struct decision){.again = USEC_NEVER};
        return;
    }
    t->decision = decide(t, &t->diagnosis, &t->policy, now);
    tell_decision(t, now);
    if (t->decision.action != ACTION_HOLD)
        repair_begin(t, &t->decision, now);
}

void judge_tunnel(struct tunnel *t, usec_t now)
{
    struct inputs in = inputs_of(t);
    struct verdict_state old = t->verdict;
    enum cause before = t->diagnosis.cause;

    t->verdict = verdict_judge(old, in.targets, t->conf->n_targets, &t->ike, &t->aws, now);
    note_trouble(t, now);
    if (t->verdict.verdict == VERDICT_DOWN && old.verdict != VERDICT_DOWN && !t->conf->expected_down)
        ask_aws(t);
    /* The common case, several times a second for each tunnel: all is well and was before. */
    if (is_calm(t) && old.verdict == VERDICT_UP && before == CAUSE_NONE && t->incident.state == INCIDENT_NONE &&
        t->ike.daemon == IKE_DAEMON_OK && t->policy.forced == ACTION_HOLD && !tell_is_due(t, now) && !t->agent->offline)
        return;
    tell_passed(t, old, now);
    watch_host(t);
    t->aws.repairing = repair_changes_aws(t);
    judge_diagnose(t, now);
    step_incident(t, now);
    verify_action(t, now);
    check_circuit(t, now);
    tell_uplink(t, before, now);
    tell_verdict(t, now);
    tell_cause(t, now);
    decide_and_act(t, now);
}

void judge_all(struct agent *a, usec_t now)
{
    for (struct tunnel *t = tunnel_first(a->fleet); t; t = tunnel_next(t)) {
        judge_tunnel(t, now);
        if (t->timer)
            watch_plan(t, now);
    }
}
