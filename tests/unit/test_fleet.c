/* A reload: what the tunnels of the new configuration take over from those of the old one. */
#include "agent/fleet.h"

#include "agent/watch.h"
#include "tests/unit/small_agent.h"

#include <errno.h>

static struct small_agent s;
static struct fleet *old;

static int set_up(void **state)
{
    (void)state;
    small_set_up(&s);
    assert_int_equal(icmp_new(s.agent.loop, &s.agent.icmp), 0);
    assert_int_equal(fleet_start(s.agent.fleet), 0);
    old = s.agent.fleet;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    small_tear_down(&s);
    return 0;
}

static void reload(const char *config)
{
    struct fleet *f = small_fleet(&s, config);

    s.agent.fleet = f;
    assert_int_equal(fleet_start(f), 0);
    fleet_inherit(f, old);
    old = fleet_free(old);
}

static struct tunnel *first(void)
{
    return tunnel_first(s.agent.fleet);
}

static void test_what_was_measured_goes_over(void **state)
{
    struct window *w = &first()->targets[0].window;
    usec_t now = loop_now(s.agent.loop);
    struct window_summary sum;

    (void)state;
    window_sent(w, now - 3);
    assert_true(window_reply(w, now - 3, 1));
    window_sent(w, now - 2);
    window_lose(w, now - 2, 0);
    window_sent(w, now - 1); /* its answer finds the new fleet */
    first()->verdict = (struct verdict_state){.verdict = VERDICT_UP, .since = 5, .suspect = true};
    first()->told = true;
    first()->notified = VERDICT_UP;
    first()->last_echo = now - 1;
    reload(SMALL_CONFIG);
    sum = window_summarise(&first()->targets[0].window);
    assert_int_equal(sum.ok, 1);
    assert_int_equal(sum.lost, 1);
    assert_int_equal(sum.pending, 1);
    assert_int_equal(first()->verdict.verdict, VERDICT_UP);
    assert_true(first()->told);
    /* What is due (here the first IKE ping) is done at once, and not put off by each of many reloads. */
    assert_true(first()->due <= loop_now(s.agent.loop));
}

/* What was sent under the old configuration is answered under the new one. */
static void test_answers_find_the_new_fleet(void **state)
{
    usec_t end = loop_now(s.agent.loop) + 20 * USEC_PER_SEC;

    (void)state;
    if (icmp_send(first()->targets[0].icmp, loop_now(s.agent.loop)) == -EPERM)
        skip();
    window_sent(&first()->targets[0].window, loop_now(s.agent.loop));
    reload(SMALL_CONFIG);
    while (window_summarise(&first()->targets[0].window).ok == 0 && loop_now(s.agent.loop) < end)
        assert_true(loop_turn(s.agent.loop, USEC_PER_SEC) >= 0);
    assert_int_not_equal(window_summarise(&first()->targets[0].window).ok, 0);
}

static void test_other_probes_begin_anew(void **state)
{
    (void)state;
    window_sent(&first()->targets[0].window, 1);
    first()->verdict.verdict = VERDICT_DOWN;
    reload("connection \"a\" { tunnel \"1\" { outside-address = \"203.0.113.10\"  probe = {\"127.0.0.2\"} } }\n");
    assert_int_equal(first()->targets[0].window.n, 0);
    assert_int_equal(first()->verdict.verdict, VERDICT_DOWN); /* until they tell */
}

/* An attempt that hangs is as old as it was. */
static void test_pending_attempt_keeps_its_age(void **state)
{
    (void)state;
    first()->connecting_id = 7;
    first()->connecting_id_since = 3;
    first()->ike.connecting_since = 3;
    reload(SMALL_CONFIG);
    assert_int_equal(first()->connecting_id, 7);
    assert_int_equal(first()->connecting_id_since, 3);
}

/* An SA whose peer is not known yet has no address either, and is not that tunnel's. */
static void test_a_tunnel_without_an_address_is_nobodys_peer(void **state)
{
    (void)state;
    reload("ike \"d\" { type = vici\n socket = \"/nonexistent/vici\" }\nconnection \"a\" { ike = \"d\"\n" SMALL_TUNNEL
           "tunnel \"2\" { expected = down } }\n");
    assert_int_equal(map_count(s.agent.fleet->daemons[0].by_outside), 1);
    assert_ptr_equal(map_get(s.agent.fleet->daemons[0].by_outside, "203.0.113.10"), first());
    assert_non_null(first()->ike_ping);
    assert_null(tunnel_next(first())->ike_ping);
    assert_int_equal(tunnel_next(first())->ping.failed, 0);
}

static void test_tunnels_come_and_go(void **state)
{
    struct tunnel *t;

    (void)state;
    tunnel_next(first())->verdict.verdict = VERDICT_DOWN;
    tunnel_next(first())->known_endpoint = true;
    s.agent.fleet->n_known = 1;
    reload("connection \"b\" {\n" SMALL_TUNNEL "}\nconnection \"a\" {\n" SMALL_OTHER "}\n");
    t = tunnel_find(s.agent.fleet, "a/2");
    assert_non_null(t);
    assert_int_equal(t->verdict.verdict, VERDICT_DOWN);
    assert_int_equal(s.agent.fleet->n_known, 1);
    assert_int_equal(tunnel_find(s.agent.fleet, "b/1")->verdict.verdict, VERDICT_UNKNOWN);
    assert_null(tunnel_find(s.agent.fleet, "a/1"));
}

#define fleet_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fleet_test(test_what_was_measured_goes_over), fleet_test(test_answers_find_the_new_fleet),
        fleet_test(test_other_probes_begin_anew),     fleet_test(test_pending_attempt_keeps_its_age),
        fleet_test(test_tunnels_come_and_go),         fleet_test(test_a_tunnel_without_an_address_is_nobodys_peer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
