/* Two data paths with keys made by hand, each on a host of its own, and what of the inner packets is heard between. */
#include "engine/io/path.h"

#include "engine/esp/sa_state.h"
#include "engine/io/path_state.h"
#include "engine/wire/ikev2.h"
#include "tests/unit/esp_packet.h"
#include "tests/unit/leak.h"
#include "tests/unit/netns.h"
#include "tests/unit/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define PATIENCE (5 * USEC_PER_SEC)
#define CHANGES  200
#define NEAR4    "10.1.0.1"
#define NEAR6    "fd00:1::1"
#define FAR4     "10.2.0.1"
#define FAR6     "fd00:2::1"

struct end {
    int ns; /* owned */
    struct route *route;
    struct udp *udp;
    struct path *path;
    struct path_ops ops;
    struct ike_conf *ike;
    struct addr outside4, outside6;
    size_t n_acquired, n_soft, n_hard, n_invalid, n_failed;
    uint32_t invalid_spi;
    uint8_t ecn; /* of the outer packet that came last */
    bool remove; /* as the control plane may, when a hard limit is told */
};

static struct leak host; /* A's uplink */
static struct loop *loop;
static struct end a, b;
static struct child_keys keys;
static int host_error;
static uint32_t next_unique;

/* The hosts -------------------------------------------------------------------------------------------------------- */

static void on(const struct end *e)
{
    assert_int_equal(setns(e->ns, CLONE_NEWNET), 0);
}

static void on_ike(void *data, const struct udp_path *path, const uint8_t *bytes, size_t len)
{
    (void)data;
    (void)path;
    (void)bytes;
    (void)len;
}

static void on_esp(void *data, const struct udp_path *path, const uint8_t *bytes, size_t len)
{
    struct end *e = data;

    e->ecn = path->ecn;
    path_input(e->path, path, bytes, len);
}

static void on_acquire(void *data, const char *ike, const char *child)
{
    struct end *e = data;

    assert_string_equal(ike, "gw");
    assert_string_equal(child, "net");
    e->n_acquired++;
}

static void on_limit(void *data, uint32_t unique, bool hard)
{
    struct end *e = data;

    e->n_soft += !hard;
    e->n_hard += hard;
    if (hard && e->remove) {
        e->ops.conf_unload(e->path, "gw");
        e->ops.child_remove(e->path, unique);
    }
}

static void on_invalid_spi(void *data, const struct addr *remote, uint32_t spi)
{
    struct end *e = data;

    assert_true(addr_is_set(remote));
    e->n_invalid++;
    e->invalid_spi = spi;
}

static void on_open_failed(void *data, const char *ike, const char *child, int error)
{
    struct end *e = data;

    (void)ike;
    (void)child;
    assert_true(error < 0);
    e->n_failed++;
}

static struct addr addr_of(const char *text, uint16_t port)
{
    struct addr addr;

    assert_int_equal(addr_parse(text, &addr), 0);
    addr_set_port(&addr, port);
    return addr;
}

static int make_end(struct end *e, const char *outside4, const char *outside6)
{
    const struct udp_config udp = {
        .port = IKE_PORT, .natt_port = IKE_PORT_NATT, .mark = ROUTE_MARK, .ike = on_ike, .esp = on_esp, .data = e};
    struct path_config config = {
        .loop = loop,
        .callbacks = {.acquire = on_acquire,
                      .limit = on_limit,
                      .invalid_spi = on_invalid_spi,
                      .open_failed = on_open_failed},
        .data = e,
    };

    e->outside4 = addr_of(outside4, IKE_PORT_NATT);
    e->outside6 = addr_of(outside6, IKE_PORT_NATT);
    e->ops = path_ops();
    if (route_new(&e->route) < 0 || udp_new(loop, &udp, &e->udp) < 0)
        return -1;
    config.route = e->route;
    config.udp = e->udp;
    return path_new(&config, &e->path);
}

static int run_all(const char *const *commands, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (netns_ip(commands[i]) != 0)
            return -ENOENT;
    return 0;
}

