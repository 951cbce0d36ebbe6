/* One measurement. Probes make them and judge nothing; how they are read is the agent's business. */
#pragma once

#include "base/clock.h"

enum sample_outcome {
    SAMPLE_PENDING, /* sent, not yet answered, not yet late */
    SAMPLE_OK,
    SAMPLE_LOST,   /* not answered in time; becomes OK when a late answer comes */
    SAMPLE_FAILED, /* could not be measured (no socket, no route, no address): says nothing of the tunnel */
};

struct sample {
    usec_t when; /* CLOCK_BOOTTIME of sending */
    enum sample_outcome outcome;
    usec_t value; /* round-trip time where OK */
    int reason;   /* errno where FAILED, or where LOST was told by an error (ECONNREFUSED), else 0 */
};
