/* Causes: from situations, told in words, to the cause that explains them, and what may be done about it. */
#include "base/array.h"
#include "base/str.h"

#include "tests/unit/situation.h"

#include <stdio.h>
#include <string.h>

#define NOTHING    0U
#define RECREATE   ACTION_BIT(ACTION_RECREATE_PROBE)
#define INITIATE   ACTION_BIT(ACTION_INITIATE)
#define REINITIATE ACTION_BIT(ACTION_REINITIATE)
#define OPTIONS    ACTION_BIT(ACTION_TUNNEL_OPTIONS)
#define STEPS_MAX  8

typedef void (*step_fn)(struct situation *s);

struct told {
    const char *words;
    step_fn steps[STEPS_MAX];
    enum cause cause;
    unsigned actions;
    enum cause alternative; /* must be named too; CAUSE_NONE: nothing is asked */
};

static const struct told stories[] = {
    {"all is well", {NULL}, CAUSE_NONE, NOTHING, CAUSE_NONE},
    {"one echo was lost", {becomes_suspect}, CAUSE_NONE, NOTHING, CAUSE_NONE},
    {"one echo was lost, and the endpoint answers", {becomes_suspect, answers_pings}, CAUSE_NONE, NOTHING, CAUSE_NONE},
    {"no probe can be sent, SAs are up", {cannot_be_probed, answers_pings}, CAUSE_NONE, NOTHING, CAUSE_NONE},
    {"the tunnel has just gone down and nobody was asked", {is_lost_just_now}, CAUSE_UNDETERMINED, NOTHING, CAUSE_NONE},
    {"packets get lost", {degrades}, CAUSE_UNDETERMINED, NOTHING, CAUSE_NONE},

    /* Both wait. */
    {"AWS deleted the IKE_SA and nobody initiates",
     {is_lost, no_sas, answers_pings},
     CAUSE_BOTH_SIDES_WAITING,
     INITIATE | OPTIONS,
     CAUSE_NONE},
    {"AWS deleted the IKE_SA a moment ago",
     {becomes_suspect, no_sas, answers_pings},
     CAUSE_BOTH_SIDES_WAITING,
     INITIATE | OPTIONS,
     CAUSE_NONE},
    {"AWS deleted the IKE_SA, telemetry lags and says UP",
     {is_lost, no_sas, answers_pings, aws_was_read},
     CAUSE_BOTH_SIDES_WAITING,
     INITIATE | OPTIONS,
     CAUSE_NONE},
    {"both wait and AWS is not configured",
     {is_lost, no_sas, answers_pings, no_aws},
     CAUSE_BOTH_SIDES_WAITING,
     INITIATE | OPTIONS,
     CAUSE_NONE},
    {"both wait and nothing can be probed",
     {cannot_be_probed, no_sas, answers_pings},
     CAUSE_BOTH_SIDES_WAITING,
     INITIATE | OPTIONS,
     CAUSE_NONE},
    {"the endpoint came back, the gateway has dropped the SAs and waits",
     {is_lost, no_sas, comes_back_now},
     CAUSE_BOTH_SIDES_WAITING,
     INITIATE | OPTIONS,
     CAUSE_NONE},
    {"no IKE_SA, and the endpoint was not asked yet", {is_lost, no_sas}, CAUSE_UNDETERMINED, NOTHING, CAUSE_NONE},
    {"the gateway cannot be asked, the endpoint answers, AWS does not dial",
     {is_lost, no_daemon, answers_pings, aws_says_down},
     CAUSE_BOTH_SIDES_WAITING,
     OPTIONS,
     CAUSE_NONE},
    {"the gateway cannot be asked, AWS does not dial and gives no telemetry",
     {is_lost, no_daemon, answers_pings},
     CAUSE_BOTH_SIDES_WAITING,
     OPTIONS,
     CAUSE_NONE},
    {"the daemon's socket is closed to us, the endpoint answers, AWS does not dial",
     {is_lost, daemon_denied, answers_pings, aws_says_down},
     CAUSE_BOTH_SIDES_WAITING,
     OPTIONS,
     CAUSE_NONE},
    {"only AWS can be asked: down, and does not dial",
     {goes_down, has_no_target, no_daemon, answers_pings, aws_says_down},
     CAUSE_BOTH_SIDES_WAITING,
     OPTIONS,
     CAUSE_NONE},
    {"only AWS can be asked, and the endpoint answers no pings ever",
     {is_lost, no_daemon, never_answered, aws_says_down},
     CAUSE_BOTH_SIDES_WAITING,
     OPTIONS,
     CAUSE_NONE},
    {"only AWS could be asked, and its word is not there yet",
     {is_lost, no_daemon, answers_pings, aws_never_read},
     CAUSE_UNDETERMINED,
     NOTHING,
     CAUSE_NONE},
    {"the gateway cannot be asked and AWS says UP",
     {is_lost, no_daemon, answers_pings, aws_was_read},
     CAUSE_UNDETERMINED,
     NOTHING,
     CAUSE_NONE},
    {"the gateway cannot be asked and AWS dials by itself",
     {is_lost, no_daemon, answers_pings, aws_starts, aws_says_down},
     CAUSE_UNDETERMINED,
     NOTHING,
     CAUSE_NONE},
    {"neither the gateway nor AWS can be asked, the endpoint answers",
     {is_lost, no_daemon, no_aws, answers_pings},
     CAUSE_UNDETERMINED,
     NOTHING,
     CAUSE_NONE},

    /* The endpoint is silent, and comes back. */
    {"the endpoint is being replaced, the gateway has not noticed",
     {is_lost, is_silent},
     CAUSE_ENDPOINT_REPLACING,
     NOTHING,
     CAUSE_INBOUND_LOST},
    {"the endpoint is being replaced, the gateway has dropped its SAs",
     {is_lost, no_sas, is_silent},
     CAUSE_ENDPOINT_REPLACING,
     NOTHING,
     CAUSE_NONE},
    {"the endpoint is being replaced, the gateway dials into the void",
     {is_lost, is_connecting, is_silent},
     CAUSE_ENDPOINT_REPLACING,
     NOTHING,
     CAUSE_NONE},
    {"the endpoint is being replaced, the gateway cannot be asked",
     {is_lost, no_daemon, is_silent, aws_says_down},
     CAUSE_ENDPOINT_REPLACING,
     NOTHING,
     CAUSE_NONE},
    {"one ping went unanswered", {is_lost, no_sas, missed_one_ping}, CAUSE_UNDETERMINED, NOTHING, CAUSE_NONE},
    {"the endpoint is silent for an hour", {is_lost, is_silent_long}, CAUSE_ENDPOINT_SILENT, NOTHING, CAUSE_NONE},
    {"the endpoint never answered, and nobody initiates",
     {is_lost, no_sas, never_answered},
     CAUSE_ENDPOINT_SILENT,
     INITIATE | OPTIONS,
     CAUSE_NONE},
    {"pings may not be sent, and nobody initiates",
     {is_lost, no_sas, cannot_ping},
     CAUSE_ENDPOINT_SILENT,
     INITIATE | OPTIONS,
     CAUSE_NONE},
    {"the endpoint never answered, and the gateway dials into the void",
     {is_lost, is_connecting, never_answered},
     CAUSE_ENDPOINT_SILENT,
     OPTIONS,
     CAUSE_NONE},
    {"the endpoint came back, the gateway sends into its old SAs",
     {is_lost, comes_back},
     CAUSE_STALE_SA,
     REINITIATE | OPTIONS,
     CAUSE_NONE},
    {"the endpoint came back this moment, the old SAs may still be good",
     {is_lost, comes_back_now},
     CAUSE_UNDETERMINED,
     NOTHING,
     CAUSE_NONE},
    {"the endpoint came back, an old IKE_SA is left without a CHILD_SA",
     {is_lost, no_child, comes_back},
     CAUSE_STALE_SA,
     REINITIATE | OPTIONS,
     CAUSE_NONE},
    {"the endpoint came back this moment, an old IKE_SA is left without a CHILD_SA",
     {is_lost, no_child, comes_back_now},
     CAUSE_UNDETERMINED,
     NOTHING,
     CAUSE_NONE},
    {"the endpoint came back, the gateway waits to retransmit",
     {is_lost, is_connecting, comes_back_now},
     CAUSE_STALE_SA,
     REINITIATE | OPTIONS,
     CAUSE_NONE},
    {"the gateway initiates and the endpoint is there",
     {is_lost, is_connecting, answers_pings},
     CAUSE_UNDETERMINED,
     NOTHING,
     CAUSE_NONE},

    /* SAs. */
    {"the CHILD_SA was deleted",
     {is_lost, no_child, answers_pings},
     CAUSE_CHILD_MISSING,
     INITIATE | REINITIATE | OPTIONS,
     CAUSE_NONE},
    {"the CHILD_SA was deleted and nothing can be probed",
     {cannot_be_probed, no_child, answers_pings},
     CAUSE_CHILD_MISSING,
     INITIATE | REINITIATE | OPTIONS,
     CAUSE_NONE},
    {"SAs are up, nothing comes in",
     {is_lost, answers_pings},
     CAUSE_INBOUND_LOST,
     RECREATE | REINITIATE,
     CAUSE_OUTBOUND_LOST},
    {"SAs are up, others' packets come in, the endpoint answers no echo",
     {is_lost, answers_pings, packets_come_in},
     CAUSE_OUTBOUND_LOST,
     RECREATE | REINITIATE,
     CAUSE_NONE},
    {"SAs are up, others' packets come in, the one host that is probed is lost",
     {has_only_a_host, is_lost, answers_pings, packets_come_in},
     CAUSE_PROBE_TARGET_DOWN,
     RECREATE,
     CAUSE_OUTBOUND_LOST},
    {"SAs are up, nothing comes in, the one host that is probed is lost",
     {has_only_a_host, is_lost, answers_pings},
     CAUSE_INBOUND_LOST,
     RECREATE | REINITIATE,
     CAUSE_PROBE_TARGET_DOWN},
    {"a host behind the tunnel is lost",
     {has_second_target, host_is_lost, answers_pings},
     CAUSE_PROBE_TARGET_DOWN,
     NOTHING,
     CAUSE_NONE},
    {"the endpoint's inside address is lost, the host behind it answers",
     {has_second_target, endpoint_target_is_lost, answers_pings},
     CAUSE_PROBE_TARGET_DOWN,
     NOTHING,
     CAUSE_NONE},
    {"a host behind the tunnel is lost and the endpoint answers no pings ever",
     {has_second_target, host_is_lost, never_answered},
     CAUSE_PROBE_TARGET_DOWN,
     NOTHING,
     CAUSE_NONE},

    /* What a peer says. */
    {"the key was refused",
     {is_lost, no_sas, answers_pings, failed_authentication},
     CAUSE_AUTHENTICATION_FAILED,
     NOTHING,
     CAUSE_BOTH_SIDES_WAITING},
    {"the gateway has no key",
     {is_lost, no_sas, answers_pings, has_no_key},
     CAUSE_AUTHENTICATION_FAILED,
     NOTHING,
     CAUSE_NONE},
    {"no cipher in common",
     {is_lost, no_sas, answers_pings, failed_proposal},
     CAUSE_NO_PROPOSAL_CHOSEN,
     NOTHING,
     CAUSE_NONE},
    {"no cipher in common for the CHILD_SA",
     {is_lost, no_child, answers_pings, failed_proposal},
     CAUSE_NO_PROPOSAL_CHOSEN,
     NOTHING,
     CAUSE_NONE},
    {"no networks in common",
     {is_lost, no_child, answers_pings, failed_selectors},
     CAUSE_TS_UNACCEPTABLE,
     NOTHING,
     CAUSE_NONE},
    {"somebody else's identity",
     {is_lost, no_sas, answers_pings, failed_identity},
     CAUSE_IDENTITY_MISMATCH,
     NOTHING,
     CAUSE_NONE},
    {"the key was refused an hour ago",
     {is_lost, no_sas, answers_pings, failed_authentication, failure_is_old},
     CAUSE_BOTH_SIDES_WAITING,
     INITIATE | OPTIONS,
     CAUSE_NONE},
    {"the key was refused once, and the tunnel is up by now", {failed_authentication}, CAUSE_NONE, NOTHING, CAUSE_NONE},

    /* The daemon. */
    {"the daemon has no such connection",
     {is_lost, no_sas, answers_pings, not_loaded},
     CAUSE_CONNECTION_NOT_LOADED,
     NOTHING,
     CAUSE_NONE},
    {"the daemon is dead and the tunnel down",
     {is_lost, daemon_dead, answers_pings, aws_says_down},
     CAUSE_DAEMON_DEAD,
     NOTHING,
     CAUSE_BOTH_SIDES_WAITING},
    {"the daemon is dead and the tunnel still up", {daemon_dead}, CAUSE_DAEMON_DEAD, NOTHING, CAUSE_NONE},
    {"the daemon is dead and packets get lost", {degrades, daemon_dead}, CAUSE_DAEMON_DEAD, NOTHING, CAUSE_NONE},
    {"the daemon is dead and a host behind the tunnel too",
     {has_second_target, host_is_lost, daemon_dead},
     CAUSE_PROBE_TARGET_DOWN,
     NOTHING,
     CAUSE_DAEMON_DEAD},
    {"the daemon hangs and the tunnel is down",
     {is_lost, daemon_hung, answers_pings},
     CAUSE_DAEMON_HUNG,
     NOTHING,
     CAUSE_NONE},
    {"the daemon hangs and the tunnel is still up", {daemon_hung}, CAUSE_DAEMON_HUNG, NOTHING, CAUSE_NONE},
    {"the daemon hangs while the endpoint is being replaced",
     {is_lost, daemon_hung, is_silent},
     CAUSE_DAEMON_HUNG,
     NOTHING,
     CAUSE_ENDPOINT_REPLACING},
    {"the daemon was not asked for some seconds",
     {is_lost, no_sas, answers_pings, list_is_old},
     CAUSE_UNDETERMINED,
     NOTHING,
     CAUSE_NONE},

    /* AWS. */
    {"AWS modifies the connection",
     {is_lost, no_sas, is_silent, aws_modifies},
     CAUSE_AWS_MODIFYING,
     NOTHING,
     CAUSE_ENDPOINT_REPLACING},
    {"our own change is being applied",
     {is_lost, no_sas, answers_pings, we_modify},
     CAUSE_AWS_MODIFYING,
     NOTHING,
     CAUSE_BOTH_SIDES_WAITING},
    {"AWS modifies the other tunnel of the connection", {aws_modifies}, CAUSE_NONE, NOTHING, CAUSE_NONE},

    /* The host. */
    {"the cable was pulled a moment ago", {becomes_suspect, link_is_cut}, CAUSE_UPLINK_DOWN, NOTHING, CAUSE_NONE},
    {"the cable was pulled while the endpoint still answered",
     {is_lost, answers_pings, link_is_cut},
     CAUSE_UPLINK_DOWN,
     NOTHING,
     CAUSE_NONE},
    {"the cable was pulled and the daemon is dead",
     {is_lost, daemon_dead, link_is_cut},
     CAUSE_UPLINK_DOWN,
     NOTHING,
     CAUSE_DAEMON_DEAD},
    {"the default route is gone, so no probe can be sent",
     {cannot_be_probed, has_no_route},
     CAUSE_UPLINK_DOWN,
     NOTHING,
     CAUSE_NONE},
    {"the kernel cannot be asked, and pings find no way out",
     {is_lost, cannot_ask_kernel, pings_have_no_way},
     CAUSE_UPLINK_DOWN,
     NOTHING,
     CAUSE_NONE},
    {"everything outside went silent at once",
     {is_lost, is_silent, all_are_silent},
     CAUSE_UPLINK_DOWN,
     NOTHING,
     CAUSE_ENDPOINT_REPLACING},
    {"the endpoint is silent and so is the API",
     {is_lost, is_silent, api_is_unreachable},
     CAUSE_UPLINK_DOWN,
     NOTHING,
     CAUSE_ENDPOINT_REPLACING},
    {"endpoints are silent, but the API is there",
     {is_lost, is_silent, all_are_silent, api_is_reached},
     CAUSE_ENDPOINT_REPLACING,
     NOTHING,
     CAUSE_NONE},
    {"the API is unreachable, but the endpoint answers",
     {is_lost, no_sas, answers_pings, api_is_unreachable},
     CAUSE_BOTH_SIDES_WAITING,
     INITIATE | OPTIONS,
     CAUSE_NONE},
    {"packets get lost, and all endpoints missed two pings by chance",
     {degrades, becomes_suspect, is_silent, all_are_silent},
     CAUSE_ENDPOINT_REPLACING,
     NOTHING,
     CAUSE_NONE},
    {"the kernel sees no way out, yet the tunnel passes traffic",
     {has_second_target, host_is_lost, has_no_route},
     CAUSE_PROBE_TARGET_DOWN,
     NOTHING,
     CAUSE_NONE},

    {"a tunnel is up by the daemon's word alone, and the kernel sees no way out",
     {has_no_target, has_no_route},
     CAUSE_NONE,
     NOTHING,
     CAUSE_NONE},

    /* The configuration. */
    {"the gateway terminates one tunnel only",
     {is_expected_down, no_sas, answers_pings},
     CAUSE_EXPECTED_DOWN,
     NOTHING,
     CAUSE_NONE},
    {"expected to be down, and the daemon is dead",
     {is_expected_down, daemon_dead},
     CAUSE_EXPECTED_DOWN,
     NOTHING,
     CAUSE_NONE},
};

