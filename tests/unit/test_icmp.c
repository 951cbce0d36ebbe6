/*
 * ICMP echoes with real packets, each test in a new network namespace, in which ICMP datagram sockets are forbidden to
 * all until the test allows them. Where the test plays the other side, the kernel's own answers are off and a raw
 * socket reads the requests and writes what the test wants as replies.
 */
#include "probes/icmp.h"

#include "base/array.h"
#include "base/reader.h"
#include "base/str.h"
#include "base/writer.h"
#include "tests/unit/netns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PATIENCE      (5 * USEC_PER_SEC) /* for what must happen */
#define PATIENCE_MS   5000
#define GROUP_RANGE   "/proc/sys/net/ipv4/ping_group_range"
#define IGNORE_ECHOES "/proc/sys/net/ipv4/icmp_echo_ignore_all"
#define IP_HEADER     20
#define ICMP_HEADER   8
#define ID_AT         4
#define SEQUENCE_AT   6
#define ECHO_LEN      (ICMP_HEADER + ICMP_PAYLOAD)

static struct loop *loop;
static struct icmp *icmp;
static int namespace_error;

/* What the callbacks of one target said. */
struct heard {
    size_t n;
    usec_t sent, rtt;
    struct icmp_target *free_me; /* from within */
};

static bool write_file(const char *path, const char *text)
{
    cleanup(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static struct addr addr_of(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(text, &a), 0);
    return a;
}

static void on_reply(void *data, usec_t sent, usec_t rtt)
{
    struct heard *h = data;

    h->n++;
    h->sent = sent;
    h->rtt = rtt;
    h->free_me = icmp_target_free(h->free_me);
}

static struct icmp_target *target_of(const char *to, const char *source, struct heard *h)
{
    struct addr a = addr_of(to), s = {0};
    struct icmp_target *t;

    if (source)
        s = addr_of(source);
    assert_int_equal(icmp_target_new(icmp, &a, &s, on_reply, h, &t), 0);
    return t;
}

static void turn_until(const struct heard *h, size_t n)
{
    usec_t end = clock_now(clock_system()) + PATIENCE;

    while (h->n < n) {
        assert_true(clock_now(clock_system()) < end);
        assert_true(loop_turn(loop, PATIENCE) >= 0);
    }
}

/* All that is there to be read is read. */
static void drain(void)
{
    while (loop_turn(loop, 0) > 0)
        continue;
}

static void allow_datagram_sockets(void)
{
    assert_true(write_file(GROUP_RANGE, "0 0"));
}

static int set_up(void **state)
{
    (void)state;
    namespace_error = netns_enter();
    return loop_new(&loop) < 0 ? -1 : icmp_new(loop, &icmp);
}

static int tear_down(void **state)
{
    (void)state;
    icmp = icmp_free(icmp);
    loop = loop_free(loop);
    return 0;
}

static void need_namespace(void)
{
    if (namespace_error < 0) {
        print_message("no network namespace can be made here: %s\n", strerror(-namespace_error));
        skip();
    }
}

/* The other side ------------------------------------------------------------------------------------------------- */

static struct {
    int fd;
    uint8_t request[ECHO_LEN]; /* the last one */
} peer = {.fd = -1};

static void peer_open(const char *address)
{
    struct addr a = addr_of(address);

    assert_true(write_file(IGNORE_ECHOES, "1"));
    peer.fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP);
    assert_true(peer.fd >= 0);
    assert_int_equal(bind(peer.fd, &a.sa, addr_len(&a)), 0);
}

static void peer_close(void)
{
    assert_int_equal(close(peer.fd), 0);
    peer.fd = -1;
}

