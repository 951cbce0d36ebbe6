#include "remediation/outcome.h"

const char *outcome_result_name(enum outcome_result r)
{
    static const char *const names[] = {
        [OUTCOME_DONE] = "done",
        [OUTCOME_NOTHING] = "nothing",
        [OUTCOME_FAILED] = "failed",
        [OUTCOME_UNKNOWN] = "unknown",
    };

    return names[r];
}

const char *outcome_ike_name(enum outcome_ike i)
{
    static const char *const names[] = {
        [OUTCOME_IKE_NONE] = "none",
        [OUTCOME_IKE_AUTHENTICATION_FAILED] = "authentication-failed",
        [OUTCOME_IKE_NO_PROPOSAL_CHOSEN] = "no-proposal-chosen",
        [OUTCOME_IKE_TS_UNACCEPTABLE] = "ts-unacceptable",
        [OUTCOME_IKE_IDENTITY_MISMATCH] = "identity-mismatch",
        [OUTCOME_IKE_NO_CONFIG] = "no-config",
        [OUTCOME_IKE_NO_SHARED_KEY] = "no-shared-key",
        [OUTCOME_IKE_TIMEOUT] = "timeout",
    };

    return names[i];
}
