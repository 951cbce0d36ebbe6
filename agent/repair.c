#include "agent/repair.h"

#include "agent/agent.h"
#include "agent/judge.h"
#include "agent/persist.h"
#include "agent/report.h"
#include "agent/watch.h"
#include "base/log.h"
#include "base/random.h"
#include "base/str.h"
#include "remediation/reinitiate.h"
#include "remediation/tunnel_options.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct repair {
    struct tunnel *tunnel; /* borrowed */
    enum action action;
    usec_t begun;
    bool other_was_up;             /* the connection's other tunnel */
    struct reinitiate *reinitiate; /* owned; one of the two */
    struct tunnel_options *options;
    char intent[STORE_ID_MAX]; /* "" until one is stored */
    bool reconciling;          /* left open by a former process */
};

struct repair *repair_free(struct repair *r)
{
    if (!r)
        return NULL;
    if (r->options)
        store_forget(r->tunnel->agent->store, r); /* its intention may be on the way to the disk */
    r->reinitiate = reinitiate_free(r->reinitiate);
    r->options = tunnel_options_free(r->options);
    free(r);
    return NULL;
}

void repair_move(struct repair *r, struct tunnel *to)
{
    r->tunnel = to;
}

const struct tunnel *repair_tunnel(const struct repair *r)
{
    return r->tunnel;
}

enum action repair_action(const struct repair *r)
{
    return r->action;
}

bool repair_is_intended(const struct repair *r)
{
    return r->intent[0] != '\0';
}

usec_t repair_initiating_since(const struct tunnel *t)
{
    const struct repair *r = t->connection->repair;

    return r && r->tunnel == t && r->reinitiate ? r->begun : 0;
}

bool repair_changes_aws(const struct tunnel *t)
{
    const struct repair *r = t->connection->repair;

    return r && r->tunnel == t && r->action == ACTION_TUNNEL_OPTIONS;
}

unsigned repair_count_initiating(const struct daemon *d)
{
    const struct fleet *f = d ? d->agent->fleet : NULL;
    unsigned n = 0;

    for (size_t i = 0; f && i < f->n_connections; i++)
        n += f->connections[i].daemon == d && f->connections[i].repair && f->connections[i].repair->reinitiate;
    return n;
}

unsigned repair_count_hour(const struct agent *a, usec_t now)
{
    unsigned n = 0;

    for (size_t i = 0; i < a->n_past; i++)
        if (clock_since(a->past[i].at, now) < USEC_PER_HOUR)
            n++;
    return n;
}

static void persist_begun(const struct tunnel *t)
{
    persist_past(t);
    persist_incident(t);
}

/*
 * Budgets count from the beginning of an action, whatever becomes of it. What changes AWS has done nothing before its
 * intention is stored: a process that ends before that leaves no trace of it.
 */
static void note_begun(struct tunnel *t, enum action action, usec_t now)
{
    struct agent *a = t->agent;

    policy_begun(&t->policy, action, now);
    t->incident.actions += action != ACTION_RECREATE_PROBE;
    if (action != ACTION_TUNNEL_OPTIONS)
        persist_begun(t);
    if (action == ACTION_RECREATE_PROBE)
        return;
    if (a->n_past == AGENT_ACTIONS_REMEMBERED) {
        memmove(&a->past[0], &a->past[1], (a->n_past - 1) * sizeof(a->past[0]));
        a->n_past--;
    }
    a->past[a->n_past++] = (struct guard_past){.action = action, .at = now};
}

static void tell_begun(struct tunnel *t, const struct decision *d)
{
    struct event e = report_event(t, EVENT_ACTION);

    e.action = d->action;
    (void)str_copy(e.text, sizeof(e.text), d->text);
    report(t->agent, &e, ladder_rung(d->action)->alerts);
}

