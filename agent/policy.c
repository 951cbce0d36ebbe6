#include "agent/policy.h"

#include "agent/evidence.h"
#include "agent/reason.h"
#include "base/str.h"

#include <string.h>

static bool has_leg(const struct policy_input *in, enum action action)
{
    switch (ladder_rung(action)->leg) {
    case LADDER_LEG_NONE:
        return in->has_icmp;
    case LADDER_LEG_IKE:
        return in->has_ike_leg;
    case LADDER_LEG_AWS:
        return in->has_aws_leg;
    }
    return false;
}

static const char *missing_leg(enum action action)
{
    switch (ladder_rung(action)->leg) {
    case LADDER_LEG_NONE:
        return "there is no ICMP target";
    case LADDER_LEG_IKE:
        return "no IKE daemon is configured that could be asked";
    case LADDER_LEG_AWS:
        return "AWS is not configured for the connection";
    }
    return "";
}

/*
 * Where the cause is not known, only what takes nothing from anybody is done. An initiation that is pending makes the
 * cause open until it ends, which it may never do: what it would be followed by is allowed.
 */
static unsigned allowed_actions(const struct policy_input *in)
{
    const struct cause_row *row = in->diagnosis->row;
    unsigned actions = 0;

    if (row)
        return row->actions;
    if (in->diagnosis->cause != CAUSE_UNDETERMINED)
        return 0;
    if (evidence_is(in, FACT_AWS_UP, TRUTH_YES))
        actions |= ACTION_BIT(ACTION_RECREATE_PROBE);
    if (evidence_is(in, FACT_IKE_SA, TRUTH_NO))
        actions |= ACTION_BIT(ACTION_INITIATE);
    if (evidence_is(in, FACT_CONNECTING, TRUTH_YES))
        actions |= ACTION_BIT(ACTION_TUNNEL_OPTIONS);
    return actions;
}

/* To end an initiation that hangs and begin anew is to initiate. */
static bool is_allowed(const struct policy_input *in, enum action action, usec_t now)
{
    unsigned bits = ACTION_BIT(action);

    if (action == ACTION_REINITIATE && evidence_hangs(in, now))
        bits |= ACTION_BIT(ACTION_INITIATE);
    return (allowed_actions(in) & bits) != 0;
}

static const char *unfit_ike(const struct policy_input *in, enum action action, usec_t now)
{
    if (in->ike->daemon != IKE_DAEMON_OK)
        return "the IKE daemon cannot be asked";
    if (!in->ike->loaded)
        return "the connection is not loaded in the IKE daemon";
    if (action == ACTION_INITIATE && in->ike->n_child_up > 0)
        return "a CHILD_SA is up already";
    if (action == ACTION_INITIATE && evidence_hangs(in, now))
        return "an initiation is pending and hangs; reinitiate replaces it";
    if (action == ACTION_REINITIATE && in->ike->n_ike == 0)
        return "there is no IKE_SA to terminate";
    return NULL;
}

/* Why ACTION would be of no use here, whatever the guards say; NULL where it may be. */
static const char *unfit(const struct policy_input *in, enum action action, usec_t now)
{
    switch (action) {
    case ACTION_RECREATE_PROBE:
        /* No repair waits for it where it is plain why nothing answers, or where something does. */
        return !evidence_forced(in) && (evidence_is_plain(in) || evidence_came_back(in) != 0 ||
                                        evidence_is(in, FACT_INNER_ANSWERS, TRUTH_YES))
                   ? "the probes are not to blame"
                   : NULL;
    case ACTION_INITIATE:
    case ACTION_REINITIATE:
        return unfit_ike(in, action, now);
    case ACTION_TUNNEL_OPTIONS:
        return in->aws->tunnel_known && in->aws->dpd_action == EC2_DPD_RESTART &&
                       in->aws->startup_action == EC2_STARTUP_START
                   ? "AWS's options are restart and start already"
                   : NULL;
    case ACTION_HOLD:
    case ACTION_MAX_:
        break;
    }
    return "";
}

