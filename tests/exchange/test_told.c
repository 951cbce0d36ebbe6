/* What those who listen hear of the beginnings and ends of SAs (RFC 7296 1.4.1, 2.4): once each, and in the states and
 * with the tasks that a charon's user sees in its events. */
#include "base/str.h"
#include "tests/exchange/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct pair *up(void)
{
    struct pair *p = pair_new(1, NULL);

    pair_load(p, PAIR_A, NULL);
    pair_load(p, PAIR_B, NULL);
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
    return p;
}

/* The only event of its kind. */
static const struct pair_event *only(const struct pair *p, int node, enum engine_event_type type)
{
    const struct pair_node *n = &p->node[node];
    const struct pair_event *found = NULL;

    assert_int_equal(pair_count_events(p, node, type), 1);
    for (size_t i = 0; i < n->n_events; i++)
        if (n->events[i].type == type)
            found = &n->events[i];
    return found;
}

static void expect(const struct pair *p, int node, enum engine_event_type type, enum ike_state ike,
                   enum child_state child, enum task_kind task, bool asked)
{
    const struct pair_event *e = only(p, node, type);

    assert_string_equal(ike_state_name(e->ike_state), ike_state_name(ike));
    assert_string_equal(child_state_name(e->child_state), child_state_name(child));
    assert_int_equal(e->task, task);
    assert_int_equal(e->asked, asked);
}

static void test_up(void **state)
{
    struct pair *p = up();

    (void)state;
    for (int n = 0; n < 2; n++) {
        expect(p, n, ENGINE_IKE_UP, IKE_ESTABLISHED, CHILD_CREATED, TASK_AUTH, n == PAIR_B);
        expect(p, n, ENGINE_CHILD_UP, IKE_ESTABLISHED, CHILD_INSTALLED, TASK_AUTH, n == PAIR_B);
    }
    (void)pair_free(p);
}

/* The CHILD_SAs go with it: INSTALLED, as they were. */
static void test_ike_sa_is_deleted(void **state)
{
    struct pair *p = up();
    unsigned n;

    (void)state;
    assert_int_equal(
        engine_terminate(p->node[PAIR_A].engine, p->now, &(struct engine_filter){.ike = "peer"}, false, 2, &n), 0);
    assert_true(pair_until(p, NULL, USEC_PER_SEC));
    for (int node = 0; node < 2; node++) {
        expect(p, node, ENGINE_IKE_DOWN, IKE_DELETING, CHILD_CREATED, TASK_DELETE_IKE, node == PAIR_B);
        expect(p, node, ENGINE_CHILD_DOWN, IKE_DELETING, CHILD_INSTALLED, TASK_DELETE_IKE, node == PAIR_B);
    }
    (void)pair_free(p);
}

static void test_child_sa_is_deleted(void **state)
{
    struct pair *p = up();
    unsigned n;

    (void)state;
    assert_int_equal(
        engine_terminate(p->node[PAIR_A].engine, p->now, &(struct engine_filter){.child = "net"}, false, 2, &n), 0);
    assert_true(pair_until(p, NULL, USEC_PER_SEC));
    for (int node = 0; node < 2; node++) {
        expect(p, node, ENGINE_CHILD_DOWN, IKE_ESTABLISHED, CHILD_DELETED, TASK_DELETE_CHILD, node == PAIR_B);
        assert_int_equal(pair_count_events(p, node, ENGINE_IKE_DOWN), 0);
    }
    (void)pair_free(p);
}

