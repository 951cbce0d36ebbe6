#include "agent/fact.h"

#include "base/array.h"
#include "base/str.h"

#include <assert.h>
#include <errno.h>

#define ESTABLISHED_GRAIN USEC_PER_SEC /* daemons tell an IKE_SA's age in whole seconds */

static enum truth truth(bool known, bool yes)
{
    return !known ? TRUTH_UNKNOWN : yes ? TRUTH_YES : TRUTH_NO;
}

static usec_t later(usec_t a, usec_t b)
{
    return a > b ? a : b;
}

/* Yes where a target answered something that was sent after the losses that one cannot yet tell from chance. */
static enum truth inner_answers(const struct fact_input *in, const struct verdict_inner *inner)
{
    usec_t answered = 0, lost = 0;

    for (size_t i = 0; i < inner->n; i++) {
        struct window_summary s;

        if (inner->answers[i] != VERDICT_ANSWER_OK)
            continue;
        s = window_summarise(in->targets[i].window);
        if (s.lost_run > 0)
            lost = later(lost, s.lost_since);
        else if (s.last_ok > inner->lost_since)
            answered = later(answered, s.last_ok);
    }
    if (answered != 0 && answered >= lost)
        return TRUTH_YES;
    return inner->lost > 0 && inner->answering == 0 ? TRUTH_NO : TRUTH_UNKNOWN;
}

static void read_targets(struct facts *f, const struct fact_input *in, usec_t now)
{
    bool child_missing = verdict_child_missing(in->ike, now);
    struct verdict_inner inner = verdict_read_targets(in->targets, in->n_targets, child_missing, now);
    bool measured = inner.lost > 0, endpoint = false;

    for (size_t i = 0; i < inner.n; i++) {
        measured = measured || inner.answers[i] == VERDICT_ANSWER_OK;
        endpoint = endpoint || (inner.answers[i] == VERDICT_ANSWER_LOST && in->target_is_endpoint[i]);
    }
    f->is[FACT_INNER_ANSWERS] = inner_answers(in, &inner);
    f->is[FACT_INNER_TARGET_LOST] = truth(measured, inner.lost > 0 && inner.answering > 0);
    f->is[FACT_ENDPOINT_TARGET] = truth(inner.lost > 0, endpoint);
}

static bool list_is_fresh(const struct ike_view *ike, usec_t now)
{
    return ike->configured && ike->daemon == IKE_DAEMON_OK && ike->when != 0 &&
           clock_since(ike->when, now) <= FACT_STALE_SPAN;
}

/*
 * A counter that advanced between the last two lists moves. The first list of a trouble still counts what passed before
 * it, and a CHILD_SA that is new has not had the time to move.
 */
static enum truth counter_moves(const struct ike_view *ike, usec_t moved, usec_t trouble_since, usec_t now)
{
    bool moves = moved != 0 && clock_since(moved, now) <= FACT_COUNTER_SPAN &&
                 (trouble_since == 0 || moved > clock_add(trouble_since, FACT_COUNTER_FIRST));
    usec_t newest = later(ike->child_since, ike->established_at);
    bool stands = clock_since(later(moved, newest), ike->when) > FACT_COUNTER_SPAN;

    return truth(ike->n_child_up > 0 && (moves || stands), moves);
}

/* What failed before the newest IKE_SA came up is settled. */
static enum truth failed_with(const struct ike_view *ike, bool such, usec_t now)
{
    bool known = ike->configured && ike->failure != OUTCOME_IKE_NONE && ike->failure_at != 0 &&
                 clock_since(ike->failure_at, now) <= FACT_FAILURE_SPAN;
    bool settled = ike->n_ike_up > 0 && ike->established_at > clock_add(ike->failure_at, ESTABLISHED_GRAIN);

    return truth(known, such && !settled);
}

