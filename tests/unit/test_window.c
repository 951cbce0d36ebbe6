/* The window of one target: what was sent, answered, late, lost and could not be measured. */
#include "agent/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#define MSEC USEC_PER_MSEC
#define SEC  USEC_PER_SEC

static struct window w;

static int begin_empty(void **state)
{
    (void)state;
    window_clear(&w);
    return 0;
}

static void answer(usec_t sent, usec_t rtt)
{
    window_sent(&w, sent);
    assert_true(window_reply(&w, sent, rtt));
}

static void lose(usec_t sent)
{
    window_sent(&w, sent);
    window_lose(&w, sent, 0);
}

static struct window_summary sum(void)
{
    return window_summarise(&w);
}

static void test_empty(void **state)
{
    struct window_summary s = sum();

    (void)state;
    assert_int_equal(s.ok + s.lost + s.pending + s.failed, 0);
    assert_int_equal(s.lost_run, 0);
    assert_int_equal(s.lost_since, 0);
    assert_int_equal(s.last_ok, 0);
    assert_false(s.failing);
    assert_true(s.loss <= 0);
    assert_int_equal(window_next_expiry(&w), USEC_NEVER);
    assert_int_equal(window_expire(&w, 100 * SEC), 0);
    assert_false(window_reply(&w, 5, 1));
    window_lose(&w, 5, 0);
    window_discard(&w, 0, 100 * SEC);
    assert_int_equal(window_loss_since(&w, 0).n, 0);
}

static void test_an_echo_is_pending_then_late(void **state)
{
    usec_t late = window_late_after(&w);

    (void)state;
    window_sent(&w, 10 * SEC);
    window_sent(&w, 10 * SEC + 100 * MSEC);
    assert_int_equal(sum().pending, 2);
    assert_int_equal(window_next_expiry(&w), 10 * SEC + late);
    assert_int_equal(window_expire(&w, 10 * SEC + late - 1), 0);
    assert_int_equal(window_expire(&w, 10 * SEC + late), 1);
    assert_int_equal(sum().lost, 1);
    assert_int_equal(window_next_expiry(&w), 10 * SEC + 100 * MSEC + late);
    assert_int_equal(window_expire(&w, 20 * SEC), 1);
    assert_int_equal(window_expire(&w, 20 * SEC), 0); /* once */
    assert_int_equal(window_next_expiry(&w), USEC_NEVER);
}

static void test_a_late_reply_unloses_its_echo(void **state)
{
    struct window_summary s;

    (void)state;
    answer(1 * SEC, 10 * MSEC);
    for (usec_t i = 0; i < 5; i++)
        window_sent(&w, 2 * SEC + i * 100 * MSEC);
    (void)window_expire(&w, 10 * SEC);
    assert_int_equal(sum().lost_run, 5);
    assert_int_equal(sum().lost_since, 2 * SEC);
    assert_true(window_reply(&w, 2 * SEC + 200 * MSEC, 7 * SEC));
    s = sum();
    assert_int_equal(s.lost, 4);
    assert_int_equal(s.ok, 2);
    assert_int_equal(s.lost_run, 2);
    assert_int_equal(s.lost_since, 2 * SEC + 300 * MSEC);
    assert_int_equal(s.last_ok, 2 * SEC + 200 * MSEC);
}

static void test_a_reply_counts_once_and_only_for_what_was_sent(void **state)
{
    (void)state;
    answer(1 * SEC, 10 * MSEC);
    assert_false(window_reply(&w, 1 * SEC, 10 * MSEC)); /* a duplicate */
    assert_false(window_reply(&w, 1 * SEC + 1, 10 * MSEC));
    window_failed(&w, 2 * SEC, EPERM);
    assert_false(window_reply(&w, 2 * SEC, 10 * MSEC)); /* it never left */
    assert_int_equal(sum().ok, 1);
    assert_int_equal(sum().failed, 1);
}

static void test_an_answered_echo_is_not_lost_again(void **state)
{
    (void)state;
    answer(1 * SEC, 10 * MSEC);
    window_lose(&w, 1 * SEC, ECONNREFUSED);
    assert_int_equal(window_expire(&w, 100 * SEC), 0);
    assert_int_equal(sum().ok, 1);
    assert_int_equal(sum().lost, 0);
}

