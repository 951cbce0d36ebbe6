/*
 * Long messages in fragments (RFC 7383), CREATE_CHILD_SAs of both sides that cross under the same message id: whatever
 * is lost or comes in another order, each is put together of its own fragments.
 */
#include "engine/ike/task.h"
#include "tests/exchange/pair.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SELECTORS  20 /* of each payload: a message takes several fragments */
#define DATAGRAMS  6  /* of each side, of which any may be lost: request and response */
#define FRAGMENTED 576

static struct {
    unsigned lose[2], sent[2];
    uint32_t id;         /* of the messages that are looked at */
    unsigned fragmented; /* of these that came */
} run;

static void small(int node, struct engine_settings *s)
{
    (void)node;
    s->fragment_size = FRAGMENTED;
    s->cookie_threshold = 100;
}

static void many_selectors(struct selectors_conf *ss, unsigned net)
{
    char text[SELECTOR_TEXT_MAX];

    ss->n = SELECTORS;
    for (unsigned i = 0; i < SELECTORS; i++) {
        assert_true(str_format(text, sizeof(text), "10.%u.%u.0/24", net, 2 * i));
        assert_int_equal(selector_parse(text, &ss->s[i]), 0);
    }
}

static void add_child(int node, struct ike_conf *c, const char *name, unsigned net)
{
    struct child_conf *child;

    assert_int_equal(ike_conf_add_child(c, &child), 0);
    child->proposals = c->children[0].proposals;
    (void)str_copy(child->name, sizeof(child->name), name);
    many_selectors(&child->local_ts, net + (unsigned)node);
    many_selectors(&child->remote_ts, net + (unsigned)!node);
}

static void two_more(int node, struct ike_conf *c)
{
    add_child(node, c, "of-a", 10);
    add_child(node, c, "of-b", 20);
}

static bool lose(void *data, struct pair *p, int from, uint8_t *bytes, size_t len)
{
    struct ike_header h;

    (void)data;
    (void)p;
    assert_int_equal(header_read(bytes, len, &h), 0);
    if (h.exchange != CREATE_CHILD_SA || h.message_id != run.id)
        return true;
    run.fragmented += h.next_payload == PAYLOAD_SKF;
    return run.sent[from] >= DATAGRAMS || !(run.lose[from] & 1U << run.sent[from]++);
}

static bool is_idle(struct pair *p)
{
    for (int i = 0; i < 2; i++)
        if (pair_sa(p, i)->ids.pending || pair_sa(p, i)->tasks)
            return false;
    return p->n_under_way == 0;
}

static uint32_t next_id(struct pair *p, int node)
{
    return pair_sa(p, node)->ids.next;
}

/* Up, and the ids of the next requests of both sides are the same. */
static struct pair *even(uint64_t seed)
{
    struct pair *p = pair_new(seed, small);

    for (int i = 0; i < 2; i++)
        pair_load(p, i, two_more);
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
    for (int i = 0; i < 3 && next_id(p, PAIR_B) < next_id(p, PAIR_A); i++) {
        assert_non_null(task_add(pair_sa(p, PAIR_B), TASK_DPD, NULL, NULL, 0, 0));
        task_run(pair_sa(p, PAIR_B), p->now);
        assert_true(pair_until(p, is_idle, USEC_PER_SEC));
    }
    assert_int_equal(next_id(p, PAIR_A), next_id(p, PAIR_B));
    run.id = next_id(p, PAIR_A);
    run.fragmented = 0;
    run.sent[PAIR_A] = run.sent[PAIR_B] = 0;
    p->filter = lose;
    return p;
}

