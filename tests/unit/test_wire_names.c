/* Names of the numbers of IKEv2. */
#include "engine/wire/ikev2.h"
#include "engine/wire/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* No number has two names, nor a name two numbers; a sample of each kind is the registry's. */
static void test_names(void **state)
{
    const char *names[64];
    size_t n = 0;

    (void)state;
    for (unsigned t = 0; t <= UINT16_MAX; t++) {
        const char *name = name_notify((uint16_t)t);

        for (size_t i = 0; name && i < n; i++)
            assert_string_not_equal(name, names[i]);
        if (name) {
            assert_true(n < sizeof(names) / sizeof(names[0]));
            names[n++] = name;
        }
    }
    assert_int_equal(n, 45); /* all of enum ike_notify */
    assert_string_equal(name_notify(NOTIFY_NO_PROPOSAL_CHOSEN), "NO_PROPOSAL_CHOSEN");
    assert_string_equal(name_notify(16418), "CHILDLESS_IKEV2_SUPPORTED");
    assert_null(name_notify(NOTIFY_ERROR_MAX));
    assert_string_equal(name_exchange(36), "CREATE_CHILD_SA");
    assert_null(name_exchange(38));
    assert_string_equal(name_payload(44), "TSi");
    assert_string_equal(name_payload(53), "SKF");
    assert_null(name_payload(PAYLOAD_NONE));
    assert_null(name_payload(32)); /* the last one of IKEv1 */
    assert_null(name_payload(49));
    assert_string_equal(name_auth_method(14), "digital signature");
    assert_null(name_auth_method(3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