/* leak_host() made A with both ends of the uplink: the far one goes to B. */
static int make_hosts(void)
{
    static const char *const near[] = {"link set wan0 arp on", "addr add 10.1.0.1/32 dev wan0",
                                       "addr add fd00:1::1/128 dev wan0 nodad"};
    static const char *const far[] = {"link set far arp on up", "addr add 198.51.100.1/24 dev far",
                                      "addr add 2001:db8:1::1/64 dev far nodad", "addr add 10.2.0.1/32 dev lo",
                                      "addr add fd00:2::1/128 dev lo nodad"};
    char command[128];
    int r;

    a.ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    r = run_all(near, 3);
    if (r < 0 || unshare(CLONE_NEWNET) < 0)
        return r < 0 ? r : -errno;
    b.ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    (void)snprintf(command, sizeof(command), "link set far netns /proc/%d/fd/%d", (int)getpid(), b.ns);
    if (setns(a.ns, CLONE_NEWNET) < 0)
        return -errno;
    r = run_all((const char *const[]){command}, 1);
    if (r < 0 || setns(b.ns, CLONE_NEWNET) < 0)
        return r < 0 ? r : -errno;
    r = run_all((const char *const[]){"link set lo up"}, 1);
    return r < 0 ? r : run_all(far, 5);
}

static int set_up(void **state)
{
    (void)state;
    a = b = (struct end){.ns = -1};
    next_unique = 1;
    memset(&keys, 7, sizeof(keys));
    memset(keys.encr_r, 9, sizeof(keys.encr_r));
    host_error = leak_host(&host);
    if (host_error == 0 && access("/dev/net/tun", R_OK | W_OK) < 0)
        host_error = -errno;
    if (host_error == 0)
        host_error = make_hosts();
    if (host_error < 0)
        return 0;
    if (loop_new(&loop) < 0 || make_end(&b, "198.51.100.1", "2001:db8:1::1") < 0)
        return -1;
    on(&a);
    return make_end(&a, "198.51.100.2", "2001:db8:1::2");
}

static void drop_end(struct end *e)
{
    e->path = path_free(e->path);
    e->udp = udp_free(e->udp);
    e->route = route_free(e->route);
    e->ike = ike_conf_unref(e->ike);
    closep(&e->ns);
}

static int tear_down(void **state)
{
    (void)state;
    drop_end(&a);
    drop_end(&b);
    loop = loop_free(loop);
    leak_done(&host);
    return 0;
}

/* Configurations and CHILD_SAs ------------------------------------------------------------------------------------- */

static void add_ts(struct selectors_conf *c, const char *text)
{
    assert_int_equal(selector_parse(text, &c->s[c->n]), 0);
    c->n++;
}

/* A configuration with the child "net"; the caller may change it before load(). */
static struct child_conf *configure(struct end *e)
{
    struct child_conf *child;
    bool near = e == &a;

    e->ike = ike_conf_unref(e->ike);
    e->ike = ike_conf_new();
    assert_non_null(e->ike);
    (void)snprintf(e->ike->name, sizeof(e->ike->name), "gw");
    assert_int_equal(ike_conf_add_child(e->ike, &child), 0);
    (void)snprintf(child->name, sizeof(child->name), "net");
    child->local_ts.n = child->remote_ts.n = 0;
    add_ts(&child->local_ts, near ? "10.1.0.0/16" : "10.2.0.0/16");
    add_ts(&child->local_ts, near ? "fd00:1::/64" : "fd00:2::/64");
    add_ts(&child->remote_ts, near ? "10.2.0.0/16" : "10.1.0.0/16");
    add_ts(&child->remote_ts, near ? "fd00:2::/64" : "fd00:1::/64");
    return child;
}

static void load(struct end *e)
{
    on(e);
    assert_int_equal(e->ops.conf_load(e->path, e->ike), 0);
}

static void load_both(void)
{
    (void)configure(&a);
    load(&a);
    (void)configure(&b);
    load(&b);
    on(&a);
}

struct sa_kind {
    bool raw, ipv6;
};

