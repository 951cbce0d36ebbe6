/* The engine's sockets against plain ones, in a network namespace of the test's own. */
#include "engine/io/udp.h"

#include "engine/io/route.h"
#include "tests/unit/leak.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE    (5 * USEC_PER_SEC)
#define PATIENCE_MS 5000
#define LARGEST     65507 /* bytes of UDP in IPv4 */

static struct leak host;
static struct loop *loop;
static struct udp *u;
static int host_error;

static struct {
    size_t n_ike, n_esp, len;
    struct udp_path path;
    uint8_t bytes[UDP_DATAGRAM_MAX];
} got;

static void keep(const struct udp_path *path, const uint8_t *bytes, size_t len)
{
    got.path = *path;
    got.len = len;
    memcpy(got.bytes, bytes, len);
}

static void on_ike(void *data, const struct udp_path *path, const uint8_t *bytes, size_t len)
{
    (void)data;
    got.n_ike++;
    keep(path, bytes, len);
}

static void on_esp(void *data, const struct udp_path *path, const uint8_t *bytes, size_t len)
{
    (void)data;
    got.n_esp++;
    keep(path, bytes, len);
}

static const struct udp_config config = {.mark = ROUTE_MARK, .ike = on_ike, .esp = on_esp};

static int set_up(void **state)
{
    (void)state;
    memset(&got, 0, sizeof(got));
    host_error = leak_host(&host);
    if (loop_new(&loop) < 0)
        return -1;
    return host_error < 0 ? 0 : udp_new(loop, &config, &u);
}

static int tear_down(void **state)
{
    (void)state;
    u = udp_free(u);
    loop = loop_free(loop);
    leak_done(&host);
    return 0;
}

static struct addr addr_of(const char *text, uint16_t port)
{
    struct addr a;

    assert_int_equal(addr_parse(text, &a), 0);
    addr_set_port(&a, port);
    return a;
}

/* A plain socket at the address, and where that is. */
static int peer_at(const char *text, struct addr *ret)
{
    struct addr a = addr_of(text, 0);
    socklen_t len = sizeof(a);
    int fd = socket(addr_family(&a), SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, &a.sa, addr_len(&a)), 0);
    assert_int_equal(getsockname(fd, &a.sa, &len), 0);
    *ret = a;
    return fd;
}

static void send_us(int fd, const char *to, bool natt, const void *data, size_t len)
{
    struct addr a = addr_of(to, 0);

    addr_set_port(&a, udp_port(u, addr_family(&a), natt));
    assert_true(addr_port(&a) != 0);
    assert_int_equal(sendto(fd, data, len, 0, &a.sa, addr_len(&a)), len);
}

static size_t receive(int fd, uint8_t *buf, size_t size, struct addr *ret_from)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    socklen_t len = sizeof(*ret_from);
    ssize_t n;

    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    n = recvfrom(fd, buf, size, 0, &ret_from->sa, &len);
    assert_true(n >= 0);
    return (size_t)n;
}

static void turn_until(size_t n_ike, size_t n_esp)
{
    usec_t end = clock_now(clock_system()) + PATIENCE;

    while (got.n_ike < n_ike || got.n_esp < n_esp) {
        assert_true(clock_now(clock_system()) < end);
        assert_true(loop_turn(loop, PATIENCE) >= 0);
    }
    assert_int_equal(got.n_ike, n_ike);
    assert_int_equal(got.n_esp, n_esp);
}

