/* Decisions about one tunnel, from a diagnosis that is made by hand, on a clock that is moved by hand. */
#include "agent/policy.h"

#include "base/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define START USEC_PER_HOUR
#define MSEC  USEC_PER_MSEC
#define SEC   USEC_PER_SEC

static const struct conf_timing timing = {
    .aws_down_interval = 10 * SEC,
    .aws_repair_after = 30 * SEC,
    .settle = 10 * SEC,
    .healthy_after = 5 * USEC_PER_MIN,
    .hold = USEC_PER_MIN,
};

static const struct conf_limits limits = {.actions_per_incident = 10, .actions_per_hour = 30};

/* A tunnel, and all that is known of it. */
struct scene {
    struct cause_row row;
    struct diagnosis diagnosis;
    struct incident incident;
    struct policy_state state;
    struct ike_view ike;
    struct ping_view ping;
    struct aws_view aws;
    struct policy_input in;
    usec_t now;
};

static void set(struct scene *s, enum fact f, enum truth t)
{
    s->diagnosis.facts.is[f] = t;
}

static void set_cause(struct scene *s, enum cause c, unsigned actions)
{
    s->row = (struct cause_row){.cause = c, .actions = actions, .text = ""};
    s->diagnosis.cause = c;
    s->diagnosis.row = &s->row;
}

/* The endpoint was replaced and the IKE_SA deleted; it answers, and both sides wait for the other. DOWN since 2 s. */
static void both_wait(struct scene *s)
{
    memset(s, 0, sizeof(*s));
    s->now = START;
    set_cause(s, CAUSE_BOTH_SIDES_WAITING, ACTION_BIT(ACTION_INITIATE) | ACTION_BIT(ACTION_TUNNEL_OPTIONS));
    set(s, FACT_ENDPOINT_ANSWERS, TRUTH_YES);
    set(s, FACT_UPLINK_WORKS, TRUTH_YES);
    set(s, FACT_IKE_SA, TRUTH_NO);
    set(s, FACT_CHILD_SA, TRUTH_NO);
    s->incident = (struct incident){.state = INCIDENT_OPEN, .opened = START - 2 * SEC};
    s->ike = (struct ike_view){.configured = true, .daemon = IKE_DAEMON_OK, .when = START, .loaded = true};
    s->ping.last_answer = START;
    s->aws = (struct aws_view){
        .configured = true,
        .when = START,
        .state = EC2_STATE_AVAILABLE,
        .tunnel_known = true,
        .dpd_action = EC2_DPD_CLEAR,
        .startup_action = EC2_STARTUP_ADD,
        .ikev2_allowed = true,
    };
    s->in = (struct policy_input){
        .mode = CONF_MODE_REPAIR,
        .timing = &timing,
        .limits = &limits,
        .diagnosis = &s->diagnosis,
        .verdict = {.verdict = VERDICT_DOWN, .since = START - 2 * SEC, .trouble_since = START - 3 * SEC},
        .incident = &s->incident,
        .state = &s->state,
        .ike = &s->ike,
        .ping = &s->ping,
        .aws = &s->aws,
        .has_ike_leg = true,
        .has_aws_leg = true,
        .has_icmp = true,
        .store_works = true,
    };
}

/* The endpoint was replaced silently: what is up here is not known there. It came back BACK ago. */
static void stale(struct scene *s, usec_t back)
{
    both_wait(s);
    set_cause(s, CAUSE_STALE_SA, ACTION_BIT(ACTION_REINITIATE) | ACTION_BIT(ACTION_TUNNEL_OPTIONS));
    set(s, FACT_IKE_SA, TRUTH_YES);
    set(s, FACT_CHILD_SA, TRUTH_YES);
    s->in.verdict.since = START - 15 * SEC;
    s->in.verdict.trouble_since = START - 17 * SEC;
    s->ping.came_back = START - back;
    s->ike.n_ike = s->ike.n_ike_up = s->ike.n_child_up = 1;
    s->ike.ids[0] = 7;
    s->ike.established_at = START - 30 * USEC_PER_MIN;
    s->ike.in_moved = START - 17 * SEC;
}