/* Nobody's answer is waited for. */
static void test_forced(void **state)
{
    struct pair *p = up();
    unsigned n;

    (void)state;
    assert_int_equal(
        engine_terminate(p->node[PAIR_A].engine, p->now, &(struct engine_filter){.ike = "peer"}, true, 2, &n), 0);
    expect(p, PAIR_A, ENGINE_IKE_DOWN, IKE_DELETING, CHILD_CREATED, TASK_DELETE_IKE, false);
    expect(p, PAIR_A, ENGINE_CHILD_DOWN, IKE_DELETING, CHILD_INSTALLED, TASK_DELETE_IKE, false);
    (void)pair_free(p);
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

/* 2.4 */
static void test_the_peer_is_silent(void **state)
{
    struct pair *p = up();

    (void)state;
    p->filter = nothing_passes;
    assert_int_equal(
        engine_rekey(p->node[PAIR_A].engine, p->now, &(struct engine_filter){.child = "net"}, false, &(unsigned){0}),
        0);
    pair_run(p, 10 * USEC_PER_MIN);
    expect(p, PAIR_A, ENGINE_IKE_DOWN, IKE_ESTABLISHED, CHILD_CREATED, TASK_REKEY_CHILD, false);
    expect(p, PAIR_A, ENGINE_CHILD_DOWN, IKE_ESTABLISHED, CHILD_REKEYING, TASK_REKEY_CHILD, false);
    (void)pair_free(p);
}

/* A peer's connection is known once the peer has said who it is: its first messages count among all alone. */
static void test_counts_of_a_connection(void **state)
{
    struct pair *p = up();
    const uint64_t *mine, *theirs;

    (void)state;
    mine = counters_of(engine_counters(p->node[PAIR_A].engine), "peer");
    assert_non_null(mine);
    assert_int_equal(mine[ENGINE_OUT_INIT_REQ], 1);
    assert_int_equal(mine[ENGINE_IN_INIT_RSP], 1);
    assert_int_equal(mine[ENGINE_OUT_AUTH_REQ], 1);
    assert_int_equal(mine[ENGINE_IN_AUTH_RSP], 1);
    theirs = counters_of(engine_counters(p->node[PAIR_B].engine), "peer");
    assert_non_null(theirs);
    assert_int_equal(theirs[ENGINE_IN_AUTH_REQ], 0);
    assert_int_equal(theirs[ENGINE_OUT_AUTH_RSP], 1);
    assert_int_equal(counters_of(engine_counters(p->node[PAIR_B].engine), NULL)[ENGINE_IN_AUTH_REQ], 1);
    (void)pair_free(p);
}

/* Words that scripts look for ------------------------------------------------------------------------------------- */

#define LINES_MAX 8192

static char lines[2][LINES_MAX]; /* of each side, level 1 at most */

static void note(void *data, int from, const struct engine_log *l)
{
    size_t len = strlen(lines[from]);

    (void)data;
    if (l->level <= 1)
        (void)str_format(lines[from] + len, LINES_MAX - len, "%s\n", l->text);
}

static void hear(struct pair *p)
{
    lines[PAIR_A][0] = lines[PAIR_B][0] = '\0';
    p->log = note;
}

static void test_words_of_a_beginning(void **state)
{
    struct pair *p = pair_new(1, NULL);

    (void)state;
    hear(p);
    pair_load(p, PAIR_A, NULL);
    pair_load(p, PAIR_B, NULL);
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
    assert_non_null(strstr(lines[PAIR_A], "initiating IKE_SA peer[1] to "));
    for (int n = 0; n < 2; n++) {
        assert_non_null(strstr(lines[n], " with pre-shared key successful\n"));
        assert_non_null(strstr(lines[n], "IKE_SA peer[1] established between "));
        assert_non_null(strstr(lines[n], "CHILD_SA net{1} established with SPIs "));
    }
    (void)pair_free(p);
}

static void test_words_of_an_end(void **state)
{
    struct pair *p = up();
    unsigned n;

    (void)state;
    assert_true(pair_packet(p, PAIR_A));
    hear(p);
    assert_int_equal(
        engine_terminate(p->node[PAIR_A].engine, p->now, &(struct engine_filter){.child = "net"}, false, 2, &n), 0);
    assert_true(pair_until(p, NULL, USEC_PER_SEC));
    for (int node = 0; node < 2; node++) {
        assert_non_null(strstr(lines[node], "closing CHILD_SA net{1} with SPIs "));
        assert_non_null(strstr(lines[node], " bytes) and TS "));
        assert_non_null(strstr(lines[node], "CHILD_SA closed\n"));
    }
    assert_non_null(strstr(lines[PAIR_B], "received DELETE for ESP CHILD_SA with SPI "));
    assert_int_equal(
        engine_terminate(p->node[PAIR_A].engine, p->now, &(struct engine_filter){.ike = "peer"}, false, 3, &n), 0);
    assert_true(pair_until(p, NULL, USEC_PER_SEC));
    for (int node = 0; node < 2; node++) {
        assert_non_null(strstr(lines[node], "deleting IKE_SA peer[1] between "));
        assert_non_null(strstr(lines[node], "IKE_SA deleted\n"));
    }
    assert_non_null(strstr(lines[PAIR_B], "received DELETE for the IKE_SA\n"));
    (void)pair_free(p);
}

/* What is there is success, and the log says so. */
static void test_words_of_a_duplicate(void **state)
{
    struct pair *p = up();

    (void)state;
    hear(p);
    pair_initiate(p, PAIR_A, 2);
    assert_string_equal(p->node[PAIR_A].done[2], "ok");
    assert_non_null(strstr(lines[PAIR_A], "not establishing CHILD_SA net due to existing duplicate {1} with SPIs "));
    (void)pair_free(p);
}

static void test_words_of_silence(void **state)
{
    struct pair *p = up();

    (void)state;
    hear(p);
    p->filter = nothing_passes;
    assert_int_equal(
        engine_rekey(p->node[PAIR_A].engine, p->now, &(struct engine_filter){.child = "net"}, false, &(unsigned){0}),
        0);
    pair_run(p, 10 * USEC_PER_MIN);
    assert_non_null(strstr(lines[PAIR_A], "retransmit 1 of request with message ID "));
    assert_non_null(strstr(lines[PAIR_A], "giving up after 5 retransmits\n"));
    (void)pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_up),
        cmocka_unit_test(test_ike_sa_is_deleted),
        cmocka_unit_test(test_child_sa_is_deleted),
        cmocka_unit_test(test_forced),
        cmocka_unit_test(test_the_peer_is_silent),
        cmocka_unit_test(test_counts_of_a_connection),
        cmocka_unit_test(test_words_of_a_beginning),
        cmocka_unit_test(test_words_of_an_end),
        cmocka_unit_test(test_words_of_a_duplicate),
        cmocka_unit_test(test_words_of_silence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
