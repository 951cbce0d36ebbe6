/* A labelled paragraph, broken between words where the terminal is narrow. */
#pragma once

#include "agent/cli/style.h"
#include "base/strbuf.h"

struct paragraph {
    unsigned indent;
    const char *label; /* stands before the first line; "" for none */
    unsigned width;    /* columns of the terminal; 0: not broken */
};

void paragraph_put(struct strbuf *out, const struct paragraph *p, const struct style *s, const char *text);