/* Reads the next echo request that came to the peer. */
static void peer_read(void)
{
    struct pollfd p = {.fd = peer.fd, .events = POLLIN};
    uint8_t bytes[1500];
    ssize_t n;

    do {
        assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
        n = recv(peer.fd, bytes, sizeof(bytes), 0);
        assert_int_equal(n, IP_HEADER + ECHO_LEN);
    } while (bytes[IP_HEADER] != ICMP_ECHO);
    memcpy(peer.request, &bytes[IP_HEADER], ECHO_LEN);
}

static uint16_t request_word(size_t at)
{
    struct rd r = rd_of(peer.request, ECHO_LEN);

    rd_skip(&r, at);
    return rd_be16(&r);
}

static void put_checksum(uint8_t *bytes, size_t len)
{
    struct rd r;
    struct wr w = wr_of(&bytes[2], 2);
    uint32_t sum = 0;

    wr_be16(&w, 0);
    for (r = rd_of(bytes, len); rd_left(&r) > 0;)
        sum += rd_be16(&r);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    w = wr_of(&bytes[2], 2);
    wr_be16(&w, (uint16_t)~sum);
}

static void send_icmp(int fd, uint8_t *bytes, size_t len)
{
    struct addr to = addr_of("127.0.0.1");

    put_checksum(bytes, len);
    assert_int_equal(sendto(fd, bytes, len, 0, &to.sa, addr_len(&to)), len);
}

/* Replies to the last request, with the byte at AT changed; ICMP_HEADER of 0 bytes are never changed, so 0 is none. */
static void peer_reply(size_t at)
{
    uint8_t bytes[ECHO_LEN];

    memcpy(bytes, peer.request, sizeof(bytes));
    bytes[0] = ICMP_ECHOREPLY;
    if (at > 0)
        bytes[at] ^= 1;
    send_icmp(peer.fd, bytes, sizeof(bytes));
}

/* Tests ---------------------------------------------------------------------------------------------------------- */

static void expect_echo(const char *to, const char *source)
{
    struct heard h = {0};
    struct icmp_target *t = target_of(to, source, &h);
    usec_t begin = clock_now(clock_system());

    assert_int_equal(icmp_send(t, 4711), 0);
    turn_until(&h, 1);
    assert_int_equal(h.sent, 4711);
    assert_true(h.rtt <= clock_now(clock_system()) - begin);
    drain();
    assert_int_equal(h.n, 1);
    icmp_target_free(t);
}

static void test_echo_over_datagram_sockets(void **state)
{
    (void)state;
    need_namespace();
    allow_datagram_sockets();
    expect_echo("127.0.0.1", NULL);
    expect_echo("127.0.0.9", "127.0.0.5");
    expect_echo("::1", NULL);
    expect_echo("::1", "::1");
}

static void test_echo_over_raw_sockets(void **state)
{
    (void)state;
    need_namespace();
    assert_int_equal(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP), -1);
    expect_echo("127.0.0.1", NULL);
    expect_echo("127.0.0.9", "127.0.0.5");
    expect_echo("::1", NULL);
    expect_echo("::1", "::1");
}

static int send_without_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};
    struct heard h = {0};
    struct icmp_target *t = target_of("127.0.0.1", NULL, &h);

    return syscall(SYS_capset, &header, none) < 0 ? -1 : icmp_send(t, 1);
}

static void test_no_socket_at_all(void **state)
{
    pid_t pid;
    int status;

    (void)state;
    need_namespace();
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(-send_without_capabilities());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EPERM);
}

static void test_rtt_is_the_kernels(void **state)
{
    const usec_t busy = 100 * USEC_PER_MSEC;
    struct heard h = {0};
    struct icmp_target *t;
    usec_t end;

    (void)state;
    need_namespace();
    allow_datagram_sockets();
    t = target_of("127.0.0.1", NULL, &h);
    assert_int_equal(icmp_send(t, 1), 0); /* on loopback answered by the time it returns */
    end = clock_now(clock_system()) + busy;
    while (clock_now(clock_system()) < end)
        continue;
    turn_until(&h, 1);
    assert_true(h.rtt < busy);
}

