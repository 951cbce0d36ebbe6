#include "engine/ike/retransmit.h"

usec_t retransmit_at(const struct engine_settings *s, unsigned tries, usec_t now, usec_t first, usec_t timeout)
{
    double wait = (double)s->retransmit;
    usec_t at;

    for (unsigned i = 0; i < tries; i++)
        wait *= s->retransmit_base;
    at = clock_add(now, (usec_t)wait);
    return timeout != 0 && at > clock_add(first, timeout) ? clock_add(first, timeout) : at;
}
