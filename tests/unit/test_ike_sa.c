/* What the probe makes of a daemon that answers, changes, hangs, dies, comes back, or talks nonsense. */
#include "probes/ike_sa.h"

#include "tests/unit/fake_charon.h"

#include <sys/stat.h>

#define POLL_NEVER USEC_PER_HOUR /* only what else makes it ask */
#define POLL_FAST  (20 * USEC_PER_MSEC)
#define NOBODY     65534
#define LATE       (80 * USEC_PER_MSEC)

/* How list-sas is answered. */
enum mode {
    MODE_WELL,
    MODE_HALF,    /* one of two SAs, then silence */
    MODE_LATE,    /* well, after LATE */
    MODE_GARBAGE, /* an SA that cannot be */
    MODE_REFUSE,  /* success=no */
    MODE_HANG_UP,
};

static struct {
    struct fake_charon charon;
    enum mode mode;
    unsigned n_sas, n_conns;
    struct loop_timer *late;
    struct ike_sa_probe *probe;
    unsigned news;
    bool free_on_news, no_version;
} t;

static void put_sa(struct strbuf *b, unsigned id, const char *state)
{
    vici_put_section(b, "aws-1");
    vici_put_valuef(b, "uniqueid", "%u", id);
    vici_put_value(b, "version", "2");
    vici_put_value(b, "state", state);
    vici_put_value(b, "local-host", "198.51.100.2");
    vici_put_value(b, "remote-host", "203.0.113.10");
    vici_put_section_end(b);
}

static void send_sa(struct charon_peer *p, unsigned id)
{
    cleanup(strbuf_done) struct strbuf b;

    strbuf_init(&b, 4096);
    put_sa(&b, id, "ESTABLISHED");
    charon_send(p, VICI_EVENT, "list-sa", &b);
}

static void send_garbage(struct charon_peer *p)
{
    cleanup(strbuf_done) struct strbuf b;

    strbuf_init(&b, 4096);
    put_sa(&b, 0, "ESTABLISHED"); /* without an id */
    charon_send(p, VICI_EVENT, "list-sa", &b);
}

static void answer_sas(struct charon_peer *p)
{
    switch (t.mode) {
    case MODE_WELL:
        for (unsigned i = 0; i < t.n_sas; i++)
            send_sa(p, i + 1);
        charon_answer(p, NULL);
        return;
    case MODE_LATE:
        loop_timer_in(t.late, LATE);
        return;
    case MODE_HALF:
        send_sa(p, 77);
        return;
    case MODE_GARBAGE:
        send_garbage(p);
        send_sa(p, 1);
        charon_answer(p, NULL);
        return;
    case MODE_REFUSE:
        charon_answer_failed(p, "not today");
        return;
    case MODE_HANG_UP:
        charon_drop(p);
        return;
    }
}

static void answer_conns(struct charon_peer *p)
{
    for (unsigned i = 0; i < t.n_conns; i++) {
        cleanup(strbuf_done) struct strbuf b;
        char name[16];

        strbuf_init(&b, 4096);
        assert_true(str_format(name, sizeof(name), "aws-%u", i + 1));
        vici_put_section(&b, name);
        vici_put_value(&b, "version", "IKEv2");
        vici_put_section_end(&b);
        charon_send(p, VICI_EVENT, "list-conn", &b);
    }
    charon_answer(p, NULL);
}

static void answer_version(struct charon_peer *p)
{
    cleanup(strbuf_done) struct strbuf b;

    strbuf_init(&b, 4096);
    vici_put_value(&b, "daemon", "charon-systemd");
    vici_put_value(&b, "version", "5.9.8");
    charon_answer(p, &b);
}

static void serve(struct charon_peer *p, const char *command, struct rd message)
{
    assert_int_equal(rd_left(&message), 0);
    if (str_eq(command, "version") && t.no_version)
        charon_send(p, VICI_CMD_UNKNOWN, NULL, NULL);
    else if (str_eq(command, "version"))
        answer_version(p);
    else if (str_eq(command, "list-conns"))
        answer_conns(p);
    else if (str_eq(command, "list-sas"))
        answer_sas(p);
    else
        fail_msg("asked for %s", command);
}

static void on_news(void *data, struct ike_sa_probe *p)
{
    assert_ptr_equal(data, &t);
    t.news++;
    if (t.free_on_news)
        t.probe = ike_sa_probe_free(p);
}

static int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    t.n_sas = 2;
    t.n_conns = 1;
    charon_new(&t.charon, serve);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    t.probe = ike_sa_probe_free(t.probe);
    charon_done(&t.charon);
    return 0;
}