static struct decision decide(struct scene *s)
{
    return policy_decide(&s->in, s->now);
}

static void acts(struct scene *s, enum action a)
{
    struct decision d = decide(s);

    if (d.action != a)
        fail_msg("%s and not %s: %s", action_name(d.action), action_name(a), d.text);
    assert_int_equal(d.proposed, a);
    assert_true(d.guards.pass);
    assert_true(strncmp(d.text, action_name(a), strlen(action_name(a))) == 0);
}

/* A is proposed and G, among others perhaps, holds it back. */
static void held(struct scene *s, enum action a, enum guard g)
{
    struct decision d = decide(s);

    if (d.action != ACTION_HOLD || d.proposed != a || d.guards.answers[g].pass)
        fail_msg("%s and not held back by %s: %s", action_name(d.action), guard_name(g), d.text);
    assert_true(strstr(d.text, d.guards.answers[g].text) != NULL);
}

static void idle(struct scene *s, const char *text)
{
    struct decision d = decide(s);

    assert_int_equal(d.action, ACTION_HOLD);
    assert_int_equal(d.proposed, ACTION_HOLD);
    assert_string_equal(d.text, text);
}

static void begin(struct scene *s, enum action a)
{
    policy_begun(&s->state, a, s->now);
    s->incident.actions++;
}

static void test_initiates_at_once(void **state)
{
    struct scene s;
    struct decision d;

    (void)state;
    both_wait(&s);
    acts(&s, ACTION_INITIATE);
    d = decide(&s);
    assert_string_equal(d.text, "initiate: the endpoint answers and nobody initiates");
    assert_int_equal(d.n_terminate, 0);
    s.ike.n_ike = s.ike.n_ike_up = 1;
    set(&s, FACT_IKE_SA, TRUTH_YES);
    set_cause(&s, CAUSE_CHILD_MISSING, ACTION_BIT(ACTION_INITIATE) | ACTION_BIT(ACTION_REINITIATE));
    d = decide(&s);
    assert_string_equal(d.text, "initiate: the CHILD_SA is missing");
}

static void test_waits_for_a_silent_endpoint(void **state)
{
    struct scene s;

    (void)state;
    both_wait(&s);
    set(&s, FACT_ENDPOINT_ANSWERS, TRUTH_NO);
    held(&s, ACTION_INITIATE, GUARD_ENDPOINT);
    set_cause(&s, CAUSE_ENDPOINT_SILENT, 0);
    idle(&s, "the endpoint is silent: waiting until it answers");
}

/* Some responders never answer IKE pings: they are tried all the same, later and less often. */
static void test_endpoint_that_was_never_heard(void **state)
{
    struct scene s;

    (void)state;
    both_wait(&s);
    s.diagnosis.cause = CAUSE_UNDETERMINED;
    s.diagnosis.row = NULL;
    s.ping = (struct ping_view){.first_sent = START - 3 * SEC, .unanswered = 2};
    set(&s, FACT_ENDPOINT_ANSWERS, TRUTH_NO);
    held(&s, ACTION_INITIATE, GUARD_ENDPOINT);
    assert_true(decide(&s).again == s.in.verdict.trouble_since + GUARD_SILENT_PATIENCE);
    s.now = s.in.verdict.trouble_since + GUARD_SILENT_PATIENCE;
    acts(&s, ACTION_INITIATE);
    begin(&s, ACTION_INITIATE);
    s.now += GUARD_SILENT_SETTLE - 1;
    held(&s, ACTION_INITIATE, GUARD_SETTLE);
    s.now++;
    acts(&s, ACTION_INITIATE);
}

