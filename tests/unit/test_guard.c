/* The guards, one question after the other, on a clock that is moved by hand. */
#include "remediation/guard.h"

#include "base/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW (10 * USEC_PER_HOUR)

/* Everything is as the action wants it. */
static struct guard_input willing(enum action action)
{
    return (struct guard_input){
        .action = action,
        .mode_repair = true,
        .store_works = true,
        .connecting_again = USEC_NEVER,
        .uplink_works = true,
        .endpoint_answers = true,
        .endpoint_ever_answered = true,
        .cuts = true,
        .witness = true,
        .witness_again = USEC_NEVER,
        .trouble_since = NOW - 40 * USEC_PER_SEC,
        .aws_available = true,
        .aws_ikev2 = true,
        .aws_tunnel_known = true,
        .down_since = NOW - 39 * USEC_PER_SEC,
        .has_ike_leg = true,
        .gentler_tries = 1,
        .aws_repair_after = 30 * USEC_PER_SEC,
        .settle_base = 10 * USEC_PER_SEC,
        .hold = USEC_PER_MIN,
        .actions_per_incident = 10,
        .actions_per_hour = 30,
    };
}

static void passes(struct guard_input in)
{
    struct guard_answers all = guard_ask_all(&in, NOW);

    if (!all.pass)
        fail_msg("%s is held back by %s: %s", action_name(in.action), guard_name(all.first),
                 all.answers[all.first].text);
    for (size_t i = 0; i < GUARD_MAX_; i++)
        assert_string_equal(all.answers[i].text, "");
}

/* G alone holds, with a sentence, and may let go at AGAIN. */
static void holds(struct guard_input in, enum guard g, usec_t again)
{
    struct guard_answers all = guard_ask_all(&in, NOW);

    assert_false(all.pass);
    if (all.first != g)
        fail_msg("%s and not %s holds: %s", guard_name(all.first), guard_name(g), all.answers[all.first].text);
    for (size_t i = 0; i < GUARD_MAX_; i++)
        assert_int_equal(all.answers[i].pass, i != (size_t)g);
    assert_true(all.answers[g].text[0] != '\0');
    assert_true(strlen(all.answers[g].text) < GUARD_TEXT_MAX - 1);
    assert_true(all.answers[g].again == again);
    assert_true(guard_again(&all) == again);
}

static void test_nothing_holds(void **state)
{
    (void)state;
    for (enum action a = ACTION_RECREATE_PROBE; a < ACTION_MAX_; a++)
        passes(willing(a));
}

static void test_mode(void **state)
{
    struct guard_input in = willing(ACTION_INITIATE);

    (void)state;
    in.mode_repair = false;
    holds(in, GUARD_MODE, USEC_NEVER);
    in.mode_approve = true;
    holds(in, GUARD_MODE, USEC_NEVER);
    in.approved = true;
    passes(in);
    in.mode_approve = false; /* the mode became observe in the meantime */
    holds(in, GUARD_MODE, USEC_NEVER);
    in.forced = true;
    passes(in);
}

static void test_pause_ends(void **state)
{
    struct guard_input in = willing(ACTION_INITIATE);

    (void)state;
    in.paused_until = NOW + 1;
    holds(in, GUARD_PAUSED, NOW + 1);
    in.forced = true;
    holds(in, GUARD_PAUSED, NOW + 1);
    in.paused_until = USEC_NEVER;
    holds(in, GUARD_PAUSED, USEC_NEVER);
    in.paused_until = NOW;
    passes(in);
}

static void test_aws_is_not_changed_without_a_record(void **state)
{
    struct guard_input in = willing(ACTION_TUNNEL_OPTIONS);

    (void)state;
    in.store_works = false;
    in.forced = true;
    assert_int_equal(guard_ask_all(&in, NOW).first, GUARD_STORE);
    in.action = ACTION_INITIATE;
    passes(in);
}

static void test_one_action_in_flight(void **state)
{
    struct guard_input in = willing(ACTION_REINITIATE);

    (void)state;
    in.in_flight = true;
    in.forced = true;
    holds(in, GUARD_IN_FLIGHT, USEC_NEVER);
    in.replaces = true;
    passes(in);
    in.replaces = false;
    in.in_flight = false;
    in.connecting = true;
    in.connecting_again = NOW + 5;
    holds(in, GUARD_IN_FLIGHT, NOW + 5);
    in.action = ACTION_TUNNEL_OPTIONS; /* what charon tries for ever must not keep AWS from dialling */
    passes(in);
}

