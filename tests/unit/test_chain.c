/* Outages and their repair, from the echo to the decision, on virtual time. */
#include "tests/unit/chain_model.h"

#define STEP (10 * MSEC)

static struct model m; /* anew for every test */

static int setup(void **state)
{
    (void)state;
    model_new(&m, 1, STEP);
    return 0;
}

static size_t count(size_t tunnel, enum action a)
{
    size_t n = 0;

    for (size_t i = 0; i < m.n_log; i++)
        n += m.log[i].tunnel == tunnel && m.log[i].action == a;
    return n;
}

static size_t count_repairs(void)
{
    size_t n = 0;

    for (size_t i = 0; i < m.n_log; i++)
        n += m.log[i].action != ACTION_RECREATE_PROBE;
    return n;
}

/* Runs until tunnel I passes traffic again; returns how long after BACK that was. */
static usec_t until_traffic(size_t i, usec_t back)
{
    for (usec_t end = m.now + USEC_PER_HOUR; m.now < end;) {
        model_step(&m);
        if (m.now > back && model_passes(&m, &m.tunnels[i]))
            return m.now - back;
    }
    fail_msg("never again: %s", m.tunnels[i].decision.text);
    return USEC_NEVER;
}

static void is_up(size_t i)
{
    model_run(&m, 3 * SEC);
    assert_int_equal(m.tunnels[i].verdict.verdict, VERDICT_UP);
    assert_true(model_passes(&m, &m.tunnels[i]));
}

static void test_calm(void **state)
{
    (void)state;
    model_run(&m, 10 * USEC_PER_MIN);
    assert_int_equal(m.n_log, 0);
    assert_int_equal(m.tunnels[0].incident.state, INCIDENT_NONE);
}

/* The article's outage, at many moments within the second between two IKE pings. */
static void test_replacement_with_delete(void **state)
{
    (void)state;
    for (usec_t off = 0; off < SEC; off += 70 * MSEC) {
        (void)setup(state);
        model_run(&m, 5 * SEC + off);
        model_replace(&m, 0, 20 * SEC, true);
        model_run(&m, 19 * SEC);
        assert_int_equal(count_repairs(), 0);
        assert_int_equal(m.tunnels[0].verdict.verdict, VERDICT_DOWN);
        assert_int_equal(m.tunnels[0].diagnosis.cause, CAUSE_ENDPOINT_REPLACING);
        assert_string_equal(m.tunnels[0].decision.text, "the endpoint is silent: waiting until it answers");
        assert_true(until_traffic(0, m.tunnels[0].away_until) < 1200 * MSEC);
        is_up(0);
        assert_int_equal(m.n_log, 1);
        assert_int_equal(m.log[0].action, ACTION_INITIATE);
    }
}

static void test_replacement_in_silence(void **state)
{
    usec_t sum = 0, n = 0;

    (void)state;
    for (usec_t off = 0; off < SEC; off += 70 * MSEC) {
        usec_t took;

        (void)setup(state);
        model_run(&m, 5 * SEC + off);
        model_replace(&m, 0, 20 * SEC, false);
        model_run(&m, 19 * SEC);
        assert_int_equal(count_repairs(), 0);
        took = until_traffic(0, m.tunnels[0].away_until);
        assert_true(took < 1600 * MSEC);
        sum += took;
        n++;
        is_up(0);
        assert_int_equal(count(0, ACTION_REINITIATE), 1);
        assert_int_equal(count_repairs(), 1);
    }
    assert_true(sum / n < SEC);
}

/* Nothing was replaced: what is up works again by itself, and is left alone. */
static void test_cut_path_needs_no_repair(void **state)
{
    (void)state;
    for (usec_t off = 0; off < SEC; off += 70 * MSEC) {
        (void)setup(state);
        model_run(&m, 5 * SEC + off);
        m.tunnels[0].cut_until = m.now + 20 * SEC;
        (void)until_traffic(0, m.tunnels[0].cut_until);
        is_up(0);
        assert_int_equal(count_repairs(), 0);
    }
}