static void test_backs_off(void **state)
{
    const usec_t gaps[] = {10, 20, 40, 80, 160, 300, 300};
    struct scene s;

    (void)state;
    both_wait(&s);
    s.in.has_aws_leg = false;
    acts(&s, ACTION_INITIATE);
    for (size_t i = 0; i < ARRAY_LEN(gaps); i++) {
        begin(&s, ACTION_INITIATE);
        s.now += gaps[i] * SEC - 1;
        held(&s, ACTION_INITIATE, GUARD_SETTLE);
        assert_true(decide(&s).again == s.now + 1);
        s.now++;
        acts(&s, ACTION_INITIATE);
    }
    begin(&s, ACTION_INITIATE);
    s.now += USEC_PER_HOUR;
    held(&s, ACTION_INITIATE, GUARD_RUNG_BUDGET);
    assert_true(decide(&s).again == USEC_NEVER);
    policy_incident_closed(&s.state);
    s.incident.actions = 0;
    acts(&s, ACTION_INITIATE);
}

static void test_pending_initiation_is_waited_for(void **state)
{
    struct scene s;
    struct decision d;

    (void)state;
    both_wait(&s);
    s.ike.n_ike = s.ike.n_connecting = 1;
    s.ike.connecting_since = START - SEC;
    held(&s, ACTION_INITIATE, GUARD_IN_FLIGHT);
    d = decide(&s);
    assert_string_equal(d.text,
                        "initiate is held back: an initiation is pending in the IKE daemon; a second one would not "
                        "help it (guard in-flight)");
    assert_true(d.again == s.ike.connecting_since + POLICY_PENDING_MAX);
}

/* It was pending while the endpoint was away: its next packet is waited for only where it leaves soon. */
static void test_pending_initiation_that_hangs_is_replaced_once(void **state)
{
    struct scene s;
    struct decision d;
    const usec_t second = 11200 * MSEC; /* of the retransmissions */

    (void)state;
    both_wait(&s);
    s.ike.n_ike = s.ike.n_connecting = 1;
    s.ike.ids[0] = 4711;
    s.ike.connecting_since = START - 8 * SEC;
    s.in.verdict.trouble_since = START - 10 * SEC;
    s.ping.came_back = START;
    acts(&s, ACTION_REINITIATE);
    d = decide(&s);
    assert_int_equal(d.n_terminate, 1);
    assert_int_equal(d.terminate[0], 4711);

    s.now = s.ike.connecting_since + second - POLICY_RETRANSMIT_NEAR;
    held(&s, ACTION_INITIATE, GUARD_IN_FLIGHT);
    assert_true(decide(&s).again == s.ike.connecting_since + second + POLICY_RETRANSMIT_WAIT);
    s.now--;
    acts(&s, ACTION_REINITIATE);
    s.now = s.ike.connecting_since + second + POLICY_RETRANSMIT_WAIT - 1; /* its answer may be under way */
    held(&s, ACTION_INITIATE, GUARD_IN_FLIGHT);
    s.now++;
    acts(&s, ACTION_REINITIATE);

    s.now = START;
    begin(&s, ACTION_REINITIATE);
    s.ike.connecting_since = s.now + 20 * MSEC;
    s.now += 2 * SEC;
    held(&s, ACTION_INITIATE, GUARD_IN_FLIGHT); /* this one began after the endpoint was back */
}

/* Our own initiation was begun just before the endpoint went away; it is in flight when the endpoint comes back. */
static void test_own_initiation_that_hangs_is_replaced(void **state)
{
    struct scene s;
    struct decision d;

    (void)state;
    both_wait(&s);
    s.now = START - 5 * SEC;
    begin(&s, ACTION_INITIATE);
    s.now = START;
    s.in.verdict.since = START - 6 * SEC;
    s.in.verdict.trouble_since = START - 7 * SEC;
    s.in.in_flight = true;
    s.in.initiating_since = START - 5 * SEC;
    s.ike.n_ike = s.ike.n_connecting = 1;
    s.ike.ids[0] = 3;
    s.ike.connecting_since = START - 5 * SEC + 300 * MSEC;
    held(&s, ACTION_INITIATE, GUARD_IN_FLIGHT);
    s.ping.came_back = START;
    acts(&s, ACTION_REINITIATE);
    d = decide(&s);
    assert_int_equal(d.n_terminate, 1);
    assert_int_equal(d.terminate[0], 3);
    s.in.initiating_since = 0; /* what is in flight is another action */
    held(&s, ACTION_INITIATE, GUARD_IN_FLIGHT);
}