static struct diagnosis diagnose(const struct situation *s)
{
    struct fact_input in = input_of(s);

    return diagnosis_make(&in, NOW);
}

static void test_every_story_has_its_cause(void **state)
{
    struct situation s;
    size_t failed = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
        struct diagnosis d;
        bool named = stories[i].alternative == CAUSE_NONE;

        healthy(&s);
        for (size_t k = 0; k < STEPS_MAX && stories[i].steps[k]; k++)
            stories[i].steps[k](&s);
        d = diagnose(&s);
        for (size_t k = 0; k < d.n_alternatives; k++)
            assert_int_not_equal(d.alternatives[k], d.cause);
        for (size_t k = 0; k < d.n_alternatives; k++)
            named = named || d.alternatives[k] == stories[i].alternative;
        if (d.cause == stories[i].cause && (d.row ? d.row->actions : 0) == stories[i].actions && named)
            continue;
        failed++;
        print_error("%s: %s (%s), actions %x\n", stories[i].words, cause_name(d.cause), diagnosis_text(&d),
                    d.row ? d.row->actions : 0);
    }
    assert_int_equal(failed, 0);
}

static void test_every_cause_can_be_found(void **state)
{
    bool found[CAUSE_MAX_] = {false};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stories); i++)
        found[stories[i].cause] = true;
    for (size_t c = 0; c < CAUSE_MAX_; c++)
        if (!found[c])
            fail_msg("no story ends in %s", cause_name((enum cause)c));
}