/* The daemon redials by itself into the silence; its next packet is up to 42 s away when the endpoint is back. */
static void test_pending_initiation_is_replaced(void **state)
{
    (void)state;
    for (usec_t away = 10 * SEC; away < 100 * SEC; away += 3700 * MSEC) {
        (void)setup(state);
        m.tunnels[0].redials = true;
        model_run(&m, 5 * SEC);
        model_replace(&m, 0, away, true);
        assert_true(until_traffic(0, m.tunnels[0].away_until) < 2 * SEC);
        is_up(0);
        assert_true(count_repairs() <= 1);
    }
}

/* Our own initiation is caught by the silence: the endpoint showed itself for a moment only. */
static void test_own_initiation_is_replaced(void **state)
{
    (void)state;
    for (usec_t away = 3 * SEC; away < 19 * SEC; away += 900 * MSEC) {
        (void)setup(state);
        model_run(&m, 5 * SEC);
        model_replace(&m, 0, 10 * SEC, true);
        while (count(0, ACTION_INITIATE) == 0)
            model_step(&m);
        model_replace(&m, 0, away, true);
        m.tunnels[0].sas[0] = (struct model_sa){.id = m.busy_id, .since = m.now, .packet = m.now};
        m.tunnels[0].n_sas = 1;
        assert_true(until_traffic(0, m.tunnels[0].away_until) < 2 * SEC);
        is_up(0);
        assert_int_equal(count(0, ACTION_INITIATE), 1);
        assert_true(count(0, ACTION_REINITIATE) <= 1);
    }
}

static void test_endpoint_that_answers_no_pings(void **state)
{
    (void)state;
    m.tunnels[0].mute = true;
    m.has_aws = false;
    model_run(&m, 5 * SEC);
    model_replace(&m, 0, 5 * USEC_PER_MIN, true);
    (void)until_traffic(0, m.tunnels[0].away_until);
    assert_true(count(0, ACTION_INITIATE) >= 1 && count(0, ACTION_INITIATE) <= 4);
    assert_true(m.log[0].at >= MODEL_START + 5 * SEC + GUARD_SILENT_PATIENCE);
}

static void test_both_tunnels(void **state)
{
    (void)state;
    model_new(&m, 2, STEP);
    model_run(&m, 5 * SEC);
    model_replace(&m, 0, 20 * SEC, true);
    model_replace(&m, 1, 20 * SEC, true);
    for (usec_t end = m.now + 22 * SEC; m.now < end;)
        model_step(&m);
    is_up(0);
    is_up(1);
    assert_int_equal(count(0, ACTION_INITIATE), 1);
    assert_int_equal(count(1, ACTION_INITIATE), 1);
    assert_int_equal(m.n_log, 2);
}

/* Both endpoints come back to stale SAs: they are not cut within a minute of each other. */
/* Both endpoints came back without the SAs: neither tunnel waits out the hold time of the other. */
static void test_both_stale(void **state)
{
    usec_t back;

    (void)state;
    model_new(&m, 2, STEP);
    model_run(&m, 5 * SEC);
    model_replace(&m, 0, 20 * SEC, false);
    model_replace(&m, 1, 20 * SEC, false);
    back = m.now + 20 * SEC;
    assert_true(until_traffic(0, back) < 2 * SEC);
    assert_true(until_traffic(1, back) < 2 * SEC);
    model_run(&m, 70 * SEC);
    assert_int_equal(count_repairs(), 2);
    is_up(0);
    is_up(1);
}

static void test_stopped_daemon(void **state)
{
    (void)state;
    model_run(&m, 5 * SEC);
    model_replace(&m, 0, 10 * SEC, true);
    model_run(&m, 300 * MSEC);
    m.hung_until = m.now + 20 * SEC;
    model_run(&m, 19 * SEC);
    assert_int_equal(count_repairs(), 0);
    assert_int_equal(m.tunnels[0].diagnosis.cause, CAUSE_DAEMON_HUNG);
    assert_true(until_traffic(0, m.hung_until) < 2 * SEC);
}

