/* When a request goes out again (RFC 7296 2.1, 2.4), on a clock that is moved by hand. */
#include "engine/ike/retransmit.h"

#include "base/array.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define START (100 * USEC_PER_SEC)

static struct engine_settings settings(usec_t first, double base)
{
    return (struct engine_settings){.retransmit = first, .retransmit_base = base};
}

/* RFC 7296 2.4: "retransmission times MUST increase exponentially"; the figures are charon's. */
static void test_backoff(void **state)
{
    static const usec_t after_ms[] = {4000, 7200, 12960, 23328, 41990, 75582};
    const struct engine_settings s = settings(4 * USEC_PER_SEC, 1.8);

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(after_ms); i++) {
        usec_t wait = retransmit_at(&s, i, START, START, 0) - START;

        assert_int_equal(wait / USEC_PER_MSEC, after_ms[i]);
    }
}

/* The pause runs from the last transmission, not from the first. */
static void test_from_now(void **state)
{
    const struct engine_settings s = settings(USEC_PER_SEC, 2);

    (void)state;
    assert_int_equal(retransmit_at(&s, 3, START + 7 * USEC_PER_SEC, START, 0), START + 15 * USEC_PER_SEC);
}

/* The last pause ends when the peer is given up. */
static void test_timeout(void **state)
{
    const struct engine_settings s = settings(4 * USEC_PER_SEC, 2);

    (void)state;
    assert_int_equal(retransmit_at(&s, 0, START, START, 4 * USEC_PER_SEC), START + 4 * USEC_PER_SEC);
    assert_int_equal(retransmit_at(&s, 0, START, START, 4 * USEC_PER_SEC - 1), START + 4 * USEC_PER_SEC - 1);
    assert_int_equal(retransmit_at(&s, 2, START + 12 * USEC_PER_SEC, START, 20 * USEC_PER_SEC),
                     START + 20 * USEC_PER_SEC);
    assert_int_equal(retransmit_at(&s, 2, START + 12 * USEC_PER_SEC, START, USEC_NEVER), START + 28 * USEC_PER_SEC);
}

/* Whatever is configured, time does not turn back. */
static void test_no_overflow(void **state)
{
    static const double bases[] = {1.8, 10, 1e300, HUGE_VAL};

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(bases); i++) {
        const struct engine_settings s = settings(4 * USEC_PER_SEC, bases[i]);
        usec_t last = 0;

        for (unsigned tries = 0; tries < 1000; tries++) {
            usec_t at = retransmit_at(&s, tries, START, START, 0);

            assert_true(at > START && at >= last);
            last = at;
        }
        assert_true(last == USEC_NEVER);
        assert_int_equal(retransmit_at(&s, UINT32_MAX, START, START, USEC_PER_HOUR), START + USEC_PER_HOUR);
    }
    assert_true(retransmit_at(&(struct engine_settings){.retransmit = USEC_NEVER, .retransmit_base = 1}, 0, START,
                              START, 0) == USEC_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backoff),
        cmocka_unit_test(test_from_now),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_no_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