static void test_offline_host(void **state)
{
    (void)state;
    for (enum action a = ACTION_RECREATE_PROBE; a < ACTION_MAX_; a++) {
        struct guard_input in = willing(a);

        in.uplink_works = false;
        in.forced = true;
        holds(in, GUARD_UPLINK, USEC_NEVER);
    }
}

static void test_silent_endpoint(void **state)
{
    struct guard_input in = willing(ACTION_INITIATE);

    (void)state;
    in.endpoint_answers = false;
    holds(in, GUARD_ENDPOINT, USEC_NEVER);
    in.action = ACTION_TUNNEL_OPTIONS;
    passes(in);
}

static void test_endpoint_that_never_answers_is_tried_later(void **state)
{
    struct guard_input in = willing(ACTION_INITIATE);
    const struct guard_past past[] = {{ACTION_INITIATE, NOW - 59 * USEC_PER_SEC, true, false}};

    (void)state;
    in.endpoint_answers = in.endpoint_ever_answered = false;
    passes(in);
    in.trouble_since = NOW - 9 * USEC_PER_SEC;
    holds(in, GUARD_ENDPOINT, NOW + USEC_PER_SEC);
    in.trouble_since = NOW - USEC_PER_MIN;
    in.past = past;
    in.n_past = 1;
    holds(in, GUARD_SETTLE, NOW + USEC_PER_SEC);
    in.endpoint_ever_answered = in.endpoint_answers = true;
    passes(in);
}

static void test_traffic_is_not_cut(void **state)
{
    struct guard_input in = willing(ACTION_REINITIATE);

    (void)state;
    in.carries = true;
    holds(in, GUARD_CARRIES, USEC_NEVER);
    in.forced = true;
    holds(in, GUARD_CARRIES, USEC_NEVER);
    in.cuts = false; /* no SA is up: there is nothing to cut */
    passes(in);
    in.cuts = true;
    in.action = ACTION_INITIATE;
    passes(in);
}

static void test_second_witness(void **state)
{
    struct guard_input in = willing(ACTION_REINITIATE);

    (void)state;
    in.witness = false;
    in.witness_again = NOW + 300;
    holds(in, GUARD_WITNESS, NOW + 300);
    in.cuts = false;
    passes(in);
    in.cuts = true;
    in.forced = true;
    passes(in);
}

static void test_aws_is_let_dial_first(void **state)
{
    struct guard_input in = willing(ACTION_INITIATE);

    (void)state;
    in.aws_dials = true;
    passes(in); /* the trouble is older than that */
    in.came_back = NOW - USEC_PER_SEC;
    holds(in, GUARD_AWS_DIALS, in.came_back + GUARD_AWS_DIALS_SPAN);
    in.came_back = 0;
    in.trouble_since = NOW - USEC_PER_SEC;
    holds(in, GUARD_AWS_DIALS, in.trouble_since + GUARD_AWS_DIALS_SPAN);
    in.forced = true;
    passes(in);
}

static void test_aws_state(void **state)
{
    struct guard_input in = willing(ACTION_TUNNEL_OPTIONS);

    (void)state;
    in.forced = true;
    in.aws_available = false;
    holds(in, GUARD_AWS_STATE, USEC_NEVER);
    in.aws_available = true;
    in.aws_ikev2 = false;
    holds(in, GUARD_AWS_STATE, USEC_NEVER);
    in.aws_ikev2 = true;
    in.aws_tunnel_known = false;
    holds(in, GUARD_AWS_STATE, USEC_NEVER);
    in.action = ACTION_INITIATE;
    passes(in);
}

static void test_aws_comes_after_gentler_tries_and_some_time(void **state)
{
    struct guard_input in = willing(ACTION_TUNNEL_OPTIONS);

    (void)state;
    in.gentler_tries = 0;
    holds(in, GUARD_AWS_PATIENCE, USEC_NEVER);
    in.has_ike_leg = false;
    passes(in);
    in.down_since = NOW - 29 * USEC_PER_SEC;
    holds(in, GUARD_AWS_PATIENCE, NOW + USEC_PER_SEC);
    in.forced = true;
    passes(in);
}

