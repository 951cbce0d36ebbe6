/*
 * Both sides begin at once: the IKE_SAs cross (RFC 7296 2.4 tells of INITIAL_CONTACT, the rest is left to us). Whatever
 * is lost on the way, one IKE_SA stays on each side, the same one, with all CHILD_SAs that either wanted.
 */
#include "tests/exchange/pair.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define LOST_FIRST 4 /* of the first datagrams of each side any may be lost */
#define ALL_LOST   ((1U << LOST_FIRST) - 1)
#define DELAY      (50 * USEC_PER_MSEC)

static struct run {
    enum conf_unique unique;
    bool other_child; /* B wants another one than A */
    unsigned lose[2], sent[2];
} run;

static bool lose(void *data, struct pair *p, int from, uint8_t *bytes, size_t len)
{
    unsigned n = run.sent[from]++;

    (void)data;
    (void)p;
    (void)bytes;
    (void)len;
    return n >= LOST_FIRST || !(run.lose[from] & 1U << n);
}

static void two_children(int node, struct ike_conf *c)
{
    struct child_conf *two;

    c->unique = run.unique;
    c->dpd_delay = 30 * USEC_PER_SEC;
    assert_int_equal(ike_conf_add_child(c, &two), 0);
    two->proposals = c->children[0].proposals;
    (void)str_copy(two->name, sizeof(two->name), "two");
    two->local_ts.n = two->remote_ts.n = 1;
    assert_int_equal(selector_parse(node == PAIR_A ? "10.3.0.0/16" : "10.4.0.0/16", &two->local_ts.s[0]), 0);
    assert_int_equal(selector_parse(node == PAIR_A ? "10.4.0.0/16" : "10.3.0.0/16", &two->remote_ts.s[0]), 0);
}

static struct pair *load(uint64_t seed)
{
    struct pair *p = pair_new(seed, NULL);

    pair_load(p, PAIR_A, two_children);
    pair_load(p, PAIR_B, two_children);
    p->net.delay = DELAY;
    run.sent[PAIR_A] = run.sent[PAIR_B] = 0;
    p->filter = lose;
    return p;
}

static bool carries(struct pair *p, const char *child)
{
    return pair_packet_of(p, PAIR_A, child) && pair_packet_of(p, PAIR_B, child);
}

/* LATER: B begins so much after A. */
static void cross(uint64_t seed, usec_t later)
{
    struct pair *p = load(seed);
    const char *theirs = run.other_child ? "two" : "net";
    unsigned n = run.other_child ? 2 : 1;

    pair_initiate(p, PAIR_A, 1);
    pair_run(p, later);
    assert_int_equal(engine_initiate(p->node[PAIR_B].engine, p->now, "peer", theirs, 1), 0);
    pair_run(p, 10 * USEC_PER_MIN);
    for (int i = 0; i < 2; i++) {
        if (pair_count_sas(p, i) != 1 || pair_count_children(p, i) != n)
            fail_msg("unique %d, lost %x and %x, %llu us later: %c has %u IKE_SAs and %u CHILD_SAs", (int)run.unique,
                     run.lose[0], run.lose[1], (unsigned long long)later, "AB"[i], pair_count_sas(p, i),
                     pair_count_children(p, i));
        assert_string_equal(p->node[i].done[1], "ok");
    }
    assert_true(carries(p, "net"));
    assert_true(carries(p, theirs));
    (void)pair_free(p);
}

static void all_losses(enum conf_unique unique, bool other_child)
{
    static const usec_t after[] = {0, 20 * USEC_PER_MSEC, 60 * USEC_PER_MSEC, 110 * USEC_PER_MSEC, 160 * USEC_PER_MSEC};
    uint64_t seed = 1;

    run.unique = unique;
    run.other_child = other_child;
    for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++)
        for (run.lose[PAIR_A] = 0; run.lose[PAIR_A] <= ALL_LOST; run.lose[PAIR_A]++)
            for (run.lose[PAIR_B] = 0; run.lose[PAIR_B] <= ALL_LOST; run.lose[PAIR_B]++)
                cross(seed++, after[i]);
}

static void test_unique_no(void **state)
{
    (void)state;
    all_losses(CONF_UNIQUE_NO, false);
}

static void test_unique_no_other_child(void **state)
{
    (void)state;
    all_losses(CONF_UNIQUE_NO, true);
}

static void test_unique_replace(void **state)
{
    (void)state;
    all_losses(CONF_UNIQUE_REPLACE, true);
}

static void test_unique_keep(void **state)
{
    (void)state;
    all_losses(CONF_UNIQUE_KEEP, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unique_no),
        cmocka_unit_test(test_unique_no_other_child),
        cmocka_unit_test(test_unique_replace),
        cmocka_unit_test(test_unique_keep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