/* The host's default would be the first address of lo. */
static void answers_from(const char *local, const char *peer_text, bool natt)
{
    static const uint8_t message[] = {0, 0, 0, 0, 'i', 'k', 'e'};
    size_t skip_marker = natt ? 0 : 4;
    struct addr peer, from, expected = addr_of(local, 0);
    cleanup(closep) int fd = peer_at(peer_text, &peer);
    uint8_t buf[64];
    size_t n;

    addr_set_port(&expected, udp_port(u, addr_family(&expected), natt));
    send_us(fd, local, natt, message + skip_marker, sizeof(message) - skip_marker);
    turn_until(got.n_ike + 1, 0);
    assert_int_equal(got.len, 3);
    assert_memory_equal(got.bytes, "ike", 3);
    assert_int_equal(got.path.natt, natt);
    assert_true(addr_equal(&got.path.local, &expected));
    assert_int_equal(addr_port(&got.path.local), addr_port(&expected));
    assert_true(addr_equal(&got.path.peer, &peer));
    assert_int_equal(addr_port(&got.path.peer), addr_port(&peer));

    assert_int_equal(udp_send_ike(u, &got.path, (const uint8_t *)"yes", 3), 0);
    n = receive(fd, buf, sizeof(buf), &from);
    assert_int_equal(n, natt ? 7 : 3);
    assert_memory_equal(buf, natt ? "\0\0\0\0yes" : "yes", n);
    assert_true(addr_equal(&from, &expected));
    assert_int_equal(addr_port(&from), addr_port(&expected));
}

static void test_answers_leave_from_where_they_were_asked(void **state)
{
    (void)state;
    leak_need(host_error);
    for (int natt = 0; natt < 2; natt++) {
        answers_from("127.0.0.9", "127.0.0.5", natt);
        answers_from("198.51.100.2", "127.0.0.1", natt);
        answers_from("2001:db8:1::2", "::1", natt);
    }
}

static void test_the_natt_port_tells_ike_from_esp(void **state)
{
    static const uint8_t keepalive[] = {0xFF}, esp[] = {0, 0, 1, 0, 7}, marker[4], spi[] = {1, 2, 3, 4};
    struct addr peer;
    cleanup(closep) int fd = -1;

    (void)state;
    leak_need(host_error);
    fd = peer_at("127.0.0.1", &peer);
    send_us(fd, "127.0.0.1", true, keepalive, 1);
    send_us(fd, "127.0.0.1", true, spi, 3); /* too short for anything */
    send_us(fd, "127.0.0.1", true, NULL, 0);
    send_us(fd, "127.0.0.1", true, marker, sizeof(marker)); /* with nothing behind */
    send_us(fd, "127.0.0.1", true, esp, sizeof(esp));
    turn_until(0, 1);
    assert_int_equal(got.len, sizeof(esp));
    assert_memory_equal(got.bytes, esp, sizeof(esp));
    send_us(fd, "127.0.0.1", true, spi, sizeof(spi));
    turn_until(0, 2);
    send_us(fd, "127.0.0.1", false, NULL, 0);
    send_us(fd, "127.0.0.1", false, esp, sizeof(esp)); /* the IKE port has IKE only */
    turn_until(1, 2);
    assert_int_equal(got.len, sizeof(esp));
}

static void test_esp_and_keepalives_have_no_marker(void **state)
{
    struct udp_path path = {.natt = true};
    cleanup(closep) int fd = -1;
    struct addr from;
    uint8_t buf[64];

    (void)state;
    leak_need(host_error);
    fd = peer_at("127.0.0.1", &path.peer);
    assert_int_equal(udp_send_esp(u, &path, (const uint8_t *)"espesp", 6), 0);
    assert_int_equal(receive(fd, buf, sizeof(buf), &from), 6);
    assert_memory_equal(buf, "espesp", 6);
    assert_int_equal(addr_port(&from), udp_port(u, AF_INET, true));
    assert_int_equal(udp_send_keepalive(u, &path), 0);
    assert_int_equal(receive(fd, buf, sizeof(buf), &from), 1);
    assert_int_equal(buf[0], 0xFF);
}

/* Nobody listens at the first: the kernel hears so of ICMP. */
static void test_icmp_errors_do_no_harm(void **state)
{
    struct udp_path dead = {0}, path = {0};
    cleanup(closep) int fd = -1;
    struct addr from;
    uint8_t buf[8];

    (void)state;
    leak_need(host_error);
    (void)close(peer_at("127.0.0.1", &dead.peer));
    fd = peer_at("127.0.0.1", &path.peer);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(udp_send_ike(u, &dead, (const uint8_t *)"x", 1), 0);
        assert_int_equal(udp_send_ike(u, &path, (const uint8_t *)"y", 1), 0);
        assert_int_equal(receive(fd, buf, sizeof(buf), &from), 1);
    }
    send_us(fd, "127.0.0.1", false, "z", 1);
    turn_until(1, 0);
}

