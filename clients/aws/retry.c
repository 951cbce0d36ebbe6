#include "clients/aws/retry.h"

#include <errno.h>

#define COST         5
#define COST_TIMEOUT 10
#define DELAY_MAX    (20 * USEC_PER_SEC)

/* Refused before the request could leave. */
static bool never_left(const struct retry_end *e)
{
    return e->transport == -ECONNREFUSED || e->transport == -EHOSTUNREACH;
}

static bool is_passing(const struct retry_end *e)
{
    switch (e->error) {
    case AWS_THROTTLED:
        return true;
    case AWS_UNAVAILABLE:
        return !e->mutating;
    case AWS_UNREACHABLE:
        return !e->mutating || never_left(e);
    case AWS_OK:
    case AWS_PERMISSION:
    case AWS_CREDENTIALS:
    case AWS_CLOCK_SKEW:
    case AWS_NOT_FOUND:
    case AWS_STATE:
    case AWS_INVALID:
    case AWS_NOT_OFFERED:
    case AWS_PROTOCOL:
        return false;
    }
    return false;
}

bool retry_allowed(const struct retry_end *e, struct retry_quota *q)
{
    unsigned cost = e->transport == -ETIMEDOUT ? COST_TIMEOUT : COST;

    if (e->tries >= e->tries_max || !is_passing(e) || q->tokens < cost)
        return false;
    q->tokens -= cost;
    return true;
}

void retry_success(struct retry_quota *q)
{
    if (q->tokens < RETRY_QUOTA_MAX)
        q->tokens++;
}

usec_t retry_delay(unsigned tries, usec_t retry_after, uint64_t random)
{
    usec_t most = tries > 5 ? DELAY_MAX : (USEC_PER_SEC << (tries - 1));
    usec_t delay = random % (most + 1);

    if (delay < retry_after)
        delay = retry_after < DELAY_MAX ? retry_after : DELAY_MAX;
    return delay;
}
