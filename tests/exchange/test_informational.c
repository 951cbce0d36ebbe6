/*
 * INFORMATIONAL requests that our own engine does not send: MOBIKE's (RFC 4555), DELETEs of what is not there, errors.
 * They are given to the handler as they are after decryption.
 */
#include "engine/ike/first.h"
#include "engine/ike/task.h"
#include "tests/exchange/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void with_mobike(int node, struct ike_conf *c)
{
    (void)node;
    c->mobike = true;
    c->remote_addrs[0] = (struct conf_addr){.addr = c->remote_addrs[0].addr, .bits = 8};
    c->children[0].close_action = CONF_ACTION_START;
}

static void with_host(int node, struct ike_conf *c)
{
    (void)node;
    c->mobike = true;
}

/* B, the responder, is asked. */
static struct pair *up(void (*change)(int node, struct ike_conf *c))
{
    struct pair *p = pair_new(1, NULL);

    pair_load(p, PAIR_A, with_host);
    pair_load(p, PAIR_B, change);
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
    pair_sa(p, PAIR_B)->mobike = true;
    return p;
}

static uint8_t request_bytes[4096], answer_bytes[4096];

static struct chain_writer request(void)
{
    return chain_writer_of(request_bytes, sizeof(request_bytes));
}

static struct addr at(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse_port(text, &a), 0);
    return a;
}

/* The request CW from REMOTE; *RET is the response. */
static void ask(struct pair *p, const struct chain_writer *cw, const struct addr *remote, struct chain *ret)
{
    struct ike_sa *sa = pair_sa(p, PAIR_B);
    struct chain_writer answer = chain_writer_of(answer_bytes, sizeof(answer_bytes));
    static struct message in;

    memset(&in, 0, sizeof(in));
    memcpy(in.h.spi_i, sa->spi_i, IKE_SPI_LEN);
    memcpy(in.h.spi_r, sa->spi_r, IKE_SPI_LEN);
    in.h.exchange = INFORMATIONAL;
    in.local = sa->local;
    in.remote = *remote;
    assert_int_equal(chain_read(cw->first, request_bytes, wr_len(&cw->w), &in.chain), 0);
    respond_informational(sa, &in, &answer, p->now);
    assert_true(chain_ok(&answer));
    assert_int_equal(chain_read(answer.first, answer_bytes, wr_len(&answer.w), ret), 0);
}

static void add_natd(struct pair *p, struct chain_writer *cw, const struct addr *remote)
{
    const struct ike_sa *sa = pair_sa(p, PAIR_B);
    uint8_t hash[NATD_LEN];

    natd_hash(sa->spi_i, sa->spi_r, remote, hash);
    payload_write_notify(cw, NOTIFY_NAT_DETECTION_SOURCE_IP, PROTO_NONE, NULL, 0, hash, sizeof(hash));
    natd_hash(sa->spi_i, sa->spi_r, &sa->local, hash);
    payload_write_notify(cw, NOTIFY_NAT_DETECTION_DESTINATION_IP, PROTO_NONE, NULL, 0, hash, sizeof(hash));
}

/* RFC 4555 3.5 */
static void test_moves(void **state)
{
    struct pair *p = up(with_mobike);
    struct addr elsewhere = at("198.51.100.99:4500");
    struct chain_writer cw = request();
    struct notify_payload n;
    struct chain answer;

    (void)state;
    payload_write_notify(&cw, NOTIFY_UPDATE_SA_ADDRESSES, PROTO_NONE, NULL, 0, NULL, 0);
    payload_write_notify(&cw, NOTIFY_COOKIE2, PROTO_NONE, NULL, 0, "0123456789", 10);
    payload_write_notify(&cw, NOTIFY_NO_ADDITIONAL_ADDRESSES, PROTO_NONE, NULL, 0, NULL, 0);
    add_natd(p, &cw, &elsewhere);
    ask(p, &cw, &elsewhere, &answer);
    assert_true(chain_notify(&answer, NOTIFY_COOKIE2, &n));
    assert_int_equal(n.data.len, 10);
    assert_memory_equal(n.data.data, "0123456789", 10);
    assert_true(chain_notify(&answer, NOTIFY_NAT_DETECTION_SOURCE_IP, &n));
    assert_true(addr_equal(&pair_sa(p, PAIR_B)->remote, &elsewhere));
    assert_false(pair_sa(p, PAIR_B)->nat_remote);
    assert_true(addr_equal(&p->node[PAIR_B].children[0].remote, &elsewhere));
    assert_int_equal(pair_child(p, PAIR_B)->state, CHILD_INSTALLED);
    assert_int_equal(pair_count_events(p, PAIR_B, ENGINE_IKE_MOVED), 1);
    assert_non_null(task_find(pair_sa(p, PAIR_B), TASK_DPD, 0)); /* 3.7: is it there? */
    (void)pair_free(p);
}

