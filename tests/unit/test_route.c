/* Routes of the engine's own in the test's own network namespace, and what they do to packets of the host. */
#include "engine/io/route.h"

#include "tests/unit/leak.h"
#include "tests/unit/netns.h"
#include "tests/unit/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define INNER4  "10.1.2.3"
#define INNER6  "fd00:1::3"
#define METRIC  10
#define FOREIGN "172.16.0.1"

static struct leak host;
static struct route *route;
static int host_error;

static int set_up(void **state)
{
    (void)state;
    host_error = leak_host(&host);
    return host_error < 0 ? 0 : route_new(&route);
}

static int tear_down(void **state)
{
    (void)state;
    route = route_free(route);
    leak_done(&host);
    return 0;
}

static uint32_t make_inner(void)
{
    assert_int_equal(netns_ip("link add inner type veth peer name inner-far"), 0);
    assert_int_equal(netns_ip("link set inner arp off"), 0);
    assert_int_equal(netns_ip("link set inner-far up"), 0);
    return if_nametoindex("inner");
}

static bool is_unreachable(int error)
{
    return error == -EHOSTUNREACH || error == -ENETUNREACH;
}

/* The bits behind the prefix do not matter. */
static void close_both(void)
{
    struct network n4 = network_of("10.1.255.255", 16), n6 = network_of("fd00:1::ffff", 64);

    assert_int_equal(route_unreachable_add(route, &n4), 0);
    assert_int_equal(route_unreachable_add(route, &n6), 0);
    assert_int_equal(route_rules_add(route), 0);
}

static void test_nothing_leaves_to_an_unreachable_network(void **state)
{
    (void)state;
    leak_need(host_error);
    assert_int_equal(leak_send(INNER4), 0); /* before, as any host does */
    assert_true(leak_seen(&host, INNER4));
    close_both();
    assert_true(is_unreachable(leak_send(INNER4)));
    assert_false(leak_seen(&host, INNER4));
    assert_true(is_unreachable(leak_send(INNER6)));
    assert_false(leak_seen(&host, INNER6));
    assert_int_equal(leak_send("10.2.0.1"), 0); /* of another network */
    assert_true(leak_seen(&host, "10.2.0.1"));
}

static void test_marked_packets_are_not_ours_to_stop(void **state)
{
    (void)state;
    leak_need(host_error);
    close_both();
    assert_int_equal(leak_send_marked(INNER4, ROUTE_MARK), 0);
    assert_true(leak_seen(&host, INNER4));
    assert_int_equal(leak_send_marked(INNER6, ROUTE_MARK), 0);
    assert_true(leak_seen(&host, INNER6));
    assert_true(is_unreachable(leak_send_marked(INNER4, ROUTE_MARK + 1)));
}

static void test_a_device_route_wins_and_goes_with_its_device(void **state)
{
    struct network n4 = network_of("10.1.0.0", 16), n6 = network_of("fd00:1::", 64);
    struct network a4 = network_of("169.254.9.2", 30), a6 = network_of("fd00:9::2", 126);
    uint32_t index;

    (void)state;
    leak_need(host_error);
    close_both();
    index = make_inner();
    assert_int_equal(route_link_up(route, index, 1400), 0);
    assert_int_equal(route_addr_add(route, index, &a4), 0);
    assert_int_equal(route_addr_add(route, index, &a6), 0);
    assert_int_equal(route_device_add(route, &n4, index, METRIC, NULL), 0);
    assert_int_equal(route_device_add(route, &n6, index, METRIC, NULL), 0);
    assert_int_equal(leak_send(INNER4), 0);
    assert_int_equal(leak_send(INNER6), 0);
    assert_int_equal(netns_ip("link del inner"), 0);
    assert_true(is_unreachable(leak_send(INNER4)));
    assert_true(is_unreachable(leak_send(INNER6)));
    assert_false(leak_seen(&host, INNER4));
    assert_false(leak_seen(&host, INNER6));
}

