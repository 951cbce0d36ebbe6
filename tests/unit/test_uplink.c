/* The uplink, in network namespaces of the test's own: each test has an empty one. */
#include "probes/uplink.h"

#include "base/str.h"
#include "probes/rtnetlink.h"
#include "tests/unit/netns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define PATIENCE (10 * USEC_PER_SEC) /* for what must happen */
#define OUTSIDE  "203.0.113.10"
#define GATEWAY  "198.51.100.1"

struct world {
    int error; /* -errno: there is no namespace, or no ip */
    struct loop *loop;
    struct uplink *uplink;
    bool frees; /* the callback frees the uplink */
    int n;      /* calls */
};

static struct world world;

static void on_change(void *data)
{
    struct world *w = data;

    w->n++;
    if (w->frees)
        w->uplink = uplink_free(w->uplink);
}

static int set_up(void **state)
{
    (void)state;
    world = (struct world){.error = netns_enter()};
    if (world.error == 0)
        world.error = netns_ip("link set lo up") == 0 ? 0 : -ENOENT;
    if (world.error < 0)
        return 0;
    return loop_new(&world.loop) < 0 ? -1 : uplink_new(world.loop, on_change, &world, &world.uplink);
}

static int tear_down(void **state)
{
    (void)state;
    world.uplink = uplink_free(world.uplink);
    world.loop = loop_free(world.loop);
    return 0;
}

static void need_namespace(void)
{
    if (world.error < 0) {
        printf("skipped: no network namespace, or no ip(8): %s\n", strerror(-world.error));
        skip();
    }
}

static void ip(const char *args)
{
    assert_int_equal(netns_ip(args), 0);
}

/* Handles what is ready. */
static void settle(void)
{
    while (loop_turn(world.loop, 0) > 0)
        ;
}

static struct uplink_view look(const char *to)
{
    struct addr a;

    assert_int_equal(addr_parse(to, &a), 0);
    settle();
    return uplink_look(world.uplink, &a);
}

static void is_state(const char *to, enum uplink_state state)
{
    assert_string_equal(uplink_state_name(look(to).state), uplink_state_name(state));
}

/* Some of what the kernel does after a change it does a little later, and says so. */
static void becomes(const char *to, enum uplink_state state)
{
    usec_t end = clock_now(clock_system()) + PATIENCE;

    while (look(to).state != state) {
        assert_true(clock_now(clock_system()) < end);
        assert_true(loop_turn(world.loop, UPLINK_FRESH) >= 0);
    }
}

static void is_addr(const struct addr *a, const char *text)
{
    char buf[ADDR_TEXT_MAX];

    assert_string_equal(addr_text(a, buf), text);
}

