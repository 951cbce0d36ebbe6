/* The log on standard error, as a person or a collector reads it. */
#include "base/log.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char written[65536];

/* Standard error goes to a pipe between the two. */
static int saved = -1, reader = -1;

static void capture(void)
{
    int fds[2];

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    saved = dup(STDERR_FILENO);
    assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
    (void)close(fds[1]);
    reader = fds[0];
}

static const char *captured(void)
{
    ssize_t n;

    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    (void)close(saved);
    n = read(reader, written, sizeof(written) - 1);
    (void)close(reader);
    assert_true(n >= 0);
    written[n] = '\0';
    return written;
}

/* Behind "2026-11-24T08:25:00.123Z ". */
static const char *after_time(const char *line)
{
    assert_true(strlen(line) > 25);
    assert_int_equal(line[4], '-');
    assert_int_equal(line[10], 'T');
    assert_int_equal(line[23], 'Z');
    assert_int_equal(line[24], ' ');
    return line + 25;
}

static int open_log(void **state)
{
    (void)state;
    (void)unsetenv("JOURNAL_STREAM");
    log_open("test", LOG_INFO);
    return 0;
}

static void test_line(void **state)
{
    (void)state;
    capture();
    log_notice("the tunnel %s is %s", "203.0.113.10", "down");
    assert_string_equal(after_time(captured()), "notice: the tunnel 203.0.113.10 is down\n");
}

static void test_fields(void **state)
{
    const struct log_field fields[] = {
        {"TUNNEL", "203.0.113.10"}, {"CAUSE", "both sides wait"}, {"EMPTY", ""}, {"QUOTE", "say \"no\" \\ never"}};

    (void)state;
    capture();
    log_event(LOG_WARNING, "0123456789abcdef0123456789abcdef", fields, 4, "down");
    assert_string_equal(
        after_time(captured()),
        "warning: down tunnel=203.0.113.10 cause=\"both sides wait\" empty=\"\" quote=\"say \\\"no\\\" \\\\ never\"\n");
}

static void test_control_characters_cannot_forge_a_line(void **state)
{
    const struct log_field fields[] = {{"REASON", "x\n2026 error:\x1b[2J"}};

    (void)state;
    capture();
    log_event(LOG_ERR, NULL, fields, 1, "text\nsecond\x1b[31m");
    assert_string_equal(after_time(captured()), "error: text?second?[31m reason=\"x\\x0a2026 error:\\x1b[2J\"\n");
}

static void test_level(void **state)
{
    (void)state;
    capture();
    log_debug("quiet");
    assert_string_equal(captured(), "");
    log_set_level(LOG_DEBUG);
    capture();
    log_debug("loud");
    assert_string_equal(after_time(captured()), "debug: loud\n");
    log_set_level(LOG_INFO);
}

static void test_long_text_is_cut_and_ends(void **state)
{
    static char text[3 * LOG_LINE_MAX];
    struct log_field fields[LOG_FIELDS_MAX];
    const char *line;
    size_t len;

    (void)state;
    memset(text, '\x01', sizeof(text) - 1); /* the worst case: four characters for each */
    for (size_t i = 0; i < LOG_FIELDS_MAX; i++)
        fields[i] = (struct log_field){"F", text};
    capture();
    log_event(LOG_INFO, NULL, fields, LOG_FIELDS_MAX, "%s", text);
    line = captured();
    len = strlen(line);
    assert_true(len > LOG_LINE_MAX && len < sizeof(written) - 1);
    assert_ptr_equal(strchr(line, '\n'), &line[len - 1]);
}

static void test_another_stream_is_not_the_journal(void **state)
{
    (void)state;
    assert_int_equal(setenv("JOURNAL_STREAM", "1:2", 1), 0);
    log_open("test", LOG_INFO);
    capture();
    log_info("here");
    assert_string_equal(after_time(captured()), "info: here\n");
    (void)unsetenv("JOURNAL_STREAM");
}

static void test_journal_takes_its_place(void **state)
{
    struct stat st;
    char stream[64];

    (void)state;
    capture();
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    (void)str_format(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
    log_open("test", LOG_INFO);
    log_info("a test of the log");
    (void)close(STDERR_FILENO);
    assert_string_equal(captured(), "");
    (void)unsetenv("JOURNAL_STREAM");
    log_open("test", LOG_INFO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_control_characters_cannot_forge_a_line),
        cmocka_unit_test(test_level),
        cmocka_unit_test(test_long_text_is_cut_and_ends),
        cmocka_unit_test(test_another_stream_is_not_the_journal),
        cmocka_unit_test(test_journal_takes_its_place),
    };

    return cmocka_run_group_tests(tests, open_log, NULL);
}
