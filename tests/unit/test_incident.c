/* Incidents: opened by the first bad verdict, recovered, relapsed, closed after a time of health. */
#include "agent/incident.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEALTHY (5 * USEC_PER_MIN)
#define WALL    (UINT64_C(1795508700) * USEC_PER_SEC)

static usec_t now;

static int setup(void **state)
{
    (void)state;
    now = USEC_PER_HOUR;
    return 0;
}

static enum incident_change step(struct incident *i, enum verdict v, enum cause c)
{
    return incident_step(i, v, c, false, "the-id", HEALTHY, now, WALL + now);
}

static void test_calm_opens_nothing(void **state)
{
    struct incident i = {0};

    (void)state;
    assert_int_equal(step(&i, VERDICT_UNKNOWN, CAUSE_UNDETERMINED), INCIDENT_UNCHANGED);
    assert_int_equal(step(&i, VERDICT_UP, CAUSE_NONE), INCIDENT_UNCHANGED);
    assert_int_equal(i.state, INCIDENT_NONE);
}

static void test_from_the_first_bad_verdict_to_the_end(void **state)
{
    struct incident i = {0};
    usec_t opened = now;

    (void)state;
    assert_int_equal(step(&i, VERDICT_DEGRADED, CAUSE_UNDETERMINED), INCIDENT_OPENED);
    assert_string_equal(i.id, "the-id");
    assert_true(i.opened == opened && i.bad_since == opened && i.opened_wall == WALL + opened);
    now += USEC_PER_SEC;
    assert_int_equal(step(&i, VERDICT_DOWN, CAUSE_BOTH_SIDES_WAITING), INCIDENT_UNCHANGED);
    now += USEC_PER_SEC;
    assert_int_equal(step(&i, VERDICT_UNKNOWN, CAUSE_UNDETERMINED), INCIDENT_UNCHANGED);
    assert_int_equal(i.worst, VERDICT_DOWN);
    assert_int_equal(i.last_cause, CAUSE_BOTH_SIDES_WAITING);
    assert_int_equal(step(&i, VERDICT_UP, CAUSE_NONE), INCIDENT_DID_RECOVER);
    assert_int_equal(i.state, INCIDENT_RECOVERED);
    now += HEALTHY - 1;
    assert_int_equal(step(&i, VERDICT_UP, CAUSE_NONE), INCIDENT_UNCHANGED);
    now++;
    assert_int_equal(step(&i, VERDICT_UP, CAUSE_NONE), INCIDENT_CLOSED);
    assert_int_equal(i.state, INCIDENT_NONE);
    assert_string_equal(i.id, "");
}

static void test_relapse_keeps_id_and_budgets(void **state)
{
    struct incident i = {0};
    usec_t opened = now;

    (void)state;
    (void)step(&i, VERDICT_DOWN, CAUSE_STALE_SA);
    i.actions = 3;
    i.circuit_open = true;
    (void)step(&i, VERDICT_UP, CAUSE_NONE);
    now += HEALTHY - 1;
    assert_int_equal(incident_step(&i, VERDICT_DOWN, CAUSE_CHILD_MISSING, false, "another", HEALTHY, now, WALL),
                     INCIDENT_RELAPSED);
    assert_string_equal(i.id, "the-id");
    assert_int_equal(i.relapses, 1);
    assert_true(i.bad_since == now);
    assert_int_equal(i.actions, 3);
    assert_true(i.circuit_open);
    assert_true(i.opened == opened);
    assert_int_equal(i.last_cause, CAUSE_CHILD_MISSING);
    assert_int_equal(step(&i, VERDICT_UP, CAUSE_NONE), INCIDENT_DID_RECOVER);
    now += HEALTHY - 1;
    assert_int_equal(step(&i, VERDICT_UP, CAUSE_NONE), INCIDENT_UNCHANGED); /* the time of health began anew */
    now++;
    assert_int_equal(step(&i, VERDICT_UP, CAUSE_NONE), INCIDENT_CLOSED);
    assert_false(i.circuit_open);
    assert_int_equal(step(&i, VERDICT_DOWN, CAUSE_NONE), INCIDENT_OPENED);
    assert_int_equal(i.actions, 0);
}

/* A tunnel of which nobody knows how it is does not get healthy by time. */
static void test_unknown_is_not_health(void **state)
{
    struct incident i = {0};

    (void)state;
    (void)step(&i, VERDICT_DOWN, CAUSE_STALE_SA);
    (void)step(&i, VERDICT_UP, CAUSE_NONE);
    now += HEALTHY - 1;
    assert_int_equal(step(&i, VERDICT_UNKNOWN, CAUSE_DAEMON_HUNG), INCIDENT_UNCHANGED);
    now += HEALTHY - 1;
    assert_int_equal(step(&i, VERDICT_UP, CAUSE_NONE), INCIDENT_UNCHANGED);
    now++;
    assert_int_equal(step(&i, VERDICT_UP, CAUSE_NONE), INCIDENT_CLOSED);
}

static void test_expected_down(void **state)
{
    struct incident i = {0};

    (void)state;
    assert_int_equal(incident_step(&i, VERDICT_DOWN, CAUSE_EXPECTED_DOWN, true, "id", HEALTHY, now, WALL),
                     INCIDENT_UNCHANGED);
    assert_int_equal(i.state, INCIDENT_NONE);
    /* The configuration says so only now. */
    (void)step(&i, VERDICT_DOWN, CAUSE_STALE_SA);
    assert_int_equal(incident_step(&i, VERDICT_DOWN, CAUSE_EXPECTED_DOWN, true, "id", HEALTHY, now, WALL),
                     INCIDENT_CLOSED);
}

static void test_worse_than_before(void **state)
{
    struct incident i = {0};

    (void)state;
    assert_false(incident_judge_action(&i, true, VERDICT_DOWN, VERDICT_DOWN)); /* no incident */
    (void)step(&i, VERDICT_DOWN, CAUSE_STALE_SA);
    assert_false(incident_judge_action(&i, false, VERDICT_DOWN, VERDICT_DOWN)); /* it was down before */
    assert_false(incident_judge_action(&i, true, VERDICT_DOWN, VERDICT_UP));
    assert_false(incident_judge_action(&i, true, VERDICT_DOWN, VERDICT_UNKNOWN));
    assert_false(incident_judge_action(&i, true, VERDICT_DEGRADED, VERDICT_DOWN)); /* it helped here */
    assert_false(i.circuit_open);
    assert_true(incident_judge_action(&i, true, VERDICT_DOWN, VERDICT_DOWN));
    assert_true(i.circuit_open);
    assert_false(incident_judge_action(&i, true, VERDICT_DOWN, VERDICT_DOWN)); /* told once */
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(incident_state_name(INCIDENT_NONE), "none");
    assert_string_equal(incident_state_name(INCIDENT_OPEN), "open");
    assert_string_equal(incident_state_name(INCIDENT_RECOVERED), "recovered");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_calm_opens_nothing, setup),
        cmocka_unit_test_setup(test_from_the_first_bad_verdict_to_the_end, setup),
        cmocka_unit_test_setup(test_relapse_keeps_id_and_budgets, setup),
        cmocka_unit_test_setup(test_unknown_is_not_health, setup),
        cmocka_unit_test_setup(test_expected_down, setup),
        cmocka_unit_test_setup(test_worse_than_before, setup),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