static void test_late_and_repeated_replies(void **state)
{
    uint8_t first[ECHO_LEN];
    struct heard h = {0};
    struct icmp_target *t;

    (void)state;
    need_namespace();
    allow_datagram_sockets();
    peer_open("127.0.0.7");
    t = target_of("127.0.0.7", "127.0.0.1", &h);
    assert_int_equal(icmp_send(t, 100), 0);
    peer_read();
    memcpy(first, peer.request, sizeof(first));
    assert_int_equal(icmp_send(t, 200), 0);
    peer_read();
    peer_reply(0);
    turn_until(&h, 1);
    assert_int_equal(h.sent, 200);

    memcpy(peer.request, first, sizeof(first)); /* the older one after all */
    peer_reply(0);
    peer_reply(0);
    turn_until(&h, 2);
    assert_int_equal(h.sent, 100);
    drain();
    assert_int_equal(h.n, 2); /* twice answered, once told */
    peer_close();
}

static void expect_forged_replies_ignored(void)
{
    struct heard h = {0};
    struct icmp_target *t;
    int other;

    peer_open("127.0.0.7");
    t = target_of("127.0.0.7", "127.0.0.1", &h);
    assert_int_equal(icmp_send(t, 100), 0);
    peer_read();
    for (size_t at = ID_AT; at < ICMP_HEADER + 20; at++)
        peer_reply(at); /* id, sequence, and each byte by which we know our own */
    other = peer.fd;
    peer_open("127.0.0.8");
    peer_reply(0); /* from somebody else */
    peer_close();
    peer.fd = other;
    drain();
    assert_int_equal(h.n, 0);
    peer_reply(0);
    turn_until(&h, 1);
    peer_close();
    icmp_target_free(t);
}

static void test_forged_replies_are_ignored(void **state)
{
    (void)state;
    need_namespace();
    expect_forged_replies_ignored();
    allow_datagram_sockets();
    expect_forged_replies_ignored();
}

static void test_short_replies_are_ignored(void **state)
{
    uint8_t bytes[ECHO_LEN];
    struct heard h = {0};
    struct icmp_target *t;

    (void)state;
    need_namespace();
    peer_open("127.0.0.7");
    t = target_of("127.0.0.7", "127.0.0.1", &h);
    assert_int_equal(icmp_send(t, 100), 0);
    peer_read();
    for (size_t len = ICMP_HEADER; len < ICMP_HEADER + 20; len += 2) {
        memcpy(bytes, peer.request, sizeof(bytes));
        bytes[0] = ICMP_ECHOREPLY;
        send_icmp(peer.fd, bytes, len);
    }
    drain();
    assert_int_equal(h.n, 0);
    peer_close();
}

static void test_only_so_many_are_outstanding(void **state)
{
    uint8_t first[ECHO_LEN], second[ECHO_LEN];
    struct heard h = {0};
    struct icmp_target *t;

    (void)state;
    need_namespace();
    allow_datagram_sockets();
    peer_open("127.0.0.7");
    t = target_of("127.0.0.7", "127.0.0.1", &h);
    for (usec_t k = 0; k <= ICMP_OUTSTANDING_MAX; k++) {
        assert_int_equal(icmp_send(t, 1000 + k), 0);
        peer_read();
        if (k < 2)
            memcpy(k == 0 ? first : second, peer.request, ECHO_LEN);
    }
    memcpy(peer.request, first, sizeof(first));
    peer_reply(0);
    memcpy(peer.request, second, sizeof(second));
    peer_reply(0);
    turn_until(&h, 1);
    drain();
    assert_int_equal(h.n, 1);
    assert_int_equal(h.sent, 1001);
    peer_close();
}

