/* The growing buffer and its maximum. */
#include "base/strbuf.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void test_grows_and_ends_with_nul(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 1000);
    assert_string_equal(strbuf_text(&b), "");
    for (int i = 0; i < 100; i++)
        strbuf_printf(&b, "%02d,", i);
    assert_false(b.bad);
    assert_int_equal(b.len, 300);
    assert_int_equal(strlen(strbuf_text(&b)), 300);
    assert_string_equal(strbuf_text(&b) + 294, "98,99,");
    strbuf_done(&b);
    assert_string_equal(strbuf_text(&b), "");
}

static void test_maximum_is_exact_and_sticky(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 5);
    strbuf_puts(&b, "abc");
    strbuf_puts(&b, "de");
    assert_false(b.bad);
    strbuf_putc(&b, 'f');
    assert_true(b.bad);
    assert_string_equal(strbuf_text(&b), "abcde");
    strbuf_consume(&b, 3);
    strbuf_putc(&b, 'g'); /* would fit now, but the text would have a hole */
    assert_string_equal(strbuf_text(&b), "de");
    strbuf_reset(&b);
    strbuf_printf(&b, "%s", "12345");
    assert_false(b.bad);
    strbuf_reset(&b);
    strbuf_printf(&b, "%s", "123456");
    assert_true(b.bad);
    assert_int_equal(b.len, 0);
    strbuf_done(&b);
}

static void test_bytes_with_nul(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 100);
    strbuf_add(&b, "a\0b", 3);
    strbuf_add(&b, NULL, 0);
    assert_int_equal(b.len, 3);
    assert_memory_equal(strbuf_text(&b), "a\0b", 4);
    strbuf_done(&b);
}

static void test_consume(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 100);
    strbuf_consume(&b, 10);
    strbuf_puts(&b, "hello world");
    strbuf_consume(&b, 6);
    assert_string_equal(strbuf_text(&b), "world");
    strbuf_consume(&b, 100);
    assert_string_equal(strbuf_text(&b), "");
    strbuf_done(&b);
}

static void test_take(void **state)
{
    cleanup(freep) char *text = NULL;
    cleanup(freep) char *empty = NULL;
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 3);
    empty = strbuf_take(&b);
    assert_string_equal(empty, "");
    strbuf_puts(&b, "abc");
    text = strbuf_take(&b);
    assert_string_equal(text, "abc");
    assert_int_equal(b.len, 0);
    strbuf_puts(&b, "abcd");
    assert_null(strbuf_take(&b));
    assert_false(b.bad);
}

static void test_secret_is_wiped(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init_secret(&b, 1000);
    strbuf_puts(&b, "hunter2");
    strbuf_reset(&b);
    for (size_t i = 0; i < b.cap; i++)
        assert_int_equal(b.data[i], 0);
    strbuf_done(&b);
    assert_true(b.wipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows_and_ends_with_nul),
        cmocka_unit_test(test_maximum_is_exact_and_sticky),
        cmocka_unit_test(test_bytes_with_nul),
        cmocka_unit_test(test_consume),
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_secret_is_wiped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