static void test_pending_for_long_with_an_endpoint_that_answers(void **state)
{
    struct scene s;

    (void)state;
    both_wait(&s);
    s.ike.n_ike = s.ike.n_connecting = 1;
    s.ike.connecting_since = START - 18 * SEC;
    held(&s, ACTION_INITIATE, GUARD_IN_FLIGHT);
    s.now += 2 * SEC;
    acts(&s, ACTION_REINITIATE);
    set(&s, FACT_ENDPOINT_ANSWERS, TRUTH_NO);
    held(&s, ACTION_INITIATE, GUARD_IN_FLIGHT);
}

/* No row fits: nothing that cuts is done, and no CHILD_SA is asked of an IKE_SA that may be stale. */
static void test_cause_is_open(void **state)
{
    struct scene s;

    (void)state;
    both_wait(&s);
    s.diagnosis.cause = CAUSE_UNDETERMINED;
    s.diagnosis.row = NULL;
    acts(&s, ACTION_INITIATE);
    s.ike.n_ike = s.ike.n_ike_up = 1;
    set(&s, FACT_IKE_SA, TRUTH_YES);
    idle(&s, "the cause is not known: nothing is done on a guess");
}

/* The daemon tries for ever by itself, and the endpoint does not let it in: that is a gentler try as well. */
static void test_daemon_tries_in_vain(void **state)
{
    struct scene s;

    (void)state;
    both_wait(&s);
    s.diagnosis.cause = CAUSE_UNDETERMINED;
    s.diagnosis.row = NULL;
    s.in.has_aws_leg = true;
    s.ike.n_ike = s.ike.n_connecting = 1;
    s.ike.connecting_since = START;
    set(&s, FACT_CONNECTING, TRUTH_YES);
    s.now += POLICY_PENDING_MAX;
    acts(&s, ACTION_REINITIATE);
    begin(&s, ACTION_REINITIATE);
    s.ike.connecting_since = s.now;
    s.now += 19 * SEC;
    held(&s, ACTION_INITIATE, GUARD_IN_FLIGHT);
    s.now += SEC;
    acts(&s, ACTION_TUNNEL_OPTIONS);
}

static void test_stale_sa(void **state)
{
    struct scene s;
    struct decision d;

    (void)state;
    stale(&s, FACT_RETURN_SPAN);
    acts(&s, ACTION_REINITIATE);
    d = decide(&s);
    assert_int_equal(d.n_terminate, 1);
    assert_int_equal(d.terminate[0], 7);
    stale(&s, FACT_RETURN_SPAN - 1); /* perhaps only the path was cut, and the next echo is answered */
    held(&s, ACTION_REINITIATE, GUARD_WITNESS);
    assert_true(decide(&s).again == s.now + 1);
    stale(&s, SEC);
    s.ike.in_moved = START - 1;
    held(&s, ACTION_REINITIATE, GUARD_CARRIES);
    stale(&s, SEC);
    s.in.other_disturbed_at = START - SEC;
    held(&s, ACTION_REINITIATE, GUARD_HOLD);
    set(&s, FACT_INNER_ANSWERS, TRUTH_NO);
    set(&s, FACT_ENDPOINT_CAME_BACK, TRUTH_YES); /* it lost the SAs itself: nothing is taken from anybody */
    acts(&s, ACTION_REINITIATE);
    set(&s, FACT_ENDPOINT_CAME_BACK, TRUTH_UNKNOWN);
    held(&s, ACTION_REINITIATE, GUARD_HOLD);
}