static void read_ike(struct facts *f, const struct fact_input *in, usec_t now)
{
    const struct ike_view *ike = in->ike;
    bool asked = ike->configured && ike->daemon != IKE_DAEMON_UNKNOWN;
    bool fresh = list_is_fresh(ike, now);

    f->is[FACT_DAEMON_ANSWERS] = truth(asked, ike->daemon == IKE_DAEMON_OK);
    f->is[FACT_DAEMON_DEAD] = truth(asked, ike->daemon == IKE_DAEMON_DEAD);
    f->is[FACT_DAEMON_HUNG] = truth(asked, ike->daemon == IKE_DAEMON_HUNG);
    f->is[FACT_LOADED] = truth(fresh, ike->loaded);
    f->is[FACT_IKE_SA] = truth(fresh, ike->n_ike_up > 0);
    f->is[FACT_CHILD_SA] = truth(fresh, ike->n_child_up > 0);
    f->is[FACT_CONNECTING] = truth(fresh, ike->n_connecting > 0);
    if (fresh) {
        f->is[FACT_IN_MOVES] = counter_moves(ike, ike->in_moved, in->verdict.trouble_since, now);
        f->is[FACT_OUT_MOVES] = counter_moves(ike, ike->out_moved, in->verdict.trouble_since, now);
    }
    f->is[FACT_AUTH_FAILED] = failed_with(
        ike, ike->failure == OUTCOME_IKE_AUTHENTICATION_FAILED || ike->failure == OUTCOME_IKE_NO_SHARED_KEY, now);
    f->is[FACT_NO_PROPOSAL] = failed_with(ike, ike->failure == OUTCOME_IKE_NO_PROPOSAL_CHOSEN, now);
    f->is[FACT_TS_UNACCEPTABLE] = failed_with(ike, ike->failure == OUTCOME_IKE_TS_UNACCEPTABLE, now);
    f->is[FACT_IDENTITY_MISMATCH] = failed_with(ike, ike->failure == OUTCOME_IKE_IDENTITY_MISMATCH, now);
}

/*
 * An attempt that is older than the return waits for its next retransmission, and that is plain at once. An IKE_SA may
 * have survived (a cut of the path that both sides sat out): whether it did is seen when echoes sent since come back.
 */
static enum truth came_back(const struct fact_input *in, usec_t now)
{
    usec_t back = in->ping->came_back, newest = later(in->ike->established_at, in->ike->connecting_since);
    bool in_trouble = in->verdict.trouble_since != 0 && back >= in->verdict.trouble_since;

    if (back == 0 || !in_trouble)
        return TRUTH_NO;
    if (!list_is_fresh(in->ike, now))
        return TRUTH_UNKNOWN;
    if (newest == 0 || newest >= back)
        return TRUTH_NO;
    return in->ike->n_ike_up > 0 && clock_since(back, now) < FACT_RETURN_SPAN ? TRUTH_UNKNOWN : TRUTH_YES;
}

/* Pings are sent while something is wrong. An answer of the time before tells nothing of now. */
static void read_endpoint(struct facts *f, const struct fact_input *in, usec_t now)
{
    const struct ping_view *ping = in->ping;
    bool silent = ping->unanswered >= FACT_SILENT_PINGS;
    bool answers = !silent && ping->last_answer != 0 && ping->last_answer >= in->verdict.trouble_since;

    f->is[FACT_ENDPOINT_ANSWERS] = truth(silent || (answers && ping->failed == 0), answers);
    f->is[FACT_ENDPOINT_KNOWN] = truth(ping->last_answer != 0 || silent || ping->failed != 0, ping->last_answer != 0);
    f->is[FACT_ENDPOINT_SILENT_LONG] = truth(f->is[FACT_ENDPOINT_ANSWERS] != TRUTH_UNKNOWN,
                                             silent && clock_since(ping->first_sent, now) > FACT_REPLACEMENT_SPAN);
    f->is[FACT_ENDPOINT_CAME_BACK] = came_back(in, now);
}

static bool cannot_leave(const struct fact_input *in)
{
    switch (in->host->uplink) {
    case UPLINK_NO_ROUTE:
    case UPLINK_LINK_DOWN:
    case UPLINK_NO_GATEWAY:
        return true;
    case UPLINK_OK:
        return false;
    case UPLINK_UNKNOWN:
        break;
    }
    return in->ping->failed == ENETUNREACH || in->ping->failed == EHOSTUNREACH || in->ping->failed == ENETDOWN;
}

