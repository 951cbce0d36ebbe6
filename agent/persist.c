#include "agent/persist.h"

#include "agent/agent.h"
#include "base/array.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strbuf.h"

#include <inttypes.h>
#include <string.h>

#define KEY_MAX   (2 * CONF_NAME_MAX + 32)
#define VALUE_MAX 4096

/* Flags of an action of the past. */
#define PAST_MINE 1U /* of the incident that is open */
#define PAST_IDLE 2U

static void key_of(const struct tunnel *t, const char *what, char key[static KEY_MAX])
{
    (void)str_format(key, KEY_MAX, "%s/%s/%s", what, t->connection->conf->name, t->conf->name);
}

static void set(const struct tunnel *t, const char *what, const char *value)
{
    char key[KEY_MAX];

    key_of(t, what, key);
    if (t->agent->store)
        (void)store_set(t->agent->store, key, value);
}

/* CLOCK_BOOTTIME to wall clock and back, by what both show now. */
static usec_t to_wall(struct agent *a, usec_t at)
{
    return at == USEC_NEVER ? USEC_NEVER : loop_wall(a->loop) + at - loop_now(a->loop);
}

static usec_t from_wall(struct agent *a, usec_t wall)
{
    usec_t now = loop_now(a->loop), wall_now = loop_wall(a->loop);

    if (wall == USEC_NEVER)
        return USEC_NEVER;
    if (wall >= wall_now)
        return now + (wall - wall_now);
    return wall_now - wall < now ? now - (wall_now - wall) : 1;
}

/* A clock that was set back since does not make what happened lie ahead. */
static usec_t past_from_wall(struct agent *a, usec_t wall)
{
    usec_t at = from_wall(a, wall), now = loop_now(a->loop);

    return at < now ? at : now;
}

void persist_notified(const struct tunnel *t)
{
    set(t, "notified", verdict_name(t->notified));
}

void persist_incident(const struct tunnel *t)
{
    char value[VALUE_MAX];

    if (t->incident.state == INCIDENT_NONE) {
        set(t, "incident", NULL);
        return;
    }
    (void)str_format(value, sizeof(value), "%s %" PRIu64 " %u %u %u %u", t->incident.id, t->incident.opened_wall,
                     t->incident.actions, t->incident.circuit_open ? 1U : 0U,
                     t->incident.state == INCIDENT_RECOVERED ? 1U : 0U, t->incident.relapses);
    set(t, "incident", value);
}

void persist_forget(const struct tunnel *t)
{
    set(t, "notified", NULL);
    set(t, "incident", NULL);
}

void persist_past(const struct tunnel *t)
{
    struct strbuf b;

    strbuf_init(&b, VALUE_MAX);
    for (size_t i = 0; i < t->policy.n_past; i++) {
        const struct guard_past *p = &t->policy.past[i];

        strbuf_printf(&b, "%s%s %" PRIu64 " %u", i > 0 ? " " : "", action_name(p->action), to_wall(t->agent, p->at),
                      (p->this_incident ? PAST_MINE : 0U) | (p->idle ? PAST_IDLE : 0U));
    }
    if (!b.bad)
        set(t, "past", strbuf_text(&b));
    strbuf_done(&b);
}

static void format_until(struct agent *a, usec_t until, char *value, size_t size)
{
    (void)str_format(value, size, "%" PRIu64, to_wall(a, until));
}

void persist_offline(struct agent *a)
{
    if (a->store)
        (void)store_set(a->store, "offline", a->offline ? "yes" : NULL);
}

void persist_pause(struct agent *a)
{
    char value[32];

    format_until(a, a->paused_until, value, sizeof(value));
    if (a->store)
        (void)store_set(a->store, "pause", a->paused_until ? value : NULL);
}

void persist_tunnel_pause(const struct tunnel *t)
{
    char value[32];

    format_until(t->agent, t->policy.paused_until, value, sizeof(value));
    set(t, "paused", t->policy.paused_until ? value : NULL);
}

/* The next word of *REST into WORD; false at the end or where it is too long. */
static bool next_word(const char **rest, char *word, size_t size)
{
    size_t len = strcspn(*rest, " ");

    if (len == 0 || len >= size)
        return false;
    memcpy(word, *rest, len);
    word[len] = '\0';
    *rest += len;
    *rest += strspn(*rest, " ");
    return true;
}

