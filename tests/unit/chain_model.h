/*
 * A little world on virtual time for tests of the chain: AWS with its endpoints, the gateway's IKE daemon, and the
 * agent that watches and repairs them. What the agent's I/O does (probes, views, carrying out) is modelled; verdicts,
 * diagnoses, incidents and decisions are the real ones. Deterministic: chance comes from a seed.
 */
#pragma once

#include "agent/policy.h"
#include "agent/verdict.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MSEC            USEC_PER_MSEC
#define SEC             USEC_PER_SEC
#define MODEL_START     USEC_PER_HOUR
#define MODEL_SAS       8
#define MODEL_LOG       256
#define MODEL_RTT       (20 * MSEC)
#define MODEL_HANDSHAKE (60 * MSEC)
#define MODEL_MODIFY    USEC_PER_MIN /* AWS applies a change for so long, */
#define MODEL_AWAY      (30 * SEC)   /* ... with the endpoint away at its beginning */
#define MODEL_DEADLINE  (20 * SEC)   /* REINITIATE_DEADLINE */

struct model_sa {
    uint32_t id;
    bool up;
    uint32_t key;    /* where up: the endpoint has to know the same */
    usec_t since;    /* began, or is up since */
    usec_t packet;   /* where not up: the next one is sent then */
    usec_t answered; /* ... and the exchanges end then; 0: not answered yet */
};

struct model_tunnel {
    /* The endpoint and the way to it. */
    usec_t away_from, away_until, cut_until, esp_lost_until;
    uint32_t key; /* of the SAs that it knows; 0: none */
    bool mute;    /* never answers IKE pings */
    enum ec2_dpd dpd;
    enum ec2_startup startup;
    usec_t dials_at;
    /* The gateway's daemon. */
    struct model_sa sas[MODEL_SAS];
    size_t n_sas;
    bool redials; /* the daemon itself initiates when it loses its SA */
    bool news;    /* it has an event for the agent */
    uint64_t in, out;
    /* The agent. */
    struct window window;
    struct ike_view ike;
    struct ping_view ping;
    struct aws_view aws;
    struct host_view host;
    struct verdict_state verdict;
    struct diagnosis diagnosis;
    struct incident incident;
    struct policy_state policy;
    struct decision decision;
    usec_t trouble_since, fast_until, last_echo, last_ping, last_list, ping_sent, reply_sent;
    uint32_t connecting_id;
    usec_t connecting_since, compare_at;
    bool other_was_up;
};

struct model_done {
    usec_t at;
    size_t tunnel;
    enum action action;
};

struct model {
    usec_t now, step;
    uint64_t seed;
    double loss;
    usec_t loss_until, uplink_until, hung_until;
    struct conf_timing timing;
    struct conf_limits limits;
    enum conf_mode mode;
    bool has_daemon, has_aws;
    struct model_tunnel tunnels[2];
    size_t n;
    uint32_t last_id;
    /* AWS. */
    usec_t modifying_until;
    /* The action in flight. */
    bool busy;
    size_t busy_tunnel;
    enum action busy_action;
    usec_t busy_since;
    uint32_t busy_id;
    struct model_done log[MODEL_LOG];
    size_t n_log;
    usec_t last_passed[2];                                               /* traffic */
    void (*begins)(struct model *m, size_t i, const struct decision *d); /* before an action begins; may be NULL */
};

static inline uint64_t model_random(struct model *m, uint64_t bound)
{
    m->seed = m->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (m->seed >> 33) % bound;
}

static inline bool model_lost(struct model *m)
{
    return m->now < m->loss_until && (double)model_random(m, 1000) < m->loss * 1000;
}

static inline bool model_reaches(const struct model *m, const struct model_tunnel *t)
{
    bool away = m->now >= t->away_from && m->now < t->away_until;

    return !away && m->now >= t->cut_until && m->now >= m->uplink_until;
}

static inline const struct model_sa *model_up(const struct model_tunnel *t)
{
    for (size_t i = t->n_sas; i > 0; i--)
        if (t->sas[i - 1].up)
            return &t->sas[i - 1];
    return NULL;
}