/* The last action's time to work doubles with each try up to a maximum, and grows with the configured one. */
static void test_settle_backs_off(void **state)
{
    struct guard_past past[8];
    struct guard_input in = willing(ACTION_INITIATE);
    const usec_t spans[] = {10, 20, 40, 80, 160, 300, 300};

    (void)state;
    in.past = past;
    for (size_t n = 1; n <= ARRAY_LEN(spans); n++) {
        usec_t span = spans[n - 1] * USEC_PER_SEC;

        for (size_t i = 0; i < n; i++)
            past[i] = (struct guard_past){ACTION_INITIATE, NOW - span + 1, true, false};
        in.n_past = n;
        holds(in, GUARD_SETTLE, NOW + 1);
        for (size_t i = 0; i < n; i++)
            past[i].at--;
        passes(in);
        in.settle_base = 20 * USEC_PER_SEC;
        holds(in, GUARD_SETTLE, NOW + span);
        in.settle_base = 10 * USEC_PER_SEC;
    }
}

static void test_settle_is_forgiven(void **state)
{
    struct guard_past past[] = {{ACTION_INITIATE, NOW - USEC_PER_SEC, true, false}};
    struct guard_input in = willing(ACTION_INITIATE);

    (void)state;
    in.past = past;
    in.n_past = 1;
    holds(in, GUARD_SETTLE, NOW + 9 * USEC_PER_SEC);
    in.came_back = NOW - 1; /* the endpoint is back: what was tried before could not work */
    passes(in);
    in.came_back = 0;
    past[0].this_incident = false;
    passes(in);
    past[0].this_incident = true;
    past[0].action = ACTION_RECREATE_PROBE; /* a new ICMP id delays nobody */
    passes(in);
    in.action = ACTION_RECREATE_PROBE;
    holds(in, GUARD_SETTLE, NOW + 29 * USEC_PER_SEC);
}

static void test_not_both_tunnels(void **state)
{
    struct guard_input in = willing(ACTION_REINITIATE);

    (void)state;
    in.other_disturbed_at = NOW - 59 * USEC_PER_SEC;
    in.forced = true;
    holds(in, GUARD_HOLD, NOW + USEC_PER_SEC);
    in.cuts = false;
    passes(in);
    in.cuts = true;
    in.dead = true; /* both endpoints were replaced in one go */
    passes(in);
    in.dead = false;
    in.other_disturbed_at = NOW - USEC_PER_MIN;
    passes(in);
    in.other_disturbed_at = NOW;
    in.action = ACTION_INITIATE;
    passes(in);
}

static void test_budget_of_the_incident(void **state)
{
    struct guard_past past[GUARD_HISTORY_MAX];
    struct guard_input in = willing(ACTION_REINITIATE);

    (void)state;
    for (size_t i = 0; i < ladder_rung(ACTION_REINITIATE)->per_incident; i++)
        past[i] = (struct guard_past){ACTION_REINITIATE, NOW - 3 * USEC_PER_HOUR, true, false};
    in.past = past;
    in.n_past = ladder_rung(ACTION_REINITIATE)->per_incident - 1;
    passes(in);
    in.n_past++;
    holds(in, GUARD_RUNG_BUDGET, USEC_NEVER);
    in.action = ACTION_INITIATE;
    passes(in);
    in.action = ACTION_REINITIATE;
    past[0].this_incident = false;
    passes(in);
}

/* What ended before AWS was changed has to settle, but costs no hour. */
static void test_idle_actions_only_settle(void **state)
{
    struct guard_past past[] = {{ACTION_TUNNEL_OPTIONS, NOW - 5 * USEC_PER_MIN + 1, true, true}};
    struct guard_input in = willing(ACTION_TUNNEL_OPTIONS);

    (void)state;
    in.past = past;
    in.n_past = 1;
    holds(in, GUARD_SETTLE, NOW + 1);
    past[0].at--;
    passes(in);
    past[0].idle = false;
    holds(in, GUARD_RUNG_BUDGET, NOW + 55 * USEC_PER_MIN);
}

static void test_budget_of_the_hour(void **state)
{
    struct guard_past past[GUARD_HISTORY_MAX];
    struct guard_input in = willing(ACTION_INITIATE);
    unsigned n = ladder_rung(ACTION_INITIATE)->per_hour;

    (void)state;
    for (size_t i = 0; i < n; i++)
        past[i] = (struct guard_past){ACTION_INITIATE, NOW - USEC_PER_HOUR + (i + 1) * USEC_PER_SEC, false, false};
    in.past = past;
    in.n_past = n;
    holds(in, GUARD_RUNG_BUDGET, NOW + USEC_PER_SEC);
    in.forced = true;
    passes(in);
    in.forced = false;
    past[0].at -= USEC_PER_SEC;
    passes(in);
}

