/* The actions of the EC2 Query API that the simulator knows: DescribeVpnConnections and ModifyVpnTunnelOptions. */
#pragma once

#include "tests/awssim/answer.h"
#include "tests/awssim/form.h"
#include "tests/awssim/sim.h"

#define EC2_VERSION "2016-11-15"

/* Answers a request whose signature holds, or the fault that a test injected. */
void actions_run(struct sim *s, const struct form *f, usec_t now, struct answer *a);
