/*
 * The samples of one probe target that are still considered. Loss is computed anew from the samples each time, so a
 * late reply un-loses its echo. Pure: no clock, no I/O.
 */
#pragma once

#include "base/clock.h"
#include "probes/sample.h"

#include <stdbool.h>
#include <stddef.h>

#define WINDOW_SAMPLES_MAX 128
#define WINDOW_LATE_MIN                                                                                                \
    (250 * USEC_PER_MSEC) /* an echo is late after twice the usual round trip, within these bounds */
#define WINDOW_LATE_MAX (1 * USEC_PER_SEC)

struct window {
    struct sample samples[WINDOW_SAMPLES_MAX]; /* a ring, oldest at FIRST */
    size_t first;
    size_t n;
    usec_t srtt; /* smoothed round-trip time and its variation, RFC 6298 2; 0 before the first reply */
    usec_t rttvar;
};

struct window_summary {
    size_t ok, lost, pending, failed; /* in the window */
    size_t lost_run;                  /* LOST since the last OK, FAILED and PENDING passed over */
    usec_t lost_since;                /* sending time of the first of that run; 0 without one */
    usec_t last_lost;                 /* ... and of its last */
    size_t ok_run;                    /* OK since the last LOST */
    usec_t last_ok;                   /* sending time of the newest OK; 0 without one */
    bool failing;                     /* the newest sample that is not PENDING is FAILED */
    int reason;                       /* of that one */
    double loss;                      /* LOST / (OK + LOST); 0 without either */
    usec_t srtt;
};

void window_clear(struct window *w);
void window_sent(struct window *w, usec_t sent);               /* PENDING; drops the oldest when full */
void window_failed(struct window *w, usec_t sent, int reason); /* the echo could not be sent */
bool window_reply(struct window *w, usec_t sent, usec_t rtt);  /* PENDING or LOST becomes OK; false if unknown */
void window_lose(struct window *w, usec_t sent, int reason);   /* told as lost by the probe itself (tcp) */
size_t window_expire(struct window *w, usec_t now);            /* late PENDING become LOST; how many did */
usec_t window_next_expiry(const struct window *w);             /* USEC_NEVER without PENDING */
usec_t window_late_after(const struct window *w);              /* span */
void window_discard(struct window *w, usec_t from, usec_t to); /* samples sent then never counted: we were stalled */
struct window_summary window_summarise(const struct window *w);

/* Loss among the echoes sent at or after FROM: how many were judged, and how many of these were lost in how many runs.
 */
struct window_loss {
    size_t n, lost, runs;
};

struct window_loss window_loss_since(const struct window *w, usec_t from);
