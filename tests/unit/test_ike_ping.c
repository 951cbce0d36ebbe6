/* IKE ping: the request's octets, the reader of answers, and pings between sockets of this machine. */
#include "probes/ike_ping.h"

#include "base/reader.h"
#include "base/writer.h"
#include "tests/unit/netns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define PATIENCE (10 * USEC_PER_SEC) /* for what must happen */
#define SPI      UINT64_C(0x0123456789ABCDEF)

/* An answer, whose fields a test may spoil. Its notify payload comes after one of an unknown type. */
struct answer {
    uint64_t spi;
    uint8_t version, exchange, flags;
    uint32_t id;
    int wrong_length; /* added to the true one */
    uint16_t notify;  /* 0: no payload at all */
    uint8_t notify_spi_size;
    uint16_t notify_len; /* what its header says */
    uint8_t behind;      /* bytes after the last payload */
};

static const struct answer good = {
    .spi = SPI, .version = 0x20, .exchange = 34, .flags = 0x20, .notify = 14, .notify_len = 8};

static size_t put_answer(uint8_t buf[static 256], const struct answer *a)
{
    struct wr w = wr_of(buf, 256);

    wr_be64(&w, a->spi);
    wr_be64(&w, 0);
    wr_u8(&w, a->notify != 0 ? 43 : 0);
    wr_u8(&w, a->version);
    wr_u8(&w, a->exchange);
    wr_u8(&w, a->flags);
    wr_be32(&w, a->id);
    wr_be32(&w, 0);
    if (a->notify != 0) {
        wr_be32(&w, 0x29000006); /* a Vendor ID of two bytes, then a Notify */
        wr_be16(&w, 0xBEEF);
        wr_be16(&w, 0);
        wr_be16(&w, a->notify_len);
        wr_u8(&w, 0);
        wr_u8(&w, a->notify_spi_size);
        wr_be16(&w, a->notify);
    }
    wr_zero(&w, a->behind);
    wr_patch_be32(&w, 24, (uint32_t)((int)wr_len(&w) + a->wrong_length));
    assert_true(wr_ok(&w));
    return wr_len(&w);
}

static int parse(const struct answer *a, struct ike_ping_answer *ret)
{
    uint8_t buf[256];
    size_t len = put_answer(buf, a);

    return ike_ping_parse(buf, len, ret);
}

static void test_reads_answers(void **state)
{
    static const uint16_t types[] = {14, 17, 5, 16390};
    struct ike_ping_answer got;
    struct answer a = good;

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        a.notify = types[i];
        assert_int_equal(parse(&a, &got), 0);
        assert_int_equal(got.notify, types[i]);
        assert_true(got.spi == SPI);
    }
    a.notify = 0;
    assert_int_equal(parse(&a, &got), 0); /* a header alone is an answer too */
    assert_int_equal(got.notify, 0);
    a = good;
    a.version = 0x10; /* INVALID_MAJOR_VERSION of one who does not speak version 2 */
    a.notify = 5;
    assert_int_equal(parse(&a, &got), 0);
    assert_int_equal(got.notify, 5);
}

static void test_refuses_what_is_no_answer(void **state)
{
    struct answer bad[] = {good, good, good, good, good, good, good, good, good, good};
    struct ike_ping_answer got = {.notify = 4711};

    (void)state;
    bad[0].flags = 0x08; /* our own request, sent back */
    bad[1].exchange = 35;
    bad[2].id = 1;
    bad[3].wrong_length = 1;
    bad[4].wrong_length = -1;
    bad[5].notify_len = 9; /* leaves the message */
    bad[6].notify_len = 7; /* leaves a byte behind, and none for the type */
    bad[7].notify_len = 3; /* shorter than its own header: must not go round for ever */
    bad[8].notify_spi_size = 4;
    bad[9].behind = 1;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(parse(&bad[i], &got), -EBADMSG);
    assert_int_equal(got.notify, 4711);
}

static void test_refuses_every_cut(void **state)
{
    struct ike_ping_answer got;
    uint8_t buf[256];
    size_t len = put_answer(buf, &good);

    (void)state;
    for (size_t i = 0; i < len; i++) {
        buf[27] = (uint8_t)i; /* its length, so that the header agrees with the cut */
        assert_int_equal(ike_ping_parse(buf, i, &got), -EBADMSG);
    }
    assert_int_equal(ike_ping_parse(NULL, 0, &got), -EBADMSG);
}

