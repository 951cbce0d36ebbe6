/*
 * Verdicts: by hand for each rule, and over a small driver that sends, answers and loses echoes the way the agent does,
 * on a clock of its own: hours of loss pass in a second.
 */
#include "agent/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#define MSEC USEC_PER_MSEC
#define SEC  USEC_PER_SEC
#define NOW  (1000 * SEC)

/* By hand -------------------------------------------------------------------------------------------------------- */

static struct window windows[2];
static struct verdict_target targets[2];
static struct ike_view ike;
static struct aws_view aws;
static struct verdict_state old;

static int begin(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        window_clear(&windows[i]);
        targets[i] = (struct verdict_target){.window = &windows[i]};
    }
    ike = (struct ike_view){.configured = false};
    aws = (struct aws_view){.configured = false};
    old = (struct verdict_state){.verdict = VERDICT_UP, .since = SEC};
    return 0;
}

static void answers(size_t target, size_t n, usec_t last)
{
    for (size_t i = n; i > 0; i--) {
        usec_t sent = last - (i - 1) * 100 * MSEC;

        window_sent(&windows[target], sent);
        assert_true(window_reply(&windows[target], sent, 10 * MSEC));
    }
}

static void losses(size_t target, size_t n, usec_t last)
{
    for (size_t i = n; i > 0; i--) {
        usec_t sent = last - (i - 1) * 100 * MSEC;

        window_sent(&windows[target], sent);
        window_lose(&windows[target], sent, 0);
    }
}

static void failures(size_t target, size_t n, usec_t last)
{
    for (size_t i = n; i > 0; i--)
        window_failed(&windows[target], last - (i - 1) * 100 * MSEC, ENETUNREACH);
}

static struct verdict_state judge(size_t n, usec_t now)
{
    return verdict_judge(old, targets, n, &ike, &aws, now);
}

static void test_unknown_until_something_is_measured(void **state)
{
    struct verdict_state s;

    (void)state;
    old = (struct verdict_state){0};
    s = judge(1, NOW);
    assert_int_equal(s.verdict, VERDICT_UNKNOWN);
    assert_int_equal(s.since, NOW);
    assert_false(s.suspect);
    answers(0, VERDICT_UP_ECHOES - 1, NOW);
    assert_int_equal(judge(1, NOW).verdict, VERDICT_UNKNOWN);
    answers(0, 1, NOW + 1);
    assert_int_equal(judge(1, NOW + 1).verdict, VERDICT_UP);
}

static void test_the_first_loss_makes_suspect_at_once(void **state)
{
    struct verdict_state s;

    (void)state;
    answers(0, 10, NOW - SEC);
    losses(0, 1, NOW - 500 * MSEC);
    s = judge(1, NOW);
    assert_int_equal(s.verdict, VERDICT_UP);
    assert_int_equal(s.since, SEC);
    assert_true(s.suspect);
    assert_int_equal(s.suspect_since, NOW);
    assert_int_equal(s.trouble_since, NOW - 500 * MSEC);
    old = s;
    losses(0, 1, NOW - 400 * MSEC);
    s = judge(1, NOW + 100 * MSEC);
    assert_int_equal(s.suspect_since, NOW); /* still the same suspicion */
    assert_int_equal(s.trouble_since, NOW - 500 * MSEC);
    old = s;
    answers(0, 1, NOW - 300 * MSEC);
    s = judge(1, NOW + 200 * MSEC);
    assert_false(s.suspect);
    assert_int_equal(s.suspect_since, 0);
    assert_int_equal(s.trouble_since, 0);
}

