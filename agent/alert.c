#include "agent/alert.h"

#include "base/str.h"

#include <assert.h>
#include <json-c/json.h>
#include <string.h>

#define SUMMARY_MAX 320
#define SOME_HOST   "The gateway" /* without a name */

static bool is_of_tunnel(const struct event *e)
{
    return e->connection[0] != '\0';
}

const char *alert_type(const struct event *e)
{
    switch (e->kind) {
    case EVENT_VERDICT:
        switch (e->verdict) {
        case VERDICT_UNKNOWN:
            return "tunnel.unknown";
        case VERDICT_UP:
            return "tunnel.up";
        case VERDICT_DEGRADED:
            return "tunnel.degraded";
        case VERDICT_DOWN:
            return "tunnel.down";
        }
        break;
    case EVENT_CAUSE:
        return "tunnel.cause";
    case EVENT_DECISION:
        return "approval.needed";
    case EVENT_ACTION:
        return "action.started";
    case EVENT_OUTCOME:
        return "action.finished";
    case EVENT_UPLINK:
        return e->good ? "uplink.up" : "uplink.down";
    case EVENT_TEST:
        return "test";
    case EVENT_KIND_MAX_:
        break;
    }
    assert(false); /* an event of no kind */
    return "";
}

/* The worst that the table says of a cause: its rows differ in their evidence. */
static enum cause_severity cause_severity(enum cause c, enum cause_severity otherwise)
{
    enum cause_severity worst = CAUSE_FINE;
    bool found = false;
    size_t n;
    const struct cause_row *rows = cause_rows(&n);

    for (size_t i = 0; i < n; i++) {
        if (rows[i].cause != c)
            continue;
        found = true;
        if (rows[i].severity > worst)
            worst = rows[i].severity;
    }
    return found ? worst : otherwise;
}

static enum cause_severity verdict_severity(const struct event *e)
{
    switch (e->verdict) {
    case VERDICT_UP:
        return CAUSE_FINE;
    case VERDICT_DEGRADED: /* it carries traffic all the same */
        return CAUSE_WARNING;
    case VERDICT_DOWN:
        return cause_severity(e->cause, CAUSE_CRITICAL);
    case VERDICT_UNKNOWN:
        break;
    }
    return CAUSE_WARNING;
}

static enum cause_severity severity_of(const struct event *e)
{
    switch (e->kind) {
    case EVENT_VERDICT:
        return verdict_severity(e);
    case EVENT_CAUSE:
        return cause_severity(e->cause, CAUSE_WARNING);
    case EVENT_DECISION:
        return CAUSE_WARNING; /* a person must act */
    case EVENT_OUTCOME:
        return e->good ? CAUSE_INFO : CAUSE_WARNING;
    case EVENT_UPLINK:
        return e->good ? CAUSE_FINE : cause_severity(CAUSE_UPLINK_DOWN, CAUSE_CRITICAL);
    case EVENT_ACTION:
    case EVENT_TEST:
    case EVENT_KIND_MAX_:
        break;
    }
    return CAUSE_INFO;
}

/* "aurora-backup tunnel 1 (203.0.113.10)" */
static void put_tunnel(struct strbuf *b, const struct event *e)
{
    char outside[ADDR_TEXT_MAX];

    strbuf_puts(b, e->connection);
    if (e->tunnel[0] != '\0')
        strbuf_printf(b, " tunnel %s", e->tunnel);
    if (addr_is_set(&e->outside))
        strbuf_printf(b, " (%s)", addr_text(&e->outside, outside));
}

/* One line for a phone. */
static void put_summary(struct strbuf *b, const struct event *e)
{
    char span[CLOCK_TEXT_MAX];

    if (is_of_tunnel(e))
        put_tunnel(b, e);
    switch (e->kind) {
    case EVENT_VERDICT:
        strbuf_printf(b, " is %s", verdict_name(e->verdict));
        if (e->verdict != VERDICT_UP)
            strbuf_printf(b, ": %s", cause_name(e->cause));
        else if (e->lasted > 0)
            strbuf_printf(b, " again after %s", clock_duration(e->lasted, span));
        break;
    case EVENT_CAUSE:
        strbuf_printf(b, ": cause %s", cause_name(e->cause));
        break;
    case EVENT_DECISION:
        strbuf_printf(b, ": %s waits for approval", action_name(e->action));
        break;
    case EVENT_ACTION:
        strbuf_printf(b, ": %s begun", action_name(e->action));
        break;
    case EVENT_OUTCOME:
        strbuf_printf(b, ": %s %s", action_name(e->action), e->good ? "worked" : "did not succeed");
        break;
    case EVENT_UPLINK:
        strbuf_printf(b, "%s %s", e->host[0] != '\0' ? e->host : SOME_HOST,
                      e->good ? "has its uplink back" : "has lost its uplink");
        break;
    case EVENT_TEST:
        strbuf_printf(b, "Test alert of Rekindle%s%s: nothing is wrong", e->host[0] != '\0' ? " on " : "", e->host);
        break;
    case EVENT_KIND_MAX_:
        break;
    }
}

/* Bytes that are no UTF-8, which JSON must not hold, become '?': a text may have been cut within a character. */
static struct json_object *text_or_null(const char *text)
{
    char clean[EVENT_TEXT_MAX];

    if (!text || text[0] == '\0')
        return NULL;
    str_printable(clean, sizeof(clean), text, strlen(text));
    return json_object_new_string(clean);
}

static void add(struct json_object *o, const char *name, const char *text)
{
    (void)json_object_object_add(o, name, text_or_null(text));
}

static void add_data(struct json_object *o, const struct event *e)
{
    char outside[ADDR_TEXT_MAX];
    struct strbuf summary;

    strbuf_init(&summary, SUMMARY_MAX);
    put_summary(&summary, e);
    add(o, "event_id", e->id);
    add(o, "host", e->host);
    add(o, "connection", e->connection);
    add(o, "tunnel", e->tunnel);
    add(o, "outside_address", addr_is_set(&e->outside) ? addr_text(&e->outside, outside) : NULL);
    add(o, "verdict", is_of_tunnel(e) ? verdict_name(e->verdict) : NULL);
    add(o, "previous", e->kind == EVENT_VERDICT ? verdict_name(e->previous) : NULL);
    add(o, "cause", e->cause != CAUSE_NONE ? cause_name(e->cause) : NULL);
    add(o, "severity", cause_severity_name(severity_of(e)));
    add(o, "action", e->action != ACTION_HOLD ? action_name(e->action) : NULL);
    (void)json_object_object_add(o, "succeeded", e->kind == EVENT_OUTCOME ? json_object_new_boolean(e->good) : NULL);
    (void)json_object_object_add(o, "lasted_ms",
                                 e->lasted > 0 ? json_object_new_int64((int64_t)(e->lasted / USEC_PER_MSEC)) : NULL);
    add(o, "incident", e->incident);
    add(o, "summary", strbuf_text(&summary));
    add(o, "text", e->text);
    strbuf_done(&summary);
}

void alert_format_webhook(const struct event *e, struct strbuf *out)
{
    struct json_object *o = json_object_new_object(), *data = json_object_new_object();
    char timestamp[CLOCK_TEXT_MAX];

    add(o, "type", alert_type(e));
    add(o, "timestamp", clock_rfc3339(e->wall, timestamp));
    add_data(data, e);
    (void)json_object_object_add(o, "data", data);
    strbuf_puts(out, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    (void)json_object_put(o);
}