static void test_cut_uplink(void **state)
{
    (void)state;
    model_new(&m, 2, STEP);
    model_run(&m, 5 * SEC);
    m.uplink_until = m.now + 3 * USEC_PER_MIN;
    model_run(&m, 2 * USEC_PER_MIN);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(m.tunnels[i].verdict.verdict, VERDICT_DOWN);
        assert_int_equal(m.tunnels[i].diagnosis.cause, CAUSE_UPLINK_DOWN);
        assert_string_equal(m.tunnels[i].decision.text,
                            "the uplink of this host is down: nothing is repaired until it is back");
    }
    model_run(&m, USEC_PER_MIN);
    is_up(0);
    is_up(1);
    assert_int_equal(m.n_log, 0);
}

static void test_random_loss(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        model_new(&m, 1, STEP);
        m.seed = seed;
        model_run(&m, 5 * SEC);
        m.loss = 0.2;
        m.loss_until = m.now + 5 * USEC_PER_MIN;
        while (m.now < m.loss_until) {
            model_step(&m);
            assert_int_not_equal(m.tunnels[0].verdict.verdict, VERDICT_DOWN);
        }
        assert_int_equal(m.n_log, 0);
    }
}

static void test_aws_alone(void **state)
{
    usec_t down;

    (void)state;
    m.has_daemon = false;
    model_run(&m, 5 * SEC);
    model_replace(&m, 0, 10 * SEC, true);
    while (m.tunnels[0].verdict.verdict != VERDICT_DOWN)
        model_step(&m);
    down = m.now;
    while (count_repairs() == 0 && m.now < down + 5 * USEC_PER_MIN)
        model_step(&m);
    assert_int_equal(count(0, ACTION_TUNNEL_OPTIONS), 1);
    assert_true(m.now >= down + 30 * SEC && m.now < down + 31 * SEC);
    m.has_daemon = true; /* somebody answers AWS */
    m.tunnels[0].ike.configured = false;
    (void)until_traffic(0, m.tunnels[0].away_until);
    model_run(&m, 10 * USEC_PER_MIN);
    assert_int_equal(count_repairs(), 1);
}

/* Initiating does not help: after half a minute AWS is told to dial, once. */
static void test_aws_comes_last(void **state)
{
    usec_t end;

    (void)state;
    model_run(&m, 5 * SEC);
    model_replace(&m, 0, 5 * SEC, true);
    m.tunnels[0].redials = false;
    end = m.now + 15 * USEC_PER_MIN;
    while (m.now < end) { /* every attempt is lost, and every ping is answered */
        m.tunnels[0].n_sas = 0;
        model_step(&m);
    }
    assert_int_equal(m.log[0].action, ACTION_INITIATE);
    assert_int_equal(count(0, ACTION_TUNNEL_OPTIONS), 1);
    for (size_t i = 0; i < m.n_log; i++)
        if (m.log[i].action == ACTION_TUNNEL_OPTIONS)
            assert_true(m.log[i].at >= m.tunnels[0].verdict.since + 30 * SEC);
}

static void test_where_aws_dials(void **state)
{
    (void)state;
    m.tunnels[0].startup = EC2_STARTUP_START;
    m.tunnels[0].dpd = EC2_DPD_RESTART;
    model_run(&m, 5 * SEC);
    model_replace(&m, 0, 20 * SEC, true);
    (void)until_traffic(0, m.tunnels[0].away_until);
    is_up(0);
    assert_int_equal(m.n_log, 0);
    model_replace(&m, 0, 20 * SEC, true);
    m.tunnels[0].dials_at = USEC_NEVER; /* it does not, this time */
    assert_true(until_traffic(0, m.tunnels[0].away_until) < GUARD_AWS_DIALS_SPAN + 2 * SEC);
    assert_int_equal(count(0, ACTION_INITIATE), 1);
}

static void test_observe(void **state)
{
    (void)state;
    m.mode = CONF_MODE_OBSERVE;
    model_run(&m, 5 * SEC);
    model_replace(&m, 0, 10 * SEC, true);
    model_run(&m, 10 * USEC_PER_MIN);
    assert_int_equal(count_repairs(), 0);
    assert_int_equal(m.tunnels[0].decision.proposed, ACTION_INITIATE);
    assert_string_equal(m.tunnels[0].decision.text,
                        "would initiate the missing IKE_SA or CHILD_SA: the endpoint answers and nobody initiates");
}

