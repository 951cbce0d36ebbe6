/* Addresses of both families. */
#include "base/addr.h"

#include "base/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

static struct addr of(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(text, &a), 0);
    return a;
}

static void test_text_goes_there_and_back(void **state)
{
    static const char *const texts[] = {"203.0.113.10", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::1"};
    char buf[ADDR_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct addr a = of(texts[i]);

        assert_string_equal(addr_text(&a, buf), texts[i]);
        assert_true(addr_is_set(&a));
        assert_int_equal(addr_port(&a), 0);
    }
}

static void test_junk_is_refused(void **state)
{
    static const char *const texts[] = {"",         "localhost", "203.0.113", "203.0.113.256", "203.0.113.10 ",
                                        " 1.2.3.4", "1.2.3.4:5", "1.2.3.4/5", "2001:db8::1::", "[::1]",
                                        "0x7f.1",   "010.1.1.1x"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct addr a = of("192.0.2.1");

        assert_int_equal(addr_parse(texts[i], &a), -EINVAL);
        assert_int_equal(addr_family(&a), AF_INET); /* untouched */
    }
}

static void test_ports(void **state)
{
    struct addr four = of("203.0.113.10"), six = of("2001:db8::1"), none = {0};
    char buf[ADDR_TEXT_MAX];

    (void)state;
    addr_set_port(&four, 500);
    addr_set_port(&six, 4500);
    assert_int_equal(addr_port(&four), 500);
    assert_string_equal(addr_port_text(&four, buf), "203.0.113.10:500");
    assert_string_equal(addr_port_text(&six, buf), "[2001:db8::1]:4500");
    assert_string_equal(addr_text(&six, buf), "2001:db8::1");
    assert_string_equal(addr_text(&none, buf), "-");
}

static void test_ports_are_read(void **state)
{
    static const char *const junk[] = {"",
                                       "203.0.113.10:",
                                       "203.0.113.10:0",
                                       "203.0.113.10:65536",
                                       "203.0.113.10:80x",
                                       "[203.0.113.10]:80",
                                       "2001:db8::1",
                                       "[2001:db8::1",
                                       "[2001:db8::1]80",
                                       "[2001:db8::1]]:80",
                                       "[]:80",
                                       ":80",
                                       "localhost:80",
                                       "[2001:0db8:0000:0000:0000:0000:0000:0001:0000:0000:0000:0000:0000:0000]:80"};
    struct addr a;
    char buf[ADDR_TEXT_MAX];

    (void)state;
    assert_int_equal(addr_parse_port("203.0.113.10:500", &a), 0);
    assert_string_equal(addr_port_text(&a, buf), "203.0.113.10:500");
    assert_int_equal(addr_parse_port("[2001:db8::1]:65535", &a), 0);
    assert_string_equal(addr_port_text(&a, buf), "[2001:db8::1]:65535");
    assert_int_equal(addr_parse_port("203.0.113.10", &a), 0);
    assert_int_equal(addr_port(&a), 0);
    assert_int_equal(addr_parse_port("[::1]", &a), 0);
    assert_int_equal(addr_port(&a), 0);
    for (size_t i = 0; i < ARRAY_LEN(junk); i++)
        assert_int_equal(addr_parse_port(junk[i], &a), -EINVAL);
}

static void test_equality_is_of_addresses(void **state)
{
    struct addr a = of("203.0.113.10"), b = of("203.0.113.10"), c = of("203.0.113.11"), d = of("::ffff:203.0.113.10");

    (void)state;
    addr_set_port(&b, 500);
    assert_true(addr_equal(&a, &b));
    assert_false(addr_equal(&a, &c));
    assert_false(addr_equal(&a, &d));
    assert_true(addr_equal(&d, &d));
}

static void test_loopback_and_any(void **state)
{
    struct addr a = of("127.9.9.9"), b = of("::1"), c = of("128.0.0.1"), any = addr_any(AF_INET6), none = {0};

    (void)state;
    assert_true(addr_is_loopback(&a));
    assert_true(addr_is_loopback(&b));
    assert_false(addr_is_loopback(&c));
    assert_false(addr_is_loopback(&none));
    assert_false(addr_is_set(&none));
    assert_int_equal(addr_family(&any), AF_INET6);
    assert_int_equal(addr_len(&any), sizeof(struct sockaddr_in6));
    assert_int_equal(addr_len(&c), sizeof(struct sockaddr_in));
}

static void test_from_sockaddr(void **state)
{
    struct addr six = of("2001:db8::7"), ret;
    struct sockaddr un = {.sa_family = AF_UNIX};

    (void)state;
    addr_set_port(&six, 53);
    assert_int_equal(addr_from_sockaddr(&six.sa, sizeof(six.in6), &ret), 0);
    assert_true(addr_equal(&ret, &six));
    assert_int_equal(addr_port(&ret), 53);
    assert_true(addr_from_sockaddr(&six.sa, sizeof(six.in), &ret) < 0); /* cut */
    assert_int_equal(addr_from_sockaddr(&un, sizeof(un), &ret), -EAFNOSUPPORT);
    assert_int_equal(addr_from_sockaddr(&un, 0, &ret), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_goes_there_and_back),
        cmocka_unit_test(test_junk_is_refused),
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_ports_are_read),
        cmocka_unit_test(test_equality_is_of_addresses),
        cmocka_unit_test(test_loopback_and_any),
        cmocka_unit_test(test_from_sockaddr),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
