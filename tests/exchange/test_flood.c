/*
 * Floods (RFC 7296 2.6, 5): IKE_SA_INITs from addresses that nobody has, from the peer's own, with COOKIEs that are
 * right, and garbage for those that are half-open. What is kept stays within its maximum, and the peer comes up.
 */
#include "engine/ike/engine_state.h"
#include "tests/exchange/pair.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define FLOOD         100000
#define WITH_COOKIES  20000
#define EACH          (100 * USEC_PER_MSEC / 1000) /* 10,000 in a second */
#define PER_HALF_OPEN 16384                        /* bytes of memory; measured: 11,700 */
#define REQUEST_MAX   2048

static void from_anybody(int node, struct ike_conf *c)
{
    c->keyingtries = 1;
    if (node != PAIR_B)
        return;
    c->n_remote_addrs = 1;
    c->remote_addrs[0] = (struct conf_addr){.addr = addr_any(AF_INET), .bits = 0};
}

/* B listens; A is there with its connection. */
static struct pair *listening(void)
{
    struct pair *p = pair_new(1, NULL);

    for (int node = 0; node < 2; node++) {
        addr_set_port(&p->node[node].addr, IKE_PORT);
        pair_load(p, node, from_anybody);
    }
    return p;
}

static struct addr random_addr(struct pair *p)
{
    struct addr a;

    assert_int_equal(addr_parse_port("192.0.2.1:500", &a), 0);
    a.in.sin_addr.s_addr = (uint32_t)pair_random(p, 0);
    addr_set_port(&a, (uint16_t)(1 + pair_random(p, 65535)));
    return a;
}

/* A request of an SPI and a nonce that nobody had before, with COOKIE where there is one. */
static size_t write_request(struct pair *p, uint64_t seed, const uint8_t *cookie, size_t cookie_len,
                            uint8_t ret[static REQUEST_MAX])
{
    static const uint8_t value[32] = {9};
    uint8_t buf[REQUEST_MAX], nonce[32];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct ike_header h = {.version = IKE_VERSION, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR};
    struct packets ps = {0};
    size_t len;

    memset(nonce, 1, sizeof(nonce));
    memcpy(nonce, &seed, sizeof(seed));
    memcpy(h.spi_i, &seed, sizeof(seed));
    if (cookie)
        payload_write_notify(&cw, NOTIFY_COOKIE, PROTO_NONE, NULL, 0, cookie, cookie_len);
    payload_write_sa(&cw, &engine_conf(p->node[PAIR_A].engine, "peer")->proposals);
    payload_write_ke(&cw, 31, value, sizeof(value));
    payload_write_nonce(&cw, nonce, sizeof(nonce));
    assert_int_equal(message_plain(&h, &cw, &ps), 0);
    len = ps.p[0].len;
    memcpy(ret, ps.p[0].data, len);
    packets_clear(&ps);
    return len;
}

/* To B; what B says is copied, and reaches nobody. The length of it, 0: nothing; never longer than what was sent, but
 * for the response that makes a half-open IKE_SA. */
static size_t send_to_b(struct pair *p, const struct addr *from, const uint8_t *bytes, size_t len,
                        uint8_t ret[static REQUEST_MAX])
{
    struct engine *e = p->node[PAIR_B].engine;
    unsigned before = e->n_half_open;
    struct engine_output o;
    size_t n = 0;

    engine_input(e, p->now, &p->node[PAIR_B].addr, from, bytes, len);
    while (engine_next_output(e, &o)) {
        assert_int_equal(n, 0);
        assert_in_range(o.len, 1, REQUEST_MAX);
        assert_true(o.len <= len || e->n_half_open > before || before == ENGINE_HALF_OPEN_MAX);
        memcpy(ret, o.data, o.len);
        n = o.len;
    }
    assert_true(e->n_half_open <= ENGINE_HALF_OPEN_MAX);
    return n;
}

static size_t memory(void)
{
#ifdef __SANITIZE_ADDRESS__
    return 0;
#else
    return mallinfo2().uordblks;
#endif
}

static unsigned half_open(const struct pair *p)
{
    return engine_half_open(p->node[PAIR_B].engine);
}

