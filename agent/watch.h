/*
 * Watching: plans and makes the measurements of one tunnel with a single timer. A healthy tunnel is probed slowly; from
 * the first lost echo on everything is asked quickly. Measures and hands over to judging; decides nothing.
 */
#pragma once

#include "agent/state.h"

#define WATCH_STALL                                                                                                    \
    (500 * USEC_PER_MSEC) /* a timer later than that: we were stopped, and what was pending tells nothing */
#define WATCH_PING_LATE    (800 * USEC_PER_MSEC) /* an IKE ping that is not answered by then counts as unanswered */
#define WATCH_FAST_SPAN    (1 * USEC_PER_MIN) /* a tunnel is probed fast for so long after something happened to it */
#define WATCH_TCP_INTERVAL (5 * USEC_PER_SEC) /* of a healthy tunnel that is echoed too */
#define WATCH_TCP_TIMEOUT  (1 * USEC_PER_SEC)
#define WATCH_TCP_FAST     (400 * USEC_PER_MSEC) /* between attempts while a tunnel is in trouble */
#define WATCH_REFRESH_FAST                                                                                             \
    (500 * USEC_PER_MSEC) /* between two looks at the daemon's SAs while a tunnel is in trouble */
#define WATCH_REFRESH_SLOW (2 * USEC_PER_SEC)

/* Makes the probes of T. Those that cannot be made are logged and left out: their samples would say nothing. */
int watch_start(struct tunnel *t, usec_t now);
void watch_stop(struct tunnel *t);

/*
 * The configuration was read again: T takes the probes of FROM that are the same, with what they measured and what is
 * under way, so that nothing is lost and nothing put off, however often it is read.
 */
void watch_adopt(struct tunnel *t, struct tunnel *from, usec_t now);

/* Something happened that may bring the tunnel back, or that it is worth looking at: probes fast for a while. */
void watch_hurry(struct tunnel *t, usec_t now);

/* Arms the timer anew after the state changed. */
void watch_plan(struct tunnel *t, usec_t now);

/* Brings T's view of the host up to date. */
void watch_host(struct tunnel *t);
