/* Runs the pure chain for one tunnel: windows -> verdict -> diagnosis -> incident -> decision, reports what changed,
 * acts. */
#pragma once

#include "agent/state.h"

#define JUDGE_VERIFY (30 * USEC_PER_SEC) /* an action that brought nothing by then did not help */

void judge_tunnel(struct tunnel *t, usec_t now);
void judge_all(struct agent *a, usec_t now);

/* Brings T's diagnosis up to date, and does nothing about it. */
void judge_diagnose(struct tunnel *t, usec_t now);

/* When T should be judged again although nothing was measured; USEC_NEVER. */
usec_t judge_again(const struct tunnel *t);

/* What the policy would decide for T NOW if a person ordered ACTION (ACTION_HOLD: what it would do by itself). */
struct decision judge_what_if(struct tunnel *t, enum action action, usec_t now);