static void test_up_but_passing_nothing_wants_a_second_witness(void **state)
{
    struct scene s;

    (void)state;
    stale(&s, SEC);
    s.ping.came_back = 0;
    set_cause(&s, CAUSE_INBOUND_LOST, ACTION_BIT(ACTION_RECREATE_PROBE) | ACTION_BIT(ACTION_REINITIATE));
    acts(&s, ACTION_RECREATE_PROBE);
    begin(&s, ACTION_RECREATE_PROBE);
    held(&s, ACTION_REINITIATE, GUARD_WITNESS);
    set(&s, FACT_OUT_MOVES, TRUTH_YES);
    set(&s, FACT_IN_MOVES, TRUTH_NO);
    held(&s, ACTION_REINITIATE, GUARD_WITNESS); /* the new socket is given a moment */
    assert_true(decide(&s).again == s.now + POLICY_REPORTS_WAIT);
    s.now += POLICY_REPORTS_WAIT;
    acts(&s, ACTION_REINITIATE);
    set(&s, FACT_IN_MOVES, TRUTH_YES);
    held(&s, ACTION_REINITIATE, GUARD_CARRIES);
}

/* A new ICMP id is tried in every mode, and never where it would only delay what is plain. */
static void test_probe_is_recreated(void **state)
{
    struct scene s;

    (void)state;
    stale(&s, SEC);
    s.ping.came_back = 0;
    s.in.mode = CONF_MODE_OBSERVE;
    set_cause(&s, CAUSE_INBOUND_LOST, ACTION_BIT(ACTION_RECREATE_PROBE) | ACTION_BIT(ACTION_REINITIATE));
    acts(&s, ACTION_RECREATE_PROBE);
    s.in.has_icmp = false;
    held(&s, ACTION_REINITIATE, GUARD_WITNESS);
    s.in.has_icmp = true;
    begin(&s, ACTION_RECREATE_PROBE);
    s.now += 29 * SEC;
    assert_int_equal(decide(&s).action, ACTION_HOLD);
    s.now += SEC;
    acts(&s, ACTION_RECREATE_PROBE);

    both_wait(&s);
    s.row.actions |= ACTION_BIT(ACTION_RECREATE_PROBE);
    acts(&s, ACTION_INITIATE);
}

static void test_aws_options_after_a_gentler_try(void **state)
{
    struct scene s;

    (void)state;
    both_wait(&s);
    acts(&s, ACTION_INITIATE);
    begin(&s, ACTION_INITIATE);
    s.now += 10 * SEC;
    acts(&s, ACTION_INITIATE);
    begin(&s, ACTION_INITIATE);
    s.now = s.in.verdict.since + 30 * SEC - 1;
    held(&s, ACTION_INITIATE, GUARD_SETTLE);
    s.now = START + 30 * SEC;
    acts(&s, ACTION_TUNNEL_OPTIONS);
    begin(&s, ACTION_TUNNEL_OPTIONS);
    s.in.in_flight = true;
    held(&s, ACTION_INITIATE, GUARD_IN_FLIGHT);
    s.in.in_flight = false;
    s.now += 5 * USEC_PER_MIN;
    s.aws.when = s.now;
    acts(&s, ACTION_INITIATE); /* and not the options again */
}

static void test_aws_options_never_while_modifying(void **state)
{
    struct scene s;

    (void)state;
    both_wait(&s);
    s.in.has_ike_leg = false;
    s.ike = (struct ike_view){.configured = false};
    s.now += 30 * SEC;
    acts(&s, ACTION_TUNNEL_OPTIONS);
    s.aws.state = EC2_STATE_MODIFYING;
    held(&s, ACTION_TUNNEL_OPTIONS, GUARD_AWS_STATE);
    s.aws.state = EC2_STATE_AVAILABLE;
    s.aws.ikev2_allowed = false;
    held(&s, ACTION_TUNNEL_OPTIONS, GUARD_AWS_STATE);
    s.aws.ikev2_allowed = true;
    s.now = s.aws.when + POLICY_AWS_SPAN + 1; /* what AWS said is too old */
    held(&s, ACTION_TUNNEL_OPTIONS, GUARD_AWS_STATE);
}

