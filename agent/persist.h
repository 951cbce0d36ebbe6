/*
 * What of the running state outlives the process, in the store: what people were told, incidents, budgets, pauses.
 * Times are kept as wall clock and turned back at start. Writing never waits.
 */
#pragma once

#include "agent/state.h"

void persist_notified(const struct tunnel *t);
void persist_incident(const struct tunnel *t);
void persist_forget(
    const struct tunnel *t); /* it is no longer watched: neither of these concerns a later one of its name */
void persist_past(const struct tunnel *t);
void persist_offline(struct agent *a); /* people who heard that the uplink is lost must hear that it is back */
void persist_pause(struct agent *a);   /* of the agent */
void persist_tunnel_pause(const struct tunnel *t);

/* Reads all of it at start; what does not parse is left out. */
void persist_load(struct agent *a);
