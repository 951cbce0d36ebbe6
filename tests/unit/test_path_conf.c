/* Configurations of the data path: loaded, replaced, trapped and gone; their networks and routes. */
#include "tests/unit/two_paths.h"

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
    child = configure_all6(&a);
    child->n_networks = 1;
    child->networks[0] = (struct network_conf){addr_of("fd00:2::", 0), 64};
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

/* A tunnel that cannot be opened is closed, and that is told. */
static void test_what_cannot_be_opened(void **state)
{
    (void)state;
    leak_need(host_error);
    load_both();
    assert_int_equal(netns_ip("link set rk0 down"), 0);
    assert_int_equal(install(&a, 1, (struct sa_kind){0}), 0);
    a.ops.child_use(a.path, 1);
    assert_int_equal(a.n_failed, 1);
    is_refused(FAR4);
    a.ops.child_remove(a.path, 1);
    is_refused(FAR4);
}

/* Route-based, as AWS has it: selectors of all addresses, networks given, and the gateways' own inside addresses. */
static void test_route_based(void **state)
{
    (void)state;
    leak_need(host_error);
    for (int i = 0; i < 2; i++) {
        struct end *e = i == 0 ? &a : &b;
        struct child_conf *child = configure(e);

        child->local_ts.n = child->remote_ts.n = 0;
        add_ts(&child->local_ts, "0.0.0.0/0");
        add_ts(&child->remote_ts, "0.0.0.0/0");
        child->n_inside = 1;
        child->inside[0] = (struct network_conf){addr_of(i == 0 ? "169.254.9.2" : "169.254.9.1", 0), 30};
        child->n_networks = 1;
        child->networks[0] = (struct network_conf){addr_of(i == 0 ? "10.2.0.0" : "10.1.0.0", 0), 16};
        load(e);
    }
    on(&a);
    is_refused("169.254.9.1");
    (void)use_new((struct sa_kind){0});
    goes_both_ways("169.254.9.2", FAR4);
    goes_both_ways("169.254.9.2", "169.254.9.1");
    assert_int_equal(leak_send("192.0.2.1"), 0); /* the rest of the world is where it was */
    assert_true(leak_seen(&host, "192.0.2.1"));
}

static struct child_conf *configure_everything(struct end *e)
{
    struct child_conf *child = configure(e);

    child->remote_ts.n = 0;
    add_ts(&child->remote_ts, "0.0.0.0/0");
    add_ts(&child->remote_ts, "::/0");
    return child;
}

/* Selectors of all addresses without networks: the host stays where it is on the network, and what is routed into the
 * device by others goes through. */
static void test_everything_without_networks(void **state)
{
    struct child_conf *child;

    (void)state;
    leak_need(host_error);
    child = configure_everything(&a);
    child->n_inside = 1;
    child->inside[0] = (struct network_conf){addr_of("169.254.9.2", 0), 30};
    load(&a);
    (void)configure(&b);
    load(&b);
    on(&a);
    assert_int_equal(a.n_unrouted, 1);
    load(&a);
    assert_int_equal(a.n_unrouted, 1); /* nothing is new */
    is_refused("169.254.9.1");
    (void)use_new((struct sa_kind){0});
    assert_int_equal(leak_send("192.0.2.1"), 0);
    assert_true(leak_seen(&host, "192.0.2.1"));
    assert_int_equal(netns_ip("route add 10.2.0.0/16 dev rk0 src 10.1.0.1"), 0);
    goes_both_ways(NEAR4, FAR4);
}

/* All of the world behind the tunnel, because it was said; what bears it does not go through itself. */
static void test_default_route(void **state)
{
    struct child_conf *child;

    (void)state;
    leak_need(host_error);
    child = configure_everything(&a);
    child->n_networks = 2;
    child->networks[0] = (struct network_conf){addr_of("0.0.0.0", 0), 0};
    child->networks[1] = (struct network_conf){addr_of("::", 0), 0};
    load(&a);
    assert_int_equal(a.n_unrouted, 0);
    (void)configure(&b);
    load(&b);
    on(&a);
    assert_true(leak_send("2001:db8:5::1") < 0);
    assert_int_equal(leak_send("192.0.2.1"), -EHOSTUNREACH);
    (void)use_new((struct sa_kind){0});
    remove_both(use_new((struct sa_kind){.ipv6 = true}));
    for (int i = 0; i < 2; i++) {
        cleanup(closep) int client = program_on(&a, i == 0 ? "0.0.0.0" : "::");
        cleanup(closep) int server = program_on(&b, i == 0 ? FAR4 : FAR6);
        const struct addr to = addr_of(i == 0 ? FAR4 : FAR6, ECHO_PORT), from = addr_of(i == 0 ? NEAR4 : NEAR6, 0);
        struct addr seen;

        get_across(client, server, &to, &seen);
        assert_true(addr_equal(&seen, &from));
    }
}

/* What an engine before us left unreachable goes where it is in the way of what is loaded, and only there. */
static void test_leftovers(void **state)
{
    const struct network inside = network_of("10.2.0.0", 24), inside6 = network_of("fd00:2::", 96),
                         same = network_of("10.2.0.0", 16), elsewhere = network_of("172.16.0.0", 12);
    struct child_conf *child;

    (void)state;
    leak_need(host_error);
    assert_int_equal(route_unreachable_add(a.route, &inside), 0);
    assert_int_equal(route_unreachable_add(a.route, &inside6), 0);
    assert_int_equal(route_unreachable_add(a.route, &same), 0);
    assert_int_equal(route_unreachable_add(a.route, &elsewhere), 0);
    load_both();
    is_refused(FAR4);
    is_refused(FAR6);
    (void)use_new((struct sa_kind){0});
    goes_both_ways(NEAR4, FAR4);
    goes_both_ways(NEAR6, FAR6);
    is_refused("172.16.0.1");
    /* A network of another tunnel is no leftover, although it is within this one. */
    child = configure(&a);
    (void)snprintf(a.ike->name, sizeof(a.ike->name), "other");
    child->n_networks = 1;
    child->networks[0] = (struct network_conf){addr_of("10.2.7.0", 0), 24};
    load(&a);
    (void)configure(&a);
    a.ike->children[0].mtu = 1300;
    load(&a);
    is_refused("10.2.7.1");
    goes_both_ways(NEAR4, FAR4);
}

static void test_shutdown(void **state)
{
    (void)state;
    leak_need(host_error);
    load_both();
    (void)use_new((struct sa_kind){0});
    a.path = path_free(a.path);
    is_refused(FAR4);
    is_refused(FAR6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_traps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_traps_are_not_hit_by_the_host_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reload_and_unload, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_load_that_fails_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_networks_that_two_need, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dynamic_networks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_opened, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_route_based, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_everything_without_networks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_default_route, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_leftovers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_shutdown, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
