#include "tests/awssim/sim.h"

#include "base/cleanup.h"

usec_t sim_wall(const struct sim *s)
{
    return clock_wall(clock_system()) + (usec_t)s->skew;
}

void sim_done(struct sim *s)
{
    vpn_done(&s->vpn);
    s->account.secret = secret_free(s->account.secret);
    closep(&s->calls);
    s->calls = -1;
}