static int install(struct end *e, uint32_t unique, struct sa_kind kind)
{
    const struct child_conf *conf = &e->ike->children[0];
    const struct addr unset = addr_any(AF_UNSPEC);
    const struct end *peer = e == &a ? &b : &a;
    struct selectors local, remote;
    struct path_child c = {
        .unique = unique,
        .ike = e->ike,
        .conf = conf,
        .spi_in = (e == &a ? 0xA0000000U : 0xB0000000U) + unique,
        .spi_out = (e == &a ? 0xB0000000U : 0xA0000000U) + unique,
        .suite = {.encr = alg_find(ALG_ENCR, 20, 128), .esn = true},
        .initiator = e == &a,
        .keys = &keys,
        .local = kind.ipv6 ? e->outside6 : e->outside4,
        .remote = kind.ipv6 ? peer->outside6 : peer->outside4,
        .encap = !kind.raw,
        .local_ts = &local,
        .remote_ts = &remote,
    };

    on(e);
    selectors_resolve(&conf->local_ts, &unset, &local);
    selectors_resolve(&conf->remote_ts, &peer->outside4, &remote);
    return e->ops.child_install(e->path, &c);
}

/* A new CHILD_SA that both send with; as in a rekeying, both receive with it before. */
static uint32_t use_new(struct sa_kind kind)
{
    uint32_t unique = next_unique++;

    assert_int_equal(install(&b, unique, kind), 0);
    assert_int_equal(install(&a, unique, kind), 0);
    a.ops.child_use(a.path, unique);
    on(&b);
    b.ops.child_use(b.path, unique);
    on(&a);
    assert_int_equal(a.n_failed + b.n_failed, 0);
    return unique;
}

static void remove_both(uint32_t unique)
{
    on(&b);
    b.ops.child_remove(b.path, unique);
    on(&a);
    a.ops.child_remove(a.path, unique);
}

static struct path_usage usage_of(const struct end *e, uint32_t unique)
{
    struct path_usage u = {0};

    assert_true(e->ops.child_usage(e->path, unique, &u));
    return u;
}

/* Traffic ---------------------------------------------------------------------------------------------------------- */

#define ECHO_PORT 4242

/* A socket of a program on the host, at ADDR; or at what the kernel chooses when it sends. */
static int program_on(const struct end *e, const char *text)
{
    struct addr addr = addr_of(text, ECHO_PORT);
    int fd;

    on(e);
    fd = socket(addr_family(&addr), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, &addr.sa, addr_len(&addr)), 0);
    on(&a);
    return fd;
}

/* Turns the loop until a datagram came; false after PATIENCE. */
static bool receive(int fd, struct addr *ret_from)
{
    usec_t end = clock_now(clock_system()) + PATIENCE;
    uint8_t buf[2048];

    while (clock_now(clock_system()) < end) {
        socklen_t len = sizeof(*ret_from);

        if (recvfrom(fd, buf, sizeof(buf), 0, &ret_from->sa, &len) >= 0)
            return true;
        assert_true(loop_turn(loop, 10 * USEC_PER_MSEC) >= 0);
    }
    return false;
}

/* From A, which chooses its address by itself, to B and back. */
static void goes_both_ways(const char *near, const char *far)
{
    bool ipv6 = strchr(far, ':') != NULL;
    cleanup(closep) int client = program_on(&a, ipv6 ? "::" : "0.0.0.0");
    cleanup(closep) int server = program_on(&b, far);
    struct addr to = addr_of(far, ECHO_PORT), from = addr_of(near, 0), seen;

    assert_int_equal(sendto(client, "inner", 5, 0, &to.sa, addr_len(&to)), 5);
    assert_true(receive(server, &seen));
    assert_true(addr_equal(&seen, &from));
    assert_int_equal(sendto(server, "inner", 5, 0, &seen.sa, addr_len(&seen)), 5);
    assert_true(receive(client, &seen));
    assert_true(addr_equal(&seen, &to));
    assert_false(leak_seen(&host, far));
    assert_false(leak_seen(&host, near));
}

static void is_refused(const char *to)
{
    int r = leak_send(to);

    assert_true(r == -EHOSTUNREACH || r == -ENETUNREACH);
    assert_false(leak_seen(&host, to));
}

static void turn_a_little(void)
{
    while (loop_turn(loop, 0) > 0)
        ;
}

/* Tests ------------------------------------------------------------------------------------------------------------ */

