/* The bounded reader: what is short stays short. */
#include "base/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
                                0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F};

static void test_network_order(void **state)
{
    struct rd r = rd_of(bytes, sizeof(bytes));

    (void)state;
    assert_int_equal(rd_u8(&r), 0x01);
    assert_int_equal(rd_be16(&r), 0x0203);
    assert_int_equal(rd_be32(&r), 0x04050607);
    assert_true(rd_be64(&r) == UINT64_C(0x08090A0B0C0D0E0F));
    assert_true(rd_done(&r));
}

static void test_short_read_is_sticky(void **state)
{
    struct rd r = rd_of(bytes, 3);

    (void)state;
    assert_int_equal(rd_be16(&r), 0x0102);
    assert_int_equal(rd_be16(&r), 0);
    assert_false(rd_ok(&r));
    assert_int_equal(rd_left(&r), 0);
    assert_int_equal(rd_u8(&r), 0); /* although one byte is left */
    assert_null(rd_take(&r, 0));
    assert_false(rd_done(&r));
}

static void test_left_over_is_not_done(void **state)
{
    struct rd r = rd_of(bytes, 3);

    (void)state;
    rd_skip(&r, 2);
    assert_true(rd_ok(&r));
    assert_false(rd_done(&r));
    assert_int_equal(rd_left(&r), 1);
    rd_skip(&r, 1);
    assert_true(rd_done(&r));
}

static void test_huge_length_does_not_wrap(void **state)
{
    struct rd r = rd_of(bytes, sizeof(bytes));

    (void)state;
    assert_null(rd_take(&r, SIZE_MAX));
    assert_false(rd_ok(&r));
}

static void test_sub_reader_stays_inside(void **state)
{
    struct rd r = rd_of(bytes, sizeof(bytes));
    struct rd sub = rd_sub(&r, 4);

    (void)state;
    assert_int_equal(rd_left(&sub), 4);
    assert_int_equal(rd_be64(&sub), 0);
    assert_false(rd_ok(&sub));
    assert_true(rd_ok(&r)); /* the parent goes on behind it */
    assert_int_equal(rd_u8(&r), 0x05);
    sub = rd_sub(&r, 100);
    assert_false(rd_ok(&sub));
    assert_false(rd_ok(&r));
    sub = rd_sub(&r, 0);
    assert_false(rd_ok(&sub));
}

static void test_copy_touches_nothing_when_short(void **state)
{
    struct rd r = rd_of(bytes, 3);
    uint8_t dst[4] = {9, 9, 9, 9};

    (void)state;
    assert_false(rd_copy(&r, dst, 4));
    assert_int_equal(dst[0], 9);
    r = rd_of(bytes, 4);
    assert_true(rd_copy(&r, dst, 4));
    assert_memory_equal(dst, bytes, 4);
}

static void test_empty_input(void **state)
{
    struct rd r = rd_of(NULL, 0);
    size_t len = 99;

    (void)state;
    assert_true(rd_done(&r));
    assert_non_null(rd_take(&r, 0));
    assert_non_null(rd_rest(&r, &len));
    assert_int_equal(len, 0);
    assert_int_equal(rd_u8(&r), 0);
    assert_false(rd_ok(&r));
}

static void test_rest_and_fail(void **state)
{
    struct rd r = rd_of(bytes, 6);
    size_t len;

    (void)state;
    rd_skip(&r, 2);
    assert_ptr_equal(rd_rest(&r, &len), &bytes[2]);
    assert_int_equal(len, 4);
    assert_true(rd_done(&r));
    rd_fail(&r);
    assert_false(rd_done(&r));
    assert_null(rd_rest(&r, &len));
    assert_int_equal(len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network_order),
        cmocka_unit_test(test_short_read_is_sticky),
        cmocka_unit_test(test_left_over_is_not_done),
        cmocka_unit_test(test_huge_length_does_not_wrap),
        cmocka_unit_test(test_sub_reader_stays_inside),
        cmocka_unit_test(test_copy_touches_nothing_when_short),
        cmocka_unit_test(test_empty_input),
        cmocka_unit_test(test_rest_and_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