static bool is_sentence(const char *text)
{
    return text && strlen(text) > 10 && text[0] >= 'A' && text[0] <= 'Z' && text[strlen(text) - 1] == '.';
}

static void test_every_cause_is_told(void **state)
{
    bool has_row[CAUSE_MAX_] = {[CAUSE_NONE] = true, [CAUSE_UNDETERMINED] = true};
    size_t n;
    const struct cause_row *rows = cause_rows(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        has_row[rows[i].cause] = true;
        assert_true(is_sentence(rows[i].text));
        assert_true(is_sentence(rows[i].fix));
        assert_true(strlen(rows[i].text) < 256); /* of an alert, beside what else it says */
    }
    for (size_t c = 0; c < CAUSE_MAX_; c++) {
        assert_true(has_row[c]);
        assert_true(strlen(cause_name((enum cause)c)) > 3);
        for (size_t other = 0; other < c; other++)
            assert_string_not_equal(cause_name((enum cause)c), cause_name((enum cause)other));
    }
    for (size_t s = CAUSE_FINE; s <= CAUSE_CRITICAL; s++)
        assert_true(strlen(cause_severity_name((enum cause_severity)s)) > 3);
}

/* A row that wants one fact twice, or that proves what excludes it, could never hold or is written carelessly. */
static void test_rows_do_not_contradict_themselves(void **state)
{
    size_t n;
    const struct cause_row *rows = cause_rows(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        size_t seen[FACT_MAX_] = {0};

        assert_true(rows[i].proves[0].fact != FACT_NONE); /* a row without proof would hold always */
        for (size_t k = 0; k < CAUSE_FACTS_MAX && rows[i].proves[k].fact != FACT_NONE; k++) {
            assert_true(rows[i].proves[k].truth != TRUTH_UNKNOWN);
            seen[rows[i].proves[k].fact]++;
        }
        for (size_t k = 0; k < CAUSE_FACTS_MAX && rows[i].excludes[k].fact != FACT_NONE; k++) {
            assert_true(rows[i].excludes[k].truth != TRUTH_UNKNOWN);
            seen[rows[i].excludes[k].fact]++;
        }
        for (size_t f = 0; f < FACT_MAX_; f++)
            if (seen[f] > 1)
                fail_msg("row %zu (%s) names %s twice", i, cause_name(rows[i].cause), fact_name((enum fact)f));
        if (rows[i].severity < CAUSE_CRITICAL)
            assert_int_equal(rows[i].actions & ~RECREATE, 0);
    }
}

