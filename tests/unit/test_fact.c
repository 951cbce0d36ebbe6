/* Facts: yes, no or not known, read off the views; most of all what is too old, or not there, to say anything. */
#include "agent/fact.h"

#include "tests/unit/situation.h"

#include <string.h>

#define SEC USEC_PER_SEC

static struct situation s;

static int begin_healthy(void **state)
{
    (void)state;
    healthy(&s);
    return 0;
}

static enum truth fact(enum fact f)
{
    struct fact_input in = input_of(&s);

    return fact_read(&in, NOW).is[f];
}

#define assert_yes(f)     assert_int_equal(fact(f), TRUTH_YES)
#define assert_no(f)      assert_int_equal(fact(f), TRUTH_NO)
#define assert_unknown(f) assert_int_equal(fact(f), TRUTH_UNKNOWN)

static void test_empty_views_say_nothing(void **state)
{
    (void)state;
    s = (struct situation){0};
    for (enum fact f = FACT_NONE + 1; f < FACT_MAX_; f++) {
        if (f == FACT_EXPECTED_DOWN || f == FACT_ENDPOINT_CAME_BACK)
            assert_no(f);
        else
            assert_unknown(f);
    }
}

static void test_a_healthy_tunnel(void **state)
{
    (void)state;
    assert_no(FACT_EXPECTED_DOWN);
    assert_yes(FACT_INNER_ANSWERS);
    assert_no(FACT_INNER_TARGET_LOST);
    assert_unknown(FACT_ENDPOINT_TARGET); /* none is lost */
    assert_yes(FACT_UPLINK_WORKS);
    assert_yes(FACT_DAEMON_ANSWERS);
    assert_no(FACT_DAEMON_DEAD);
    assert_no(FACT_DAEMON_HUNG);
    assert_yes(FACT_LOADED);
    assert_yes(FACT_IKE_SA);
    assert_yes(FACT_CHILD_SA);
    assert_no(FACT_CONNECTING);
    assert_yes(FACT_IN_MOVES);
    assert_yes(FACT_OUT_MOVES);
    assert_yes(FACT_ENDPOINT_KNOWN);
    assert_no(FACT_ENDPOINT_CAME_BACK);
    assert_unknown(FACT_AUTH_FAILED);
    assert_no(FACT_AWS_MODIFYING);
    assert_yes(FACT_AWS_UP);
    assert_no(FACT_AWS_DIALS);
}

static void test_targets(void **state)
{
    (void)state;
    is_lost(&s);
    assert_no(FACT_INNER_ANSWERS);
    assert_no(FACT_INNER_TARGET_LOST);
    assert_yes(FACT_ENDPOINT_TARGET);

    healthy(&s);
    has_second_target(&s);
    host_is_lost(&s);
    assert_yes(FACT_INNER_ANSWERS);
    assert_yes(FACT_INNER_TARGET_LOST);
    assert_no(FACT_ENDPOINT_TARGET);

    healthy(&s);
    cannot_be_probed(&s);
    assert_unknown(FACT_INNER_ANSWERS);
    assert_unknown(FACT_INNER_TARGET_LOST);
    assert_unknown(FACT_ENDPOINT_TARGET);

    healthy(&s);
    has_no_target(&s);
    assert_unknown(FACT_INNER_ANSWERS);
}

/* One lost echo may be chance or the end: until the next answer or many more losses nobody knows. */
static void test_a_single_loss_leaves_it_open(void **state)
{
    (void)state;
    becomes_suspect(&s);
    assert_unknown(FACT_INNER_ANSWERS);
    window_sent(&s.windows[0], NOW - 100 * MSEC);
    (void)window_reply(&s.windows[0], NOW - 100 * MSEC, 5 * MSEC);
    assert_yes(FACT_INNER_ANSWERS);
}

/* A target that is asked each five seconds does not speak for the time since the other one lost something. */
static void test_an_answer_from_before_a_loss_does_not_count(void **state)
{
    (void)state;
    has_second_target(&s);
    window_clear(&s.windows[1]);
    s.targets[1].tcp = true;
    window_sent(&s.windows[1], NOW - 4 * SEC);
    (void)window_reply(&s.windows[1], NOW - 4 * SEC, 5 * MSEC);
    s.n_targets = 1;
    becomes_suspect(&s);
    s.n_targets = 2;
    assert_unknown(FACT_INNER_ANSWERS);
    window_sent(&s.windows[1], NOW - 50 * MSEC);
    (void)window_reply(&s.windows[1], NOW - 50 * MSEC, 5 * MSEC);
    assert_yes(FACT_INNER_ANSWERS);
}

