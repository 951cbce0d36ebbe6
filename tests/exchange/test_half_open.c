/*
 * IKE_SA_INIT requests of strangers (RFC 7296 2.1, 2.4, 2.6): what B keeps and answers, on a clock that is moved by
 * hand. A is not there; its requests are written here.
 */
#include "tests/exchange/pair.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define THRESHOLD  3
#define PER_PEER   5
#define GROUP      31
#define NONCE_LEN  32
#define COOKIE_MAX 64
#define ANSWER_MAX 2048
#define TIMEOUT    (30 * USEC_PER_SEC)
#define SECRET     (60 * USEC_PER_SEC) /* the life of a secret of COOKIEs */

struct request {
    uint8_t spi, nonce; /* that all its bytes are */
    const uint8_t *cookie;
    size_t cookie_len;
    bool cookie_last;
    enum ike_payload cookie_in; /* 0: a notification */
    uint8_t exchange, flags;
    uint32_t id;
    bool spi_r;
};

static const struct request plain = {.spi = 1, .nonce = 1, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR};

/* What B sent last. */
static struct {
    unsigned n;
    uint8_t bytes[ANSWER_MAX];
    size_t len;
} answer;

static bool take(void *data, struct pair *p, int from, uint8_t *bytes, size_t len)
{
    (void)data;
    (void)p;
    assert_int_equal(from, PAIR_B);
    assert_true(len <= sizeof(answer.bytes));
    memcpy(answer.bytes, bytes, len);
    answer.len = len;
    answer.n++;
    return false;
}

static void limits(int node, struct engine_settings *s)
{
    (void)node;
    s->cookie_threshold = THRESHOLD;
    s->half_open_per_peer = PER_PEER;
    s->half_open_timeout = TIMEOUT;
}

static void no_cookies(int node, struct engine_settings *s)
{
    limits(node, s);
    s->cookie_threshold = UINT32_MAX;
}

static void from_anybody(int node, struct ike_conf *c)
{
    (void)node;
    c->n_remote_addrs = 1;
    c->remote_addrs[0] = (struct conf_addr){.addr = addr_any(AF_INET), .bits = 0};
}

static struct pair *listening(void (*change)(int node, struct engine_settings *s))
{
    struct pair *p = pair_new(1, change);

    pair_load(p, PAIR_B, from_anybody);
    p->filter = take;
    return p;
}

static size_t write_request(const struct request *r, uint8_t ret[static ANSWER_MAX])
{
    uint8_t buf[ANSWER_MAX], nonce[NONCE_LEN], ke[32] = {9};
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct ike_header h = {.version = IKE_VERSION, .exchange = r->exchange, .flags = r->flags, .message_id = r->id};
    struct proposals ps = {.n = 0};
    struct packets packets = {0};
    char error[128];
    size_t len;

    memset(h.spi_i, r->spi, sizeof(h.spi_i));
    memset(h.spi_r, r->spi_r, sizeof(h.spi_r));
    memset(nonce, r->nonce, sizeof(nonce));
    assert_int_equal(proposals_parse(PROTO_IKE, "aes128gcm16-prfsha256-x25519", false, &ps, error, sizeof(error)), 0);
    if (r->cookie && !r->cookie_last)
        payload_write_notify(&cw, NOTIFY_COOKIE, PROTO_NONE, NULL, 0, r->cookie, r->cookie_len);
    if (r->cookie_in)
        cw.first = (uint8_t)r->cookie_in;
    payload_write_sa(&cw, &ps);
    payload_write_ke(&cw, GROUP, ke, sizeof(ke));
    payload_write_nonce(&cw, nonce, sizeof(nonce));
    if (r->cookie && r->cookie_last)
        payload_write_notify(&cw, NOTIFY_COOKIE, PROTO_NONE, NULL, 0, r->cookie, r->cookie_len);
    assert_int_equal(message_plain(&h, &cw, &packets), 0);
    len = packets.p[0].len;
    memcpy(ret, packets.p[0].data, len);
    packets_clear(&packets);
    return len;
}

