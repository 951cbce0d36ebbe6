/* Traffic selectors: as configured and printed, narrowed to what both want, and what lets a packet through. */
#include "engine/ike/selectors.h"

#include "base/array.h"
#include "base/str.h"
#include "engine/wire/ikev2.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct selector_conf conf_of(const char *text)
{
    struct selector_conf c;

    if (selector_parse(text, &c) != 0)
        fail_msg("%s is no selector", text);
    return c;
}

/* Of words with blanks between. */
static struct selectors of(const char *words)
{
    struct selectors ss = {.n = 0};

    while (*words) {
        char word[SELECTOR_TEXT_MAX] = "";
        size_t len = strcspn(words, " ");

        memcpy(word, words, len);
        ss.s[ss.n++] = conf_of(word).s;
        words += len + (words[len] == ' ');
    }
    return ss;
}

static const char *text_of(const struct selectors *ss)
{
    static char all[TS_MAX * (SELECTOR_TEXT_MAX + 1)];
    char buf[SELECTOR_TEXT_MAX];
    size_t len = 0;

    all[0] = '\0';
    for (size_t i = 0; i < ss->n; i++) {
        assert_true(str_copy(&all[len], sizeof(all) - len, i ? " " : ""));
        len = strlen(all);
        assert_true(str_copy(&all[len], sizeof(all) - len, selector_text(&ss->s[i], buf)));
        len = strlen(all);
    }
    return all;
}

static void test_reads_and_prints_as_charon(void **state)
{
    static const struct {
        const char *text, *printed; /* NULL: the same */
    } rows[] = {
        {"10.0.0.0/16", NULL},
        {"10.0.255.1/16", "10.0.0.0/16"},
        {"0.0.0.0/0", NULL},
        {"10.0.0.1", "10.0.0.1/32"},
        {"10.0.0.1[tcp/80]", "10.0.0.1/32[tcp/80]"},
        {"10.0.0.1[tcp/http]", "10.0.0.1/32[tcp/80]"},
        {"10.0.0.1[6/80-90]", "10.0.0.1/32[tcp/80-90]"},
        {"10.0.0.1[udp]", "10.0.0.1/32[udp]"},
        {"10.0.0.1[any/53]", "10.0.0.1/32[0/53]"},
        {"10.0.0.1[/53]", "10.0.0.1/32[0/53]"},
        {"10.0.0.1[]", "10.0.0.1/32"},
        {"10.0.0.1[any/any]", "10.0.0.1/32"},
        {"10.0.0.1[sctp/any]", "10.0.0.1/32[sctp]"},
        {"10.0.0.1[200]", "10.0.0.1/32[200]"},
        {"10.0.0.1[udp/opaque]", "10.0.0.1/32[udp/OPAQUE]"},
        {"10.0.0.1[icmp/2048]", "10.0.0.1/32[icmp/8]"},
        {"10.0.0.1[icmp/769-771]", "10.0.0.1/32[icmp/3(1)-3(3)]"},
        {"10.1.0.1-10.1.0.9", "10.1.0.1..10.1.0.9"},
        {"10.1.0.0 - 10.1.0.255", "10.1.0.0/24"},
        {"10.1.0.1-10.1.0.9[tcp/443]", "10.1.0.1..10.1.0.9[tcp/443]"},
        {"2001:db8::/32", NULL},
        {"2001:db8::1", "2001:db8::1/128"},
        {"2001:db8::/32[ipv6-icmp]", NULL},
        {"2001:db8::1-2001:db8::5", "2001:db8::1..2001:db8::5"},
        {"::/0", NULL},
        {"dynamic", NULL},
        {"dynamic[tcp/22]", NULL},
        {"dynamic[udp/opaque]", "dynamic[udp/OPAQUE]"},
    };
    char buf[SELECTOR_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct selector_conf c = conf_of(rows[i].text);

        assert_string_equal(selector_conf_text(&c, buf), rows[i].printed ? rows[i].printed : rows[i].text);
    }
}

static void test_refuses_what_is_none(void **state)
{
    static const char *const bad[] = {
        "",
        "x",
        "10.0.0.0/33",
        "10.0.0/16",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "2001:db8::/129",
        "10.0.0.9-10.0.0.1",
        "10.0.0.1-2001:db8::1",
        "10.0.0.0/24-10.0.1.0/24",
        "10.0.0.1[tcp",
        "10.0.0.1[tcp]x",
        "10.0.0.1[tcpp]",
        "10.0.0.1[256]",
        "10.0.0.1[tcp/65536]",
        "10.0.0.1[tcp/90-80]",
        "10.0.0.1[tcp/nosuchservice]",
        "10.0.0.1[tcp/-80]",
        "dynamic/24",
        "[tcp/80]",
        "%any",
        "10.0.0.1[tcp/"
        "80000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000000000000000000000]",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct selector_conf c;

        if (selector_parse(bad[i], &c) != -EINVAL)
            fail_msg("%s was taken", bad[i]);
    }
}

