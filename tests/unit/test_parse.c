/* Text to values: all of it or nothing. */
#include "base/parse.h"

#include "base/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

static void test_numbers(void **state)
{
    uint64_t v = 7;
    uint32_t n = 7;

    (void)state;
    assert_int_equal(parse_u64("0", UINT64_MAX, &v), 0);
    assert_true(v == 0);
    assert_int_equal(parse_u64("18446744073709551615", UINT64_MAX, &v), 0);
    assert_true(v == UINT64_MAX);
    assert_int_equal(parse_u64("18446744073709551616", UINT64_MAX, &v), -ERANGE);
    assert_int_equal(parse_u64("99999999999999999999999", UINT64_MAX, &v), -ERANGE);
    assert_true(v == UINT64_MAX); /* untouched */
    assert_int_equal(parse_u32("10", 10, &n), 0);
    assert_int_equal(parse_u32("11", 10, &n), -ERANGE);
    assert_int_equal(parse_u32("5", 3, &n), -ERANGE);
    assert_int_equal(n, 10);
}

static void test_number_junk(void **state)
{
    static const char *const texts[] = {"", " 1", "1 ", "+1", "-1", "0x10", "1e3", "1.0", "one", "1\n", "\xD9\xA1"};
    uint64_t v;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_int_equal(parse_u64(texts[i], UINT64_MAX, &v), -EINVAL);
}

static void test_port(void **state)
{
    uint16_t port;

    (void)state;
    assert_int_equal(parse_port("65535", &port), 0);
    assert_int_equal(port, 65535);
    assert_int_equal(parse_port("65536", &port), -ERANGE);
    assert_int_equal(parse_port("0", &port), -ERANGE);
    assert_int_equal(parse_port("80x", &port), -EINVAL);
}

static void test_bool(void **state)
{
    bool b = false;

    (void)state;
    assert_int_equal(parse_bool("yes", &b), 0);
    assert_true(b);
    assert_int_equal(parse_bool("off", &b), 0);
    assert_false(b);
    assert_int_equal(parse_bool("1", &b), 0);
    assert_true(b);
    assert_int_equal(parse_bool("", &b), -EINVAL);
    assert_int_equal(parse_bool("yess", &b), -EINVAL);
    assert_int_equal(parse_bool("2", &b), -EINVAL);
}

static void test_duration(void **state)
{
    static const struct {
        const char *text;
        usec_t expected;
    } good[] = {
        {"500ms", 500 * USEC_PER_MSEC},
        {"30s", 30 * USEC_PER_SEC},
        {"5m", 5 * USEC_PER_MIN},
        {"2h", 2 * USEC_PER_HOUR},
        {"1d", 24 * USEC_PER_HOUR},
        {"15", 15 * USEC_PER_SEC},
        {"0", 0},
    };
    static const char *const bad[] = {"", "s", "5 s", "5S", "-5s", "1.5s", "5sec", "5s5", "1w"};
    usec_t v = 1;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(parse_duration(good[i].text, &v), 0);
        assert_true(v == good[i].expected);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(parse_duration(bad[i], &v), -EINVAL);
    assert_int_equal(parse_duration("18446744073709551615d", &v), -ERANGE);
    assert_int_equal(parse_duration("213503982334602d", &v), -ERANGE);
}

static void test_rfc3339(void **state)
{
    static const char *const bad[] = {
        "",
        "2024-01-02",
        "2024-01-02T03:04:05",
        "2024-01-02T03:04:05.Z",
        "2024-01-02T03:04:05Zx",
        "2024-02-30T03:04:05Z",
        "2023-02-29T03:04:05Z",
        "2024-13-01T03:04:05Z",
        "2024-00-01T03:04:05Z",
        "2024-01-00T03:04:05Z",
        "2024-01-02T24:04:05Z",
        "2024-01-02T03:60:05Z",
        "24-01-02T03:04:05Z",
        "2024-01-02 03:04:05Z",
        "2024-01-02T03:04:05+01:00",
    };
    usec_t wall = 0;

    (void)state;
    assert_int_equal(parse_rfc3339("2024-01-02T03:04:05.000Z", &wall), 0);
    assert_true(wall == UINT64_C(1704164645) * USEC_PER_SEC);
    assert_int_equal(parse_rfc3339("2024-01-02T03:04:05.1234567Z", &wall), 0);
    assert_true(wall == UINT64_C(1704164645) * USEC_PER_SEC + 123456);
    assert_int_equal(parse_rfc3339("2024-02-29T00:00:00Z", &wall), 0);
    assert_int_equal(parse_rfc3339("2016-12-31T23:59:60Z", &wall), 0); /* a leap second */
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(parse_rfc3339(bad[i], &wall), -EINVAL);
}

static void test_rfc3339_of_the_clock(void **state)
{
    char buf[CLOCK_TEXT_MAX];
    usec_t wall = 0;

    (void)state;
    assert_int_equal(parse_rfc3339(clock_rfc3339(UINT64_C(1795508700123000), buf), &wall), 0);
    assert_true(wall == UINT64_C(1795508700123000));
}

static void test_http_date(void **state)
{
    static const char *const bad[] = {
        "",
        "Tue, 24 Nov 2026 08:25:00",
        "Tue, 24 Nov 2026 08:25:00 CET",
        "Tue, 24 Nob 2026 08:25:00 GMT",
        "Tue, 31 Nov 2026 08:25:00 GMT",
        "Tuesday, 24-Nov-26 08:25:00 GMT",
        "Tue Nov 24 08:25:00 2026",
        "120",
    };
    usec_t wall = 0;

    (void)state;
    assert_int_equal(parse_http_date("Tue, 24 Nov 2026 08:25:00 GMT", &wall), 0);
    assert_true(wall == UINT64_C(1795508700) * USEC_PER_SEC);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(parse_http_date(bad[i], &wall), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_number_junk),
        cmocka_unit_test(test_port),
        cmocka_unit_test(test_bool),
        cmocka_unit_test(test_duration),
        cmocka_unit_test(test_rfc3339),
        cmocka_unit_test(test_rfc3339_of_the_clock),
        cmocka_unit_test(test_http_date),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