static void test_nothing_known_proves_nothing(void **state)
{
    struct situation s = {0};
    struct diagnosis d = diagnose(&s);

    (void)state;
    assert_int_equal(d.cause, CAUSE_NONE);
    assert_null(d.row);
    s.verdict.verdict = VERDICT_DOWN;
    d = diagnose(&s);
    assert_int_equal(d.cause, CAUSE_UNDETERMINED);
    assert_null(d.row);
    assert_int_equal(d.n_alternatives, 0);
}

static void test_what_stands_while_up_is_a_warning(void **state)
{
    struct situation s;
    struct diagnosis d;

    (void)state;
    healthy(&s);
    daemon_dead(&s);
    d = diagnose(&s);
    assert_int_equal(d.row->severity, CAUSE_WARNING);
    is_lost(&s);
    d = diagnose(&s);
    assert_int_equal(d.row->severity, CAUSE_CRITICAL);
}

static void test_alternatives_are_other_causes_and_few(void **state)
{
    struct situation s;
    struct diagnosis d;

    (void)state;
    healthy(&s);
    is_lost(&s);
    no_sas(&s);
    link_is_cut(&s);
    not_loaded(&s);
    we_modify(&s);
    failed_authentication(&s);
    is_silent(&s);
    d = diagnose(&s);
    assert_int_equal(d.cause, CAUSE_UPLINK_DOWN);
    assert_int_equal(d.n_alternatives, DIAGNOSIS_ALTERNATIVES_MAX);
    for (size_t i = 0; i < d.n_alternatives; i++) {
        assert_int_not_equal(d.alternatives[i], d.cause);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(d.alternatives[i], d.alternatives[k]);
    }
}

