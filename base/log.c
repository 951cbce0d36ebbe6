#include "base/log.h"

#include "base/array.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/strbuf.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define ENTRY_MAX (8 * LOG_LINE_MAX)

static const char *log_ident = "rekindle";
static int log_max_level = LOG_INFO;
static bool log_to_journal;

/* $JOURNAL_STREAM holds device and inode of the journal's stream: it is standard error's only if they are the same. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char expected[64];
    struct stat st;

    if (!stream || fstat(STDERR_FILENO, &st) < 0)
        return false;
    (void)str_format(expected, sizeof(expected), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return str_eq(stream, expected);
}

void log_open(const char *ident, int max_level)
{
    log_ident = ident;
    log_max_level = max_level;
    log_to_journal = stderr_is_journal();
}

void log_set_level(int max_level)
{
    log_max_level = max_level;
}

static const char *level_name(int level)
{
    static const char *const names[] = {"emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"};

    return names[level & 7];
}

static void put_journal(int level, const char *message_id, const struct log_field *fields, size_t n, const char *text)
{
    char lines[LOG_FIELDS_MAX + 4][LOG_LINE_MAX];
    struct iovec iov[LOG_FIELDS_MAX + 4];
    int count = 0;

    (void)str_format(lines[count++], LOG_LINE_MAX, "MESSAGE=%s", text);
    (void)str_format(lines[count++], LOG_LINE_MAX, "PRIORITY=%d", level);
    (void)str_format(lines[count++], LOG_LINE_MAX, "SYSLOG_IDENTIFIER=%s", log_ident);
    if (message_id)
        (void)str_format(lines[count++], LOG_LINE_MAX, "MESSAGE_ID=%s", message_id);
    for (size_t i = 0; i < n; i++)
        (void)str_format(lines[count++], LOG_LINE_MAX, "REKINDLE_%s=%s", fields[i].name, fields[i].value);
    for (int i = 0; i < count; i++)
        iov[i] = (struct iovec){lines[i], strlen(lines[i])};
    (void)sd_journal_sendv(iov, count);
}

/* VALUE with control characters as \\xNN; in quotation marks where it holds blanks or the like. */
static void put_value(struct strbuf *b, const char *value)
{
    bool quoted = value[0] == '\0' || strpbrk(value, " \"=\\") != NULL;

    if (quoted)
        strbuf_putc(b, '"');
    for (; *value != '\0'; value++) {
        unsigned char c = (unsigned char)*value;

        if (c < 0x20 || c == 0x7F)
            strbuf_printf(b, "\\x%02x", c);
        else if (quoted && (c == '"' || c == '\\'))
            strbuf_printf(b, "\\%c", c);
        else
            strbuf_putc(b, (char)c);
    }
    if (quoted)
        strbuf_putc(b, '"');
}

static void put_field(struct strbuf *b, const struct log_field *f)
{
    strbuf_putc(b, ' ');
    for (const char *c = f->name; *c != '\0'; c++)
        strbuf_putc(b, (char)tolower((unsigned char)*c));
    strbuf_putc(b, '=');
    put_value(b, f->value);
}

/* One write for each line, so that lines of several processes do not mix. */
static void put_stderr(int level, const struct log_field *fields, size_t n, const char *text)
{
    char when[CLOCK_TEXT_MAX], clean[LOG_LINE_MAX];
    struct strbuf b;

    strbuf_init(&b, ENTRY_MAX);
    str_printable(clean, sizeof(clean), text, strlen(text));
    strbuf_printf(&b, "%s %s: %s", clock_rfc3339(clock_wall(clock_system()), when), level_name(level), clean);
    for (size_t i = 0; i < n; i++)
        put_field(&b, &fields[i]);
    /* What did not fit is missing; the line still ends. */
    struct iovec line[] = {{b.data, b.len}, {(void *)(uintptr_t) "\n", 1}};
    (void)!writev(STDERR_FILENO, line, ARRAY_LEN(line)); /* there is nobody left to tell */
    strbuf_done(&b);
}

static void log_v(int level, const char *message_id, const struct log_field *fields, size_t n, const char *fmt,
                  va_list ap) __attribute__((format(printf, 5, 0)));

static void log_v(int level, const char *message_id, const struct log_field *fields, size_t n, const char *fmt,
                  va_list ap)
{
    char text[LOG_LINE_MAX];

    assert(n <= LOG_FIELDS_MAX);
    if (level > log_max_level)
        return;
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    if (log_to_journal)
        put_journal(level, message_id, fields, n, text);
    else
        put_stderr(level, fields, n, text);
}

void log_event(int level, const char *message_id, const struct log_field *fields, size_t n_fields, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_v(level, message_id, fields, n_fields, fmt, ap);
    va_end(ap);
}

void log_line(int level, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_v(level, NULL, NULL, 0, fmt, ap);
    va_end(ap);
}
