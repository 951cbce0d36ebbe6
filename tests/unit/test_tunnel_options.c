/* The change of a tunnel's options against a small EC2 endpoint: never without need, never twice, never the wrong
 * tunnel. */
#include "remediation/tunnel_options.h"

#include "tests/unit/fake_ec2.h"

#define POLL (20 * USEC_PER_MSEC)

struct run {
    struct tunnel_options *t;
    struct tunnel_options_intent intent;
    bool intended, hold; /* HOLD: does not proceed */
    unsigned accepted;
    bool done;
    struct outcome outcome;
};

static void on_intent(void *data, struct tunnel_options *t, const struct tunnel_options_intent *i)
{
    struct run *r = data;

    assert_false(r->intended);
    assert_ptr_equal(r->t, t);
    r->intended = true;
    r->intent = *i;
    if (!r->hold)
        tunnel_options_proceed(t);
}

static void on_accepted(void *data)
{
    struct run *r = data;

    r->accepted++;
}

static void on_done(void *data, const struct outcome *o)
{
    struct run *r = data;

    assert_false(r->done);
    r->done = true;
    r->outcome = *o;
}

static void start(struct fake_ec2 *f, struct run *r, usec_t deadline)
{
    struct tunnel_options_args args = {
        .ec2 = f->ec2,
        .connection_id = "vpn-1",
        .intend = on_intent,
        .accepted = on_accepted,
        .done = on_done,
        .data = r,
        .poll = POLL,
        .deadline = deadline,
    };

    assert_int_equal(addr_parse(FAKE_OUTSIDE, &args.outside), 0);
    assert_int_equal(tunnel_options_start(f->loop, &args, &r->t), 0);
}

static struct run run(struct fake_ec2 *f)
{
    struct run r = {0};

    start(f, &r, 0);
    fake_wait(f, &r.done);
    r.t = tunnel_options_free(r.t);
    return r;
}

static const struct fake_tunnel old = {.state = "available"};
static const struct fake_tunnel modifying = {.state = "modifying"};
static const struct fake_tunnel wanted = {.state = "available", .dpd = "restart", .startup = "start"};

static void test_diff_sends_only_what_differs(void **state)
{
    struct ec2_tunnel t = {.dpd_action = EC2_DPD_RESTART, .startup_action = EC2_STARTUP_ADD};

    (void)state;
    assert_false(tunnel_options_diff(&t).set_dpd_action);
    assert_true(tunnel_options_diff(&t).set_startup_action);
    t = (struct ec2_tunnel){.dpd_action = EC2_DPD_NONE, .startup_action = EC2_STARTUP_START};
    assert_true(tunnel_options_diff(&t).set_dpd_action);
    assert_false(tunnel_options_diff(&t).set_startup_action);
}

static void test_options_are_changed_and_read_back(void **state)
{
    struct fake_ec2 *f = *state;
    struct run r;

    fake_queue_described_one(f, old);
    fake_queue_modified(f, modifying);
    fake_queue_described_one(f, old); /* AWS's answers lag */
    fake_queue_described_one(f, modifying);
    fake_queue_described_one(f, wanted);
    r = run(f);
    assert_int_equal(r.outcome.result, OUTCOME_DONE);
    assert_string_equal(r.outcome.text, "DPDTimeoutAction clear -> restart, StartupAction add -> start");
    assert_int_equal(r.intent.dpd_before, EC2_DPD_CLEAR);
    assert_int_equal(r.accepted, 1);
    assert_int_equal(fake_count(f, "Action=ModifyVpnTunnelOptions"), 1);
    assert_non_null(strstr(f->forms[1], "VpnTunnelOutsideIpAddress=" FAKE_OUTSIDE
                                        "&TunnelOptions.DPDTimeoutAction=restart&TunnelOptions.StartupAction=start"));
}

static void test_one_option_is_left_alone(void **state)
{
    struct fake_ec2 *f = *state;
    struct run r;

    fake_queue_described_one(f, (struct fake_tunnel){.state = "available", .dpd = "restart"});
    fake_queue_modified(f, modifying);
    fake_queue_described_one(f, wanted);
    r = run(f);
    assert_string_equal(r.outcome.text, "StartupAction add -> start");
    assert_null(strstr(f->forms[1], "DPDTimeoutAction"));
}

static void test_nothing_to_do(void **state)
{
    struct fake_ec2 *f = *state;
    struct run r;

    fake_queue_described_one(f, wanted);
    r = run(f);
    assert_int_equal(r.outcome.result, OUTCOME_NOTHING);
    assert_false(r.intended);
    assert_int_equal(f->n_requests, 1);
}

static void assert_refused_before_the_call(struct fake_ec2 *f, const char *text)
{
    struct run r = run(f);

    assert_int_equal(r.outcome.result, OUTCOME_FAILED);
    assert_non_null(strstr(r.outcome.text, text));
    assert_false(r.intended);
    assert_int_equal(fake_count(f, "Action=ModifyVpnTunnelOptions"), 0);
}

