/* Alert formats: pure functions from an event to a body. */
#pragma once

#include "agent/event.h"
#include "base/strbuf.h"

/*
 * The generic JSON webhook, laid out as Standard Webhooks 1.0.0 says: {"type": "tunnel.down", "timestamp": RFC 3339,
 * "data": {...}}. Every member of data is always there, null where it does not apply; docs/alerts.md tells them to
 * receivers.
 */
void alert_format_webhook(const struct event *e, struct strbuf *out);

/* "tunnel.down", "tunnel.up", "action.started", "action.finished", "uplink.down", ... */
const char *alert_type(const struct event *e);