static void test_down_needs_many_losses_over_some_time(void **state)
{
    struct verdict_state s;

    (void)state;
    answers(0, 10, NOW - 5 * SEC);
    losses(0, VERDICT_DOWN_ECHOES - 1, NOW - 300 * MSEC);
    assert_int_equal(judge(1, NOW).verdict, VERDICT_UP);
    losses(0, 1, NOW - 200 * MSEC);
    s = judge(1, NOW);
    assert_int_equal(s.verdict, VERDICT_DOWN);
    assert_int_equal(s.since, NOW);
    assert_false(s.suspect); /* confirmed */
    assert_int_equal(s.trouble_since, NOW - 200 * MSEC - (VERDICT_DOWN_ECHOES - 1) * 100 * MSEC);

    window_clear(&windows[0]);
    for (usec_t i = 0; i < 2 * VERDICT_DOWN_ECHOES; i++) { /* a burst says no more than one */
        window_sent(&windows[0], NOW - SEC + i);
        window_lose(&windows[0], NOW - SEC + i, 0);
    }
    assert_int_equal(judge(1, NOW).verdict, VERDICT_UP);
    assert_int_equal(judge(1, NOW - SEC + VERDICT_DOWN_SPAN).verdict, VERDICT_DOWN);
}

static void test_down_needs_more_losses_where_loss_was_usual(void **state)
{
    (void)state;
    for (usec_t i = 0; i < 30; i++) { /* a third is lost */
        answers(0, 2, NOW - 20 * SEC + i * 300 * MSEC + 100 * MSEC);
        losses(0, 1, NOW - 20 * SEC + i * 300 * MSEC + 200 * MSEC);
    }
    answers(0, 1, NOW - 5 * SEC);
    losses(0, VERDICT_LOSSY_ECHOES - 1, NOW - 200 * MSEC);
    assert_int_not_equal(judge(1, NOW).verdict, VERDICT_DOWN);
    losses(0, 1, NOW - 100 * MSEC);
    assert_int_equal(judge(1, NOW).verdict, VERDICT_DOWN);
    /* An outage before is one run, and no such usage. */
    begin(state);
    answers(0, 20, NOW - 9 * SEC);
    losses(0, 30, NOW - 6 * SEC);
    answers(0, 20, NOW - 3 * SEC);
    losses(0, VERDICT_DOWN_ECHOES, NOW - 100 * MSEC);
    assert_int_equal(judge(1, NOW).verdict, VERDICT_DOWN);
}

static void missing_child(usec_t since)
{
    ike = (struct ike_view){.configured = true, .daemon = IKE_DAEMON_OK, .when = NOW, .missing_since = since};
}

static void test_the_daemons_word_makes_down_quicker(void **state)
{
    (void)state;
    answers(0, 10, NOW - 5 * SEC);
    losses(0, VERDICT_LOCAL_ECHOES, NOW - 300 * MSEC);
    assert_int_equal(judge(1, NOW).verdict, VERDICT_UP);
    missing_child(NOW - VERDICT_LOCAL_SPAN + 1); /* a rekeying may be under way */
    assert_int_equal(judge(1, NOW).verdict, VERDICT_UP);
    missing_child(NOW - VERDICT_LOCAL_SPAN);
    assert_int_equal(judge(1, NOW).verdict, VERDICT_DOWN);
    ike.when = NOW - VERDICT_LIST_SPAN - 1; /* an old list has no word */
    assert_int_equal(judge(1, NOW).verdict, VERDICT_UP);
    missing_child(NOW - MSEC * 5000);
    ike.daemon = IKE_DAEMON_HUNG;
    assert_int_equal(judge(1, NOW).verdict, VERDICT_UP);
    /* But what answers is up, whatever a daemon says. */
    missing_child(NOW - 5 * SEC);
    answers(0, 1, NOW - 100 * MSEC);
    assert_int_equal(judge(1, NOW).verdict, VERDICT_UP);
}

