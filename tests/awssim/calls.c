#include "tests/awssim/calls.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 32768

int calls_open(const char *path, int *ret_fd)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

void calls_add_string(struct strbuf *out, const char *text)
{
    strbuf_putc(out, '"');
    for (size_t i = 0; text[i]; i++) {
        if (text[i] == '"' || text[i] == '\\')
            strbuf_printf(out, "\\%c", text[i]);
        else if ((unsigned char)text[i] < 0x20)
            strbuf_printf(out, "\\u%04x", (unsigned)text[i]);
        else
            strbuf_putc(out, text[i]);
    }
    strbuf_putc(out, '"');
}

static void add_parameters(struct strbuf *out, const struct form *f)
{
    strbuf_putc(out, '{');
    for (size_t i = 0; i < f->n; i++) {
        if (i > 0)
            strbuf_putc(out, ',');
        calls_add_string(out, f->params[i].name);
        strbuf_putc(out, ':');
        calls_add_string(out, strstr(f->params[i].name, "PreSharedKey") ? "(hidden)" : f->params[i].value);
    }
    strbuf_putc(out, '}');
}

int calls_write(int fd, const struct form *f, const struct answer *a)
{
    cleanup(strbuf_done) struct strbuf line;
    char when[CLOCK_TEXT_MAX];
    ssize_t n;

    strbuf_init(&line, LINE_MAX_BYTES);
    strbuf_printf(&line, "{\"time\":\"%s\",\"action\":", clock_rfc3339(clock_wall(clock_system()), when));
    calls_add_string(&line, str_or(form_get(f, "Action"), ""));
    strbuf_printf(&line, ",\"dry_run\":%s,\"applied\":%s,\"status\":%u,\"code\":",
                  str_eq(form_get(f, "DryRun"), "true") ? "true" : "false", a->applied ? "true" : "false",
                  a->hang_up ? 0 : a->status);
    if (a->code)
        calls_add_string(&line, a->code);
    else
        strbuf_puts(&line, "null");
    strbuf_puts(&line, ",\"parameters\":");
    add_parameters(&line, f);
    strbuf_puts(&line, "}\n");
    if (line.bad)
        return -ENOBUFS;
    n = write(fd, strbuf_text(&line), line.len);
    return n == (ssize_t)line.len ? 0 : -EIO;
}
