/* What a person is told to type names the tunnel it is about. */
#include "agent/cause.h"
#include "agent/fix.h"

#include "base/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <string.h>

static const struct fix_names all = {"aws-ike", "aws-1", "203.0.113.10", "vpn-0123456789abcdef0"};

static void assert_fix(const char *text, const struct fix_names *names, const char *wanted)
{
    struct strbuf b;

    strbuf_init(&b, 1024);
    fix_put(text, names, &b);
    assert_string_equal(strbuf_text(&b), wanted);
    strbuf_done(&b);
}

static void test_names_take_their_places(void **state)
{
    (void)state;
    assert_fix("Type `swanctl --terminate --ike IKE-NAME` and `swanctl --initiate --child CHILD-NAME`.", &all,
               "Type `swanctl --terminate --ike aws-ike` and `swanctl --initiate --child aws-1`.");
    assert_fix("`ip route get OUTSIDE-ADDRESS`", &all, "`ip route get 203.0.113.10`");
    assert_fix("VPN-CONNECTION-ID", &all, "vpn-0123456789abcdef0");
    assert_fix("Wait.", &all, "Wait.");
    assert_fix("", &all, "");
}

static void test_what_is_not_known_stays(void **state)
{
    (void)state;
    assert_fix("--child CHILD-NAME", &(struct fix_names){.child = ""}, "--child CHILD-NAME");
    assert_fix("--child CHILD-NAME", &(struct fix_names){.ike = "x"}, "--child CHILD-NAME");
}

static void test_no_name_is_a_trap(void **state)
{
    static const char *const names[] = {"a b",   "a;reboot", "$(reboot)", "`reboot`", "a\nb",
                                        "--uri", "*",        "a'b",       "\xC3\xBC"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_fix("--child CHILD-NAME", &(struct fix_names){.child = names[i]}, "--child CHILD-NAME");
}

/* Whatever stands in capitals with a hyphen in the table is one of the words. */
static void test_the_table_knows_no_other_words(void **state)
{
    size_t n;
    const struct cause_row *rows = cause_rows(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        struct strbuf b;

        strbuf_init(&b, 1024);
        fix_put(rows[i].fix, &all, &b);
        for (const char *hyphen = strchr(strbuf_text(&b), '-'); hyphen; hyphen = strchr(hyphen + 1, '-'))
            assert_false(hyphen > strbuf_text(&b) && isupper((unsigned char)hyphen[-1]) &&
                         isupper((unsigned char)hyphen[1]));
        assert_null(strstr(strbuf_text(&b), " NAME"));
        strbuf_done(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_take_their_places),
        cmocka_unit_test(test_what_is_not_known_stays),
        cmocka_unit_test(test_no_name_is_a_trap),
        cmocka_unit_test(test_the_table_knows_no_other_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