static void test_closed_refuses(void **state)
{
    (void)state;
    leak_need(host_error);
    load_both();
    is_refused(FAR4);
    is_refused(FAR6);
    assert_int_equal(install(&a, 1, (struct sa_kind){0}), 0); /* received with, not sent with */
    is_refused(FAR4);
    a.ops.child_use(a.path, 1);
    assert_int_equal(leak_send(FAR4), 0);
    a.ops.child_remove(a.path, 1);
    is_refused(FAR4);
    is_refused(FAR6);
}

static void check_kind(struct sa_kind kind)
{
    uint32_t unique = use_new(kind);
    struct path_usage near, far;

    goes_both_ways(NEAR4, FAR4);
    goes_both_ways(NEAR6, FAR6);
    near = usage_of(&a, unique);
    far = usage_of(&b, unique);
    assert_true(near.out.packets >= 2 && near.out.packets == far.in.packets && near.out.bytes == far.in.bytes);
    assert_true(far.out.packets >= 2 && far.out.packets == near.in.packets && far.out.bytes == near.in.bytes);
    assert_true(near.last_in > 0 && near.last_out > 0 && far.last_in > 0 && far.last_out > 0);
    for (int d = 0; d < ESP_DROPS; d++)
        assert_int_equal(near.in.drops[d] + far.in.drops[d], 0);
    remove_both(unique);
    is_refused(FAR4);
}

static void test_over_udp(void **state)
{
    (void)state;
    leak_need(host_error);
    load_both();
    check_kind((struct sa_kind){.ipv6 = false});
    check_kind((struct sa_kind){.ipv6 = true});
}

static void test_raw(void **state)
{
    (void)state;
    leak_need(host_error);
    assert_true(path_can_raw(a.path));
    load_both();
    check_kind((struct sa_kind){.raw = true});
    check_kind((struct sa_kind){.raw = true, .ipv6 = true});
}

/* A program of A that does not stop sending. Slow enough for the one who listens. */
static pid_t start_sender(const char *to)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* where the test fails */
        for (;;) {
            (void)leak_send(to);
            (void)usleep(50);
        }
    }
    return pid;
}

