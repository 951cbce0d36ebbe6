/* Every route of the control socket, asked of a whole agent that watches two tunnels over loopback. */
#include "agent/agent.h"

#include "base/array.h"
#include "base/http.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <ftw.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE   (20 * USEC_PER_SEC)
#define ANSWER_MAX (1024 * 1024)

#define CONFIG                                                                                                         \
    "mode = repair\n"                                                                                                  \
    "ike \"none\" { type = none }\n"                                                                                   \
    "connection \"aurora-backup\" {\n"                                                                                 \
    "  tunnel \"1\" { outside-address = \"203.0.113.10\"  probe = {\"tcp:127.0.0.1:1\"} }\n"                           \
    "  tunnel \"2\" { outside-address = \"203.0.113.74\"  probe = {\"tcp:127.0.0.1:1\"} }\n"                           \
    "}\n"                                                                                                              \
    "connection \"single\" {\n"                                                                                        \
    "  tunnel \"1\" { outside-address = \"203.0.113.99\"  probe = {\"tcp:127.0.0.1:1\"} }\n"                           \
    "}\n"

static char dir[64], config[128], state_dir[128], sock[128];
static struct loop *loop;
static struct agent *agent;
static struct http *http;

static struct {
    bool done;
    int error;
    long status;
    char body[ANSWER_MAX];
    struct json_object *json;
} got;