static void test_the_first_answer_after_an_outage_counts(void **state)
{
    (void)state;
    is_lost(&s);
    window_sent(&s.windows[0], NOW - 100 * MSEC);
    (void)window_reply(&s.windows[0], NOW - 100 * MSEC, 5 * MSEC);
    assert_yes(FACT_INNER_ANSWERS);
}

static void test_the_daemon(void **state)
{
    (void)state;
    daemon_dead(&s);
    assert_no(FACT_DAEMON_ANSWERS);
    assert_yes(FACT_DAEMON_DEAD);
    assert_no(FACT_DAEMON_HUNG);
    assert_unknown(FACT_IKE_SA); /* the last list is of a daemon that is no more */
    daemon_hung(&s);
    assert_no(FACT_DAEMON_DEAD);
    assert_yes(FACT_DAEMON_HUNG);
    daemon_denied(&s);
    assert_no(FACT_DAEMON_ANSWERS);
    assert_no(FACT_DAEMON_DEAD);
    assert_no(FACT_DAEMON_HUNG);
    s.ike.daemon = IKE_DAEMON_UNKNOWN;
    assert_unknown(FACT_DAEMON_ANSWERS);
    no_daemon(&s);
    s.ike.daemon = IKE_DAEMON_OK;
    assert_unknown(FACT_DAEMON_ANSWERS);
    assert_unknown(FACT_IKE_SA);
}

static void test_a_list_grows_old(void **state)
{
    static const enum fact of_the_list[] = {FACT_LOADED,     FACT_IKE_SA,   FACT_CHILD_SA,
                                            FACT_CONNECTING, FACT_IN_MOVES, FACT_OUT_MOVES};

    (void)state;
    no_child(&s);
    s.ike.when = NOW - FACT_STALE_SPAN;
    assert_no(FACT_CHILD_SA);
    s.ike.when--;
    for (size_t i = 0; i < sizeof(of_the_list) / sizeof(of_the_list[0]); i++)
        assert_unknown(of_the_list[i]);
    s.ike.when = 0;
    assert_unknown(FACT_CHILD_SA);
}

static void test_counters(void **state)
{
    (void)state;
    is_lost(&s);
    assert_no(FACT_IN_MOVES);
    assert_yes(FACT_OUT_MOVES);
    s.ike.in_moved = 0; /* never a packet */
    assert_no(FACT_IN_MOVES);
    no_child(&s);
    assert_unknown(FACT_IN_MOVES);
    assert_unknown(FACT_OUT_MOVES);
}

static void test_counters_need_time_to_stand_still(void **state)
{
    (void)state;
    is_lost(&s);
    s.ike.when = NOW;
    s.ike.in_moved = NOW - FACT_COUNTER_SPAN - 1;
    assert_no(FACT_IN_MOVES);
    /* The list is older than its counters' silence: whether they moved since nobody knows. */
    s.ike.in_moved = NOW - 5 * SEC;
    s.ike.when = NOW - 4 * SEC;
    assert_unknown(FACT_IN_MOVES);
    /* New SAs. */
    s.ike.when = NOW;
    s.ike.in_moved = TROUBLE;
    s.ike.child_since = NOW - SEC;
    assert_unknown(FACT_IN_MOVES);
    s.ike.child_since = TROUBLE;
    s.ike.established_at = NOW - SEC;
    assert_unknown(FACT_IN_MOVES);
    s.ike.established_at = TROUBLE;
    assert_no(FACT_IN_MOVES);
}

/* The list that the first loss made us ask for counts the ten seconds before, when all was well. */
static void test_the_first_list_of_a_trouble_counts_what_was_before(void **state)
{
    (void)state;
    is_lost_just_now(&s);
    assert_unknown(FACT_IN_MOVES);
    s.ike.in_moved = NOW - 400 * MSEC;
    assert_yes(FACT_IN_MOVES);
}

