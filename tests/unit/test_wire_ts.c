/* The payloads TSi and TSr, against bytes written by hand from RFC 7296 3.13. */
#include "engine/wire/payload.h"
#include "tests/unit/wire_bytes.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NET4  "07 00 0010 0000 ffff 0a000000 0a0000ff"
#define NET6  "08 06 0028 0050 0050 20010db8000000000000000000000000 20010db80000000000000000000000ff"
#define LABEL "09 00 000c 0000 ffff 73656375" /* RFC 9478: of a type that is not known here */

static struct selectors ss;

static int read_ts(const char *hex)
{
    return payload_read_ts(body(PAYLOAD_TSI, hex), &ss);
}

static void test_reads_selectors(void **state)
{
    (void)state;
    assert_int_equal(read_ts("03 000000" NET4 LABEL NET6), 0);
    assert_int_equal(ss.n, 2);
    assert_int_equal(ss.s[0].type, TS_IPV4_ADDR_RANGE);
    assert_int_equal(ss.s[0].protocol, 0);
    assert_int_equal(ss.s[0].port_first, 0);
    assert_int_equal(ss.s[0].port_last, 65535);
    assert_memory_equal(ss.s[0].first, "\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_memory_equal(ss.s[0].last, "\x0a\0\0\xff", 4);
    assert_int_equal(ss.s[1].type, TS_IPV6_ADDR_RANGE);
    assert_int_equal(ss.s[1].protocol, 6);
    assert_int_equal(ss.s[1].port_first, 80);
    assert_int_equal(ss.s[1].last[15], 0xff);
    assert_int_equal(read_ts("01 ffffff" NET4), 0); /* reserved, ignored */
    assert_int_equal(read_ts("01 000000" LABEL), 0);
    assert_int_equal(ss.n, 0);
}

static void test_lengths_and_counts_must_fit(void **state)
{
    static const char *const wrong[] = {
        "",
        "01",
        "01 0000",
        "00 000000", /* RFC 7296 3.13: at least one */
        "00 000000" NET4,
        "01 000000",
        "02 000000" NET4,
        "01 000000" NET4 NET4,
        "01 000000" NET4 "00",
        "01 000000 07 00 000f 0000 ffff 0a000000 0a0000", /* its length is that of its type */
        "01 000000 07 00 0011 0000 ffff 0a000000 0a0000ff 00",
        "01 000000 08 00 0010 0000 ffff 0a000000 0a0000ff",
        "01 000000 07 00 0028 0050 0050 20010db8000000000000000000000000 20010db80000000000000000000000ff",
        "01 000000 09 00 0007 0000 ff",
        "01 000000 09 00 0004",
        "01 000000 09 00 0000 0000 ffff",
        "01 000000 07 00 0010 0000 ffff 0a000000",
        "01 000000 09 00 ffff 0000 ffff",
    };

    (void)state;
    ss.n = 9;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (read_ts(wrong[i]) != -EBADMSG)
            fail_msg("taken: %s", wrong[i]);
    assert_int_equal(ss.n, 9); /* untouched */
}

static void test_there_is_a_maximum(void **state)
{
    char hex[64 * (TS_MAX + 2)];
    int at = snprintf(hex, sizeof(hex), "%02x 000000", (unsigned)TS_MAX);

    (void)state;
    for (unsigned i = 0; i < TS_MAX; i++)
        at += snprintf(hex + at, sizeof(hex) - (size_t)at, "%s", NET4);
    assert_int_equal(read_ts(hex), 0);
    assert_int_equal(ss.n, TS_MAX);
    (void)snprintf(hex + at, sizeof(hex) - (size_t)at, "%s", NET4);
    (void)snprintf(hex, 3, "%02x", TS_MAX + 1U);
    hex[2] = ' ';
    assert_int_equal(read_ts(hex), -ENOSPC);
}

static void test_writes_selectors(void **state)
{
    static const struct selectors two = {
        .n = 2,
        .s = {{TS_IPV4_ADDR_RANGE, 0, 0, 65535, {10}, {10, 0, 0, 255}},
              {TS_IPV6_ADDR_RANGE, 6, 80, 80, {0x20, 0x01, 0x0d, 0xb8}, {0x20, 0x01, 0x0d, 0xb8, [15] = 0xff}}}};
    uint8_t buf[128], expected[128];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    size_t len = unhex("00 00 0040 02 000000" NET4 NET6, expected, sizeof(expected));

    (void)state;
    payload_write_ts(&cw, PAYLOAD_TSR, &two);
    assert_int_equal(cw.first, PAYLOAD_TSR);
    assert_int_equal(wr_len(&cw.w), len);
    assert_memory_equal(buf, expected, len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_selectors),
        cmocka_unit_test(test_lengths_and_counts_must_fit),
        cmocka_unit_test(test_there_is_a_maximum),
        cmocka_unit_test(test_writes_selectors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
