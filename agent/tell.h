/*
 * Telling: which changes of a tunnel, and of the host's uplink, are worth a line of the journal, a row of history and
 * an alert, and when. A bad verdict is told together with its cause, so the other sides are given a moment to say why.
 */
#pragma once

#include "agent/state.h"

#define TELL_EVIDENCE_MIN (500 * USEC_PER_MSEC) /* a bad verdict is told when its cause had so long to show, */
#define TELL_EVIDENCE_MAX (5 * USEC_PER_SEC)    /* ... and at the latest then */
#define TELL_UPLINK_MAX   (15 * USEC_PER_SEC)   /* whether the host is offline may take so long to tell */
#define TELL_UNKNOWN_MIN  (1 * USEC_PER_MIN)    /* what cannot be measured for so long is told too */

/* Whether the present verdict of T is still to be told. */
bool tell_is_due(const struct tunnel *t, usec_t now);

/* When tell_verdict() should be called again although nothing changed; USEC_NEVER. */
usec_t tell_again(const struct tunnel *t);

void tell_verdict(struct tunnel *t, usec_t now);

/* The verdict changes from OLD, which may have been too short to be told: it is told now. T's diagnosis is still OLD's.
 */
void tell_passed(struct tunnel *t, struct verdict_state old, usec_t now);

void tell_cause(struct tunnel *t, usec_t now);
void tell_decision(struct tunnel *t, usec_t now);
void tell_uplink(struct tunnel *t, enum cause before, usec_t now);
