/*
 * TCP connects with real packets in network namespaces. Where the test plays the other side, that is behind a TUN
 * device. Names come from a hosts file of the test's own; these tests share their namespace, as glibc's threads stay in
 * theirs.
 */
#include "probes/tcp.h"

#include "base/array.h"
#include "base/reader.h"
#include "base/writer.h"
#include "tests/unit/netns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define PATIENCE    (10 * USEC_PER_SEC) /* for what must happen */
#define PATIENCE_MS 10000
#define SHORT       (50 * USEC_PER_MSEC) /* the timeout of an attempt that must be lost */
#define LONG        PATIENCE             /* the timeout of one that must not */
#define HOSTS       "/etc/hosts"
#define RESOLV_CONF "/etc/resolv.conf"
#define IP_HEADER   20
#define ICMP_HEADER 8

static struct loop *loop;
static struct tcp_probe *probe;
static int namespace_error;

struct heard {
    size_t n;
    struct sample sample;
    bool free_probe;  /* from within */
    bool start_again; /* likewise */
};

static struct heard heard;

static void on_done(void *data, const struct sample *s)
{
    struct heard *h = data;

    h->n++;
    h->sample = *s;
    if (h->free_probe)
        probe = tcp_probe_free(probe);
    if (h->start_again) {
        h->start_again = false;
        assert_int_equal(tcp_probe_start(probe, LONG), 0);
    }
}

static int set_up(void **state)
{
    (void)state;
    heard = (struct heard){0};
    return loop_new(&loop);
}

static int set_up_namespace(void **state)
{
    namespace_error = netns_enter();
    return set_up(state);
}

