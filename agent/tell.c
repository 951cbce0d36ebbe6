#include "agent/tell.h"

#include "agent/persist.h"
#include "agent/repair.h"
#include "agent/report.h"
#include "base/str.h"

/* The host is offline, as far as T can tell: its uplink is to blame, and nobody has seen it work since. */
static bool is_offline(const struct tunnel *t)
{
    return t->diagnosis.cause == CAUSE_UPLINK_DOWN ||
           (t->agent->offline && t->diagnosis.facts.is[FACT_UPLINK_WORKS] != TRUTH_YES);
}

/* An endpoint is silent, and AWS, which is being asked, has yet to show whether anything outside can be reached. */
static bool is_uplink_open(const struct tunnel *t)
{
    return t->ping.unanswered > 0 && t->host.api_pending;
}

/* A tunnel that went down with the uplink comes back with it, in a moment: it is not told before that had its time. */
static usec_t evidence_end(const struct tunnel *t)
{
    if (t->offline_at > t->verdict.since)
        return t->offline_at + TELL_EVIDENCE_MAX;
    return t->verdict.since + (is_uplink_open(t) ? TELL_UPLINK_MAX : TELL_EVIDENCE_MAX);
}

/* Whether the other sides had the time to say why. What is about to be acted on is told before it is. */
static bool evidence_is_in(const struct tunnel *t, usec_t now)
{
    if (now >= evidence_end(t))
        return true;
    if (t->offline_at > t->verdict.since || is_uplink_open(t))
        return false;
    if (!t->ike_ping)
        return true;
    if (t->diagnosis.row && t->diagnosis.row->actions != 0 && t->ping.last_answer >= t->trouble_since)
        return true;
    if (clock_since(t->verdict.since, now) < TELL_EVIDENCE_MIN)
        return false;
    return t->ping.failed != 0 || t->ping.last_answer >= t->trouble_since || t->ping.unanswered >= FACT_SILENT_PINGS;
}

/* Whether VERDICT is news to people. The first good one after the start is none. */
static bool is_news(const struct tunnel *t, enum verdict verdict)
{
    if (t->conf->expected_down)
        return false;
    return t->told ? verdict != t->notified : verdict_is_bad(verdict);
}

bool tell_is_due(const struct tunnel *t, usec_t now)
{
    if (!is_news(t, t->verdict.verdict))
        return false;
    return t->verdict.verdict != VERDICT_UNKNOWN || clock_since(t->verdict.since, now) >= TELL_UNKNOWN_MIN;
}

usec_t tell_again(const struct tunnel *t)
{
    usec_t soon = t->verdict.since + TELL_EVIDENCE_MIN;

    if (!is_news(t, t->verdict.verdict) || is_offline(t) || t->verdict.verdict == VERDICT_UP)
        return USEC_NEVER;
    if (t->verdict.verdict == VERDICT_UNKNOWN)
        return t->verdict.since + TELL_UNKNOWN_MIN;
    return soon > t->due ? soon : evidence_end(t);
}

static void say_verdict(const struct tunnel *t, struct event *e, usec_t now)
{
    const char *name = verdict_name(e->verdict);
    char span[CLOCK_TEXT_MAX];

    if (verdict_is_bad(e->verdict)) {
        (void)str_format(e->text, sizeof(e->text), "%s: %s", name, diagnosis_text(&t->diagnosis));
    } else if (e->verdict == VERDICT_UNKNOWN) {
        (void)str_format(e->text, sizeof(e->text), "%s: whether the tunnel works cannot be measured.", name);
    } else if (t->incident.state == INCIDENT_RECOVERED && t->incident.recovered == now) {
        e->lasted = clock_since(t->incident.bad_since, now);
        (void)str_format(e->text, sizeof(e->text), "%s again after %s.", name, clock_duration(e->lasted, span));
    } else {
        (void)str_format(e->text, sizeof(e->text), "%s.", name);
    }
}

static void note_told(struct tunnel *t, enum verdict verdict)
{
    t->told = true;
    t->notified = verdict;
    persist_notified(t);
}

/* It is spooled before it is noted as told: a process that ends in between tells it twice rather than never. */
static void tell(struct tunnel *t, enum verdict verdict, usec_t now)
{
    struct event e = report_event(t, EVENT_VERDICT);

    if (verdict == VERDICT_UP)
        e.cause = CAUSE_NONE; /* what is not back yet, this very moment, is no cause of anything */
    e.verdict = verdict;
    e.previous = t->notified;
    say_verdict(t, &e, now);
    t->told_cause = t->diagnosis.cause;
    report(t->agent, &e, true);
    note_told(t, verdict);
}

void tell_verdict(struct tunnel *t, usec_t now)
{
    if (!t->told && t->verdict.verdict == VERDICT_UP && !t->conf->expected_down)
        note_told(t, VERDICT_UP);
    if (!tell_is_due(t, now))
        return;
    if (t->verdict.verdict == VERDICT_UP || (!is_offline(t) && evidence_is_in(t, now)))
        tell(t, t->verdict.verdict, now);
}

