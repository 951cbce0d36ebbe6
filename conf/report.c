#include "conf/report.h"

#include "base/str.h"
#include "conf/conf.h"

#include <stdio.h>
#include <string.h>

static void say(struct strbuf *out, const char *file, int line, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));

static void say(struct strbuf *out, const char *file, int line, const char *fmt, va_list ap)
{
    char text[CONF_ERROR_MAX], shown[CONF_ERROR_MAX];

    if (!out)
        return;
    int head =
        line > 0 ? snprintf(text, sizeof(text), "%s:%d: ", file, line) : snprintf(text, sizeof(text), "%s: ", file);
    if (head > 0 && (size_t)head < sizeof(text))
        (void)vsnprintf(&text[head], sizeof(text) - (size_t)head, fmt, ap);
    str_printable(shown, sizeof(shown), text, strlen(text)); /* values are quoted as they were written */
    strbuf_puts(out, shown);
    strbuf_putc(out, '\n');
}

void conf_report_error(struct conf_report *r, int line, const char *fmt, ...)
{
    va_list ap;

    r->n_errors++;
    va_start(ap, fmt);
    say(r->errors, r->file, line, fmt, ap);
    va_end(ap);
}

void conf_report_warning(struct conf_report *r, int line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(r->warnings, r->file, line, fmt, ap);
    va_end(ap);
}
