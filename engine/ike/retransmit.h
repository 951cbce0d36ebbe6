/* When a request that was not answered is sent again: exponential backoff (RFC 7296 2.4), charon's figures. Pure. */
#pragma once

#include "engine/ike/ops.h"

/* After TRIES retransmissions, the last one at NOW; not later than TIMEOUT (0: none) after FIRST, when it is given up.
 */
usec_t retransmit_at(const struct engine_settings *s, unsigned tries, usec_t now, usec_t first, usec_t timeout);