static inline bool model_passes(const struct model *m, const struct model_tunnel *t)
{
    const struct model_sa *sa = model_up(t);

    return sa && sa->key == t->key && model_reaches(m, t) && m->now >= t->esp_lost_until;
}

static inline struct model_sa *model_begin_sa(struct model *m, struct model_tunnel *t)
{
    struct model_sa *sa = &t->sas[t->n_sas++];

    assert_true(t->n_sas < MODEL_SAS);
    *sa = (struct model_sa){.id = ++m->last_id, .since = m->now, .packet = m->now + 10 * MSEC};
    return sa;
}

static inline void model_drop_sas(struct model_tunnel *t)
{
    t->news = t->news || t->n_sas > 0;
    t->n_sas = 0;
}

/* What may happen ------------------------------------------------------------------------------------------------ */

/* AWS replaces the endpoint: it is away for a time and comes back without SAs, having told so or not. */
static inline void model_replace(struct model *m, size_t i, usec_t away, bool tells)
{
    struct model_tunnel *t = &m->tunnels[i];

    t->away_from = m->now;
    t->away_until = m->now + away;
    t->dials_at = t->away_until + 300 * MSEC;
    t->key = 0;
    if (!tells)
        return;
    model_drop_sas(t);
    if (t->redials && m->has_daemon)
        (void)model_begin_sa(m, t);
}

/* The daemons ------------------------------------------------------------------------------------------------------ */

static inline void model_come_up(struct model *m, struct model_tunnel *t, uint32_t id)
{
    t->sas[0] = (struct model_sa){.id = id, .up = true, .key = ++m->last_id, .since = m->now};
    t->n_sas = 1; /* INITIAL_CONTACT */
    t->key = t->sas[0].key;
    t->news = true;
    t->in = t->out = 0;
}

static inline void model_run_daemon(struct model *m, struct model_tunnel *t)
{
    for (size_t i = 0; i < t->n_sas; i++) {
        struct model_sa *sa = &t->sas[i];

        if (sa->up)
            continue;
        if (sa->answered != 0 && m->now >= sa->answered) {
            if (model_reaches(m, t)) {
                model_come_up(m, t, sa->id);
                return;
            }
            sa->answered = 0;
        }
        if (sa->answered != 0 || m->now < sa->packet)
            continue;
        sa->packet = policy_next_retransmission(sa->since, m->now);
        if (model_reaches(m, t) && !model_lost(m) && !model_lost(m)) {
            sa->answered = m->now + MODEL_HANDSHAKE;
        } else if (sa->packet == USEC_NEVER) {
            t->sas[i--] = t->sas[--t->n_sas];
            t->news = true;
        }
    }
}

static inline void model_run_aws(struct model *m)
{
    for (size_t i = 0; i < m->n; i++) {
        struct model_tunnel *t = &m->tunnels[i];

        if (t->startup != EC2_STARTUP_START || t->key != 0 || !model_reaches(m, t) || m->now < t->dials_at)
            continue;
        t->dials_at = m->now + SEC;
        if (m->now >= m->hung_until && !model_lost(m))
            model_come_up(m, t, ++m->last_id);
    }
}

/* What the agent carries out --------------------------------------------------------------------------------------- */

static inline void model_act(struct model *m, size_t i)
{
    struct model_tunnel *t = &m->tunnels[i];
    const struct decision *d = &t->decision;

    if (m->begins)
        m->begins(m, i, d);
    assert_true(m->n_log < MODEL_LOG);
    m->log[m->n_log++] = (struct model_done){m->now, i, d->action};
    policy_begun(&t->policy, d->action, m->now);
    t->policy.approved = ACTION_HOLD;
    if (d->action == ACTION_RECREATE_PROBE)
        return;
    t->incident.actions++;
    m->busy = true;
    m->busy_tunnel = i;
    m->busy_action = d->action;
    m->busy_since = m->now;
    t->other_was_up = m->n == 2 && m->tunnels[1 - i].verdict.verdict == VERDICT_UP;
    if (d->action == ACTION_TUNNEL_OPTIONS) {
        m->modifying_until = m->now + MODEL_MODIFY;
        t->away_from = m->now + 5 * SEC;
        t->away_until = t->away_from + MODEL_AWAY;
        t->dials_at = t->away_until + 300 * MSEC;
        t->key = 0;
        return;
    }
    for (size_t k = 0; k < d->n_terminate; k++)
        for (size_t j = 0; j < t->n_sas; j++)
            if (t->sas[j].id == d->terminate[k])
                t->sas[j--] = t->sas[--t->n_sas];
    m->busy_id = model_begin_sa(m, t)->id;
    t->news = true;
}