static void start_probe(usec_t poll_interval)
{
    unsigned before = t.news;

    assert_int_equal(ike_sa_probe_new(t.charon.loop, t.charon.path, poll_interval, on_news, &t, &t.probe), 0);
    assert_int_equal(ike_sa_probe_daemon(t.probe), IKE_DAEMON_UNKNOWN);
    assert_int_equal(t.news, before); /* nothing comes from within */
}

static void wait_for(enum ike_daemon_state state)
{
    charon_until(&t.charon, ike_sa_probe_daemon(t.probe) == state);
}

static void wait_for_news(void)
{
    unsigned before = t.news;

    charon_until(&t.charon, t.news > before);
}

/* A probe of a daemon that answers. */
static void start(usec_t poll_interval)
{
    charon_start(&t.charon, 8);
    start_probe(poll_interval);
    wait_for(IKE_DAEMON_OK);
}

static void test_reads_everything_before_the_first_news(void **state)
{
    (void)state;
    charon_start(&t.charon, 8);
    start_probe(POLL_NEVER);
    assert_int_equal(ike_sa_probe_sas(t.probe)->n, 0);
    assert_int_equal(ike_sa_probe_when(t.probe), 0);
    assert_string_equal(ike_sa_probe_version(t.probe), "");
    wait_for_news();
    assert_int_equal(ike_sa_probe_daemon(t.probe), IKE_DAEMON_OK);
    assert_int_equal(ike_sa_probe_sas(t.probe)->n, 2);
    assert_int_equal(ike_sa_probe_sas(t.probe)->sas[1].unique_id, 2);
    assert_int_equal(ike_sa_probe_conns(t.probe)->n, 1);
    assert_string_equal(ike_sa_probe_version(t.probe), "charon-systemd 5.9.8");
    assert_true(ike_sa_probe_when(t.probe) > 0);
    assert_true(ike_sa_probe_rtt(t.probe) <= VICI_DEADLINE);
    assert_int_equal(t.charon.n_accepted, 1);
}

static void test_daemon_without_a_version_will_do(void **state)
{
    (void)state;
    t.no_version = true;
    start(POLL_NEVER);
    assert_string_equal(ike_sa_probe_version(t.probe), "");
    assert_int_equal(ike_sa_probe_sas(t.probe)->n, 2);
}

static void test_polls(void **state)
{
    (void)state;
    start(POLL_FAST);
    t.n_sas = 3;
    t.n_conns = 2;
    charon_until(&t.charon, ike_sa_probe_sas(t.probe)->n == 3 && ike_sa_probe_conns(t.probe)->n == 2);
    t.n_sas = 0;
    charon_until(&t.charon, ike_sa_probe_sas(t.probe)->n == 0);
    assert_int_equal(charon_count(&t.charon, "version"), 1);
}

static void test_every_event_brings_news_at_once(void **state)
{
    static const char *const events[] = {"ike-updown", "child-updown", "ike-rekey", "child-rekey"};

    (void)state;
    start(POLL_NEVER);
    for (unsigned i = 0; i < ARRAY_LEN(events); i++) {
        t.n_sas = 3 + i;
        charon_raise(&t.charon, events[i]);
        charon_until(&t.charon, ike_sa_probe_sas(t.probe)->n == 3 + i);
    }
    assert_int_equal(charon_count(&t.charon, "list-conns"), 1);
}

/* An event that comes while a list is read is not forgotten: the list may be from before it. */
static void test_event_during_a_list_brings_another(void **state)
{
    size_t lists;

    (void)state;
    start(POLL_NEVER);
    lists = charon_count(&t.charon, "list-sas");
    t.mode = MODE_HALF;
    ike_sa_probe_refresh(t.probe);
    charon_until(&t.charon, charon_count(&t.charon, "list-sas") == lists + 1);
    t.mode = MODE_WELL;
    t.n_sas = 4;
    charon_raise(&t.charon, "child-updown");
    for (size_t i = 0; i < CHARON_PEERS_MAX; i++)
        if (t.charon.peers[i].io)
            charon_answer(&t.charon.peers[i], NULL);
    wait_for_news();
    assert_int_equal(ike_sa_probe_sas(t.probe)->n, 1); /* that list: 77 */
    wait_for_news();
    assert_int_equal(ike_sa_probe_sas(t.probe)->n, 4);
    assert_int_equal(charon_count(&t.charon, "list-sas"), lists + 2);
}

/* How many lists are asked for while events come without pause. */
static size_t count_lists(usec_t span)
{
    size_t before = charon_count(&t.charon, "list-sas");
    usec_t end = clock_now(clock_system()) + span;

    while (clock_now(clock_system()) < end) {
        charon_raise(&t.charon, "child-updown");
        ike_sa_probe_refresh(t.probe);
        assert_true(loop_turn(t.charon.loop, 0) >= 0);
    }
    return charon_count(&t.charon, "list-sas") - before;
}