/* Nobody here can be asked: AWS is the only one, after its patience, and with a witness. */
static void test_aws_only(void **state)
{
    struct scene s;

    (void)state;
    both_wait(&s);
    s.in.has_ike_leg = false;
    s.ike = (struct ike_view){.configured = false};
    set(&s, FACT_IKE_SA, TRUTH_UNKNOWN);
    set(&s, FACT_CHILD_SA, TRUTH_UNKNOWN);
    set(&s, FACT_AWS_UP, TRUTH_NO);
    held(&s, ACTION_TUNNEL_OPTIONS, GUARD_AWS_PATIENCE);
    assert_true(decide(&s).again == s.in.verdict.since + 30 * SEC);
    s.now = s.in.verdict.since + 30 * SEC;
    acts(&s, ACTION_TUNNEL_OPTIONS);
    set(&s, FACT_AWS_UP, TRUTH_YES);
    held(&s, ACTION_TUNNEL_OPTIONS, GUARD_WITNESS);
    set(&s, FACT_AWS_UP, TRUTH_NO);
    s.aws.dpd_action = EC2_DPD_RESTART;
    s.aws.startup_action = EC2_STARTUP_START;
    idle(&s, "tunnel-options is of no use: AWS's options are restart and start already");
    s.in.has_aws_leg = false;
    idle(&s, "nothing that may be done here would help: a person has to look");
}

static void test_aws_dials_first(void **state)
{
    struct scene s;

    (void)state;
    both_wait(&s);
    set(&s, FACT_AWS_DIALS, TRUTH_YES);
    s.ping.came_back = START;
    held(&s, ACTION_INITIATE, GUARD_AWS_DIALS);
    assert_true(decide(&s).again == START + GUARD_AWS_DIALS_SPAN);
    s.now += GUARD_AWS_DIALS_SPAN;
    acts(&s, ACTION_INITIATE);
}

/* A new trouble in the same incident starts at the lowest rung, and with its own patience. */
static void test_relapse_starts_low(void **state)
{
    struct scene s;

    (void)state;
    both_wait(&s);
    begin(&s, ACTION_INITIATE);
    s.now += 2 * USEC_PER_MIN;
    s.in.verdict.since = s.now - 40 * SEC;
    s.in.verdict.trouble_since = s.now - 41 * SEC;
    s.aws.when = s.now;
    acts(&s, ACTION_INITIATE);
    set(&s, FACT_ENDPOINT_ANSWERS, TRUTH_NO);
    held(&s, ACTION_INITIATE, GUARD_ENDPOINT); /* what helped last time is no reason to change AWS */
}

static void test_observe_only_proposes(void **state)
{
    struct scene s;
    struct decision d;

    (void)state;
    both_wait(&s);
    s.in.mode = CONF_MODE_OBSERVE;
    d = decide(&s);
    assert_int_equal(d.action, ACTION_HOLD);
    assert_int_equal(d.proposed, ACTION_INITIATE);
    assert_false(d.needs_approval);
    assert_string_equal(d.text,
                        "would initiate the missing IKE_SA or CHILD_SA: the endpoint answers and nobody initiates");
    set(&s, FACT_ENDPOINT_ANSWERS, TRUTH_NO);
    d = decide(&s);
    assert_string_equal(d.text,
                        "initiate is held back: the endpoint is silent: waiting until it answers (guard endpoint)");
    s.state.approved = ACTION_INITIATE; /* left over from another mode */
    assert_int_equal(decide(&s).action, ACTION_HOLD);
}

static void test_approval(void **state)
{
    struct scene s;
    struct decision d;

    (void)state;
    both_wait(&s);
    s.in.mode = CONF_MODE_APPROVE;
    d = decide(&s);
    assert_int_equal(d.action, ACTION_HOLD);
    assert_true(d.needs_approval);
    assert_string_equal(d.text,
                        "waits for approval to initiate the missing IKE_SA or CHILD_SA: the endpoint answers and "
                        "nobody initiates");
    set(&s, FACT_ENDPOINT_ANSWERS, TRUTH_NO); /* there is nothing to approve while another guard holds */
    assert_false(decide(&s).needs_approval);
    set(&s, FACT_ENDPOINT_ANSWERS, TRUTH_YES);
    s.state.approved = ACTION_TUNNEL_OPTIONS; /* of another action */
    assert_true(decide(&s).needs_approval);
    s.state.approved = ACTION_INITIATE;
    acts(&s, ACTION_INITIATE);
    begin(&s, ACTION_INITIATE);
    s.state.approved = ACTION_HOLD;
    s.now += 30 * SEC; /* without a person there is no next rung either, but it is proposed */
    d = decide(&s);
    assert_int_equal(d.proposed, ACTION_TUNNEL_OPTIONS);
    assert_true(d.needs_approval);
}

