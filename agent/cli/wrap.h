/* Text broken between words where the terminal ends. */
#pragma once

#include "base/strbuf.h"

#include <stddef.h>

struct wrap {
    const char *prefix; /* begins every further line */
    size_t column;      /* where the text begins */
    unsigned width;     /* columns of the terminal; 0: not broken */
};

/* A command in backticks stays whole where a line can hold it, so that it can be copied. TEXT ends no line. */
void wrap_put(struct strbuf *out, const struct wrap *w, const char *text);
