/* Alerts as a receiver sees them, and the names by which the journal knows events. */
#include "agent/alert.h"

#include "base/file.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <string.h>

static struct event event(enum event_kind kind)
{
    struct event e = {
        .kind = kind,
        .id = "0b5a1d9c-2f6e-4c83-9d41-7e35a8c0b1f2",
        .wall = UINT64_C(1795508700123000),
        .host = "gw-dublin",
        .connection = "aurora-backup",
        .tunnel = "1",
        .incident = "5c1e7f00-93ab-4d12-8a64-1b0f2e9d7c35",
        .verdict = VERDICT_DOWN,
        .previous = VERDICT_UP,
        .cause = CAUSE_BOTH_SIDES_WAITING,
        .text = "DOWN: The endpoint answers and nobody initiates.",
    };

    assert_int_equal(addr_parse("203.0.113.10", &e.outside), 0);
    return e;
}

static struct event host_event(enum event_kind kind, bool good)
{
    return (struct event){.kind = kind, .id = "x", .wall = 1, .host = "gw-dublin", .good = good, .text = "A sentence."};
}

static struct json_object *format(const struct event *e, struct strbuf *b)
{
    struct json_object *o;

    strbuf_init(b, 16384);
    alert_format_webhook(e, b);
    assert_false(b->bad);
    o = json_tokener_parse(strbuf_text(b));
    assert_non_null(o);
    return o;
}

/* The member of data as text; "null" where it is null. Fails where it is missing. */
static const char *member(struct json_object *o, const char *name)
{
    struct json_object *data, *v;

    assert_true(json_object_object_get_ex(o, "data", &data));
    assert_true(json_object_object_get_ex(data, name, &v));
    return v ? json_object_get_string(v) : "null";
}

static void assert_member(const struct event *e, const char *name, const char *wanted)
{
    struct strbuf b;
    struct json_object *o = format(e, &b);

    assert_string_equal(member(o, name), wanted);
    (void)json_object_put(o);
    strbuf_done(&b);
}

static void test_body_is_the_one_in_the_manual(void **state)
{
    struct event e = event(EVENT_VERDICT);
    struct strbuf page, b;
    const char *start, *end;
    char *text;
    struct json_object *example, *o = format(&e, &b);

    (void)state;
    strbuf_init(&page, 65536);
    assert_int_equal(file_read("docs/alerts.md", &page), 0);
    start = strstr(strbuf_text(&page), "```json\n");
    assert_non_null(start);
    start += strlen("```json\n");
    end = strstr(start, "```");
    assert_non_null(end);
    text = strndup(start, (size_t)(end - start));
    example = json_tokener_parse(text);
    assert_non_null(example);
    /* The same members in the same order, and nothing but them. */
    assert_string_equal(strbuf_text(&b), json_object_to_json_string_ext(example, JSON_C_TO_STRING_PLAIN |
                                                                                     JSON_C_TO_STRING_NOSLASHESCAPE));
    (void)json_object_put(example);
    (void)json_object_put(o);
    free(text);
    strbuf_done(&page);
    strbuf_done(&b);
}

static void test_manual_knows_every_type(void **state)
{
    static const enum verdict verdicts[] = {VERDICT_UP, VERDICT_DEGRADED, VERDICT_DOWN};
    struct strbuf page;
    char wanted[64];

    (void)state;
    strbuf_init(&page, 65536);
    assert_int_equal(file_read("docs/alerts.md", &page), 0);
    for (enum event_kind k = 0; k < EVENT_KIND_MAX_; k++) {
        if (k == EVENT_CAUSE) /* never alerted */
            continue;
        for (int i = 0; i < 3; i++) {
            struct event e = event(k);

            e.verdict = verdicts[i];
            e.good = i == 1;
            (void)str_format(wanted, sizeof(wanted), "`%s`", alert_type(&e));
            assert_non_null(strstr(strbuf_text(&page), wanted));
        }
    }
    strbuf_done(&page);
}