static void test_up_needs_three_answers_in_a_row(void **state)
{
    (void)state;
    losses(0, 30, NOW - SEC);
    old = (struct verdict_state){.verdict = VERDICT_DOWN, .since = NOW - 2 * SEC, .trouble_since = NOW - 4 * SEC};
    answers(0, 2, NOW - 500 * MSEC);
    assert_int_equal(judge(1, NOW).verdict, VERDICT_DOWN);
    losses(0, 1, NOW - 400 * MSEC);
    answers(0, 2, NOW - 200 * MSEC);
    assert_int_equal(judge(1, NOW).verdict, VERDICT_DOWN);
    assert_int_equal(judge(1, NOW).trouble_since, NOW - 4 * SEC);
    answers(0, 1, NOW - 100 * MSEC);
    old = judge(1, NOW);
    assert_int_equal(old.verdict, VERDICT_UP);
    assert_int_equal(old.since, NOW);
    assert_int_equal(old.trouble_since, 0);
    /* The losses of the outage are not held against it afterwards. */
    answers(0, 60, NOW + 6 * SEC);
    assert_int_equal(judge(1, NOW + 6 * SEC).verdict, VERDICT_UP);
}

static void test_a_late_reply_takes_the_suspicion_back(void **state)
{
    (void)state;
    answers(0, 10, NOW - SEC);
    losses(0, 1, NOW - 500 * MSEC);
    old = judge(1, NOW);
    assert_true(old.suspect);
    assert_true(window_reply(&windows[0], NOW - 500 * MSEC, 600 * MSEC));
    assert_false(judge(1, NOW + 100 * MSEC).suspect);
}

static void test_one_of_two_targets_lost_is_degraded(void **state)
{
    (void)state;
    answers(0, 30, NOW - 100 * MSEC);
    answers(1, 10, NOW - 2 * SEC);
    losses(1, VERDICT_DOWN_ECHOES, NOW - 200 * MSEC);
    old = judge(2, NOW);
    assert_int_equal(old.verdict, VERDICT_DEGRADED);
    /* Then the other one too. */
    losses(0, VERDICT_DOWN_ECHOES, NOW + 1600 * MSEC);
    losses(1, 18, NOW + 1600 * MSEC);
    assert_int_equal(judge(2, NOW + 1900 * MSEC).verdict, VERDICT_DOWN);
}

static void test_both_targets_lost_is_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        answers(i, 10, NOW - 2 * SEC);
        losses(i, VERDICT_DOWN_ECHOES, NOW - 200 * MSEC);
    }
    assert_int_equal(judge(2, NOW).verdict, VERDICT_DOWN);
}

/* A TCP target is asked each five seconds: its answer of before the loss does not keep the tunnel up. */
static void test_an_older_answer_of_another_target_does_not_count(void **state)
{
    (void)state;
    targets[1].tcp = true;
    answers(0, 10, NOW - 2 * SEC);
    losses(0, VERDICT_DOWN_ECHOES, NOW - 200 * MSEC);
    answers(1, 1, NOW - 3 * SEC);
    assert_int_equal(judge(2, NOW).verdict, VERDICT_DOWN);
    answers(1, 1, NOW - SEC);
    assert_int_equal(judge(2, NOW).verdict, VERDICT_DEGRADED);
}

static void test_connects(void **state)
{
    (void)state;
    targets[0].tcp = true;
    answers(0, 3, NOW - 20 * SEC);
    losses(0, VERDICT_DOWN_CONNECTS - 1, NOW - SEC);
    assert_int_equal(judge(1, NOW).verdict, VERDICT_UP);
    losses(0, 1, NOW - 500 * MSEC);
    old = judge(1, NOW);
    assert_int_equal(old.verdict, VERDICT_DOWN);
    answers(0, VERDICT_UP_CONNECTS, NOW);
    assert_int_equal(judge(1, NOW).verdict, VERDICT_UP);
    begin(state);
    targets[0].tcp = true;
    losses(0, 1, NOW - 500 * MSEC);
    missing_child(NOW - 2 * SEC);
    assert_int_equal(judge(1, NOW).verdict, VERDICT_DOWN);
}

static void test_what_cannot_be_measured_is_unknown(void **state)
{
    (void)state;
    answers(0, 10, NOW - 900 * MSEC);
    failures(0, 5, NOW - 100 * MSEC);
    assert_int_equal(judge(1, NOW).verdict, VERDICT_UP); /* for a moment */
    failures(0, 10, NOW + SEC);
    assert_int_equal(judge(1, NOW + SEC).verdict, VERDICT_UNKNOWN);
    /* Losses before it prove nothing either. */
    begin(state);
    losses(0, 5, NOW - 5 * SEC);
    failures(0, 40, NOW - 100 * MSEC);
    assert_int_equal(judge(1, NOW).verdict, VERDICT_UNKNOWN);
    old.verdict = VERDICT_DOWN;
    assert_int_equal(judge(1, NOW).verdict, VERDICT_UNKNOWN);
}