/* CHILD_SAs of all kinds come and go, with one before the last and without; the tunnel is loaded anew now and then. */
static void change_sas(const char *to)
{
    pid_t pid = start_sender(to);
    uint64_t packets = 0;
    uint32_t old = 0;

    for (int i = 0; i < CHANGES; i++) {
        uint32_t new = use_new((struct sa_kind){.raw = i % 3 == 0, .ipv6 = i % 2 == 0});

        turn_a_little();
        assert_false(leak_seen(&host, to));
        packets += usage_of(&b, new).in.packets;
        if (old)
            remove_both(old);
        old = new;
        if (i % 5 == 4) {
            remove_both(old);
            old = 0;
            assert_false(leak_seen(&host, to));
        }
        if (i % 50 == 49)
            load_both();
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(packets > CHANGES / 4); /* it did send, and they did arrive */
    assert_false(leak_seen(&host, to));
}

static void test_nothing_in_clear_while_sas_change(void **state)
{
    (void)state;
    leak_need(host_error);
    load_both();
    change_sas(FAR4);
    change_sas(FAR6);
}

/* Make before break: what is sent while CHILD_SAs are rekeyed arrives, all of it. */
static void test_no_packet_is_lost_by_rekeying(void **state)
{
    const struct addr to = addr_of(FAR4, ECHO_PORT);
    cleanup(closep) int client = -1, server = -1;
    uint32_t old;
    struct addr seen;

    (void)state;
    leak_need(host_error);
    load_both();
    client = program_on(&a, "0.0.0.0");
    server = program_on(&b, FAR4);
    old = use_new((struct sa_kind){0});
    for (int i = 0; i < 50; i++) {
        uint32_t new;

        assert_int_equal(sendto(client, "inner", 5, 0, &to.sa, addr_len(&to)), 5);
        new = use_new((struct sa_kind){0});
        assert_true(receive(server, &seen));
        remove_both(old);
        old = new;
    }
}

/* Of several CHILD_SAs of a child the one that was used last sends; when it goes, the one before it. */
static void test_the_one_before(void **state)
{
    uint32_t first, second;

    (void)state;
    leak_need(host_error);
    load_both();
    first = use_new((struct sa_kind){0});
    second = use_new((struct sa_kind){0});
    goes_both_ways(NEAR4, FAR4);
    assert_int_equal(usage_of(&a, first).out.packets, 0);
    remove_both(second);
    goes_both_ways(NEAR4, FAR4);
    assert_true(usage_of(&a, first).out.packets > 0);
}

static void test_selectors(void **state)
{
    struct path_usage u;

    (void)state;
    leak_need(host_error);
    (void)configure(&a);
    load(&a);
    configure(&b)->local_ts.s[0].s.first[3] = 2; /* B is asked for less: from 10.2.0.2 on */
    load(&b);
    (void)use_new((struct sa_kind){0});
    assert_int_equal(leak_send(FAR4), 0);
    while (usage_of(&b, 1).in.drops[ESP_DROP_SELECTORS] == 0)
        assert_true(loop_turn(loop, PATIENCE) > 0);
    /* What the route leads to and the CHILD_SA is not for does not leave. */
    assert_int_equal(netns_ip("route add 10.9.0.0/16 dev rk0 table 4646"), 0);
    assert_int_equal(leak_send("10.9.0.1"), 0);
    while (usage_of(&a, 1).out.drops[ESP_DROP_SELECTORS] == 0)
        assert_true(loop_turn(loop, PATIENCE) > 0);
    u = usage_of(&b, 1);
    assert_int_equal(u.in.drops[ESP_DROP_SELECTORS], 1);
}

/* What comes from the network, made with the keys of A: a datagram to ECHO_PORT. */
static size_t seal_for_b(uint32_t unique, uint8_t tos, uint8_t *buf, size_t size)
{
    struct path_sa *s = path_find_spi(a.path, 0xA0000000U + unique);
    uint8_t packet[64];
    size_t n = 0;

    packet_ipv4(packet, sizeof(packet));
    packet[1] = tos;
    memcpy(packet + 12, "\12\1\0\1\12\2\0\1", 8);
    packet[22] = ECHO_PORT >> 8;
    packet[23] = ECHO_PORT & 0xFF;
    packet[26] = packet[27] = 0; /* no checksum of UDP */
    packet_checksum(packet);
    assert_int_equal(esp_seal(s->out, packet, sizeof(packet), buf, size, &n), ESP_OK);
    return n;
}

static void test_replayed_forged_and_unknown(void **state)
{
    const struct udp_path elsewhere = {.local = b.outside4, .peer = addr_of("203.0.113.66", 1), .natt = true};
    const struct path_sa *s;
    uint8_t buf[256];
    size_t n;

    (void)state;
    leak_need(host_error);
    load_both();
    (void)use_new((struct sa_kind){0});
    n = seal_for_b(1, 0, buf, sizeof(buf));
    buf[n - 1] ^= 1;
    path_input(b.path, &elsewhere, buf, n);
    assert_int_equal(usage_of(&b, 1).in.drops[ESP_DROP_INTEGRITY], 1);
    assert_int_equal(usage_of(&b, 1).last_in, 0);
    buf[n - 1] ^= 1;
    path_input(b.path, &elsewhere, buf, n);
    path_input(b.path, &elsewhere, buf, n);
    assert_int_equal(usage_of(&b, 1).in.packets, 1);
    assert_int_equal(usage_of(&b, 1).in.drops[ESP_DROP_REPLAY], 1);
    s = path_find_spi(b.path, 0xB0000001U);
    assert_non_null(s);
    assert_true(addr_equal(&s->remote, &a.outside4)); /* it was authenticated, and moves nothing all the same */
    for (int i = 0; i < 10; i++) {
        buf[3] = 0x77;
        path_input(b.path, &elsewhere, buf, n);
    }
    assert_int_equal(b.n_invalid, 1); /* no more than that in so short a time */
    assert_int_equal(b.invalid_spi, 0xB0000077U);
    path_input(b.path, &elsewhere, buf, 3);
}

/* The TOS of a datagram that came. */
static int receive_tos(int fd)
{
    uint8_t buf[2048], control[64];
    struct iovec iov = {.iov_base = buf, .iov_len = sizeof(buf)};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};

    while (recvmsg(fd, &m, 0) < 0)
        assert_true(loop_turn(loop, PATIENCE) > 0);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
            return *CMSG_DATA(c);
    return -1;
}

