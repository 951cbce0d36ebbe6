/* All of the simulator's state. */
#pragma once

#include "tests/awssim/fault.h"
#include "tests/awssim/verify.h"
#include "tests/awssim/vpn.h"

#include <stdint.h>

struct sim {
    struct vpn vpn;
    struct verify_account account;
    struct fault fault;
    int64_t skew; /* microseconds that our clock is ahead of the host's */
    int calls;    /* fd of the record of calls; -1: none is kept */
};

/* The simulated wall clock. */
usec_t sim_wall(const struct sim *s);

void sim_done(struct sim *s);
