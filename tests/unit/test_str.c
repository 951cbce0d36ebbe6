/* Small helpers for text. */
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void test_equal_and_prefix(void **state)
{
    (void)state;
    assert_true(str_eq("a", "a"));
    assert_false(str_eq("a", "ab"));
    assert_false(str_eq(NULL, ""));
    assert_true(str_eq(NULL, NULL));
    assert_true(str_starts("vpn-0123", "vpn-"));
    assert_false(str_starts("vpn", "vpn-"));
    assert_true(str_starts("x", ""));
    assert_string_equal(str_or(NULL, "none"), "none");
    assert_string_equal(str_or("some", "none"), "some");
}

static void test_copy_tells_when_it_cuts(void **state)
{
    char buf[4] = "zzz";

    (void)state;
    assert_true(str_copy(buf, sizeof(buf), "abc"));
    assert_string_equal(buf, "abc");
    assert_false(str_copy(buf, sizeof(buf), "defg"));
    assert_string_equal(buf, "def");
    assert_false(str_copy(buf, 0, "x"));
    assert_string_equal(buf, "def");
}

static void test_format_tells_when_it_cuts(void **state)
{
    char buf[4];

    (void)state;
    assert_true(str_format(buf, sizeof(buf), "%d", 123));
    assert_false(str_format(buf, sizeof(buf), "%d", 1234));
    assert_string_equal(buf, "123");
}

static void show(const char *src, const char *expected)
{
    char buf[64];

    str_printable(buf, sizeof(buf), src, strlen(src));
    assert_string_equal(buf, expected);
}

static void test_printable(void **state)
{
    (void)state;
    show("plain ~text", "plain ~text");
    show("a\nb\tc\x7f\x1b[31m", "a?b?c??[31m");
    show("\xC3\xA9t\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x94\xA5", "\xC3\xA9t\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x94\xA5");
    show("\xC0\xAF", "??");           /* an overlong '/' */
    show("\xED\xA0\x80", "???");      /* a surrogate */
    show("\xF4\x90\x80\x80", "????"); /* over U+10FFFF */
    show("cut \xE2\x82", "cut ??");
    show("\xFF\xFE", "??");
}

static void test_printable_cuts_at_whole_characters(void **state)
{
    char buf[4];

    (void)state;
    str_printable(buf, sizeof(buf), "ab\xC3\xA9", 4);
    assert_string_equal(buf, "ab");
    str_printable(buf, sizeof(buf), "abcdef", 6);
    assert_string_equal(buf, "abc");
    str_printable(buf, sizeof(buf), "a\0b", 3);
    assert_string_equal(buf, "a?b");
}

static void test_hex(void **state)
{
    char buf[9];

    (void)state;
    str_hex(buf, "\x00\xFF\x1A\xb0", 4);
    assert_string_equal(buf, "00ff1ab0");
    str_hex(buf, "", 0);
    assert_string_equal(buf, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_and_prefix),
        cmocka_unit_test(test_copy_tells_when_it_cuts),
        cmocka_unit_test(test_format_tells_when_it_cuts),
        cmocka_unit_test(test_printable),
        cmocka_unit_test(test_printable_cuts_at_whole_characters),
        cmocka_unit_test(test_hex),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