/* R comes to B from PORT of one of many hosts. The number of answers. */
static unsigned ask_from(struct pair *p, unsigned host, uint16_t port, const struct request *r)
{
    struct addr local = p->node[PAIR_B].addr, remote;
    char text[ADDR_TEXT_MAX];
    uint8_t bytes[ANSWER_MAX];
    size_t len = write_request(r, bytes);

    assert_true(str_format(text, sizeof(text), "192.0.%u.%u", host >> 8, host & 255));
    assert_int_equal(addr_parse(text, &remote), 0);
    addr_set_port(&remote, port);
    addr_set_port(&local, IKE_PORT);
    answer.n = 0;
    pair_inject(p, PAIR_B, &local, &remote, bytes, len);
    return answer.n;
}

static unsigned ask(struct pair *p, unsigned host, const struct request *r)
{
    return ask_from(p, host, IKE_PORT, r);
}

static unsigned half_open(const struct pair *p)
{
    return engine_half_open(p->node[PAIR_B].engine);
}

static void read_answer(struct ike_header *h, struct chain *c)
{
    assert_int_equal(header_read(answer.bytes, answer.len, h), 0);
    assert_int_equal(chain_read(h->next_payload, answer.bytes + IKE_HEADER_LEN, answer.len - IKE_HEADER_LEN, c), 0);
    assert_int_equal(h->exchange, IKE_SA_INIT);
    assert_int_equal(h->flags, IKE_FLAG_RESPONSE);
    assert_int_equal(h->message_id, 0);
}

/* Whether the last answer asks for a COOKIE (RFC 7296 2.6: with it alone, and without an SPI), which is copied. */
static size_t asked_cookie(uint8_t ret[static COOKIE_MAX])
{
    static const uint8_t none[IKE_SPI_LEN];
    struct notify_payload n;
    struct ike_header h;
    struct chain c;

    assert_int_equal(answer.n, 1);
    read_answer(&h, &c);
    if (!chain_notify(&c, NOTIFY_COOKIE, &n))
        return 0;
    assert_int_equal(c.n, 1);
    assert_memory_equal(h.spi_r, none, sizeof(none));
    assert_in_range(n.data.len, 1, COOKIE_MAX);
    memcpy(ret, n.data.data, n.data.len);
    return n.data.len;
}

static void assert_accepted(void)
{
    struct ike_header h;
    struct chain c;

    assert_int_equal(answer.n, 1);
    read_answer(&h, &c);
    assert_non_null(chain_find(&c, PAYLOAD_SA, NULL));
}

/* So many that a COOKIE is asked for. */
static void crowd(struct pair *p)
{
    for (unsigned i = half_open(p); i < THRESHOLD; i++) {
        struct request r = plain;

        r.spi = (uint8_t)(100 + i);
        assert_int_equal(ask(p, 100 + i, &r), 1);
        assert_accepted();
    }
    assert_int_equal(half_open(p), THRESHOLD);
}

/* RFC 7296 2.2, 3.1: an initiator's request with id 0, an SPI of its own and none of ours. */
static void test_first_requests_only(void **state)
{
    static const struct request wrong[] = {
        {.spi = 0, .nonce = 1, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR},
        {.spi = 1, .nonce = 1, .exchange = IKE_SA_INIT, .flags = 0},
        {.spi = 1, .nonce = 1, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR, .id = 1},
        {.spi = 1, .nonce = 1, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR, .id = UINT32_MAX},
        {.spi = 1, .nonce = 1, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR, .spi_r = true},
        {.spi = 1, .nonce = 1, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR | IKE_FLAG_RESPONSE},
    };
    struct pair *p = listening(limits);

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(ask(p, 1, &wrong[i]), 0);
        assert_int_equal(half_open(p), 0);
    }
    assert_int_equal(ask(p, 1, &plain), 1);
    assert_accepted();
    assert_int_equal(half_open(p), 1);
    (void)pair_free(p);
}

