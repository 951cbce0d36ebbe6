/*
 * Two data paths with keys made by hand on one loop, each on a host of its own: A and B, with an uplink between that is
 * listened to. What is done on a host is done after on(); nothing but set_up(), load() and install() leaves A.
 */
#pragma once

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
#include <stdio.h>
#include <string.h>

#define PATIENCE (5 * USEC_PER_SEC)
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
    size_t n_acquired, n_soft, n_hard, n_invalid, n_failed, n_unrouted;
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

static inline void on(const struct end *e)
{
    assert_int_equal(setns(e->ns, CLONE_NEWNET), 0);
}

static inline void on_ike(void *data, const struct udp_path *path, const uint8_t *bytes, size_t len)
{
    (void)data;
    (void)path;
    (void)bytes;
    (void)len;
}

static inline void on_esp(void *data, const struct udp_path *path, const uint8_t *bytes, size_t len)
{
    struct end *e = data;

    e->ecn = path->ecn;
    path_input(e->path, path, bytes, len);
}

static inline void on_acquire(void *data, const char *ike, const char *child)
{
    struct end *e = data;

    assert_string_equal(ike, "gw");
    assert_string_equal(child, "net");
    e->n_acquired++;
}

static inline void on_limit(void *data, uint32_t unique, bool hard)
{
    struct end *e = data;

    e->n_soft += !hard;
    e->n_hard += hard;
    if (hard && e->remove) {
        e->ops.conf_unload(e->path, "gw");
        e->ops.child_remove(e->path, unique);
    }
}

static inline void on_invalid_spi(void *data, const struct addr *remote, uint32_t spi)
{
    struct end *e = data;

    assert_true(addr_is_set(remote));
    e->n_invalid++;
    e->invalid_spi = spi;
}

static inline void on_open_failed(void *data, const char *ike, const char *child, int error)
{
    struct end *e = data;

    (void)ike;
    (void)child;
    assert_true(error < 0);
    e->n_failed++;
}

static inline void on_unrouted(void *data, const char *ike, const char *child, const char *device)
{
    struct end *e = data;

    (void)ike;
    (void)child;
    assert_true(if_nametoindex(device) > 0);
    e->n_unrouted++;
}

static inline struct addr addr_of(const char *text, uint16_t port)
{
    struct addr addr;

    assert_int_equal(addr_parse(text, &addr), 0);
    addr_set_port(&addr, port);
    return addr;
}

static inline int make_end(struct end *e)
{
    const struct udp_config udp = {
        .port = IKE_PORT, .natt_port = IKE_PORT_NATT, .mark = ROUTE_MARK, .ike = on_ike, .esp = on_esp, .data = e};
    struct path_config config = {
        .loop = loop,
        .callbacks = {.acquire = on_acquire,
                      .limit = on_limit,
                      .invalid_spi = on_invalid_spi,
                      .open_failed = on_open_failed,
                      .unrouted = on_unrouted},
        .data = e,
    };

    e->ops = path_ops();
    if (route_new(&e->route) < 0 || udp_new(loop, &udp, &e->udp) < 0)
        return -1;
    config.route = e->route;
    config.udp = e->udp;
    return path_new(&config, &e->path);
}

static inline int run_all(const char *const *commands, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (netns_ip(commands[i]) != 0)
            return -ENOENT;
    return 0;
}

/* leak_host() made A with both ends of the uplink: the far one goes to B. */
static inline int make_hosts(void)
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

/* The kernel notices on its own time that both ends of a link are up; what is sent before is lost. */
static inline void wait_for_uplink(const struct addr *from, const struct addr *to)
{
    const struct timeval a_while = {.tv_usec = 20000};
    usec_t end = clock_now(clock_system()) + PATIENCE;
    cleanup(closep) int client = -1, server = -1;
    uint8_t byte = 0;

    on(&b);
    server = socket(addr_family(to), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server, &to->sa, addr_len(to)), 0);
    assert_int_equal(setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &a_while, sizeof(a_while)), 0);
    on(&a);
    client = socket(addr_family(to), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(client, &from->sa, addr_len(from)), 0);
    do {
        assert_true(clock_now(clock_system()) < end);
        (void)sendto(client, &byte, 1, 0, &to->sa, addr_len(to));
    } while (recv(server, &byte, 1, 0) < 0);
}

static inline int set_up(void **state)
{
    const int heard = 16 * 1024 * 1024;

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
    (void)setsockopt(host.tap, SOL_SOCKET, SO_RCVBUFFORCE, &heard, sizeof(heard)); /* nothing is to be missed */
    a.outside4 = addr_of("198.51.100.2", IKE_PORT_NATT);
    a.outside6 = addr_of("2001:db8:1::2", IKE_PORT_NATT);
    b.outside4 = addr_of("198.51.100.1", IKE_PORT_NATT);
    b.outside6 = addr_of("2001:db8:1::1", IKE_PORT_NATT);
    wait_for_uplink(&a.outside4, &b.outside4);
    wait_for_uplink(&a.outside6, &b.outside6);
    if (loop_new(&loop) < 0 || make_end(&a) < 0)
        return -1;
    on(&b);
    if (make_end(&b) < 0)
        return -1;
    on(&a);
    return 0;
}