static void test_event_storm_is_bounded(void **state)
{
    size_t lists;

    (void)state;
    start(POLL_NEVER);
    lists = count_lists(300 * USEC_PER_MSEC);
    assert_in_range(lists, 2, 7);
}

static void answer_late(void *data, usec_t now)
{
    (void)data;
    (void)now;
    for (size_t i = 0; i < CHARON_PEERS_MAX; i++)
        if (t.charon.peers[i].io)
            charon_answer(&t.charon.peers[i], NULL);
}

/* One that takes long for its answers has much to do, and is asked less often. */
static void test_slow_daemon_is_left_alone(void **state)
{
    size_t lists;

    (void)state;
    assert_int_equal(loop_timer_new(t.charon.loop, answer_late, NULL, &t.late), 0);
    start(POLL_NEVER);
    t.mode = MODE_LATE;
    lists = count_lists(6 * LATE);
    t.late = loop_timer_free(t.late);
    assert_in_range(lists, 1, 3);
}

static void test_refreshes_are_coalesced(void **state)
{
    size_t lists;

    (void)state;
    start(POLL_NEVER);
    charon_pass(&t.charon, 60 * USEC_PER_MSEC);
    lists = charon_count(&t.charon, "list-sas");
    for (unsigned i = 0; i < 100; i++)
        ike_sa_probe_refresh(t.probe);
    wait_for_news();
    charon_pass(&t.charon, 120 * USEC_PER_MSEC);
    assert_int_equal(charon_count(&t.charon, "list-sas"), lists + 1);
}

/* A daemon that has just started gets its connections a little later, without an event. */
static void test_refresh_reads_old_connections_again(void **state)
{
    (void)state;
    start(POLL_NEVER);
    t.n_conns = 2;
    ike_sa_probe_refresh(t.probe);
    wait_for_news();
    assert_int_equal(ike_sa_probe_conns(t.probe)->n, 1); /* not at each */
    do {
        ike_sa_probe_refresh(t.probe);
        wait_for_news();
    } while (ike_sa_probe_conns(t.probe)->n == 1);
    assert_int_equal(charon_count(&t.charon, "list-conns"), 2);
}

static void test_hung_daemon_keeps_the_last_whole_list(void **state)
{
    usec_t when;

    (void)state;
    start(POLL_NEVER);
    when = ike_sa_probe_when(t.probe);
    t.mode = MODE_HALF;
    ike_sa_probe_refresh(t.probe);
    wait_for_news();
    assert_int_equal(ike_sa_probe_daemon(t.probe), IKE_DAEMON_HUNG);
    assert_int_equal(ike_sa_probe_sas(t.probe)->n, 2);
    assert_int_equal(ike_sa_probe_sas(t.probe)->sas[0].unique_id, 1);
    assert_true(ike_sa_probe_when(t.probe) == when);
}

static void test_stopped_daemon_is_hung_and_comes_back(void **state)
{
    size_t asked;

    (void)state;
    start(POLL_NEVER);
    charon_set_stopped(&t.charon, true);
    for (unsigned i = 0; i < 20; i++)
        ike_sa_probe_refresh(t.probe);
    wait_for(IKE_DAEMON_HUNG);
    asked = t.charon.n_asked;
    charon_pass(&t.charon, USEC_PER_SEC);
    t.n_sas = 5;
    charon_set_stopped(&t.charon, false);
    wait_for(IKE_DAEMON_OK);
    assert_int_equal(ike_sa_probe_sas(t.probe)->n, 5);
    assert_true(t.charon.n_asked <= asked + 3); /* nothing piled up */
    assert_int_equal(t.charon.n_accepted, 1);
}

static void test_full_backlog_is_hung(void **state)
{
    struct sockaddr_un to;
    int fds[4];
    size_t n = 0;

    (void)state;
    charon_start(&t.charon, 0);
    charon_set_stopped(&t.charon, true);
    do {
        assert_true(n < ARRAY_LEN(fds));
        fds[n] = charon_socket(&t.charon, &to);
    } while (connect(fds[n++], (const struct sockaddr *)&to, sizeof(to)) == 0);
    start_probe(POLL_NEVER);
    wait_for(IKE_DAEMON_HUNG);
    for (size_t i = 0; i < n; i++)
        (void)close(fds[i]);
    charon_set_stopped(&t.charon, false);
    wait_for(IKE_DAEMON_OK);
}