/* ONE of the flood, I times; in the middle of it A begins, and is up before its end. */
static void flood(struct pair *p, unsigned times, void (*one)(struct pair *p, uint64_t i))
{
    size_t before = memory(), most = 0;
    unsigned crowd = 0;
    bool up = false;

    for (unsigned i = 0; i < times; i++) {
        one(p, i + 1);
        if (i == times / 2)
            pair_initiate(p, PAIR_A, 1);
        pair_run(p, EACH);
        up = up || (i > times / 2 && pair_count_children(p, PAIR_A) == 1 && pair_count_children(p, PAIR_B) == 1);
        most = memory() > most ? memory() : most;
        crowd = half_open(p) > crowd ? half_open(p) : crowd;
    }
    print_message("# %u half-open at most, %zu bytes of memory more at most\n", crowd, most - before);
    assert_true(up);
    assert_true(pair_packet(p, PAIR_A) && pair_packet(p, PAIR_B));
    assert_string_equal(p->node[PAIR_A].done[1], "ok");
    assert_true(most <= before + (size_t)ENGINE_HALF_OPEN_MAX * PER_HALF_OPEN);
    pair_run(p, USEC_PER_MIN);
    assert_int_equal(half_open(p), 0);
    assert_int_equal(pair_count_sas(p, PAIR_B), 1);
    (void)pair_free(p);
}

static void from_nowhere(struct pair *p, uint64_t i)
{
    uint8_t bytes[REQUEST_MAX], said[REQUEST_MAX];
    struct addr from = random_addr(p);

    (void)send_to_b(p, &from, bytes, write_request(p, i, NULL, 0, bytes), said);
}

static void test_from_nowhere(void **state)
{
    struct pair *p = listening();

    (void)state;
    flood(p, FLOOD, from_nowhere);
}

/* Below the threshold of COOKIEs: they are asked for of this address alone. */
static void from_the_peer(struct pair *p, uint64_t i)
{
    uint8_t bytes[REQUEST_MAX], said[REQUEST_MAX];

    (void)send_to_b(p, &p->node[PAIR_A].addr, bytes, write_request(p, i, NULL, 0, bytes), said);
    assert_in_range(half_open(p), 0, p->node[PAIR_B].engine->settings.half_open_per_peer);
}

static void test_from_the_peer(void **state)
{
    struct pair *p = listening();

    (void)state;
    flood(p, FLOOD, from_the_peer);
}

/* Hosts that are there, many of them. */
static void with_cookie(struct pair *p, uint64_t i)
{
    uint8_t bytes[REQUEST_MAX], said[REQUEST_MAX];
    struct addr from = random_addr(p);
    struct notify_payload n;
    struct ike_header h;
    struct chain c;
    size_t len = send_to_b(p, &from, bytes, write_request(p, i, NULL, 0, bytes), said);

    assert_true(len > 0);
    assert_int_equal(header_read(said, len, &h), 0);
    assert_int_equal(chain_read(h.next_payload, said + IKE_HEADER_LEN, len - IKE_HEADER_LEN, &c), 0);
    if (chain_notify(&c, NOTIFY_COOKIE, &n))
        (void)send_to_b(p, &from, bytes, write_request(p, i, n.data.data, n.data.len, bytes), said);
}

static void test_with_cookies(void **state)
{
    struct pair *p = listening();

    (void)state;
    flood(p, WITH_COOKIES, with_cookie);
}

/* IKE_AUTH and others under no keys at each that is half-open: all of them stay until their time is over. */
static void test_garbage_for_half_open(void **state)
{
    struct pair *p = listening();
    struct engine *e = p->node[PAIR_B].engine;
    uint8_t bytes[512] = {[16] = PAYLOAD_SK, [17] = IKE_VERSION, [18] = IKE_AUTH, [19] = IKE_FLAG_INITIATOR, [23] = 1};
    uint8_t said[REQUEST_MAX];
    unsigned crowd;

    (void)state;
    for (uint64_t i = 1; i <= 1000; i++)
        from_nowhere(p, i);
    crowd = half_open(p);
    assert_int_equal(crowd, e->settings.cookie_threshold);
    bytes[26] = bytes[30] = sizeof(bytes) >> 8;
    bytes[31] = (uint8_t)(sizeof(bytes) - IKE_HEADER_LEN);
    bytes[30] = (uint8_t)((sizeof(bytes) - IKE_HEADER_LEN) >> 8);
    for (unsigned i = 0; i < FLOOD; i++) {
        const struct ike_sa *sa = e->half_open[i % crowd];

        memcpy(bytes, sa->spi_i, IKE_SPI_LEN);
        memcpy(bytes + IKE_SPI_LEN, sa->spi_r, IKE_SPI_LEN);
        for (size_t k = 32; k < sizeof(bytes); k += 8)
            bytes[k] = (uint8_t)pair_random(p, 0);
        assert_int_equal(send_to_b(p, &sa->remote, bytes, sizeof(bytes), said), 0);
        assert_int_equal(half_open(p), crowd);
    }
    assert_int_equal(counters_of(engine_counters(e), NULL)[ENGINE_IN_INVALID], FLOOD);
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, pair_is_up, 10 * USEC_PER_SEC));
    (void)pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_nowhere),
        cmocka_unit_test(test_from_the_peer),
        cmocka_unit_test(test_with_cookies),
        cmocka_unit_test(test_garbage_for_half_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