static void cross(struct pair *p)
{
    assert_int_equal(engine_initiate(p->node[PAIR_A].engine, p->now, "peer", "of-a", 2), 0);
    assert_int_equal(engine_initiate(p->node[PAIR_B].engine, p->now, "peer", "of-b", 2), 0);
    pair_run(p, 5 * USEC_PER_MIN);
    assert_true(run.fragmented >= 8); /* requests and responses, two fragments each or more */
    for (int i = 0; i < 2; i++) {
        if (pair_count_sas(p, i) != 1 || pair_count_children(p, i) != 3)
            fail_msg("lost %x and %x: %c has %u IKE_SAs and %u CHILD_SAs", run.lose[0], run.lose[1], "AB"[i],
                     pair_count_sas(p, i), pair_count_children(p, i));
        assert_string_equal(p->node[i].done[2], "ok");
        assert_int_equal(pair_count_events(p, i, ENGINE_IKE_DOWN), 0);
        assert_true(pair_packet_of(p, i, "of-a"));
        assert_true(pair_packet_of(p, i, "of-b"));
    }
}

static void test_losses(void **state)
{
    (void)state;
    for (run.lose[PAIR_A] = 0; run.lose[PAIR_A] < 1U << DATAGRAMS; run.lose[PAIR_A]++) {
        struct pair *p = even(run.lose[PAIR_A]);

        run.lose[PAIR_B] = (unsigned)pair_random(p, 1U << DATAGRAMS);
        cross(p);
        (void)pair_free(p);
    }
}

static void test_order(void **state)
{
    (void)state;
    run.lose[PAIR_A] = run.lose[PAIR_B] = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct pair *p = even(seed);

        p->net = (struct pair_net){.twice = 20, .delay = USEC_PER_MSEC, .jitter = 20 * USEC_PER_MSEC};
        cross(p);
        (void)pair_free(p);
    }
}

/* What went over the way of one message of A's and of B's response. */
static struct {
    struct packets request, response;
    bool lose_responses;
} seen;

static bool watch(void *data, struct pair *p, int from, uint8_t *bytes, size_t len)
{
    struct packets *ps = from == PAIR_A ? &seen.request : &seen.response;
    struct ike_header h;

    (void)data;
    (void)p;
    assert_int_equal(header_read(bytes, len, &h), 0);
    if (h.exchange != CREATE_CHILD_SA)
        return true;
    assert_int_equal(packets_add(ps, bytes, len), 0);
    return from == PAIR_A || !seen.lose_responses;
}

static bool is_again(const struct packets *ps, size_t n)
{
    if (ps->n == 0 || ps->n % n != 0)
        return false;
    for (size_t i = n; i < ps->n; i++)
        if (ps->p[i].len != ps->p[i % n].len || memcmp(ps->p[i].data, ps->p[i % n].data, ps->p[i].len) != 0)
            return false;
    return true;
}

/* RFC 7296 2.1, RFC 7383 2.6.1: a request goes again bit by bit, in the same fragments, and so does the response. */
static void test_retransmission(void **state)
{
    struct pair *p = even(1);
    size_t requests, responses;

    (void)state;
    p->filter = watch;
    seen.lose_responses = true;
    assert_int_equal(engine_initiate(p->node[PAIR_A].engine, p->now, "peer", "of-a", 2), 0);
    pair_run(p, USEC_PER_SEC);
    requests = seen.request.n;
    responses = seen.response.n;
    assert_true(requests > 1 && responses > 1);
    pair_run(p, 20 * USEC_PER_SEC);
    assert_int_equal(seen.request.n, 3 * requests); /* after 4 s and 7.2 s */
    assert_int_equal(seen.response.n, 3 * responses);
    assert_true(is_again(&seen.request, requests));
    assert_true(is_again(&seen.response, responses));
    assert_int_equal(pair_count_children(p, PAIR_B), 2);
    seen.lose_responses = false;
    pair_run(p, USEC_PER_MIN);
    assert_string_equal(p->node[PAIR_A].done[2], "ok");
    assert_int_equal(pair_count_children(p, PAIR_B), 2);
    packets_clear(&seen.request);
    packets_clear(&seen.response);
    (void)pair_free(p);
}

