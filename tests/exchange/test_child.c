/* CREATE_CHILD_SA for further CHILD_SAs and for rekeying, one rule at a time; what crosses is test_collisions.c's. */
#include "base/str.h"
#include "engine/ike/create_parts.h"
#include "engine/ike/delete.h"
#include "engine/ike/task.h"
#include "tests/exchange/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What each test loads beside "net", which comes up by IKE_AUTH. */
static struct {
    const char *esp[2], *ike[2];      /* proposals; NULL: the usual ones */
    const char *local[2], *remote[2]; /* selectors of "two" */
} with;

static void propose(uint8_t protocol, const char *text, struct proposals *ret)
{
    char error[128];

    ret->n = 0;
    assert_int_equal(proposals_parse(protocol, text, false, ret, error, sizeof(error)), 0);
}

static void change(int node, struct ike_conf *c)
{
    struct child_conf *two;

    if (with.ike[node])
        propose(PROTO_IKE, with.ike[node], &c->proposals);
    assert_int_equal(ike_conf_add_child(c, &two), 0);
    if (with.esp[node])
        propose(PROTO_ESP, with.esp[node], &c->children[0].proposals);
    two->proposals = c->children[0].proposals;
    (void)str_copy(two->name, sizeof(two->name), "two");
    two->local_ts.n = two->remote_ts.n = 1;
    assert_int_equal(selector_parse(with.local[node], &two->local_ts.s[0]), 0);
    assert_int_equal(selector_parse(with.remote[node], &two->remote_ts.s[0]), 0);
}

static struct pair *up(void)
{
    struct pair *p = pair_new(1, NULL);

    for (int n = 0; n < 2; n++) {
        with.local[n] = with.local[n] ? with.local[n] : n == PAIR_A ? "10.3.0.0/16" : "10.4.0.0/16";
        with.remote[n] = with.remote[n] ? with.remote[n] : n == PAIR_A ? "10.4.0.0/16" : "10.3.0.0/16";
        pair_load(p, n, change);
    }
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
    return p;
}

static void done(struct pair *p)
{
    (void)pair_free(p);
    memset(&with, 0, sizeof(with));
}

static void make_two(struct pair *p)
{
    assert_int_equal(engine_initiate(p->node[PAIR_A].engine, p->now, "peer", "two", 2), 0);
    pair_run(p, USEC_PER_SEC);
}

static void rekey(struct pair *p, int node, const char *child)
{
    struct engine_filter f = {.ike = "peer", .child = child};
    unsigned n;

    assert_int_equal(engine_rekey(p->node[node].engine, p->now, &f, false, &n), 0);
    assert_int_equal(n, 1);
}

static struct child_sa *child_of(struct pair *p, int node, const char *name)
{
    struct child_sa *c = pair_child(p, node);

    while (c && (!str_eq(c->conf->name, name) || !child_sa_live(c)))
        c = c->next;
    assert_non_null(c);
    return c;
}

/* RFC 7296 1.3.1 */
static void test_further_child(void **state)
{
    struct pair *p = up();

    (void)state;
    make_two(p);
    assert_string_equal(p->node[PAIR_A].done[2], "ok");
    assert_int_equal(pair_count_children(p, PAIR_A), 2);
    assert_int_equal(pair_count_children(p, PAIR_B), 2);
    assert_int_equal(child_of(p, PAIR_A, "two")->spi_out, child_of(p, PAIR_B, "two")->spi_in);
    done(p);
}

/* RFC 7296 2.9: the responder takes what both have, the initiator lives with it. */
static void test_narrowed(void **state)
{
    char text[SELECTOR_TEXT_MAX];
    struct pair *p;

    (void)state;
    with.remote[PAIR_A] = "10.0.0.0/8";
    with.local[PAIR_A] = "0.0.0.0/0";
    p = up();
    make_two(p);
    assert_string_equal(p->node[PAIR_A].done[2], "ok");
    assert_string_equal(selector_text(&child_of(p, PAIR_A, "two")->local_ts.s[0], text), "10.3.0.0/16");
    assert_string_equal(selector_text(&child_of(p, PAIR_A, "two")->remote_ts.s[0], text), "10.4.0.0/16");
    done(p);
}

/* RFC 7296 2.9, 1.3: no CHILD_SA, but the IKE_SA and the others stay; the word is the peer's. */
static void test_refused(void **state)
{
    struct pair *p;

    (void)state;
    with.local[PAIR_A] = "192.168.0.0/16";
    p = up();
    make_two(p);
    assert_non_null(strstr(p->node[PAIR_A].done[2], "TS_UNACCEPTABLE"));
    assert_true(pair_is_up(p));
    done(p);
}

/* RFC 7296 1.3, 2.17: with groups in the proposals, and the peer wants another one than the first. */
static void test_other_group(void **state)
{
    struct pair *p;

    (void)state;
    with.esp[PAIR_A] = "aes128gcm16-x25519-ecp256";
    with.esp[PAIR_B] = "aes128gcm16-ecp256";
    p = up();
    make_two(p);
    assert_string_equal(p->node[PAIR_A].done[2], "ok");
    assert_string_equal(child_of(p, PAIR_A, "two")->suite.dh->name, "ECP_256");
    rekey(p, PAIR_A, "net");
    pair_run(p, 10 * USEC_PER_SEC);
    assert_string_equal(child_of(p, PAIR_A, "net")->suite.dh->name, "ECP_256");
    assert_string_equal(child_of(p, PAIR_B, "net")->suite.dh->name, "ECP_256");
    assert_true(pair_packet(p, PAIR_A));
    done(p);
}

