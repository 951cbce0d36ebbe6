#include "engine/ike/retransmit.h"

#define WAIT_MAX 0x1p63 /* what a usec_t holds for sure */

usec_t retransmit_at(const struct engine_settings *s, unsigned tries, usec_t now, usec_t first, usec_t timeout)
{
    double wait = (double)s->retransmit;
    usec_t at;

    for (unsigned i = 0; i < tries && wait < WAIT_MAX; i++)
        wait *= s->retransmit_base;
    at = clock_add(now, wait < WAIT_MAX ? (usec_t)wait : USEC_NEVER);
    return timeout != 0 && at > clock_add(first, timeout) ? clock_add(first, timeout) : at;
}