static inline void model_finish(struct model *m)
{
    struct model_tunnel *t = &m->tunnels[m->busy_tunnel];
    bool pending = false;

    if (!m->busy)
        return;
    for (size_t i = 0; i < t->n_sas; i++)
        pending = pending || (t->sas[i].id == m->busy_id && !t->sas[i].up);
    if (m->busy_action == ACTION_TUNNEL_OPTIONS) {
        if (m->now < m->modifying_until)
            return;
        t->dpd = EC2_DPD_RESTART;
        t->startup = EC2_STARTUP_START;
    } else if (pending && m->now < m->busy_since + MODEL_DEADLINE) {
        return;
    }
    if (ladder_rung(m->busy_action)->disturbs && t->verdict.verdict == VERDICT_DOWN)
        t->compare_at = m->now + 30 * SEC;
    m->busy = false;
    t->news = true;
}

/* What the agent measures ------------------------------------------------------------------------------------------ */

static inline void model_read_list(struct model *m, struct model_tunnel *t)
{
    struct ike_view *v = &t->ike;
    uint32_t oldest = 0;

    t->last_list = m->now;
    t->news = false;
    v->configured = m->has_daemon;
    if (!m->has_daemon)
        return;
    v->daemon = m->now < m->hung_until ? IKE_DAEMON_HUNG : IKE_DAEMON_OK;
    if (v->daemon != IKE_DAEMON_OK)
        return;
    v->when = m->now;
    v->loaded = true;
    v->n_ike = v->n_ike_up = v->n_child_up = v->n_connecting = 0;
    v->established_at = 0;
    for (size_t i = 0; i < t->n_sas; i++) {
        v->ids[v->n_ike++] = t->sas[i].id;
        if (t->sas[i].up) {
            v->n_ike_up++;
            v->n_child_up++;
            v->established_at = t->sas[i].since;
        } else if (v->n_connecting++ == 0 || t->sas[i].id < oldest) {
            oldest = t->sas[i].id;
        }
    }
    if (v->n_connecting > 0 && oldest != t->connecting_id)
        t->connecting_since = m->now;
    t->connecting_id = oldest;
    v->connecting_since = v->n_connecting > 0 ? t->connecting_since : 0;
    if (t->in != v->packets_in && t->in > 0)
        v->in_moved = m->now;
    if (t->out != v->packets_out && t->out > 0)
        v->out_moved = m->now;
    v->packets_in = t->in;
    v->packets_out = t->out;
    v->missing_since = v->n_child_up > 0 ? 0 : v->missing_since ? v->missing_since : m->now;
    v->child_since = v->n_child_up == 0 ? 0 : v->child_since ? v->child_since : m->now;
}

static inline void model_echo(struct model *m, struct model_tunnel *t)
{
    if (t->reply_sent != 0) {
        (void)window_reply(&t->window, t->reply_sent, MODEL_RTT);
        t->reply_sent = 0;
        t->in += model_up(t) != NULL;
    }
    (void)window_expire(&t->window, m->now);
    if (m->now < t->last_echo + (t->trouble_since != 0 && (t->verdict.suspect || m->now < t->fast_until)
                                     ? m->timing.suspect_interval
                                     : m->timing.probe_interval))
        return;
    t->last_echo = m->now;
    window_sent(&t->window, m->now);
    t->out += model_up(t) != NULL;
    if (model_passes(m, t) && !model_lost(m))
        t->reply_sent = m->now;
}