static void test_approve(void **state)
{
    (void)state;
    m.mode = CONF_MODE_APPROVE;
    model_run(&m, 5 * SEC);
    model_replace(&m, 0, 10 * SEC, true);
    model_run(&m, 9 * SEC);
    assert_false(m.tunnels[0].decision.needs_approval);
    model_run(&m, USEC_PER_MIN);
    assert_true(m.tunnels[0].decision.needs_approval);
    assert_int_equal(m.n_log, 0);
    m.tunnels[0].policy.approved = m.tunnels[0].decision.proposed;
    is_up(0);
    assert_int_equal(m.n_log, 1);
    assert_int_equal(count(0, ACTION_INITIATE), 1);
}

/* The endpoint deletes what comes up, again and again: less and less often, and then never until a person looks. */
static void test_budgets_end(void **state)
{
    usec_t end;

    (void)state;
    m.has_aws = false;
    model_run(&m, 5 * SEC);
    model_replace(&m, 0, 5 * SEC, true);
    end = m.now + 3 * USEC_PER_HOUR;
    m.step = 50 * MSEC;
    while (m.now < end) {
        model_step(&m);
        if (m.tunnels[0].verdict.verdict == VERDICT_UP)
            model_drop_sas(&m.tunnels[0]);
    }
    assert_int_equal(count(0, ACTION_INITIATE), ladder_rung(ACTION_INITIATE)->per_incident);
    for (size_t i = 2; i < m.n_log; i++)
        assert_true(m.log[i].at - m.log[i - 1].at >= m.log[i - 1].at - m.log[i - 2].at - 5 * SEC);
    assert_true(strstr(m.tunnels[0].decision.text, "rung-budget") != NULL);
    assert_true(m.tunnels[0].incident.relapses >= 7);
}

/* The other tunnel fell while this one was repaired in vain: what cuts is not done again, what only initiates is. */
static void test_circuit(void **state)
{
    (void)state;
    model_new(&m, 2, STEP);
    m.has_aws = false;
    model_run(&m, 5 * SEC);
    model_replace(&m, 0, 5 * SEC, false);
    while (count(0, ACTION_REINITIATE) == 0)
        model_step(&m);
    m.tunnels[0].cut_until = m.tunnels[1].cut_until = m.now + 2 * USEC_PER_MIN;
    model_run(&m, USEC_PER_MIN);
    assert_true(m.tunnels[0].incident.circuit_open);
    assert_false(m.tunnels[1].incident.circuit_open);
    assert_true(until_traffic(0, m.tunnels[0].cut_until) < 50 * SEC);
    assert_true(m.tunnels[0].incident.circuit_open);
    model_run(&m, 6 * USEC_PER_MIN);
    assert_false(m.tunnels[0].incident.circuit_open); /* long health closes it */
}

/* Any sequence of events --------------------------------------------------------------------------------------------
 */

#define SEQUENCES 2000U
#define SPAN      (75 * SEC)
#define EVENTS    6
#define PROMPT    (1200 * MSEC) /* for an initiation where nothing is pending, */
#define PATIENT   (2200 * MSEC) /* ... and where one that is pending has to be replaced */

static struct {
    usec_t at[EVENTS];
    unsigned kind[EVENTS];
    size_t tunnel[EVENTS], n;
    usec_t ready_since[2], returned[2]; /* RETURNED: the endpoint is there since */
    uint64_t seed;
} story;

#define holds(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            fail_msg("seed %u at %u ms: not %s", (unsigned)story.seed, (unsigned)((m.now - MODEL_START) / MSEC),       \
                     #condition);                                                                                      \
    } while (0)

static size_t done_in_incident(size_t i, enum action a)
{
    const struct policy_state *p = &m.tunnels[i].policy;
    size_t n = 0;

    for (size_t k = 0; k < p->n_past; k++)
        n += p->past[k].this_incident && (p->past[k].action == a || a == ACTION_MAX_);
    return n;
}