static void test_sequence_wraps(void **state)
{
    const size_t n = 65536 + 100;
    struct heard h = {0};
    struct icmp_target *t;

    (void)state;
    need_namespace();
    allow_datagram_sockets();
    t = target_of("127.0.0.1", NULL, &h);
    for (size_t k = 1; k <= n; k++) {
        assert_int_equal(icmp_send(t, k), 0);
        if (k % 32 == 0 || k == n)
            turn_until(&h, k);
    }
    assert_int_equal(h.n, n);
    assert_int_equal(h.sent, n);
}

/* The id with which T sends now. */
static uint16_t id_of(struct icmp_target *t)
{
    assert_int_equal(icmp_send(t, 1), 0);
    peer_read();
    return request_word(ID_AT);
}

static void expect_new_ids(void)
{
    struct heard h[3] = {0};
    struct icmp_target *a, *b, *c;
    uint16_t ids[3];

    peer_open("127.0.0.7");
    a = target_of("127.0.0.7", "127.0.0.1", &h[0]);
    b = target_of("127.0.0.7", "127.0.0.1", &h[1]);
    ids[0] = id_of(a);
    assert_int_equal(id_of(b), ids[0]); /* they share a socket */
    assert_int_equal(icmp_recreate(a), 0);
    ids[1] = id_of(a);
    assert_int_not_equal(ids[1], ids[0]);
    peer_reply(0);
    turn_until(&h[0], 1);
    assert_int_equal(id_of(b), ids[0]); /* nobody asked */
    peer_reply(0);
    turn_until(&h[1], 1);
    c = target_of("127.0.0.7", "127.0.0.1", &h[2]);
    assert_int_equal(id_of(c), ids[1]);
    assert_int_equal(icmp_recreate(b), 0); /* joins the others */
    assert_int_equal(id_of(b), ids[1]);
    assert_int_equal(icmp_recreate(a), 0);
    ids[2] = id_of(a);
    assert_int_not_equal(ids[2], ids[0]);
    assert_int_not_equal(ids[2], ids[1]);
    peer_reply(0);
    turn_until(&h[0], 2);
    peer_close();
    icmp_target_free(a);
    icmp_target_free(b);
    icmp_target_free(c);
}

static void test_recreated_targets_have_new_ids(void **state)
{
    (void)state;
    need_namespace();
    expect_new_ids();
    allow_datagram_sockets();
    expect_new_ids();
}