static struct guard_answers ask(const struct policy_input *in, enum action action, usec_t now)
{
    const struct policy_state *s = in->state;
    struct guard_input g = {
        .action = action,
        .mode_repair = in->mode == CONF_MODE_REPAIR,
        .mode_approve = in->mode == CONF_MODE_APPROVE,
        .approved = s->approved == action,
        .forced = evidence_forced(in),
        .paused_until = s->paused_until > in->paused_until ? s->paused_until : in->paused_until,
        .store_works = in->store_works,
        .in_flight = in->in_flight,
        .connecting = in->ike->n_connecting > 0,
        .initiations = in->initiations,
        .connecting_again = evidence_pending_again(in, now),
        .uplink_works = !evidence_is(in, FACT_UPLINK_WORKS, TRUTH_NO),
        .endpoint_answers = evidence_is(in, FACT_ENDPOINT_ANSWERS, TRUTH_YES),
        .endpoint_ever_answered = in->ping->last_answer != 0 && in->ping->failed == 0,
        .cuts = action != ACTION_REINITIATE || in->ike->n_ike_up > 0 || in->ike->n_child_up > 0,
        .dead = action == ACTION_REINITIATE && evidence_is(in, FACT_ENDPOINT_CAME_BACK, TRUTH_YES) &&
                evidence_is(in, FACT_INNER_ANSWERS, TRUTH_NO),
        .carries = evidence_carries(in),
        .witness_again = USEC_NEVER,
        .aws_dials = evidence_is(in, FACT_AWS_DIALS, TRUTH_YES),
        .trouble_since = in->verdict.trouble_since,
        .came_back = evidence_came_back(in),
        .aws_available = evidence_aws_fresh(in, now) && in->aws->state == EC2_STATE_AVAILABLE && !in->aws->repairing,
        .aws_ikev2 = in->aws->ikev2_allowed,
        .aws_tunnel_known = in->aws->tunnel_known,
        .down_since = in->verdict.since,
        .has_ike_leg = in->has_ike_leg,
        .gentler_tries = evidence_gentler_tries(in, now),
        .aws_repair_after = in->timing->aws_repair_after,
        .settle_base = in->timing->settle,
        .hold = in->timing->hold,
        .other_disturbed_at = in->other_disturbed_at,
        .past = s->past,
        .n_past = s->n_past,
        .actions_this_incident = in->incident->actions,
        .actions_per_incident = in->limits->actions_per_incident,
        .actions_this_hour = in->actions_this_hour,
        .actions_per_hour = in->limits->actions_per_hour,
        .circuit_open = in->incident->circuit_open,
    };

    /* A person may also end a pending initiation that does not hang, unless it is an action of ours. */
    g.replaces = action == ACTION_REINITIATE && (evidence_hangs(in, now) || (evidence_forced(in) && !in->in_flight));
    g.witness = evidence_witness(in, now, &g.witness_again);
    return guard_ask_all(&g, now);
}

static bool only_mode_holds(const struct guard_answers *g, enum guard *ret_other)
{
    for (size_t i = 0; i < GUARD_MAX_; i++) {
        if (g->answers[i].pass || i == GUARD_MODE)
            continue;
        *ret_other = (enum guard)i;
        return false;
    }
    return true;
}

/* D->proposed and D->guards are set: what comes of them. */
static void conclude(const struct policy_input *in, struct decision *d, usec_t now)
{
    const struct ladder_rung *rung = ladder_rung(d->proposed);
    const char *reason = reason_to_act(in, d->proposed, now);
    enum guard other = GUARD_MAX_;

    if (d->guards.pass) {
        d->action = d->proposed;
        (void)str_format(d->text, sizeof(d->text), "%s: %s", rung->name, reason);
    } else if (!only_mode_holds(&d->guards, &other)) {
        (void)str_format(d->text, sizeof(d->text), "%s is held back: %s (guard %s)", rung->name,
                         d->guards.answers[other].text, guard_name(other));
    } else {
        d->needs_approval = in->mode == CONF_MODE_APPROVE;
        (void)str_format(d->text, sizeof(d->text), "%s %s: %s", d->needs_approval ? "waits for approval to" : "would",
                         rung->text, reason);
    }
    if (d->action == ACTION_REINITIATE) {
        d->n_terminate = in->ike->n_ike < VIEW_IKE_SAS_MAX ? in->ike->n_ike : VIEW_IKE_SAS_MAX;
        memcpy(d->terminate, in->ike->ids, d->n_terminate * sizeof(d->terminate[0]));
    }
}

static void decide_forced(const struct policy_input *in, struct decision *d, usec_t now)
{
    enum action action = in->state->forced;
    const char *reason = has_leg(in, action) ? unfit(in, action, now) : missing_leg(action);

    if (reason) {
        (void)str_format(d->text, sizeof(d->text), "%s is of no use: %s", action_name(action), reason);
        return;
    }
    d->proposed = action;
    d->guards = ask(in, action, now);
    conclude(in, d, now);
}