static void check_begin(struct model *w, size_t i, const struct decision *d)
{
    struct model_tunnel *t = &w->tunnels[i];
    const struct ladder_rung *rung = ladder_rung(d->action);
    bool up = model_up(t) != NULL;

    holds(done_in_incident(i, d->action) < rung->per_incident);
    if (d->action == ACTION_RECREATE_PROBE)
        return;
    holds(w->mode == CONF_MODE_REPAIR || (w->mode == CONF_MODE_APPROVE && t->policy.approved == d->action));
    holds(t->incident.state == INCIDENT_OPEN && t->verdict.verdict == VERDICT_DOWN);
    holds(t->incident.actions < w->limits.actions_per_incident);
    holds(!w->busy ||
          (w->busy_tunnel == i && w->busy_action != ACTION_TUNNEL_OPTIONS && d->action == ACTION_REINITIATE));
    holds(w->now >= w->uplink_until);
    if (d->action == ACTION_INITIATE)
        holds(t->ike.n_connecting == 0);
    if (rung->disturbs && up) {
        /* It carried nothing, but for what came back this very moment. */
        holds(!model_passes(w, t) || w->now <= t->cut_until + 200 * MSEC || w->now <= w->uplink_until + 200 * MSEC ||
              w->now <= t->esp_lost_until + 200 * MSEC);
        holds(w->n == 1 || w->tunnels[1 - i].policy.last_disturbed == 0 ||
              t->diagnosis.facts.is[FACT_ENDPOINT_CAME_BACK] == TRUTH_YES ||
              w->now >= w->tunnels[1 - i].policy.last_disturbed + w->timing.hold);
    }
    if (d->action == ACTION_TUNNEL_OPTIONS) {
        holds(w->now >= t->verdict.since + w->timing.aws_repair_after);
        holds(w->now >= w->modifying_until);
        holds(!w->has_daemon || done_in_incident(i, ACTION_INITIATE) + done_in_incident(i, ACTION_REINITIATE) > 0 ||
              (t->ike.n_connecting > 0 && w->now >= t->ike.connecting_since + POLICY_PENDING_MAX));
    }
}

static usec_t last_repair(size_t i)
{
    const struct policy_state *p = &m.tunnels[i].policy;

    for (size_t k = p->n_past; k > 0; k--)
        if (p->past[k - 1].this_incident && p->past[k - 1].action != ACTION_RECREATE_PROBE)
            return p->past[k - 1].at;
    return 0;
}

/* DOWN with an endpoint that answers, and nothing that holds an initiation back: it has to come promptly. */
static void check_prompt(size_t i)
{
    const struct model_tunnel *t = &m.tunnels[i];
    bool reaches = model_reaches(&m, t), pending = t->n_sas > 0 && !model_up(t);
    bool fresh = last_repair(i) < story.returned[i]; /* else it is given time to work */
    bool other = m.busy && (m.busy_tunnel != i || m.busy_action == ACTION_TUNNEL_OPTIONS);
    bool free = t->incident.actions < m.limits.actions_per_incident &&
                done_in_incident(i, ACTION_INITIATE) < ladder_rung(ACTION_INITIATE)->per_incident &&
                done_in_incident(i, ACTION_REINITIATE) < ladder_rung(ACTION_REINITIATE)->per_incident;

    if (!reaches)
        story.returned[i] = m.now;
    if (t->verdict.verdict != VERDICT_DOWN || !reaches || model_up(t) || t->mute || m.mode != CONF_MODE_REPAIR ||
        !m.has_daemon || m.now < m.hung_until + SEC || m.now < m.loss_until + 2 * SEC ||
        t->startup == EC2_STARTUP_START || m.now < m.modifying_until + 12 * SEC || other || !free || !fresh ||
        (pending && t->ping.came_back <= t->sas[0].since)) { /* nothing tells that it was sent in vain */
        story.ready_since[i] = 0;
        return;
    }
    if (story.ready_since[i] == 0)
        story.ready_since[i] = m.now;
    holds(m.now - story.ready_since[i] <= (pending ? PATIENT : PROMPT));
}