/* All endpoints may be replaced in one go: the AWS API is given a moment to show that there is a way out. */
static bool nothing_is_heard(const struct fact_input *in, usec_t now)
{
    const struct host_view *h = in->host;

    if (h->api_unreachable)
        return true;
    return h->all_silent && (!h->api_pending || clock_since(in->verdict.since, now) >= FACT_API_SPAN);
}

/*
 * The kernel's word comes first: it is of now, and an answer was a moment ago. Where the kernel sees nothing wrong,
 * silence counts only while the tunnel is DOWN: under random loss two endpoints may both miss two pings.
 */
static enum truth uplink_works(const struct facts *f, const struct fact_input *in, usec_t now)
{
    bool down = in->verdict.verdict == VERDICT_DOWN;
    bool silent = f->is[FACT_ENDPOINT_ANSWERS] == TRUTH_NO;

    if (cannot_leave(in))
        return TRUTH_NO;
    if (f->is[FACT_INNER_ANSWERS] == TRUTH_YES || f->is[FACT_ENDPOINT_ANSWERS] == TRUTH_YES || in->host->api_reachable)
        return TRUTH_YES;
    if (down && silent && nothing_is_heard(in, now))
        return TRUTH_NO;
    /* One endpoint that went silent may be gone, or everything is. */
    return truth(in->host->uplink == UPLINK_OK && !(silent && f->is[FACT_ENDPOINT_KNOWN] == TRUTH_YES), true);
}

static void read_aws(struct facts *f, const struct fact_input *in, usec_t now)
{
    const struct aws_view *aws = in->aws;
    bool fresh = aws->configured && aws->when != 0 && clock_since(aws->when, now) <= VERDICT_TELEMETRY_SPAN;
    bool of_now = fresh && aws->when >= in->verdict.trouble_since;
    bool modifying =
        aws->repairing || (fresh && (aws->state == EC2_STATE_MODIFYING || aws->state == EC2_STATE_PENDING));
    bool telemetry = aws->configured && aws->telemetry_known && aws->telemetry_read != 0 &&
                     aws->telemetry_read >= in->verdict.trouble_since &&
                     clock_since(aws->telemetry_read, now) <= VERDICT_TELEMETRY_SPAN;

    f->is[FACT_AWS_MODIFYING] = truth(modifying || (of_now && aws->state != EC2_STATE_UNKNOWN), modifying);
    /* While AWS changes a tunnel its telemetry means nothing. */
    f->is[FACT_AWS_UP] = truth(telemetry && !modifying, aws->telemetry_up || aws->only_bgp_down);
    f->is[FACT_AWS_DIALS] =
        truth(aws->configured && aws->when != 0 && aws->tunnel_known, aws->startup_action == EC2_STARTUP_START);
}

struct facts fact_read(const struct fact_input *in, usec_t now)
{
    struct facts f = {{TRUTH_UNKNOWN}};

    f.is[FACT_EXPECTED_DOWN] = truth(true, in->expected_down);
    read_targets(&f, in, now);
    read_ike(&f, in, now);
    read_endpoint(&f, in, now);
    read_aws(&f, in, now);
    f.is[FACT_UPLINK_WORKS] = uplink_works(&f, in, now);
    return f;
}