static void test_one_target_that_fails_leaves_the_word_to_the_other(void **state)
{
    (void)state;
    failures(0, 40, NOW - 100 * MSEC);
    answers(1, 10, NOW - 100 * MSEC);
    assert_int_equal(judge(2, NOW).verdict, VERDICT_UP);
    losses(1, VERDICT_DOWN_ECHOES + 4, NOW + 2 * SEC);
    assert_int_equal(judge(2, NOW + 3 * SEC).verdict, VERDICT_DOWN);
}

static void test_without_probes_the_daemon_is_asked(void **state)
{
    (void)state;
    old = (struct verdict_state){0};
    assert_int_equal(judge(0, NOW).verdict, VERDICT_UNKNOWN); /* nobody to ask */
    ike = (struct ike_view){.configured = true, .daemon = IKE_DAEMON_OK, .when = NOW - SEC, .n_child_up = 1};
    assert_int_equal(judge(0, NOW).verdict, VERDICT_UP);
    failures(0, 40, NOW - 100 * MSEC);
    assert_int_equal(judge(1, NOW).verdict, VERDICT_UNKNOWN); /* whether it passes traffic should be known and is not */
    missing_child(NOW - 5 * SEC);
    assert_int_equal(judge(1, NOW).verdict, VERDICT_DOWN);
    old = (struct verdict_state){.verdict = VERDICT_UP, .since = SEC};
    missing_child(NOW - 100 * MSEC);
    assert_int_equal(judge(0, NOW).verdict, VERDICT_UP);
    assert_true(judge(0, NOW).suspect);
    assert_int_equal(judge(0, NOW).trouble_since, NOW - 100 * MSEC);
    ike.daemon = IKE_DAEMON_DEAD;
    assert_int_equal(judge(0, NOW).verdict, VERDICT_UNKNOWN);
}

static void test_without_probes_and_daemon_aws_is_asked(void **state)
{
    (void)state;
    aws = (struct aws_view){
        .configured = true, .telemetry_known = true, .telemetry_up = true, .telemetry_read = NOW - SEC};
    assert_int_equal(judge(0, NOW).verdict, VERDICT_UP);
    failures(0, 40, NOW - 100 * MSEC);
    assert_int_equal(judge(1, NOW).verdict, VERDICT_UNKNOWN);
    aws.telemetry_up = false;
    assert_int_equal(judge(0, NOW).verdict, VERDICT_DOWN);
    assert_int_equal(judge(1, NOW).verdict, VERDICT_DOWN);
    aws.telemetry_read = NOW - VERDICT_TELEMETRY_SPAN - 1;
    assert_int_equal(judge(0, NOW).verdict, VERDICT_UNKNOWN);
    aws.telemetry_read = NOW;
    aws.telemetry_known = false;
    assert_int_equal(judge(0, NOW).verdict, VERDICT_UNKNOWN);
}

static void lossy(size_t n, size_t each, usec_t last)
{
    for (size_t i = n; i > 0; i--) {
        if (i % each == 0)
            losses(0, 1, last - (i - 1) * 100 * MSEC);
        else
            answers(0, 1, last - (i - 1) * 100 * MSEC);
    }
}