/* What the daemon said of a failure is the cause, and people are told of it with the failure. */
static void tell_outcome(struct tunnel *t, enum action action, const struct outcome *o, usec_t now)
{
    struct event e;

    if (o->ike != OUTCOME_IKE_NONE)
        judge_diagnose(t, now);
    e = report_event(t, EVENT_OUTCOME);
    e.action = action;
    e.good = o->result == OUTCOME_DONE;
    (void)str_format(e.text, sizeof(e.text), "%s: %s: %s%s%s", action_name(action), outcome_result_name(o->result),
                     o->text, o->ike != OUTCOME_IKE_NONE ? ". " : "",
                     o->ike != OUTCOME_IKE_NONE ? diagnosis_text(&t->diagnosis) : "");
    report(t->agent, &e, true);
}

/* The action ended; what it brought is seen by the probes. */
static void finish(struct repair *r, const struct outcome *o)
{
    struct tunnel *t = r->tunnel;
    usec_t now = loop_now(t->agent->loop);
    enum action action = r->action;

    if (r->intent[0] != '\0')
        (void)store_intent_close(t->agent->store, r->intent, outcome_result_name(o->result));
    if (o->ike != OUTCOME_IKE_NONE) {
        t->ike.failure = o->ike;
        t->ike.failure_at = now;
    }
    if (o->result == OUTCOME_DONE)
        t->ike.failure = OUTCOME_IKE_NONE;
    if (o->result == OUTCOME_DONE && t->verdict.verdict == VERDICT_DOWN) {
        t->verifying = action;
        t->verify_since = r->begun;
        t->verify_until = now + JUDGE_VERIFY;
    } else {
        tell_outcome(t, action, o, now);
    }
    if (action == ACTION_TUNNEL_OPTIONS && !repair_is_intended(r)) {
        policy_idle(&t->policy, action);
        persist_past(t);
    }
    if (ladder_rung(action)->disturbs && o->result != OUTCOME_NOTHING && t->verdict.verdict == VERDICT_DOWN) {
        t->compare_at = now + JUDGE_VERIFY;
        t->other_was_up = r->other_was_up;
    }
    t->connection->repair = repair_free(r);
    if (t->connection->daemon)
        ike_sa_probe_refresh(t->connection->daemon->probe);
    if (action == ACTION_TUNNEL_OPTIONS && t->connection->fleet->aws_status)
        aws_status_refresh(t->connection->fleet->aws_status);
    watch_hurry(t, now);
}

static void fail(struct repair *r, const char *text)
{
    struct outcome o = {.result = OUTCOME_FAILED};

    (void)str_copy(o.text, sizeof(o.text), text);
    finish(r, &o);
}

static void on_outcome(void *data, const struct outcome *o)
{
    finish(data, o);
}

static void fail_unstored(struct repair *r)
{
    r->intent[0] = '\0';
    fail(r, "The intention could not be stored, so nothing was changed in AWS. Is the disk full?");
}

static bool passes_since(const struct tunnel *t, usec_t since)
{
    for (size_t i = 0; i < t->conf->n_targets; i++)
        if (window_summarise(&t->targets[i].window).last_ok > since)
            return true;
    return t->verdict.verdict == VERDICT_UP;
}

/* AWS and the disk may have taken their time since the decision. NULL where the change is still wanted. */
static const char *why_no_longer(const struct repair *r, usec_t now)
{
    const struct tunnel *t = r->tunnel;

    if (passes_since(t, r->begun))
        return "the tunnel passes traffic again, so nothing was changed in AWS";
    if (t->policy.paused_until > now || t->agent->paused_until > now)
        return "repairs were paused meanwhile, so nothing was changed in AWS";
    if (t->agent->offline)
        return "the host is offline, so nothing was changed in AWS";
    return NULL;
}

/* Ends what has not changed anything: it does not count. */
static void withdraw(struct repair *r, const char *text)
{
    struct outcome o = {.result = OUTCOME_NOTHING};

    (void)str_copy(o.text, sizeof(o.text), text);
    policy_undone(&r->tunnel->policy, r->action);
    persist_past(r->tunnel);
    finish(r, &o);
}

static void on_stored(void *data, int error)
{
    struct repair *r = data;
    const char *reason = why_no_longer(r, loop_now(r->tunnel->agent->loop));

    if (error < 0)
        fail_unstored(r);
    else if (reason)
        withdraw(r, reason);
    else
        tunnel_options_proceed(r->options);
}