static int set_up_names(void **state)
{
    (void)state;
    namespace_error = netns_enter();
    if (namespace_error == 0)
        namespace_error = netns_file(HOSTS, "");
    if (namespace_error == 0)
        namespace_error = netns_file(RESOLV_CONF, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    probe = tcp_probe_free(probe);
    loop = loop_free(loop);
    return 0;
}

static void need_namespace(void)
{
    if (namespace_error < 0) {
        print_message("no namespaces can be made here: %s\n", strerror(-namespace_error));
        skip();
    }
}

static void need_ip(void)
{
    need_namespace();
    if (netns_ip("link set lo up") != 0) {
        print_message("iproute2 is not here\n");
        skip();
    }
}

/* Changes the one that set_up_names() made. */
static void write_hosts(const char *text)
{
    cleanup(closep) int fd = open(HOSTS, O_WRONLY | O_TRUNC | O_CLOEXEC);

    assert_int_equal(namespace_error, 0);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static struct addr addr_of(const char *text, uint16_t port)
{
    struct addr a;

    assert_int_equal(addr_parse(text, &a), 0);
    addr_set_port(&a, port);
    return a;
}

static void probe_new(const char *to, uint16_t port, const char *source)
{
    struct addr a = addr_of(to, port), s = {0};

    if (source)
        s = addr_of(source, 0);
    assert_int_equal(tcp_probe_new(loop, &a, NULL, 0, &s, on_done, &heard, &probe), 0);
}

static void probe_name(const char *host, uint16_t port)
{
    struct addr none = {0};

    assert_int_equal(tcp_probe_new(loop, &none, host, port, &none, on_done, &heard, &probe), 0);
}

static void turn_until(size_t n)
{
    usec_t end = clock_now(clock_system()) + PATIENCE;

    while (heard.n < n) {
        assert_true(clock_now(clock_system()) < end);
        assert_true(loop_turn(loop, PATIENCE) >= 0);
    }
}

/* One attempt, and what came of it. */
static void attempt(usec_t timeout, enum sample_outcome outcome, int reason)
{
    size_t n = heard.n;
    usec_t now = loop_now(loop);

    assert_int_equal(tcp_probe_start(probe, timeout), 0);
    assert_int_equal(heard.n, n);
    assert_int_equal(tcp_probe_start(probe, timeout), -EBUSY);
    turn_until(n + 1);
    assert_int_equal(heard.sample.outcome, outcome);
    assert_int_equal(heard.sample.reason, reason);
    assert_true(heard.sample.when >= now);
    assert_true(heard.sample.value <= clock_since(heard.sample.when, clock_now(clock_system())));
    assert_true(loop_turn(loop, 0) >= 0);
    assert_int_equal(heard.n, n + 1);
}

/* Attempts until one ends with OUTCOME: the first may be too early for an address. */
static void attempt_until(enum sample_outcome outcome)
{
    usec_t end = clock_now(clock_system()) + PATIENCE;

    do {
        size_t n = heard.n;

        assert_true(clock_now(clock_system()) < end);
        assert_int_equal(tcp_probe_start(probe, SHORT), 0);
        turn_until(n + 1);
    } while (heard.sample.outcome != outcome);
}

static int listen_on(const char *address, uint16_t *ret_port)
{
    struct addr a = addr_of(address, *ret_port);
    socklen_t len = sizeof(a);
    int fd = socket(addr_family(&a), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, &a.sa, addr_len(&a)), 0);
    assert_int_equal(listen(fd, 5), 0);
    assert_int_equal(getsockname(fd, &a.sa, &len), 0);
    *ret_port = addr_port(&a);
    return fd;
}

/* The lines of the kernel's list of IPv4 TCP sockets, in whatever state. */
static size_t count_sockets(void)
{
    FILE *f = fopen("/proc/self/net/tcp", "re");
    char line[512];
    size_t n = 0;

    assert_non_null(f);
    while (fgets(line, sizeof(line), f))
        n++;
    (void)fclose(f);
    return n - 1;
}

/* Tests ---------------------------------------------------------------------------------------------------------- */

static void test_connects(void **state)
{
    static const char *const hosts[] = {"127.0.0.3", "::1"}, *const sources[] = {"127.0.0.2", "::1"};

    (void)state;
    need_namespace();
    for (size_t k = 0; k < ARRAY_LEN(hosts); k++) {
        uint16_t port = 0;
        cleanup(closep) int fd = listen_on(hosts[k], &port);

        assert_true(fd >= 0);
        probe_new(hosts[k], port, NULL);
        attempt(LONG, SAMPLE_OK, 0);
        attempt(LONG, SAMPLE_OK, 0); /* and once more */
        probe = tcp_probe_free(probe);
        probe_new(hosts[k], port, sources[k]);
        attempt(LONG, SAMPLE_OK, 0);
        probe = tcp_probe_free(probe);
    }
}

static void test_leaves_nothing_behind(void **state)
{
    uint16_t port = 0;
    cleanup(closep) int fd = -1;

    (void)state;
    need_namespace();
    fd = listen_on("127.0.0.1", &port);
    probe_new("127.0.0.1", port, NULL);
    for (int k = 0; k < 10; k++)
        attempt(LONG, SAMPLE_OK, 0);
    assert_int_equal(count_sockets(), 1); /* the one that listens: no TIME_WAIT, nothing half-open */
    assert_int_equal(accept4(fd, NULL, NULL, SOCK_CLOEXEC), -1);
    assert_int_equal(errno, EAGAIN); /* the application never saw a connection */
}

static void test_refusal_is_an_answer(void **state)
{
    (void)state;
    need_namespace();
    probe_new("127.0.0.1", 9, NULL);
    attempt(LONG, SAMPLE_OK, ECONNREFUSED);
    tcp_probe_free(probe);
    probe_new("::1", 9, NULL);
    attempt(LONG, SAMPLE_OK, ECONNREFUSED);
}

static void test_value_is_the_round_trip(void **state)
{
    const usec_t busy = 100 * USEC_PER_MSEC;
    uint16_t port = 0;
    cleanup(closep) int fd = -1;
    usec_t end;

    (void)state;
    need_namespace();
    fd = listen_on("127.0.0.1", &port);
    probe_new("127.0.0.1", port, NULL);
    assert_int_equal(tcp_probe_start(probe, SHORT), 0); /* on loopback answered by the time it returns */
    end = clock_now(clock_system()) + busy;
    while (clock_now(clock_system()) < end)
        continue;
    turn_until(1);
    assert_int_equal(heard.sample.outcome, SAMPLE_OK); /* although we are late ourselves */
    assert_true(heard.sample.value < busy);
}

static void test_routes_and_addresses_that_are_not_there(void **state)
{
    struct addr v4 = addr_of("127.0.0.1", 1), v6 = addr_of("::1", 0), none = {0};

    (void)state;
    need_ip();
    assert_int_equal(tcp_probe_new(loop, &v4, NULL, 0, &v6, on_done, &heard, &probe), -EAFNOSUPPORT);
    assert_int_equal(tcp_probe_new(loop, &none, NULL, 0, &v6, on_done, &heard, &probe), -EINVAL);
    assert_null(tcp_probe_free(NULL));
    probe_new("192.0.2.1", 3306, NULL);
    assert_int_equal(tcp_probe_start(probe, LONG), -ENETUNREACH);
    assert_int_equal(netns_ip("route add unreachable 192.0.2.1/32"), 0);
    assert_int_equal(tcp_probe_start(probe, LONG), -EHOSTUNREACH);
    assert_int_equal(netns_ip("route replace blackhole 192.0.2.1/32"), 0);
    assert_int_equal(tcp_probe_start(probe, LONG), -EHOSTUNREACH);
    assert_int_equal(netns_ip("route replace prohibit 192.0.2.1/32"), 0);
    assert_int_equal(tcp_probe_start(probe, LONG), -EACCES);
    assert_int_equal(loop_turn(loop, 0), 0);
    assert_int_equal(heard.n, 0);
}

static void test_source_comes_and_goes(void **state)
{
    (void)state;
    need_ip();
    probe_new("127.0.0.1", 9, "10.9.0.2");
    for (int k = 0; k < 2; k++) {
        assert_int_equal(tcp_probe_start(probe, LONG), -EADDRNOTAVAIL);
        assert_int_equal(netns_ip("addr add 10.9.0.2/32 dev lo"), 0);
        attempt(LONG, SAMPLE_OK, ECONNREFUSED);
        assert_int_equal(netns_ip("addr del 10.9.0.2/32 dev lo"), 0);
    }
}

/* A TUN with our inside address. What is sent to the far end comes to the test. */
static int tun_open(void)
{
    struct ifreq req = {.ifr_name = "ipsec0", .ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

    need_ip();
    if (fd < 0 || ioctl(fd, TUNSETIFF, &req) < 0) {
        print_message("no TUN device here\n");
        skip();
    }
    assert_int_equal(netns_ip("link set ipsec0 up"), 0);
    assert_int_equal(netns_ip("addr add 169.254.10.2/30 dev ipsec0"), 0);
    return fd;
}

static void put_checksum(uint8_t *bytes, size_t len, size_t at)
{
    struct rd r = rd_of(bytes, len);
    struct wr w = wr_of(&bytes[at], 2);
    uint32_t sum = 0;

    while (rd_left(&r) > 0)
        sum += rd_be16(&r);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    wr_be16(&w, (uint16_t)~sum);
}

/* Tells the sender of the SYN that came to FD, as a router does, that it cannot be delivered. */
static void tun_reject(int fd, uint8_t code)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    uint8_t bytes[1500],
        error[IP_HEADER + ICMP_HEADER + IP_HEADER + 8] = {0x45, 0, 0, sizeof(error), 0, 0, 0, 0, 64, IPPROTO_ICMP};

    do {
        assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
        assert_true(read(fd, bytes, sizeof(bytes)) >= IP_HEADER + 8);
    } while (bytes[0] != 0x45 || bytes[9] != IPPROTO_TCP); /* the kernel speaks IPv6 on it too */
    memcpy(&error[12], &bytes[16], 4);
    memcpy(&error[16], &bytes[12], 4);
    put_checksum(error, IP_HEADER, 10);
    error[IP_HEADER] = ICMP_DEST_UNREACH;
    error[IP_HEADER + 1] = code;
    memcpy(&error[IP_HEADER + ICMP_HEADER], bytes, IP_HEADER + 8);
    put_checksum(&error[IP_HEADER], sizeof(error) - IP_HEADER, 2);
    assert_int_equal(write(fd, error, sizeof(error)), sizeof(error));
}

static void test_silence_is_a_loss(void **state)
{
    cleanup(closep) int fd = -1;

    (void)state;
    fd = tun_open();
    probe_new("169.254.10.1", 3306, "169.254.10.2");
    attempt(SHORT, SAMPLE_LOST, 0);
    attempt(SHORT, SAMPLE_LOST, 0);
    assert_int_equal(count_sockets(), 0);
}

static void test_router_says_unreachable(void **state)
{
    static const struct {
        uint8_t code;
        int reason;
    } table[] = {
        {ICMP_NET_UNREACH, ENETUNREACH},
        {ICMP_HOST_UNREACH, EHOSTUNREACH},
        {ICMP_PKT_FILTERED, EHOSTUNREACH},
    };
    cleanup(closep) int fd = -1;

    (void)state;
    fd = tun_open();
    probe_new("169.254.10.1", 3306, "169.254.10.2");
    for (size_t k = 0; k < ARRAY_LEN(table); k++) {
        assert_int_equal(tcp_probe_start(probe, LONG), 0);
        tun_reject(fd, table[k].code);
        turn_until(k + 1);
        assert_int_equal(heard.sample.outcome, SAMPLE_LOST);
        assert_int_equal(heard.sample.reason, table[k].reason);
    }
}

static void test_callback_may_free_or_start(void **state)
{
    (void)state;
    need_namespace();
    probe_new("127.0.0.1", 9, NULL);
    heard.start_again = true;
    assert_int_equal(tcp_probe_start(probe, LONG), 0);
    turn_until(2);
    heard.free_probe = true;
    assert_int_equal(tcp_probe_start(probe, LONG), 0);
    turn_until(3);
    assert_null(probe);
    probe_new("127.0.0.1", 9, NULL);
    assert_int_equal(tcp_probe_start(probe, LONG), 0);
    probe = tcp_probe_free(probe);
    assert_int_equal(loop_turn(loop, 0), 0);
    assert_int_equal(heard.n, 3);
}

static void test_name_is_found(void **state)
{
    uint16_t port = 0;
    cleanup(closep) int fd = -1;

    (void)state;
    need_namespace();
    write_hosts("127.0.0.3 db.test\n");
    fd = listen_on("127.0.0.3", &port);
    probe_name("db.test", port);
    attempt(LONG, SAMPLE_OK, 0);
    attempt(LONG, SAMPLE_OK, 0);
}

/* The host behind the name is silent: the name is asked for again, and its new address is tried. */
static void test_name_moves(void **state)
{
    cleanup(closep) int fd = -1;

    (void)state;
    fd = tun_open();
    write_hosts("169.254.10.1 db.test\n");
    probe_name("db.test", 3306);
    attempt_until(SAMPLE_LOST);
    write_hosts("127.0.0.3 db.test\n");
    attempt_until(SAMPLE_OK);
    assert_int_equal(heard.sample.reason, ECONNREFUSED);
}

static void test_name_that_is_not_found(void **state)
{
    (void)state;
    need_namespace();
    write_hosts("");
    probe_name("db.test", 3306); /* no name server listens */
    attempt(LONG, SAMPLE_FAILED, EHOSTUNREACH);
    attempt(LONG, SAMPLE_FAILED, EHOSTUNREACH);
    write_hosts("127.0.0.3 db.test\n");
    attempt(LONG, SAMPLE_OK, ECONNREFUSED);
}

static int silent_name_server(void)
{
    struct addr a = addr_of("127.0.0.1", 53);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, &a.sa, addr_len(&a)), 0);
    return fd;
}

