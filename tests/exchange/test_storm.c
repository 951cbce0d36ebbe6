/*
 * Both sides do anything at any time over a bad network: rekey, delete, initiate. Whatever came before, in the end one
 * IKE_SA and one CHILD_SA stand on each side that fit each other, nothing is left over, and every ticket was answered.
 * STORM_RUNS (300) of it, from seed STORM_SEED (1) on.
 */
#include "tests/exchange/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ACTS    40
#define TICKETS (PAIR_TICKETS_MAX - 1)

struct storm {
    struct pair *p;
    uint32_t tickets[2]; /* given out */
};

static void persistent(int node, struct ike_conf *c)
{
    (void)node;
    c->keyingtries = 0;
    c->dpd_delay = 30 * USEC_PER_SEC;
    c->unique = CONF_UNIQUE_REPLACE;
}

static void initiate(struct storm *s, int node)
{
    if (s->tickets[node] < TICKETS)
        assert_int_equal(engine_initiate(s->p->node[node].engine, s->p->now, "peer", "net", ++s->tickets[node]), 0);
}

static void end(struct storm *s, int node, const char *child)
{
    unsigned n;
    struct engine_filter f = {.ike = "peer", .child = child};

    if (s->tickets[node] == TICKETS)
        return;
    assert_int_equal(engine_terminate(s->p->node[node].engine, s->p->now, &f, false, s->tickets[node] + 1, &n), 0);
    s->tickets[node] += n > 0;
}

static void rekey(struct storm *s, int node, const char *child, bool reauth)
{
    unsigned n;
    struct engine_filter f = {.ike = "peer", .child = child};

    assert_int_equal(engine_rekey(s->p->node[node].engine, s->p->now, &f, reauth, &n), 0);
}

static void act(struct storm *s, int node)
{
    uint64_t what = pair_random(s->p, 100);

    if (what < 40)
        rekey(s, node, "net", false);
    else if (what < 75)
        rekey(s, node, NULL, false);
    else if (what < 80)
        rekey(s, node, NULL, true);
    else if (what < 90)
        initiate(s, node);
    else if (what < 96)
        end(s, node, "net");
    else
        end(s, node, NULL);
}

static void check_tickets(const struct storm *s, uint64_t seed)
{
    for (int n = 0; n < 2; n++)
        for (uint32_t t = 1; t <= s->tickets[n]; t++)
            if (s->p->node[n].done[t][0] == '\0')
                fail_msg("seed %llu: ticket %u of %c is not answered", (unsigned long long)seed, t, "AB"[n]);
}

static void run(uint64_t seed)
{
    struct storm s = {.p = pair_new(seed, NULL)};
    struct pair *p = s.p;

    pair_load(p, PAIR_A, persistent);
    pair_load(p, PAIR_B, persistent);
    p->net = (struct pair_net){.loss = (unsigned)pair_random(p, 25),
                               .twice = (unsigned)pair_random(p, 25),
                               .delay = USEC_PER_MSEC * (1 + pair_random(p, 100)),
                               .jitter = USEC_PER_MSEC * (1 + pair_random(p, 500))};
    initiate(&s, PAIR_A);
    for (unsigned i = 0; i < ACTS; i++) {
        pair_run(p, pair_random(p, 3) == 0 ? pair_random(p, 20 * USEC_PER_SEC) : pair_random(p, USEC_PER_SEC));
        act(&s, (int)pair_random(p, 2));
    }
    p->net.loss = 0;
    pair_run(p, 20 * USEC_PER_MIN);
    initiate(&s, PAIR_A);
    if (!pair_until(p, pair_is_up, 20 * USEC_PER_MIN))
        fail_msg("seed %llu: A has %u and %u, B has %u and %u", (unsigned long long)seed, pair_count_sas(p, PAIR_A),
                 pair_count_children(p, PAIR_A), pair_count_sas(p, PAIR_B), pair_count_children(p, PAIR_B));
    check_tickets(&s, seed);
    (void)pair_free(p);
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t n = 0;

    for (; text && *text >= '0' && *text <= '9'; text++)
        n = n * 10 + (uint64_t)(*text - '0');
    return n > 0 ? n : otherwise;
}

static void test_storm(void **state)
{
    uint64_t first = number("STORM_SEED", 1), runs = number("STORM_RUNS", 300);

    (void)state;
    for (uint64_t seed = first; seed < first + runs; seed++)
        run(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_storm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