static void test_what_is_not_down_is_left_alone(void **state)
{
    struct scene s;

    (void)state;
    both_wait(&s);
    s.in.verdict.verdict = VERDICT_DEGRADED;
    idle(&s, "the tunnel still carries traffic: nothing is done to it");
    s.in.verdict.verdict = VERDICT_UNKNOWN;
    idle(&s, "whether the tunnel is up cannot be measured: nothing is done on a guess");
    s.in.verdict.verdict = VERDICT_UP;
    s.in.verdict.suspect = true;
    idle(&s, "something was lost just now: waiting for the verdict");
    s.in.verdict.verdict = VERDICT_DOWN;
    s.incident.state = INCIDENT_NONE;
    set_cause(&s, CAUSE_EXPECTED_DOWN, 0);
    idle(&s, "the tunnel is expected to be down");
    set_cause(&s, CAUSE_BOTH_SIDES_WAITING, ACTION_BIT(ACTION_INITIATE)); /* nothing is done outside an incident */
    assert_int_equal(decide(&s).action, ACTION_HOLD);
}

static void test_causes_that_no_repair_mends(void **state)
{
    struct scene s;

    (void)state;
    both_wait(&s);
    set_cause(&s, CAUSE_UPLINK_DOWN, 0);
    idle(&s, "the uplink of this host is down: nothing is repaired until it is back");
    set_cause(&s, CAUSE_DAEMON_HUNG, 0);
    idle(&s, "the IKE daemon does not answer: it cannot be asked to initiate");
    set_cause(&s, CAUSE_AUTHENTICATION_FAILED, 0);
    idle(&s, "the configuration has to be mended by a person: trying again would not help");
    both_wait(&s);
    s.ike.loaded = false;
    s.in.has_aws_leg = false;
    idle(&s, "initiate is of no use: the connection is not loaded in the IKE daemon");
}

static void test_circuit_keeps_what_takes_nothing(void **state)
{
    struct scene s;

    (void)state;
    stale(&s, SEC);
    s.incident.circuit_open = true;
    held(&s, ACTION_REINITIATE, GUARD_CIRCUIT);
    both_wait(&s);
    s.incident.circuit_open = true;
    acts(&s, ACTION_INITIATE);
}

static void test_a_person_orders(void **state)
{
    struct scene s;
    struct decision d;

    (void)state;
    stale(&s, 0);
    s.in.mode = CONF_MODE_OBSERVE;
    s.incident.actions = 10;
    s.incident.circuit_open = true;
    s.state.forced = ACTION_REINITIATE;
    acts(&s, ACTION_REINITIATE);
    d = decide(&s);
    assert_int_equal(d.n_terminate, 1);
    s.in.in_flight = true;
    held(&s, ACTION_REINITIATE, GUARD_IN_FLIGHT);
    s.in.in_flight = false;
    s.in.verdict.verdict = VERDICT_UP; /* a working tunnel is not cut, whatever the facts lack */
    s.diagnosis.cause = CAUSE_NONE;
    s.diagnosis.row = NULL;
    set(&s, FACT_INNER_ANSWERS, TRUTH_UNKNOWN);
    held(&s, ACTION_REINITIATE, GUARD_CARRIES);
    s.state.forced = ACTION_INITIATE;
    idle(&s, "initiate is of no use: a CHILD_SA is up already");
    s.state.forced = ACTION_TUNNEL_OPTIONS;
    s.in.has_aws_leg = false;
    idle(&s, "tunnel-options is of no use: AWS is not configured for the connection");
}

