#include "remediation/guard.h"

#include "base/array.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

/* The default of `settle`: the rungs' settle times are for it. */
#define SETTLE_UNIT (10 * USEC_PER_SEC)

/* What the brake and the store are asked again after: nobody tells when they let go. */
#define ASK_AGAIN (10 * USEC_PER_SEC)

/* Initiations that an endpoint answers end within the tenth of a second. */
#define INITIATIONS_AGAIN (200 * USEC_PER_MSEC)

static void hold(struct guard_answer *a, usec_t again, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void hold(struct guard_answer *a, usec_t again, const char *fmt, ...)
{
    va_list ap;

    a->pass = false;
    a->again = again;
    va_start(ap, fmt);
    (void)vsnprintf(a->text, sizeof(a->text), fmt, ap);
    va_end(ap);
}

static bool is_local(const struct guard_input *in)
{
    return in->action == ACTION_RECREATE_PROBE;
}

static bool disturbs(const struct guard_input *in)
{
    return ladder_rung(in->action)->disturbs && in->cuts;
}

static bool has_leg(const struct guard_input *in, enum ladder_leg leg)
{
    return ladder_rung(in->action)->leg == leg;
}

static void ask_mode(const struct guard_input *in, usec_t now, struct guard_answer *a)
{
    (void)now;
    if (is_local(in) || in->forced || in->mode_repair || (in->mode_approve && in->approved))
        return;
    hold(a, USEC_NEVER, "%s",
         in->mode_approve ? "a person has to approve it" : "the mode is observe, so nothing is changed");
}

static void ask_paused(const struct guard_input *in, usec_t now, struct guard_answer *a)
{
    if (!is_local(in) && now < in->paused_until)
        hold(a, in->paused_until, "repairs are paused; `rekindle resume` ends that");
}

static void ask_store(const struct guard_input *in, usec_t now, struct guard_answer *a)
{
    if (has_leg(in, LADDER_LEG_AWS) && !in->store_works)
        hold(a, now + ASK_AGAIN, "the intention cannot be stored, and AWS is not changed without a record");
}

static void ask_in_flight(const struct guard_input *in, usec_t now, struct guard_answer *a)
{
    (void)now;
    if (is_local(in) || in->replaces)
        return;
    if (in->in_flight)
        hold(a, in->connecting_again, "an action is under way on this connection");
    else if (in->connecting && has_leg(in, LADDER_LEG_IKE))
        hold(a, in->connecting_again, "an initiation is pending in the IKE daemon; a second one would not help it");
}

static void ask_daemon(const struct guard_input *in, usec_t now, struct guard_answer *a)
{
    if (has_leg(in, LADDER_LEG_IKE) && !in->replaces && in->initiations >= GUARD_INITIATIONS_MAX)
        hold(a, now + INITIATIONS_AGAIN, "%u initiations are under way in the IKE daemon", in->initiations);
}

static void ask_uplink(const struct guard_input *in, usec_t now, struct guard_answer *a)
{
    (void)now;
    if (!in->uplink_works)
        hold(a, USEC_NEVER, "the uplink of this host is down");
}

static void ask_endpoint(const struct guard_input *in, usec_t now, struct guard_answer *a)
{
    usec_t patience = clock_add(in->trouble_since, GUARD_SILENT_PATIENCE);

    if (!ladder_rung(in->action)->needs_endpoint || in->endpoint_answers)
        return;
    if (in->endpoint_ever_answered)
        hold(a, USEC_NEVER, "the endpoint is silent: waiting until it answers");
    else if (!in->forced && now < patience)
        hold(a, patience, "the endpoint was never heard: giving it time");
}

static void ask_carries(const struct guard_input *in, usec_t now, struct guard_answer *a)
{
    (void)now;
    if (disturbs(in) && in->carries)
        hold(a, USEC_NEVER, "the tunnel carries traffic, which would be cut");
}

static void ask_witness(const struct guard_input *in, usec_t now, struct guard_answer *a)
{
    (void)now;
    if (disturbs(in) && !in->witness && !in->forced)
        hold(a, in->witness_again, "nothing but the probes says yet that the tunnel passes nothing");
}

static void ask_aws_dials(const struct guard_input *in, usec_t now, struct guard_answer *a)
{
    usec_t began = in->came_back > in->trouble_since ? in->came_back : in->trouble_since;
    usec_t until = clock_add(began, GUARD_AWS_DIALS_SPAN);

    if (has_leg(in, LADDER_LEG_IKE) && in->aws_dials && !in->forced && now < until)
        hold(a, until, "AWS dials by itself: the first seconds are left to it");
}

static void ask_aws_state(const struct guard_input *in, usec_t now, struct guard_answer *a)
{
    (void)now;
    if (!has_leg(in, LADDER_LEG_AWS))
        return;
    if (!in->aws_tunnel_known)
        hold(a, USEC_NEVER, "AWS did not tell of this tunnel yet");
    else if (!in->aws_available)
        hold(a, USEC_NEVER, "AWS does not show the connection as available now");
    else if (!in->aws_ikev2)
        hold(a, USEC_NEVER, "the tunnel does not allow IKEv2, and AWS dials with IKEv2 only");
}

static void ask_aws_patience(const struct guard_input *in, usec_t now, struct guard_answer *a)
{
    usec_t until = clock_add(in->down_since, in->aws_repair_after);

    if (!has_leg(in, LADDER_LEG_AWS) || in->forced)
        return;
    if (in->has_ike_leg && in->gentler_tries == 0)
        hold(a, USEC_NEVER, "initiating from this side comes first");
    else if (now < until)
        hold(a, until, "the tunnel is not down for long enough to change AWS");
}

/* How long the last of N tries of RUNG is given: twice as long with each. The count goes on until the incident is
 * closed. */
static usec_t settle_span(const struct guard_input *in, const struct ladder_rung *rung, unsigned n)
{
    usec_t span = rung->settle;

    for (unsigned i = 1; i < n && span < rung->settle_max; i++)
        span *= 2;
    if (span > rung->settle_max)
        span = rung->settle_max;
    if (rung->needs_endpoint && !in->endpoint_ever_answered && span < GUARD_SILENT_SETTLE)
        span = GUARD_SILENT_SETTLE;
    return span * in->settle_base / SETTLE_UNIT;
}

static unsigned tries(const struct guard_input *in, enum action action, bool idle_too)
{
    unsigned n = 0;

    for (size_t i = 0; i < in->n_past; i++)
        n += in->past[i].this_incident && in->past[i].action == action && (idle_too || !in->past[i].idle);
    return n;
}

static void ask_settle(const struct guard_input *in, usec_t now, struct guard_answer *a)
{
    const struct guard_past *last = NULL;
    const struct ladder_rung *rung;
    usec_t until;

    for (size_t i = 0; i < in->n_past; i++)
        if (in->past[i].this_incident && (in->past[i].action == ACTION_RECREATE_PROBE) == is_local(in))
            last = &in->past[i];
    if (!last || in->forced)
        return;
    /* What was done before the endpoint came back had no chance: that it is back is news, and the budgets bound it. */
    if (has_leg(in, LADDER_LEG_IKE) && in->came_back > last->at)
        return;
    rung = ladder_rung(last->action);
    until = clock_add(last->at, settle_span(in, rung, tries(in, last->action, true)));
    if (now < until)
        hold(a, until, "%s is given time to work", rung->name);
}

/*
 * Where both look dead and it is not plain why, one of them tells whether new SAs help. SAs that an endpoint lost with
 * its replacement are no such guess: it was heard to go and to come back, and nothing is taken from anybody. AWS may
 * replace both endpoints in one go; the second tunnel would be kept down for nothing.
 */
static void ask_hold(const struct guard_input *in, usec_t now, struct guard_answer *a)
{
    usec_t until = clock_add(in->other_disturbed_at, in->hold);

    if (disturbs(in) && !in->dead && in->other_disturbed_at != 0 && now < until)
        hold(a, until, "the other tunnel of the connection was disturbed just now");
}

static void ask_rung_budget(const struct guard_input *in, usec_t now, struct guard_answer *a)
{
    const struct ladder_rung *rung = ladder_rung(in->action);
    unsigned in_hour = 0;
    usec_t oldest = 0;

    if (in->forced)
        return;
    for (size_t i = in->n_past; i > 0 && in_hour < rung->per_hour; i--) {
        const struct guard_past *p = &in->past[i - 1];

        if (p->action != in->action || p->idle || clock_since(p->at, now) >= USEC_PER_HOUR)
            continue;
        in_hour++;
        oldest = p->at;
    }
    if (tries(in, in->action, false) >= rung->per_incident)
        hold(a, USEC_NEVER, "%s was tried %u times in this incident: a person has to look", rung->name,
             rung->per_incident);
    else if (in_hour >= rung->per_hour)
        hold(a, oldest + USEC_PER_HOUR, "%s was done %u time%s within an hour", rung->name, rung->per_hour,
             rung->per_hour == 1 ? "" : "s");
}

static void ask_incident_cap(const struct guard_input *in, usec_t now, struct guard_answer *a)
{
    (void)now;
    if (!is_local(in) && !in->forced && in->actions_this_incident >= in->actions_per_incident)
        hold(a, USEC_NEVER, "%u actions in this incident are enough: a person has to look", in->actions_per_incident);
}

static void ask_brake(const struct guard_input *in, usec_t now, struct guard_answer *a)
{
    if (!is_local(in) && !in->forced && in->actions_this_hour >= in->actions_per_hour)
        hold(a, now + ASK_AGAIN, "%u actions within an hour over all connections are enough", in->actions_per_hour);
}

/*
 * Initiating what is missing stays allowed: it takes nothing from anybody, and without it the circuit would keep a
 * tunnel down whose two sides wait for each other.
 */
static void ask_circuit(const struct guard_input *in, usec_t now, struct guard_answer *a)
{
    (void)now;
    if (ladder_rung(in->action)->disturbs && !in->forced && in->circuit_open)
        hold(a, USEC_NEVER, "the last action left things worse than before: a person has to look");
}

static const struct {
    const char *name;
    void (*ask)(const struct guard_input *in, usec_t now, struct guard_answer *a);
} guards[] = {
    [GUARD_MODE] = {"mode", ask_mode},
    [GUARD_PAUSED] = {"paused", ask_paused},
    [GUARD_STORE] = {"store", ask_store},
    [GUARD_IN_FLIGHT] = {"in-flight", ask_in_flight},
    [GUARD_DAEMON] = {"daemon", ask_daemon},
    [GUARD_UPLINK] = {"uplink", ask_uplink},
    [GUARD_ENDPOINT] = {"endpoint", ask_endpoint},
    [GUARD_CARRIES] = {"carries", ask_carries},
    [GUARD_WITNESS] = {"witness", ask_witness},
    [GUARD_AWS_DIALS] = {"aws-dials", ask_aws_dials},
    [GUARD_AWS_STATE] = {"aws-state", ask_aws_state},
    [GUARD_AWS_PATIENCE] = {"aws-patience", ask_aws_patience},
    [GUARD_SETTLE] = {"settle", ask_settle},
    [GUARD_HOLD] = {"hold", ask_hold},
    [GUARD_RUNG_BUDGET] = {"rung-budget", ask_rung_budget},
    [GUARD_INCIDENT_CAP] = {"incident-cap", ask_incident_cap},
    [GUARD_BRAKE] = {"brake", ask_brake},
    [GUARD_CIRCUIT] = {"circuit", ask_circuit},
};

struct guard_answers guard_ask_all(const struct guard_input *in, usec_t now)
{
    struct guard_answers all = {.pass = true};

    _Static_assert(ARRAY_LEN(guards) == GUARD_MAX_, "a question for every guard");
    assert(in->n_past <= GUARD_HISTORY_MAX);
    for (size_t i = 0; i < ARRAY_LEN(guards); i++) {
        struct guard_answer *a = &all.answers[i];

        a->pass = true;
        guards[i].ask(in, now, a);
        if (all.pass && !a->pass) {
            all.pass = false;
            all.first = (enum guard)i;
        }
    }
    return all;
}

usec_t guard_again(const struct guard_answers *all)
{
    usec_t again = 0;

    for (size_t i = 0; i < GUARD_MAX_; i++)
        if (!all->answers[i].pass && all->answers[i].again > again)
            again = all->answers[i].again;
    return all->pass ? USEC_NEVER : again;
}

const char *guard_name(enum guard g)
{
    assert((size_t)g < ARRAY_LEN(guards));
    return guards[g].name;
}
