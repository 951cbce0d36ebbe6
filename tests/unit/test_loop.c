/* The event loop: timers, descriptors, signals, and sources that free themselves. */
#include "base/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>

#define PATIENCE (5 * USEC_PER_SEC) /* for what must happen */

struct seen {
    struct loop *loop;
    struct loop_timer *timer, *other;
    struct loop_io *io;
    struct loop_signal *signal;
    usec_t at;
    uint32_t revents;
    int n, signo;
};

static struct seen seen;
static int fds[2];

static int set_up(void **state)
{
    (void)state;
    seen = (struct seen){0};
    return pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0 ? -1 : loop_new(&seen.loop);
}

static int tear_down(void **state)
{
    (void)state;
    seen.timer = loop_timer_free(seen.timer);
    seen.other = loop_timer_free(seen.other);
    seen.io = loop_io_free(seen.io);
    seen.signal = loop_signal_free(seen.signal);
    seen.loop = loop_free(seen.loop);
    (void)close(fds[0]);
    (void)close(fds[1]);
    return 0;
}

/* Turns until N calls were seen. */
static void turn_until(int n)
{
    usec_t end = clock_now(clock_system()) + PATIENCE;

    while (seen.n < n) {
        assert_true(clock_now(clock_system()) < end);
        assert_true(loop_turn(seen.loop, PATIENCE) >= 0);
    }
}

static void count_time(void *data, usec_t now)
{
    struct seen *s = data;

    s->n++;
    s->at = now;
}

static void test_timer_fires_once_and_in_time(void **state)
{
    usec_t start;

    (void)state;
    assert_int_equal(loop_timer_new(seen.loop, count_time, &seen, &seen.timer), 0);
    assert_int_equal(loop_turn(seen.loop, 0), 0); /* it starts unarmed */
    start = clock_now(clock_system());
    loop_timer_in(seen.timer, 20 * USEC_PER_MSEC);
    turn_until(1);
    assert_true(seen.at >= start + 19 * USEC_PER_MSEC);
    assert_int_equal(loop_turn(seen.loop, 20 * USEC_PER_MSEC), 0); /* once */
    loop_timer_in(seen.timer, 0);
    turn_until(2);
}

static void test_timer_is_moved_and_stopped(void **state)
{
    (void)state;
    assert_int_equal(loop_timer_new(seen.loop, count_time, &seen, &seen.timer), 0);
    loop_timer_in(seen.timer, USEC_PER_HOUR);
    loop_timer_in(seen.timer, USEC_PER_MSEC);
    turn_until(1);
    loop_timer_in(seen.timer, 0);
    loop_timer_stop(seen.timer);
    assert_int_equal(loop_turn(seen.loop, 2 * USEC_PER_MSEC), 0);
    loop_timer_at(seen.timer, 1); /* long ago: at once */
    turn_until(2);
    loop_timer_in(seen.timer, USEC_NEVER);
    assert_int_equal(loop_turn(seen.loop, 2 * USEC_PER_MSEC), 0);
    assert_int_equal(seen.n, 2);
}

static void rearm(void *data, usec_t now)
{
    struct seen *s = data;

    count_time(data, now);
    if (s->n < 3)
        loop_timer_at(s->timer, now);
}

static void test_timer_rearms_itself(void **state)
{
    (void)state;
    assert_int_equal(loop_timer_new(seen.loop, rearm, &seen, &seen.timer), 0);
    loop_timer_in(seen.timer, 0);
    turn_until(3);
    assert_int_equal(loop_turn(seen.loop, 0), 0);
}

static void free_self(void *data, usec_t now)
{
    struct seen *s = data;

    count_time(data, now);
    s->timer = loop_timer_free(s->timer);
    s->other = loop_timer_free(s->other); /* which was about to fire too */
}

struct busy {
    struct loop *loop;
    struct loop_timer *timer;
    int fired;
};

static void on_busy_io(void *data, int fd, uint32_t revents)
{
    struct busy *b = data;

    (void)fd;
    (void)revents;
    loop_timer_at(b->timer, loop_now(b->loop)); /* as with each packet that arrives */
}

static void on_busy_timer(void *data, usec_t now)
{
    struct busy *b = data;

    (void)now;
    b->fired++;
}