/* What is shown to people changes only where something changed. */
static void test_text_is_stable(void **state)
{
    struct scene s;
    struct decision before, after;

    (void)state;
    both_wait(&s);
    begin(&s, ACTION_INITIATE);
    before = decide(&s);
    s.now += 9 * SEC;
    after = decide(&s);
    assert_string_equal(before.text, after.text);
    s.now += SEC;
    after = decide(&s);
    assert_string_not_equal(before.text, after.text);
}

static void test_history_is_bounded(void **state)
{
    struct policy_state p = {0};

    (void)state;
    for (usec_t i = 1; i <= GUARD_HISTORY_MAX + 3; i++)
        policy_begun(&p, ACTION_INITIATE, i);
    assert_int_equal(p.n_past, GUARD_HISTORY_MAX);
    assert_true(p.past[0].at == 4);
    assert_true(p.past[GUARD_HISTORY_MAX - 1].at == GUARD_HISTORY_MAX + 3);
    assert_true(p.last_disturbed == 0);
    policy_begun(&p, ACTION_REINITIATE, 1000);
    assert_true(p.last_disturbed == 1000);
}

static void test_what_was_never_carried_out_is_forgotten(void **state)
{
    struct policy_state p = {0};

    (void)state;
    policy_begun(&p, ACTION_TUNNEL_OPTIONS, 1);
    policy_begun(&p, ACTION_TUNNEL_OPTIONS, 2);
    policy_begun(&p, ACTION_INITIATE, 3);
    policy_undone(&p, ACTION_TUNNEL_OPTIONS);
    assert_int_equal(p.n_past, 2);
    assert_true(p.past[0].action == ACTION_TUNNEL_OPTIONS && p.past[0].at == 1);
    assert_true(p.past[1].action == ACTION_INITIATE);
    policy_undone(&p, ACTION_REINITIATE);
    assert_int_equal(p.n_past, 2);
}

static void test_retransmissions(void **state)
{
    const usec_t at[] = {4000, 11200, 24160, 47488, 89478};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(at); i++) {
        usec_t next = policy_next_retransmission(START, i == 0 ? START : START + (at[i - 1] + 1) * MSEC);

        assert_true(next / MSEC == (START / MSEC) + at[i]);
    }
    assert_true(policy_next_retransmission(START, START + 90 * SEC) == USEC_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_initiates_at_once),
        cmocka_unit_test(test_waits_for_a_silent_endpoint),
        cmocka_unit_test(test_endpoint_that_was_never_heard),
        cmocka_unit_test(test_backs_off),
        cmocka_unit_test(test_pending_initiation_is_waited_for),
        cmocka_unit_test(test_pending_initiation_that_hangs_is_replaced_once),
        cmocka_unit_test(test_own_initiation_that_hangs_is_replaced),
        cmocka_unit_test(test_pending_for_long_with_an_endpoint_that_answers),
        cmocka_unit_test(test_cause_is_open),
        cmocka_unit_test(test_daemon_tries_in_vain),
        cmocka_unit_test(test_stale_sa),
        cmocka_unit_test(test_up_but_passing_nothing_wants_a_second_witness),
        cmocka_unit_test(test_probe_is_recreated),
        cmocka_unit_test(test_aws_options_after_a_gentler_try),
        cmocka_unit_test(test_aws_options_never_while_modifying),
        cmocka_unit_test(test_aws_only),
        cmocka_unit_test(test_aws_dials_first),
        cmocka_unit_test(test_relapse_starts_low),
        cmocka_unit_test(test_observe_only_proposes),
        cmocka_unit_test(test_approval),
        cmocka_unit_test(test_what_is_not_down_is_left_alone),
        cmocka_unit_test(test_causes_that_no_repair_mends),
        cmocka_unit_test(test_circuit_keeps_what_takes_nothing),
        cmocka_unit_test(test_a_person_orders),
        cmocka_unit_test(test_text_is_stable),
        cmocka_unit_test(test_history_is_bounded),
        cmocka_unit_test(test_what_was_never_carried_out_is_forgotten),
        cmocka_unit_test(test_retransmissions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
