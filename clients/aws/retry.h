/* Whether and when a call is tried again. Pure, but for the quota that all calls of a client share. */
#pragma once

#include "base/clock.h"
#include "clients/aws/error.h"

#include <stdbool.h>

#define RETRY_QUOTA_MAX 500 /* tokens: the SDKs' figures */

struct retry_quota {
    unsigned tokens;
};

/* How a try ended. */
struct retry_end {
    enum aws_error error;
    int transport; /* http_response.error */
    bool mutating;
    unsigned tries; /* made so far, this one included */
    unsigned tries_max;
};

/* Whether the call may be made again, by what is known of whether AWS acted on it. Takes the tokens for it. */
bool retry_allowed(const struct retry_end *e, struct retry_quota *q);

void retry_success(struct retry_quota *q);

/* Full jitter: RANDOM * min(20 s, 2^n s), RANDOM in 0..UINT64_MAX as 0..1; at least what AWS asked for, within 20 s. */
usec_t retry_delay(unsigned tries, usec_t retry_after, uint64_t random);
