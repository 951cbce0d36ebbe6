/* The daemon's status document as a person reads it. Pure: document and style in, text out. */
#pragma once

#include "agent/cli/cli.h"
#include "agent/cli/style.h"
#include "base/strbuf.h"

#include <json-c/json_object.h>

#define STATUS_VIEW_MAX (8 * 1024 * 1024)

/* A summary, the table, and below each tunnel that needs a person's eye what is known and what happens next. */
void status_view_render(struct json_object *document, const struct style *s, struct strbuf *out);

/* What, if it changes, is worth a new block: verdicts, causes, decisions, modes; not the passing of time. */
void status_view_digest(struct json_object *document, struct strbuf *out);

/* All up or expected down: fine. Any down: failed. Else: warning. */
enum cli_exit status_view_exit(struct json_object *document);
