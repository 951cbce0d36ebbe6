/*
 * Facts about one tunnel, read off the views: each yes, no, or not known. Diagnosis works on facts alone, so every one
 * of its conclusions can be printed as the list of facts for and against it. Pure.
 */
#pragma once

#include "agent/verdict.h"
#include "agent/view.h"

#include <stdbool.h>
#include <stddef.h>

#define FACT_TEXT_MAX         192

#define FACT_SILENT_PINGS     2                      /* unanswered in a row before an endpoint counts as silent */
#define FACT_REPLACEMENT_SPAN (15 * USEC_PER_MIN)    /* a silence longer than that is no replacement any more */
#define FACT_FAILURE_SPAN     (15 * USEC_PER_MIN)    /* what the daemon said of an attempt is believed for so long */
#define FACT_COUNTER_SPAN     (3 * USEC_PER_SEC)     /* counters that stood still for so long do not move */
#define FACT_COUNTER_FIRST    (1500 * USEC_PER_MSEC) /* lists read sooner count what was before */
#define FACT_API_SPAN         (3 * USEC_PER_SEC)     /* the AWS API, where it can be reached, answers within */
#define FACT_RETURN_SPAN      (300 * USEC_PER_MSEC)  /* SAs that survived a silence show it within */
#define FACT_STALE_SPAN       (10 * USEC_PER_SEC)    /* a list older than that says nothing */

enum truth {
    TRUTH_UNKNOWN,
    TRUTH_YES,
    TRUTH_NO,
};

enum fact {
    FACT_NONE,              /* ends a list */
    FACT_EXPECTED_DOWN,     /* the configuration says so */
    FACT_INNER_ANSWERS,     /* some probe target answers through the tunnel */
    FACT_INNER_TARGET_LOST, /* some target is lost while another one answers */
    FACT_ENDPOINT_TARGET,   /* one of the lost targets is the endpoint's own inside address, which always answers */
    FACT_UPLINK_WORKS,      /* the kernel has a way out to the endpoint, and not everything outside is silent */
    FACT_DAEMON_ANSWERS,
    FACT_DAEMON_DEAD,
    FACT_DAEMON_HUNG,
    FACT_LOADED,     /* the connection is loaded in the daemon */
    FACT_IKE_SA,     /* an IKE_SA is ESTABLISHED or REKEYING */
    FACT_CHILD_SA,   /* a CHILD_SA is INSTALLED or REKEYING */
    FACT_CONNECTING, /* the daemon is initiating */
    FACT_IN_MOVES,   /* the inbound ESP counter advances */
    FACT_OUT_MOVES,
    FACT_ENDPOINT_ANSWERS,     /* to IKE pings */
    FACT_ENDPOINT_KNOWN,       /* it has answered an IKE ping before; no: pings tell nothing of it */
    FACT_ENDPOINT_SILENT_LONG, /* for longer than any replacement takes */
    FACT_ENDPOINT_CAME_BACK, /* it was silent in this trouble, and the newest IKE_SA or attempt is older than its return
                              */
    FACT_AUTH_FAILED,        /* the last attempt of ours, by the daemon's word; so are the next three */
    FACT_NO_PROPOSAL,
    FACT_TS_UNACCEPTABLE,
    FACT_IDENTITY_MISMATCH,
    FACT_AWS_MODIFYING, /* the connection is `modifying` or `pending` */
    FACT_AWS_UP,        /* telemetry, read since the trouble began: IPsec is up, whatever BGP does */
    FACT_AWS_DIALS,     /* StartupAction=start */
    FACT_MAX_,
};

/* All that facts are made of. Borrowed for the call. */
struct fact_input {
    bool expected_down;
    struct verdict_state verdict;
    const struct verdict_target *targets;
    const bool *target_is_endpoint; /* for each target: its address is the endpoint's inside address */
    size_t n_targets;
    const struct ike_view *ike;
    const struct ping_view *ping;
    const struct aws_view *aws;
    const struct host_view *host;
};

struct facts {
    enum truth is[FACT_MAX_];
};

struct facts fact_read(const struct fact_input *in, usec_t now);

/* A sentence: "the endpoint answers IKE pings", "no CHILD_SA is installed", or "not known whether ..." */
const char *fact_text(enum fact f, enum truth t, char buf[static FACT_TEXT_MAX]);
const char *fact_name(enum fact f);