static void test_dead_daemon_comes_back(void **state)
{
    (void)state;
    start_probe(POLL_NEVER);
    wait_for(IKE_DAEMON_DEAD); /* it has no socket yet */
    assert_int_equal(t.news, 1);
    charon_start(&t.charon, 8);
    wait_for(IKE_DAEMON_OK);
    charon_die(&t.charon);
    wait_for(IKE_DAEMON_DEAD); /* without being asked */
    assert_int_equal(ike_sa_probe_sas(t.probe)->n, 2);
    t.n_sas = 0;
    t.n_conns = 3;
    charon_start(&t.charon, 8);
    wait_for(IKE_DAEMON_OK);
    charon_until(&t.charon, ike_sa_probe_conns(t.probe)->n == 3);
    assert_int_equal(ike_sa_probe_sas(t.probe)->n, 0);
    charon_until(&t.charon, charon_count(&t.charon, "version") == 2);
}

static void test_refused_socket_is_denied(void **state)
{
    bool root = geteuid() == 0;

    (void)state;
    charon_start(&t.charon, 8);
    assert_int_equal(chmod(t.charon.dir, 0), 0);
    if (root)
        assert_int_equal(seteuid(NOBODY), 0);
    start_probe(POLL_NEVER);
    wait_for(IKE_DAEMON_DENIED);
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(t.charon.dir, 0700), 0);
    wait_for(IKE_DAEMON_OK);
}

static void assert_unknown(enum mode mode)
{
    start(POLL_NEVER);
    t.mode = mode;
    ike_sa_probe_refresh(t.probe);
    wait_for(IKE_DAEMON_UNKNOWN);
    assert_int_equal(ike_sa_probe_sas(t.probe)->n, 2);
    t.mode = MODE_WELL;
    t.n_sas = 1;
    wait_for(IKE_DAEMON_OK);
    assert_int_equal(ike_sa_probe_sas(t.probe)->n, 1);
}

static void test_nonsense_is_unknown_and_not_an_empty_list(void **state)
{
    (void)state;
    assert_unknown(MODE_GARBAGE);
}

static void test_refusal_is_unknown_and_not_an_empty_list(void **state)
{
    (void)state;
    assert_unknown(MODE_REFUSE);
}

static void test_one_that_always_hangs_up_is_hung(void **state)
{
    (void)state;
    start(POLL_NEVER);
    t.mode = MODE_HANG_UP;
    ike_sa_probe_refresh(t.probe);
    wait_for(IKE_DAEMON_HUNG);
    assert_true(charon_count(&t.charon, "list-sas") >= 3); /* the first time tells nothing yet */
    t.mode = MODE_WELL;
    wait_for(IKE_DAEMON_OK);
}

static void test_freed_by_its_own_news(void **state)
{
    (void)state;
    charon_start(&t.charon, 8);
    t.free_on_news = true;
    start_probe(POLL_FAST);
    wait_for_news();
    assert_null(t.probe);
    charon_until(&t.charon, charon_n_peers(&t.charon) == 0);
    charon_die(&t.charon);
    start_probe(POLL_FAST);
}

static void test_freed_by_the_news_of_a_death(void **state)
{
    (void)state;
    t.free_on_news = true;
    start_probe(POLL_FAST);
    wait_for_news();
    assert_null(t.probe);
    assert_null(ike_sa_probe_free(NULL));
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(ike_daemon_state_name(IKE_DAEMON_UNKNOWN), "unknown");
    assert_string_equal(ike_daemon_state_name(IKE_DAEMON_OK), "ok");
    assert_string_equal(ike_daemon_state_name(IKE_DAEMON_DEAD), "dead");
    assert_string_equal(ike_daemon_state_name(IKE_DAEMON_HUNG), "hung");
    assert_string_equal(ike_daemon_state_name(IKE_DAEMON_DENIED), "denied");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reads_everything_before_the_first_news),
        TEST(test_daemon_without_a_version_will_do),
        TEST(test_polls),
        TEST(test_every_event_brings_news_at_once),
        TEST(test_event_during_a_list_brings_another),
        TEST(test_event_storm_is_bounded),
        TEST(test_slow_daemon_is_left_alone),
        TEST(test_refreshes_are_coalesced),
        TEST(test_refresh_reads_old_connections_again),
        TEST(test_hung_daemon_keeps_the_last_whole_list),
        TEST(test_stopped_daemon_is_hung_and_comes_back),
        TEST(test_full_backlog_is_hung),
        TEST(test_dead_daemon_comes_back),
        TEST(test_refused_socket_is_denied),
        TEST(test_nonsense_is_unknown_and_not_an_empty_list),
        TEST(test_refusal_is_unknown_and_not_an_empty_list),
        TEST(test_one_that_always_hangs_up_is_hung),
        TEST(test_freed_by_its_own_news),
        TEST(test_freed_by_the_news_of_a_death),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
