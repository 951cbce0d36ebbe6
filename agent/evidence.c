#include "agent/evidence.h"

/* strongSwan's defaults: retransmit_timeout, retransmit_base and retransmit_tries. */
#define RETRANSMIT_FIRST (4 * USEC_PER_SEC)
#define RETRANSMIT_TRIES 5

usec_t policy_next_retransmission(usec_t since, usec_t now)
{
    usec_t interval = RETRANSMIT_FIRST;
    usec_t at = since;

    for (unsigned i = 0; i < RETRANSMIT_TRIES; i++) {
        at = clock_add(at, interval);
        if (at > now)
            return at;
        interval = interval * 9 / 5;
    }
    return USEC_NEVER;
}

bool evidence_is(const struct policy_input *in, enum fact f, enum truth t)
{
    return in->diagnosis->facts.is[f] == t;
}

bool evidence_forced(const struct policy_input *in)
{
    return in->state->forced != ACTION_HOLD;
}

usec_t evidence_came_back(const struct policy_input *in)
{
    return in->ping->came_back >= in->verdict.trouble_since ? in->ping->came_back : 0;
}

static usec_t pending_since(const struct policy_input *in)
{
    return in->initiating_since != 0 ? in->initiating_since : in->ike->connecting_since;
}

/* The next packet of it, or the last one if that left so recently that its effect is not to be seen yet. */
static usec_t next_packet(const struct policy_input *in, usec_t now)
{
    return policy_next_retransmission(pending_since(in), clock_since(POLICY_RETRANSMIT_WAIT, now));
}

/* It began while the endpoint was there, and not long ago. */
static bool may_work(const struct policy_input *in, usec_t now)
{
    return pending_since(in) >= evidence_came_back(in) && clock_since(pending_since(in), now) < POLICY_PENDING_MAX;
}

bool evidence_hangs(const struct policy_input *in, usec_t now)
{
    if (pending_since(in) == 0 || in->ike->n_ike == 0 || in->ike->n_child_up > 0)
        return false;
    if (in->in_flight && in->initiating_since == 0)
        return false;
    if (!evidence_is(in, FACT_ENDPOINT_ANSWERS, TRUTH_YES) || may_work(in, now))
        return false;
    return next_packet(in, now) > clock_add(now, POLICY_RETRANSMIT_NEAR);
}

usec_t evidence_pending_again(const struct policy_input *in, usec_t now)
{
    if (pending_since(in) == 0)
        return USEC_NEVER;
    return may_work(in, now) ? pending_since(in) + POLICY_PENDING_MAX
                             : clock_add(next_packet(in, now), POLICY_RETRANSMIT_WAIT);
}

bool evidence_carries(const struct policy_input *in)
{
    usec_t back = evidence_came_back(in);

    if (in->verdict.verdict == VERDICT_UP || in->verdict.verdict == VERDICT_DEGRADED)
        return true;
    if (evidence_is(in, FACT_INNER_ANSWERS, TRUTH_YES))
        return true;
    return back != 0 ? in->ike->in_moved > back : evidence_is(in, FACT_IN_MOVES, TRUTH_YES);
}

bool evidence_is_plain(const struct policy_input *in)
{
    return in->has_ike_leg ? evidence_is(in, FACT_CHILD_SA, TRUTH_NO) : evidence_is(in, FACT_AWS_UP, TRUTH_NO);
}

bool evidence_witness(const struct policy_input *in, usec_t now, usec_t *ret_again)
{
    usec_t back = evidence_came_back(in);

    if (evidence_is(in, FACT_CHILD_SA, TRUTH_NO) || evidence_is(in, FACT_AWS_UP, TRUTH_NO))
        return true;
    if (now < in->state->reports_until) {
        *ret_again = in->state->reports_until;
        return false;
    }
    if (evidence_is(in, FACT_OUT_MOVES, TRUTH_YES) && evidence_is(in, FACT_IN_MOVES, TRUTH_NO))
        return true;
    /* The endpoint was away and is back; SAs from before its absence that pass nothing now are not known there. */
    if (back == 0 || in->ike->established_at >= back)
        return false;
    *ret_again = back + FACT_RETURN_SPAN;
    return now >= back + FACT_RETURN_SPAN;
}

unsigned evidence_tries(const struct policy_input *in, enum action action)
{
    unsigned n = 0;

    for (size_t i = 0; i < in->state->n_past; i++) {
        const struct guard_past *p = &in->state->past[i];

        n += p->this_incident && p->action == action && p->at >= in->verdict.since;
    }
    return n;
}

unsigned evidence_gentler_tries(const struct policy_input *in, usec_t now)
{
    unsigned n = evidence_tries(in, ACTION_INITIATE) + evidence_tries(in, ACTION_REINITIATE);
    usec_t since = in->ike->connecting_since;

    return n + (in->ike->n_connecting > 0 && clock_since(since, now) >= POLICY_PENDING_MAX);
}

bool evidence_aws_fresh(const struct policy_input *in, usec_t now)
{
    usec_t span = 2 * in->timing->aws_down_interval;

    if (span < POLICY_AWS_SPAN)
        span = POLICY_AWS_SPAN;
    return in->aws->when != 0 && clock_since(in->aws->when, now) <= span;
}