static inline void drop_end(struct end *e)
{
    e->path = path_free(e->path);
    e->udp = udp_free(e->udp);
    e->route = route_free(e->route);
    e->ike = ike_conf_unref(e->ike);
    closep(&e->ns);
}

static inline int tear_down(void **state)
{
    (void)state;
    drop_end(&a);
    drop_end(&b);
    loop = loop_free(loop);
    leak_done(&host);
    return 0;
}

/* Configurations and CHILD_SAs ------------------------------------------------------------------------------------- */

static inline void add_ts(struct selectors_conf *c, const char *text)
{
    assert_int_equal(selector_parse(text, &c->s[c->n]), 0);
    c->n++;
}

/* A configuration with the child "net"; the caller may change it before load(). */
static inline struct child_conf *configure(struct end *e)
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

/* A tunnel for all of IPv6, as a route-based one is. */
static inline struct child_conf *configure_all6(struct end *e)
{
    struct child_conf *child = configure(e);

    child->local_ts.n = child->remote_ts.n = 0;
    add_ts(&child->local_ts, "::/0");
    add_ts(&child->remote_ts, "::/0");
    return child;
}

static inline void load(struct end *e)
{
    on(e);
    assert_int_equal(e->ops.conf_load(e->path, e->ike), 0);
}

static inline void load_both(void)
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

static inline int install(struct end *e, uint32_t unique, struct sa_kind kind)
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
static inline uint32_t use_new(struct sa_kind kind)
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

static inline void remove_both(uint32_t unique)
{
    on(&b);
    b.ops.child_remove(b.path, unique);
    on(&a);
    a.ops.child_remove(a.path, unique);
}

static inline struct path_usage usage_of(const struct end *e, uint32_t unique)
{
    struct path_usage u = {0};

    assert_true(e->ops.child_usage(e->path, unique, &u));
    return u;
}

/* Traffic ---------------------------------------------------------------------------------------------------------- */

#define ECHO_PORT 4242

/* A socket of a program on the host, at ADDR; or at what the kernel chooses when it sends. */
static inline int program_on(const struct end *e, const char *text)
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

/* Turns the loop until a datagram came; false after SPAN. */
static inline bool receive_within(int fd, usec_t span, struct addr *ret_from)
{
    usec_t end = clock_now(clock_system()) + span;
    uint8_t buf[2048];

    while (clock_now(clock_system()) < end) {
        socklen_t len = sizeof(*ret_from);

        if (recvfrom(fd, buf, sizeof(buf), 0, &ret_from->sa, &len) >= 0)
            return true;
        assert_true(loop_turn(loop, 10 * USEC_PER_MSEC) >= 0);
    }
    return false;
}

static inline bool receive(int fd, struct addr *ret_from)
{
    return receive_within(fd, PATIENCE, ret_from);
}

/* From FROM to TO, which is at ADDR. A host may lose a datagram, where the machine is busy: then there is another. */
static inline void get_across(int from, int to, const struct addr *addr, struct addr *ret_from)
{
    for (usec_t waited = 0;; waited += PATIENCE / 10) {
        assert_true(waited < PATIENCE);
        assert_int_equal(sendto(from, "inner", 5, 0, &addr->sa, addr_len(addr)), 5);
        if (receive_within(to, PATIENCE / 10, ret_from))
            return;
    }
}

/* From A, which chooses its address by itself, to B and back. */
static inline void goes_both_ways(const char *near, const char *far)
{
    bool ipv6 = strchr(far, ':') != NULL;
    cleanup(closep) int client = program_on(&a, ipv6 ? "::" : "0.0.0.0");
    cleanup(closep) int server = program_on(&b, far);
    struct addr to = addr_of(far, ECHO_PORT), from = addr_of(near, 0), seen;

    get_across(client, server, &to, &seen);
    assert_true(addr_equal(&seen, &from));
    from = seen; /* with the port */
    get_across(server, client, &from, &seen);
    assert_true(addr_equal(&seen, &to));
    assert_false(leak_seen(&host, far));
    assert_false(leak_seen(&host, near));
}

static inline void is_refused(const char *to)
{
    int r = leak_send(to);

    assert_true(r == -EHOSTUNREACH || r == -ENETUNREACH);
    assert_false(leak_seen(&host, to));
}

static inline void turn_a_little(void)
{
    while (loop_turn(loop, 0) > 0)
        ;
}