static void test_not_while_aws_modifies(void **state)
{
    fake_queue_described_one(*state, modifying);
    assert_refused_before_the_call(*state, "AWS is modifying the connection");
}

static void test_not_without_ikev2(void **state)
{
    fake_queue_described_one(*state, (struct fake_tunnel){.state = "available", .ike = "ikev1"});
    assert_refused_before_the_call(*state, "IKEv2");
}

static void test_not_for_a_tunnel_that_is_not_there(void **state)
{
    const char *const other[] = {"vpn-2"};

    fake_queue_described(*state, other, 1, old);
    assert_refused_before_the_call(*state, "does not know");
}

static void test_not_where_aws_does_not_answer_well(void **state)
{
    fake_queue_error(*state, 403, "UnauthorizedOperation");
    assert_refused_before_the_call(*state, "ec2:DescribeVpnConnections");
}

static void test_refused_change_tells_why(void **state)
{
    struct fake_ec2 *f = *state;
    struct run r;

    fake_queue_described_one(f, old);
    fake_queue_error(f, 403, "UnauthorizedOperation");
    r = run(f);
    assert_int_equal(r.outcome.result, OUTCOME_FAILED);
    assert_non_null(strstr(r.outcome.text, "ec2:ModifyVpnTunnelOptions"));
    assert_int_equal(r.accepted, 0);
}

static void test_unknown_outcome_that_aws_acted_on(void **state)
{
    struct fake_ec2 *f = *state;
    struct run r;

    fake_queue_described_one(f, old);
    fake_queue_error(f, 503, "Unavailable");
    fake_queue_described_one(f, old);
    fake_queue_described_one(f, modifying);
    fake_queue_described_one(f, wanted);
    r = run(f);
    assert_int_equal(r.outcome.result, OUTCOME_DONE);
    assert_int_equal(r.accepted, 1);
    assert_int_equal(fake_count(f, "Action=ModifyVpnTunnelOptions"), 1);
}

static void test_unknown_outcome_that_aws_did_not_act_on(void **state)
{
    struct fake_ec2 *f = *state;
    struct run r;

    fake_queue_described_one(f, old);
    fake_queue(f, 0, "");
    for (size_t i = 0; i < 3; i++)
        fake_queue_described_one(f, old);
    r = run(f);
    assert_int_equal(r.outcome.result, OUTCOME_FAILED);
    assert_non_null(strstr(r.outcome.text, "did not change"));
    assert_int_equal(r.accepted, 0);
    assert_int_equal(fake_count(f, "Action=ModifyVpnTunnelOptions"), 1);
}

static void test_change_that_does_not_end(void **state)
{
    struct fake_ec2 *f = *state;
    struct run r = {0};

    fake_queue_described_one(f, old);
    fake_queue_modified(f, modifying);
    for (size_t i = 0; i < FAKE_QUEUE_MAX - 2; i++)
        fake_queue_described_one(f, modifying);
    start(f, &r, 15 * POLL);
    fake_wait(f, &r.done);
    assert_int_equal(r.outcome.result, OUTCOME_UNKNOWN);
    r.t = tunnel_options_free(r.t);
}

static void test_intention_that_is_not_stored_changes_nothing(void **state)
{
    struct fake_ec2 *f = *state;
    struct run r = {.hold = true};

    fake_queue_described_one(f, old);
    start(f, &r, 10 * POLL);
    fake_wait(f, &r.done);
    assert_int_equal(r.outcome.result, OUTCOME_FAILED);
    tunnel_options_proceed(r.t); /* too late */
    assert_true(loop_turn(f->loop, POLL) >= 0);
    assert_int_equal(f->n_requests, 1);
    r.t = tunnel_options_free(r.t);
}

static void test_freed_in_the_middle_is_silent(void **state)
{
    struct fake_ec2 *f = *state;
    struct run r = {.hold = true};

    fake_queue_described_one(f, old);
    start(f, &r, 0);
    fake_wait(f, &r.intended);
    tunnel_options_proceed(r.t);
    r.t = tunnel_options_free(r.t);
    assert_true(loop_turn(f->loop, POLL) >= 0);
    assert_false(r.done);
    assert_int_equal(f->n_requests, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_set_up, fake_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_diff_sends_only_what_differs),
        TEST(test_options_are_changed_and_read_back),
        TEST(test_one_option_is_left_alone),
        TEST(test_nothing_to_do),
        TEST(test_not_while_aws_modifies),
        TEST(test_not_without_ikev2),
        TEST(test_not_for_a_tunnel_that_is_not_there),
        TEST(test_not_where_aws_does_not_answer_well),
        TEST(test_refused_change_tells_why),
        TEST(test_unknown_outcome_that_aws_acted_on),
        TEST(test_unknown_outcome_that_aws_did_not_act_on),
        TEST(test_change_that_does_not_end),
        TEST(test_intention_that_is_not_stored_changes_nothing),
        TEST(test_freed_in_the_middle_is_silent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