static void send_packet(const char *to)
{
    cleanup(closep) int fd = -1;
    struct addr a;

    assert_int_equal(addr_parse(to, &a), 0);
    addr_set_port(&a, 9);
    fd = socket(addr_family(&a), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(sendto(fd, "x", 1, 0, &a.sa, addr_len(&a)), 1);
}

/* The gateway's side of the usual host: eth0, whose cable ends in "far", and a default route. */
static void make_uplink(void)
{
    ip("link add eth0 type veth peer name far");
    ip("addr add 198.51.100.2/24 dev eth0");
    ip("link set far up");
    ip("link set eth0 up");
    ip("route add default via " GATEWAY);
    becomes(OUTSIDE, UPLINK_OK);
    world.n = 0;
}

static void test_no_route(void **state)
{
    struct addr unset = {0};
    struct uplink_view v;

    (void)state;
    need_namespace();
    v = look(OUTSIDE);
    assert_int_equal(v.state, UPLINK_NO_ROUTE);
    assert_string_equal(v.interface, "");
    is_addr(&v.source, "-");
    is_addr(&v.gateway, "-");
    assert_int_equal(uplink_look(world.uplink, &unset).state, UPLINK_UNKNOWN);
    assert_null(uplink_free(NULL));
}

static void test_tells_the_way(void **state)
{
    struct uplink_view v;

    (void)state;
    need_namespace();
    make_uplink();
    v = look(OUTSIDE);
    assert_int_equal(v.state, UPLINK_OK);
    assert_string_equal(v.interface, "eth0");
    is_addr(&v.source, "198.51.100.2");
    is_addr(&v.gateway, GATEWAY);
    v = look("198.51.100.77"); /* on the link */
    assert_int_equal(v.state, UPLINK_OK);
    is_addr(&v.gateway, "-");
    ip("route del default");
    is_state(OUTSIDE, UPLINK_NO_ROUTE);
}

static void test_routes_that_lead_nowhere(void **state)
{
    (void)state;
    need_namespace();
    make_uplink();
    ip("route add blackhole 203.0.113.11");
    ip("route add unreachable 203.0.113.12");
    ip("route add prohibit 203.0.113.13");
    ip("route add throw 203.0.113.14");
    is_state("203.0.113.11", UPLINK_NO_ROUTE);
    is_state("203.0.113.12", UPLINK_NO_ROUTE);
    is_state("203.0.113.13", UPLINK_NO_ROUTE);
    is_state("203.0.113.14", UPLINK_NO_ROUTE);
    is_state(OUTSIDE, UPLINK_OK);
}

/* As charon's user-space ESP has it: the networks behind the tunnel, and the endpoint by the way it had before. */
static void test_policy_routing(void **state)
{
    struct uplink_view v;

    (void)state;
    need_namespace();
    make_uplink();
    ip("link add ipsec0 type veth peer name inner");
    ip("link set inner up");
    ip("link set ipsec0 up");
    ip("rule add pref 220 lookup 220");
    ip("route add 0.0.0.0/1 dev ipsec0 table 220");
    ip("route add 128.0.0.0/1 dev ipsec0 table 220");
    assert_string_equal(look(OUTSIDE).interface, "ipsec0");
    ip("route add " OUTSIDE " via " GATEWAY " dev eth0 table 220");
    v = look(OUTSIDE);
    assert_int_equal(v.state, UPLINK_OK);
    assert_string_equal(v.interface, "eth0");
    is_addr(&v.gateway, GATEWAY);
    assert_string_equal(look("10.0.1.25").interface, "ipsec0");
}

static void test_carrier_is_lost(void **state)
{
    (void)state;
    need_namespace();
    make_uplink();
    ip("link set far down");
    becomes(OUTSIDE, UPLINK_LINK_DOWN);
    assert_string_equal(look(OUTSIDE).interface, "eth0");
    ip("link set far up");
    becomes(OUTSIDE, UPLINK_OK);
}

static void test_link_is_taken_down(void **state)
{
    (void)state;
    need_namespace();
    make_uplink();
    ip("link set eth0 down"); /* with which the kernel removes its IPv4 routes */
    is_state(OUTSIDE, UPLINK_NO_ROUTE);
    ip("link set eth0 up");
    ip("route add default via " GATEWAY);
    becomes(OUTSIDE, UPLINK_OK);
    ip("link del eth0");
    is_state(OUTSIDE, UPLINK_NO_ROUTE);
}

static void test_gateway_is_known_to_be_dead(void **state)
{
    (void)state;
    need_namespace();
    make_uplink();
    ip("neigh replace " GATEWAY " dev eth0 lladdr 02:00:00:00:00:01 nud stale");
    is_state(OUTSIDE, UPLINK_OK);
    ip("neigh replace " GATEWAY " dev eth0 nud failed");
    is_state(OUTSIDE, UPLINK_NO_GATEWAY);
    is_state("198.51.100.77", UPLINK_OK); /* a neighbour itself, of whom nothing is known */
    ip("neigh replace " GATEWAY " dev eth0 lladdr 02:00:00:00:00:01 nud stale");
    is_state(OUTSIDE, UPLINK_OK);
    ip("neigh replace 198.51.100.77 dev eth0 nud failed");
    becomes("198.51.100.77", UPLINK_NO_GATEWAY); /* of which the kernel tells nobody */
    is_state(OUTSIDE, UPLINK_OK);
}

/* Turns until the kernel has given the gateway up. */
static void wait_for_failure(void)
{
    cleanup(rtnetlink_freep) struct rtnetlink *kernel = NULL;
    struct rtnetlink_neighbour n = {0};
    usec_t end = clock_now(clock_system()) + PATIENCE;
    struct rtnetlink_route route;
    struct addr a;

    assert_int_equal(addr_parse(OUTSIDE, &a), 0);
    assert_int_equal(rtnetlink_new(&kernel), 0);
    assert_int_equal(rtnetlink_route(kernel, &a, &route), 0);
    while (n.state != NUD_FAILED) {
        assert_true(clock_now(clock_system()) < end);
        assert_true(loop_turn(world.loop, UPLINK_FRESH) >= 0);
        assert_int_equal(rtnetlink_neighbour(kernel, route.index, &route.gateway, &n), 0);
    }
}

/* Nobody answers at the end of the cable. */
static void test_gateway_dies_while_we_send(void **state)
{
    (void)state;
    need_namespace();
    make_uplink();
    send_packet(OUTSIDE);
    is_state("203.0.113.11", UPLINK_OK); /* by the same gateway, which was asked for just now: too early to say */
    becomes(OUTSIDE, UPLINK_NO_GATEWAY);
    wait_for_failure();
    is_state(OUTSIDE, UPLINK_NO_GATEWAY);
    send_packet(OUTSIDE); /* begins the discovery anew, which is no sign of life */
    while (loop_turn(world.loop, UPLINK_FRESH) > 0)
        ;
    is_state(OUTSIDE, UPLINK_NO_GATEWAY);
    ip("neigh replace " GATEWAY " dev eth0 lladdr 02:00:00:00:00:01 nud reachable");
    is_state(OUTSIDE, UPLINK_OK);
}

static void test_dead_gateway_is_told(void **state)
{
    (void)state;
    need_namespace();
    make_uplink();
    send_packet(OUTSIDE);
    while (world.n < 1) /* nobody looks meanwhile */
        assert_true(loop_turn(world.loop, PATIENCE) > 0);
    assert_int_equal(look(OUTSIDE).state, UPLINK_NO_GATEWAY);
    ip("neigh replace " GATEWAY " dev eth0 lladdr 02:00:00:00:00:01 nud reachable");
    while (world.n < 2)
        assert_true(loop_turn(world.loop, PATIENCE) > 0);
    assert_int_equal(look(OUTSIDE).state, UPLINK_OK);
}

static void test_ipv6(void **state)
{
    struct uplink_view v;

    (void)state;
    need_namespace();
    make_uplink();
    if (netns_ip("-6 addr add 2001:db8::2/64 dev eth0 nodad") != 0) {
        printf("skipped: this machine has no IPv6\n");
        skip();
    }
    ip("-6 route add default via 2001:db8::1");
    v = look("2001:db8:1::10");
    assert_int_equal(v.state, UPLINK_OK);
    assert_string_equal(v.interface, "eth0");
    is_addr(&v.source, "2001:db8::2");
    is_addr(&v.gateway, "2001:db8::1");
    ip("-6 neigh replace 2001:db8::1 dev eth0 nud failed");
    becomes("2001:db8:1::10", UPLINK_NO_GATEWAY);
    ip("-6 route add unreachable 2001:db8:1::/64");
    is_state("2001:db8:1::10", UPLINK_NO_ROUTE);
    ip("-6 route add blackhole 2001:db8:2::/64");
    is_state("2001:db8:2::10", UPLINK_NO_ROUTE);

    /* An IPv4 route whose gateway has an IPv6 address. */
    ip("route add 192.0.2.0/24 via inet6 2001:db8::1 dev eth0");
    v = look("192.0.2.10");
    assert_int_equal(v.state, UPLINK_NO_GATEWAY);
    is_addr(&v.gateway, "2001:db8::1");
}

static void test_change_is_told(void **state)
{
    (void)state;
    need_namespace();
    make_uplink();
    ip("link set far down");
    while (world.n < 1)
        assert_true(loop_turn(world.loop, PATIENCE) > 0);
    assert_int_equal(look(OUTSIDE).state, UPLINK_LINK_DOWN);
    ip("link set far up");
    while (world.n < 2)
        assert_true(loop_turn(world.loop, PATIENCE) > 0);
    assert_int_equal(look(OUTSIDE).state, UPLINK_OK);
    ip("route del default");
    while (world.n < 3)
        assert_true(loop_turn(world.loop, PATIENCE) > 0);
    assert_int_equal(look(OUTSIDE).state, UPLINK_NO_ROUTE);
}

static void test_other_changes_are_not_told(void **state)
{
    (void)state;
    need_namespace();
    make_uplink();
    ip("link add other type veth peer name end");
    ip("link set end up");
    ip("link set other up");
    ip("addr add 192.0.2.1/24 dev other");
    ip("route add 192.0.3.0/24 via 192.0.2.77");
    ip("neigh replace " GATEWAY " dev eth0 lladdr 02:00:00:00:00:01 nud reachable");
    ip("neigh replace " GATEWAY " dev eth0 lladdr 02:00:00:00:00:01 nud stale");
    while (loop_turn(world.loop, 3 * UPLINK_GAP) > 0) /* until there is nothing left to look at */
        ;
    assert_int_equal(world.n, 0);
}

/* Whoever looks, and sees what changed, is not told of it again. */
static void test_what_was_seen_is_not_told(void **state)
{
    struct addr a;

    (void)state;
    need_namespace();
    make_uplink();
    assert_int_equal(addr_parse(OUTSIDE, &a), 0);
    ip("route del default");
    while (uplink_look(world.uplink, &a).state == UPLINK_OK)
        assert_true(loop_turn(world.loop, UPLINK_GAP) >= 0);
    while (loop_turn(world.loop, 3 * UPLINK_GAP) > 0)
        ;
    assert_int_equal(world.n, 0);
}

static void test_callback_may_free(void **state)
{
    (void)state;
    need_namespace();
    make_uplink();
    world.frees = true;
    ip("route del default");
    while (world.n < 1)
        assert_true(loop_turn(world.loop, PATIENCE) > 0);
    settle();
    assert_null(world.uplink);
}

/* More addresses than are remembered, some of which share a place. */
static void test_many_addresses(void **state)
{
    char text[ADDR_TEXT_MAX];

    (void)state;
    need_namespace();
    make_uplink();
    ip("route add blackhole 10.1.0.0/16");
    for (unsigned i = 0; i < 4 * UPLINK_CACHE_MAX; i++) {
        (void)str_format(text, sizeof(text), "10.%u.%u.%u", i % 2, i / 2 / 256, i / 2 % 256);
        is_state(text, i % 2 == 1 ? UPLINK_NO_ROUTE : UPLINK_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_route, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tells_the_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_routes_that_lead_nowhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_policy_routing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_carrier_is_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_link_is_taken_down, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gateway_is_known_to_be_dead, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gateway_dies_while_we_send, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dead_gateway_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ipv6, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_change_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_changes_are_not_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_was_seen_is_not_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_callback_may_free, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_addresses, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