static void test_loss_degrades_and_lets_go_slowly(void **state)
{
    (void)state;
    old.since = NOW - 60 * SEC;
    lossy(VERDICT_LOSS_SAMPLES - 1, 5, NOW);
    assert_int_equal(judge(1, NOW).verdict, VERDICT_UP); /* too few to tell */
    begin(state);
    lossy(VERDICT_LOSS_SAMPLES + 5, 5, NOW);
    old = judge(1, NOW);
    assert_int_equal(old.verdict, VERDICT_DEGRADED);
    assert_int_equal(old.since, NOW);
    answers(0, WINDOW_SAMPLES_MAX, NOW + 20 * SEC);
    assert_int_equal(judge(1, NOW + 20 * SEC).verdict, VERDICT_DEGRADED);
    assert_int_equal(judge(1, NOW + VERDICT_DEGRADED_MIN).verdict, VERDICT_UP);
    /* Five in a hundred: more than it is let go at. */
    lossy(120, 20, NOW + 40 * SEC);
    assert_int_equal(judge(1, NOW + 40 * SEC).verdict, VERDICT_DEGRADED);
}

static void test_one_interruption_is_no_loss(void **state)
{
    (void)state;
    answers(0, 60, NOW - 3 * SEC);
    losses(0, 12, NOW - SEC);
    answers(0, 9, NOW);
    assert_int_equal(judge(1, NOW).verdict, VERDICT_UP);
}

/* A target that was away does not leave the tunnel degraded until its losses have left the window. */
static void test_a_target_that_is_back_is_back(void **state)
{
    (void)state;
    old = (struct verdict_state){.verdict = VERDICT_DEGRADED, .since = NOW - 60 * SEC};
    answers(0, 100, NOW);
    losses(1, 100, NOW - SEC);
    answers(1, 5, NOW);
    assert_int_equal(judge(2, NOW).verdict, VERDICT_UP);
}

static void test_targets_come_back_one_by_one(void **state)
{
    (void)state;
    targets[1].tcp = true;
    old = (struct verdict_state){.verdict = VERDICT_DOWN, .since = NOW - 20 * SEC};
    answers(0, 1, NOW - 20 * SEC);
    losses(0, 20, NOW - SEC);
    losses(1, 20, NOW - SEC);
    answers(0, 3, NOW);
    old = judge(2, NOW);
    assert_int_equal(old.verdict, VERDICT_UP);
    old = judge(2, NOW + MSEC); /* the connect was not tried again yet */
    assert_int_equal(old.verdict, VERDICT_UP);
    losses(1, 1, NOW + SEC);
    old = judge(2, NOW + 2 * SEC);
    assert_int_equal(old.verdict, VERDICT_DEGRADED);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(verdict_name(VERDICT_UNKNOWN), "UNKNOWN");
    assert_string_equal(verdict_name(VERDICT_UP), "UP");
    assert_string_equal(verdict_name(VERDICT_DEGRADED), "DEGRADED");
    assert_string_equal(verdict_name(VERDICT_DOWN), "DOWN");
    assert_false(verdict_is_bad(VERDICT_UNKNOWN) || verdict_is_bad(VERDICT_UP));
    assert_true(verdict_is_bad(VERDICT_DEGRADED) && verdict_is_bad(VERDICT_DOWN));
}

/* Driven ---------------------------------------------------------------------------------------------------------- */

#define IN_FLIGHT_MAX 64

/* What agent/watch.c does with echoes at default timing, and the path they take. */
struct drive {
    uint64_t random;
    struct window window;
    struct verdict_target target;
    struct verdict_state verdict;
    struct ike_view ike;
    struct aws_view aws;
    usec_t now, last_echo, trouble_since, fast_until;
    struct {
        usec_t sent, arrives;
    } replies[IN_FLIGHT_MAX];
    size_t n_replies;

    double loss; /* of an echo or its answer */
    usec_t rtt_min, rtt_max;
    usec_t cut_from, cut_to; /* nothing passes */
    usec_t child_missing;    /* the daemon says so from then on, as often as it is asked; 0: never */

    usec_t first_down, first_up; /* 0: not yet */
    size_t downs, degradeds, samples;
};

