#include "remediation/ladder.h"

#include "base/array.h"
#include "base/str.h"

#include <assert.h>
#include <errno.h>

/*
 * Settle times are for the default of `settle` (10 s) and grow with it. A budget that is spent calls people: one that
 * answers IKE pings and still does not come up after so many tries needs more than another try.
 */
static const struct ladder_rung rungs[] = {
    [ACTION_HOLD] = {.action = ACTION_HOLD, .name = "hold", .text = "do nothing"},
    [ACTION_RECREATE_PROBE] =
        {
            .action = ACTION_RECREATE_PROBE,
            .name = "recreate-probe",
            .text = "start the probes again with a new ICMP id",
            .settle = 30 * USEC_PER_SEC,
            .settle_max = 10 * USEC_PER_MIN,
            .per_incident = 10,
            .per_hour = 20,
        },
    [ACTION_INITIATE] =
        {
            .action = ACTION_INITIATE,
            .name = "initiate",
            .text = "initiate the missing IKE_SA or CHILD_SA",
            .leg = LADDER_LEG_IKE,
            .needs_endpoint = true,
            .alerts = true,
            .settle = 10 * USEC_PER_SEC,
            .settle_max = 5 * USEC_PER_MIN,
            .per_incident = 8,
            .per_hour = 12,
        },
    [ACTION_REINITIATE] =
        {
            .action = ACTION_REINITIATE,
            .name = "reinitiate",
            .text = "terminate the IKE_SAs to the endpoint and initiate once",
            .leg = LADDER_LEG_IKE,
            .disturbs = true,
            .needs_endpoint = true,
            .alerts = true,
            .settle = 20 * USEC_PER_SEC,
            .settle_max = 10 * USEC_PER_MIN,
            .per_incident = 4,
            .per_hour = 8,
        },
    /* AWS takes minutes to apply it, and the endpoint is replaced by it: never twice within the hour. */
    [ACTION_TUNNEL_OPTIONS] =
        {
            .action = ACTION_TUNNEL_OPTIONS,
            .name = "tunnel-options",
            .text = "set DPDTimeoutAction=restart and StartupAction=start, so that AWS dials",
            .leg = LADDER_LEG_AWS,
            .disturbs = true,
            .alerts = true,
            .settle = 5 * USEC_PER_MIN,
            .settle_max = USEC_PER_HOUR,
            .per_incident = 3,
            .per_hour = 1,
        },
};

const struct ladder_rung *ladder_rung(enum action a)
{
    _Static_assert(ARRAY_LEN(rungs) == ACTION_MAX_, "a rung for every action");
    assert((size_t)a < ARRAY_LEN(rungs));
    return &rungs[a];
}

const char *action_name(enum action a)
{
    return ladder_rung(a)->name;
}

int action_parse(const char *name, enum action *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(rungs); i++) {
        if (str_eq(rungs[i].name, name)) {
            *ret = rungs[i].action;
            return 0;
        }
    }
    return -EINVAL;
}
