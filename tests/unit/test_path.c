/* Packets from host to host through two data paths, and what of them is heard between. */
#include "tests/unit/two_paths.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define CHANGES 200

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
            (void)usleep(500);
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
    assert_true(packets > 0); /* it did send, and they did arrive */
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

/* What a host that is a router tells its neighbours on every device, from no address: its multicast groups. */
static void test_nothing_from_nobody(void **state)
{
    uint8_t packet[40] = {0x60, [6] = 59, 1, [24] = 0xFF, 0x02, [39] = 0x16};

    (void)state;
    leak_need(host_error);
    (void)configure_all6(&a);
    load(&a);
    assert_int_equal(install(&a, 1, (struct sa_kind){0}), 0);
    a.ops.child_use(a.path, 1);
    path_outbound(path_tunnel_find(a.path, "gw", "net"), packet, sizeof(packet));
    assert_int_equal(usage_of(&a, 1).out.packets, 0);
    packet[8] = 0xFE; /* from a neighbour of its link, as routing protocols do */
    packet[9] = 0x80;
    path_outbound(path_tunnel_find(a.path, "gw", "net"), packet, sizeof(packet));
    assert_int_equal(usage_of(&a, 1).out.packets, 1);
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

/* The largest packet that the host may send, over an uplink that takes it whole, and over one that must cut it. */
static void test_the_largest_packet(void **state)
{
    static const char *const mtus[] = {"link set wan0 mtu 1500", "link set wan0 mtu 1300"};
    const struct addr to = addr_of(FAR4, ECHO_PORT);
    const int df = IP_PMTUDISC_DO;
    uint8_t data[2000] = {0};
    size_t largest;

    (void)state;
    leak_need(host_error);
    load_both();
    largest = path_tunnel_find(a.path, "gw", "net")->layout.mtu - 28;
    for (int i = 0; i < 4; i++) {
        cleanup(closep) int client = program_on(&a, "0.0.0.0");
        cleanup(closep) int server = program_on(&b, FAR4);
        struct addr seen;
        uint32_t unique = use_new((struct sa_kind){.raw = i >= 2});

        assert_int_equal(netns_ip(mtus[i % 2]), 0);
        assert_int_equal(setsockopt(client, IPPROTO_IP, IP_MTU_DISCOVER, &df, sizeof(df)), 0);
        assert_int_equal(sendto(client, data, largest + 1, 0, &to.sa, addr_len(&to)), -1);
        assert_int_equal(errno, EMSGSIZE);
        assert_int_equal(sendto(client, data, largest, 0, &to.sa, addr_len(&to)), largest);
        assert_true(receive(server, &seen));
        remove_both(unique);
    }
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

static void test_what_is_refused(void **state)
{
    struct child_conf *child;

    (void)state;
    leak_need(host_error);
    load_both();
    assert_int_equal(install(&a, 1, (struct sa_kind){0}), 0);
    assert_int_equal(install(&a, 1, (struct sa_kind){0}), -EEXIST);
    a.path->raw = raw_esp_free(a.path->raw);
    assert_false(path_can_raw(a.path));
    assert_int_equal(install(&a, 2, (struct sa_kind){.raw = true}), -EPROTONOSUPPORT);
    assert_int_equal(ike_conf_add_child(a.ike, &child), 0);
    (void)snprintf(child->name, sizeof(child->name), "net");
    assert_int_equal(a.ops.conf_load(a.path, a.ike), -EEXIST);
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
        cmocka_unit_test_setup_teardown(test_nothing_from_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_replayed_forged_and_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ecn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bytes_and_removal_from_within, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_numbers_run_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_largest_packet, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_peer_moves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_refused, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