/* YES is a clause too: "it is not known whether YES". */
static const struct {
    const char *name, *yes, *no;
} texts[] = {
    [FACT_NONE] = {"none", "nothing is said", "nothing is said"},
    [FACT_EXPECTED_DOWN] = {"expected-down", "the configuration expects the tunnel to be down",
                            "the configuration expects the tunnel to be up"},
    [FACT_INNER_ANSWERS] = {"inner-answers", "a probe target answers through the tunnel",
                            "no probe target answers through the tunnel"},
    [FACT_INNER_TARGET_LOST] = {"inner-target-lost", "one probe target is lost while another one answers",
                                "no probe target is lost while another one answers"},
    [FACT_ENDPOINT_TARGET] = {"endpoint-target", "the endpoint's own inside address is among the lost targets",
                              "the endpoint's own inside address is not among the lost targets"},
    [FACT_UPLINK_WORKS] = {"uplink-works", "the host's uplink works", "the host has no working way to the endpoint"},
    [FACT_DAEMON_ANSWERS] = {"daemon-answers", "the IKE daemon answers", "the IKE daemon does not answer"},
    [FACT_DAEMON_DEAD] = {"daemon-dead", "the IKE daemon is not running", "the IKE daemon is running"},
    [FACT_DAEMON_HUNG] = {"daemon-hung", "the IKE daemon takes requests and answers none of them",
                          "the IKE daemon does not hang"},
    [FACT_LOADED] = {"loaded", "the connection is loaded in the IKE daemon",
                     "the connection is not loaded in the IKE daemon"},
    [FACT_IKE_SA] = {"ike-sa", "an IKE_SA is established", "no IKE_SA is established"},
    [FACT_CHILD_SA] = {"child-sa", "a CHILD_SA is installed", "no CHILD_SA is installed"},
    [FACT_CONNECTING] = {"connecting", "the IKE daemon is initiating", "the IKE daemon is not initiating"},
    [FACT_IN_MOVES] = {"in-moves", "ESP packets come in", "no ESP packet comes in"},
    [FACT_OUT_MOVES] = {"out-moves", "ESP packets go out", "no ESP packet goes out"},
    [FACT_ENDPOINT_ANSWERS] = {"endpoint-answers", "the endpoint answers IKE pings",
                               "the endpoint does not answer IKE pings"},
    [FACT_ENDPOINT_KNOWN] = {"endpoint-known", "the endpoint has answered IKE pings before",
                             "the endpoint has never answered an IKE ping"},
    [FACT_ENDPOINT_SILENT_LONG] = {"endpoint-silent-long", "the endpoint is silent for longer than a replacement takes",
                                   "the endpoint is not silent for longer than a replacement takes"},
    [FACT_ENDPOINT_CAME_BACK] = {"endpoint-came-back",
                                 "the endpoint was silent and came back, and the gateway's IKE_SA is older than that",
                                 "the endpoint did not come back to an older IKE_SA"},
    [FACT_AUTH_FAILED] = {"auth-failed", "the last attempt to initiate failed to authenticate",
                          "the last attempt to initiate did not fail to authenticate"},
    [FACT_NO_PROPOSAL] = {"no-proposal", "the last attempt to initiate ended in NO_PROPOSAL_CHOSEN",
                          "the last attempt to initiate did not end in NO_PROPOSAL_CHOSEN"},
    [FACT_TS_UNACCEPTABLE] = {"ts-unacceptable", "the last attempt to initiate ended in TS_UNACCEPTABLE",
                              "the last attempt to initiate did not end in TS_UNACCEPTABLE"},
    [FACT_IDENTITY_MISMATCH] = {"identity-mismatch", "the last attempt to initiate failed over an identity",
                                "the last attempt to initiate did not fail over an identity"},
    [FACT_AWS_MODIFYING] = {"aws-modifying", "AWS is modifying the connection", "AWS is not modifying the connection"},
    [FACT_AWS_UP] = {"aws-up", "AWS's telemetry says that IPsec is up since the trouble began",
                     "AWS's telemetry says that IPsec is down since the trouble began"},
    [FACT_AWS_DIALS] = {"aws-dials", "AWS initiates (StartupAction=start)",
                        "AWS does not initiate (StartupAction=add)"},
};

const char *fact_text(enum fact f, enum truth t, char buf[static FACT_TEXT_MAX])
{
    _Static_assert(ARRAY_LEN(texts) == FACT_MAX_, "every fact has its texts");
    assert((size_t)f < ARRAY_LEN(texts));
    switch (t) {
    case TRUTH_YES:
        (void)str_copy(buf, FACT_TEXT_MAX, texts[f].yes);
        break;
    case TRUTH_NO:
        (void)str_copy(buf, FACT_TEXT_MAX, texts[f].no);
        break;
    case TRUTH_UNKNOWN:
        (void)str_format(buf, FACT_TEXT_MAX, "it is not known whether %s", texts[f].yes);
        break;
    }
    return buf;
}

const char *fact_name(enum fact f)
{
    assert((size_t)f < ARRAY_LEN(texts));
    return texts[f].name;
}