static void test_pings(void **state)
{
    (void)state;
    is_lost(&s);
    assert_unknown(FACT_ENDPOINT_ANSWERS); /* the last answer is of the time before */
    assert_yes(FACT_ENDPOINT_KNOWN);
    answers_pings(&s);
    assert_yes(FACT_ENDPOINT_ANSWERS);
    assert_no(FACT_ENDPOINT_SILENT_LONG);
    missed_one_ping(&s);
    assert_yes(FACT_ENDPOINT_ANSWERS); /* one may get lost */
    s.ping.unanswered = FACT_SILENT_PINGS;
    assert_no(FACT_ENDPOINT_ANSWERS);
    assert_no(FACT_ENDPOINT_SILENT_LONG);
    s.ping.first_sent = NOW - FACT_REPLACEMENT_SPAN;
    assert_no(FACT_ENDPOINT_SILENT_LONG);
    s.ping.first_sent--;
    assert_yes(FACT_ENDPOINT_SILENT_LONG);
}

static void test_an_endpoint_that_never_answered(void **state)
{
    (void)state;
    is_lost(&s);
    s.ping = (struct ping_view){0};
    assert_unknown(FACT_ENDPOINT_KNOWN);
    assert_unknown(FACT_ENDPOINT_ANSWERS);
    s.ping.unanswered = 1;
    assert_unknown(FACT_ENDPOINT_KNOWN);
    never_answered(&s);
    assert_no(FACT_ENDPOINT_KNOWN);
    assert_no(FACT_ENDPOINT_ANSWERS);
    cannot_ping(&s);
    assert_no(FACT_ENDPOINT_KNOWN);
    assert_unknown(FACT_ENDPOINT_ANSWERS);
}

static void test_a_ping_that_cannot_be_sent_says_nothing(void **state)
{
    (void)state;
    is_lost(&s);
    answers_pings(&s);
    s.ping.failed = EPERM;
    assert_unknown(FACT_ENDPOINT_ANSWERS);
    assert_yes(FACT_ENDPOINT_KNOWN);
}

static void test_coming_back(void **state)
{
    (void)state;
    is_lost(&s);
    comes_back(&s);
    assert_yes(FACT_ENDPOINT_CAME_BACK);
    s.ike.established_at = s.ping.came_back; /* newer SAs */
    assert_no(FACT_ENDPOINT_CAME_BACK);
    s.ike.established_at = 100 * SEC;
    list_is_old(&s);
    assert_unknown(FACT_ENDPOINT_CAME_BACK);
    s.ike.when = NOW;
    s.ping.came_back = TROUBLE - 1; /* in another trouble */
    assert_no(FACT_ENDPOINT_CAME_BACK);
    s.ping.came_back = 0;
    assert_no(FACT_ENDPOINT_CAME_BACK);
    comes_back(&s);
    s.verdict.trouble_since = 0; /* it is over */
    assert_no(FACT_ENDPOINT_CAME_BACK);
    s.verdict.trouble_since = TROUBLE;
    no_sas(&s);
    assert_no(FACT_ENDPOINT_CAME_BACK);
}

/* A path that was cut and healed leaves good SAs: they get the time to show it. An attempt needs none. */
static void test_coming_back_gives_old_sas_a_moment(void **state)
{
    (void)state;
    is_lost(&s);
    comes_back(&s);
    s.ping.came_back = NOW - FACT_RETURN_SPAN + 1;
    assert_unknown(FACT_ENDPOINT_CAME_BACK);
    s.ping.came_back--;
    assert_yes(FACT_ENDPOINT_CAME_BACK);
    is_connecting(&s);
    s.ping.came_back = NOW;
    assert_yes(FACT_ENDPOINT_CAME_BACK);
    s.ike.connecting_since = NOW; /* begun since */
    assert_no(FACT_ENDPOINT_CAME_BACK);
}

static void test_failures(void **state)
{
    (void)state;
    is_lost(&s);
    no_sas(&s);
    failed_authentication(&s);
    assert_yes(FACT_AUTH_FAILED);
    assert_no(FACT_NO_PROPOSAL);
    assert_no(FACT_TS_UNACCEPTABLE);
    assert_no(FACT_IDENTITY_MISMATCH);
    failed_with_outcome(&s, OUTCOME_IKE_TIMEOUT);
    assert_no(FACT_AUTH_FAILED);
    failed_authentication(&s);
    s.ike.failure_at = NOW - FACT_FAILURE_SPAN;
    assert_yes(FACT_AUTH_FAILED);
    s.ike.failure_at--;
    assert_unknown(FACT_AUTH_FAILED);
    s.ike.failure_at = 0;
    assert_unknown(FACT_AUTH_FAILED);
}

