/*
 * What the sides say of one tunnel, flattened for judging: plain data, no pointers, filled by the agent from the probes
 * (and by tests and the simulator by hand). Times are CLOCK_BOOTTIME; 0 means never.
 */
#pragma once

#include "base/clock.h"
#include "clients/aws/ec2.h"
#include "clients/vici/sas.h"
#include "probes/ike_sa.h"
#include "probes/uplink.h"
#include "remediation/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIEW_IKE_SAS_MAX 8 /* of one tunnel that are looked at; more are counted only */

/* The local IKE daemon. */
struct ike_view {
    bool configured; /* there is a daemon that can be asked */
    enum ike_daemon_state daemon;
    usec_t daemon_since;        /* in this state since */
    usec_t when;                /* of the last good list */
    bool loaded;                /* the connection is loaded in the daemon */
    char ike[VICI_SA_NAME_MAX]; /* names to initiate; "" unless loaded */
    char child[VICI_SA_NAME_MAX];
    size_t n_ike; /* IKE_SAs to the outside address, in any state */
    size_t n_ike_up, n_child_up, n_connecting;
    uint32_t ids[VIEW_IKE_SAS_MAX];   /* unique ids of the first n_ike */
    usec_t established_at;            /* of the newest IKE_SA that is up; 0 without one */
    usec_t connecting_since;          /* the oldest CONNECTING one was first seen; 0 without one */
    usec_t missing_since;             /* no CHILD_SA is up since; 0 while one is */
    usec_t child_since;               /* one is up since; 0 while none is */
    uint64_t packets_in, packets_out; /* of all CHILD_SAs of the tunnel */
    usec_t in_moved, out_moved;       /* when the counters last advanced */
    enum outcome_ike failure;         /* what the daemon said of the last attempt of ours */
    usec_t failure_at;
};

/* The endpoint, as IKE pings see it. */
struct ping_view {
    usec_t first_sent;   /* of the present run of pings without an answer; 0 while it answers */
    unsigned unanswered; /* in that run, counted when late */
    usec_t last_answer;  /* sending time of the newest answered ping; 0: never answered */
    usec_t came_back;    /* when it last answered after two or more went unanswered; 0: never */
    int failed;          /* errno where the last could not even be sent */
};

/* AWS. */
struct aws_view {
    bool configured;      /* the connection has an id and there is an aws section */
    usec_t when;          /* of the last good answer that held this tunnel; 0: never */
    enum aws_error error; /* of the last call */
    usec_t error_at;
    enum ec2_state state;
    bool tunnel_known; /* the outside address is one of the connection's */
    bool telemetry_known, telemetry_up;
    bool only_bgp_down;    /* ... it says DOWN, and that IPsec is up: IKE can mend nothing there */
    usec_t telemetry_read; /* when that telemetry was read */
    enum ec2_dpd dpd_action;
    enum ec2_startup startup_action;
    bool ikev2_allowed;
    bool repairing; /* our own change is being applied */
};

/* The host. */
struct host_view {
    enum uplink_state uplink; /* towards this tunnel's outside address, by the kernel's word */
    bool all_silent;          /* at least two endpoints that answered before, and every one of them is silent now */
    bool api_unreachable;     /* the AWS API could not be reached since this tunnel became suspect */
    bool api_reachable;       /* ... and it answered */
    bool api_pending;         /* ... and it is being asked */
};
