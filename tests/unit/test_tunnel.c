/* What programs of the host notice of a tunnel, and what of theirs is heard on the uplink. */
#include "engine/io/tunnel.h"

#include "tests/unit/leak.h"
#include "tests/unit/netns.h"
#include "tests/unit/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define PATIENCE (5 * USEC_PER_SEC)
#define INNER4   "10.1.2.3"
#define INNER6   "fd00:1::3"
#define FAR_END  "169.254.9.1" /* of the tunnel; its own end is .2 */
#define CHANGES  200

static struct leak host;
static struct loop *loop;
static struct route *route;
static struct tunnel *tunnel, *second;
static int host_error;

struct inbox {
    size_t n4, n6;
};

static struct inbox inbox, second_inbox;

static void on_packet(void *data, const uint8_t *p, size_t len)
{
    static const uint8_t to4[] = {10, 1, 2, 3}, to6[] = {0xFD, 0, 0, 1};
    struct inbox *in = data;

    if (len >= 20 && p[0] >> 4 == 4 && memcmp(&p[16], to4, 4) == 0)
        in->n4++;
    if (len >= 40 && p[0] >> 4 == 6 && memcmp(&p[24], to6, 4) == 0)
        in->n6++;
}

static int set_up(void **state)
{
    (void)state;
    inbox = second_inbox = (struct inbox){0};
    host_error = leak_host(&host);
    if (host_error == 0 && access("/dev/net/tun", R_OK | W_OK) < 0)
        host_error = -errno;
    if (host_error < 0)
        return 0;
    return loop_new(&loop) < 0 ? -1 : route_new(&route);
}

static int tear_down(void **state)
{
    (void)state;
    tunnel = tunnel_free(tunnel);
    second = tunnel_free(second);
    route = route_free(route);
    loop = loop_free(loop);
    leak_done(&host);
    return 0;
}

static int make(const char *address, uint32_t metric, struct inbox *in, struct tunnel **ret)
{
    const struct network addresses[] = {network_of(address, 30), network_of("fd00:9::2", 126)};
    const struct network networks[] = {network_of("10.1.0.0", 16), network_of("fd00:1::", 64)};
    const struct tunnel_config config = {
        .mtu = 1400,
        .metric = metric,
        .addresses = addresses,
        .n_addresses = 2,
        .networks = networks,
        .n_networks = 2,
    };

    return tunnel_new(loop, route, &config, on_packet, in, ret);
}

static void turn_until(const size_t *count, size_t n)
{
    usec_t end = clock_now(clock_system()) + PATIENCE;

    while (*count < n) {
        assert_true(clock_now(clock_system()) < end);
        assert_true(loop_turn(loop, PATIENCE) >= 0);
    }
}

static void is_refused(const char *to)
{
    int r = leak_send(to);

    assert_true(r == -EHOSTUNREACH || r == -ENETUNREACH);
    assert_false(leak_seen(&host, to));
}

static void arrives(struct inbox *in)
{
    assert_int_equal(leak_send(INNER4), 0);
    turn_until(&in->n4, in->n4 + 1);
    assert_int_equal(leak_send(INNER6), 0);
    turn_until(&in->n6, in->n6 + 1);
    assert_false(leak_seen(&host, INNER4));
    assert_false(leak_seen(&host, INNER6));
}

/* Only what was configured: from an address of the kernel's own making the host would ask the far end for routers. */
static void test_no_link_local_address(void **state)
{
    char line[256];
    size_t n = 0;
    FILE *f;

    (void)state;
    leak_need(host_error);
    assert_int_equal(make("169.254.9.2", 10, &inbox, &tunnel), 0);
    f = fopen("/proc/net/if_inet6", "re");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f))
        if (strstr(line, tunnel_name(tunnel))) {
            assert_memory_equal(line, "fd000009", 8);
            n++;
        }
    (void)fclose(f);
    assert_int_equal(n, 1);
}

static void test_closed_refuses_at_once(void **state)
{
    (void)state;
    leak_need(host_error);
    assert_int_equal(leak_send(INNER4), 0); /* before, as on any host */
    assert_true(leak_seen(&host, INNER4));
    assert_int_equal(make("169.254.9.2", 10, &inbox, &tunnel), 0);
    assert_false(tunnel_is_open(tunnel));
    is_refused(INNER4);
    is_refused(INNER6);
    is_refused(FAR_END);
    assert_int_equal(leak_send("10.2.0.1"), 0); /* not behind the tunnel */
    assert_true(leak_seen(&host, "10.2.0.1"));
}

static void test_open_takes_the_packets(void **state)
{
    (void)state;
    leak_need(host_error);
    assert_int_equal(make("169.254.9.2", 10, &inbox, &tunnel), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tunnel_open(tunnel), 0);
        assert_int_equal(tunnel_open(tunnel), 0);
        assert_true(tunnel_is_open(tunnel));
        arrives(&inbox);
        assert_int_equal(leak_send(FAR_END), 0);
        assert_false(leak_seen(&host, FAR_END));
        assert_int_equal(tunnel_close(tunnel), 0);
        assert_int_equal(tunnel_close(tunnel), 0);
        is_refused(INNER4);
        is_refused(INNER6);
        is_refused(FAR_END);
    }
    tunnel = tunnel_free(tunnel);
    is_refused(INNER4);
    is_refused(INNER6);
}

/* A program that does not stop sending while the tunnel opens and closes. */
static pid_t start_sender(void)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* where the test fails */
        for (;;) {
            (void)leak_send(INNER4);
            (void)leak_send(INNER6);
        }
    }
    return pid;
}

