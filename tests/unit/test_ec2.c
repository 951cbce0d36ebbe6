/* The client against a small EC2 endpoint: what it sends, when it repeats itself, and what it tells of errors. */
#include "tests/unit/fake_ec2.h"

struct result {
    bool done;
    struct aws_failure failure;
    size_t n;
    struct ec2_connection first;
};

static void on_described(void *data, const struct aws_failure *f, const struct ec2_connections *c)
{
    struct result *r = data;

    assert_false(r->done);
    assert_true((f->error == AWS_OK) == (c != NULL));
    r->done = true;
    r->failure = *f;
    r->n = c ? c->n : 0;
    if (r->n > 0)
        r->first = c->connections[0];
}

static void on_modified(void *data, const struct aws_failure *f, const struct ec2_connection *c)
{
    struct result *r = data;

    assert_false(r->done);
    r->done = true;
    r->failure = *f;
    r->n = c != NULL;
    if (c)
        r->first = *c;
}

static struct result describe(struct fake_ec2 *f)
{
    const char *const ids[] = {"vpn-1", "vpn-2"};
    struct result r = {0};

    assert_int_equal(ec2_describe_vpn_connections(f->ec2, ids, ARRAY_LEN(ids), on_described, &r), 0);
    assert_false(r.done);
    fake_wait(f, &r.done);
    return r;
}

static struct result modify(struct fake_ec2 *f, bool dry_run)
{
    const struct ec2_tunnel_change change = {.set_startup_action = true, .startup_action = EC2_STARTUP_START};
    struct result r = {0};
    struct addr outside;

    assert_int_equal(addr_parse(FAKE_OUTSIDE, &outside), 0);
    assert_int_equal(ec2_modify_vpn_tunnel_options(f->ec2, "vpn-1", &outside, &change, dry_run, on_modified, &r), 0);
    fake_wait(f, &r.done);
    return r;
}

static void test_describe_asks_for_the_connections(void **state)
{
    struct fake_ec2 *f = *state;
    struct result r;

    fake_queue_described_one(f, (struct fake_tunnel){.state = "available", .dpd = "restart"});
    r = describe(f);
    assert_int_equal(r.failure.error, AWS_OK);
    assert_int_equal(r.n, 1);
    assert_string_equal(r.first.id, "vpn-1");
    assert_int_equal(r.first.tunnels[1].dpd_action, EC2_DPD_RESTART);
    assert_string_equal(f->forms[0], "Action=DescribeVpnConnections&Version=2016-11-15&VpnConnectionId.1=vpn-1&"
                                     "VpnConnectionId.2=vpn-2");
}

static void test_session_token_is_sent(void **state)
{
    struct fake_ec2 *f = *state;

    setenv("AWS_SESSION_TOKEN", "token/+=", 1);
    fake_queue_described_one(f, (struct fake_tunnel){.state = "available"});
    assert_int_equal(describe(f).failure.error, AWS_OK);
    assert_string_equal(f->tokens[0], "token/+=");
}

static void test_wrong_clock_is_corrected_once_for_all(void **state)
{
    struct fake_ec2 *f = *state;

    f->strict_clock = true;
    f->clock_offset = -20 * (int64_t)USEC_PER_MIN;
    fake_queue_described_one(f, (struct fake_tunnel){.state = "available"});
    fake_queue_modified(f, (struct fake_tunnel){.state = "modifying"});
    assert_int_equal(describe(f).failure.error, AWS_OK);
    assert_int_equal(f->n_requests, 2);
    assert_int_equal(modify(f, false).failure.error, AWS_OK);
    assert_int_equal(f->n_requests, 3);
    /* The host's clock is set right: the correction is wrong from now on, and is corrected. */
    f->clock_offset = 0;
    fake_queue_modified(f, (struct fake_tunnel){.state = "modifying"});
    assert_int_equal(modify(f, false).failure.error, AWS_OK);
    assert_int_equal(f->n_requests, 5);
}

static void test_expired_request_is_repeated_with_the_right_time(void **state)
{
    struct fake_ec2 *f = *state;

    f->clock_offset = 20 * (int64_t)USEC_PER_MIN;
    fake_queue_error(f, 400, "RequestExpired");
    fake_queue_modified(f, (struct fake_tunnel){.state = "modifying"});
    assert_int_equal(modify(f, false).failure.error, AWS_OK);
    f->strict_clock = true;
    fake_queue_described_one(f, (struct fake_tunnel){.state = "available"});
    assert_int_equal(describe(f).failure.error, AWS_OK);
    assert_int_equal(f->n_requests, 3);
}

static void test_rejected_keys_with_a_right_clock_are_not_repeated(void **state)
{
    struct fake_ec2 *f = *state;
    struct result r;

    fake_queue_error(f, 401, "AuthFailure");
    r = describe(f);
    assert_int_equal(r.failure.error, AWS_CREDENTIALS);
    assert_string_equal(r.failure.code, "AuthFailure");
    assert_int_equal(f->n_requests, 1);
}

static void test_expired_keys_are_looked_up_anew(void **state)
{
    struct fake_ec2 *f = *state;

    fake_queue_error(f, 400, "ExpiredToken");
    fake_queue_described_one(f, (struct fake_tunnel){.state = "available"});
    assert_int_equal(describe(f).failure.error, AWS_OK);
    fake_queue_error(f, 400, "ExpiredToken");
    fake_queue_error(f, 400, "ExpiredToken");
    assert_int_equal(describe(f).failure.error, AWS_CREDENTIALS);
    assert_int_equal(f->n_requests, 4);
}

