/* The replay window at its edges (RFC 4303 3.4.3, appendix A), and against a set that forgets nothing. */
#include "engine/esp/replay.h"

#include "base/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define TOP (UINT64_C(1) << 32)

static const uint32_t sizes[] = {32, 64, 100, 128, 1024, 4095, 4096};

static bool is_new(const struct replay *r, uint64_t seq)
{
    uint64_t whole;

    return replay_check(r, (uint32_t)seq, &whole) && whole == seq;
}

static void take(struct replay *r, uint64_t seq)
{
    assert_true(is_new(r, seq));
    replay_mark(r, seq);
    assert_false(is_new(r, seq));
}

static void test_first(void **state)
{
    struct replay r = {.size = 64};

    (void)state;
    assert_false(is_new(&r, 0));
    take(&r, 1);
    take(&r, 2);
    assert_false(is_new(&r, 0));
    assert_false(is_new(&r, 1));
}

static void test_both_edges(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        for (int esn = 0; esn < 2; esn++) {
            struct replay r = {.size = sizes[i], .esn = esn};

            take(&r, 10000);
            assert_true(is_new(&r, 10000 - sizes[i] + 1));
            assert_false(!esn && is_new(&r, 10000 - sizes[i]));
            take(&r, 10000 - sizes[i] + 1);
            take(&r, 10001); /* and the window moves on */
            assert_false(is_new(&r, 10000 - sizes[i] + 1));
            take(&r, 10000 - sizes[i] + 2);
        }
    }
}

static void test_check_changes_nothing(void **state)
{
    struct replay r = {.size = 64}, before;

    (void)state;
    take(&r, 7);
    before = r;
    assert_true(is_new(&r, UINT32_MAX));
    assert_true(is_new(&r, 8));
    assert_memory_equal(&r, &before, sizeof(r));
}

static void test_without_esn_the_last_is_the_last(void **state)
{
    struct replay r = {.size = 64};

    (void)state;
    take(&r, UINT32_MAX - 1);
    take(&r, UINT32_MAX);
    assert_false(is_new(&r, 0));
    assert_false(is_new(&r, 1));
}

/* RFC 4303 A2.2: case A has the window in one subspace, case B over the edge of two. */
static void test_esn_wraps(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct replay r = {.size = sizes[i], .esn = true};

        take(&r, TOP / 2);
        take(&r, TOP - 3);
        take(&r, TOP - 1);
        take(&r, TOP); /* on the wire: 0 */
        take(&r, TOP + 1);
        take(&r, TOP - 2); /* overtaken: 0xFFFFFFFE */
        assert_false(is_new(&r, TOP - 3));
        take(&r, TOP + sizes[i] - 2); /* bottom: the last of the subspace before */
        assert_false(is_new(&r, TOP - 1));
        take(&r, TOP + sizes[i] - 1); /* bottom: 0 */
        assert_false(is_new(&r, TOP));
        take(&r, TOP + 2);
        take(&r, 2 * TOP - 1);
        take(&r, 2 * TOP + 5);
    }
}

static void test_esn_has_two_ends(void **state)
{
    struct replay r = {.size = 64, .esn = true};
    uint64_t whole = 77;

    (void)state;
    assert_false(replay_check(&r, UINT32_MAX, &whole)); /* before the first */
    r.last = UINT64_MAX - 100;
    take(&r, UINT64_MAX);
    assert_false(replay_check(&r, 0, &whole)); /* past the last */
    assert_int_equal(whole, 77);
}

static void test_off(void **state)
{
    struct replay r = {.size = 0}, esn = {.size = 0, .esn = true, .last = TOP / 2};

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_true(is_new(&r, 5));
        replay_mark(&r, 5);
        assert_true(is_new(&esn, TOP - 1 + (uint64_t)i));
        replay_mark(&esn, TOP - 1 + (uint64_t)i);
    }
    assert_true(is_new(&r, 0));
    assert_true(is_new(&esn, TOP - 1)); /* overtaken, or once more */
    assert_true(is_new(&esn, TOP + 5));
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * UINT32_C(1664525) + UINT32_C(1013904223);
    return *seed >> 8;
}

#define NUMBERS 20000

/* Numbers around a front that moves by steps small and large; `seen` remembers all. */
static void walk(uint32_t size, bool esn, uint64_t base, uint32_t seed)
{
    static bool seen[NUMBERS];
    struct replay r = {.size = size, .esn = esn, .last = base};
    uint64_t last = 0;

    memset(seen, 0, sizeof(seen));
    seen[0] = true;
    if (base > 0)
        r.seen[base / 64 % ARRAY_LEN(r.seen)] |= UINT64_C(1) << base % 64;
    for (int i = 0; i < NUMBERS; i++) {
        uint32_t dice = next_random(&seed);
        uint64_t step = dice % 50 == 0 ? dice / 50 % (2 * size) : dice % 3;
        uint64_t back = next_random(&seed) % (size + 5);
        uint64_t n = dice % 2 == 0 ? last + step : last - (back < last ? back : last);
        bool want, got;

        if (n >= NUMBERS)
            break;
        want = n > last || (last - n < size && !seen[n]);
        got = is_new(&r, base + n);
        assert_true(got == want);
        if (got) {
            replay_mark(&r, base + n);
            seen[n] = true;
            last = n > last ? n : last;
        }
    }
    assert_true(last > 1000);
}

static void test_against_a_long_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        for (uint32_t seed = 1; seed <= 20; seed++) {
            walk(sizes[i], false, 0, seed);
            walk(sizes[i], true, 0, seed);
            walk(sizes[i], true, TOP - 5000, seed);
            walk(sizes[i], true, 7 * TOP - 64, seed);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first),
        cmocka_unit_test(test_both_edges),
        cmocka_unit_test(test_check_changes_nothing),
        cmocka_unit_test(test_without_esn_the_last_is_the_last),
        cmocka_unit_test(test_esn_wraps),
        cmocka_unit_test(test_esn_has_two_ends),
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_against_a_long_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
