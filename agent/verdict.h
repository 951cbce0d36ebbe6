/*
 * Verdict: is the tunnel usable. Made of the windows of its targets and, where these cannot be measured, of the
 * daemon's and AWS's word. A measurement that failed makes UNKNOWN, never DOWN. Pure.
 */
#pragma once

#include "agent/view.h"
#include "agent/window.h"
#include "conf/conf.h"

#include <stdbool.h>
#include <stddef.h>

#define VERDICT_DOWN_ECHOES    16                     /* lost in a row: at 20 % random loss once in 10^11 */
#define VERDICT_DOWN_SPAN      (1400 * USEC_PER_MSEC) /* ... spread over at least so long */
#define VERDICT_LOSSY_ECHOES   20                     /* ... where many were lost before: at 36 % once in 10^9 */
#define VERDICT_DOWN_CONNECTS  12                     /* TCP attempts lost in a row: each is one SYN and its answer */
#define VERDICT_LOCAL_ECHOES   5 /* enough where the daemon itself says that there is no CHILD_SA */
#define VERDICT_LOCAL_SPAN     (1 * USEC_PER_SEC)
#define VERDICT_UP_ECHOES      3 /* answered in a row before DOWN becomes UP */
#define VERDICT_UP_CONNECTS    1
#define VERDICT_LOSS_SAMPLES   40   /* before loss is judged */
#define VERDICT_LOSS_ENTER     0.10 /* DEGRADED from here */
#define VERDICT_LOSS_LEAVE     0.03 /* ... until below this, and for at least VERDICT_DEGRADED_MIN */
#define VERDICT_LOSS_RUNS      3    /* one short interruption is no loss: it takes so many apart */
#define VERDICT_DEGRADED_MIN   (30 * USEC_PER_SEC)
#define VERDICT_FAILED_SPAN    (1 * USEC_PER_SEC)  /* a target that could not be probed for so long is not measured */
#define VERDICT_LIST_SPAN      (30 * USEC_PER_SEC) /* a list of SAs older than that says nothing: events come at once */
#define VERDICT_TELEMETRY_SPAN (15 * USEC_PER_MIN) /* ... nor does telemetry read longer ago */

enum verdict {
    VERDICT_UNKNOWN,
    VERDICT_UP,
    VERDICT_DEGRADED,
    VERDICT_DOWN,
};

struct verdict_state {
    enum verdict verdict;
    usec_t since;
    bool suspect;         /* something was lost just now: probe faster, look at the other sides */
    usec_t suspect_since; /* 0 unless suspect */
    usec_t trouble_since; /* the first loss of the present trouble was sent then; 0 while UP and not suspect */
};

/* One target as the verdict sees it. */
struct verdict_target {
    const struct window *window; /* borrowed */
    bool tcp;
};

/* What one target says. */
enum verdict_answer {
    VERDICT_ANSWER_NONE,   /* nothing yet */
    VERDICT_ANSWER_FAILED, /* it cannot be measured */
    VERDICT_ANSWER_LOST,
    VERDICT_ANSWER_OK, /* it answered, and not enough was lost since to say otherwise */
};

/* What all targets say together. */
struct verdict_inner {
    enum verdict_answer answers[CONF_TARGETS_MAX];
    size_t n, failed, lost;
    size_t answering;  /* OK, and it answered something sent since the newest run of losses of another one began */
    size_t clear;      /* ... and lost nothing since */
    bool steady;       /* one of these answered often enough in a row to leave DOWN */
    bool suspect;      /* one that is not LOST lost something just now */
    usec_t lost_since; /* when that newest run began; 0 without one */
    usec_t last_lost;  /* when a target that is LOST last lost something; 0 without one */
    usec_t first_lost; /* when the oldest run of a target that is only suspect began; 0 without one */
};

/* Whether the daemon says, freshly, that no CHILD_SA is up for VERDICT_LOCAL_SPAN: fewer losses are enough then. */
bool verdict_child_missing(const struct ike_view *ike, usec_t now);

/* N is at most CONF_TARGETS_MAX. */
struct verdict_inner verdict_read_targets(const struct verdict_target *targets, size_t n, bool child_missing,
                                          usec_t now);

/* The next state. IKE and AWS are read only where no target could be measured, except that a missing CHILD_SA makes
 * DOWN quicker. */
struct verdict_state verdict_judge(struct verdict_state old, const struct verdict_target *targets, size_t n,
                                   const struct ike_view *ike, const struct aws_view *aws, usec_t now);

const char *verdict_name(enum verdict v); /* "DOWN" */
bool verdict_is_bad(enum verdict v);      /* DEGRADED or DOWN */