static void test_caps(void **state)
{
    struct guard_input in = willing(ACTION_INITIATE);

    (void)state;
    in.actions_this_incident = 10;
    holds(in, GUARD_INCIDENT_CAP, USEC_NEVER);
    in.action = ACTION_RECREATE_PROBE;
    passes(in);
    in.action = ACTION_INITIATE;
    in.forced = true;
    passes(in);
    in.forced = false;
    in.actions_this_incident = 9;
    in.actions_this_hour = 30;
    holds(in, GUARD_BRAKE, NOW + 10 * USEC_PER_SEC);
    in.actions_this_hour = 29;
    passes(in);
}

static void test_circuit(void **state)
{
    struct guard_input in = willing(ACTION_TUNNEL_OPTIONS);

    (void)state;
    in.circuit_open = true;
    holds(in, GUARD_CIRCUIT, USEC_NEVER);
    in.action = ACTION_REINITIATE;
    holds(in, GUARD_CIRCUIT, USEC_NEVER);
    in.action = ACTION_INITIATE; /* takes nothing from anybody */
    passes(in);
    in.action = ACTION_REINITIATE;
    in.forced = true;
    passes(in);
}

static void test_probes_are_recreated_in_every_mode(void **state)
{
    struct guard_input in = willing(ACTION_RECREATE_PROBE);

    (void)state;
    in.mode_repair = false;
    in.paused_until = USEC_NEVER;
    in.in_flight = in.connecting = true;
    in.circuit_open = true;
    in.actions_this_hour = 1000;
    passes(in);
}

/* All are asked, whatever the first says; the whole waits for the last of them. */
static void test_all_answers_are_recorded(void **state)
{
    struct guard_input in = willing(ACTION_REINITIATE);
    struct guard_answers all;

    (void)state;
    in.paused_until = NOW + 20;
    in.witness = false;
    in.witness_again = NOW + 30;
    in.aws_dials = true;
    in.came_back = NOW;
    all = guard_ask_all(&in, NOW);
    assert_false(all.pass);
    assert_int_equal(all.first, GUARD_PAUSED);
    assert_false(all.answers[GUARD_WITNESS].pass);
    assert_false(all.answers[GUARD_AWS_DIALS].pass);
    assert_true(all.answers[GUARD_BRAKE].pass);
    assert_true(guard_again(&all) == NOW + GUARD_AWS_DIALS_SPAN);
    in.circuit_open = true;
    all = guard_ask_all(&in, NOW);
    assert_true(guard_again(&all) == USEC_NEVER);
}

static void test_names(void **state)
{
    (void)state;
    for (enum guard g = GUARD_MODE; g < GUARD_MAX_; g++)
        for (enum guard other = GUARD_MODE; other < g; other++)
            assert_string_not_equal(guard_name(g), guard_name(other));
    assert_string_equal(guard_name(GUARD_IN_FLIGHT), "in-flight");
}

static void test_the_daemon_is_not_flooded(void **state)
{
    struct guard_input in = willing(ACTION_INITIATE);

    (void)state;
    in.initiations = GUARD_INITIATIONS_MAX - 1;
    passes(in);
    in.initiations = GUARD_INITIATIONS_MAX;
    holds(in, GUARD_DAEMON, NOW + 200000);
    in.action = ACTION_TUNNEL_OPTIONS;
    passes(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_holds),
        cmocka_unit_test(test_mode),
        cmocka_unit_test(test_pause_ends),
        cmocka_unit_test(test_aws_is_not_changed_without_a_record),
        cmocka_unit_test(test_one_action_in_flight),
        cmocka_unit_test(test_the_daemon_is_not_flooded),
        cmocka_unit_test(test_offline_host),
        cmocka_unit_test(test_silent_endpoint),
        cmocka_unit_test(test_endpoint_that_never_answers_is_tried_later),
        cmocka_unit_test(test_traffic_is_not_cut),
        cmocka_unit_test(test_second_witness),
        cmocka_unit_test(test_aws_is_let_dial_first),
        cmocka_unit_test(test_aws_state),
        cmocka_unit_test(test_aws_comes_after_gentler_tries_and_some_time),
        cmocka_unit_test(test_settle_backs_off),
        cmocka_unit_test(test_settle_is_forgiven),
        cmocka_unit_test(test_not_both_tunnels),
        cmocka_unit_test(test_budget_of_the_incident),
        cmocka_unit_test(test_idle_actions_only_settle),
        cmocka_unit_test(test_budget_of_the_hour),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_circuit),
        cmocka_unit_test(test_probes_are_recreated_in_every_mode),
        cmocka_unit_test(test_all_answers_are_recorded),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
