/* The ladder: its names, and what a rung promises. */
#include "remediation/ladder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_names_can_be_read_back(void **state)
{
    (void)state;
    for (enum action a = ACTION_HOLD; a < ACTION_MAX_; a++) {
        enum action read = ACTION_MAX_;

        assert_int_equal(action_parse(action_name(a), &read), 0);
        assert_int_equal(read, a);
        assert_int_equal(ladder_rung(a)->action, a);
        assert_true(ladder_rung(a)->text[0] != '\0');
    }
    assert_string_equal(action_name(ACTION_TUNNEL_OPTIONS), "tunnel-options");
}

static void test_other_names_are_refused(void **state)
{
    enum action read = ACTION_INITIATE;

    (void)state;
    assert_int_equal(action_parse("restart-unit", &read), -EINVAL);
    assert_int_equal(action_parse("", &read), -EINVAL);
    assert_int_equal(action_parse("INITIATE", &read), -EINVAL);
    assert_int_equal(read, ACTION_INITIATE);
}

/* Gentle rungs come first; what cuts a tunnel has a smaller budget and is given more time than what does not. */
static void test_order(void **state)
{
    (void)state;
    assert_false(ladder_rung(ACTION_RECREATE_PROBE)->disturbs);
    assert_false(ladder_rung(ACTION_INITIATE)->disturbs);
    for (enum action a = ACTION_REINITIATE; a < ACTION_MAX_; a++) {
        const struct ladder_rung *rung = ladder_rung(a), *gentler = ladder_rung(a - 1);

        assert_true(rung->disturbs);
        assert_true(rung->alerts);
        assert_true(rung->per_incident < gentler->per_incident);
        assert_true(rung->per_hour < gentler->per_hour);
        assert_true(rung->settle > gentler->settle);
    }
    assert_int_equal(ladder_rung(ACTION_TUNNEL_OPTIONS)->per_hour, 1);
}

static void test_every_rung_has_an_end(void **state)
{
    (void)state;
    for (enum action a = ACTION_RECREATE_PROBE; a < ACTION_MAX_; a++) {
        const struct ladder_rung *rung = ladder_rung(a);

        assert_true(rung->per_incident > 0 && rung->per_hour > 0);
        assert_true(rung->settle > 0 && rung->settle <= rung->settle_max);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_can_be_read_back),
        cmocka_unit_test(test_other_names_are_refused),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_every_rung_has_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
