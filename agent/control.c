#include "agent/control.h"

#include "agent/agent.h"
#include "agent/control_body.h"
#include "agent/judge.h"
#include "agent/persist.h"
#include "agent/report.h"
#include "agent/status.h"
#include "agent/watch.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/str.h"

#include <string.h>

#define TEXT_MAX 1024

static const struct control_member no_members[] = {{NULL, json_type_null}};
static const struct control_member repair_members[] = {
    {"tunnel", json_type_string},
    {"action", json_type_string},
    {"dry_run", json_type_boolean},
    {NULL, json_type_null},
};
static const struct control_member pause_members[] = {
    {"scope", json_type_string},
    {"for_seconds", json_type_int},
    {NULL, json_type_null},
};
static const struct control_member resume_members[] = {{"scope", json_type_string}, {NULL, json_type_null}};
static const struct control_member approve_members[] = {{"id", json_type_string}, {NULL, json_type_null}};

static void reply_text(struct api_request *r, const char *text)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "text", json_object_new_string(text));
    api_reply(r, 200, o);
}

static void on_status(void *data, struct api_request *r)
{
    api_reply(r, 200, status_document(data));
}

static void on_health(void *data, struct api_request *r)
{
    (void)data;
    api_reply_text(r, 200, "text/plain; charset=utf-8", "ok\n");
}

static struct json_object *entry_object(const struct store_entry *e)
{
    struct json_object *o = json_object_new_object();
    char at[CLOCK_TEXT_MAX];

    json_object_object_add(o, "at", json_object_new_string(clock_rfc3339(e->wall, at)));
    json_object_object_add(o, "kind", json_object_new_string(e->kind));
    json_object_object_add(o, "incident", json_object_new_string(e->incident));
    json_object_object_add(o, "connection", json_object_new_string(e->connection));
    json_object_object_add(o, "tunnel", json_object_new_string(e->tunnel));
    json_object_object_add(o, "text", json_object_new_string(e->text));
    return o;
}

static void on_history_read(void *data, int error, const struct store_entry *entries, size_t n)
{
    struct api_request *r = data;
    struct json_object *o, *list;

    if (error < 0) {
        api_reply_error(r, 503, "The history cannot be read: %s.", strerrordesc_np(-error));
        return;
    }
    o = json_object_new_object();
    list = json_object_new_array();
    for (size_t i = 0; i < n; i++)
        json_object_array_add(list, entry_object(&entries[i]));
    json_object_object_add(o, "schema", json_object_new_string("rekindle.history/1"));
    json_object_object_add(o, "entries", list);
    api_reply(r, 200, o);
}

static void on_history(void *data, struct api_request *r)
{
    struct agent *a = data;
    const char *text = api_request_query(r, "limit");
    uint64_t limit = CONTROL_HISTORY_DEFAULT;

    if (text && (parse_u64(text, STORE_HISTORY_MAX, &limit) < 0 || limit == 0))
        api_reply_error(r, 400, "limit: a number from 1 to %d is wanted.", STORE_HISTORY_MAX);
    else if (store_history(a->store, (size_t)limit, on_history_read, r) < 0)
        api_reply_error(r, 503, "The history cannot be read now.");
}

/* The tunnel that the request names; answers 404 and returns NULL where there is none. */
static struct tunnel *wanted_tunnel(struct agent *a, struct api_request *r)
{
    const char *name = control_body_text(r, "tunnel");
    struct tunnel *t = name ? tunnel_find(a->fleet, name) : NULL;

    if (!t)
        api_reply_error(
            r, 404,
            "No such tunnel: %s. Give CONNECTION/TUNNEL, an outside address, or the name of a connection with "
            "one tunnel; `rekindle status` lists them.",
            name ? name : "none given");
    return t;
}