/* Whether only the ICMP id is dead is found out beside everything else. True where it is done now. */
static bool decide_probe(const struct policy_input *in, struct decision *d, usec_t now)
{
    const enum action action = ACTION_RECREATE_PROBE;
    struct guard_answers g;

    if (!has_leg(in, action) || !is_allowed(in, action, now) || unfit(in, action, now))
        return false;
    g = ask(in, action, now);
    if (!g.pass) {
        d->again = guard_again(&g);
        return false;
    }
    d->proposed = action;
    d->guards = g;
    conclude(in, d, now);
    return true;
}

/* The lowest rung of all; one that was tried since the tunnel went down gives way to a higher one that is let. */
static void decide_repair(const struct policy_input *in, struct decision *d, usec_t now)
{
    const char *useless = NULL;
    enum action useless_action = ACTION_HOLD;
    enum guard other;

    for (enum action a = ACTION_INITIATE; a < ACTION_MAX_; a++) {
        const char *reason;
        struct guard_answers g;

        if (!has_leg(in, a) || !is_allowed(in, a, now))
            continue;
        reason = unfit(in, a, now);
        if (reason) {
            useless = reason;
            useless_action = a;
            continue;
        }
        g = ask(in, a, now);
        if (guard_again(&g) < d->again)
            d->again = guard_again(&g);
        if (d->proposed == ACTION_HOLD || (evidence_tries(in, d->proposed) > 0 && only_mode_holds(&g, &other))) {
            d->proposed = a;
            d->guards = g;
        }
    }
    if (d->proposed != ACTION_HOLD)
        conclude(in, d, now);
    else if (useless)
        (void)str_format(d->text, sizeof(d->text), "%s is of no use: %s", action_name(useless_action), useless);
    else
        (void)str_copy(d->text, sizeof(d->text), reason_to_hold(in));
}

struct decision policy_decide(const struct policy_input *in, usec_t now)
{
    struct decision d = {.again = USEC_NEVER};
    const char *text = NULL;

    if (evidence_forced(in)) {
        decide_forced(in, &d, now);
        return d;
    }
    switch (in->verdict.verdict) {
    case VERDICT_UNKNOWN:
        text = "whether the tunnel is up cannot be measured: nothing is done on a guess";
        break;
    case VERDICT_UP:
        text = in->verdict.suspect ? "something was lost just now: waiting for the verdict" : "the tunnel is up";
        break;
    case VERDICT_DEGRADED:
        text = "the tunnel still carries traffic: nothing is done to it";
        break;
    case VERDICT_DOWN:
        if (in->incident->state != INCIDENT_OPEN)
            text = reason_to_hold(in);
        break;
    }
    if (text)
        (void)str_copy(d.text, sizeof(d.text), text);
    else if (!decide_probe(in, &d, now))
        decide_repair(in, &d, now);
    return d;
}

void policy_begun(struct policy_state *s, enum action a, usec_t now)
{
    if (s->n_past == GUARD_HISTORY_MAX) {
        memmove(&s->past[0], &s->past[1], (s->n_past - 1) * sizeof(s->past[0]));
        s->n_past--;
    }
    s->past[s->n_past++] = (struct guard_past){.action = a, .at = now, .this_incident = true};
    if (ladder_rung(a)->disturbs)
        s->last_disturbed = now;
    if (a == ACTION_RECREATE_PROBE)
        s->reports_until = now + POLICY_REPORTS_WAIT;
}

void policy_idle(struct policy_state *s, enum action a)
{
    for (size_t i = s->n_past; i > 0; i--) {
        if (s->past[i - 1].action != a)
            continue;
        s->past[i - 1].idle = true;
        return;
    }
}

void policy_undone(struct policy_state *s, enum action a)
{
    for (size_t i = s->n_past; i > 0; i--) {
        if (s->past[i - 1].action != a)
            continue;
        memmove(&s->past[i - 1], &s->past[i], (s->n_past - i) * sizeof(s->past[0]));
        s->n_past--;
        return;
    }
}

void policy_incident_closed(struct policy_state *s)
{
    for (size_t i = 0; i < s->n_past; i++)
        s->past[i].this_incident = false;
    s->approved = ACTION_HOLD;
    s->reports_until = 0;
}
