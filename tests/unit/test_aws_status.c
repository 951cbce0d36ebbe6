/* The watch over AWS: one call for all connections, fresh on request, old news kept through errors. */
#include "probes/aws_status.h"

#include "tests/unit/fake_ec2.h"

static const char *const ids[] = {"vpn-1", "vpn-2"};
static const struct fake_tunnel available = {.state = "available"};

struct watch {
    struct aws_status *status;
    bool news;
};

static void on_news(void *data, struct aws_status *s)
{
    struct watch *w = data;

    assert_ptr_equal(w->status, s);
    w->news = true;
}

static void start(struct fake_ec2 *f, struct watch *w, usec_t interval)
{
    assert_int_equal(aws_status_new(f->loop, f->ec2, ids, ARRAY_LEN(ids), interval, on_news, w, &w->status), 0);
    assert_true(aws_status_when(w->status) == 0);
    assert_null(aws_status_connection(w->status, "vpn-1"));
}

static void wait_for_news(struct fake_ec2 *f, struct watch *w)
{
    w->news = false;
    fake_wait(f, &w->news);
}

static enum aws_error error_of(const struct watch *w)
{
    usec_t at;

    return aws_status_error(w->status, &at)->error;
}

static void test_one_call_for_all_connections(void **state)
{
    struct fake_ec2 *f = *state;
    struct watch w = {0};

    fake_queue_described(f, ids, 2, available);
    start(f, &w, USEC_PER_HOUR);
    wait_for_news(f, &w);
    assert_int_equal(error_of(&w), AWS_OK);
    assert_true(aws_status_when(w.status) > 0);
    assert_int_equal(aws_status_connection(w.status, "vpn-2")->state, EC2_STATE_AVAILABLE);
    assert_null(aws_status_connection(w.status, "vpn-3"));
    assert_int_equal(f->n_requests, 1);
    w.status = aws_status_free(w.status);
}

static void test_polls_at_its_interval(void **state)
{
    struct fake_ec2 *f = *state;
    struct watch w = {0};

    fake_queue_described(f, ids, 2, available);
    fake_queue_described(f, ids, 2, available);
    start(f, &w, USEC_PER_HOUR);
    wait_for_news(f, &w);
    aws_status_set_interval(w.status, 50 * USEC_PER_MSEC);
    wait_for_news(f, &w);
    assert_int_equal(f->n_requests, 2);
    w.status = aws_status_free(w.status);
}

static void test_refresh_asks_again_after_the_call_under_way(void **state)
{
    struct fake_ec2 *f = *state;
    struct watch w = {0};

    fake_queue_described(f, ids, 2, available);
    fake_queue_described(f, ids, 2, (struct fake_tunnel){.state = "modifying"});
    start(f, &w, USEC_PER_HOUR);
    while (f->n_requests == 0)
        assert_true(loop_turn(f->loop, USEC_PER_SEC) >= 0);
    aws_status_refresh(w.status);
    aws_status_refresh(w.status);
    wait_for_news(f, &w);
    wait_for_news(f, &w);
    assert_int_equal(aws_status_connection(w.status, "vpn-1")->state, EC2_STATE_MODIFYING);
    assert_int_equal(f->n_requests, 2);
    w.status = aws_status_free(w.status);
}

static void test_error_keeps_the_last_good_answer(void **state)
{
    struct fake_ec2 *f = *state;
    struct watch w = {0};
    usec_t when;

    fake_queue_described(f, ids, 2, available);
    fake_queue_error(f, 403, "UnauthorizedOperation");
    start(f, &w, USEC_PER_HOUR);
    wait_for_news(f, &w);
    when = aws_status_when(w.status);
    aws_status_refresh(w.status);
    wait_for_news(f, &w);
    assert_int_equal(error_of(&w), AWS_PERMISSION);
    assert_true(aws_status_when(w.status) == when);
    assert_non_null(aws_status_connection(w.status, "vpn-1"));
    w.status = aws_status_free(w.status);
}

static void test_unknown_id_does_not_hide_the_others(void **state)
{
    struct fake_ec2 *f = *state;
    struct watch w = {0};

    fake_queue_error(f, 400, "InvalidVpnConnectionID.NotFound");
    fake_queue_described(f, (const char *const[]){"vpn-9", "vpn-1"}, 2, available);
    start(f, &w, USEC_PER_HOUR);
    wait_for_news(f, &w);
    assert_int_equal(error_of(&w), AWS_OK);
    assert_non_null(aws_status_connection(w.status, "vpn-1"));
    assert_null(aws_status_connection(w.status, "vpn-2"));
    assert_null(aws_status_connection(w.status, "vpn-9"));
    w.status = aws_status_free(w.status);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_set_up, fake_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_call_for_all_connections),
        TEST(test_polls_at_its_interval),
        TEST(test_refresh_asks_again_after_the_call_under_way),
        TEST(test_error_keeps_the_last_good_answer),
        TEST(test_unknown_id_does_not_hide_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