static void reply_decision(struct api_request *r, const struct decision *d, bool accepted)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "decision", json_object_new_string(action_name(d->action)));
    json_object_object_add(o, "text", json_object_new_string(d->text));
    json_object_object_add(o, "accepted", json_object_new_boolean(accepted));
    api_reply(r, 200, o);
}

/* What a person who names no action means: the lowest rung that the cause allows, else a fresh initiation. */
static enum action default_action(struct tunnel *t, usec_t now)
{
    struct decision d = judge_what_if(t, ACTION_HOLD, now);

    if (d.proposed != ACTION_HOLD)
        return d.proposed;
    if (!t->connection->daemon)
        return ACTION_TUNNEL_OPTIONS;
    return t->ike.n_ike > 0 ? ACTION_REINITIATE : ACTION_INITIATE;
}

static void on_repair(void *data, struct api_request *r)
{
    struct agent *a = data;
    usec_t now = loop_now(a->loop);
    const char *name = control_body_text(r, "action");
    bool dry_run = control_body_flag(r, "dry_run");
    struct tunnel *t;
    enum action action;
    struct decision d;

    if (!control_body_ok(r, repair_members))
        return;
    t = wanted_tunnel(a, r);
    if (!t)
        return;
    if (!name)
        action = default_action(t, now);
    else if (action_parse(name, &action) < 0 || action == ACTION_HOLD) {
        api_reply_error(r, 400,
                        "No such action: %s. There are recreate-probe, initiate, reinitiate and tunnel-options.", name);
        return;
    }
    d = judge_what_if(t, action, now);
    reply_decision(r, &d, d.action != ACTION_HOLD);
    if (d.action == ACTION_HOLD || dry_run)
        return;
    log_notice("%s/%s: %s ordered over the control socket", t->connection->conf->name, t->conf->name,
               action_name(action));
    t->incident.circuit_open = false;
    t->policy.forced = action;
    judge_tunnel(t, now);
    t->policy.forced = ACTION_HOLD;
    watch_plan(t, now);
}

static void pause_tunnel(struct tunnel *t, usec_t until)
{
    if (t->policy.paused_until == until)
        return;
    t->policy.paused_until = until;
    persist_tunnel_pause(t);
}

/*
 * Pauses SCOPE: everything (NULL), a connection or a tunnel; UNTIL 0 ends the pause. What ends for everything ends for
 * each tunnel. Answers 404 where there is no such thing.
 */
static bool set_pause(struct agent *a, struct api_request *r, const char *scope, usec_t until)
{
    struct tunnel *wanted = scope ? tunnel_find(a->fleet, scope) : NULL;
    bool found = !scope;

    if (!scope) {
        a->paused_until = until;
        persist_pause(a);
    }
    for (struct tunnel *t = tunnel_first(a->fleet); t; t = tunnel_next(t)) {
        if (scope ? t != wanted && !str_eq(t->connection->conf->name, scope) : until != 0)
            continue;
        pause_tunnel(t, until);
        found = true;
    }
    if (!found)
        api_reply_error(r, 404, "No such tunnel or connection: %s. `rekindle status` lists them.", scope);
    return found;
}

static void on_pause(void *data, struct api_request *r)
{
    struct agent *a = data;
    const char *scope;
    int64_t seconds;
    usec_t span;
    char text[TEXT_MAX], duration[CLOCK_TEXT_MAX], until[CLOCK_TEXT_MAX];

    if (!control_body_ok(r, pause_members))
        return;
    scope = control_body_text(r, "scope");
    seconds = control_body_number(r, "for_seconds", CONTROL_PAUSE_DEFAULT / USEC_PER_SEC);
    if (seconds < 1 || seconds > (int64_t)(CONTROL_PAUSE_MAX / USEC_PER_SEC)) {
        api_reply_error(r, 400,
                        "for_seconds: a number from 1 is wanted. A pause ends by itself, after %s at the latest.",
                        clock_duration(CONTROL_PAUSE_MAX, duration));
        return;
    }
    span = (usec_t)seconds * USEC_PER_SEC;
    if (!set_pause(a, r, scope, loop_now(a->loop) + span))
        return;
    clock_rfc3339(loop_wall(a->loop) + span, until);
    (void)str_format(text, sizeof(text),
                     "Repairs%s%s are paused for %s, until %.10s %.8s UTC. Watching and alerts go on.",
                     scope ? " of " : "", str_or(scope, ""), clock_duration(span, duration), until, &until[11]);
    log_notice("%s", text);
    reply_text(r, text);
    judge_all(a, loop_now(a->loop));
}

