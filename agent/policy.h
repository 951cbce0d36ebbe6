/*
 * Policy: from diagnosis to decision. Picks the lowest rung that the cause allows and whose leg is there, asks the
 * guards, and records their answers; holding is a decision too. Pure: the daemon, the tests and the simulator run this
 * code.
 */
#pragma once

#include "agent/diagnosis.h"
#include "agent/incident.h"
#include "conf/conf.h"
#include "remediation/guard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_TEXT_MAX 256

/*
 * An initiation that was pending while the endpoint was away is waited for where its next packet leaves soon: with an
 * IKE ping each second, waiting no longer keeps the way from "the endpoint is back" to traffic below 2 s.
 */
#define POLICY_RETRANSMIT_NEAR (600 * USEC_PER_MSEC)
#define POLICY_RETRANSMIT_WAIT (400 * USEC_PER_MSEC) /* after that packet, for the exchanges that follow it */
#define POLICY_PENDING_MAX     (20 * USEC_PER_SEC)   /* one that the endpoint could have answered for so long hangs */
#define POLICY_REPORTS_WAIT    (500 * USEC_PER_MSEC) /* after recreate-probe, for the new socket to tell something */
#define POLICY_AWS_SPAN        (2 * USEC_PER_MIN)    /* what AWS said longer ago is no ground to change it */

/* What the policy remembers of one tunnel. */
struct policy_state {
    struct guard_past past[GUARD_HISTORY_MAX]; /* oldest first */
    size_t n_past;
    enum action approved; /* by a person, and no other; ACTION_HOLD: nothing */
    enum action forced;   /* a person ordered this; ACTION_HOLD: nothing */
    usec_t paused_until;
    usec_t last_disturbed;
    usec_t reports_until; /* recreate-probe: give the new socket time */
};

struct policy_input {
    enum conf_mode mode;
    const struct conf_timing *timing;
    const struct conf_limits *limits;
    const struct diagnosis *diagnosis;
    struct verdict_state verdict;
    const struct incident *incident;
    const struct policy_state *state; /* of this tunnel */
    const struct ike_view *ike;
    const struct ping_view *ping;
    const struct aws_view *aws;
    bool has_ike_leg, has_aws_leg, has_icmp; /* what is configured for this tunnel */
    bool in_flight;                          /* an action is under way on this connection */
    usec_t initiating_since;                 /* ... and it is an initiation of this tunnel, begun then; 0: it is not */
    unsigned initiations;                    /* under way in the same daemon, for any connection */
    bool store_works;
    usec_t other_disturbed_at;
    unsigned actions_this_hour;
    usec_t paused_until; /* of the agent or the connection */
};

struct decision {
    enum action action;                   /* what to do now; ACTION_HOLD: nothing */
    enum action proposed;                 /* what would be done if the guards let it; ACTION_HOLD: no rung fits */
    struct guard_answers guards;          /* of PROPOSED; meaningless where that is ACTION_HOLD */
    usec_t again;                         /* decide again at this time, even if nothing changes; USEC_NEVER */
    uint32_t terminate[VIEW_IKE_SAS_MAX]; /* for ACTION_REINITIATE */
    size_t n_terminate;
    bool needs_approval;        /* mode approve: PROPOSED waits for a person */
    char text[POLICY_TEXT_MAX]; /* why, for a person */
};

/*
 * An initiation that is pending is left alone, ours or the daemon's own: there is one for each endpoint at a time.
 * Where it hangs, because the endpoint came back and the next retransmission is far off, ACTION_REINITIATE takes its
 * place; where it is our action in flight, the decision ends that too.
 */
struct decision policy_decide(const struct policy_input *in, usec_t now);

/* Notes that ACTION was begun. */
void policy_begun(struct policy_state *s, enum action a, usec_t now);

/* The last ACTION that was begun ended before it changed anything: see struct guard_past. */
void policy_idle(struct policy_state *s, enum action a);

/* The last ACTION that was begun was never carried out: it counts against no budget. */
void policy_undone(struct policy_state *s, enum action a);

/* Forgets what belonged to an incident that is closed. */
void policy_incident_closed(struct policy_state *s);

/*
 * When charon sends its next retransmission of an attempt that began at SINCE: after 4 s, then 1.8 times as long each
 * time, five times (strongswan.conf, charon.retransmit_*; its defaults). USEC_NEVER after the last one.
 */
usec_t policy_next_retransmission(usec_t since, usec_t now);