static void test_name_server_is_silent(void **state)
{
    cleanup(closep) int name_server = -1, tun = -1;

    (void)state;
    tun = tun_open();
    write_hosts("");
    name_server = silent_name_server();
    probe_name("db.test", 3306);
    attempt(SHORT, SAMPLE_FAILED, ETIMEDOUT); /* there is nothing to attempt */
    assert_int_equal(tcp_probe_start(probe, LONG), 0);
    probe = tcp_probe_free(probe); /* in the middle of a lookup */

    write_hosts("169.254.10.1 db.test\n");
    probe_name("db.test", 3306);
    attempt_until(SAMPLE_LOST);
    write_hosts("");
    for (int k = 0; k < 5; k++)
        attempt(SHORT, SAMPLE_LOST, 0); /* the address of old is probed on */
}

#define tcp_test(f)  cmocka_unit_test_setup_teardown(f, set_up_namespace, tear_down)
#define name_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest names[] = {
        name_test(test_name_is_found),
        name_test(test_name_moves),
        name_test(test_name_that_is_not_found),
        name_test(test_name_server_is_silent),
    };
    const struct CMUnitTest tests[] = {
        tcp_test(test_connects),
        tcp_test(test_leaves_nothing_behind),
        tcp_test(test_refusal_is_an_answer),
        tcp_test(test_value_is_the_round_trip),
        tcp_test(test_routes_and_addresses_that_are_not_there),
        tcp_test(test_source_comes_and_goes),
        tcp_test(test_silence_is_a_loss),
        tcp_test(test_router_says_unreachable),
        tcp_test(test_callback_may_free_or_start),
    };
    int failed = cmocka_run_group_tests(names, set_up_names, NULL);

    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
