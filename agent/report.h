/* Tells: one event becomes a line in the journal, a row of the audit trail, and where people must know, an alert. */
#pragma once

#include "agent/state.h"

/* An event about T with what is known of it filled in. */
struct event report_event(struct tunnel *t, enum event_kind kind);

/* An event of the host. */
struct event report_host_event(struct agent *a, enum event_kind kind);

/* Writes it everywhere; ALERT: people are told too. */
void report(struct agent *a, const struct event *e, bool alert);