static void test_a_failure_is_settled_by_a_newer_ike_sa(void **state)
{
    (void)state;
    failed_authentication(&s);
    assert_yes(FACT_AUTH_FAILED); /* the IKE_SA is older: it would not come up again */
    s.ike.established_at = s.ike.failure_at + SEC + 1;
    assert_no(FACT_AUTH_FAILED);
    /* The IKE_SA of the very attempt whose CHILD_SA was refused, as its age in whole seconds makes it look. */
    failed_selectors(&s);
    s.ike.established_at = s.ike.failure_at + 800 * MSEC;
    assert_yes(FACT_TS_UNACCEPTABLE);
}

static void test_the_kernels_word(void **state)
{
    static const enum uplink_state bad[] = {UPLINK_NO_ROUTE, UPLINK_LINK_DOWN, UPLINK_NO_GATEWAY};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        healthy(&s);
        is_lost(&s);
        answers_pings(&s);
        api_is_reached(&s);
        s.host.uplink = bad[i];
        assert_no(FACT_UPLINK_WORKS);
    }
    healthy(&s);
    is_lost(&s);
    cannot_ask_kernel(&s);
    assert_unknown(FACT_UPLINK_WORKS);
    pings_have_no_way(&s);
    assert_no(FACT_UPLINK_WORKS);
    s.ping.failed = EPERM; /* a firewall of our own, not the way */
    assert_unknown(FACT_UPLINK_WORKS);
}

static void test_silence_around(void **state)
{
    (void)state;
    is_lost(&s);
    is_silent(&s);
    assert_unknown(FACT_UPLINK_WORKS); /* the endpoint, or everything? */
    api_is_unreachable(&s);
    assert_no(FACT_UPLINK_WORKS);
    s.host.api_unreachable = false;
    all_are_silent(&s);
    assert_no(FACT_UPLINK_WORKS);
    s.host.api_pending = true; /* both endpoints were replaced in one go, or everything is away? AWS will tell */
    s.verdict.since = NOW - FACT_API_SPAN + 1;
    assert_unknown(FACT_UPLINK_WORKS);
    s.verdict.since = NOW - FACT_API_SPAN;
    assert_no(FACT_UPLINK_WORKS);
    s.host.api_pending = false;
    api_is_reached(&s);
    assert_yes(FACT_UPLINK_WORKS);
    s.host.api_reachable = false;
    s.verdict.verdict = VERDICT_DEGRADED;
    assert_unknown(FACT_UPLINK_WORKS);
    s.verdict.verdict = VERDICT_DOWN;
    answers_pings(&s);
    assert_yes(FACT_UPLINK_WORKS);
    /* An endpoint that never answered anything does not make the uplink doubtful. */
    healthy(&s);
    is_lost(&s);
    never_answered(&s);
    assert_yes(FACT_UPLINK_WORKS);
    api_is_unreachable(&s);
    assert_no(FACT_UPLINK_WORKS);
}

static void test_telemetry_must_be_read_since(void **state)
{
    (void)state;
    is_lost(&s);
    assert_unknown(FACT_AWS_UP);
    assert_unknown(FACT_AWS_MODIFYING);
    aws_was_read(&s);
    assert_yes(FACT_AWS_UP); /* it lags, but that is what AWS says */
    assert_no(FACT_AWS_MODIFYING);
    aws_says_down(&s);
    assert_no(FACT_AWS_UP);
    s.aws.only_bgp_down = true; /* "IPSEC IS UP" beside the status DOWN */
    assert_yes(FACT_AWS_UP);
    s.aws.telemetry_known = false;
    assert_unknown(FACT_AWS_UP);
    healthy(&s);
    s.aws.when = s.aws.telemetry_read = NOW - VERDICT_TELEMETRY_SPAN - 1;
    assert_unknown(FACT_AWS_UP);
    assert_unknown(FACT_AWS_MODIFYING);
}

static void test_modifying(void **state)
{
    (void)state;
    is_lost(&s);
    aws_modifies(&s);
    assert_yes(FACT_AWS_MODIFYING);
    assert_unknown(FACT_AWS_UP); /* telemetry means nothing meanwhile */
    s.aws.state = EC2_STATE_PENDING;
    assert_yes(FACT_AWS_MODIFYING);
    s.aws.state = EC2_STATE_UNKNOWN;
    assert_unknown(FACT_AWS_MODIFYING);
    healthy(&s);
    is_lost(&s);
    we_modify(&s);
    assert_yes(FACT_AWS_MODIFYING); /* our own change is known before AWS tells of it */
}