static void test_all_may_be_said_twice(void **state)
{
    struct network n4 = network_of("10.1.0.0", 16), n6 = network_of("fd00:1::", 64);
    struct network a4 = network_of("169.254.9.2", 30);
    uint32_t index;

    (void)state;
    leak_need(host_error);
    index = make_inner();
    for (int i = 0; i < 2; i++) {
        close_both();
        assert_int_equal(route_link_up(route, index, 1400), 0);
        assert_int_equal(route_addr_add(route, index, &a4), 0);
        assert_int_equal(route_device_add(route, &n4, index, METRIC, NULL), 0);
        assert_int_equal(route_device_add(route, &n6, index, METRIC, NULL), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(route_device_del(route, &n4, index, METRIC), 0);
        assert_int_equal(route_device_del(route, &n6, index, METRIC), 0);
        assert_true(is_unreachable(leak_send(INNER4)));
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(route_unreachable_del(route, &n4), 0);
        assert_int_equal(route_unreachable_del(route, &n6), 0);
        assert_int_equal(route_rules_del(route), 0);
        assert_int_equal(leak_send(INNER4), 0);
        assert_int_equal(leak_send(INNER6), 0);
    }
}

static void test_flush_takes_what_a_dead_engine_left(void **state)
{
    struct network all4 = network_of("0.0.0.0", 0);

    (void)state;
    leak_need(host_error);
    assert_int_equal(route_flush(route), 0); /* nothing yet */
    close_both();
    assert_int_equal(route_flush(route), 0);
    assert_int_equal(leak_send(INNER4), 0);
    assert_int_equal(leak_send(INNER6), 0);
    close_both();
    assert_int_equal(route_unreachable_add(route, &all4), 0);
    assert_true(is_unreachable(leak_send(FOREIGN)));
    assert_int_equal(route_flush(route), 0);
    assert_int_equal(leak_send(FOREIGN), 0);
    assert_int_equal(leak_send(INNER4), 0);
    assert_int_equal(netns_ip("route add 10.1.0.0/16 via 198.51.100.7"), 0); /* not ours */
    assert_int_equal(route_flush(route), 0);
    assert_int_equal(netns_ip("route del 10.1.0.0/16 via 198.51.100.7"), 0);
}

static void test_many_routes_are_flushed(void **state)
{
    (void)state;
    leak_need(host_error);
    for (unsigned i = 0; i < 1000; i++) {
        struct network n = network_of("10.0.0.0", 24);

        n.addr.in.sin_addr.s_addr = htonl(0x0A000000U + (i << 8));
        assert_int_equal(route_unreachable_add(route, &n), 0);
    }
    assert_int_equal(route_rules_add(route), 0);
    assert_true(is_unreachable(leak_send("10.3.231.1")));
    assert_int_equal(route_flush(route), 0);
    assert_int_equal(leak_send("10.3.231.1"), 0);
    assert_int_equal(route_rules_add(route), 0);
    assert_int_equal(leak_send("10.3.231.1"), 0); /* no route is left for the rule to find */
}

/* systemd-networkd takes away all others whenever it starts. ip(8) deletes only what is of the protocol it is told. */
static void test_ours_pass_for_the_kernels(void **state)
{
    (void)state;
    leak_need(host_error);
    close_both();
    assert_int_not_equal(netns_ip("route del unreachable 10.1.0.0/16 table 4646 proto static"), 0);
    assert_int_equal(netns_ip("route del unreachable 10.1.0.0/16 table 4646 proto kernel"), 0);
    assert_int_equal(netns_ip("-6 route del unreachable fd00:1::/64 table 4646 proto kernel"), 0);
    assert_int_not_equal(netns_ip("rule del table 4646 protocol static"), 0);
    assert_int_equal(netns_ip("rule del table 4646 protocol kernel"), 0);
    assert_int_equal(netns_ip("-6 rule del table 4646 protocol kernel"), 0);
}

static bool is_in(const void *data, const struct addr *a)
{
    const struct network one = {.addr = *a, .bits = addr_family(a) == AF_INET6 ? 128 : 32};

    return network_within(&one, data);
}

static void assert_found(const char *in, uint8_t bits, const char *expected)
{
    struct network n = network_of(in, bits), a = network_of(expected, 0);
    struct addr found;

    assert_int_equal(route_addr_find(route, addr_family(&n.addr), is_in, &n, &found), 0);
    assert_true(addr_equal(&found, &a.addr));
}

static void test_an_address_of_the_host_is_found(void **state)
{
    struct network elsewhere = network_of("10.9.0.0", 16);
    struct addr untouched = addr_any(AF_INET6), found = untouched;

    (void)state;
    leak_need(host_error);
    (void)make_inner();
    assert_int_equal(netns_ip("addr add 10.4.0.1 peer 10.4.0.2 dev inner"), 0);
    assert_int_equal(netns_ip("addr add 10.5.0.1/24 dev inner"), 0);
    assert_int_equal(netns_ip("addr add fd00:4::1/64 dev inner nodad"), 0);
    assert_found("10.4.0.0", 16, "10.4.0.1"); /* our end of the link, not the peer's */
    assert_found("10.5.0.0", 16, "10.5.0.1");
    assert_found("fd00:4::", 64, "fd00:4::1");
    assert_int_equal(route_addr_find(route, AF_INET, is_in, &elsewhere, &found), -EADDRNOTAVAIL);
    assert_true(addr_equal(&found, &untouched));
}

static void test_the_kernel_says_what_is_wrong(void **state)
{
    struct network n = network_of("10.1.0.0", 16);

    (void)state;
    leak_need(host_error);
    assert_true(route_link_up(route, make_inner(), 1) < 0);
    assert_string_not_equal(route_error(route), "");
    assert_int_equal(route_device_add(route, &n, 9999, METRIC, NULL), -ENODEV);
    assert_int_equal(route_unreachable_add(route, &n), 0);
    assert_string_equal(route_error(route), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_leaves_to_an_unreachable_network, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_marked_packets_are_not_ours_to_stop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_device_route_wins_and_goes_with_its_device, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_all_may_be_said_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_flush_takes_what_a_dead_engine_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_routes_are_flushed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ours_pass_for_the_kernels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_address_of_the_host_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_kernel_says_what_is_wrong, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
