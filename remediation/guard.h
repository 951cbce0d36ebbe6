/*
 * The guards: each asks one question before an action and answers pass or hold, with a sentence and the time from which
 * it may be asked again. All are asked and all answers are recorded. Pure.
 *
 * A person who orders an action (`rekindle repair`) is not asked for patience, settling, witnesses, budgets or the
 * circuit, nor for the mode: in `observe` nothing is done by itself, and who types an order means it. What stays is
 * what nobody wants by hand either: two actions at once, a change of AWS that is not on record, an endpoint that cannot
 * hear, a tunnel that carries traffic, both tunnels at once, and a pause that somebody else may have set.
 *
 * Re-creating a probe touches this process only, no tunnel and nobody's daemon: it is measuring, not repairing. So it
 * passes in every mode and pause, and is held back by its own budget, its own settle time and an uplink that is down.
 */
#pragma once

#include "base/clock.h"
#include "remediation/ladder.h"

#include <stdbool.h>
#include <stddef.h>

#define GUARD_TEXT_MAX        160
#define GUARD_AWS_DIALS_SPAN  (5 * USEC_PER_SEC)  /* after the endpoint is back, where AWS dials by itself */
#define GUARD_SILENT_PATIENCE (10 * USEC_PER_SEC) /* before an endpoint that never answered IKE pings is tried, */
#define GUARD_SILENT_SETTLE   (1 * USEC_PER_MIN)  /* ... and between two tries: no answer tells the right moment */
#define GUARD_HISTORY_MAX     64                  /* actions of a tunnel that are remembered */

enum guard {
    GUARD_MODE, /* repair; or approve and approved */
    GUARD_PAUSED,
    GUARD_STORE,     /* the intention can be stored (for actions that change AWS) */
    GUARD_IN_FLIGHT, /* one action in flight for each connection */
    GUARD_DAEMON,    /* the IKE daemon is not asked for many initiations at once */
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
    GUARD_BRAKE,   /* actions an hour over all connections */
    GUARD_CIRCUIT, /* worse after than before: a person or long health closes it */
    GUARD_MAX_,
};

/* Each initiation that waits for an answer holds one of charon's 16 threads; with all of them held it answers nobody.
 */
#define GUARD_INITIATIONS_MAX 4

/* One action that was begun. */
struct guard_past {
    enum action action;
    usec_t at;
    bool this_incident;
    bool idle; /* it ended before it changed anything: it has to settle, and counts against no budget of its rung */
};

/* What the guards are asked about. Filled by the policy; times 0 mean never. */
struct guard_input {
    enum action action;
    bool mode_repair, mode_approve, approved;
    bool forced;         /* a person ordered it: see above */
    usec_t paused_until; /* USEC_NEVER never expires; 0: not paused */
    bool store_works;
    bool in_flight;          /* an action of ours is under way on this connection */
    bool connecting;         /* the daemon has an initiation to this endpoint pending, ours or its own */
    usec_t connecting_again; /* one of these is an initiation here, and is to be given until then; USEC_NEVER */
    unsigned initiations;    /* of ours, under way in the same daemon */
    bool replaces;           /* these two hang, and the action ends them: they do not hold it back */
    bool uplink_works;
    bool endpoint_answers, endpoint_ever_answered;
    bool cuts;            /* something may be up that the action would cut */
    bool dead;            /* ... but the endpoint was away and came back without it */
    bool carries;         /* inbound counters move, or a target answers */
    bool witness;         /* someone else agrees that nothing passes */
    usec_t witness_again; /* when that may be known; USEC_NEVER */
    bool aws_dials;       /* StartupAction=start is known */
    usec_t trouble_since;
    usec_t came_back; /* the endpoint answered again then; 0 where it was not silent in this trouble */
    bool aws_available, aws_ikev2, aws_tunnel_known;
    usec_t down_since;
    bool has_ike_leg;
    unsigned gentler_tries; /* INITIATE and REINITIATE begun in this incident */
    usec_t aws_repair_after;
    usec_t settle_base; /* from the configuration; scales the rungs' settle times: 10 s is 1 */
    usec_t hold;
    usec_t other_disturbed_at;     /* the connection's other tunnel was last disturbed */
    const struct guard_past *past; /* of this tunnel, oldest first; borrowed */
    size_t n_past;
    unsigned actions_this_incident, actions_per_incident;
    unsigned actions_this_hour, actions_per_hour; /* over all */
    bool circuit_open;
};

struct guard_answer {
    bool pass;
    usec_t again;              /* when to ask again; USEC_NEVER: not by time alone */
    char text[GUARD_TEXT_MAX]; /* "" where it passes */
};

struct guard_answers {
    struct guard_answer answers[GUARD_MAX_];
    bool pass;        /* all do */
    enum guard first; /* the first that holds, where PASS is false */
};

struct guard_answers guard_ask_all(const struct guard_input *in, usec_t now);

/* When all that hold may let go by time alone; USEC_NEVER where one of them does not, or where nothing holds. */
usec_t guard_again(const struct guard_answers *all);

const char *guard_name(enum guard g); /* "in-flight" */