static void test_types(void **state)
{
    struct event e = event(EVENT_VERDICT);

    (void)state;
    assert_string_equal(alert_type(&e), "tunnel.down");
    e.verdict = VERDICT_DEGRADED;
    assert_string_equal(alert_type(&e), "tunnel.degraded");
    e.verdict = VERDICT_UP;
    assert_string_equal(alert_type(&e), "tunnel.up");
    e.kind = EVENT_ACTION;
    assert_string_equal(alert_type(&e), "action.started");
    e.kind = EVENT_OUTCOME;
    assert_string_equal(alert_type(&e), "action.finished");
    e.kind = EVENT_DECISION;
    assert_string_equal(alert_type(&e), "approval.needed");
    e = host_event(EVENT_UPLINK, false);
    assert_string_equal(alert_type(&e), "uplink.down");
    e.good = true;
    assert_string_equal(alert_type(&e), "uplink.up");
    e.kind = EVENT_TEST;
    assert_string_equal(alert_type(&e), "test");
}

static void test_summaries(void **state)
{
    struct event e = event(EVENT_VERDICT);

    (void)state;
    assert_member(&e, "summary", "aurora-backup tunnel 1 (203.0.113.10) is DOWN: both-sides-waiting");
    e.verdict = VERDICT_UP;
    assert_member(&e, "summary", "aurora-backup tunnel 1 (203.0.113.10) is UP");
    e.lasted = 200 * USEC_PER_SEC;
    assert_member(&e, "summary", "aurora-backup tunnel 1 (203.0.113.10) is UP again after 3 min 20 s");
    e = event(EVENT_ACTION);
    e.action = ACTION_TUNNEL_OPTIONS;
    assert_member(&e, "summary", "aurora-backup tunnel 1 (203.0.113.10): tunnel-options begun");
    e.kind = EVENT_DECISION;
    assert_member(&e, "summary", "aurora-backup tunnel 1 (203.0.113.10): tunnel-options waits for approval");
    e.kind = EVENT_OUTCOME;
    assert_member(&e, "summary", "aurora-backup tunnel 1 (203.0.113.10): tunnel-options did not succeed");
    e.good = true;
    assert_member(&e, "summary", "aurora-backup tunnel 1 (203.0.113.10): tunnel-options worked");
    e = host_event(EVENT_UPLINK, false);
    assert_member(&e, "summary", "gw-dublin has lost its uplink");
    e = host_event(EVENT_UPLINK, true);
    assert_member(&e, "summary", "gw-dublin has its uplink back");
    e = host_event(EVENT_TEST, true);
    assert_member(&e, "summary", "Test alert of Rekindle on gw-dublin: nothing is wrong");
    e.host[0] = '\0';
    assert_member(&e, "summary", "Test alert of Rekindle: nothing is wrong");
    assert_member(&e, "host", "null");
    e = host_event(EVENT_UPLINK, false);
    e.host[0] = '\0';
    assert_member(&e, "summary", "The gateway has lost its uplink");
}

static void test_severities(void **state)
{
    struct event e = event(EVENT_VERDICT);

    (void)state;
    assert_member(&e, "severity", "critical");
    e.cause = CAUSE_UNDETERMINED; /* nobody knows why: people should look */
    assert_member(&e, "severity", "critical");
    e.cause = CAUSE_AWS_MODIFYING;
    assert_member(&e, "severity", "warning");
    e.cause = CAUSE_BOTH_SIDES_WAITING;
    e.verdict = VERDICT_DEGRADED;
    assert_member(&e, "severity", "warning");
    e.verdict = VERDICT_UP;
    assert_member(&e, "severity", "fine");
    e = event(EVENT_ACTION);
    assert_member(&e, "severity", "info");
    e.kind = EVENT_OUTCOME;
    assert_member(&e, "severity", "warning");
    e.good = true;
    assert_member(&e, "severity", "info");
    e.kind = EVENT_DECISION;
    assert_member(&e, "severity", "warning");
    e = host_event(EVENT_UPLINK, false);
    assert_member(&e, "severity", "critical");
    e = host_event(EVENT_UPLINK, true);
    assert_member(&e, "severity", "fine");
}