static void test_no_moment_in_clear(void **state)
{
    pid_t pid;

    (void)state;
    leak_need(host_error);
    assert_int_equal(make("169.254.9.2", 10, &inbox, &tunnel), 0);
    pid = start_sender();
    for (int i = 0; i < CHANGES; i++) {
        assert_int_equal(tunnel_open(tunnel), 0);
        (void)loop_turn(loop, 0);
        assert_int_equal(tunnel_close(tunnel), 0);
    }
    assert_int_equal(tunnel_open(tunnel), 0);
    turn_until(&inbox.n4, inbox.n4 + 1); /* it does send */
    tunnel = tunnel_free(tunnel);
    assert_int_equal(make("169.254.9.2", 10, &inbox, &tunnel), 0); /* a restart */
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_false(leak_seen(&host, INNER4));
    assert_false(leak_seen(&host, INNER6));
}

/* The process of an engine with an open tunnel, and a loop of its own. Says so on FD, and lives until it is killed. */
static _Noreturn void be_engine(int fd)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (loop_new(&loop) < 0 || route_new(&route) < 0 || make("169.254.9.2", 10, &inbox, &tunnel) < 0 ||
        tunnel_open(tunnel) < 0 || write(fd, "", 1) != 1)
        _exit(1);
    for (;;)
        (void)pause();
}

static void test_a_killed_engine_leaves_nothing_in_clear(void **state)
{
    int fds[2];
    pid_t pid;
    char c;

    (void)state;
    leak_need(host_error);
    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        be_engine(fds[1]);
    (void)close(fds[1]);
    assert_int_equal(read(fds[0], &c, 1), 1);
    (void)close(fds[0]);
    assert_int_equal(leak_send(INNER4), 0);
    assert_int_equal(leak_send(INNER6), 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    is_refused(INNER4);
    is_refused(INNER6);
    is_refused(FAR_END);

    assert_int_equal(make("169.254.9.2", 10, &inbox, &tunnel), 0); /* the next one takes over */
    is_refused(INNER4);
    assert_int_equal(tunnel_open(tunnel), 0);
    arrives(&inbox);
}

static void test_the_better_of_two_tunnels(void **state)
{
    (void)state;
    leak_need(host_error);
    assert_int_equal(make("169.254.9.2", 10, &inbox, &tunnel), 0);
    assert_int_equal(make("169.254.10.2", 11, &second_inbox, &second), 0);
    assert_int_equal(tunnel_open(second), 0);
    arrives(&second_inbox);
    assert_int_equal(tunnel_open(tunnel), 0);
    arrives(&inbox);
    assert_int_equal(tunnel_close(tunnel), 0);
    arrives(&second_inbox);
    second = tunnel_free(second);
    is_refused(INNER4);
}

/* The tunnel's device stays reachable for who adds a route to it by hand; closed is closed all the same. */
static void test_closed_takes_and_gives_nothing(void **state)
{
    static const uint8_t packet[20] = {0x45};

    (void)state;
    leak_need(host_error);
    assert_int_equal(make("169.254.9.2", 10, &inbox, &tunnel), 0);
    assert_int_equal(netns_ip("route add 10.1.2.3 dev rk0 table 4646"), 0);
    assert_int_equal(leak_send(INNER4), 0);
    while (loop_turn(loop, 0) > 0)
        ;
    assert_int_equal(inbox.n4, 0);
    assert_int_equal(tunnel_write(tunnel, packet, sizeof(packet)), -ENETDOWN);
    assert_int_equal(tunnel_open(tunnel), 0);
    assert_int_equal(tunnel_write(tunnel, packet, sizeof(packet)), 0);
}

static void test_what_cannot_be_opened_is_closed(void **state)
{
    (void)state;
    leak_need(host_error);
    assert_int_equal(make("169.254.9.2", 10, &inbox, &tunnel), 0);
    assert_int_equal(tunnel_open(tunnel), 0);
    assert_int_equal(netns_ip("link set rk0 down"), 0);
    assert_true(tunnel_open(tunnel) < 0);
    assert_false(tunnel_is_open(tunnel));
    is_refused(INNER4);
    is_refused(INNER6);
}

static void test_limits(void **state)
{
    struct network many[TUNNEL_NETWORKS_MAX + 1], odd;
    const struct tunnel_config good = {.mtu = 1400, .metric = 1, .networks = many, .n_networks = TUNNEL_NETWORKS_MAX};
    struct tunnel_config bad = good;

    (void)state;
    leak_need(host_error);
    for (size_t i = 0; i <= TUNNEL_NETWORKS_MAX; i++) {
        many[i] = network_of("10.0.0.0", 16);
        many[i].addr.in.sin_addr.s_addr = htonl(0x0A000000U + (uint32_t)(i << 16));
    }
    assert_int_equal(tunnel_new(loop, route, &good, on_packet, &inbox, &tunnel), 0);
    bad.n_networks++;
    assert_int_equal(tunnel_new(loop, route, &bad, on_packet, &inbox, &second), -EINVAL);
    bad = good;
    bad.mtu = ROUTE_MTU_MIN - 1;
    assert_int_equal(tunnel_new(loop, route, &bad, on_packet, &inbox, &second), -EINVAL);
    bad = good;
    bad.metric = ROUTE_METRIC_UNREACHABLE;
    assert_int_equal(tunnel_new(loop, route, &bad, on_packet, &inbox, &second), -EINVAL);
    bad = good;
    odd = network_of("10.0.0.0", 33);
    bad.addresses = &odd;
    bad.n_addresses = 1;
    assert_int_equal(tunnel_new(loop, route, &bad, on_packet, &inbox, &second), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_link_local_address, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_closed_refuses_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_takes_the_packets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_moment_in_clear, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_killed_engine_leaves_nothing_in_clear, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_better_of_two_tunnels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_closed_takes_and_gives_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_opened_is_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
