/* What stands below a tunnel that needs a person's eye: what is known, and what happens next. */
#pragma once

#include "agent/cli/style.h"
#include "base/strbuf.h"

#include <json-c/json_object.h>

void detail_put(struct json_object *tunnel, const struct style *s, struct strbuf *out);