static void test_dynamic_is_the_outside_address(void **state)
{
    struct selectors_conf conf = {.n = 2, .s = {conf_of("dynamic[udp/53]"), conf_of("10.0.0.0/8")}};
    struct selectors ss;
    struct addr host;

    (void)state;
    assert_int_equal(addr_parse("203.0.113.10", &host), 0);
    selectors_resolve(&conf, &host, &ss);
    assert_string_equal(text_of(&ss), "203.0.113.10/32[udp/53] 10.0.0.0/8");
    assert_int_equal(addr_parse("2001:db8::1", &host), 0);
    selectors_resolve(&conf, &host, &ss);
    assert_string_equal(text_of(&ss), "2001:db8::1/128[udp/53] 10.0.0.0/8");
    host = (struct addr){0};
    selectors_resolve(&conf, &host, &ss);
    assert_string_equal(text_of(&ss), "10.0.0.0/8");
}

static const struct {
    const char *wanted, *ours, *result;
} narrowings[] = {
    {"0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0"},
    {"0.0.0.0/0", "10.0.0.0/16", "10.0.0.0/16"},
    {"10.0.0.0/16", "0.0.0.0/0", "10.0.0.0/16"},
    {"10.0.0.0/16", "10.1.0.0/16", ""},
    {"10.0.0.0/16", "2001:db8::/32", ""},
    {"0.0.0.0/0 ::/0", "2001:db8::/32 10.0.0.0/8", "10.0.0.0/8 2001:db8::/32"},
    {"10.0.0.5-10.0.0.20", "10.0.0.10-10.0.0.30", "10.0.0.10..10.0.0.20"},
    /* RFC 7296 2.9: the packet that caused it first, then the whole */
    {"10.0.0.1[tcp/1024] 10.0.0.0/24", "10.0.0.0/16", "10.0.0.0/24"},
    {"10.0.1.1[tcp/80] 10.0.0.0/24", "10.0.1.0/24", "10.0.1.1/32[tcp/80]"},
    {"10.0.2.0/24 10.0.1.0/24", "10.0.1.0/24 10.0.2.0/24", "10.0.2.0/24 10.0.1.0/24"},
    {"10.0.0.0/8", "10.2.0.0/16 10.1.0.0/16", "10.2.0.0/16 10.1.0.0/16"},
    /* protocols and ports */
    {"10.0.0.0/8[tcp]", "10.0.0.0/8", "10.0.0.0/8[tcp]"},
    {"10.0.0.0/8", "10.0.0.0/8[tcp/80-90]", "10.0.0.0/8[tcp/80-90]"},
    {"10.0.0.0/8[tcp]", "10.0.0.0/8[udp]", ""},
    {"10.0.0.0/8[tcp/80-100]", "10.0.0.0/8[tcp/90-200]", "10.0.0.0/8[tcp/90-100]"},
    {"10.0.0.0/8[tcp/80]", "10.0.0.0/8[tcp/443]", ""},
    {"10.0.0.0/8[tcp/80] 10.0.0.0/8[udp]", "10.0.0.0/8", "10.0.0.0/8[tcp/80] 10.0.0.0/8[udp]"},
    /* OPAQUE (RFC 7296 3.13.1) */
    {"10.0.0.0/8[tcp/opaque]", "10.0.0.0/8", "10.0.0.0/8[tcp/OPAQUE]"},
    {"10.0.0.0/8[tcp]", "10.0.0.0/8[tcp/opaque]", "10.0.0.0/8[tcp/OPAQUE]"},
    {"10.0.0.0/8[tcp/opaque]", "10.0.0.0/8[tcp/opaque]", "10.0.0.0/8[tcp/OPAQUE]"},
    {"10.0.0.0/8[tcp/opaque]", "10.0.0.0/8[tcp/80]", ""},
    {"10.0.0.0/8[tcp/1-65535]", "10.0.0.0/8[tcp/opaque]", ""},
};

static void test_narrows_to_what_both_want(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(narrowings); i++) {
        struct selectors wanted = of(narrowings[i].wanted), ours = of(narrowings[i].ours), ss;

        selectors_narrow(&wanted, &ours, &ss);
        assert_string_equal(text_of(&ss), narrowings[i].result);
        assert_true(selectors_within(&ss, &wanted));
        assert_true(selectors_within(&ss, &ours));
    }
}