/* RFC 7296 2.1: the same request gets the same response, bit by bit, and nothing is made for it. */
static void test_retransmission(void **state)
{
    struct pair *p = listening(limits);
    uint8_t first[ANSWER_MAX];
    uint64_t chance;
    size_t len;

    (void)state;
    assert_int_equal(ask(p, 1, &plain), 1);
    memcpy(first, answer.bytes, answer.len);
    len = answer.len;
    chance = p->random;
    for (int i = 0; i < 20; i++) {
        p->now += USEC_PER_SEC;
        assert_int_equal(ask_from(p, 1, (uint16_t)(IKE_PORT + i), &plain), 1);
        assert_int_equal(answer.len, len);
        assert_memory_equal(answer.bytes, first, len);
    }
    assert_int_equal(half_open(p), 1);
    assert_true(p->random == chance);
    (void)pair_free(p);
}

/* RFC 7296 2.1: the SPI alone does not make it one, nor do the same bytes of somebody else. */
static void test_no_retransmission(void **state)
{
    struct pair *p = listening(no_cookies);
    struct request other = plain;
    uint8_t spi[IKE_SPI_LEN];

    (void)state;
    assert_int_equal(ask(p, 1, &plain), 1);
    memcpy(spi, answer.bytes + IKE_SPI_LEN, sizeof(spi));
    other.nonce = 2;
    assert_int_equal(ask(p, 1, &other), 1);
    assert_accepted();
    assert_memory_not_equal(answer.bytes + IKE_SPI_LEN, spi, sizeof(spi));
    assert_int_equal(ask(p, 2, &plain), 1);
    assert_accepted();
    assert_memory_not_equal(answer.bytes + IKE_SPI_LEN, spi, sizeof(spi));
    assert_int_equal(half_open(p), 3);
    (void)pair_free(p);
}

/* RFC 7296 2.6: from the threshold on; nothing is kept, computed or drawn before it comes back. */
static void test_cookie(void **state)
{
    struct pair *p = listening(limits);
    struct request r = plain;
    uint8_t cookie[COOKIE_MAX], again[COOKIE_MAX];
    uint64_t chance;

    (void)state;
    crowd(p);
    chance = p->random;
    assert_int_equal(ask(p, 1, &r), 1);
    r.cookie_len = asked_cookie(cookie);
    r.cookie = cookie;
    assert_true(r.cookie_len > 0);
    assert_true(answer.len < 200); /* no more than what was asked with */
    assert_int_equal(half_open(p), THRESHOLD);
    assert_true(p->random == chance);

    r.cookie_last = true;
    assert_int_equal(ask(p, 1, &r), 1);
    assert_int_equal(asked_cookie(again), r.cookie_len);
    assert_memory_equal(again, cookie, r.cookie_len);
    r.cookie_last = false;
    r.cookie_in = PAYLOAD_VENDOR;
    assert_int_equal(ask(p, 1, &r), 1);
    assert_true(asked_cookie(again) > 0);
    r.cookie_in = PAYLOAD_NONE;
    assert_int_equal(ask(p, 1, &r), 1);
    assert_accepted();
    assert_int_equal(half_open(p), THRESHOLD + 1);
    assert_int_equal(ask(p, 1, &r), 1); /* once more: a retransmission */
    assert_int_equal(half_open(p), THRESHOLD + 1);
    (void)pair_free(p);
}

/* The retransmission of a request that came before the crowd is known without a COOKIE. */
static void test_early_request(void **state)
{
    struct pair *p = listening(limits);

    (void)state;
    assert_int_equal(ask(p, 1, &plain), 1);
    crowd(p);
    assert_int_equal(ask(p, 1, &plain), 1);
    assert_accepted();
    assert_int_equal(half_open(p), THRESHOLD);
    (void)pair_free(p);
}

