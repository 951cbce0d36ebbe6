/* Time, as it is added, moved and printed. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void shows(usec_t span, const char *expected)
{
    char buf[CLOCK_TEXT_MAX];

    assert_string_equal(clock_duration(span, buf), expected);
}

static void test_durations(void **state)
{
    (void)state;
    shows(0, "0 ms");
    shows(850 * USEC_PER_MSEC, "850 ms");
    shows(1500 * USEC_PER_MSEC, "1.5 s");
    shows(12 * USEC_PER_SEC, "12 s");
    shows(USEC_PER_MIN, "1 min");
    shows(200 * USEC_PER_SEC, "3 min 20 s");
    shows(125 * USEC_PER_MIN, "2 h 5 min");
    shows(76 * USEC_PER_HOUR, "3 d 4 h");
    shows(USEC_NEVER - 1, "213503982 d 8 h");
}

static void writes(usec_t wall, const char *expected)
{
    char buf[CLOCK_TEXT_MAX];

    assert_string_equal(clock_rfc3339(wall, buf), expected);
}

static void test_rfc3339(void **state)
{
    (void)state;
    writes(0, "1970-01-01T00:00:00.000Z");
    writes(UINT64_C(1795508700123456), "2026-11-24T08:25:00.123Z");
    writes(UINT64_C(1709164799999999), "2024-02-28T23:59:59.999Z");
    writes(UINT64_C(1709164800000000), "2024-02-29T00:00:00.000Z");
}

static void test_manual_clock(void **state)
{
    struct clock_manual m = {.boottime = 10, .realtime = 1000};
    struct clock c = clock_manual(&m);

    (void)state;
    clock_advance(&m, 5);
    assert_int_equal(clock_now(&c), 15);
    assert_int_equal(clock_wall(&c), 1005);
}

static void test_system_clock_goes_forward(void **state)
{
    usec_t now = clock_now(clock_system());

    (void)state;
    assert_true(now > 0);
    assert_true(clock_now(clock_system()) >= now);
    assert_true(clock_wall(clock_system()) > UINT64_C(1700000000) * USEC_PER_SEC);
}

static void test_no_wrapping(void **state)
{
    (void)state;
    assert_true(clock_add(USEC_NEVER, 1) == USEC_NEVER);
    assert_true(clock_add(USEC_NEVER - 1, 5) == USEC_NEVER);
    assert_true(clock_add(1, 2) == 3);
    assert_true(clock_since(5, 7) == 2);
    assert_true(clock_since(7, 5) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),    cmocka_unit_test(test_rfc3339),
        cmocka_unit_test(test_manual_clock), cmocka_unit_test(test_system_clock_goes_forward),
        cmocka_unit_test(test_no_wrapping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