/* A peer may send any bytes: a range upside down is nobody. */
static void test_a_range_upside_down_is_empty(void **state)
{
    struct selectors wanted = of("10.0.0.0/8"), ours = of("0.0.0.0/0"), ss;
    uint8_t addr[4] = {10, 0, 0, 1};

    (void)state;
    wanted.s[0].last[0] = 9;
    selectors_narrow(&wanted, &ours, &ss);
    assert_int_equal(ss.n, 0);
    assert_false(selectors_match(&wanted, false, addr, 6, 80));
    wanted = of("10.0.0.0/8[tcp/80]");
    wanted.s[0].port_last = 79;
    selectors_narrow(&wanted, &ours, &ss);
    assert_int_equal(ss.n, 0);
    assert_false(selectors_match(&wanted, false, addr, 6, 80));
}

static void test_the_number_is_bounded(void **state)
{
    struct selectors wanted = {.n = TS_MAX}, ours = {.n = TS_MAX}, ss;

    (void)state;
    for (size_t i = 0; i < TS_MAX; i++) {
        wanted.s[i] = conf_of("0.0.0.0/0[tcp]").s;
        wanted.s[i].port_first = wanted.s[i].port_last = (uint16_t)i;
        ours.s[i] = conf_of("10.0.0.0/24").s;
        ours.s[i].first[1] = ours.s[i].last[1] = (uint8_t)i;
    }
    selectors_narrow(&wanted, &ours, &ss);
    assert_int_equal(ss.n, TS_MAX);
}

static void test_compares_as_sets(void **state)
{
    struct selectors a = of("10.0.0.0/8 10.0.0.0/8[tcp/80] ::/0"), b = of("::/0 10.0.0.0/8[tcp/80] 10.0.0.0/8");
    struct selectors c = of("10.0.0.0/8 ::/0"), none = {.n = 0};

    (void)state;
    assert_true(selectors_equal(&a, &b));
    assert_false(selectors_equal(&a, &c));
    assert_false(selectors_equal(&c, &none));
    assert_true(selectors_within(&a, &c));
    assert_true(selectors_within(&none, &c));
    assert_false(selectors_within(&c, &none));
    b = of("10.0.0.0/8[tcp/80] 2001:db8::/32");
    assert_true(selectors_within(&b, &c));
    assert_false(selectors_within(&c, &b));
}

static bool lets_through(const char *selectors, const char *text, uint8_t protocol, uint16_t port)
{
    struct selectors ss = of(selectors);
    bool ipv6 = strchr(text, ':') != NULL;
    uint8_t addr[16];

    assert_int_equal(inet_pton(ipv6 ? AF_INET6 : AF_INET, text, addr), 1);
    return selectors_match(&ss, ipv6, addr, protocol, port);
}

static void test_matches_inner_packets(void **state)
{
    (void)state;
    assert_true(lets_through("10.0.0.0/16", "10.0.255.255", 6, 80));
    assert_false(lets_through("10.0.0.0/16", "10.1.0.0", 6, 80));
    assert_false(lets_through("10.0.0.0/16", "2001:db8::1", 6, 80));
    assert_true(lets_through("10.0.0.0/16 ::/0", "2001:db8::1", 6, 80));
    assert_true(lets_through("10.0.0.5-10.0.0.7", "10.0.0.7", 6, 80));
    assert_false(lets_through("10.0.0.5-10.0.0.7", "10.0.0.8", 6, 80));
    assert_true(lets_through("0.0.0.0/0[tcp/80-90]", "10.0.0.1", 6, 90));
    assert_false(lets_through("0.0.0.0/0[tcp/80-90]", "10.0.0.1", 6, 91));
    assert_false(lets_through("0.0.0.0/0[tcp/80-90]", "10.0.0.1", 17, 80));
    assert_true(lets_through("0.0.0.0/0[icmp/2048]", "10.0.0.1", 1, 8 << 8));
    assert_false(lets_through("0.0.0.0/0[icmp/2048]", "10.0.0.1", 1, 0));
    assert_true(lets_through("0.0.0.0/0[tcp/opaque]", "10.0.0.1", 6, 0)); /* a fragment */
    assert_false(lets_through("0.0.0.0/0[tcp/opaque]", "10.0.0.1", 6, 80));
    assert_false(lets_through("", "10.0.0.1", 6, 80));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_and_prints_as_charon),
        cmocka_unit_test(test_refuses_what_is_none),
        cmocka_unit_test(test_dynamic_is_the_outside_address),
        cmocka_unit_test(test_narrows_to_what_both_want),
        cmocka_unit_test(test_a_range_upside_down_is_empty),
        cmocka_unit_test(test_the_number_is_bounded),
        cmocka_unit_test(test_compares_as_sets),
        cmocka_unit_test(test_matches_inner_packets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