/* AWS's options differ: the intention goes to disk before the call that changes them. */
static void on_intend(void *data, struct tunnel_options *options, const struct tunnel_options_intent *intent)
{
    struct repair *r = data;
    struct tunnel *t = r->tunnel;
    struct agent *a = t->agent;
    struct store_intent row = {.wall = loop_wall(a->loop), .outside = t->conf->outside};
    char uuid[37];

    (void)options;
    random_uuid(uuid);
    (void)str_copy(row.id, sizeof(row.id), uuid);
    (void)str_copy(row.connection, sizeof(row.connection), t->connection->conf->vpn_connection_id);
    (void)str_copy(row.action, sizeof(row.action), action_name(r->action));
    (void)str_copy(row.incident, sizeof(row.incident), t->incident.id);
    (void)str_format(
        row.detail, sizeof(row.detail), "DPDTimeoutAction %s -> %s, StartupAction %s -> %s",
        ec2_dpd_name(intent->dpd_before),
        ec2_dpd_name(intent->change.set_dpd_action ? intent->change.dpd_action : intent->dpd_before),
        ec2_startup_name(intent->startup_before),
        ec2_startup_name(intent->change.set_startup_action ? intent->change.startup_action : intent->startup_before));
    (void)str_copy(r->intent, sizeof(r->intent), row.id);
    persist_begun(t); /* written no later than the intention: the queue keeps the order */
    if (store_intend(a->store, &row, on_stored, r) < 0)
        fail_unstored(r);
}

static void on_accepted(void *data)
{
    struct repair *r = data;

    log_notice("%s/%s: AWS accepted the change of tunnel options and applies it", r->tunnel->connection->conf->name,
               r->tunnel->conf->name);
}

static int begin_ike(struct repair *r, const struct decision *d)
{
    struct tunnel *t = r->tunnel;
    struct reinitiate_args args = {.socket = t->connection->daemon->conf->socket, .n_terminate = d->n_terminate};

    _Static_assert(REINITIATE_TERMINATE_MAX >= VIEW_IKE_SAS_MAX, "every SA that is looked at can be terminated");
    (void)str_copy(args.ike, sizeof(args.ike), t->ike.ike);
    (void)str_copy(args.child, sizeof(args.child), t->ike.child);
    memcpy(args.terminate, d->terminate, d->n_terminate * sizeof(d->terminate[0]));
    return reinitiate_start(t->agent->loop, &args, on_outcome, r, &r->reinitiate);
}

static int begin_options(struct repair *r)
{
    struct tunnel *t = r->tunnel;
    const struct tunnel_options_args args = {
        .ec2 = t->connection->fleet->ec2,
        .connection_id = t->connection->conf->vpn_connection_id,
        .outside = t->conf->outside,
        .intend = on_intend,
        .accepted = on_accepted,
        .done = on_outcome,
        .data = r,
    };

    return tunnel_options_start(t->agent->loop, &args, &r->options);
}

static void recreate_probes(struct tunnel *t)
{
    for (size_t i = 0; i < t->conf->n_targets; i++)
        if (t->targets[i].icmp)
            (void)icmp_recreate(t->targets[i].icmp);
}

void repair_begin(struct tunnel *t, const struct decision *d, usec_t now)
{
    struct repair *r = NULL;
    int error = 0;

    note_begun(t, d->action, now);
    tell_begun(t, d);
    t->policy.forced = ACTION_HOLD;
    t->policy.approved = ACTION_HOLD;
    if (d->action == ACTION_RECREATE_PROBE) {
        recreate_probes(t);
        return;
    }
    assert(!t->connection->repair || repair_initiating_since(t) != 0);
    r = calloc(1, sizeof(*r));
    if (!r) {
        log_error("out of memory: %s is not begun", action_name(d->action));
        return;
    }
    r->tunnel = t;
    r->action = d->action;
    r->begun = now;
    r->other_was_up = tunnel_other(t) && tunnel_other(t)->verdict.verdict == VERDICT_UP;
    t->connection->repair = repair_free(t->connection->repair);
    t->connection->repair = r;
    error = d->action == ACTION_TUNNEL_OPTIONS ? begin_options(r) : begin_ike(r, d);
    if (error < 0)
        fail(r, strerror(-error));
}

