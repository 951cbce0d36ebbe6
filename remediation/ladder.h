/* The ladder: the actions that there are, in the order in which they are tried, each with its own settle time and
 * budget. */
#pragma once

#include "base/clock.h"

#include <stdbool.h>

enum action {
    ACTION_HOLD,
    ACTION_RECREATE_PROBE, /* a stuck ICMP id is not an outage */
    ACTION_INITIATE,       /* the missing CHILD_SA or IKE_SA */
    ACTION_REINITIATE,     /* terminate the stale IKE_SA and initiate once */
    ACTION_TUNNEL_OPTIONS, /* AWS: DPDTimeoutAction=restart, StartupAction=start */
    ACTION_MAX_,
};

#define ACTION_BIT(a) (1U << (a))

enum ladder_leg {
    LADDER_LEG_NONE,
    LADDER_LEG_IKE, /* needs the local daemon */
    LADDER_LEG_AWS, /* needs AWS */
};

struct ladder_rung {
    enum action action;
    const char *name; /* "initiate": --action, logs, alerts */
    const char *text; /* "initiate the IKE_SA" */
    enum ladder_leg leg;
    bool disturbs;       /* what the tunnel carries is cut by it */
    bool needs_endpoint; /* futile while the endpoint is silent */
    bool alerts;         /* people are told of it */
    usec_t settle;       /* after it, before anything else is tried on this tunnel; doubles with each try */
    usec_t settle_max;
    unsigned per_incident; /* budget */
    unsigned per_hour;     /* of one tunnel */
};

const struct ladder_rung *ladder_rung(enum action a); /* for any a < ACTION_MAX_ */
const char *action_name(enum action a);
int action_parse(const char *name, enum action *ret); /* -EINVAL */
