/*
 * Two tasks that cross, one of each side, in every order that three lost datagrams of each side can make of them
 * (RFC 7296 2.8.1, 2.8.2, 2.25). What must come out does not depend on the order: one IKE_SA and one CHILD_SA on each
 * side, or none where one side deletes, and between two rekeyings no packet is lost.
 */
#include "tests/exchange/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define LOST_FIRST 3 /* of the first datagrams of each side any may be lost */
#define ALL_LOST   ((1U << LOST_FIRST) - 1)
#define DELAY      (10 * USEC_PER_MSEC)

enum act { REKEY_CHILD, REKEY_IKE, DELETE_CHILD, DELETE_IKE, NEW_CHILD, DELETE_NEW, NOTHING };

static const char *const names[] = {"rekey CHILD_SA", "rekey IKE_SA",     "delete CHILD_SA",
                                    "delete IKE_SA",  "another CHILD_SA", "delete the new CHILD_SA",
                                    "nothing"};

struct run {
    unsigned lose[2], sent[2]; /* bits; datagrams */
    unsigned broken;           /* packets that did not arrive */
    unsigned ended[2];         /* SAs that a deletion was about: none where the other side's was faster */
    bool traffic;
};

static struct run run;

static bool lose(void *data, struct pair *p, int from, uint8_t *bytes, size_t len)
{
    unsigned n = run.sent[from]++;

    (void)data;
    (void)p;
    (void)bytes;
    (void)len;
    return n >= LOST_FIRST || !(run.lose[from] & 1U << n);
}

/* Asked after each step: a packet in each direction. */
static bool traffic(struct pair *p)
{
    if (run.traffic)
        run.broken += (unsigned)!pair_packet(p, PAIR_A) + (unsigned)!pair_packet(p, PAIR_B);
    return false;
}

static void act(struct pair *p, int node, enum act what)
{
    struct engine *e = p->node[node].engine;
    unsigned n = 0;

    switch (what) {
    case REKEY_CHILD:
        assert_int_equal(engine_rekey(e, p->now, &(struct engine_filter){.child = "net"}, false, &n), 0);
        break;
    case REKEY_IKE:
        assert_int_equal(engine_rekey(e, p->now, &(struct engine_filter){.ike = "peer"}, false, &n), 0);
        break;
    case DELETE_CHILD:
        assert_int_equal(engine_terminate(e, p->now, &(struct engine_filter){.child = "net"}, false, 2, &n), 0);
        break;
    case DELETE_IKE:
        assert_int_equal(engine_terminate(e, p->now, &(struct engine_filter){.ike = "peer"}, false, 2, &n), 0);
        break;
    case NEW_CHILD:
        assert_int_equal(engine_initiate(e, p->now, "peer", "two", 2), 0);
        break;
    case DELETE_NEW:
        assert_int_equal(engine_terminate(e, p->now, &(struct engine_filter){.child = "two"}, false, 2, &n), 0);
        break;
    case NOTHING:
        break;
    }
    run.ended[node] = n;
}

/* A second child, for those who make another CHILD_SA. */
static void add_child(int node, struct ike_conf *c)
{
    struct child_conf *two;

    assert_int_equal(ike_conf_add_child(c, &two), 0);
    two->proposals = c->children[0].proposals;
    (void)snprintf(two->name, sizeof(two->name), "two");
    two->local_ts.n = two->remote_ts.n = 1;
    assert_int_equal(selector_parse(node == PAIR_A ? "10.3.0.0/16" : "10.4.0.0/16", &two->local_ts.s[0]), 0);
    assert_int_equal(selector_parse(node == PAIR_A ? "10.4.0.0/16" : "10.3.0.0/16", &two->remote_ts.s[0]), 0);
}

static struct pair *up(uint64_t seed)
{
    struct pair *p = pair_new(seed, NULL);

    pair_load(p, PAIR_A, add_child);
    pair_load(p, PAIR_B, add_child);
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
    p->net.delay = DELAY;
    return p;
}

