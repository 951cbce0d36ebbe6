/*
 * Public values that are none of their group (RFC 7296 3.4, RFC 6989 2): no SA is made with one, whatever exchange
 * brings it and whichever side sends it; the next attempt with a real one succeeds, and what was up stays up.
 */
#include "tests/exchange/sealed.h"

#include "base/array.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* One of each kind of arithmetic. */
static const char *const groups[] = {"modp2048", "modp2048s256", "ecp256", "ecp521", "x25519", "x448"};

static struct {
    const char *group;
    int from; /* whose value is spoiled */
    enum ike_exchange exchange;
    bool of_child; /* CREATE_CHILD_SA: with selectors or without */
    unsigned spoiled, left;
} run;

static void propose(int node, struct ike_conf *c)
{
    char text[64], error[128];

    (void)node;
    c->proposals.n = c->children[0].proposals.n = 0;
    assert_true(str_format(text, sizeof(text), "aes128gcm16-prfsha256-%s", run.group));
    assert_int_equal(proposals_parse(PROTO_IKE, text, true, &c->proposals, error, sizeof(error)), 0);
    assert_true(str_format(text, sizeof(text), "aes128gcm16-%s", run.group));
    assert_int_equal(proposals_parse(PROTO_ESP, text, true, &c->children[0].proposals, error, sizeof(error)), 0);
}

/* Zero is 0 to MODP, no point of the curve to ECP, and of small order to Curve25519 and Curve448. */
static bool write_zero(struct chain_writer *cw, const struct payload *p)
{
    static const uint8_t zeros[1024];
    struct ke_payload ke;

    if (!p || p->type != PAYLOAD_KE)
        return false;
    assert_int_equal(payload_read_ke(p, &ke), 0);
    assert_in_range(ke.value.len, 1, sizeof(zeros));
    payload_write_ke(cw, ke.group, zeros, ke.value.len);
    return true;
}

/* In place: nothing seals IKE_SA_INIT. */
static void zero_plain(uint8_t *bytes, size_t len, uint8_t first)
{
    struct ke_payload ke;
    struct chain c;

    assert_int_equal(chain_read(first, bytes + IKE_HEADER_LEN, len - IKE_HEADER_LEN, &c), 0);
    assert_int_equal(payload_read_ke(chain_find(&c, PAYLOAD_KE, NULL), &ke), 0);
    memset(bytes + (ke.value.data - bytes), 0, ke.value.len);
}

static bool is_to_be_spoiled(const struct ike_header *h, const struct chain *c)
{
    bool of_child = chain_find(c, PAYLOAD_TSI, NULL);

    return h->exchange == run.exchange && chain_find(c, PAYLOAD_KE, NULL) &&
           (run.exchange == IKE_SA_INIT || of_child == run.of_child);
}

static bool spoil(void *data, struct pair *p, int from, uint8_t *bytes, size_t len)
{
    struct ike_header h;
    struct chain c;
    bool sealed;

    (void)data;
    if (run.left == 0 || from != run.from)
        return true;
    sealed = sealed_open(p, from, bytes, len, &h, &c);
    if (!is_to_be_spoiled(&h, &c))
        return true;
    run.left--;
    run.spoiled++;
    if (sealed)
        sealed_send(p, from, &h, &c, write_zero);
    else
        zero_plain(bytes, len, h.next_payload);
    return !sealed;
}

static struct pair *begun(void)
{
    struct pair *p = pair_new(1, NULL);

    run.left = run.spoiled = 0;
    p->filter = spoil;
    pair_load(p, PAIR_A, propose);
    pair_load(p, PAIR_B, propose);
    return p;
}

static void assert_up(struct pair *p)
{
    if (!pair_until(p, pair_is_up, 5 * USEC_PER_MIN))
        fail_msg("%s: not up", run.group);
    assert_true(pair_packet(p, PAIR_A));
    assert_true(pair_packet(p, PAIR_B));
}

static void check_init(int from)
{
    run.from = from;
    run.exchange = IKE_SA_INIT;
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        struct pair *p;

        run.group = groups[i];
        p = begun();
        run.left = 1;
        pair_initiate(p, PAIR_A, 1);
        pair_run(p, USEC_PER_SEC);
        assert_int_equal(run.spoiled, 1);
        assert_int_equal(pair_count_children(p, PAIR_A) + pair_count_children(p, PAIR_B), 0);
        assert_up(p);
        assert_string_equal(p->node[PAIR_A].done[1], "ok");
        (void)pair_free(p);
    }
}

/* RFC 7296 1.2 */
static void test_init_request(void **state)
{
    (void)state;
    check_init(PAIR_A);
}

static void test_init_response(void **state)
{
    (void)state;
    check_init(PAIR_B);
}

static uint32_t unique_of(struct pair *p, int node)
{
    return run.of_child ? pair_child(p, node)->unique : pair_sa(p, node)->unique;
}

static void rekey(struct pair *p)
{
    struct engine_filter f = {.ike = "peer", .child = run.of_child ? "net" : NULL};
    unsigned n;

    assert_int_equal(engine_rekey(p->node[PAIR_A].engine, p->now, &f, false, &n), 0);
    assert_int_equal(n, 1);
    pair_run(p, 20 * USEC_PER_SEC);
}

/* A rekeys; FROM's value is spoiled once. */
static void check_rekey(int from)
{
    run.from = from;
    run.exchange = CREATE_CHILD_SA;
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        struct pair *p;
        uint32_t before;

        run.group = groups[i];
        p = begun();
        pair_initiate(p, PAIR_A, 1);
        assert_up(p);
        run.left = 1;
        rekey(p);
        assert_int_equal(run.spoiled, 1);
        assert_up(p);
        before = unique_of(p, PAIR_A);
        rekey(p);
        assert_int_equal(run.spoiled, 1);
        assert_int_not_equal(unique_of(p, PAIR_A), before);
        assert_up(p);
        (void)pair_free(p);
    }
}

/* RFC 7296 1.3.2 */
static void test_ike_rekey_request(void **state)
{
    (void)state;
    run.of_child = false;
    check_rekey(PAIR_A);
}

static void test_ike_rekey_response(void **state)
{
    (void)state;
    run.of_child = false;
    check_rekey(PAIR_B);
}

/* RFC 7296 1.3.3 */
static void test_child_rekey_request(void **state)
{
    (void)state;
    run.of_child = true;
    check_rekey(PAIR_A);
}

static void test_child_rekey_response(void **state)
{
    (void)state;
    run.of_child = true;
    check_rekey(PAIR_B);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init_request),        cmocka_unit_test(test_init_response),
        cmocka_unit_test(test_ike_rekey_request),   cmocka_unit_test(test_ike_rekey_response),
        cmocka_unit_test(test_child_rekey_request), cmocka_unit_test(test_child_rekey_response),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
