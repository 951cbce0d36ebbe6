#include "agent/report.h"

#include "base/array.h"
#include "base/log.h"
#include "base/random.h"
#include "base/str.h"

#include <string.h>
#include <unistd.h>

/* A name that is too long, which Linux does not take, is cut. */
static void put_host(struct event *e)
{
    char name[EVENT_HOST_MAX];

    if (gethostname(name, sizeof(name)) < 0)
        return;
    name[sizeof(name) - 1] = '\0';
    str_printable(e->host, sizeof(e->host), name, strlen(name));
}

struct event report_host_event(struct agent *a, enum event_kind kind)
{
    struct event e = {.kind = kind, .wall = loop_wall(a->loop)};
    char uuid[37];

    put_host(&e);
    random_uuid(uuid);
    (void)str_copy(e.id, sizeof(e.id), uuid);
    return e;
}

struct event report_event(struct tunnel *t, enum event_kind kind)
{
    struct event e = report_host_event(t->agent, kind);

    (void)str_copy(e.connection, sizeof(e.connection), t->connection->conf->name);
    (void)str_copy(e.tunnel, sizeof(e.tunnel), t->conf->name);
    e.outside = t->conf->outside;
    (void)str_copy(e.incident, sizeof(e.incident), t->incident.id);
    e.verdict = e.previous = t->verdict.verdict;
    e.cause = t->diagnosis.cause;
    return e;
}

static int level_of(const struct event *e)
{
    switch (e->kind) {
    case EVENT_VERDICT:
        return verdict_is_bad(e->verdict) ? LOG_WARNING : LOG_NOTICE;
    case EVENT_UPLINK:
    case EVENT_OUTCOME:
        return e->good ? LOG_NOTICE : LOG_WARNING;
    case EVENT_CAUSE:
    case EVENT_DECISION:
    case EVENT_ACTION:
    case EVENT_TEST:
    case EVENT_KIND_MAX_:
        break;
    }
    return LOG_NOTICE;
}

static void write_line(const struct event *e)
{
    char outside[ADDR_TEXT_MAX];
    const struct log_field all[] = {
        {"EVENT", event_kind_name(e->kind)},
        {"EVENT_ID", e->id},
        {"CONNECTION", e->connection},
        {"TUNNEL", e->tunnel},
        {"OUTSIDE_ADDRESS", addr_is_set(&e->outside) ? addr_text(&e->outside, outside) : ""},
        {"INCIDENT", e->incident},
        {"VERDICT", e->connection[0] ? verdict_name(e->verdict) : ""},
        {"CAUSE", e->connection[0] ? cause_name(e->cause) : ""},
        {"ACTION", e->action != ACTION_HOLD ? action_name(e->action) : ""},
    };
    struct log_field fields[ARRAY_LEN(all)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i].value[0] != '\0')
            fields[n++] = all[i];
    log_event(level_of(e), event_message_id(e->kind), fields, n, "%s%s%s%s%s", e->connection, e->tunnel[0] ? "/" : "",
              e->tunnel, e->connection[0] ? ": " : "", e->text);
}

void report(struct agent *a, const struct event *e, bool alert)
{
    const struct store_entry entry = {
        .wall = e->wall,
        .kind = event_kind_name(e->kind),
        .incident = e->incident,
        .connection = e->connection,
        .tunnel = e->tunnel,
        .text = e->text,
        .detail = "",
    };

    write_line(e);
    if (a->store)
        (void)store_append(a->store, &entry, NULL, NULL); /* history may stop; the watching does not */
    if (alert && a->alerter)
        alerter_send(a->alerter, e);
}
