/* What the loader has to say about a file: errors and warnings, one a line, "FILE:LINE: sentence". */
#pragma once

#include "base/strbuf.h"

#include <stddef.h>

struct conf_report {
    const char *file;        /* borrowed */
    struct strbuf *errors;   /* borrowed; may be NULL */
    struct strbuf *warnings; /* borrowed; may be NULL */
    size_t n_errors;
};

/* LINE 0: about the file as a whole. */
void conf_report_error(struct conf_report *r, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void conf_report_warning(struct conf_report *r, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