static uint64_t next_random(struct drive *d) /* SplitMix64 */
{
    uint64_t z = d->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool chance(struct drive *d, double p)
{
    return (double)(next_random(d) >> 11) * 0x1.0p-53 < p;
}

static void drive_begin(struct drive *d, uint64_t seed)
{
    *d = (struct drive){.random = seed, .rtt_min = 1 * MSEC, .rtt_max = 40 * MSEC, .cut_from = USEC_NEVER};
    d->target.window = &d->window;
    d->now = SEC + next_random(d) % (500 * MSEC);
}

static void drive_judge(struct drive *d)
{
    enum verdict before = d->verdict.verdict;
    bool trouble, calm;

    if (d->child_missing != 0 && d->now >= d->child_missing) {
        d->ike = (struct ike_view){.configured = true, .daemon = IKE_DAEMON_OK, .when = d->now};
        d->ike.missing_since = d->child_missing;
    }
    d->verdict = verdict_judge(d->verdict, &d->target, 1, &d->ike, &d->aws, d->now);
    trouble = d->verdict.suspect || verdict_is_bad(d->verdict.verdict);
    calm = d->verdict.verdict == VERDICT_UP && !d->verdict.suspect;
    if (trouble && d->trouble_since == 0) {
        d->trouble_since = d->now;
        d->fast_until = d->now + USEC_PER_MIN;
    } else if (calm) {
        d->trouble_since = 0;
    }
    if (d->verdict.verdict == before)
        return;
    d->downs += d->verdict.verdict == VERDICT_DOWN;
    d->degradeds += d->verdict.verdict == VERDICT_DEGRADED;
    if (d->verdict.verdict == VERDICT_DOWN && d->first_down == 0)
        d->first_down = d->now;
    if (d->verdict.verdict == VERDICT_UP && d->first_down != 0 && d->first_up == 0)
        d->first_up = d->now;
}

static usec_t echo_due(const struct drive *d)
{
    bool fast = d->trouble_since != 0 && (d->verdict.suspect || d->now < d->fast_until);
    usec_t due = d->last_echo + (fast ? 100 * MSEC : 500 * MSEC);

    return due > d->now ? due : d->now;
}

static void send_echo(struct drive *d)
{
    usec_t arrives = d->now + d->rtt_min + next_random(d) % (d->rtt_max - d->rtt_min + 1);
    bool cut = arrives >= d->cut_from && d->now < d->cut_to;

    d->last_echo = d->now;
    d->samples++;
    window_sent(&d->window, d->now);
    if (cut || chance(d, d->loss))
        return;
    assert_true(d->n_replies < IN_FLIGHT_MAX);
    d->replies[d->n_replies].sent = d->now;
    d->replies[d->n_replies++].arrives = arrives;
}

static size_t next_reply(const struct drive *d)
{
    size_t first = 0;

    for (size_t i = 1; i < d->n_replies; i++)
        if (d->replies[i].arrives < d->replies[first].arrives)
            first = i;
    return first;
}

static void drive_until(struct drive *d, usec_t end)
{
    while (d->now < end) {
        size_t reply = next_reply(d);
        usec_t arrives = d->n_replies > 0 ? d->replies[reply].arrives : USEC_NEVER;
        usec_t due = echo_due(d), expiry = window_next_expiry(&d->window);

        if (expiry < due)
            due = expiry;
        if (arrives <= due) {
            d->now = arrives > d->now ? arrives : d->now;
            if (window_reply(&d->window, d->replies[reply].sent, d->now - d->replies[reply].sent))
                drive_judge(d);
            d->replies[reply] = d->replies[--d->n_replies];
            continue;
        }
        d->now = due > d->now ? due : d->now;
        (void)window_expire(&d->window, d->now);
        drive_judge(d);
        if (d->now >= echo_due(d))
            send_echo(d);
    }
}

static void healthy_for_a_minute(struct drive *d)
{
    drive_until(d, 60 * SEC + d->now);
    assert_int_equal(d->verdict.verdict, VERDICT_UP);
    assert_int_equal(d->downs + d->degradeds, 0);
}

/* How long after a cut the tunnel is DOWN, over SEEDS runs that differ in phase and round-trip times. */
static void measure_cut(const char *words, double loss, usec_t local, usec_t bound)
{
    usec_t longest = 0, shortest = USEC_NEVER, sum = 0;
    const size_t seeds = 300;

    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct drive d;
        usec_t took;

        drive_begin(&d, seed);
        healthy_for_a_minute(&d);
        d.loss = loss;
        drive_until(&d, d.now + 30 * SEC);
        assert_int_equal(d.downs, 0);
        d.cut_from = d.now + next_random(&d) % SEC; /* at any time between two echoes */
        d.cut_to = USEC_NEVER;
        d.child_missing = local != USEC_NEVER ? d.cut_from + local : 0;
        drive_until(&d, d.now + 10 * SEC);
        assert_int_equal(d.downs, 1);
        took = d.first_down - d.cut_from;
        sum += took;
        longest = took > longest ? took : longest;
        shortest = took < shortest ? took : shortest;
    }
    print_message("%s: DOWN after %.2f..%.2f s, %.2f s on average\n", words, (double)shortest / 1e6,
                  (double)longest / 1e6, (double)sum / 1e6 / (double)seeds);
    if (longest >= bound)
        fail_msg("%s: too late", words);
}