static void write_config(const char *text)
{
    FILE *f = fopen(config, "we");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int start(void)
{
    const struct agent_args args = {config, state_dir, dir};

    return agent_new(loop, &args, &agent);
}

static int set_up(void **state)
{
    (void)state;
    log_set_level(LOG_CRIT); /* what the agent says of this configuration is tested elsewhere */
    memset(&got, 0, sizeof(got));
    (void)str_copy(dir, sizeof(dir), "/tmp/rekindle-control-XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)str_format(config, sizeof(config), "%s/rekindle.conf", dir);
    (void)str_format(state_dir, sizeof(state_dir), "%s/state", dir);
    (void)str_format(sock, sizeof(sock), "%s/rekindle.sock", dir);
    write_config(CONFIG);
    assert_int_equal(loop_new(&loop), 0);
    assert_int_equal(http_new(loop, &http), 0);
    assert_int_equal(start(), 0);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    agent = agent_free(agent);
    http = http_free(http);
    loop = loop_free(loop);
    (void)json_object_put(got.json);
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void on_answer(void *data, const struct http_response *r)
{
    (void)data;
    got.done = true;
    got.error = r->error;
    got.status = r->status;
    (void)str_copy(got.body, sizeof(got.body), str_or(r->body, ""));
    (void)json_object_put(got.json);
    got.json = json_tokener_parse(got.body);
}

static void send_request(const char *path, const char *body)
{
    char url[256];
    const struct http_request request = {.method = body ? "POST" : "GET",
                                         .url = url,
                                         .body = body,
                                         .body_len = body ? strlen(body) : 0,
                                         .unix_socket = sock,
                                         .timeout = PATIENCE,
                                         .max_body = ANSWER_MAX};

    (void)str_format(url, sizeof(url), "http://rekindle%s", path);
    got.done = false;
    assert_int_equal(http_send(http, &request, on_answer, NULL, NULL), 0);
}

/* Asks and waits. BODY NULL: GET. */
static void ask(const char *path, const char *body)
{
    send_request(path, body);
    while (!got.done)
        assert_true(loop_turn(loop, PATIENCE) >= 0);
    assert_int_equal(got.error, 0);
}

static void expect(const char *path, const char *body, long status, const char *phrase)
{
    ask(path, body);
    if (got.status != status || !strstr(got.body, phrase))
        fail_msg("%s %s: %ld %s", path, str_or(body, ""), got.status, got.body);
    if (status != 200)
        assert_true(json_object_object_get_ex(got.json, "error", NULL));
}

static struct json_object *member(struct json_object *o, const char *name)
{
    struct json_object *v = NULL;

    if (!json_object_object_get_ex(o, name, &v))
        fail_msg("there is no \"%s\" in %s", name, json_object_to_json_string(o));
    return v;
}

static struct json_object *tunnel_of(size_t i)
{
    ask("/v1/status", NULL);
    assert_int_equal(got.status, 200);
    return json_object_array_get_idx(member(got.json, "tunnels"), i);
}

static bool is_paused(struct json_object *o)
{
    return member(o, "paused_until") != NULL;
}

static void test_status_has_what_is_documented(void **state)
{
    static const char *const all[] = {"schema", "version",     "mode",   "now",     "started", "paused_until",
                                      "uplink", "store_works", "alerts", "daemons", "tunnels"};
    static const char *const one[] = {
        "connection", "tunnel",       "outside_address", "vpn_connection_id", "verdict",       "suspect", "cause",
        "cause_text", "fix",          "since",           "for_seconds",       "expected_down", "loss",    "rtt_ms",
        "probes",     "paused_until", "incident",        "decision",          "under_way",     "aws",     "ike",
        "evidence"};
    struct json_object *t;

    (void)state;
    t = tunnel_of(1);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        (void)member(got.json, all[i]);
    for (size_t i = 0; i < ARRAY_LEN(one); i++)
        (void)member(t, one[i]);
    assert_int_equal(json_object_object_length(got.json), ARRAY_LEN(all));
    assert_int_equal(json_object_object_length(t), ARRAY_LEN(one));
    assert_string_equal(json_object_get_string(member(got.json, "schema")), "rekindle.status/1");
    assert_int_equal(json_object_array_length(member(got.json, "tunnels")), 3);
    assert_string_equal(json_object_get_string(member(t, "outside_address")), "203.0.113.74");
}

static void test_numbers_are_short(void **state)
{
    (void)state;
    do { /* until something is measured */
        struct json_object *t = tunnel_of(0);

        if (!strstr(json_object_get_string(member(t, "verdict")), "UP"))
            assert_true(loop_turn(loop, PATIENCE) >= 0);
        else if (member(t, "rtt_ms"))
            break;
    } while (true);
    assert_null(strstr(got.body, "00000000"));
    assert_null(strstr(got.body, "99999999"));
}

static void test_health(void **state)
{
    (void)state;
    ask("/healthz", NULL);
    assert_int_equal(got.status, 200);
    assert_string_equal(got.body, "ok\n");
}

static void test_history(void **state)
{
    struct json_object *entries, *e;

    (void)state;
    ask("/v1/history", NULL);
    assert_string_equal(json_object_get_string(member(got.json, "schema")), "rekindle.history/1");
    expect("/v1/test-alert", "{}", 200, "A test alert was handed to 0 targets.");
    expect("/v1/test-alert", "", 200, "test alert");
    ask("/v1/history?limit=1", NULL);
    entries = member(got.json, "entries");
    assert_int_equal(json_object_array_length(entries), 1);
    e = json_object_array_get_idx(entries, 0);
    assert_int_equal(json_object_object_length(e), 6);
    assert_string_equal(json_object_get_string(member(e, "kind")), "test");
    (void)member(e, "at");
    (void)member(e, "incident");
    (void)member(e, "connection");
    (void)member(e, "tunnel");
    (void)member(e, "text");
    expect("/v1/history?limit=10000", NULL, 200, "entries");
    expect("/v1/history?limit=0", NULL, 400, "from 1 to 10000");
    expect("/v1/history?limit=10001", NULL, 400, "from 1 to 10000");
    expect("/v1/history?limit=x", NULL, 400, "from 1 to 10000");
}

static void test_repair(void **state)
{
    (void)state;
    expect("/v1/repair", "{}", 404, "No such tunnel: none given");
    expect("/v1/repair", "{\"tunnel\":null}", 404, "none given");
    expect("/v1/repair", "{\"tunnel\":\"aurora-backup/3\"}", 404, "No such tunnel: aurora-backup/3.");
    expect("/v1/repair", "{\"tunnel\":\"aurora-backup\"}", 404, "No such tunnel"); /* which of its two? */
    expect("/v1/repair", "{\"tunnel\":\"single\",\"action\":\"hold\"}", 400, "No such action: hold.");
    expect("/v1/repair", "{\"tunnel\":\"single\",\"action\":\"dance\"}", 400, "recreate-probe, initiate, reinitiate");
    expect("/v1/repair", "{\"tunnel\":\"single\",\"dry_run\":true}", 200, "\"accepted\":false");
    expect("/v1/repair", "{\"tunnel\":\"203.0.113.10\",\"action\":\"initiate\"}", 200, "\"decision\":\"hold\"");
    assert_true(json_object_get_string_len(member(got.json, "text")) > 0);
}

static void test_slips_of_the_pen_order_nothing(void **state)
{
    static const char *const cases[][3] = {
        {"/v1/repair", "{\"tunnel\":\"single\",\"dry-run\":true}", "dry-run: there is no such member."},
        {"/v1/repair", "{\"tunnel\":\"single\",\"dry_run\":\"yes\"}", "dry_run: true or false is wanted."},
        {"/v1/repair", "{\"tunnel\":1}", "tunnel: a text is wanted."},
        {"/v1/pause", "{\"scoope\":\"single\"}", "scoope: there is no such member."},
        {"/v1/pause", "{\"scope\":[\"single\"]}", "scope: a text is wanted."},
        {"/v1/pause", "{\"for_seconds\":\"600\"}", "for_seconds: a whole number is wanted."},
        {"/v1/pause", "{\"for_seconds\":1.5}", "for_seconds: a whole number is wanted."},
        {"/v1/pause", "{\"for_seconds\":0}", "for_seconds: a number from 1"},
        {"/v1/pause", "{\"for_seconds\":-1}", "for_seconds: a number from 1"},
        {"/v1/pause", "{\"for_seconds\":604801}", "after 7 d at the latest"},
        {"/v1/pause", "{\"for_seconds\":18446744073710}", "after 7 d at the latest"}, /* wraps in microseconds */
        {"/v1/pause", "{\"for_seconds\":99999999999999999999999}", "after 7 d at the latest"},
        {"/v1/resume", "{\"for_seconds\":1}", "for_seconds: there is no such member."},
        {"/v1/approve", "{\"id\":true}", "id: a text is wanted."},
        {"/v1/test-alert", "{\"x\":1}", "x: there is no such member."},
        {"/v1/reload", "{\"x\":1}", "x: there is no such member."},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect(cases[i][0], cases[i][1], 400, cases[i][2]);
    assert_false(is_paused(tunnel_of(0)));
    assert_false(is_paused(got.json));
}

static void test_pause_of_everything_outlives_the_process(void **state)
{
    (void)state;
    expect("/v1/pause", "{\"for_seconds\":600}", 200, "Repairs are paused for 10 min, until ");
    assert_false(is_paused(tunnel_of(0)));
    assert_true(is_paused(got.json));
    agent = agent_free(agent);
    assert_int_equal(start(), 0);
    (void)tunnel_of(0);
    assert_true(is_paused(got.json));
    expect("/v1/resume", "", 200, "Repairs are no longer paused.");
    (void)tunnel_of(0);
    assert_false(is_paused(got.json));
}

static void test_pause_of_a_tunnel_and_a_connection(void **state)
{
    (void)state;
    expect("/v1/pause", "{\"scope\":\"nix\"}", 404, "No such tunnel or connection: nix.");
    expect("/v1/pause", "{\"scope\":\"aurora-backup/2\"}", 200, "Repairs of aurora-backup/2 are paused for 1 h");
    assert_true(is_paused(tunnel_of(1)));
    assert_false(is_paused(tunnel_of(0)));
    assert_false(is_paused(got.json));
    expect("/v1/pause", "{\"scope\":\"aurora-backup\",\"for_seconds\":60}", 200, "for 1 min");
    assert_true(is_paused(tunnel_of(0)));
    assert_true(is_paused(tunnel_of(1)));
    assert_false(is_paused(tunnel_of(2)));
    expect("/v1/pause", "{\"scope\":\"single\"}", 200, "single");
    expect("/v1/resume", "{\"scope\":\"203.0.113.10\"}", 200, "Repairs of 203.0.113.10 are no longer paused.");
    assert_false(is_paused(tunnel_of(0)));
    assert_true(is_paused(tunnel_of(1)));
    expect("/v1/pause", "{}", 200, "Repairs are paused");
    expect("/v1/resume", "{\"scope\":\"single\"}", 200, "but all repairs still are.");
    expect("/v1/resume", "{}", 200, "Repairs are no longer paused."); /* of everything: of each tunnel too */
    assert_false(is_paused(tunnel_of(1)));
    assert_false(is_paused(got.json));
}

static void test_approve_where_nothing_waits(void **state)
{
    (void)state;
    expect("/v1/approve", "{}", 404, "Nothing waits for approval.");
    expect("/v1/approve", "{\"id\":\"20261124-1\"}", 404, "Nothing waits for approval under 20261124-1.");
}

static void test_reload(void **state)
{
    (void)state;
    write_config(CONFIG "nonsense = 1\n");
    expect("/v1/reload", "", 409, "nonsense");
    (void)tunnel_of(0);
    assert_string_equal(json_object_get_string(member(got.json, "mode")), "repair"); /* the old one is in force */
    write_config("mode = observe\nconnection \"single\" {\n"
                 "  tunnel \"1\" { outside-address = \"203.0.113.99\"  probe = {\"tcp:127.0.0.1:1\"} }\n}\n");
    expect("/v1/reload", "{}", 200, "The configuration was read again and is in force.");
    (void)tunnel_of(0);
    assert_string_equal(json_object_get_string(member(got.json, "mode")), "observe");
    assert_int_equal(json_object_array_length(member(got.json, "tunnels")), 1);
}

/* At every moment of a request whose answer comes from the store. */
static void test_ends_while_somebody_waits_for_history(void **state)
{
    (void)state;
    for (int turns = 0; turns < 12; turns++) {
        send_request("/v1/history", NULL);
        for (int i = 0; i < turns; i++)
            assert_true(loop_turn(loop, USEC_PER_MSEC) >= 0);
        agent = agent_free(agent);
        while (!got.done)
            assert_true(loop_turn(loop, PATIENCE) >= 0);
        assert_int_equal(start(), 0);
    }
}

static void test_second_agent_is_refused(void **state)
{
    const struct agent_args args = {config, state_dir, dir};
    struct agent *other = NULL;

    (void)state;
    assert_int_equal(agent_new(loop, &args, &other), -EADDRINUSE);
    assert_null(other);
    expect("/healthz", NULL, 200, "ok");
}

#define control_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        control_test(test_status_has_what_is_documented),
        control_test(test_numbers_are_short),
        control_test(test_health),
        control_test(test_history),
        control_test(test_repair),
        control_test(test_slips_of_the_pen_order_nothing),
        control_test(test_pause_of_everything_outlives_the_process),
        control_test(test_pause_of_a_tunnel_and_a_connection),
        control_test(test_approve_where_nothing_waits),
        control_test(test_reload),
        control_test(test_ends_while_somebody_waits_for_history),
        control_test(test_second_agent_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