static void test_startup_action(void **state)
{
    (void)state;
    is_lost(&s);
    assert_no(FACT_AWS_DIALS); /* options do not change by themselves: an older reading will do */
    aws_starts(&s);
    assert_yes(FACT_AWS_DIALS);
    s.aws.tunnel_known = false;
    assert_unknown(FACT_AWS_DIALS);
    aws_never_read(&s);
    assert_unknown(FACT_AWS_DIALS);
    no_aws(&s);
    assert_unknown(FACT_AWS_DIALS);
    assert_unknown(FACT_AWS_MODIFYING);
    assert_unknown(FACT_AWS_UP);
}

/* Every fact can be told in all three ways, in phrases that fit a list of evidence and fit the buffer. */
static void test_texts(void **state)
{
    char yes[FACT_TEXT_MAX], no[FACT_TEXT_MAX], unknown[FACT_TEXT_MAX];

    (void)state;
    for (enum fact f = FACT_NONE + 1; f < FACT_MAX_; f++) {
        assert_ptr_equal(fact_text(f, TRUTH_YES, yes), yes);
        (void)fact_text(f, TRUTH_NO, no);
        (void)fact_text(f, TRUTH_UNKNOWN, unknown);
        assert_string_not_equal(yes, no);
        assert_true(strlen(yes) > 10 && strlen(no) > 10);
        assert_true(strlen(unknown) < FACT_TEXT_MAX - 1);
        assert_ptr_equal(strstr(unknown, "it is not known whether "), unknown);
        assert_true(yes[strlen(yes) - 1] != '.' && no[strlen(no) - 1] != '.');
        for (enum fact other = FACT_NONE; other < f; other++)
            assert_string_not_equal(fact_name(f), fact_name(other));
    }
    assert_string_equal(fact_text(FACT_CHILD_SA, TRUTH_NO, no), "no CHILD_SA is installed");
    assert_string_equal(fact_text(FACT_ENDPOINT_ANSWERS, TRUTH_UNKNOWN, unknown),
                        "it is not known whether the endpoint answers IKE pings");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_empty_views_say_nothing, begin_healthy),
        cmocka_unit_test_setup(test_a_healthy_tunnel, begin_healthy),
        cmocka_unit_test_setup(test_targets, begin_healthy),
        cmocka_unit_test_setup(test_a_single_loss_leaves_it_open, begin_healthy),
        cmocka_unit_test_setup(test_an_answer_from_before_a_loss_does_not_count, begin_healthy),
        cmocka_unit_test_setup(test_the_first_answer_after_an_outage_counts, begin_healthy),
        cmocka_unit_test_setup(test_the_daemon, begin_healthy),
        cmocka_unit_test_setup(test_a_list_grows_old, begin_healthy),
        cmocka_unit_test_setup(test_counters, begin_healthy),
        cmocka_unit_test_setup(test_counters_need_time_to_stand_still, begin_healthy),
        cmocka_unit_test_setup(test_the_first_list_of_a_trouble_counts_what_was_before, begin_healthy),
        cmocka_unit_test_setup(test_pings, begin_healthy),
        cmocka_unit_test_setup(test_an_endpoint_that_never_answered, begin_healthy),
        cmocka_unit_test_setup(test_a_ping_that_cannot_be_sent_says_nothing, begin_healthy),
        cmocka_unit_test_setup(test_coming_back, begin_healthy),
        cmocka_unit_test_setup(test_coming_back_gives_old_sas_a_moment, begin_healthy),
        cmocka_unit_test_setup(test_failures, begin_healthy),
        cmocka_unit_test_setup(test_a_failure_is_settled_by_a_newer_ike_sa, begin_healthy),
        cmocka_unit_test_setup(test_the_kernels_word, begin_healthy),
        cmocka_unit_test_setup(test_silence_around, begin_healthy),
        cmocka_unit_test_setup(test_telemetry_must_be_read_since, begin_healthy),
        cmocka_unit_test_setup(test_modifying, begin_healthy),
        cmocka_unit_test_setup(test_startup_action, begin_healthy),
        cmocka_unit_test_setup(test_texts, begin_healthy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