static void test_full_loss_is_down_within_three_seconds(void **state)
{
    (void)state;
    measure_cut("a healthy tunnel is cut", 0, USEC_NEVER, 2500 * MSEC);
    measure_cut("a tunnel that loses 20 % is cut", 0.2, USEC_NEVER, 3 * SEC);
    measure_cut("a tunnel is cut and its CHILD_SA deleted", 0, 0, 1600 * MSEC);
}

static void run_loss(double loss, usec_t span, uint64_t seeds)
{
    size_t samples = 0, degraded = 0;

    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct drive d;

        drive_begin(&d, seed);
        healthy_for_a_minute(&d);
        d.loss = loss;
        drive_until(&d, d.now + span);
        samples += d.samples;
        degraded += d.degradeds;
        if (d.downs != 0)
            fail_msg("seed %u: DOWN at %.0f %% of random loss", (unsigned)seed, loss * 100);
        assert_true(d.degradeds > 0);
    }
    print_message("%.0f %% for %.0f s, %u runs: %zu echoes, DEGRADED %zu times, never DOWN\n", loss * 100,
                  (double)span / 1e6, (unsigned)seeds, samples, degraded);
}

static void test_random_loss_is_never_down(void **state)
{
    (void)state;
    run_loss(0.2, 5 * USEC_PER_MIN, 200);
    run_loss(0.36, 5 * USEC_PER_MIN, 200); /* 20 % each way */
    run_loss(0.2, 24 * USEC_PER_HOUR, 1);
}

/* What is 20 % over a window of a few dozen samples swings: it shall not flap with it. */
static void test_random_loss_does_not_flap(void **state)
{
    size_t changes = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct drive d;

        drive_begin(&d, seed);
        healthy_for_a_minute(&d);
        d.loss = 0.2;
        drive_until(&d, d.now + USEC_PER_MIN);
        changes = d.degradeds;
        drive_until(&d, d.now + 4 * USEC_PER_MIN);
        assert_int_equal(d.verdict.verdict, VERDICT_DEGRADED);
        assert_int_equal(changes, 1);
        assert_int_equal(d.degradeds, changes);
        d.loss = 0;
        drive_until(&d, d.now + 2 * USEC_PER_MIN);
        assert_int_equal(d.verdict.verdict, VERDICT_UP);
    }
}

static void test_coming_back_is_seen_at_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct drive d;

        drive_begin(&d, seed);
        healthy_for_a_minute(&d);
        d.cut_from = d.now + next_random(&d) % SEC;
        d.cut_to = d.cut_from + 20 * SEC;
        drive_until(&d, d.cut_to + 5 * SEC);
        assert_int_equal(d.downs, 1);
        assert_true(d.first_up > d.cut_to);
        assert_true(d.first_up - d.cut_to < 500 * MSEC);
        drive_until(&d, d.now + 5 * USEC_PER_MIN);
        assert_int_equal(d.downs + d.degradeds, 1);
    }
}