static bool next_number(const char **rest, uint64_t *ret)
{
    char word[32];

    return next_word(rest, word, sizeof(word)) && parse_u64(word, UINT64_MAX, ret) >= 0;
}

static void load_notified(struct tunnel *t, const char *value)
{
    for (enum verdict v = VERDICT_UNKNOWN; v <= VERDICT_DOWN; v++) {
        if (!str_eq(value, verdict_name(v)))
            continue;
        t->told = true;
        t->notified = v;
    }
}

static void load_incident(struct tunnel *t, const char *value)
{
    struct agent *a = t->agent;
    struct incident i = {.state = INCIDENT_OPEN, .worst = VERDICT_DOWN};
    uint64_t wall, actions, circuit, recovered, relapses;

    if (!next_word(&value, i.id, sizeof(i.id)) || !next_number(&value, &wall) || !next_number(&value, &actions) ||
        !next_number(&value, &circuit) || !next_number(&value, &recovered) || !next_number(&value, &relapses) ||
        actions > UINT32_MAX || relapses > UINT32_MAX)
        return;
    i.opened_wall = wall;
    i.opened = i.bad_since = past_from_wall(a, wall);
    i.actions = (unsigned)actions;
    i.circuit_open = circuit == 1;
    i.relapses = (unsigned)relapses;
    if (recovered == 1) { /* whether it was healthy since nobody knows: that time does not count */
        i.state = INCIDENT_RECOVERED;
        i.recovered = loop_now(a->loop);
    }
    t->incident = i;
}

static void load_past(struct tunnel *t, const char *value)
{
    struct agent *a = t->agent;
    char word[64];
    uint64_t wall, flags;

    while (t->policy.n_past < GUARD_HISTORY_MAX && next_word(&value, word, sizeof(word)) &&
           next_number(&value, &wall) && next_number(&value, &flags)) {
        struct guard_past p = {
            .at = past_from_wall(a, wall), .this_incident = (flags & PAST_MINE) != 0, .idle = (flags & PAST_IDLE) != 0};
        bool in_hour = clock_since(wall, loop_wall(a->loop)) < USEC_PER_HOUR;

        /* What was before this boot cannot be told apart by its time: the wall clock tells what still counts. */
        if (action_parse(word, &p.action) < 0 || (!in_hour && !p.this_incident))
            continue;
        t->policy.past[t->policy.n_past++] = p;
        if (in_hour && a->n_past < AGENT_ACTIONS_REMEMBERED && p.action != ACTION_RECREATE_PROBE)
            a->past[a->n_past++] = p;
        if (ladder_rung(p.action)->disturbs && p.at > t->policy.last_disturbed)
            t->policy.last_disturbed = p.at;
    }
}

static void load_paused(struct tunnel *t, const char *value)
{
    uint64_t wall;

    if (parse_u64(value, UINT64_MAX, &wall) >= 0)
        t->policy.paused_until = from_wall(t->agent, wall);
}

static const struct {
    const char *what;
    void (*load)(struct tunnel *t, const char *value);
} values[] = {
    {"notified/", load_notified},
    {"incident/", load_incident},
    {"past/", load_past},
    {"paused/", load_paused},
};

static void on_value(void *data, const char *key, const char *value)
{
    struct agent *a = data;
    uint64_t wall;

    if (str_eq(key, "offline")) {
        a->offline = true;
        return;
    }
    if (str_eq(key, "pause") && parse_u64(value, UINT64_MAX, &wall) >= 0) {
        a->paused_until = from_wall(a, wall);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct tunnel *t;

        if (!str_starts(key, values[i].what))
            continue;
        t = tunnel_find(a->fleet, key + strlen(values[i].what));
        if (t)
            values[i].load(t, value);
    }
}

void persist_load(struct agent *a)
{
    (void)store_each_value(a->store, "", on_value, a);
    /* Where the incident was closed, its actions are history, whatever was written last before the process ended. */
    for (struct tunnel *t = tunnel_first(a->fleet); t; t = tunnel_next(t))
        if (t->incident.state == INCIDENT_NONE)
            policy_incident_closed(&t->policy);
}