static inline void model_ping(struct model *m, struct model_tunnel *t)
{
    bool trouble = false;

    for (size_t i = 0; i < m->n; i++)
        trouble = trouble || m->tunnels[i].trouble_since != 0;
    if (t->ping_sent != 0 && m->now >= t->ping_sent + 800 * MSEC) {
        if (t->ping.unanswered++ == 0)
            t->ping.first_sent = t->ping_sent;
        t->ping_sent = 0;
    }
    if (t->last_ping != 0 && m->now < t->last_ping + (trouble ? SEC : 10 * USEC_PER_MIN))
        return;
    t->last_ping = m->now;
    t->ping_sent = m->now;
    if (t->mute || !model_reaches(m, t) || model_lost(m))
        return;
    if (t->ping.unanswered >= FACT_SILENT_PINGS) {
        t->ping.came_back = m->now;
        t->fast_until = m->now + USEC_PER_MIN;
    }
    t->ping_sent = 0;
    t->ping.unanswered = 0;
    t->ping.first_sent = 0;
    t->ping.last_answer = m->now;
}

/* Telemetry is as old as AWS's is: it follows with the minute. */
static inline void model_read_aws(struct model *m, struct model_tunnel *t)
{
    usec_t interval = t->trouble_since != 0 ? m->timing.aws_down_interval : m->timing.aws_poll_interval;

    t->aws.configured = m->has_aws;
    t->aws.repairing = m->busy && m->busy_action == ACTION_TUNNEL_OPTIONS && &m->tunnels[m->busy_tunnel] == t;
    t->host.uplink = m->now < m->uplink_until ? UPLINK_LINK_DOWN : UPLINK_OK;
    if (!m->has_aws || m->now < m->uplink_until || (t->aws.when != 0 && m->now < t->aws.when + interval))
        return;
    t->aws.when = m->now;
    t->aws.state = m->now < m->modifying_until ? EC2_STATE_MODIFYING : EC2_STATE_AVAILABLE;
    t->aws.tunnel_known = t->aws.ikev2_allowed = true;
    t->aws.dpd_action = t->dpd;
    t->aws.startup_action = t->startup;
    if (t->aws.telemetry_known && m->now < t->aws.telemetry_read + USEC_PER_MIN)
        return;
    t->aws.telemetry_known = true;
    t->aws.telemetry_read = m->now;
    t->aws.telemetry_up = t->key != 0;
}

/* The chain, as agent/judge.c runs it ------------------------------------------------------------------------------ */

static inline void model_note_trouble(struct model *m, struct model_tunnel *t)
{
    bool trouble = t->verdict.suspect || verdict_is_bad(t->verdict.verdict);

    if (trouble && t->trouble_since == 0) {
        t->trouble_since = m->now;
        t->fast_until = m->now + USEC_PER_MIN;
        t->last_ping = 0;
        t->news = true;
    } else if (!trouble && t->verdict.verdict == VERDICT_UP) {
        t->trouble_since = 0;
    }
}

static inline struct policy_input model_input(struct model *m, size_t i)
{
    struct model_tunnel *t = &m->tunnels[i];
    bool initiating = m->busy && m->busy_tunnel == i && m->busy_action != ACTION_TUNNEL_OPTIONS;
    unsigned in_hour = 0;

    for (size_t k = 0; k < m->n_log; k++)
        in_hour += m->log[k].action != ACTION_RECREATE_PROBE && m->log[k].at + USEC_PER_HOUR > m->now;
    return (struct policy_input){
        .mode = m->mode,
        .timing = &m->timing,
        .limits = &m->limits,
        .diagnosis = &t->diagnosis,
        .verdict = t->verdict,
        .incident = &t->incident,
        .state = &t->policy,
        .ike = &t->ike,
        .ping = &t->ping,
        .aws = &t->aws,
        .has_ike_leg = m->has_daemon,
        .has_aws_leg = m->has_aws,
        .has_icmp = true,
        .in_flight = m->busy,
        .initiating_since = initiating ? m->busy_since : 0,
        .store_works = true,
        .other_disturbed_at = m->n == 2 ? m->tunnels[1 - i].policy.last_disturbed : 0,
        .actions_this_hour = in_hour,
    };
}

static inline void model_check_circuit(struct model *m, size_t i)
{
    struct model_tunnel *t = &m->tunnels[i];

    if (t->compare_at == 0 || (m->now < t->compare_at && t->verdict.verdict != VERDICT_UP))
        return;
    t->compare_at = 0;
    if (m->n == 2)
        (void)incident_judge_action(&t->incident, t->other_was_up, t->verdict.verdict,
                                    m->tunnels[1 - i].verdict.verdict);
}

