/* What the policy reads off its input: the questions that more than one rung asks. Pure. Internal to the policy. */
#pragma once

#include "agent/policy.h"

#include <stdbool.h>

bool evidence_is(const struct policy_input *in, enum fact f, enum truth t);
bool evidence_forced(const struct policy_input *in); /* a person ordered an action */

/* When the endpoint was heard again after a silence within this trouble; 0 where there was none. */
usec_t evidence_came_back(const struct policy_input *in);

/* Whether the pending initiation of this tunnel, ours or the daemon's, hangs while the endpoint is there. */
bool evidence_hangs(const struct policy_input *in, usec_t now);

/* Until when one that does not hang is given time. USEC_NEVER where none is pending. */
usec_t evidence_pending_again(const struct policy_input *in, usec_t now);

bool evidence_carries(const struct policy_input *in); /* the tunnel carries traffic */
bool evidence_is_plain(
    const struct policy_input *in); /* the daemon, or AWS where there is none, says that nothing is up */

/* Somebody beside the probes says that nothing passes; one silent probe does not show that. *RET_AGAIN only where
 * false. */
bool evidence_witness(const struct policy_input *in, usec_t now, usec_t *ret_again);

/* How often ACTION was begun in this incident since the tunnel went down: it did not bring it back. */
unsigned evidence_tries(const struct policy_input *in, enum action action);

/* INITIATE and REINITIATE. What the daemon itself tries in vain for long counts too: it is the same. */
unsigned evidence_gentler_tries(const struct policy_input *in, usec_t now);

bool evidence_aws_fresh(const struct policy_input *in, usec_t now);
