/* What people are told of a tunnel, and when: on times that are made up. */
#include "agent/tell.h"

#include "tests/unit/small_agent.h"

#define NOW (1000 * USEC_PER_SEC)

static struct small_agent s;

static int set_up(void **state)
{
    (void)state;
    small_set_up(&s);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    small_tear_down(&s);
    return 0;
}

static struct tunnel *tunnel(void)
{
    return tunnel_first(s.agent.fleet);
}

/* The verdict is V since SPAN; true where people are told of it now. */
static bool tells(enum verdict v, usec_t span)
{
    struct tunnel *t = tunnel();
    bool due;

    t->verdict = (struct verdict_state){.verdict = v, .since = NOW - span};
    due = tell_is_due(t, NOW);
    tell_verdict(t, NOW);
    if (due)
        assert_int_equal(t->notified, v);
    assert_false(tell_is_due(t, NOW)); /* once */
    return due;
}

static void test_the_first_good_verdict_is_no_news(void **state)
{
    (void)state;
    assert_false(tells(VERDICT_UNKNOWN, 10 * USEC_PER_MIN));
    assert_false(tells(VERDICT_UP, USEC_PER_SEC));
    assert_false(tells(VERDICT_UP, USEC_PER_MIN));
    assert_true(tells(VERDICT_DOWN, USEC_PER_MIN));
    assert_true(tells(VERDICT_UP, 0));
}

static void test_a_first_verdict_that_is_bad_is_news(void **state)
{
    (void)state;
    assert_true(tells(VERDICT_DOWN, USEC_PER_MIN));
}

/* What was told as bad is told as good in the end, whatever lay between. */
static void test_people_hear_the_end(void **state)
{
    (void)state;
    assert_false(tells(VERDICT_UP, USEC_PER_SEC));
    assert_true(tells(VERDICT_DOWN, USEC_PER_MIN));
    assert_true(tells(VERDICT_UNKNOWN, TELL_UNKNOWN_MIN));
    assert_true(tells(VERDICT_UP, 0));
}

static void test_what_cannot_be_measured_any_more(void **state)
{
    (void)state;
    assert_false(tells(VERDICT_UP, USEC_PER_SEC));
    tunnel()->verdict = (struct verdict_state){.verdict = VERDICT_UNKNOWN, .since = NOW - TELL_UNKNOWN_MIN + 1};
    assert_false(tell_is_due(tunnel(), NOW)); /* a moment is no news */
    assert_true(tell_again(tunnel()) == NOW + 1);
    assert_true(tells(VERDICT_UNKNOWN, TELL_UNKNOWN_MIN));
    assert_true(tells(VERDICT_UP, 0));
}

/* After a restart: told of the outage by a former process. */
static void test_recovered_while_nobody_watched(void **state)
{
    (void)state;
    tunnel()->told = true;
    tunnel()->notified = VERDICT_DOWN;
    assert_true(tells(VERDICT_UP, 0));
}

static void test_lost_uplink_is_told_to_be_back(void **state)
{
    struct tunnel *t = tunnel();

    (void)state;
    s.agent.offline = true; /* by a former process */
    t->diagnosis.facts.is[FACT_UPLINK_WORKS] = TRUTH_YES;
    tell_uplink(t, CAUSE_NONE, NOW);
    assert_true(s.agent.offline); /* nothing was measured yet */
    t->verdict = (struct verdict_state){.verdict = VERDICT_UP, .since = NOW};
    tell_uplink(t, CAUSE_NONE, NOW);
    assert_false(s.agent.offline);
}

#define tell_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        tell_test(test_the_first_good_verdict_is_no_news),
        tell_test(test_a_first_verdict_that_is_bad_is_news),
        tell_test(test_people_hear_the_end),
        tell_test(test_what_cannot_be_measured_any_more),
        tell_test(test_recovered_while_nobody_watched),
        tell_test(test_lost_uplink_is_told_to_be_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
