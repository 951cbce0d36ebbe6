/* The body of a control request: only members that are known, each of its type, so that a slip of the pen orders
 * nothing. */
#pragma once

#include "agent/api.h"

#include <stdint.h>

struct control_member {
    const char *name;
    enum json_type type; /* null is allowed too, and is as good as none */
};

/* Whether the body holds only MEMBERS, which end with a NULL name. Answers 400 where not. */
bool control_body_ok(struct api_request *r, const struct control_member *members);

const char *control_body_text(const struct api_request *r, const char *name); /* NULL where missing */
bool control_body_flag(const struct api_request *r, const char *name);        /* false where missing */
int64_t control_body_number(const struct api_request *r, const char *name, int64_t otherwise);
