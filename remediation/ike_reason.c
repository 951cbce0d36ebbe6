#include "remediation/ike_reason.h"

#include "base/array.h"
#include "base/str.h"

#include <string.h>

/*
 * Lines are compared from their beginning, since names and identities in them come from the peer. Where the end says
 * it, that is compared too.
 */
static const struct {
    const char *start;
    const char *end; /* NULL: whatever follows */
    enum outcome_ike reason;
} reasons[] = {
    {"received AUTHENTICATION_FAILED ", NULL, OUTCOME_IKE_AUTHENTICATION_FAILED},
    {"tried ", ", but MAC mismatched", OUTCOME_IKE_AUTHENTICATION_FAILED},
    {"received NO_PROPOSAL_CHOSEN ", NULL, OUTCOME_IKE_NO_PROPOSAL_CHOSEN},
    {"no acceptable proposal found", NULL, OUTCOME_IKE_NO_PROPOSAL_CHOSEN},
    {"received TS_UNACCEPTABLE ", NULL, OUTCOME_IKE_TS_UNACCEPTABLE},
    {"no acceptable traffic selectors found", NULL, OUTCOME_IKE_TS_UNACCEPTABLE},
    {"constraint check failed: identity ", NULL, OUTCOME_IKE_IDENTITY_MISMATCH},
    {"no shared key found ", NULL, OUTCOME_IKE_NO_SHARED_KEY},
    {"CHILD_SA config '", "' not found", OUTCOME_IKE_NO_CONFIG},
    {"giving up after ", " retransmits", OUTCOME_IKE_TIMEOUT},
    {"establishing IKE_SA failed, peer not responding", NULL, OUTCOME_IKE_TIMEOUT},
    {"CHILD_SA '", "ms", OUTCOME_IKE_TIMEOUT}, /* "CHILD_SA 'aws-1' not established after 18000ms" */
};

static bool ends(const char *s, const char *end)
{
    size_t len = strlen(s), n = strlen(end);

    return len >= n && str_eq(s + len - n, end);
}

enum outcome_ike ike_reason(const char *line)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (str_starts(line, reasons[i].start) && (!reasons[i].end || ends(line, reasons[i].end)))
            return reasons[i].reason;
    return OUTCOME_IKE_NONE;
}