void tell_passed(struct tunnel *t, struct verdict_state old, usec_t now)
{
    if (t->verdict.verdict == old.verdict || !verdict_is_bad(old.verdict) || !is_news(t, old.verdict))
        return;
    if (!is_offline(t) && t->offline_at <= old.since)
        tell(t, old.verdict, now);
}

/* The endpoint answers since a moment: whether the SAs survived is about to be seen. */
static bool just_came_back(const struct tunnel *t, usec_t now)
{
    return t->ping.came_back != 0 && clock_since(t->ping.came_back, now) < TELL_EVIDENCE_MIN;
}

/*
 * An initiation is under way, or its effect is awaited, or the tunnel begins to answer: what is seen of it now is on
 * its way to something else, and not worth a line.
 */
static bool is_in_between(const struct tunnel *t, usec_t now)
{
    if (repair_initiating_since(t) != 0 || t->verifying != ACTION_HOLD)
        return true;
    if (t->diagnosis.cause == CAUSE_UNDETERMINED && just_came_back(t, now))
        return true;
    return t->verdict.verdict == VERDICT_DOWN && t->diagnosis.facts.is[FACT_INNER_ANSWERS] == TRUTH_YES;
}

void tell_cause(struct tunnel *t, usec_t now)
{
    struct event e;

    if (t->incident.state == INCIDENT_NONE)
        t->told_cause = CAUSE_NONE;
    if (t->diagnosis.cause == t->told_cause || t->diagnosis.cause == CAUSE_NONE || t->incident.state != INCIDENT_OPEN ||
        is_in_between(t, now) || tell_is_due(t, now)) /* the verdict will tell it */
        return;
    e = report_event(t, EVENT_CAUSE);
    (void)str_format(e.text, sizeof(e.text), "%s: %s", cause_name(t->diagnosis.cause), diagnosis_text(&t->diagnosis));
    t->told_cause = t->diagnosis.cause;
    report(t->agent, &e, false);
}

/* What is held back, proposed, or given up is told once, when it becomes so. An action tells itself. */
void tell_decision(struct tunnel *t, usec_t now)
{
    const struct decision *d = &t->decision;
    struct event e;

    if (t->incident.state == INCIDENT_NONE)
        t->told_decision[0] = '\0';
    if (str_eq(d->text, t->told_decision) || t->incident.state != INCIDENT_OPEN)
        return;
    if (d->action == ACTION_HOLD && is_in_between(t, now))
        return;
    (void)str_copy(t->told_decision, sizeof(t->told_decision), d->text);
    t->decided_wall = loop_wall(t->agent->loop);
    if (d->action != ACTION_HOLD)
        return;
    e = report_event(t, EVENT_DECISION);
    e.action = d->proposed;
    (void)str_copy(e.text, sizeof(e.text), d->text);
    report(t->agent, &e, d->needs_approval);
}

/* T is bad because of the uplink, or cannot even be measured. At boot the network is given its time. */
static bool lacks_uplink(const struct tunnel *t, usec_t now)
{
    if (t->diagnosis.cause != CAUSE_UPLINK_DOWN || t->conf->expected_down || t->verdict.verdict == VERDICT_UP)
        return false;
    return verdict_is_bad(t->verdict.verdict) || clock_since(t->verdict.since, now) >= TELL_EVIDENCE_MAX;
}

/* Something outside was heard. Before anything is measured, all looks well. */
static bool is_way_out(const struct tunnel *t)
{
    const struct facts *f = &t->diagnosis.facts;

    return f->is[FACT_UPLINK_WORKS] == TRUTH_YES &&
           (t->verdict.verdict != VERDICT_UNKNOWN || f->is[FACT_ENDPOINT_ANSWERS] == TRUTH_YES ||
            t->host.api_reachable);
}

/*
 * The host is offline from when a watched tunnel lacks its uplink until something outside is seen again and none does.
 * People are told once, not for each tunnel, and not each time that the kernel tries its next hop anew.
 */
static void look_at_host(struct agent *a, usec_t now)
{
    bool lost = false, works = false;
    bool offline;
    struct event e;

    for (struct tunnel *t = tunnel_first(a->fleet); t; t = tunnel_next(t)) {
        lost = lost || lacks_uplink(t, now);
        works = works || is_way_out(t);
    }
    offline = lost || (a->offline && !works);
    if (offline == a->offline)
        return;
    a->offline = offline;
    e = report_host_event(a, EVENT_UPLINK);
    e.good = !offline;
    e.cause = offline ? CAUSE_UPLINK_DOWN : CAUSE_NONE;
    (void)str_format(e.text, sizeof(e.text), "%s %s", e.host[0] ? e.host : "This host",
                     offline ? "has lost its uplink: the tunnels cannot work until it is back. Nothing is repaired."
                             : "has its uplink back.");
    report(a, &e, true);
    persist_offline(a);
}

void tell_uplink(struct tunnel *t, enum cause before, usec_t now)
{
    if (t->agent->offline || before == CAUSE_UPLINK_DOWN || t->diagnosis.cause == CAUSE_UPLINK_DOWN)
        look_at_host(t->agent, now);
    if (is_offline(t))
        t->offline_at = now;
}