static void test_runs_pass_over_what_is_open_or_failed(void **state)
{
    struct window_summary s;

    (void)state;
    answer(1 * SEC, 10 * MSEC);
    lose(2 * SEC);
    window_failed(&w, 3 * SEC, ENOBUFS);
    lose(4 * SEC);
    window_sent(&w, 5 * SEC);
    s = sum();
    assert_int_equal(s.lost_run, 2);
    assert_int_equal(s.lost_since, 2 * SEC);
    assert_int_equal(s.ok_run, 0);
    assert_int_equal(s.last_ok, 1 * SEC);
    assert_false(s.failing); /* the newest that is known was lost, not failed */

    answer(6 * SEC, 10 * MSEC);
    answer(7 * SEC, 10 * MSEC);
    window_failed(&w, 8 * SEC, ENOBUFS);
    s = sum();
    assert_int_equal(s.ok_run, 2);
    assert_int_equal(s.lost_run, 0);
    assert_int_equal(s.lost_since, 0);
    assert_true(s.failing);
    assert_int_equal(s.reason, ENOBUFS);
    window_sent(&w, 9 * SEC); /* PENDING does not hide that it fails */
    assert_true(sum().failing);
}

static void test_a_gap_in_the_answers_ends_the_run_of_answers(void **state)
{
    (void)state;
    for (usec_t i = 1; i <= 5; i++)
        answer(i * SEC, 10 * MSEC);
    assert_int_equal(sum().ok_run, 5);
    lose(6 * SEC);
    answer(7 * SEC, 10 * MSEC);
    assert_int_equal(sum().ok_run, 1);
}

static void test_loss_is_of_what_is_known(void **state)
{
    (void)state;
    for (usec_t i = 0; i < 3; i++)
        answer((i + 1) * SEC, 10 * MSEC);
    lose(10 * SEC);
    window_failed(&w, 11 * SEC, EPERM);
    window_sent(&w, 12 * SEC);
    assert_true(sum().loss > 0.249 && sum().loss < 0.251);
}

static void test_a_full_window_forgets_the_oldest(void **state)
{
    struct window_summary s;

    (void)state;
    for (usec_t i = 0; i < WINDOW_SAMPLES_MAX; i++)
        lose(1 * SEC + i);
    assert_int_equal(sum().lost, WINDOW_SAMPLES_MAX);
    for (usec_t i = 0; i < WINDOW_SAMPLES_MAX - 1; i++)
        answer(2 * SEC + i, 10 * MSEC);
    s = sum();
    assert_int_equal(s.lost, 1);
    assert_int_equal(s.ok, WINDOW_SAMPLES_MAX - 1);
    answer(3 * SEC, 10 * MSEC);
    assert_int_equal(sum().lost, 0);
    assert_false(window_reply(&w, 1 * SEC, 10 * MSEC)); /* forgotten */
}

static void test_a_stall_is_cut_out(void **state)
{
    struct window_summary s;

    (void)state;
    for (usec_t i = 0; i < WINDOW_SAMPLES_MAX + 50; i++) /* the ring has wrapped */
        answer(i * 100 * MSEC + 1, 10 * MSEC);
    for (usec_t i = 0; i < 5; i++)
        window_sent(&w, 30 * SEC + i * 100 * MSEC);
    window_discard(&w, 30 * SEC + 100 * MSEC, 30 * SEC + 300 * MSEC); /* both ends belong to it */
    s = sum();
    assert_int_equal(s.pending, 2);
    assert_int_equal(s.ok, WINDOW_SAMPLES_MAX - 5);
    assert_false(window_reply(&w, 30 * SEC + 200 * MSEC, 10 * MSEC)); /* an answer that waited in the socket */
    assert_true(window_reply(&w, 30 * SEC, 10 * MSEC));
    assert_true(window_reply(&w, 30 * SEC + 400 * MSEC, 10 * MSEC));
    answer(31 * SEC, 10 * MSEC); /* and it goes on */
    assert_int_equal(sum().last_ok, 31 * SEC);
    window_discard(&w, 0, USEC_NEVER);
    assert_int_equal(sum().ok, 0);
}