/* RFC 6040: the mark of congestion gets through where the packet can bear it, from A's program to B's. */
static void test_ecn(void **state)
{
    const struct addr to = addr_of(FAR4, ECHO_PORT);
    const int on_ = 1, ect0 = 2;
    struct udp_path marked = {.natt = true, .ecn = 3};
    cleanup(closep) int client = -1, server = -1;
    uint8_t buf[256];
    size_t n;

    (void)state;
    leak_need(host_error);
    load_both();
    (void)use_new((struct sa_kind){0});
    client = program_on(&a, "0.0.0.0");
    server = program_on(&b, FAR4);
    marked.local = b.outside4;
    marked.peer = a.outside4;
    assert_int_equal(setsockopt(server, IPPROTO_IP, IP_RECVTOS, &on_, sizeof(on_)), 0);
    assert_int_equal(setsockopt(client, IPPROTO_IP, IP_TOS, &ect0, sizeof(ect0)), 0);
    assert_int_equal(sendto(client, "inner", 5, 0, &to.sa, addr_len(&to)), 5);
    assert_int_equal(receive_tos(server), 2);
    assert_int_equal(b.ecn, 2); /* outside, too */
    n = seal_for_b(1, 2, buf, sizeof(buf));
    path_input(b.path, &marked, buf, n);
    assert_int_equal(receive_tos(server), 3);
    n = seal_for_b(1, 0, buf, sizeof(buf));
    path_input(b.path, &marked, buf, n);
    assert_int_equal(usage_of(&b, 1).in.drops[ESP_DROP_ECN], 1);
}