static void happen(unsigned kind, size_t i)
{
    struct model_tunnel *t = &m.tunnels[i];
    usec_t span = SEC / 2 + model_random(&m, 30) * SEC;

    switch (kind) {
    case 0:
        model_replace(&m, i, span, true);
        break;
    case 1:
        model_replace(&m, i, span, false);
        break;
    case 2:
        t->cut_until = m.now + span;
        break;
    case 3:
        m.uplink_until = m.now + span;
        break;
    case 4:
        m.loss = 0.05 + 0.01 * (double)model_random(&m, 30);
        m.loss_until = m.now + span;
        break;
    case 5:
        m.hung_until = m.now + span;
        break;
    case 6: /* AWS deletes the SAs, and is there */
        t->key = 0;
        model_drop_sas(t);
        break;
    case 7: /* AWS forgets the SAs */
        t->key = 0;
        break;
    case 8:
        t->esp_lost_until = m.now + span;
        break;
    default:
        t->policy.approved = t->decision.needs_approval ? t->decision.proposed : ACTION_HOLD;
        break;
    }
}

static void begin_story(uint64_t seed)
{
    model_new(&m, 1 + seed % 2, 100 * MSEC);
    memset(&story, 0, sizeof(story));
    m.seed = seed * UINT64_C(0x9e3779b97f4a7c15);
    story.seed = seed;
    m.begins = check_begin;
    m.mode = model_random(&m, 10) < 6 ? CONF_MODE_REPAIR : seed % 3 ? CONF_MODE_OBSERVE : CONF_MODE_APPROVE;
    m.has_aws = model_random(&m, 3) > 0;
    m.has_daemon = model_random(&m, 6) > 0;
    m.timing.aws_repair_after = (5 + model_random(&m, 26)) * SEC;
    m.limits.actions_per_incident = 1 + (unsigned)model_random(&m, 10);
    for (size_t i = 0; i < m.n; i++) {
        m.tunnels[i].mute = model_random(&m, 8) == 0;
        m.tunnels[i].redials = model_random(&m, 3) == 0;
        m.tunnels[i].startup = model_random(&m, 4) == 0 ? EC2_STARTUP_START : EC2_STARTUP_ADD;
    }
    story.returned[0] = story.returned[1] = m.now;
    story.n = 1 + model_random(&m, EVENTS);
    for (size_t i = 0; i < story.n; i++) {
        story.at[i] = m.now + SEC + model_random(&m, 50) * SEC + model_random(&m, 10) * 100 * MSEC;
        story.kind[i] = (unsigned)model_random(&m, 11);
        story.tunnel[i] = model_random(&m, m.n);
    }
}

static void test_any_sequence(void **state)
{
    size_t acted = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEQUENCES; seed++) {
        begin_story(seed);
        while (m.now < MODEL_START + SPAN) {
            for (size_t i = 0; i < story.n; i++)
                if (story.at[i] == m.now)
                    happen(story.kind[i], story.tunnel[i]);
            model_step(&m);
            for (size_t i = 0; i < m.n; i++)
                check_prompt(i);
        }
        acted += count_repairs() > 0;
    }
    print_message("%zu of %u sequences led to an action\n", acted, SEQUENCES);
    assert_true(acted > SEQUENCES / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_calm, setup),
        cmocka_unit_test_setup(test_replacement_with_delete, setup),
        cmocka_unit_test_setup(test_replacement_in_silence, setup),
        cmocka_unit_test_setup(test_cut_path_needs_no_repair, setup),
        cmocka_unit_test_setup(test_pending_initiation_is_replaced, setup),
        cmocka_unit_test_setup(test_own_initiation_is_replaced, setup),
        cmocka_unit_test_setup(test_endpoint_that_answers_no_pings, setup),
        cmocka_unit_test_setup(test_both_tunnels, setup),
        cmocka_unit_test_setup(test_both_stale, setup),
        cmocka_unit_test_setup(test_stopped_daemon, setup),
        cmocka_unit_test_setup(test_cut_uplink, setup),
        cmocka_unit_test_setup(test_random_loss, setup),
        cmocka_unit_test_setup(test_aws_alone, setup),
        cmocka_unit_test_setup(test_aws_comes_last, setup),
        cmocka_unit_test_setup(test_where_aws_dials, setup),
        cmocka_unit_test_setup(test_observe, setup),
        cmocka_unit_test_setup(test_approve, setup),
        cmocka_unit_test_setup(test_budgets_end, setup),
        cmocka_unit_test_setup(test_circuit, setup),
        cmocka_unit_test(test_any_sequence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