static void on_resume(void *data, struct api_request *r)
{
    struct agent *a = data;
    const char *scope;
    char text[TEXT_MAX];

    if (!control_body_ok(r, resume_members))
        return;
    scope = control_body_text(r, "scope");
    if (!set_pause(a, r, scope, 0))
        return;
    (void)str_format(text, sizeof(text), "Repairs%s%s are no longer paused%s.", scope ? " of " : "", str_or(scope, ""),
                     a->paused_until > loop_now(a->loop) ? " by themselves, but all repairs still are" : "");
    log_notice("%s", text);
    reply_text(r, text);
    judge_all(a, loop_now(a->loop));
}

static void on_approve(void *data, struct api_request *r)
{
    struct agent *a = data;
    const char *id;
    char text[TEXT_MAX];
    unsigned n = 0;

    if (!control_body_ok(r, approve_members))
        return;
    id = control_body_text(r, "id");
    for (struct tunnel *t = tunnel_first(a->fleet); t; t = tunnel_next(t)) {
        if (!t->decision.needs_approval || (id && !str_eq(id, t->incident.id) && t != tunnel_find(a->fleet, id)))
            continue;
        t->policy.approved = t->decision.proposed; /* what the person saw */
        n++;
    }
    if (n == 0) {
        api_reply_error(r, 404, "Nothing waits for approval%s%s.", id ? " under " : "", id ? id : "");
        return;
    }
    (void)str_format(text, sizeof(text), "Approved: %u action%s.", n, n == 1 ? "" : "s");
    log_notice("%s", text);
    reply_text(r, text);
    judge_all(a, loop_now(a->loop));
}

static void on_test_alert(void *data, struct api_request *r)
{
    struct agent *a = data;
    struct event e = report_host_event(a, EVENT_TEST);
    char text[TEXT_MAX];

    if (!control_body_ok(r, no_members))
        return;
    e.good = true;
    (void)str_format(e.text, sizeof(e.text), "This is a test of Rekindle's alerts on %s. Nothing is wrong.",
                     e.host[0] ? e.host : "this host");
    report(a, &e, true);
    (void)str_format(text, sizeof(text),
                     "A test alert was handed to %zu target%s. `rekindle status` shows what was delivered.",
                     a->fleet->conf->n_alerts, a->fleet->conf->n_alerts == 1 ? "" : "s");
    reply_text(r, text);
}

static void on_reload(void *data, struct api_request *r)
{
    char error[TEXT_MAX];

    if (!control_body_ok(r, no_members))
        return;
    if (agent_reload(data, error, sizeof(error)) < 0)
        api_reply_error(r, 409, "%s", error);
    else
        reply_text(r, "The configuration was read again and is in force.");
}

static const struct api_route routes[] = {
    {"GET", "/v1/status", false, on_status},   {"GET", "/v1/history", false, on_history},
    {"GET", "/healthz", false, on_health},     {"POST", "/v1/repair", true, on_repair},
    {"POST", "/v1/pause", true, on_pause},     {"POST", "/v1/resume", true, on_resume},
    {"POST", "/v1/approve", true, on_approve}, {"POST", "/v1/test-alert", true, on_test_alert},
    {"POST", "/v1/reload", true, on_reload},   {NULL, NULL, false, NULL},
};

const struct api_route *control_routes(void)
{
    return routes;
}
