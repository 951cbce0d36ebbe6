/*
 * Carries out decisions: at most one action in flight for each connection. A call that changes AWS is made only after
 * its intention is durable; intentions that a crash left open are reconciled by reading AWS, never by calling again.
 */
#pragma once

#include "agent/state.h"

#define REPAIR_RECONCILE_SPAN (2 * USEC_PER_MIN)  /* after a crash: AWS unchanged so long was never called */
#define REPAIR_RECONCILE_MAX  (30 * USEC_PER_MIN) /* AWS's own cap of a modification: it is not waited for longer */

/*
 * Begins D->action on T. Nothing else may be in flight on its connection, except for an initiation of T that hangs: it
 * is forgotten, and the new one terminates the IKE_SA that the daemon still tries.
 */
void repair_begin(struct tunnel *t, const struct decision *d, usec_t now);

/*
 * Takes up the intentions that were open when the process ended, or the configuration was read again. Where they cannot
 * be read, which is logged, nothing in AWS is changed until a later call could.
 */
void repair_take_up(struct agent *a);

/* AWS was read: decides the fate of reconciled intentions. */
void repair_aws_news(struct agent *a, usec_t now);

usec_t repair_initiating_since(const struct tunnel *t); /* the action in flight initiates T, begun then; else 0 */
bool repair_changes_aws(const struct tunnel *t);
unsigned repair_count_initiating(const struct daemon *d); /* initiations under way; D may be NULL */
unsigned repair_count_hour(const struct agent *a, usec_t now);

/* Ends the action in flight without a word; an intention stays open and is reconciled later. Accepts NULL. */
struct repair *repair_free(struct repair *r);

/* The configuration was read again: the action goes on under the new tunnel. */
void repair_move(struct repair *r, struct tunnel *to);
const struct tunnel *repair_tunnel(const struct repair *r);
enum action repair_action(const struct repair *r);
bool repair_is_intended(const struct repair *r); /* an intention of it is stored, or on its way there */