/* A COOKIE serves whom it was given to: the address, the SPI and the nonce; changed or cut it is none. */
static void test_cookie_of_others(void **state)
{
    struct pair *p = listening(limits);
    struct request r = plain, other;
    uint8_t cookie[COOKIE_MAX + 1], ignored[COOKIE_MAX];

    (void)state;
    crowd(p);
    assert_int_equal(ask(p, 1, &r), 1);
    r.cookie_len = asked_cookie(cookie);
    r.cookie = cookie;
    assert_int_equal(ask(p, 2, &r), 1);
    assert_true(asked_cookie(ignored) > 0);
    assert_int_equal(ask_from(p, 1, IKE_PORT + 1, &r), 1);
    assert_true(asked_cookie(ignored) > 0);
    other = r;
    other.spi++;
    assert_int_equal(ask(p, 1, &other), 1);
    assert_true(asked_cookie(ignored) > 0);
    other = r;
    other.nonce++;
    assert_int_equal(ask(p, 1, &other), 1);
    assert_true(asked_cookie(ignored) > 0);
    cookie[r.cookie_len] = 0;
    for (other = r, other.cookie_len = 0; other.cookie_len <= r.cookie_len + 1; other.cookie_len++) {
        if (other.cookie_len == r.cookie_len)
            continue;
        assert_int_equal(ask(p, 1, &other), 1);
        assert_true(asked_cookie(ignored) > 0);
    }
    for (size_t i = 0; i < 8 * r.cookie_len; i++) {
        cookie[i / 8] ^= (uint8_t)(1U << i % 8);
        assert_int_equal(ask(p, 1, &r), 1);
        assert_true(asked_cookie(ignored) > 0);
        cookie[i / 8] ^= (uint8_t)(1U << i % 8);
    }
    assert_int_equal(half_open(p), THRESHOLD);
    assert_int_equal(ask(p, 1, &r), 1);
    assert_accepted();
    (void)pair_free(p);
}

/* RFC 7296 2.6: the secret changes; what the one before made is taken for a while. */
static void test_secrets(void **state)
{
    struct pair *p = listening(limits);
    uint8_t old[COOKIE_MAX], new[COOKIE_MAX], newest[COOKIE_MAX];
    struct request r = plain;
    size_t len;

    (void)state;
    p->now += SECRET - TIMEOUT;
    crowd(p);
    assert_int_equal(ask(p, 1, &r), 1);
    len = asked_cookie(old);
    p->now += SECRET - 1;
    engine_tick(p->node[PAIR_B].engine, p->now); /* the crowd is gone */
    assert_int_equal(half_open(p), 0);
    crowd(p);
    assert_int_equal(ask(p, 1, &r), 1);
    assert_int_equal(asked_cookie(new), len);
    assert_memory_equal(new, old, len);
    p->now += 1;
    assert_int_equal(ask(p, 1, &r), 1);
    assert_int_equal(asked_cookie(new), len);
    assert_memory_not_equal(new, old, len);

    r.cookie = old;
    r.cookie_len = len;
    assert_int_equal(ask(p, 1, &r), 1);
    assert_accepted();
    p->now += SECRET;
    engine_tick(p->node[PAIR_B].engine, p->now);
    crowd(p);
    assert_int_equal(ask(p, 1, &r), 1);
    assert_int_equal(asked_cookie(newest), len);
    assert_memory_not_equal(newest, new, len);
    assert_int_equal(ask(p, 1, &r), 1); /* with the oldest */
    assert_true(asked_cookie(newest) > 0);
    r.cookie = new;
    assert_int_equal(ask(p, 1, &r), 1);
    assert_accepted();
    (void)pair_free(p);
}

