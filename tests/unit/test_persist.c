/* What of the running state a new process finds again. */
#include "agent/persist.h"

#include "tests/unit/small_agent.h"

#include <inttypes.h>

static struct small_agent s;

static int set_up(void **state)
{
    (void)state;
    small_set_up(&s);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    small_tear_down(&s);
    return 0;
}

static struct tunnel *tunnel(const char *name)
{
    struct tunnel *t = tunnel_find(s.agent.fleet, name);

    assert_non_null(t);
    return t;
}

static void restart(void)
{
    small_restart(&s);
    persist_load(&s.agent);
}

static usec_t now(void)
{
    return loop_now(s.agent.loop);
}

static void set(const char *key, const char *value)
{
    assert_int_equal(store_set(s.agent.store, key, value), 0);
}

static void test_nothing_is_known_at_first(void **state)
{
    (void)state;
    persist_load(&s.agent);
    assert_false(tunnel("a/1")->told);
    assert_int_equal(tunnel("a/1")->incident.state, INCIDENT_NONE);
    assert_int_equal(tunnel("a/1")->policy.n_past, 0);
    assert_false(s.agent.offline);
}

static void test_what_people_were_told(void **state)
{
    (void)state;
    tunnel("a/1")->notified = VERDICT_DOWN;
    tunnel("a/2")->notified = VERDICT_UNKNOWN; /* which they were told too */
    persist_notified(tunnel("a/1"));
    persist_notified(tunnel("a/2"));
    s.agent.offline = true;
    persist_offline(&s.agent);
    restart();
    assert_true(tunnel("a/1")->told && tunnel("a/1")->notified == VERDICT_DOWN);
    assert_true(tunnel("a/2")->told && tunnel("a/2")->notified == VERDICT_UNKNOWN);
    assert_true(s.agent.offline);
    s.agent.offline = false;
    persist_offline(&s.agent);
    restart();
    assert_false(s.agent.offline);
}

static void test_incident(void **state)
{
    struct incident *i = &tunnel("a/1")->incident;

    (void)state;
    *i = (struct incident){.state = INCIDENT_OPEN,
                           .id = "of-one",
                           .opened = now(),
                           .opened_wall = loop_wall(s.agent.loop),
                           .relapses = 2,
                           .actions = 7,
                           .circuit_open = true};
    persist_incident(tunnel("a/1"));
    restart();
    i = &tunnel("a/1")->incident;
    assert_int_equal(i->state, INCIDENT_OPEN);
    assert_string_equal(i->id, "of-one");
    assert_int_equal(i->relapses, 2);
    assert_int_equal(i->actions, 7);
    assert_true(i->circuit_open);
    assert_true(i->opened <= now());
    assert_int_equal(tunnel("a/2")->incident.state, INCIDENT_NONE);

    i->state = INCIDENT_RECOVERED; /* it is not open again, and its healthy time begins anew */
    persist_incident(tunnel("a/1"));
    restart();
    i = &tunnel("a/1")->incident;
    assert_int_equal(i->state, INCIDENT_RECOVERED);
    assert_true(i->recovered != 0 && clock_since(i->recovered, now()) < USEC_PER_MIN);

    i->state = INCIDENT_NONE;
    persist_incident(tunnel("a/1"));
    restart();
    assert_int_equal(tunnel("a/1")->incident.state, INCIDENT_NONE);
}

static void test_tunnel_that_is_no_longer_watched(void **state)
{
    struct tunnel *t = tunnel("a/1");

    (void)state;
    t->incident.state = INCIDENT_OPEN;
    (void)str_copy(t->incident.id, INCIDENT_ID_MAX, "of-one");
    t->notified = VERDICT_DOWN;
    persist_incident(t);
    persist_notified(t);
    persist_forget(t);
    restart();
    assert_false(tunnel("a/1")->told);
    assert_int_equal(tunnel("a/1")->incident.state, INCIDENT_NONE);
}

static void test_past_actions(void **state)
{
    struct policy_state *p = &tunnel("a/1")->policy;

    (void)state;
    tunnel("a/1")->incident.state = INCIDENT_OPEN;
    (void)str_copy(tunnel("a/1")->incident.id, INCIDENT_ID_MAX, "of-one");
    p->past[p->n_past++] = (struct guard_past){ACTION_INITIATE, now() - USEC_PER_MIN, false, false};
    p->past[p->n_past++] = (struct guard_past){ACTION_TUNNEL_OPTIONS, now() - USEC_PER_SEC, true, true};
    persist_past(tunnel("a/1"));
    persist_incident(tunnel("a/1"));
    restart();
    p = &tunnel("a/1")->policy;
    assert_int_equal(p->n_past, 2);
    assert_int_equal(p->past[0].action, ACTION_INITIATE);
    assert_false(p->past[0].this_incident || p->past[0].idle);
    assert_true(p->past[1].this_incident && p->past[1].idle);
    assert_true(clock_since(p->past[0].at, now()) >= USEC_PER_MIN);
    assert_int_equal(s.agent.n_past, 2); /* the brake knows of them too */
}

/* After a boot times of before it cannot be told apart any more, and what is long ago must not fill the hour's budget.
 */
static void test_past_actions_over_a_boot(void **state)
{
    usec_t wall = loop_wall(s.agent.loop);
    char value[256];

    (void)state;
    (void)str_format(value, sizeof(value), "initiate %" PRIu64 " 0 initiate %" PRIu64 " 0",
                     wall - now() - USEC_PER_HOUR, wall - 30 * USEC_PER_MIN);
    set("past/a/1", value);
    restart();
    assert_int_equal(tunnel("a/1")->policy.n_past, 1);
    assert_int_equal(s.agent.n_past, 1);
}

static void test_clock_that_was_set_back(void **state)
{
    char value[256];

    (void)state;
    (void)str_format(value, sizeof(value), "reinitiate %" PRIu64 " 0", loop_wall(s.agent.loop) + 5 * USEC_PER_HOUR);
    set("past/a/1", value);
    restart();
    assert_int_equal(tunnel("a/1")->policy.n_past, 1);
    assert_true(tunnel("a/1")->policy.past[0].at <= now());
    assert_true(tunnel("a/1")->policy.last_disturbed <= now());
}

static void test_junk(void **state)
{
    (void)state;
    set("incident/a/1", "only-an-id");
    set("past/a/1", "initiate never 0");
    set("notified/a/1", "SIDEWAYS");
    set("notified/b/9", "DOWN"); /* a tunnel that is gone */
    restart();
    assert_int_equal(tunnel("a/1")->incident.state, INCIDENT_NONE);
    assert_int_equal(tunnel("a/1")->policy.n_past, 0);
    assert_false(tunnel("a/1")->told);
}

#define persist_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        persist_test(test_nothing_is_known_at_first),
        persist_test(test_what_people_were_told),
        persist_test(test_incident),
        persist_test(test_tunnel_that_is_no_longer_watched),
        persist_test(test_past_actions),
        persist_test(test_past_actions_over_a_boot),
        persist_test(test_clock_that_was_set_back),
        persist_test(test_junk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
