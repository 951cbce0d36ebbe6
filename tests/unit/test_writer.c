/* The bounded writer: what does not fit is not written. */
#include "base/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void test_network_order(void **state)
{
    static const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 0, 'a', 'b'};
    uint8_t buf[32];
    struct wr w = wr_of(buf, sizeof(buf));

    (void)state;
    wr_u8(&w, 0x01);
    wr_be16(&w, 0x0203);
    wr_be32(&w, 0x04050607);
    wr_be64(&w, UINT64_C(0x08090A0B0C0D0E0F));
    wr_zero(&w, 2);
    wr_bytes(&w, "ab", 2);
    assert_true(wr_ok(&w));
    assert_int_equal(wr_len(&w), sizeof(expected));
    assert_memory_equal(buf, expected, sizeof(expected));
}

static void test_overflow_is_sticky(void **state)
{
    uint8_t buf[4] = {9, 9, 9, 9};
    struct wr w = wr_of(buf, 3);

    (void)state;
    wr_be16(&w, 0x0102);
    wr_be16(&w, 0x0304);
    assert_int_equal(buf[2], 9);
    assert_false(wr_ok(&w));
    wr_u8(&w, 5); /* would fit */
    assert_int_equal(buf[2], 9);
    assert_int_equal(wr_len(&w), 0);
    assert_int_equal(buf[3], 9);
}

static void test_huge_length_does_not_wrap(void **state)
{
    uint8_t buf[4];
    struct wr w = wr_of(buf, sizeof(buf));

    (void)state;
    wr_u8(&w, 1);
    wr_zero(&w, SIZE_MAX);
    assert_false(wr_ok(&w));
}

static void test_length_is_patched(void **state)
{
    static const uint8_t expected[] = {0, 9, 7, 0, 0, 0, 2, 'h', 'i'};
    uint8_t buf[16];
    struct wr w = wr_of(buf, sizeof(buf));
    size_t all, kind, part;

    (void)state;
    all = wr_reserve(&w, 2);
    kind = wr_reserve(&w, 1);
    part = wr_reserve(&w, 4);
    wr_bytes(&w, "hi", 2);
    wr_patch_be16(&w, all, (uint16_t)wr_len(&w));
    wr_patch_u8(&w, kind, 7);
    wr_patch_be32(&w, part, 2);
    assert_int_equal(wr_len(&w), sizeof(expected));
    assert_memory_equal(buf, expected, sizeof(expected));
}

static void test_patch_of_a_bad_writer_is_harmless(void **state)
{
    uint8_t buf[2] = {9, 9};
    struct wr w = wr_of(buf, sizeof(buf));
    size_t at;

    (void)state;
    wr_u8(&w, 1);
    at = wr_reserve(&w, 4);
    wr_patch_be32(&w, at, UINT32_MAX);
    assert_false(wr_ok(&w));
    assert_int_equal(buf[1], 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network_order),
        cmocka_unit_test(test_overflow_is_sticky),
        cmocka_unit_test(test_huge_length_does_not_wrap),
        cmocka_unit_test(test_length_is_patched),
        cmocka_unit_test(test_patch_of_a_bad_writer_is_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