/* So many of one address that a COOKIE is asked for; with it one that came without has to go. */
static void test_per_peer(void **state)
{
    struct pair *p = listening(no_cookies);
    struct request r = plain, with;
    uint8_t cookie[COOKIE_MAX];

    (void)state;
    for (unsigned i = 0; i < PER_PEER; i++, r.spi++)
        assert_int_equal(ask_from(p, 1, (uint16_t)(IKE_PORT + i), &r), 1);
    for (unsigned i = 0; i < PER_PEER; i++, r.spi++) {
        with = r;
        assert_int_equal(ask(p, 1, &with), 1);
        with.cookie_len = asked_cookie(cookie);
        assert_true(with.cookie_len > 0);
        with.cookie = cookie;
        assert_int_equal(ask(p, 1, &with), 1);
        assert_accepted();
        assert_int_equal(half_open(p), PER_PEER);
    }
    /* All are there: who comes now waits until those of before have had time to go on. */
    with = r;
    assert_int_equal(ask(p, 1, &with), 1);
    with.cookie_len = asked_cookie(cookie);
    with.cookie = cookie;
    assert_int_equal(ask(p, 1, &with), 0);
    p->now += 5 * USEC_PER_SEC - 1; /* IKE_AUTH may be lost once */
    assert_int_equal(ask(p, 1, &with), 0);
    p->now++;
    assert_int_equal(ask(p, 1, &with), 1);
    assert_accepted();
    assert_int_equal(half_open(p), PER_PEER);
    assert_int_equal(ask(p, 2, &r), 1);
    assert_accepted();
    p->now += TIMEOUT;
    engine_tick(p->node[PAIR_B].engine, p->now);
    assert_int_equal(half_open(p), 0);
    assert_int_equal(ask(p, 1, &r), 1);
    (void)pair_free(p);
}

/* What is over the maximum needs a COOKIE, and takes the place of the oldest; those that are not heard of any more make
 * room. */
static void test_maximum(void **state)
{
    struct pair *p = listening(no_cookies);
    struct request with = plain;
    uint8_t cookie[COOKIE_MAX];

    (void)state;
    for (unsigned i = 0; i < ENGINE_HALF_OPEN_MAX; i++) {
        assert_int_equal(ask(p, 1000 + i, &plain), 1);
        p->now += USEC_PER_MSEC;
    }
    assert_int_equal(ask(p, 1, &plain), 1);
    with.cookie_len = asked_cookie(cookie);
    assert_true(with.cookie_len > 0);
    assert_int_equal(half_open(p), ENGINE_HALF_OPEN_MAX);
    assert_int_equal(ask(p, 1000, &plain), 1); /* a retransmission */
    assert_accepted();
    with.cookie = cookie;
    assert_int_equal(ask(p, 1, &with), 1);
    assert_accepted();
    assert_int_equal(half_open(p), ENGINE_HALF_OPEN_MAX);
    assert_int_equal(ask(p, 1000, &plain), 1); /* it had to go */
    assert_true(asked_cookie(cookie) > 0);
    assert_int_equal(ask(p, 1001, &plain), 1);
    assert_accepted();
    assert_true(engine_next_deadline(p->node[PAIR_B].engine) <= USEC_PER_HOUR + TIMEOUT + USEC_PER_MSEC);
    p->now = USEC_PER_HOUR + TIMEOUT + USEC_PER_MSEC;
    engine_tick(p->node[PAIR_B].engine, p->now);
    assert_int_equal(half_open(p), ENGINE_HALF_OPEN_MAX - 1); /* of the first */
    assert_int_equal(ask(p, 2, &plain), 1);
    assert_accepted();
    assert_int_equal(half_open(p), ENGINE_HALF_OPEN_MAX);
    (void)pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_requests_only),
        cmocka_unit_test(test_retransmission),
        cmocka_unit_test(test_no_retransmission),
        cmocka_unit_test(test_cookie),
        cmocka_unit_test(test_early_request),
        cmocka_unit_test(test_cookie_of_others),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_per_peer),
        cmocka_unit_test(test_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