/* The payload's type, which must be TYPE, is in the one before. Returns a reader over its body. */
static struct rd take_payload(struct rd *r, uint8_t *type, uint8_t expected)
{
    uint16_t len;

    assert_int_equal(*type, expected);
    *type = rd_u8(r);
    assert_int_equal(rd_u8(r), 0);
    len = rd_be16(r);
    assert_true(len >= 4);
    return rd_sub(r, (size_t)len - 4);
}

/* RFC 7296 3.3: one proposal for IKE with one transform of each type that IKE needs. */
static void check_sa(struct rd sa)
{
    uint8_t last = 2;
    struct rd proposal = take_payload(&sa, &last, 2);

    assert_int_equal(last, 0);
    assert_true(rd_done(&sa));
    assert_int_equal(rd_u8(&proposal), 1);
    assert_int_equal(rd_u8(&proposal), 1);
    assert_int_equal(rd_u8(&proposal), 0);
    assert_int_equal(rd_u8(&proposal), 4);
    last = 3;
    for (uint8_t type = 1; type <= 4; type++) {
        struct rd transform = take_payload(&proposal, &last, 3);

        assert_int_equal(last, type < 4 ? 3 : 0);
        assert_int_equal(rd_u8(&transform), type);
        assert_int_equal(rd_u8(&transform), 0);
        assert_true(rd_be16(&transform) != 0);
        assert_true(rd_done(&transform));
    }
    assert_true(rd_done(&proposal));
}

static void test_request_is_well_formed(void **state)
{
    uint8_t buf[IKE_PING_REQUEST_MAX];
    struct ike_ping_answer got;
    size_t len = ike_ping_request(SPI, buf);
    struct rd r = rd_of(buf, len), ke, nonce;
    uint8_t next;

    (void)state;
    assert_true(rd_be64(&r) == SPI);
    assert_true(rd_be64(&r) == 0);
    next = rd_u8(&r);
    assert_int_equal(rd_u8(&r), 0x20); /* version */
    assert_int_equal(rd_u8(&r), 34);   /* IKE_SA_INIT */
    assert_int_equal(rd_u8(&r), 0x08); /* of the initiator */
    assert_int_equal(rd_be32(&r), 0);
    assert_int_equal(rd_be32(&r), len);
    check_sa(take_payload(&r, &next, 33));
    ke = take_payload(&r, &next, 34);
    assert_int_equal(rd_be32(&ke), 1 << 16); /* group 1 */
    assert_int_equal(rd_left(&ke), 96);
    nonce = take_payload(&r, &next, 40);
    assert_int_equal(rd_left(&nonce), 32);
    assert_int_equal(next, 0);
    assert_true(rd_done(&r));
    assert_int_equal(ike_ping_parse(buf, len, &got), -EBADMSG); /* an echo of it is no answer */
}

/* Pings between sockets ------------------------------------------------------------------------------------------ */

/* A responder that the test drives by hand, and what came of the pings. */
struct talk {
    struct loop *loop;
    struct ike_ping *ping;
    int fd;             /* the responder's */
    struct addr at;     /* its address */
    struct addr pinger; /* from where the last request came */
    bool marker;
    bool frees; /* the callback frees the ping */
    int n;
    usec_t sent;
    usec_t rtt;
    uint16_t notify;
};

static struct talk talk;

static void on_reply(void *data, usec_t sent, usec_t rtt, uint16_t notify)
{
    struct talk *t = data;

    t->n++;
    t->sent = sent;
    t->rtt = rtt;
    t->notify = notify;
    if (t->frees)
        t->ping = ike_ping_free(t->ping);
}

