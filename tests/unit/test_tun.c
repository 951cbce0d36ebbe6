/* A TUN device in a network namespace of the test's own. */
#include "engine/io/tun.h"

#include "base/addr.h"
#include "base/array.h"
#include "engine/io/route.h"
#include "tests/unit/netns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE (5 * USEC_PER_SEC)
#define NEAR     "10.9.0.1"
#define FAR      "10.9.0.2"
#define PORT     4000
#define HEADERS  28 /* IPv4 and UDP */

static struct loop *loop;
static struct route *route;
static struct tun *tun;
static int error;

/* The UDP packets to FAR that the device gave us. */
static struct {
    size_t n, len;
    uint8_t packet[TUN_PACKET_MAX];
} got;

static void on_packet(void *data, const uint8_t *packet, size_t len)
{
    const uint8_t far[] = {10, 9, 0, 2};

    (void)data;
    if (len < HEADERS || packet[0] != 0x45 || memcmp(&packet[16], far, 4) != 0)
        return; /* the kernel's own, of IPv6 */
    got.n++;
    got.len = len;
    memcpy(got.packet, packet, len);
}

static int set_up(void **state)
{
    (void)state;
    memset(&got, 0, sizeof(got));
    error = netns_enter();
    if (error == 0 && access("/dev/net/tun", R_OK | W_OK) < 0)
        error = -errno;
    return loop_new(&loop) < 0 ? -1 : route_new(&route);
}

static int tear_down(void **state)
{
    (void)state;
    tun = tun_free(tun);
    route = route_free(route);
    loop = loop_free(loop);
    return 0;
}

static void need_tun(void)
{
    if (error < 0) {
        printf("skipped: no network namespace, or no TUN device: %s\n", strerror(-error));
        skip();
    }
}

static struct addr addr_of(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(text, &a), 0);
    addr_set_port(&a, PORT);
    return a;
}

static void open_tun(uint32_t mtu)
{
    struct network near = {.bits = 30};

    assert_int_equal(addr_parse(NEAR, &near.addr), 0);
    assert_int_equal(tun_new(loop, NULL, on_packet, NULL, &tun), 0);
    assert_int_equal(route_addr_add(route, tun_index(tun), &near), 0);
    assert_int_equal(route_link_up(route, tun_index(tun), mtu), 0);
    assert_int_equal(netns_ip("route add " FAR " dev rk0"), 0);
}

static int open_socket(void)
{
    struct addr near = addr_of(NEAR);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, &near.sa, addr_len(&near)), 0);
    return fd;
}

static void send_far(int fd, const void *data, size_t len)
{
    struct addr far = addr_of(FAR);

    assert_int_equal(sendto(fd, data, len, 0, &far.sa, addr_len(&far)), len);
}

static void turn_until(size_t n)
{
    usec_t end = clock_now(clock_system()) + PATIENCE;

    while (got.n < n) {
        assert_true(clock_now(clock_system()) < end);
        assert_true(loop_turn(loop, PATIENCE) >= 0);
    }
}

static void test_what_is_routed_there_is_read(void **state)
{
    cleanup(closep) int fd = -1;

    (void)state;
    need_tun();
    open_tun(1400);
    fd = open_socket();
    send_far(fd, "hello", 5);
    turn_until(1);
    assert_int_equal(got.len, HEADERS + 5);
    assert_memory_equal(&got.packet[HEADERS], "hello", 5);
}

/* The answer is the packet itself, with the addresses changed for each other: no checksum changes. */
static void test_what_is_written_the_host_receives(void **state)
{
    cleanup(closep) int fd = -1;
    uint8_t source[4], answer[16];
    struct pollfd p = {.events = POLLIN};

    (void)state;
    need_tun();
    open_tun(1400);
    fd = open_socket();
    send_far(fd, "hello", 5);
    turn_until(1);
    memcpy(source, &got.packet[12], 4);
    memcpy(&got.packet[12], &got.packet[16], 4);
    memcpy(&got.packet[16], source, 4);
    assert_int_equal(tun_write(tun, got.packet, got.len), 0);
    p.fd = fd;
    assert_int_equal(poll(&p, 1, 5000), 1);
    assert_int_equal(recv(fd, answer, sizeof(answer), 0), 5);
    assert_memory_equal(answer, "hello", 5);
}

static void test_a_turn_is_bounded(void **state)
{
    cleanup(closep) int fd = -1;

    (void)state;
    need_tun();
    open_tun(1400);
    fd = open_socket();
    for (int i = 0; i < 3 * TUN_READS_MAX; i++)
        send_far(fd, "x", 1);
    assert_true(loop_turn(loop, PATIENCE) > 0);
    assert_in_range(got.n, 1, TUN_READS_MAX);
    turn_until((size_t)3 * TUN_READS_MAX);
}

/* Whoever raises the MTU by hand gets no cut packets. */
static void test_a_longer_packet_is_dropped_whole(void **state)
{
    static const uint8_t big[TUN_PACKET_MAX + 100 - HEADERS];
    cleanup(closep) int fd = -1;

    (void)state;
    need_tun();
    open_tun(20000);
    fd = open_socket();
    send_far(fd, big, sizeof(big));
    send_far(fd, big, TUN_PACKET_MAX - HEADERS);
    turn_until(1);
    assert_int_equal(got.len, TUN_PACKET_MAX);
}

static void test_names(void **state)
{
    static const char *const bad[] = {"", ".", "..", "a/b", "x%d", "sixteen-letters-", "a b"};
    struct tun *second = NULL;

    (void)state;
    need_tun();
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(tun_new(loop, bad[i], on_packet, NULL, &tun), -EINVAL);
    assert_int_equal(tun_new(loop, "lo", on_packet, NULL, &tun), -EBUSY);
    assert_int_equal(netns_ip("tuntap add theirs mode tun"), 0);
    assert_int_equal(tun_new(loop, "theirs", on_packet, NULL, &tun), -EBUSY);
    assert_int_equal(tun_new(loop, "aws-1", on_packet, NULL, &tun), 0);
    assert_string_equal(tun_name(tun), "aws-1");
    assert_int_equal(tun_index(tun), if_nametoindex("aws-1"));
    assert_int_equal(tun_new(loop, "aws-1", on_packet, NULL, &second), -EBUSY);
    assert_null(second);
    tun = tun_free(tun);
    assert_int_equal(if_nametoindex("aws-1"), 0);
}

static void test_a_deleted_device_does_not_spin(void **state)
{
    (void)state;
    need_tun();
    open_tun(1400);
    assert_int_equal(netns_ip("link del rk0"), 0);
    for (int i = 0; i < 100 && loop_turn(loop, 0) > 0; i++)
        assert_true(i < 99);
    assert_int_equal(tun_write(tun, (const uint8_t[HEADERS]){0x45}, HEADERS), -EBADFD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_routed_there_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_written_the_host_receives, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_turn_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_longer_packet_is_dropped_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_deleted_device_does_not_spin, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
