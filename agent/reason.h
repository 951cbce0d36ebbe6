/* The policy's sentences: why something is done, and why nothing is. They stay the same as long as nothing changes. */
#pragma once

#include "agent/policy.h"

/* "the endpoint answers and nobody initiates" */
const char *reason_to_act(const struct policy_input *in, enum action action, usec_t now);

/* Where the cause leaves nothing to do: "the endpoint is silent: waiting until it answers". */
const char *reason_to_hold(const struct policy_input *in);
