/* What time does: rekeying, reauthentication, hard limits, DPD and inactivity (RFC 7296 2.4, 2.8); and the actions that
 * follow a DELETE of the peer's. */
#include "engine/ike/life.h"
#include "engine/ike/task.h"
#include "tests/exchange/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void (*change_a)(struct ike_conf *c);

static void change(int node, struct ike_conf *c)
{
    c->rekey_time = c->reauth_time = c->over_time = c->rand_time = c->dpd_delay = 0;
    c->children[0].time = (struct conf_limit){0};
    if (node == PAIR_A && change_a)
        change_a(c);
}

static struct pair *up(void (*change_it)(struct ike_conf *c))
{
    struct pair *p = pair_new(1, NULL);

    change_a = change_it;
    pair_load(p, PAIR_A, change);
    pair_load(p, PAIR_B, change);
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
    return p;
}

static unsigned lost;

static bool traffic(struct pair *p)
{
    lost += (unsigned)!pair_packet(p, PAIR_A) + (unsigned)!pair_packet(p, PAIR_B);
    return false;
}

static bool nothing_passes(void *data, struct pair *p, int from, uint8_t *bytes, size_t len)
{
    (void)data;
    (void)p;
    (void)from;
    (void)bytes;
    (void)len;
    return false;
}

static void test_jitter(void **state)
{
    (void)state;
    assert_int_equal(life_jitter(0, 10, UINT32_MAX), 0);
    assert_int_equal(life_jitter(100, 0, UINT32_MAX), 100);
    assert_int_equal(life_jitter(100, 10, 0), 100);
    assert_int_equal(life_jitter(100, 10, UINT32_MAX), 91);
    assert_true(life_jitter(100, 1000, UINT32_MAX) <= 1); /* never before the beginning */
    assert_true(life_jitter(UINT64_MAX, UINT64_MAX, UINT32_MAX / 2) > UINT64_MAX / 2 - UINT32_MAX);
}

/* Hours of it: neither SA is missing for a moment. */
static void short_lives(struct ike_conf *c)
{
    c->rekey_time = 10 * USEC_PER_MIN;
    c->over_time = c->rand_time = USEC_PER_MIN;
    c->children[0].time =
        (struct conf_limit){.rekey = 3 * USEC_PER_MIN, .life = 4 * USEC_PER_MIN, .random = 30 * USEC_PER_SEC};
}

static void test_rekeys(void **state)
{
    struct pair *p = up(short_lives);

    (void)state;
    lost = 0;
    (void)pair_until(p, traffic, 3 * USEC_PER_HOUR);
    assert_int_equal(lost, 0);
    assert_true(pair_until(p, pair_is_up, USEC_PER_MIN));
    for (int n = 0; n < 2; n++) {
        assert_in_range(pair_count_events(p, n, ENGINE_IKE_REKEYED), 18, 21);
        assert_in_range(pair_count_events(p, n, ENGINE_CHILD_REKEYED), 60, 73);
        assert_int_equal(pair_count_events(p, n, ENGINE_IKE_DOWN), 0);
        assert_int_equal(pair_count_events(p, n, ENGINE_CHILD_DOWN), 0);
    }
    (void)pair_free(p);
}

/* 2.8.3: broken, then made again. */
static void reauth(struct ike_conf *c)
{
    c->reauth_time = 10 * USEC_PER_MIN;
}

static void test_reauth(void **state)
{
    struct pair *p = up(reauth);

    (void)state;
    pair_run(p, 11 * USEC_PER_MIN);
    assert_true(pair_is_up(p));
    for (int n = 0; n < 2; n++) {
        assert_int_equal(pair_count_events(p, n, ENGINE_IKE_UP), 2);
        assert_int_equal(pair_count_events(p, n, ENGINE_IKE_DOWN), 1);
    }
    (void)pair_free(p);
}

/* 2.8: an SA that is not rekeyed in time is closed together with its IKE_SA, and made anew. B refuses all rekeying by
 * its proposals, which have a group that A's have not; IKE_AUTH has none. */
static void other_group(struct ike_conf *c)
{
    char error[128];

    short_lives(c);
    c->rekey_time = 0;
    c->children[0].proposals.n = 0;
    assert_int_equal(
        proposals_parse(PROTO_ESP, "aes128gcm16-ecp384", false, &c->children[0].proposals, error, sizeof(error)), 0);
}

static void test_cannot_rekey(void **state)
{
    struct pair *p = up(other_group);

    (void)state;
    pair_run(p, 5 * USEC_PER_MIN);
    assert_true(pair_is_up(p));
    assert_int_equal(pair_count_events(p, PAIR_A, ENGINE_CHILD_REKEYED), 0);
    assert_int_equal(pair_count_events(p, PAIR_A, ENGINE_IKE_UP), 2);
    (void)pair_free(p);
}