/* RFC 7383 2.6.1: of a request that was answered the first fragment alone asks for the response again. */
static void test_first_fragment_stands_for_all(void **state)
{
    struct pair *p = even(1);
    size_t responses;

    (void)state;
    p->filter = watch;
    seen.lose_responses = false;
    assert_int_equal(engine_initiate(p->node[PAIR_A].engine, p->now, "peer", "of-a", 2), 0);
    pair_run(p, USEC_PER_SEC);
    responses = seen.response.n;
    for (size_t i = 0; i < seen.request.n; i++) {
        struct ike_sa *sa = pair_sa(p, PAIR_B);

        pair_inject(p, PAIR_B, &sa->local, &sa->remote, seen.request.p[i].data, seen.request.p[i].len);
        assert_int_equal(seen.response.n, 2 * responses);
    }
    assert_true(is_again(&seen.response, responses));
    assert_int_equal(pair_count_children(p, PAIR_B), 2);
    packets_clear(&seen.request);
    packets_clear(&seen.response);
    (void)pair_free(p);
}

/* IKE_AUTH takes several fragments. */
static void long_net(int node, struct ike_conf *c)
{
    many_selectors(&c->children[0].local_ts, 10 + (unsigned)node);
    many_selectors(&c->children[0].remote_ts, 10 + (unsigned)!node);
}

static void answer_first(struct pair *p)
{
    const struct ike_sa *sa = pair_sa(p, PAIR_A);
    struct ike_header h = {.version = IKE_VERSION, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_RESPONSE, .spi_r = {1}};
    uint8_t buf[512], value[32] = {9}, nonce[32] = {1};
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct packets out = {0};

    memcpy(h.spi_i, sa->spi_i, IKE_SPI_LEN);
    payload_write_sa(&cw, &sa->conf->proposals);
    payload_write_ke(&cw, 31, value, sizeof(value));
    payload_write_nonce(&cw, nonce, sizeof(nonce));
    payload_write_notify(&cw, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED, PROTO_NONE, NULL, 0, NULL, 0);
    assert_int_equal(message_plain(&h, &cw, &out), 0);
    pair_inject(p, PAIR_A, &sa->local, &sa->remote, out.p[0].data, out.p[0].len);
    packets_clear(&out);
    assert_int_equal(pair_sa(p, PAIR_A)->spi_r[0], 1);
}

/* The first of TOTAL, of a response to A's IKE_AUTH, encrypted with the keys that A has now. */
static void send_fragment(struct pair *p, uint16_t total)
{
    struct ike_sa *sa = pair_sa(p, PAIR_A);
    struct ike_header h = {.version = IKE_VERSION, .exchange = IKE_AUTH, .flags = IKE_FLAG_RESPONSE, .message_id = 1};
    static uint8_t buf[20000], zeros[20000];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct packets out = {0};
    uint64_t counter = 1;

    memcpy(h.spi_i, sa->spi_i, IKE_SPI_LEN);
    memcpy(h.spi_r, sa->spi_r, IKE_SPI_LEN);
    chain_open(&cw, PAYLOAD_VENDOR);
    wr_bytes(&cw.w, zeros, total * 256U - PAYLOAD_HEADER_LEN);
    chain_close(&cw);
    assert_int_equal(message_seal(sa->seal_in, &counter, &h, &cw, 100, &out), 0);
    assert_int_equal(out.n, total);
    pair_inject(p, PAIR_A, &sa->local, &sa->remote, out.p[0].data, out.p[0].len);
    assert_true(sa->response_in.active);
    packets_clear(&out);
}

/* RFC 7296 2.4: who answers IKE_SA_INIT before the peer has keys with A until A tries the other answer. */
static void test_fragments_of_a_forger(void **state)
{
    static const uint16_t totals[] = {2, 64};

    (void)state;
    for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
        struct pair *p = pair_new(1, small);

        for (int node = 0; node < 2; node++)
            pair_load(p, node, long_net);
        pair_initiate(p, PAIR_A, 1);
        answer_first(p);
        send_fragment(p, totals[i]);
        assert_true(pair_until(p, pair_is_up, USEC_PER_MIN));
        assert_string_equal(p->node[PAIR_A].done[1], "ok");
        (void)pair_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_retransmission),
        cmocka_unit_test(test_first_fragment_stands_for_all),
        cmocka_unit_test(test_fragments_of_a_forger),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
