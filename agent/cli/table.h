/* The table of tunnels. */
#pragma once

#include "agent/cli/style.h"
#include "base/strbuf.h"

#include <json-c/json_object.h>
#include <stddef.h>

enum column {
    COLUMN_TUNNEL,
    COLUMN_ADDRESS,
    COLUMN_VERDICT,
    COLUMN_FOR,
    COLUMN_LOSS,
    COLUMN_RTT,
    COLUMN_CAUSE,
    COLUMN_MAX_,
};

struct table {
    struct style style;
    size_t widths[COLUMN_MAX_];
    unsigned n_columns; /* the last ones are left out where the terminal is narrow */
};

/* A table as wide as TUNNELS, an array, needs. */
struct table table_for(struct json_object *tunnels, const struct style *s);

void table_put_titles(const struct table *t, struct strbuf *out);
void table_put_row(const struct table *t, struct json_object *tunnel, struct strbuf *out);
