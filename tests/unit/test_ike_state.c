/* The tables of the states of IKE_SAs and CHILD_SAs. */
#include "engine/ike/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Every state can be reached and left; nothing leads out of the last one, nor back to the first. */
static void test_states(void **state)
{
    (void)state;
    for (unsigned s = 0; s < IKE_STATES; s++) {
        assert_non_null(ike_state_name((enum ike_state)s));
        assert_int_equal(ike_state_may((enum ike_state)s, IKE_DESTROYING), s != IKE_DESTROYING);
        assert_false(ike_state_may((enum ike_state)s, IKE_CREATED));
        assert_false(ike_state_may(IKE_DESTROYING, (enum ike_state)s));
    }
    for (unsigned s = 0; s < CHILD_STATES; s++) {
        assert_non_null(child_state_name((enum child_state)s));
        assert_int_equal(child_state_may((enum child_state)s, CHILD_DESTROYING), s != CHILD_DESTROYING);
        assert_false(child_state_may((enum child_state)s, CHILD_CREATED));
    }
    assert_false(ike_state_may(IKE_CONNECTING, IKE_REKEYING));
    assert_false(child_state_may(CHILD_DELETED, CHILD_INSTALLED));
    struct state_row row;
    size_t n = 0;
    while (ike_state_row(n, &row))
        n++;
    assert_true(n >= IKE_STATES);
    assert_string_equal((ike_state_row(0, &row), row.from), "CREATED");
    for (n = 0; child_state_row(n, &row); n++)
        assert_non_null(row.when);
    assert_true(n >= CHILD_STATES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
