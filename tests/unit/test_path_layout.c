/* What a child configuration makes of a tunnel: networks out of ranges, and the MTU. */
#include "engine/io/path_state.h"

#include "base/str.h"
#include "engine/wire/ikev2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

static struct ike_conf *ike;
static struct child_conf *child;

static int set_up(void **state)
{
    (void)state;
    ike = ike_conf_new();
    return ike ? ike_conf_add_child(ike, &child) : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ike = ike_conf_unref(ike);
    return 0;
}

static void set_ts(struct selectors_conf *c, const char *a, const char *b)
{
    c->n = b ? 2 : 1;
    assert_int_equal(selector_parse(a, &c->s[0]), 0);
    if (b)
        assert_int_equal(selector_parse(b, &c->s[1]), 0);
}

/* The networks of a remote_ts of A and B, as text. */
static const char *networks(const char *a, const char *b)
{
    static char text[4096];
    struct path_layout l;
    size_t len = 0;

    set_ts(&child->remote_ts, a, b);
    assert_int_equal(path_layout_read(ike, child, &l), 0);
    text[0] = '\0';
    for (size_t i = 0; i < l.n_networks; i++) {
        char addr[ADDR_TEXT_MAX];

        (void)addr_text(&l.networks[i].addr, addr);
        assert_true(str_format(text + len, sizeof(text) - len, "%s%s/%d", i ? " " : "", addr, l.networks[i].bits));
        len += strlen(text + len);
    }
    return text;
}

static void test_networks(void **state)
{
    (void)state;
    assert_string_equal(networks("10.2.0.0/16", NULL), "10.2.0.0/16");
    assert_string_equal(networks("0.0.0.0/0", "::/0"), ""); /* a tunnel that is routed into */
    assert_string_equal(networks("0.0.0.0/0", "fd00::/64"), "fd00::/64");
    assert_string_equal(networks("0.0.0.0/1", "128.0.0.0/1"), "0.0.0.0/1 128.0.0.0/1"); /* as it says */
    assert_string_equal(networks("10.1.0.1-10.1.0.9", NULL), "10.1.0.1/32 10.1.0.2/31 10.1.0.4/30 10.1.0.8/31");
    assert_string_equal(networks("10.1.0.0-10.1.0.255", NULL), "10.1.0.0/24");
    assert_string_equal(networks("255.255.255.254-255.255.255.255", NULL), "255.255.255.254/31");
    assert_string_equal(networks("10.1.0.7[tcp/80]", "fd00::1-fd00::2"), "10.1.0.7/32 fd00::1/128 fd00::2/128");
    assert_string_equal(networks("dynamic", "10.2.0.0/16"), "10.2.0.0/16");
    assert_string_equal(networks("dynamic", NULL), "");
}

static void test_too_many(void **state)
{
    struct path_layout l;

    (void)state;
    set_ts(&child->remote_ts, "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", NULL); /* 254 networks */
    assert_int_equal(path_layout_read(ike, child, &l), -ENOSPC);
    child->n_networks = 1; /* these instead */
    child->networks[0].bits = 16;
    assert_int_equal(addr_parse("10.0.0.0", &child->networks[0].addr), 0);
    assert_int_equal(path_layout_read(ike, child, &l), 0);
    assert_int_equal(l.n_networks, 1);
    assert_false(l.dynamic);
    child->n_inside = TUNNEL_ADDRESSES_MAX + 1;
    assert_int_equal(path_layout_read(ike, child, &l), -ENOSPC);
}

static uint32_t mtu_of(const char *proposal, const char *remote)
{
    struct path_layout l;
    char error[128];

    child->proposals.n = 0;
    if (proposal)
        assert_int_equal(proposals_parse(PROTO_ESP, proposal, false, &child->proposals, error, sizeof(error)), 0);
    assert_int_equal(addr_parse(remote, &ike->remote_addrs[0].addr), 0);
    assert_int_equal(path_layout_read(ike, child, &l), 0);
    return l.mtu;
}

/* What a packet of the MTU grows to fits 1500 bytes, and one more byte would not: by hand from the lengths of RFC 4303,
 * 4106, 3602, 4868. */
static void test_mtu(void **state)
{
    (void)state;
    assert_int_equal(mtu_of("aes128gcm16", "192.0.2.1"), 1500 - 28 - 8 - 8 - 16 - 2); /* 1438 */
    assert_int_equal(mtu_of("aes128gcm16", "2001:db8::1"), 1500 - 48 - 8 - 8 - 16 - 2);
    assert_int_equal(mtu_of("aes128-sha1", "192.0.2.1"), 1422);   /* 1500-28-8-16-12 = 1436, 89 blocks less 2 */
    assert_int_equal(mtu_of("aes256-sha512", "192.0.2.1"), 1406); /* 1500-28-8-16-32 = 1416, 88 blocks less 2 */
    assert_int_equal(mtu_of("aes128-aes256-sha1-sha512", "192.0.2.1"), 1406); /* whichever is agreed on */
    child->mtu = 1399;
    assert_int_equal(mtu_of("aes128gcm16", "192.0.2.1"), 1399);
}

static void test_equal(void **state)
{
    struct path_layout a, b;

    (void)state;
    set_ts(&child->remote_ts, "10.2.0.0/16", NULL);
    assert_int_equal(path_layout_read(ike, child, &a), 0);
    assert_int_equal(path_layout_read(ike, child, &b), 0);
    assert_true(path_layout_equal(&a, &b));
    set_ts(&child->remote_ts, "10.2.0.0/17", NULL);
    assert_int_equal(path_layout_read(ike, child, &b), 0);
    assert_false(path_layout_equal(&a, &b));
    b = a;
    b.mtu++;
    assert_false(path_layout_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_networks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mtu, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_equal, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
