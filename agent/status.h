/* The documents that the control socket hands out: rekindle.status/1 (docs/api.md). */
#pragma once

#include "agent/state.h"

#include <json-c/json_object.h>

/* The whole status; the caller's. */
struct json_object *status_document(struct agent *a);