static void test_what_does_not_apply_is_null(void **state)
{
    static const char *const names[] = {"connection", "tunnel",    "outside_address", "verdict",  "previous",
                                        "cause",      "succeeded", "lasted_ms",       "incident", "action"};
    struct event e = host_event(EVENT_TEST, true);

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_member(&e, names[i], "null");
    assert_member(&e, "text", "A sentence.");
    e = event(EVENT_OUTCOME);
    e.action = ACTION_INITIATE;
    e.lasted = 1234567;
    assert_member(&e, "previous", "null");
    assert_member(&e, "verdict", "DOWN");
    assert_member(&e, "succeeded", "false");
    assert_member(&e, "lasted_ms", "1234");
    assert_member(&e, "action", "initiate");
}

static void test_texts_are_utf8_on_one_line(void **state)
{
    struct event e = event(EVENT_VERDICT);

    (void)state;
    (void)str_copy(e.text, sizeof(e.text), "Gr\xC3\xBC\xC3\x9F \"so\" \\ <b> 100% /x");
    assert_member(&e, "text", "Gr\xC3\xBC\xC3\x9F \"so\" \\ <b> 100% /x");
    (void)str_copy(e.text, sizeof(e.text), "bad \xFF\xC3 cut \xE2\x82");
    assert_member(&e, "text", "bad ?? cut ??");
    (void)str_copy(e.text, sizeof(e.text), "two\nlines\x01");
    assert_member(&e, "text", "two?lines?");
}

static void test_longest_event_fits(void **state)
{
    struct event e = event(EVENT_OUTCOME);
    struct strbuf b;
    struct json_object *o;

    (void)state;
    memset(e.host, '"', sizeof(e.host) - 1);
    memset(e.connection, '"', sizeof(e.connection) - 1);
    memset(e.tunnel, '\\', sizeof(e.tunnel) - 1);
    memset(e.text, '"', sizeof(e.text) - 1);
    e.action = ACTION_TUNNEL_OPTIONS;
    o = format(&e, &b);
    assert_int_equal(strlen(member(o, "text")), EVENT_TEXT_MAX - 1);
    assert_true(str_starts(member(o, "summary"), "\"\"\"\""));
    assert_non_null(strstr(member(o, "summary"), "did not succeed"));
    assert_true(b.len < 20 * 1024); /* what Standard Webhooks recommends at most */
    (void)json_object_put(o);
    strbuf_done(&b);
}

static void test_every_event_has_a_name_and_an_id(void **state)
{
    (void)state;
    assert_string_equal(event_kind_name(EVENT_VERDICT), "verdict");
    assert_string_equal(event_kind_name(EVENT_TEST), "test");
    for (enum event_kind a = 0; a < EVENT_KIND_MAX_; a++) {
        assert_int_equal(strspn(event_message_id(a), "0123456789abcdef"), 32);
        assert_int_equal(strlen(event_message_id(a)), 32);
        for (enum event_kind b = 0; b < a; b++) {
            assert_string_not_equal(event_message_id(a), event_message_id(b));
            assert_string_not_equal(event_kind_name(a), event_kind_name(b));
        }
    }
    /* The journal's catalogue and people's filters know this one. */
    assert_string_equal(event_message_id(EVENT_VERDICT), "36e2205380814aa895720d87fbf1d1f6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body_is_the_one_in_the_manual),
        cmocka_unit_test(test_manual_knows_every_type),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_summaries),
        cmocka_unit_test(test_severities),
        cmocka_unit_test(test_what_does_not_apply_is_null),
        cmocka_unit_test(test_texts_are_utf8_on_one_line),
        cmocka_unit_test(test_longest_event_fits),
        cmocka_unit_test(test_every_event_has_a_name_and_an_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