static int open_responder(const struct addr *at)
{
    socklen_t len = sizeof(talk.at);

    talk.fd = socket(addr_family(at), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (talk.fd < 0 || bind(talk.fd, &at->sa, addr_len(at)) < 0)
        return -errno;
    return getsockname(talk.fd, &talk.at.sa, &len) < 0 ? -errno : 0;
}

static void close_responder(void)
{
    closep(&talk.fd);
    talk.fd = -1;
}

/* On a free port, unless PORT is given. */
static void start(const char *address, uint16_t port)
{
    struct addr at;

    assert_int_equal(addr_parse(address, &at), 0);
    addr_set_port(&at, port);
    assert_int_equal(open_responder(&at), 0);
    assert_int_equal(ike_ping_new(talk.loop, &at, addr_port(&talk.at), on_reply, &talk, &talk.ping), 0);
}

static int set_up(void **state)
{
    (void)state;
    talk = (struct talk){.fd = -1};
    return loop_new(&talk.loop);
}

static int tear_down(void **state)
{
    (void)state;
    talk.ping = ike_ping_free(talk.ping);
    close_responder();
    talk.loop = loop_free(talk.loop);
    return 0;
}

/* The responder's next request; its SPI. */
static uint64_t take_request(void)
{
    uint8_t buf[IKE_PING_REQUEST_MAX + 4];
    socklen_t len = sizeof(talk.pinger);
    ssize_t n = recvfrom(talk.fd, buf, sizeof(buf), 0, &talk.pinger.sa, &len);
    struct rd r;

    assert_true(n > 28);
    r = rd_of(buf, (size_t)n);
    if (talk.marker)
        assert_int_equal(rd_be32(&r), 0);
    return rd_be64(&r);
}

static void answer_from(int fd, const struct answer *a)
{
    uint8_t buf[4 + 256] = {0};
    size_t at = talk.marker ? 4 : 0;
    size_t len = at + put_answer(buf + at, a);

    assert_int_equal(sendto(fd, buf, len, 0, &talk.pinger.sa, addr_len(&talk.pinger)), (ssize_t)len);
}

static void answer(uint64_t spi)
{
    struct answer a = good;

    a.spi = spi;
    answer_from(talk.fd, &a);
}

static void turn_until(int n)
{
    usec_t end = clock_now(clock_system()) + PATIENCE;

    while (talk.n < n) {
        assert_true(clock_now(clock_system()) < end);
        assert_true(loop_turn(talk.loop, PATIENCE) >= 0);
    }
}

/* Handles all that has arrived: on one machine a datagram is there when it was sent. */
static void settle(void)
{
    while (loop_turn(talk.loop, 0) > 0)
        ;
}

static void test_ping_is_answered(void **state)
{
    usec_t now = loop_now(talk.loop);

    (void)state;
    start("127.0.0.1", 0);
    assert_int_equal(ike_ping_send(talk.ping, now), 0);
    answer(take_request());
    turn_until(1);
    assert_true(talk.sent == now);
    assert_true(talk.rtt > 0 && talk.rtt < PATIENCE);
    assert_int_equal(talk.notify, 14);
}

static void test_ping_is_answered_over_ipv6(void **state)
{
    struct addr at;

    (void)state;
    assert_int_equal(addr_parse("::1", &at), 0);
    if (open_responder(&at) < 0) {
        printf("skipped: this machine has no IPv6\n");
        skip();
    }
    assert_int_equal(ike_ping_new(talk.loop, &at, addr_port(&talk.at), on_reply, &talk, &talk.ping), 0);
    assert_int_equal(ike_ping_send(talk.ping, 1), 0);
    answer(take_request());
    turn_until(1);
}

static void test_answers_find_their_pings(void **state)
{
    uint64_t spi[3];

    (void)state;
    start("127.0.0.1", 0);
    for (usec_t i = 0; i < 3; i++) {
        assert_int_equal(ike_ping_send(talk.ping, 100 + i), 0);
        spi[i] = take_request();
    }
    assert_true(spi[0] != spi[1] && spi[1] != spi[2] && spi[0] != spi[2]);
    answer(spi[2]);
    turn_until(1);
    assert_true(talk.sent == 102);
    answer(spi[0]);
    turn_until(2);
    assert_true(talk.sent == 100);
    answer(spi[0]); /* a duplicate */
    settle();
    assert_int_equal(talk.n, 2);
    answer(spi[1]);
    turn_until(3);
    assert_true(talk.sent == 101);
}

static void test_oldest_ping_is_forgotten(void **state)
{
    uint64_t first, second;

    (void)state;
    start("127.0.0.1", 0);
    assert_int_equal(ike_ping_send(talk.ping, 1), 0);
    first = take_request();
    assert_int_equal(ike_ping_send(talk.ping, 2), 0);
    second = take_request();
    for (usec_t i = 2; i < IKE_PING_OUTSTANDING_MAX + 1; i++) {
        assert_int_equal(ike_ping_send(talk.ping, 1 + i), 0);
        (void)take_request();
    }
    answer(first);
    settle();
    assert_int_equal(talk.n, 0);
    answer(second);
    turn_until(1);
    assert_true(talk.sent == 2);
}

static void test_strangers_are_not_heard(void **state)
{
    struct addr other = addr_any(AF_INET);
    struct answer a = good;
    cleanup(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    static const char long_one[IKE_PING_ANSWER_MAX + 1];

    (void)state;
    start("127.0.0.1", 0);
    assert_int_equal(ike_ping_send(talk.ping, 1), 0);
    a.spi = take_request();
    assert_int_equal(bind(fd, &other.sa, addr_len(&other)), 0);
    answer_from(fd, &a); /* from another port */
    answer(0);           /* the SPI of free places */
    answer(a.spi + 1);
    assert_int_equal(sendto(talk.fd, "", 0, 0, &talk.pinger.sa, addr_len(&talk.pinger)), 0);
    assert_int_equal(sendto(talk.fd, long_one, sizeof(long_one), 0, &talk.pinger.sa, addr_len(&talk.pinger)),
                     sizeof(long_one));
    settle();
    assert_int_equal(talk.n, 0);
    answer(a.spi);
    turn_until(1);
}

/* The host answers with an ICMP error: nobody is there, and the pings after it are sent all the same. */
static void test_refused_port_is_no_answer(void **state)
{
    struct addr at;

    (void)state;
    start("127.0.0.1", 0);
    at = talk.at;
    close_responder();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ike_ping_send(talk.ping, 1), 0);
        settle();
    }
    assert_int_equal(talk.n, 0);
    assert_int_equal(open_responder(&at), 0);
    assert_int_equal(ike_ping_send(talk.ping, 2), 0);
    answer(take_request());
    turn_until(1);
    assert_true(talk.sent == 2);
}

