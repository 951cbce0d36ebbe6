/* An IKE_SA and its CHILD_SA come up between two engines, over networks of all kinds. */
#include "tests/exchange/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct pair *loaded(uint64_t seed)
{
    struct pair *p = pair_new(seed, NULL);

    pair_load(p, PAIR_A, NULL);
    pair_load(p, PAIR_B, NULL);
    return p;
}

/* RFC 7296 1.2 */
static void test_comes_up(void **state)
{
    struct pair *p = loaded(1);

    (void)state;
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
    assert_string_equal(p->node[PAIR_A].done[1], "ok");
    assert_int_equal(pair_count_events(p, PAIR_A, ENGINE_IKE_UP), 1);
    assert_int_equal(pair_count_events(p, PAIR_B, ENGINE_IKE_UP), 1);
    assert_int_equal(pair_count_events(p, PAIR_A, ENGINE_CHILD_UP), 1);
    assert_int_equal(pair_count_events(p, PAIR_B, ENGINE_CHILD_UP), 1);
    (void)pair_free(p);
}

/* An attempt whose six packets are all lost begins anew. */
static void for_ever(int node, struct ike_conf *c)
{
    (void)node;
    c->keyingtries = 0;
}

/* RFC 7296 2.1: retransmission makes up for loss, and doubled and reordered datagrams do no harm. */
static void test_bad_network(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct pair *p = pair_new(seed, NULL);

        pair_load(p, PAIR_A, for_ever);
        pair_load(p, PAIR_B, for_ever);
        p->net = (struct pair_net){.loss = 30, .twice = 30, .delay = 10 * USEC_PER_MSEC, .jitter = USEC_PER_SEC};
        pair_initiate(p, PAIR_A, 1);
        assert_true(pair_until(p, pair_is_up, USEC_PER_HOUR));
        (void)pair_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comes_up),
        cmocka_unit_test(test_bad_network),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