static void test_due_timer_is_not_starved(void **state)
{
    struct loop *l = seen.loop;
    struct busy b = {.loop = l};
    struct loop_io *io;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(loop_timer_new(l, on_busy_timer, &b, &b.timer), 0);
    assert_int_equal(loop_io_new(l, ends[0], EPOLLIN, on_busy_io, &b, &io), 0); /* nobody reads: always ready */
    for (int i = 0; i < 100 && b.fired == 0; i++)
        assert_true(loop_turn(l, 0) >= 0);
    assert_true(b.fired > 0);
    loop_io_free(io);
    loop_timer_free(b.timer);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void test_timer_frees_itself_and_another(void **state)
{
    (void)state;
    assert_int_equal(loop_timer_new(seen.loop, free_self, &seen, &seen.timer), 0);
    assert_int_equal(loop_timer_new(seen.loop, free_self, &seen, &seen.other), 0);
    loop_timer_at(seen.timer, 1);
    loop_timer_at(seen.other, 1);
    turn_until(1);
    assert_int_equal(loop_turn(seen.loop, 0), 0);
    assert_int_equal(seen.n, 1);
    assert_null(loop_timer_free(NULL));
}

static void count_io(void *data, int fd, uint32_t revents)
{
    struct seen *s = data;
    char byte;

    s->n++;
    s->revents = revents;
    assert_int_equal(read(fd, &byte, 1), 1);
}

static void test_io_events(void **state)
{
    (void)state;
    assert_int_equal(loop_io_new(seen.loop, fds[0], EPOLLIN, count_io, &seen, &seen.io), 0);
    assert_int_equal(loop_turn(seen.loop, 0), 0);
    assert_int_equal(write(fds[1], "ab", 2), 2);
    turn_until(1);
    assert_true(seen.revents & EPOLLIN);
    assert_int_equal(loop_io_events(seen.io, 0), 0);
    assert_int_equal(loop_turn(seen.loop, 0), 0);
    assert_int_equal(loop_io_events(seen.io, EPOLLIN), 0);
    turn_until(2);
}

static void free_io(void *data, int fd, uint32_t revents)
{
    struct seen *s = data;

    (void)fd;
    (void)revents;
    s->n++;
    s->io = loop_io_free(s->io);
}

static void test_io_frees_itself(void **state)
{
    (void)state;
    assert_int_equal(loop_io_new(seen.loop, fds[0], EPOLLIN, free_io, &seen, &seen.io), 0);
    assert_int_equal(write(fds[1], "a", 1), 1);
    turn_until(1);
    assert_int_equal(loop_turn(seen.loop, 0), 0); /* the byte is still there; nobody looks */
    assert_int_equal(seen.n, 1);
}

static void test_io_of_a_bad_descriptor(void **state)
{
    (void)state;
    assert_int_equal(loop_io_new(seen.loop, 999, EPOLLIN, free_io, &seen, &seen.io), -EBADF);
    assert_null(seen.io);
}

static void on_signal(void *data, int signo)
{
    struct seen *s = data;

    s->n++;
    s->signo = signo;
    loop_stop(s->loop, 7);
}

static void test_signal_stops_the_loop_with_a_status(void **state)
{
    (void)state;
    assert_int_equal(loop_signal_new(seen.loop, SIGUSR1, on_signal, &seen, &seen.signal), 0);
    assert_int_equal(raise(SIGUSR1), 0); /* blocked: it waits for the loop */
    assert_int_equal(seen.n, 0);
    assert_int_equal(loop_run(seen.loop), 7);
    assert_int_equal(seen.signo, SIGUSR1);
}

static void stop(void *data, usec_t now)
{
    count_time(data, now);
    loop_stop(((struct seen *)data)->loop, 0);
}

static usec_t first_now, second_now;

static void note_now(void *data, int fd, uint32_t revents)
{
    struct seen *s = data;
    usec_t end = clock_now(clock_system()) + 3 * USEC_PER_MSEC;

    (void)fd;
    (void)revents;
    first_now = loop_now(s->loop);
    while (clock_now(clock_system()) < end)
        continue;
    second_now = loop_now(s->loop);
    s->n++;
    s->io = loop_io_free(s->io);
}

static void test_now_stands_during_a_turn(void **state)
{
    (void)state;
    assert_int_equal(loop_io_new(seen.loop, fds[1], EPOLLOUT, note_now, &seen, &seen.io), 0);
    turn_until(1);
    assert_true(first_now > 0);
    assert_true(first_now == second_now);
    assert_true(loop_wall(seen.loop) > UINT64_C(1700000000) * USEC_PER_SEC);
}

static void test_runs_until_stopped(void **state)
{
    (void)state;
    assert_int_equal(loop_timer_new(seen.loop, stop, &seen, &seen.timer), 0);
    loop_timer_in(seen.timer, USEC_PER_MSEC);
    assert_int_equal(loop_watchdog(seen.loop), 0); /* not under systemd: nothing to feed */
    assert_int_equal(loop_run(seen.loop), 0);
    assert_int_equal(seen.n, 1);
}

#define loop_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        loop_test(test_timer_fires_once_and_in_time),
        loop_test(test_timer_is_moved_and_stopped),
        loop_test(test_timer_rearms_itself),
        loop_test(test_due_timer_is_not_starved),
        loop_test(test_timer_frees_itself_and_another),
        loop_test(test_io_events),
        loop_test(test_io_frees_itself),
        loop_test(test_io_of_a_bad_descriptor),
        loop_test(test_signal_stops_the_loop_with_a_status),
        loop_test(test_now_stands_during_a_turn),
        loop_test(test_runs_until_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