/* RFC 4555 3.5, 3.9: not where a NAT is forbidden and there is one, not where the policy allows none. */
static void test_does_not_move(void **state)
{
    struct pair *p = up(with_mobike);
    struct addr elsewhere = at("198.51.100.99:4500"), before = pair_sa(p, PAIR_B)->remote;
    struct chain_writer cw = request();
    struct notify_payload n;
    struct chain answer;
    uint8_t addresses[12] = {198, 51, 100, 2}; /* as the peer believes */

    (void)state;
    payload_write_notify(&cw, NOTIFY_UPDATE_SA_ADDRESSES, PROTO_NONE, NULL, 0, NULL, 0);
    payload_write_notify(&cw, NOTIFY_NO_NATS_ALLOWED, PROTO_NONE, NULL, 0, addresses, sizeof(addresses));
    ask(p, &cw, &elsewhere, &answer);
    assert_true(chain_notify(&answer, NOTIFY_UNEXPECTED_NAT_DETECTED, &n));
    assert_true(addr_equal(&pair_sa(p, PAIR_B)->remote, &before));
    (void)pair_free(p);

    p = up(with_host);
    cw = request();
    payload_write_notify(&cw, NOTIFY_UPDATE_SA_ADDRESSES, PROTO_NONE, NULL, 0, NULL, 0);
    ask(p, &cw, &elsewhere, &answer);
    assert_true(chain_notify(&answer, NOTIFY_UNACCEPTABLE_ADDRESSES, &n));
    assert_true(addr_equal(&pair_sa(p, PAIR_B)->remote, &before));
    assert_int_equal(pair_count_events(p, PAIR_B, ENGINE_IKE_MOVED), 0);
    (void)pair_free(p);
}

static void with_dpd(int node, struct ike_conf *c)
{
    c->dpd_delay = node == PAIR_A ? 5 * USEC_PER_SEC : 0;
}

/* The ports of A's IKE_SA from now on. */
static void use_ports(struct pair *p, bool natt)
{
    struct ike_sa *sa = pair_sa(p, PAIR_A);

    sa->natt = natt;
    addr_set_port(&sa->local, natt ? IKE_PORT_NATT : IKE_PORT);
    addr_set_port(&sa->remote, natt ? IKE_PORT_NATT : IKE_PORT);
}

/* RFC 7296 2.23: a peer behind a NAT goes over to the ports of NAT-T late, and we with it; not back. */
static void test_goes_over_to_natt(void **state)
{
    struct pair *p = pair_new(1, NULL);

    (void)state;
    pair_load(p, PAIR_A, with_dpd);
    pair_load(p, PAIR_B, with_dpd);
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
    pair_sa(p, PAIR_B)->nat_remote = true;
    for (int turn = 0; turn < 2; turn++) {
        struct ike_sa *sa = pair_sa(p, PAIR_B);

        use_ports(p, turn == 0);
        pair_run(p, 10 * USEC_PER_SEC);
        assert_true(sa->natt && sa->encap);
        assert_int_equal(addr_port(&sa->local), IKE_PORT_NATT);
        assert_int_equal(addr_port(&sa->remote), IKE_PORT_NATT);
        assert_int_equal(addr_port(&p->node[PAIR_B].children[0].remote), IKE_PORT_NATT);
    }
    assert_int_equal(pair_count_sas(p, PAIR_A), 1); /* each question had an answer */
    (void)pair_free(p);
}

/* RFC 7296 1.4.1: one of two SPIs exists, and only that one's other half is in the answer. */
static void test_delete(void **state)
{
    struct pair *p = up(with_host);
    struct child_sa *c = pair_child(p, PAIR_B);
    uint32_t spis[3] = {c->spi_out ^ 1, c->spi_out, c->spi_out}, spi_in = c->spi_in;
    struct chain_writer cw = request();
    struct delete_payload d;
    struct chain answer;

    (void)state;
    payload_write_delete_esp(&cw, spis, 3);
    ask(p, &cw, &p->node[PAIR_A].addr, &answer);
    assert_int_equal(answer.n, 1);
    assert_int_equal(payload_read_delete(&answer.p[0], &d), 0);
    assert_int_equal(d.protocol, PROTO_ESP);
    assert_int_equal(d.n, 1);
    assert_int_equal((uint32_t)d.spis.data[0] << 24 | (uint32_t)d.spis.data[1] << 16 | (uint32_t)d.spis.data[2] << 8 |
                         d.spis.data[3],
                     spi_in);
    assert_int_equal(pair_count_events(p, PAIR_B, ENGINE_CHILD_DOWN), 1);

    cw = request();
    payload_write_delete_esp(&cw, spis, 3); /* again: nothing is there any more */
    ask(p, &cw, &p->node[PAIR_A].addr, &answer);
    assert_int_equal(answer.n, 0);
    (void)pair_free(p);
}

/* RFC 7296 2.21.2: who does not believe us has no IKE_SA with us. Other errors change nothing. */
static void test_errors(void **state)
{
    struct pair *p = up(with_host);
    struct chain_writer cw = request();
    struct chain answer;

    (void)state;
    payload_write_notify(&cw, NOTIFY_INVALID_SYNTAX, PROTO_NONE, NULL, 0, NULL, 0);
    payload_write_notify(&cw, NOTIFY_INVALID_SPI, PROTO_NONE, NULL, 0, "\1\2\3\4", 4);
    ask(p, &cw, &p->node[PAIR_A].addr, &answer);
    assert_int_equal(answer.n, 0);
    assert_true(pair_is_up(p));
    cw = request();
    payload_write_notify(&cw, NOTIFY_AUTHENTICATION_FAILED, PROTO_NONE, NULL, 0, NULL, 0);
    ask(p, &cw, &p->node[PAIR_A].addr, &answer);
    assert_int_equal(answer.n, 0);
    assert_int_equal(pair_count_events(p, PAIR_B, ENGINE_IKE_DOWN), 1);
    (void)pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moves),  cmocka_unit_test(test_does_not_move), cmocka_unit_test(test_goes_over_to_natt),
        cmocka_unit_test(test_delete), cmocka_unit_test(test_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