/* Bytes and packets: the data path tells. */
static void test_limits(void **state)
{
    struct pair *p = up(NULL);
    uint32_t unique = pair_child(p, PAIR_A)->unique;

    (void)state;
    engine_limit(p->node[PAIR_A].engine, p->now, unique, false);
    pair_run(p, 10 * USEC_PER_SEC);
    assert_true(pair_is_up(p));
    assert_int_equal(pair_count_events(p, PAIR_A, ENGINE_CHILD_REKEYED), 1);
    assert_int_not_equal(pair_child(p, PAIR_A)->unique, unique);
    engine_limit(p->node[PAIR_A].engine, p->now, pair_child(p, PAIR_A)->unique, true);
    pair_run(p, 10 * USEC_PER_SEC);
    assert_int_equal(pair_count_children(p, PAIR_A), 0);
    assert_int_equal(pair_count_children(p, PAIR_B), 0);
    (void)pair_free(p);
}

/* 2.4: a silent peer is asked, one that sends ESP is not. */
static void dpd(struct ike_conf *c)
{
    c->dpd_delay = 10 * USEC_PER_SEC;
    c->children[0].dpd_action = CONF_ACTION_START;
    c->keyingtries = 0;
}

static void test_dpd_asks(void **state)
{
    struct pair *p = up(dpd);
    uint64_t sent = p->sent;

    (void)state;
    pair_run(p, 65 * USEC_PER_SEC);
    assert_in_range((p->sent - sent) / 2, 5, 7);
    sent = p->sent;
    for (unsigned i = 0; i < 60; i++) {
        assert_true(pair_packet(p, PAIR_B));
        pair_run(p, USEC_PER_SEC);
    }
    assert_true(p->sent - sent <= 2);
    assert_true(pair_is_up(p));
    (void)pair_free(p);
}

/* A peer that does not answer is lost; its CHILD_SA is asked for again until it comes back. */
static void test_dpd_loses(void **state)
{
    struct pair *p = up(dpd);

    (void)state;
    p->filter = nothing_passes;
    pair_run(p, 5 * USEC_PER_MIN);
    assert_int_equal(pair_count_sas(p, PAIR_A), 0);
    assert_int_equal(pair_count_events(p, PAIR_A, ENGINE_CHILD_DOWN), 1);
    p->filter = NULL;
    pair_run(p, 5 * USEC_PER_MIN);
    assert_int_equal(pair_count_children(p, PAIR_A), 1);
    assert_true(pair_packet(p, PAIR_A));
    (void)pair_free(p);
}

static void inactive(struct ike_conf *c)
{
    c->children[0].inactivity = USEC_PER_MIN;
    c->children[0].close_action = CONF_ACTION_START; /* not for what we close ourselves */
}

static void test_inactivity(void **state)
{
    struct pair *p = up(inactive);

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        assert_true(pair_packet(p, PAIR_A));
        pair_run(p, 30 * USEC_PER_SEC);
    }
    pair_run(p, 2 * USEC_PER_MIN);
    assert_int_equal(pair_count_children(p, PAIR_A), 0);
    assert_int_equal(pair_count_children(p, PAIR_B), 0);
    assert_int_equal(pair_count_sas(p, PAIR_A), 1);
    (void)pair_free(p);
}

/* The peer deletes: the close action follows, on the IKE_SA that is left or on a new one. */
static void close_action(struct ike_conf *c)
{
    c->children[0].close_action = CONF_ACTION_START;
}

static void test_close_action(void **state)
{
    struct pair *p = up(close_action);
    unsigned n;

    (void)state;
    assert_int_equal(
        engine_terminate(p->node[PAIR_B].engine, p->now, &(struct engine_filter){.child = "net"}, false, 2, &n), 0);
    pair_run(p, 10 * USEC_PER_SEC);
    assert_string_equal(p->node[PAIR_B].done[2], "ok");
    assert_true(pair_is_up(p));
    assert_int_equal(pair_count_events(p, PAIR_A, ENGINE_CHILD_UP), 2);
    assert_int_equal(pair_count_events(p, PAIR_A, ENGINE_IKE_UP), 1);
    assert_int_equal(
        engine_terminate(p->node[PAIR_B].engine, p->now, &(struct engine_filter){.ike = "peer"}, false, 3, &n), 0);
    pair_run(p, 10 * USEC_PER_SEC);
    assert_true(pair_is_up(p));
    assert_int_equal(pair_count_events(p, PAIR_A, ENGINE_IKE_UP), 2);
    (void)pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jitter),       cmocka_unit_test(test_rekeys),     cmocka_unit_test(test_reauth),
        cmocka_unit_test(test_cannot_rekey), cmocka_unit_test(test_limits),     cmocka_unit_test(test_dpd_asks),
        cmocka_unit_test(test_dpd_loses),    cmocka_unit_test(test_inactivity), cmocka_unit_test(test_close_action),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