static struct tunnel *tunnel_of_intent(struct agent *a, const struct store_intent *i)
{
    for (struct tunnel *t = tunnel_first(a->fleet); t; t = tunnel_next(t))
        if (addr_equal(&t->conf->outside, &i->outside) && str_eq(t->connection->conf->vpn_connection_id, i->connection))
            return t;
    return NULL;
}

static void take_up(void *data, const struct store_intent *i)
{
    struct agent *a = data;
    struct tunnel *t = tunnel_of_intent(a, i);
    struct repair *r;

    /* An initiation goes on in the daemon; what it brings is seen by the probes. */
    if (t && t->connection->repair && t->connection->repair->reinitiate)
        t->connection->repair = repair_free(t->connection->repair);
    if (!t || !a->fleet->aws_status || t->connection->repair) {
        log_warning("%s of %s was begun by a former process and its end is not known: look at AWS", i->action,
                    i->connection);
        (void)store_intent_close(a->store, i->id, outcome_result_name(OUTCOME_UNKNOWN));
        return;
    }
    r = calloc(1, sizeof(*r));
    if (!r)
        return; /* stays open: the next start takes it up */
    r->tunnel = t;
    r->action = ACTION_TUNNEL_OPTIONS;
    r->begun = loop_now(a->loop);
    r->reconciling = true;
    (void)str_copy(r->intent, sizeof(r->intent), i->id);
    t->connection->repair = r;
    log_notice("%s/%s: a change of tunnel options was under way when the agent ended; reading AWS for its end",
               t->connection->conf->name, t->conf->name);
}

void repair_take_up(struct agent *a)
{
    int r = store_each_intent(a->store, take_up, a);

    if (r < 0 && !a->intents_lost)
        log_error("the intentions of a former process cannot be read: %s. Nothing in AWS is changed until they can",
                  strerrordesc_np(-r));
    a->intents_lost = r < 0;
}

/* AWS cannot be read, or is at it for ever: what the connection needs must not wait for it any longer. */
static bool gave_up(struct repair *r, usec_t now)
{
    struct outcome o = {.result = OUTCOME_UNKNOWN};

    if (clock_since(r->begun, now) < REPAIR_RECONCILE_MAX)
        return false;
    (void)str_copy(o.text, sizeof(o.text),
                   "AWS does not tell what became of the change that was under way when the agent ended: look there");
    finish(r, &o);
    return true;
}

static void reconcile(struct repair *r, usec_t now)
{
    struct tunnel *t = r->tunnel;
    const struct aws_view *v = &t->aws;
    struct outcome o = {.result = OUTCOME_DONE};

    if (gave_up(r, now) || v->when <= r->begun || !v->tunnel_known || v->state != EC2_STATE_AVAILABLE)
        return;
    if (v->dpd_action == EC2_DPD_RESTART && v->startup_action == EC2_STARTUP_START) {
        (void)str_copy(o.text, sizeof(o.text), "the change that was under way when the agent ended has been applied");
        finish(r, &o);
    } else if (clock_since(r->begun, now) >= REPAIR_RECONCILE_SPAN) {
        o.result = OUTCOME_NOTHING;
        (void)str_copy(o.text, sizeof(o.text),
                       "AWS shows nothing of the change that was under way when the agent ended: it was never made");
        policy_undone(&t->policy, r->action);
        persist_past(t);
        finish(r, &o);
    }
}

void repair_aws_news(struct agent *a, usec_t now)
{
    if (a->intents_lost)
        repair_take_up(a);
    for (size_t i = 0; i < a->fleet->n_connections; i++) {
        struct repair *r = a->fleet->connections[i].repair;

        if (r && r->reconciling)
            reconcile(r, now);
    }
}