static void test_traps(void **state)
{
    (void)state;
    leak_need(host_error);
    load_both();
    assert_int_equal(a.ops.trap_install(a.path, a.ike, &a.ike->children[0]), 0);
    assert_int_equal(leak_send("10.2.0.9"), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(leak_send(FAR6), 0);
    while (a.n_acquired == 0)
        assert_true(loop_turn(loop, PATIENCE) > 0);
    turn_a_little();
    assert_int_equal(a.n_acquired, 1); /* not once for each packet */
    assert_false(leak_seen(&host, FAR6));
    (void)use_new((struct sa_kind){0});
    goes_both_ways(NEAR4, FAR4);
    remove_both(1);
    assert_int_equal(leak_send(FAR4), 0); /* the trap is still there */
    a.ops.trap_remove(a.path, "gw", "net");
    is_refused(FAR4);
}

/* The host's own packets to its neighbours on the device do not hit a trap. */
static void test_traps_are_not_hit_by_the_host_itself(void **state)
{
    struct child_conf *child;

    (void)state;
    leak_need(host_error);
    child = configure(&a);
    child->local_ts.n = child->remote_ts.n = 0;
    add_ts(&child->local_ts, "::/0");
    add_ts(&child->remote_ts, "::/0");
    load(&a);
    assert_int_equal(a.ops.trap_install(a.path, a.ike, child), 0);
    assert_int_equal(netns_ip("-6 route add ff02::/16 dev rk0 table 4646"), 0);
    assert_int_equal(leak_send("ff02::1234"), 0);
    turn_a_little();
    assert_int_equal(a.n_acquired, 0);
    assert_int_equal(leak_send(FAR6), 0);
    while (a.n_acquired == 0)
        assert_true(loop_turn(loop, PATIENCE) > 0);
}

static void test_limits(void **state)
{
    struct child_conf *child;

    (void)state;
    leak_need(host_error);
    child = configure(&a);
    child->packets = (struct conf_limit){.rekey = 5, .life = 8, .random = 3};
    load(&a);
    (void)configure(&b);
    load(&b);
    (void)use_new((struct sa_kind){0});
    for (int i = 1; i <= 12; i++) {
        struct path_usage u;

        assert_int_equal(leak_send(FAR4), 0);
        do {
            assert_true(loop_turn(loop, PATIENCE) > 0);
            u = usage_of(&a, 1);
        } while (u.out.packets + u.out.drops[ESP_DROP_EXHAUSTED] < (uint64_t)i);
        assert_int_equal(u.out.packets, i < 8 ? i : 8); /* and not one more */
        assert_true(i >= 2 || a.n_soft == 0);
        assert_int_equal(a.n_hard, i >= 8);
    }
    assert_int_equal(a.n_soft, 1);
    assert_int_equal(b.n_soft + b.n_hard, 0);
}

static void test_bytes_and_removal_from_within(void **state)
{
    struct child_conf *child;

    (void)state;
    leak_need(host_error);
    (void)configure(&a);
    load(&a);
    child = configure(&b);
    child->bytes = (struct conf_limit){.rekey = 0, .life = 60};
    load(&b);
    (void)use_new((struct sa_kind){0});
    b.remove = true; /* with its tunnel */
    for (int i = 0; i < 2; i++)
        assert_int_equal(leak_send(FAR4), 0); /* 33 bytes each */
    while (b.n_hard == 0)
        assert_true(loop_turn(loop, PATIENCE) > 0);
    turn_a_little();
    assert_int_equal(b.n_hard, 1);
    assert_false(b.ops.child_usage(b.path, 1, &(struct path_usage){0}));
}

static void test_numbers_run_out(void **state)
{
    struct path_sa *s;

    (void)state;
    leak_need(host_error);
    load_both();
    (void)use_new((struct sa_kind){0});
    s = path_find_spi(a.path, 0xA0000001U);
    s->out->sent = UINT64_MAX - PATH_NUMBERS_SOFT - 1;
    assert_int_equal(leak_send(FAR4), 0);
    while (a.n_soft == 0)
        assert_true(loop_turn(loop, PATIENCE) > 0);
    s->out->sent = UINT64_MAX - 1;
    assert_int_equal(leak_send(FAR4), 0);
    while (a.n_hard == 0)
        assert_true(loop_turn(loop, PATIENCE) > 0);
    assert_int_equal(leak_send(FAR4), 0);
    while (usage_of(&a, 1).out.drops[ESP_DROP_EXHAUSTED] == 0)
        assert_true(loop_turn(loop, PATIENCE) > 0);
    assert_int_equal(a.n_soft + a.n_hard, 2);
}

/* Other networks while it is in use; then none, while it is in use, and after. */
static void test_reload_and_unload(void **state)
{
    struct child_conf *child;

    (void)state;
    leak_need(host_error);
    load_both();
    (void)use_new((struct sa_kind){0});
    goes_both_ways(NEAR4, FAR4);
    child = configure(&a);
    child->n_networks = 2;
    child->networks[0] = (struct network_conf){addr_of(FAR4, 0), 32};
    child->networks[1] = (struct network_conf){addr_of("10.7.0.0", 0), 16};
    load(&a);
    goes_both_ways(NEAR4, FAR4);
    assert_int_equal(leak_send("10.2.0.9"), 0); /* not behind the tunnel any more */
    assert_true(leak_seen(&host, "10.2.0.9"));
    assert_int_equal(leak_send("10.7.0.1"), 0);
    assert_false(leak_seen(&host, "10.7.0.1"));
    a.ops.conf_unload(a.path, "gw");
    goes_both_ways(NEAR4, FAR4);
    remove_both(1);
    turn_a_little();
    assert_int_equal(leak_send(FAR4), 0); /* as on any host */
    assert_true(leak_seen(&host, FAR4));
    assert_int_equal(if_nametoindex("rk0") + if_nametoindex("rk1"), 0);
}

static void test_a_load_that_fails_changes_nothing(void **state)
{
    struct child_conf *child;

    (void)state;
    leak_need(host_error);
    load_both();
    (void)use_new((struct sa_kind){0});
    child = configure(&a);
    child->n_networks = 1;
    child->networks[0] = (struct network_conf){addr_of("10.7.0.0", 0), 16};
    assert_int_equal(ike_conf_add_child(a.ike, &child), 0);
    (void)snprintf(child->name, sizeof(child->name), "other");
    child->mtu = 100000;
    assert_int_equal(a.ops.conf_load(a.path, a.ike), -EINVAL);
    goes_both_ways(NEAR4, FAR4);
    assert_int_equal(leak_send("10.7.0.1"), 0);
    assert_true(leak_seen(&host, "10.7.0.1"));
}

/* Two connections with the same networks, one inside another: what is still needed stays shut. */
static void test_networks_that_two_need(void **state)
{
    struct ike_conf *first;

    (void)state;
    leak_need(host_error);
    load_both();
    first = ike_conf_ref(a.ike);
    (void)configure(&a);
    (void)snprintf(a.ike->name, sizeof(a.ike->name), "other");
    load(&a);
    a.ops.conf_unload(a.path, first->name);
    is_refused(FAR4);
    a.ops.conf_unload(a.path, "other");
    assert_int_equal(leak_send(FAR4), 0);
    assert_true(leak_seen(&host, FAR4));
    first = ike_conf_unref(first);
}

static void test_dynamic_networks(void **state)
{
    const char *outside = "198.51.100.1";
    struct child_conf *child;

    (void)state;
    leak_need(host_error);
    child = configure(&a);
    child->remote_ts.n = 0;
    add_ts(&child->remote_ts, "dynamic");
    load(&a);
    assert_int_equal(leak_send(outside), 0);
    assert_true(leak_seen(&host, outside));
    assert_int_equal(install(&a, 1, (struct sa_kind){0}), 0);
    is_refused(outside);
    a.ops.child_use(a.path, 1);
    assert_int_equal(leak_send(outside), 0);
    while (usage_of(&a, 1).out.packets == 0)
        assert_true(loop_turn(loop, PATIENCE) > 0);
    a.ops.child_remove(a.path, 1);
    assert_int_equal(leak_send(outside), -EHOSTUNREACH);
}

static void test_the_peer_moves(void **state)
{
    uint32_t unique;

    (void)state;
    leak_need(host_error);
    load_both();
    unique = use_new((struct sa_kind){0});
    goes_both_ways(NEAR4, FAR4);
    a.ops.child_update(a.path, unique, &a.outside6, &b.outside6, true);
    b.ops.child_update(b.path, unique, &b.outside4, &a.outside4, false);
    goes_both_ways(NEAR4, FAR4);
}

static void test_shutdown(void **state)
{
    const struct network stale = network_of("172.16.0.0", 12);

    (void)state;
    leak_need(host_error);
    assert_int_equal(route_unreachable_add(a.route, &stale), 0);
    load_both();
    (void)use_new((struct sa_kind){0});
    is_refused("172.16.0.1");
    assert_int_equal(path_flush(a.path), 0); /* open or not: shut now */
    is_refused(FAR4);
    is_refused(FAR6);
    assert_int_equal(leak_send("172.16.0.1"), 0);
    a.path = path_free(a.path);
    is_refused(FAR4);
    is_refused(FAR6);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    leak_need(host_error);
    load_both();
    assert_int_equal(install(&a, 1, (struct sa_kind){0}), 0);
    assert_int_equal(install(&a, 1, (struct sa_kind){0}), -EEXIST);
    a.path->raw = raw_esp_free(a.path->raw);
    assert_false(path_can_raw(a.path));
    assert_int_equal(install(&a, 2, (struct sa_kind){.raw = true}), -EPROTONOSUPPORT);
    a.ops.child_use(a.path, 99); /* none of these is there */
    a.ops.child_remove(a.path, 99);
    a.ops.conf_unload(a.path, "none");
    a.ops.trap_remove(a.path, "gw", "none");
    assert_false(a.ops.child_usage(a.path, 99, &(struct path_usage){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_closed_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_over_udp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_raw, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_in_clear_while_sas_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_packet_is_lost_by_rekeying, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_one_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_selectors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_replayed_forged_and_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ecn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_traps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_traps_are_not_hit_by_the_host_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bytes_and_removal_from_within, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_numbers_run_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reload_and_unload, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_load_that_fails_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_networks_that_two_need, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dynamic_networks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_peer_moves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_shutdown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_refused, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