static void test_throttled_change_is_repeated(void **state)
{
    struct fake_ec2 *f = *state;

    fake_queue_error(f, 503, "RequestLimitExceeded");
    fake_queue_modified(f, (struct fake_tunnel){.state = "modifying"});
    assert_int_equal(modify(f, false).failure.error, AWS_OK);
    assert_int_equal(f->n_requests, 2);
}

static void test_three_tries_at_most(void **state)
{
    struct fake_ec2 *f = *state;

    for (size_t i = 0; i < 3; i++)
        fake_queue_error(f, 503, "RequestLimitExceeded");
    assert_int_equal(describe(f).failure.error, AWS_THROTTLED);
    assert_int_equal(f->n_requests, 3);
}

static void test_failed_question_is_repeated(void **state)
{
    struct fake_ec2 *f = *state;

    fake_queue(f, 0, "");
    fake_queue_error(f, 503, "Unavailable");
    fake_queue_described_one(f, (struct fake_tunnel){.state = "available"});
    assert_int_equal(describe(f).failure.error, AWS_OK);
    assert_int_equal(f->n_requests, 3);
}

static void test_change_of_unknown_outcome_is_never_repeated(void **state)
{
    struct fake_ec2 *f = *state;

    fake_queue_error(f, 503, "Unavailable");
    assert_int_equal(modify(f, false).failure.error, AWS_UNAVAILABLE);
    assert_int_equal(f->n_requests, 1);
    fake_queue(f, 0, "");
    assert_int_equal(modify(f, false).failure.error, AWS_UNREACHABLE);
    assert_int_equal(f->n_requests, 2);
    fake_queue(f, 200, "<cut");
    assert_int_equal(modify(f, false).failure.error, AWS_PROTOCOL);
    assert_int_equal(f->n_requests, 3);
}

static void test_change_names_tunnel_and_option(void **state)
{
    struct fake_ec2 *f = *state;
    struct result r;

    fake_queue_modified(f, (struct fake_tunnel){.state = "modifying"});
    r = modify(f, false);
    assert_int_equal(r.failure.error, AWS_OK);
    assert_int_equal(r.first.state, EC2_STATE_MODIFYING);
    assert_string_equal(f->forms[0], "Action=ModifyVpnTunnelOptions&Version=2016-11-15&VpnConnectionId=vpn-1&"
                                     "VpnTunnelOutsideIpAddress=" FAKE_OUTSIDE "&TunnelOptions.StartupAction=start");
}

static void test_dry_run(void **state)
{
    struct fake_ec2 *f = *state;
    struct result r;

    fake_queue_error(f, 412, "DryRunOperation");
    r = modify(f, true);
    assert_int_equal(r.failure.error, AWS_OK);
    assert_int_equal(r.n, 0);
    assert_int_equal(fake_count(f, "&DryRun=true"), 1);
    fake_queue_error(f, 403, "UnauthorizedOperation");
    r = modify(f, true);
    assert_int_equal(r.failure.error, AWS_PERMISSION);
    assert_non_null(strstr(r.failure.text, "ec2:ModifyVpnTunnelOptions"));
}

static void test_unreadable_answer(void **state)
{
    struct fake_ec2 *f = *state;

    fake_queue(f, 200, "<html><body>Please log in</body></html>");
    assert_int_equal(describe(f).failure.error, AWS_PROTOCOL);
}

static void test_nobody_answers(void **state)
{
    struct fake_ec2 *f = *state;
    struct result r;

    fake_stop_listening(f);
    r = describe(f);
    assert_int_equal(r.failure.error, AWS_UNREACHABLE);
    assert_string_equal(r.failure.code, "");
    assert_null(strstr(r.failure.text, "http"));
}

static void test_no_credentials(void **state)
{
    struct fake_ec2 *f = *state;
    struct result r;

    unsetenv("AWS_ACCESS_KEY_ID");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    r = describe(f);
    assert_int_equal(r.failure.error, AWS_CREDENTIALS);
    assert_non_null(strstr(r.failure.text, "looked at AWS_ACCESS_KEY_ID in the environment"));
    assert_int_equal(f->n_requests, 0);
}

static void test_cancelled_call_is_silent(void **state)
{
    struct fake_ec2 *f = *state;
    struct result cancelled = {0};

    assert_int_equal(ec2_describe_vpn_connections(f->ec2, NULL, 0, on_described, &cancelled), 0);
    ec2_cancel(f->ec2, &cancelled);
    fake_queue_described_one(f, (struct fake_tunnel){.state = "available"});
    assert_int_equal(describe(f).failure.error, AWS_OK);
    assert_false(cancelled.done);
    assert_int_equal(f->n_requests, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_set_up, fake_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_describe_asks_for_the_connections),
        TEST(test_session_token_is_sent),
        TEST(test_wrong_clock_is_corrected_once_for_all),
        TEST(test_expired_request_is_repeated_with_the_right_time),
        TEST(test_rejected_keys_with_a_right_clock_are_not_repeated),
        TEST(test_expired_keys_are_looked_up_anew),
        TEST(test_throttled_change_is_repeated),
        TEST(test_three_tries_at_most),
        TEST(test_failed_question_is_repeated),
        TEST(test_change_of_unknown_outcome_is_never_repeated),
        TEST(test_change_names_tunnel_and_option),
        TEST(test_dry_run),
        TEST(test_unreadable_answer),
        TEST(test_nobody_answers),
        TEST(test_no_credentials),
        TEST(test_cancelled_call_is_silent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