static void test_foreign_echoes_do_not_wake(void **state)
{
    static const char *const families[] = {"127.0.0.1", "::1"};
    struct heard h = {0};

    (void)state;
    need_namespace();
    for (size_t k = 0; k < ARRAY_LEN(families); k++) {
        struct addr a = addr_of(families[k]);
        bool v6 = addr_family(&a) == AF_INET6;
        uint8_t echo[ECHO_LEN] = {v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO};
        struct icmp_target *t = target_of(families[k], NULL, &h);
        cleanup(closep) int fd =
            socket(addr_family(&a), SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
        uint8_t reply[1500];
        uint16_t id;

        assert_true(fd >= 0);
        assert_int_equal(icmp_send(t, 1), 0);
        turn_until(&h, k + 1);
        drain();
        assert_true(recv(fd, reply, sizeof(reply), 0) >= ECHO_LEN); /* our request */
        memcpy(&id, &reply[(v6 ? 0 : IP_HEADER) + ID_AT], sizeof(id));
        id ^= 1;
        memcpy(&echo[ID_AT], &id, sizeof(id));
        put_checksum(echo, sizeof(echo));
        assert_int_equal(sendto(fd, echo, sizeof(echo), 0, &a.sa, addr_len(&a)), sizeof(echo));
        for (int seen = 0; seen < 3; seen++) /* our reply, its request and reply: all have come */
            assert_true(recv(fd, reply, sizeof(reply), 0) >= ECHO_LEN);
        assert_int_equal(loop_turn(loop, 0), 0);
        icmp_target_free(t);
    }
}

/* A router's opinion of one echo is not the failure of the next. */
static void test_icmp_errors_do_not_fail_the_next_send(void **state)
{
    uint8_t error[ICMP_HEADER + IP_HEADER + ECHO_LEN] = {ICMP_DEST_UNREACH, ICMP_HOST_UNREACH};
    struct addr from = addr_of("127.0.0.1"), to = addr_of("127.0.0.7");
    struct heard h = {0};
    struct icmp_target *t;

    (void)state;
    need_namespace();
    for (int datagram = 0; datagram <= 1; datagram++) {
        if (datagram)
            allow_datagram_sockets();
        peer_open("127.0.0.7");
        t = target_of("127.0.0.7", "127.0.0.1", &h);
        assert_int_equal(icmp_send(t, 1), 0);
        peer_read();
        error[ICMP_HEADER] = 0x45;
        error[ICMP_HEADER + 3] = IP_HEADER + ECHO_LEN;
        error[ICMP_HEADER + 9] = IPPROTO_ICMP;
        memcpy(&error[ICMP_HEADER + 12], &from.in.sin_addr, 4);
        memcpy(&error[ICMP_HEADER + 16], &to.in.sin_addr, 4);
        memcpy(&error[ICMP_HEADER + IP_HEADER], peer.request, ECHO_LEN);
        for (uint8_t code = ICMP_NET_UNREACH; code <= ICMP_PORT_UNREACH; code++) {
            error[1] = code;
            send_icmp(peer.fd, error, sizeof(error));
            assert_int_equal(icmp_send(t, 2), 0);
            drain();
        }
        assert_int_equal(h.n, 0);
        peer_close();
        icmp_target_free(t);
    }
}

static void test_routes_and_addresses_that_are_not_there(void **state)
{
    struct addr v4 = addr_of("127.0.0.1"), v6 = addr_of("::1"), none = {0};
    struct heard h = {0};
    struct icmp_target *t;

    (void)state;
    need_namespace();
    assert_int_equal(icmp_target_new(icmp, &v4, &v6, on_reply, &h, &t), -EAFNOSUPPORT);
    assert_int_equal(icmp_target_new(icmp, &none, &none, on_reply, &h, &t), -EAFNOSUPPORT);
    assert_int_equal(icmp_send(target_of("192.0.2.1", NULL, &h), 1), -ENETUNREACH);
    assert_int_equal(icmp_send(target_of("2001:db8::1", NULL, &h), 1), -ENETUNREACH);
    assert_int_equal(icmp_send(target_of("127.0.0.1", "192.0.2.1", &h), 1), -EADDRNOTAVAIL);
    if (netns_ip("route add blackhole 192.0.2.1/32") != 0 || netns_ip("route add unreachable 192.0.2.2/32") != 0) {
        print_message("iproute2 is not here: routes that reject are not tested\n");
        skip();
    }
    assert_int_equal(icmp_send(target_of("192.0.2.1", NULL, &h), 1), -EHOSTUNREACH);
    assert_int_equal(icmp_send(target_of("192.0.2.1", "127.0.0.1", &h), 1), -EHOSTUNREACH);
    assert_int_equal(icmp_send(target_of("192.0.2.2", NULL, &h), 1), -EHOSTUNREACH);
}

/* The first send after the source came back is answered. IPv6 has the address a moment before the way back to it. */
static void expect_answer(struct icmp_target *t, struct heard *h, bool at_once)
{
    usec_t end = clock_now(clock_system()) + PATIENCE;
    size_t n = h->n;

    assert_int_equal(icmp_send(t, 1), 0);
    if (at_once)
        turn_until(h, n + 1);
    while (h->n == n) {
        assert_true(clock_now(clock_system()) < end);
        assert_int_equal(icmp_send(t, 1), 0);
        assert_true(loop_turn(loop, 5 * USEC_PER_MSEC) >= 0);
    }
    drain();
}

static void expect_source_may_come_and_go(const char *to, const char *source, const char *prefixed)
{
    char add[128], delete[128];
    struct heard h = {0};
    struct icmp_target *t = target_of(to, source, &h);
    bool v4 = strchr(to, '.') != NULL;

    (void)str_format(add, sizeof(add), "addr add dev lo %s", prefixed);
    (void)str_format(delete, sizeof(delete), "addr del dev lo %s", prefixed);
    for (int k = 0; k < 3; k++) {
        assert_int_equal(icmp_send(t, 1), -EADDRNOTAVAIL);
        assert_int_equal(netns_ip(add), 0);
        expect_answer(t, &h, v4);
        assert_int_equal(netns_ip(delete), 0);
    }
    assert_int_equal(icmp_recreate(t), -EADDRNOTAVAIL);
    assert_int_equal(netns_ip(add), 0);
    expect_answer(t, &h, v4);
    assert_int_equal(netns_ip(delete), 0);
    icmp_target_free(t);
}

static void test_source_comes_and_goes(void **state)
{
    (void)state;
    need_namespace();
    if (netns_ip("link set lo up") != 0) {
        print_message("iproute2 is not here\n");
        skip();
    }
    for (int datagram = 0; datagram <= 1; datagram++) {
        if (datagram)
            allow_datagram_sockets();
        expect_source_may_come_and_go("127.0.0.1", "10.9.0.2", "10.9.0.2/32");
        expect_source_may_come_and_go("::1", "fd09::2", "fd09::2/128 nodad");
    }
}

/* A TUN with our inside address, as charon makes one; the test is the far end. */
static int tun_open(void)
{
    struct ifreq req = {.ifr_name = "ipsec0", .ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return -1;
    assert_int_equal(ioctl(fd, TUNSETIFF, &req), 0);
    assert_int_equal(netns_ip("link set ipsec0 up"), 0);
    assert_int_equal(netns_ip("addr add 169.254.10.2/30 dev ipsec0"), 0);
    return fd;
}

/* Answers the echo that went into the tunnel: addresses swap places, and the checksums stay right but for the type. */
static void tun_answer(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    uint8_t bytes[1500], from[4];
    ssize_t n;

    do {
        assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
        n = read(fd, bytes, sizeof(bytes));
        assert_true(n > 0);
    } while (bytes[0] != 0x45 || bytes[9] != IPPROTO_ICMP); /* the kernel speaks IPv6 on it too */
    assert_int_equal(n, IP_HEADER + ECHO_LEN);
    memcpy(from, &bytes[12], 4);
    memcpy(&bytes[12], &bytes[16], 4);
    memcpy(&bytes[16], from, 4);
    bytes[IP_HEADER] = ICMP_ECHOREPLY;
    put_checksum(&bytes[IP_HEADER], ECHO_LEN);
    assert_int_equal(write(fd, bytes, (size_t)n), n);
}

static void test_interface_vanishes_and_comes_back(void **state)
{
    struct heard h = {0};
    struct icmp_target *t;
    size_t n = 0;

    (void)state;
    need_namespace();
    if (access("/dev/net/tun", R_OK | W_OK) < 0 || netns_ip("link set lo up") != 0) {
        print_message("no TUN device or no iproute2 here\n");
        skip();
    }
    for (int datagram = 0; datagram <= 1; datagram++) {
        if (datagram)
            allow_datagram_sockets();
        t = target_of("169.254.10.1", "169.254.10.2", &h);
        for (int k = 0; k < 3; k++) {
            int fd = tun_open();

            assert_true(fd >= 0);
            assert_int_equal(icmp_send(t, 1), 0);
            tun_answer(fd);
            turn_until(&h, ++n);
            assert_int_equal(close(fd), 0);
            assert_int_equal(icmp_send(t, 1), -EADDRNOTAVAIL);
        }
        icmp_target_free(t);
    }
}

static void test_target_is_freed_by_its_callback(void **state)
{
    struct heard h[2] = {0};
    struct icmp_target *t;

    (void)state;
    need_namespace();
    allow_datagram_sockets();
    t = h[0].free_me = target_of("127.0.0.1", NULL, &h[0]);
    for (usec_t k = 0; k < 5; k++)
        assert_int_equal(icmp_send(t, k), 0);
    turn_until(&h[0], 1);
    drain();
    assert_int_equal(h[0].n, 1);

    h[1].free_me = target_of("127.0.0.2", NULL, &h[1]); /* two on one socket, and both end in one turn */
    t = h[0].free_me = target_of("127.0.0.1", NULL, &h[0]);
    assert_int_equal(icmp_send(h[1].free_me, 1), 0);
    assert_int_equal(icmp_send(t, 1), 0);
    turn_until(&h[0], 2);
    assert_int_equal(h[1].n, 1);
}

static void test_reply_to_a_former_target(void **state)
{
    struct heard old = {0}, young = {0}, other = {0};
    struct icmp_target *t;

    (void)state;
    need_namespace();
    allow_datagram_sockets();
    peer_open("127.0.0.7");
    (void)target_of("127.0.0.7", "127.0.0.1", &other); /* keeps the socket */
    t = target_of("127.0.0.7", "127.0.0.1", &old);
    assert_int_equal(icmp_send(t, 1), 0);
    peer_read();
    icmp_target_free(t);
    peer_reply(0);
    drain();
    t = target_of("127.0.0.7", "127.0.0.1", &young); /* in the same place, and one echo was sent */
    assert_int_equal(icmp_send(t, 2), 0);
    peer_reply(0);
    drain();
    assert_int_equal(old.n + young.n + other.n, 0);
    peer_close();
}

static void test_many_targets_and_no_more(void **state)
{
    struct addr a = addr_of("127.0.0.1"), none = {0};
    struct heard h = {0};
    struct icmp_target *t = NULL, *middle = NULL;

    (void)state;
    need_namespace();
    allow_datagram_sockets();
    for (size_t k = 0; k < ICMP_TARGETS_MAX; k++) {
        assert_int_equal(icmp_target_new(icmp, &a, &none, on_reply, &h, &t), 0);
        if (k == ICMP_TARGETS_MAX / 2)
            middle = t;
    }
    assert_int_equal(icmp_send(t, 1), 0);
    turn_until(&h, 1);
    assert_int_equal(icmp_target_new(icmp, &a, &none, on_reply, &h, &t), -ENOSPC);
    icmp_target_free(middle);
    assert_int_equal(icmp_target_new(icmp, &a, &none, on_reply, &h, &t), 0);
    assert_int_equal(icmp_target_new(icmp, &a, &none, on_reply, &h, &t), -ENOSPC);
    assert_null(icmp_free(NULL));
}

#define icmp_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        icmp_test(test_echo_over_datagram_sockets),
        icmp_test(test_echo_over_raw_sockets),
        icmp_test(test_no_socket_at_all),
        icmp_test(test_rtt_is_the_kernels),
        icmp_test(test_late_and_repeated_replies),
        icmp_test(test_forged_replies_are_ignored),
        icmp_test(test_short_replies_are_ignored),
        icmp_test(test_only_so_many_are_outstanding),
        icmp_test(test_sequence_wraps),
        icmp_test(test_recreated_targets_have_new_ids),
        icmp_test(test_foreign_echoes_do_not_wake),
        icmp_test(test_icmp_errors_do_not_fail_the_next_send),
        icmp_test(test_routes_and_addresses_that_are_not_there),
        icmp_test(test_source_comes_and_goes),
        icmp_test(test_interface_vanishes_and_comes_back),
        icmp_test(test_target_is_freed_by_its_callback),
        icmp_test(test_reply_to_a_former_target),
        icmp_test(test_many_targets_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