static void test_undetermined_says_what_it_can(void **state)
{
    struct situation s;
    struct diagnosis d;

    (void)state;
    healthy(&s);
    degrades(&s);
    d = diagnose(&s);
    assert_non_null(strstr(diagnosis_text(&d), "loses some"));
    is_lost_just_now(&s);
    d = diagnose(&s);
    assert_non_null(strstr(diagnosis_text(&d), "SAs are up"));
    is_connecting(&s);
    d = diagnose(&s);
    assert_non_null(strstr(diagnosis_text(&d), "initiating"));
    no_daemon(&s);
    d = diagnose(&s);
    assert_non_null(strstr(diagnosis_text(&d), "no known cause"));
    healthy(&s);
    d = diagnose(&s);
    assert_string_equal(diagnosis_text(&d), "Nothing is wrong.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_story_has_its_cause),
        cmocka_unit_test(test_every_cause_can_be_found),
        cmocka_unit_test(test_every_cause_is_told),
        cmocka_unit_test(test_rows_do_not_contradict_themselves),
        cmocka_unit_test(test_nothing_known_proves_nothing),
        cmocka_unit_test(test_what_stands_while_up_is_a_warning),
        cmocka_unit_test(test_alternatives_are_other_causes_and_few),
        cmocka_unit_test(test_undetermined_says_what_it_can),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