static void test_loss_since_a_time(void **state)
{
    struct window_loss loss;

    (void)state;
    lose(1 * SEC);
    lose(2 * SEC);
    answer(3 * SEC, 10 * MSEC);
    lose(4 * SEC);
    window_failed(&w, 5 * SEC, EPERM);
    lose(6 * SEC); /* the same run: nothing is known of what lies between */
    answer(7 * SEC, 10 * MSEC);
    window_sent(&w, 8 * SEC);
    loss = window_loss_since(&w, 0);
    assert_int_equal(loss.n, 6);
    assert_int_equal(loss.lost, 4);
    assert_int_equal(loss.runs, 2);
    loss = window_loss_since(&w, 2 * SEC); /* sent at that time counts */
    assert_int_equal(loss.lost, 3);
    loss = window_loss_since(&w, 7 * SEC);
    assert_int_equal(loss.n, 1);
    assert_int_equal(loss.runs, 0);
}

/* RFC 6298 2.2, 2.3. */
static void test_round_trip_times_are_smoothed(void **state)
{
    (void)state;
    answer(1 * SEC, 40 * MSEC);
    assert_int_equal(w.srtt, 40 * MSEC);
    assert_int_equal(w.rttvar, 20 * MSEC);
    answer(2 * SEC, 80 * MSEC);
    assert_int_equal(w.rttvar, 25 * MSEC); /* 3/4 * 20 + 1/4 * |40 - 80| */
    assert_int_equal(w.srtt, 45 * MSEC);   /* 7/8 * 40 + 1/8 * 80 */
    assert_int_equal(sum().srtt, 45 * MSEC);
    answer(3 * SEC, 5 * MSEC); /* shorter than usual varies too */
    assert_int_equal(w.rttvar, 28750);
    assert_int_equal(w.srtt, 40 * MSEC);
}

static void test_late_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(window_late_after(&w), WINDOW_LATE_MAX / 2);
    for (usec_t i = 1; i < 50; i++)
        answer(i * SEC, 1 * MSEC);
    assert_int_equal(window_late_after(&w), WINDOW_LATE_MIN);
    window_clear(&w);
    for (usec_t i = 1; i < 200; i++)
        answer(i * SEC, 150 * MSEC);
    assert_true(window_late_after(&w) >= 300 * MSEC && window_late_after(&w) < 310 * MSEC);
    answer(300 * SEC, 60 * SEC); /* one that came a minute late does not make us wait for minutes */
    assert_int_equal(window_late_after(&w), WINDOW_LATE_MAX);
    for (usec_t i = 301; i < 320; i++)
        answer(i * SEC, 150 * MSEC);
    assert_true(window_late_after(&w) < WINDOW_LATE_MAX / 2);
}

static void test_times_near_the_end_do_not_wrap(void **state)
{
    (void)state;
    window_sent(&w, USEC_NEVER - 10);
    assert_int_equal(window_next_expiry(&w), USEC_NEVER);
    assert_int_equal(window_expire(&w, USEC_NEVER - 5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_empty, begin_empty),
        cmocka_unit_test_setup(test_an_echo_is_pending_then_late, begin_empty),
        cmocka_unit_test_setup(test_a_late_reply_unloses_its_echo, begin_empty),
        cmocka_unit_test_setup(test_a_reply_counts_once_and_only_for_what_was_sent, begin_empty),
        cmocka_unit_test_setup(test_an_answered_echo_is_not_lost_again, begin_empty),
        cmocka_unit_test_setup(test_runs_pass_over_what_is_open_or_failed, begin_empty),
        cmocka_unit_test_setup(test_a_gap_in_the_answers_ends_the_run_of_answers, begin_empty),
        cmocka_unit_test_setup(test_loss_is_of_what_is_known, begin_empty),
        cmocka_unit_test_setup(test_a_full_window_forgets_the_oldest, begin_empty),
        cmocka_unit_test_setup(test_a_stall_is_cut_out, begin_empty),
        cmocka_unit_test_setup(test_loss_since_a_time, begin_empty),
        cmocka_unit_test_setup(test_round_trip_times_are_smoothed, begin_empty),
        cmocka_unit_test_setup(test_late_is_bounded, begin_empty),
        cmocka_unit_test_setup(test_times_near_the_end_do_not_wrap, begin_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
