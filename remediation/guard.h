/*
 * The guards: each asks one question before an action and answers pass or hold, with a sentence and the time from which
 * it may be asked again. All are asked and all answers are recorded. Pure.
 */
#pragma once

#include "base/clock.h"
#include "remediation/ladder.h"

#include <stdbool.h>
#include <stddef.h>

#define GUARD_TEXT_MAX 160
#define GUARD_HISTORY_MAX 64 /* actions of a tunnel (or of all, for the brake) that are remembered */

enum guard {
    GUARD_MODE,         /* repair; or approve and approved */
    GUARD_PAUSED,
    GUARD_STORE,        /* the intention can be stored (for actions that change AWS) */
    GUARD_IN_FLIGHT,    /* one action in flight for each connection */
    GUARD_UPLINK,
    GUARD_ENDPOINT,     /* answers IKE pings, for rungs that need it */
    GUARD_CARRIES,      /* a tunnel that carries traffic is not disturbed */
    GUARD_WITNESS,      /* a second witness agrees before a tunnel is disturbed */
    GUARD_AWS_DIALS,    /* where AWS dials, the first seconds are AWS's */
    GUARD_AWS_STATE,    /* available, IKEv2 allowed, the tunnel is known there */
    GUARD_AWS_PATIENCE, /* down for long enough, and gentler rungs were tried */
    GUARD_SETTLE,       /* the last action had its time to work, with back-off */
    GUARD_HOLD,         /* never disturb both tunnels of a connection within the hold time */
    GUARD_RUNG_BUDGET,  /* of this rung: in this incident, in this hour */
    GUARD_INCIDENT_CAP,
    GUARD_BRAKE,        /* actions an hour over all connections */
    GUARD_CIRCUIT,      /* worse after than before: a person or long health closes it */
    GUARD_MAX_,
};

/* One action that was begun. */
struct guard_past {
    enum action action;
    usec_t at;
    bool this_incident;
};

/* What the guards are asked about. Filled by the policy; times 0 mean never. */
struct guard_input {
    enum action action;
    bool mode_repair, mode_approve, approved;
    bool forced;               /* a person ordered it: patience, settle, witness and budgets are not asked */
    usec_t paused_until;       /* USEC_NEVER never expires; 0: not paused */
    bool store_works;
    bool in_flight;
    bool uplink_works;
    bool endpoint_answers, endpoint_ever_answered;
    bool carries;              /* inbound counters move, or a target answers */
    bool witness;              /* someone else agrees that nothing passes */
    bool aws_dials;            /* StartupAction=start is known */
    usec_t endpoint_back;      /* when the endpoint came back, or when the trouble began */
    bool aws_available, aws_ikev2, aws_tunnel_known;
    usec_t down_since;
    bool has_ike_leg;
    unsigned gentler_tries;    /* INITIATE and REINITIATE begun in this incident */
    usec_t aws_repair_after;
    usec_t settle_base;        /* from the configuration; scales the rungs' settle times: 10 s is 1 */
    usec_t hold;
    usec_t other_disturbed_at; /* the connection's other tunnel was last disturbed */
    const struct guard_past *past; /* of this tunnel, oldest first; borrowed */
    size_t n_past;
    unsigned actions_this_incident, actions_per_incident;
    unsigned actions_this_hour, actions_per_hour; /* over all */
    bool circuit_open;
};

struct guard_answer {
    bool pass;
    usec_t again;               /* when to ask again; USEC_NEVER: not by time alone */
    char text[GUARD_TEXT_MAX];  /* "" where it passes */
};

struct guard_answers {
    struct guard_answer answers[GUARD_MAX_];
    bool pass;      /* all do */
    enum guard first; /* the first that holds, where PASS is false */
};

struct guard_answers guard_ask_all(const struct guard_input *in, usec_t now);

const char *guard_name(enum guard g); /* "in-flight" */
