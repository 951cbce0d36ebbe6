/* What stands below a tunnel that needs a person's eye: what is known, and what happens next. */
#pragma once

#include "agent/cli/style.h"
#include "base/clock.h"
#include "base/strbuf.h"

#include <json-c/json_object.h>

/* NOW is the wall clock of the document; 0 where it is not known. */
void detail_put(struct json_object *tunnel, usec_t now, const struct style *s, struct strbuf *out);