static void test_a_short_interruption_is_not_down(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct drive d;

        drive_begin(&d, seed);
        healthy_for_a_minute(&d);
        d.cut_from = d.now + next_random(&d) % SEC;
        d.cut_to = d.cut_from + SEC;
        drive_until(&d, d.now + 2 * USEC_PER_MIN);
        assert_int_equal(d.downs + d.degradeds, 0);
        assert_false(d.verdict.suspect);
    }
}

/* A round trip of 300 ms with much jitter: answers that are late now and then do no harm. */
static void test_a_slow_path_is_not_suspected_for_its_slowness(void **state)
{
    struct drive d;

    (void)state;
    drive_begin(&d, 7);
    d.rtt_min = 200 * MSEC;
    d.rtt_max = 400 * MSEC;
    drive_until(&d, d.now + USEC_PER_HOUR);
    assert_int_equal(d.verdict.verdict, VERDICT_UP);
    assert_int_equal(d.downs + d.degradeds, 0);
    d.cut_from = d.now;
    d.cut_to = USEC_NEVER;
    drive_until(&d, d.now + 5 * SEC);
    assert_int_equal(d.downs, 1);
}

/* The agent is stopped for ten seconds; what it missed says nothing of the tunnel. */
static void test_a_stall_is_no_loss(void **state)
{
    struct drive d;

    (void)state;
    drive_begin(&d, 3);
    healthy_for_a_minute(&d);
    send_echo(&d);
    d.n_replies = 0;
    d.now += 10 * SEC;
    window_discard(&d.window, d.now - 12 * SEC, d.now);
    (void)window_expire(&d.window, d.now);
    drive_judge(&d);
    assert_false(d.verdict.suspect);
    drive_until(&d, d.now + USEC_PER_MIN);
    assert_int_equal(d.verdict.verdict, VERDICT_UP);
    assert_int_equal(d.downs + d.degradeds, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_unknown_until_something_is_measured, begin),
        cmocka_unit_test_setup(test_the_first_loss_makes_suspect_at_once, begin),
        cmocka_unit_test_setup(test_down_needs_many_losses_over_some_time, begin),
        cmocka_unit_test_setup(test_down_needs_more_losses_where_loss_was_usual, begin),
        cmocka_unit_test_setup(test_the_daemons_word_makes_down_quicker, begin),
        cmocka_unit_test_setup(test_up_needs_three_answers_in_a_row, begin),
        cmocka_unit_test_setup(test_a_late_reply_takes_the_suspicion_back, begin),
        cmocka_unit_test_setup(test_one_of_two_targets_lost_is_degraded, begin),
        cmocka_unit_test_setup(test_both_targets_lost_is_down, begin),
        cmocka_unit_test_setup(test_an_older_answer_of_another_target_does_not_count, begin),
        cmocka_unit_test_setup(test_connects, begin),
        cmocka_unit_test_setup(test_what_cannot_be_measured_is_unknown, begin),
        cmocka_unit_test_setup(test_one_target_that_fails_leaves_the_word_to_the_other, begin),
        cmocka_unit_test_setup(test_without_probes_the_daemon_is_asked, begin),
        cmocka_unit_test_setup(test_without_probes_and_daemon_aws_is_asked, begin),
        cmocka_unit_test_setup(test_loss_degrades_and_lets_go_slowly, begin),
        cmocka_unit_test_setup(test_one_interruption_is_no_loss, begin),
        cmocka_unit_test_setup(test_a_target_that_is_back_is_back, begin),
        cmocka_unit_test_setup(test_targets_come_back_one_by_one, begin),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_full_loss_is_down_within_three_seconds),
        cmocka_unit_test(test_random_loss_is_never_down),
        cmocka_unit_test(test_random_loss_does_not_flap),
        cmocka_unit_test(test_coming_back_is_seen_at_once),
        cmocka_unit_test(test_a_short_interruption_is_not_down),
        cmocka_unit_test(test_a_slow_path_is_not_suspected_for_its_slowness),
        cmocka_unit_test(test_a_stall_is_no_loss),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
