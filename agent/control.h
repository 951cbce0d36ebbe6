/* What may be asked of the running agent over its control socket (docs/api.md). */
#pragma once

#include "agent/api.h"

#define CONTROL_PAUSE_DEFAULT   (1 * USEC_PER_HOUR)
#define CONTROL_PAUSE_MAX       (7 * 24 * USEC_PER_HOUR) /* a pause always ends */
#define CONTROL_HISTORY_DEFAULT 50

/* The routes; their data is the struct agent. Ends with a NULL path. */
const struct api_route *control_routes(void);