static void test_callback_may_free(void **state)
{
    uint64_t spi[2];

    (void)state;
    start("127.0.0.1", 0);
    talk.frees = true;
    for (usec_t i = 0; i < 2; i++) {
        assert_int_equal(ike_ping_send(talk.ping, i), 0);
        spi[i] = take_request();
    }
    answer(spi[0]);
    answer(spi[1]);
    turn_until(1);
    settle();
    assert_int_equal(talk.n, 1);
    assert_null(talk.ping);
    assert_null(ike_ping_free(NULL));
}

static void test_needs_an_address(void **state)
{
    struct addr unset = {0};

    (void)state;
    assert_int_equal(ike_ping_new(talk.loop, &unset, 500, on_reply, &talk, &talk.ping), -EINVAL);
}

/* In a namespace of its own, which has these ports free and no way to the outside. */
static void test_real_ports(void **state)
{
    struct answer a = good;
    struct addr far;
    int r = netns_enter();

    (void)state;
    if (r < 0) {
        printf("skipped: no network namespace: %s\n", strerror(-r));
        skip();
    }
    start("127.0.0.1", IKE_PING_NATT_PORT);
    talk.marker = true;
    assert_int_equal(ike_ping_send(talk.ping, 1), 0);
    a.spi = take_request();
    talk.marker = false;
    answer_from(talk.fd, &a); /* without the marker it is ESP */
    settle();
    assert_int_equal(talk.n, 0);
    talk.marker = true;
    answer_from(talk.fd, &a);
    turn_until(1);

    talk.marker = false;
    talk.ping = ike_ping_free(talk.ping);
    close_responder();
    start("127.0.0.1", IKE_PING_PORT);
    assert_int_equal(ike_ping_send(talk.ping, 2), 0);
    answer(take_request());
    turn_until(2);

    /* Without a route nothing can be sent, and the probe is there for the time when there is one. */
    talk.ping = ike_ping_free(talk.ping);
    assert_int_equal(addr_parse("203.0.113.10", &far), 0);
    assert_int_equal(ike_ping_new(talk.loop, &far, IKE_PING_PORT, on_reply, &talk, &talk.ping), 0);
    assert_int_equal(ike_ping_send(talk.ping, 3), -ENETUNREACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_answers),
        cmocka_unit_test(test_refuses_what_is_no_answer),
        cmocka_unit_test(test_refuses_every_cut),
        cmocka_unit_test(test_request_is_well_formed),
        cmocka_unit_test_setup_teardown(test_ping_is_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ping_is_answered_over_ipv6, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_answers_find_their_pings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_oldest_ping_is_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_strangers_are_not_heard, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused_port_is_no_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_callback_may_free, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_needs_an_address, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_real_ports, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
