#include "base/memory.h"

#include "base/file.h"
#include "base/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A figure of /proc/self/smaps_rollup, in KiB. */
static uint64_t rollup(const char *key)
{
    struct strbuf b;
    const char *line;
    char digits[32] = "";
    uint64_t value = 0;

    strbuf_init(&b, 65536);
    assert_int_equal(file_read("/proc/self/smaps_rollup", &b), 0);
    line = strstr(strbuf_text(&b), key);
    assert_non_null(line);
    line += strlen(key);
    line += strspn(line, " ");
    assert_true(strspn(line, "0123456789") < sizeof(digits));
    memcpy(digits, line, strspn(line, "0123456789"));
    assert_int_equal(parse_u64(digits, UINT64_MAX, &value), 0);
    strbuf_done(&b);
    return value;
}

static const char constant[] = "what stands in the file is read again";
static char written[] = "what was written";

static void test_trim_keeps_all_that_was_written(void **state)
{
    char *heap = strdup("on the heap");

    (void)state;
    assert_non_null(heap);
    written[0] = 'W';
    memory_trim();
    assert_string_equal(heap, "on the heap");
    assert_string_equal(written, "What was written");
    assert_string_equal(constant, "what stands in the file is read again");
    free(heap);
}

static void test_trim_gives_pages_back(void **state)
{
    uint64_t before, after;

    (void)state;
    before = rollup("\nRss:");
    memory_trim();
    after = rollup("\nRss:");
    assert_true(after < before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trim_keeps_all_that_was_written),
        cmocka_unit_test(test_trim_gives_pages_back),
    };

    memory_frugal();
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