static bool is_deleted(enum act what)
{
    return what == DELETE_CHILD || what == DELETE_IKE;
}

/* Ups and downs that were told, per kind. */
static int balance(const struct pair *p, int node, enum engine_event_type ups, enum engine_event_type downs)
{
    return (int)pair_count_events(p, node, ups) - (int)pair_count_events(p, node, downs);
}

static void check(struct pair *p, enum act a, enum act b, const char *where)
{
    unsigned sas = a != DELETE_IKE && b != DELETE_IKE, children = sas && !is_deleted(a) && !is_deleted(b);

    if (children == 1 && (a == NEW_CHILD || b == NEW_CHILD) && (a != DELETE_NEW && b != DELETE_NEW))
        children++;
    /* One that the other side did not know of when it was to delete it lives on. */
    if (b == DELETE_NEW && run.ended[PAIR_B] == 0)
        children++;

    for (int n = 0; n < 2; n++) {
        if (pair_count_sas(p, n) != sas || pair_count_children(p, n) != children ||
            balance(p, n, ENGINE_IKE_UP, ENGINE_IKE_DOWN) != (int)sas ||
            balance(p, n, ENGINE_CHILD_UP, ENGINE_CHILD_DOWN) != (int)children || run.broken > 0)
            fail_msg("%s: %c has %u IKE_SAs, %u CHILD_SAs; told of %d and %d; %u packets lost", where, "AB"[n],
                     pair_count_sas(p, n), pair_count_children(p, n), balance(p, n, ENGINE_IKE_UP, ENGINE_IKE_DOWN),
                     balance(p, n, ENGINE_CHILD_UP, ENGINE_CHILD_DOWN), run.broken);
    }
    if (children > 0 && (!pair_packet(p, PAIR_A) || !pair_packet(p, PAIR_B)))
        fail_msg("%s: the CHILD_SAs do not fit", where);
    if ((a == NEW_CHILD && children == 2) || (b == NEW_CHILD && children == 2))
        assert_string_equal(p->node[a == NEW_CHILD ? PAIR_A : PAIR_B].done[2], "ok");
    if (is_deleted(a) && run.ended[PAIR_A] > 0)
        assert_string_equal(p->node[PAIR_A].done[2], "ok");
    if (is_deleted(b) && run.ended[PAIR_B] > 0)
        assert_string_equal(p->node[PAIR_B].done[2], "ok");
}

static void cross_once(enum act a, enum act b, unsigned lose_a, unsigned lose_b, usec_t later)
{
    struct pair *p = up(1 + lose_a * 64 + lose_b * 8 + later);
    char where[128];

    (void)snprintf(where, sizeof(where), "%s, %s %u ms later, lost %x and %x", names[a], names[b],
                   (unsigned)(later / USEC_PER_MSEC), lose_a, lose_b);
    if (p->verbose)
        (void)fprintf(stderr, "# %s\n", where);
    run = (struct run){.lose = {lose_a, lose_b}, .traffic = !is_deleted(a) && !is_deleted(b)};
    p->filter = lose;
    act(p, PAIR_A, a);
    (void)pair_until(p, traffic, later);
    act(p, PAIR_B, b);
    (void)pair_until(p, traffic, 10 * USEC_PER_MIN);
    check(p, a, b, where);
    (void)pair_free(p);
}

static void cross(enum act a, enum act b)
{
    for (usec_t later = 0; later <= 3 * DELAY; later += DELAY / 2 + 1)
        for (unsigned lose_a = 0; lose_a < 1U << LOST_FIRST; lose_a++)
            for (unsigned lose_b = 0; lose_b < 1U << LOST_FIRST; lose_b++)
                if (lose_a != ALL_LOST || lose_b != ALL_LOST) /* then nobody could tell it from silence */
                    cross_once(a, b, lose_a, lose_b, later);
}

#define CROSS(name, a, b)                                                                                              \
    static void test_##name(void **state)                                                                              \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        cross(a, b);                                                                                                   \
    }