/* RFC 7296 1.3: a group that we do not offer is no reason to offer it. */
static void test_no_common_group(void **state)
{
    struct pair *p;

    (void)state;
    with.esp[PAIR_A] = "aes128gcm16-x25519";
    with.esp[PAIR_B] = "aes128gcm16-ecp256";
    p = up();
    make_two(p);
    assert_non_null(strstr(p->node[PAIR_A].done[2], "NO_PROPOSAL_CHOSEN"));
    rekey(p, PAIR_A, "net"); /* the same: what is there goes on */
    pair_run(p, USEC_PER_SEC);
    assert_true(pair_is_up(p));
    done(p);
}

/* RFC 7296 2.8: both sides receive with both for a while; the responder sends with the new one when the old one is
 * deleted; the old one is still received with when it is gone. */
static bool old_is_deleted(struct pair *p)
{
    struct child_sa *c = pair_child(p, PAIR_B);

    return c && c->state == CHILD_DELETED;
}

static void test_make_before_break(void **state)
{
    struct pair *p = up();
    uint32_t old = pair_child(p, PAIR_B)->unique;

    (void)state;
    rekey(p, PAIR_A, "net");
    assert_true(pair_until(p, old_is_deleted, USEC_PER_SEC));
    assert_true(p->node[PAIR_B].children[0].unique == old && p->node[PAIR_B].children[0].installed);
    assert_false(p->node[PAIR_B].children[0].used);
    pair_run(p, DELETE_LINGER + USEC_PER_SEC);
    assert_false(p->node[PAIR_B].children[0].installed);
    assert_true(pair_is_up(p));
    assert_int_equal(pair_count_events(p, PAIR_A, ENGINE_CHILD_REKEYED), 1);
    assert_int_equal(pair_count_events(p, PAIR_B, ENGINE_CHILD_REKEYED), 1);
    assert_int_equal(pair_count_events(p, PAIR_B, ENGINE_CHILD_DOWN), 0);
    done(p);
}

/* RFC 7296 2.25.1: the peer does not know the SA any more: ours goes too, and a new one is made. */
static void test_not_found(void **state)
{
    struct pair *p = up();

    (void)state;
    child_sa_destroy(pair_child(p, PAIR_B), "lost in a test", p->now);
    rekey(p, PAIR_A, "net");
    assert_true(pair_until(p, pair_is_up, 10 * USEC_PER_SEC));
    assert_int_equal(pair_count_events(p, PAIR_A, ENGINE_CHILD_DOWN), 1);
    assert_int_equal(pair_count_events(p, PAIR_A, ENGINE_CHILD_UP), 2);
    done(p);
}

/* RFC 7296 1.3.2, 2.18: all CHILD_SAs go on; message ids begin at 0; of another group where the peer wants it. */
static void test_rekey_ike(void **state)
{
    uint32_t child[2], ike[2];
    struct pair *p;

    (void)state;
    with.ike[PAIR_A] = "aes128gcm16-prfsha256-x25519-ecp256";
    with.ike[PAIR_B] = "aes128gcm16-prfsha256-ecp256";
    p = up();
    make_two(p);
    for (int n = 0; n < 2; n++) {
        child[n] = child_of(p, n, "two")->unique;
        ike[n] = pair_sa(p, n)->unique;
    }
    rekey(p, PAIR_B, NULL);
    pair_run(p, USEC_PER_SEC);
    for (int n = 0; n < 2; n++) {
        assert_int_equal(pair_count_sas(p, n), 1);
        assert_int_not_equal(pair_sa(p, n)->unique, ike[n]);
        assert_int_equal(pair_sa(p, n)->replaces, ike[n]);
        assert_int_equal(child_of(p, n, "two")->unique, child[n]);
        assert_int_equal(pair_sa(p, n)->ids.next, 0);
        assert_int_equal(pair_sa(p, n)->initiator, n == PAIR_B);
        assert_int_equal(pair_count_events(p, n, ENGINE_IKE_REKEYED), 1);
        assert_int_equal(pair_count_events(p, n, ENGINE_IKE_DOWN), 0);
    }
    rekey(p, PAIR_A, "two"); /* under the new keys */
    pair_run(p, 10 * USEC_PER_SEC);
    assert_int_not_equal(child_of(p, PAIR_B, "two")->unique, child[PAIR_B]);
    done(p);
}

/* RFC 7296 2.8.1: where one nonce ends, it is the lower one. */
static void test_nonces(void **state)
{
    const uint8_t a[] = {1, 2, 3}, b[] = {1, 3};

    (void)state;
    assert_true(create_nonce_less(a, 3, b, 2));
    assert_false(create_nonce_less(b, 2, a, 3));
    assert_true(create_nonce_less(a, 2, a, 3));
    assert_false(create_nonce_less(a, 3, a, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_further_child),   cmocka_unit_test(test_narrowed),
        cmocka_unit_test(test_refused),         cmocka_unit_test(test_other_group),
        cmocka_unit_test(test_no_common_group), cmocka_unit_test(test_make_before_break),
        cmocka_unit_test(test_not_found),       cmocka_unit_test(test_rekey_ike),
        cmocka_unit_test(test_nonces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