static inline void model_judge(struct model *m, size_t i)
{
    struct model_tunnel *t = &m->tunnels[i];
    const struct verdict_target target = {.window = &t->window};
    const bool is_endpoint = true;
    struct fact_input facts = {
        .targets = &target,
        .target_is_endpoint = &is_endpoint,
        .n_targets = 1,
        .ike = &t->ike,
        .ping = &t->ping,
        .aws = &t->aws,
        .host = &t->host,
    };

    t->verdict = verdict_judge(t->verdict, &target, 1, &t->ike, &t->aws, m->now);
    model_note_trouble(m, t);
    facts.verdict = t->verdict;
    if (t->verdict.verdict == VERDICT_UP && !t->verdict.suspect && t->incident.state == INCIDENT_NONE)
        return;
    t->diagnosis = diagnosis_make(&facts, m->now);
    switch (incident_step(&t->incident, t->verdict.verdict, t->diagnosis.cause, false, "id", m->timing.healthy_after,
                          m->now, m->now)) {
    case INCIDENT_UNCHANGED:
    case INCIDENT_RELAPSED:
    case INCIDENT_DID_RECOVER:
        break;
    case INCIDENT_OPENED:
    case INCIDENT_CLOSED:
        policy_incident_closed(&t->policy);
        break;
    }
    model_check_circuit(m, i);
    t->decision = (struct decision){.again = USEC_NEVER};
    if (t->incident.state == INCIDENT_OPEN || t->verdict.suspect) {
        struct policy_input in = model_input(m, i);

        t->decision = policy_decide(&in, m->now);
    }
    if (t->decision.action != ACTION_HOLD)
        model_act(m, i);
}

static inline void model_step(struct model *m)
{
    bool silent = m->n == 2;

    m->now += m->step;
    model_run_aws(m);
    for (size_t i = 0; i < m->n && m->has_daemon && m->now >= m->hung_until; i++)
        model_run_daemon(m, &m->tunnels[i]);
    model_finish(m);
    for (size_t i = 0; i < m->n; i++)
        silent = silent && m->tunnels[i].ping.last_answer != 0 && m->tunnels[i].ping.unanswered >= FACT_SILENT_PINGS;
    for (size_t i = 0; i < m->n; i++) {
        struct model_tunnel *t = &m->tunnels[i];

        t->host.all_silent = silent;
        model_echo(m, t);
        model_ping(m, t);
        model_read_aws(m, t);
        if (t->news || m->now >= t->last_list + (t->trouble_since == 0    ? 10 * SEC
                                                 : m->now < t->fast_until ? 500 * MSEC
                                                                          : 2 * SEC))
            model_read_list(m, t);
        model_judge(m, i);
        if (model_passes(m, t))
            m->last_passed[i] = m->now;
    }
}

static inline void model_run(struct model *m, usec_t span)
{
    for (usec_t until = m->now + span; m->now < until;)
        model_step(m);
}

/* A connection of N tunnels that are up, with AWS's default options, at the agent's defaults. */
static inline void model_new(struct model *m, size_t n, usec_t step)
{
    memset(m, 0, sizeof(*m));
    m->now = MODEL_START;
    m->step = step;
    m->seed = 1;
    m->n = n;
    m->mode = CONF_MODE_REPAIR;
    m->has_daemon = m->has_aws = true;
    m->timing = (struct conf_timing){
        .probe_interval = 500 * MSEC,
        .suspect_interval = 100 * MSEC,
        .ike_ping_interval = SEC,
        .aws_poll_interval = 5 * USEC_PER_MIN,
        .aws_down_interval = 10 * SEC,
        .aws_repair_after = 30 * SEC,
        .settle = 10 * SEC,
        .healthy_after = 5 * USEC_PER_MIN,
        .hold = USEC_PER_MIN,
    };
    m->limits = (struct conf_limits){.actions_per_incident = 10, .actions_per_hour = 30};
    for (size_t i = 0; i < n; i++) {
        m->tunnels[i].dpd = EC2_DPD_CLEAR;
        m->tunnels[i].startup = EC2_STARTUP_ADD;
        model_come_up(m, &m->tunnels[i], ++m->last_id);
    }
}