CROSS(rekey_child, REKEY_CHILD, NOTHING)
CROSS(rekey_ike, REKEY_IKE, NOTHING)
CROSS(delete_child, DELETE_CHILD, NOTHING)
CROSS(delete_ike, DELETE_IKE, NOTHING)
CROSS(rekey_child_rekey_child, REKEY_CHILD, REKEY_CHILD)     /* 2.8.1 */
CROSS(rekey_ike_rekey_ike, REKEY_IKE, REKEY_IKE)             /* 2.8.2 */
CROSS(rekey_child_rekey_ike, REKEY_CHILD, REKEY_IKE)         /* 2.25.2 */
CROSS(rekey_ike_rekey_child, REKEY_IKE, REKEY_CHILD)         /* 2.25.2 */
CROSS(rekey_child_delete_child, REKEY_CHILD, DELETE_CHILD)   /* 2.25.1 */
CROSS(delete_child_rekey_child, DELETE_CHILD, REKEY_CHILD)   /* 2.25.1 */
CROSS(delete_child_delete_child, DELETE_CHILD, DELETE_CHILD) /* 1.4.1 */
CROSS(rekey_ike_delete_child, REKEY_IKE, DELETE_CHILD)       /* 2.25.2 */
CROSS(delete_child_rekey_ike, DELETE_CHILD, REKEY_IKE)       /* 2.25.2 */
CROSS(rekey_ike_delete_ike, REKEY_IKE, DELETE_IKE)           /* 2.25.2 */
CROSS(delete_ike_rekey_ike, DELETE_IKE, REKEY_IKE)           /* 2.25.2 */
CROSS(rekey_child_delete_ike, REKEY_CHILD, DELETE_IKE)
CROSS(delete_ike_rekey_child, DELETE_IKE, REKEY_CHILD)
CROSS(delete_child_delete_ike, DELETE_CHILD, DELETE_IKE)
CROSS(delete_ike_delete_ike, DELETE_IKE, DELETE_IKE) /* 2.25.2 */
CROSS(new_child, NEW_CHILD, NOTHING)
CROSS(new_child_new_child, NEW_CHILD, NEW_CHILD)
CROSS(new_child_rekey_ike, NEW_CHILD, REKEY_IKE) /* 2.25.2 */
CROSS(rekey_ike_new_child, REKEY_IKE, NEW_CHILD) /* 2.25.2 */
CROSS(new_child_rekey_child, NEW_CHILD, REKEY_CHILD)
CROSS(new_child_delete_new, NEW_CHILD, DELETE_NEW)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rekey_child),
        cmocka_unit_test(test_rekey_ike),
        cmocka_unit_test(test_delete_child),
        cmocka_unit_test(test_delete_ike),
        cmocka_unit_test(test_rekey_child_rekey_child),
        cmocka_unit_test(test_rekey_ike_rekey_ike),
        cmocka_unit_test(test_rekey_child_rekey_ike),
        cmocka_unit_test(test_rekey_ike_rekey_child),
        cmocka_unit_test(test_rekey_child_delete_child),
        cmocka_unit_test(test_delete_child_rekey_child),
        cmocka_unit_test(test_delete_child_delete_child),
        cmocka_unit_test(test_rekey_ike_delete_child),
        cmocka_unit_test(test_delete_child_rekey_ike),
        cmocka_unit_test(test_rekey_ike_delete_ike),
        cmocka_unit_test(test_delete_ike_rekey_ike),
        cmocka_unit_test(test_rekey_child_delete_ike),
        cmocka_unit_test(test_delete_ike_rekey_child),
        cmocka_unit_test(test_delete_child_delete_ike),
        cmocka_unit_test(test_delete_ike_delete_ike),
        cmocka_unit_test(test_new_child),
        cmocka_unit_test(test_new_child_new_child),
        cmocka_unit_test(test_new_child_rekey_ike),
        cmocka_unit_test(test_rekey_ike_new_child),
        cmocka_unit_test(test_new_child_rekey_child),
        cmocka_unit_test(test_new_child_delete_new),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
