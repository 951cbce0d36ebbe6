#include "agent/reason.h"

#include "agent/evidence.h"

const char *reason_to_act(const struct policy_input *in, enum action action, usec_t now)
{
    if (evidence_forced(in))
        return "a person ordered it";
    switch (action) {
    case ACTION_RECREATE_PROBE:
        return "nobody but the probes says that the tunnel is down; perhaps only the ICMP id is dead";
    case ACTION_INITIATE:
        if (in->ike->n_ike_up > 0)
            return "the CHILD_SA is missing";
        return evidence_is(in, FACT_ENDPOINT_ANSWERS, TRUTH_YES)
                   ? "the endpoint answers and nobody initiates"
                   : "nobody initiates, and no IKE ping tells the right moment";
    case ACTION_REINITIATE:
        if (evidence_hangs(in, now))
            return "the endpoint is there, and the next packet of the pending initiation is far off";
        if (in->ike->n_child_up == 0)
            return "the CHILD_SA is missing, and initiating it did not help";
        return evidence_came_back(in) != 0 ? "the SAs are older than the return of the endpoint and pass nothing"
                                           : "the SAs are up and pass nothing";
    case ACTION_TUNNEL_OPTIONS:
        return in->has_ike_leg ? "initiating from this side did not help" : "nobody initiates";
    case ACTION_HOLD:
    case ACTION_MAX_:
        break;
    }
    return "";
}

/* Why nothing is done where the verdict or the cause leave nothing to do. */
const char *reason_to_hold(const struct policy_input *in)
{
    switch (in->diagnosis->cause) {
    case CAUSE_UPLINK_DOWN:
        return "the uplink of this host is down: nothing is repaired until it is back";
    case CAUSE_DAEMON_DEAD:
    case CAUSE_DAEMON_HUNG:
        return "the IKE daemon does not answer: it cannot be asked to initiate";
    case CAUSE_AWS_MODIFYING:
        return "AWS is modifying the connection: waiting until it is done";
    case CAUSE_ENDPOINT_REPLACING:
    case CAUSE_ENDPOINT_SILENT:
        return "the endpoint is silent: waiting until it answers";
    case CAUSE_EXPECTED_DOWN:
        return "the tunnel is expected to be down";
    case CAUSE_NONE:
    case CAUSE_UNDETERMINED:
        return "the cause is not known: nothing is done on a guess";
    case CAUSE_AUTHENTICATION_FAILED:
    case CAUSE_NO_PROPOSAL_CHOSEN:
    case CAUSE_TS_UNACCEPTABLE:
    case CAUSE_IDENTITY_MISMATCH:
    case CAUSE_CONNECTION_NOT_LOADED:
        return "the configuration has to be mended by a person: trying again would not help";
    case CAUSE_PROBE_TARGET_DOWN:
        return "the tunnel works: what is down lies behind it";
    case CAUSE_BOTH_SIDES_WAITING:
    case CAUSE_CHILD_MISSING:
    case CAUSE_STALE_SA:
    case CAUSE_INBOUND_LOST:
    case CAUSE_OUTBOUND_LOST:
    case CAUSE_MAX_:
        break;
    }
    return "nothing that may be done here would help: a person has to look";
}