static void test_a_turn_is_bounded(void **state)
{
    struct addr peer;
    cleanup(closep) int fd = -1;

    (void)state;
    leak_need(host_error);
    fd = peer_at("127.0.0.1", &peer);
    for (int i = 0; i < 2 * UDP_READS_MAX; i++)
        send_us(fd, "127.0.0.1", false, "x", 1);
    assert_true(loop_turn(loop, PATIENCE) > 0);
    assert_int_equal(got.n_ike, UDP_READS_MAX);
    turn_until((size_t)2 * UDP_READS_MAX, 0);
}

static void test_the_largest_message(void **state)
{
    static uint8_t message[LARGEST];
    struct addr peer;
    cleanup(closep) int fd = -1;

    (void)state;
    leak_need(host_error);
    fd = peer_at("127.0.0.1", &peer);
    message[LARGEST - 1] = 7;
    send_us(fd, "127.0.0.1", false, message, sizeof(message));
    turn_until(1, 0);
    assert_int_equal(got.len, LARGEST);
    assert_int_equal(got.bytes[LARGEST - 1], 7);
}

/* A tunnel for all networks has the peer's own among them. */
static void test_our_packets_do_not_enter_our_tunnel(void **state)
{
    cleanup(route_freep) struct route *route = NULL;
    struct network all = {.addr = addr_of("0.0.0.0", 0)};
    struct udp_path path = {.peer = addr_of("192.0.2.1", 500)};
    struct addr source, expected = addr_of("198.51.100.2", 0);

    (void)state;
    leak_need(host_error);
    assert_int_equal(route_new(&route), 0);
    assert_int_equal(route_unreachable_add(route, &all), 0);
    assert_int_equal(route_rules_add(route), 0);
    assert_true(leak_send("192.0.2.1") < 0); /* what is not the engine's */
    assert_int_equal(udp_source(u, &path.peer, &source), 0);
    assert_true(addr_equal(&source, &expected));
    assert_int_equal(udp_send_ike(u, &path, (const uint8_t *)"x", 1), 0);
    assert_int_equal(route_flush(route), 0);
    assert_true(leak_seen(&host, "192.0.2.1"));
}

static void test_the_source_for_a_peer(void **state)
{
    struct addr to4 = addr_of("127.0.0.7", 0), to6 = addr_of("2001:db8:77::1", 0);
    struct addr expected6 = addr_of("2001:db8:1::2", 0), source;

    (void)state;
    leak_need(host_error);
    assert_int_equal(udp_source(u, &to6, &source), 0);
    assert_true(addr_equal(&source, &expected6));
    assert_int_equal(addr_port(&source), 0);
    assert_int_equal(udp_source(u, &to4, &source), 0);
    assert_true(addr_is_loopback(&source));
}

static void test_ports_that_are_taken_or_unheard_of(void **state)
{
    struct udp_config second = config;
    struct udp_path path = {.peer = addr_of("127.0.0.1", 9), .local = addr_of("::1", 0)};
    struct udp *other = NULL;

    (void)state;
    leak_need(host_error);
    second.port = udp_port(u, AF_INET, false);
    assert_int_equal(udp_new(loop, &second, &other), -EADDRINUSE);
    assert_null(other);
    assert_int_equal(udp_send_ike(u, &path, (const uint8_t *)"x", 1), -EINVAL);
    path.peer = addr_any(AF_UNSPEC);
    assert_int_equal(udp_send_ike(u, &path, (const uint8_t *)"x", 1), -EAFNOSUPPORT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers_leave_from_where_they_were_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_natt_port_tells_ike_from_esp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_esp_and_keepalives_have_no_marker, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_icmp_errors_do_no_harm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_turn_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_largest_message, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_our_packets_do_not_enter_our_tunnel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_source_for_a_peer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ports_that_are_taken_or_unheard_of, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
