/* The configuration of a connection: its defaults, its references, and how well it fits a peer. */
#include "engine/ike/conf.h"

#include "base/array.h"
#include "base/str.h"
#include "tests/unit/pki.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct pki_party *make_ca(void)
{
    return pki_make(&(struct pki_spec){.cn = "CA", .ca = true, .until = 4102444800});
}

static void test_has_the_defaults_of_swanctl_conf(void **state)
{
    cleanup(ike_conf_unrefp) struct ike_conf *c = ike_conf_new();
    struct child_conf *child = NULL;
    char text[SELECTOR_TEXT_MAX];

    (void)state;
    assert_int_equal(c->local_port, 500);
    assert_int_equal(c->remote_port, 500);
    assert_true(c->n_local_addrs == 1 && !addr_is_set(&c->local_addrs[0].addr));
    assert_int_equal(c->proposals.n, 2);
    assert_int_equal(c->local.auth, CONF_AUTH_PUBKEY);
    assert_int_equal(c->fragmentation, CONF_FRAGMENTATION_YES);
    assert_true(c->mobike && c->send_certreq && !c->encap);
    assert_int_equal(c->keyingtries, 1);
    assert_int_equal(c->rekey_time, 4 * USEC_PER_HOUR);
    assert_int_equal(c->over_time, 24 * USEC_PER_MIN);
    assert_int_equal(c->rand_time, 24 * USEC_PER_MIN);
    assert_int_equal(c->dpd_delay, 0);
    assert_int_equal(c->n_children, 0);

    assert_int_equal(ike_conf_add_child(c, &child), 0);
    assert_int_equal(child->time.rekey, USEC_PER_HOUR);
    assert_int_equal(child->time.life, 66 * USEC_PER_MIN);
    assert_int_equal(child->time.random, 6 * USEC_PER_MIN);
    assert_int_equal(child->bytes.rekey, 0);
    assert_int_equal(child->replay_window, 32);
    assert_int_equal(child->start_action, 0);
    assert_true(child->copy_ecn);
    assert_int_equal(child->proposals.n, 2);
    assert_string_equal(selector_conf_text(&child->local_ts.s[0], text), "dynamic");
}

static void test_the_last_reference_frees_all(void **state)
{
    cleanup(pki_freep) struct pki_party *party = make_ca();
    struct cert *ca = pki_cert(party);
    struct ike_conf *c = ike_conf_new();

    (void)state;
    c->remote.cas[c->remote.n_cas++] = cert_ref(ca);
    c->local.certs[c->local.n_certs++] = cert_ref(ca);
    assert_ptr_equal(ike_conf_ref(c), c);
    assert_null(ike_conf_unref(c));
    assert_true(cert_is_ca(c->remote.cas[0]));
    assert_null(ike_conf_unref(c));
    assert_null(ike_conf_unref(NULL));
}

static void test_children_are_bounded_and_found_by_name(void **state)
{
    cleanup(ike_conf_unrefp) struct ike_conf *c = ike_conf_new();
    struct child_conf *child = NULL;

    (void)state;
    for (size_t i = 0; i < CONF_CHILDREN_MAX; i++) {
        assert_int_equal(ike_conf_add_child(c, &child), 0);
        assert_true(str_format(child->name, sizeof(child->name), "net-%zu", i));
    }
    assert_int_equal(ike_conf_add_child(c, &child), -ENOSPC);
    assert_ptr_equal(ike_conf_child(c, "net-5"), &c->children[5]);
    assert_null(ike_conf_child(c, "net-99"));
}

static struct conf_addr conf_addr_of(const char *text, uint8_t bits)
{
    struct conf_addr a = {.bits = bits};

    assert_int_equal(addr_parse(text, &a.addr), 0);
    return a;
}

static unsigned match(const struct ike_conf *c, const char *local_text, const char *remote_text)
{
    struct addr local, remote;

    assert_int_equal(addr_parse(local_text, &local), 0);
    assert_int_equal(addr_parse(remote_text, &remote), 0);
    return ike_conf_match(c, &local, &remote);
}

static void test_the_closest_address_fits_best(void **state)
{
    static const struct {
        const char *addr;
        uint8_t bits;
    } rising[] = {{NULL, 0}, {"0.0.0.0", 0}, {"203.0.0.0", 16}, {"203.0.113.0", 25}, {"203.0.113.10", 32}};
    cleanup(ike_conf_unrefp) struct ike_conf *c = ike_conf_new();
    unsigned last = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rising); i++) {
        unsigned m;

        c->remote_addrs[0] =
            rising[i].addr ? conf_addr_of(rising[i].addr, rising[i].bits) : (struct conf_addr){.bits = 0};
        m = match(c, "192.0.2.1", "203.0.113.10");
        assert_true(m > last);
        last = m;
    }
    assert_int_equal(match(c, "192.0.2.1", "203.0.113.11"), 0);
    assert_int_equal(match(c, "192.0.2.1", "2001:db8::1"), 0);

    c->local_addrs[0] = conf_addr_of("192.0.2.1", 32);
    assert_true(match(c, "192.0.2.1", "203.0.113.10") > last);
    assert_int_equal(match(c, "192.0.2.2", "203.0.113.10"), 0);
    c->local_addrs[c->n_local_addrs++] = conf_addr_of("192.0.2.0", 24);
    assert_true(match(c, "192.0.2.2", "203.0.113.10") > 0);

    c->remote_addrs[0] = conf_addr_of("2001:db8::", 32);
    assert_true(match(c, "192.0.2.1", "2001:db8:ffff::1") > 0);
    assert_int_equal(match(c, "192.0.2.1", "2001:db9::1"), 0);
}

/* Whom we talk to counts more than from where. */
static void test_the_peers_address_counts_more(void **state)
{
    cleanup(ike_conf_unrefp) struct ike_conf *exact_remote = ike_conf_new(), *exact_local = ike_conf_new();

    (void)state;
    exact_remote->remote_addrs[0] = conf_addr_of("203.0.113.10", 32);
    exact_local->local_addrs[0] = conf_addr_of("192.0.2.1", 32);
    exact_local->remote_addrs[0] = conf_addr_of("203.0.113.0", 24);
    assert_true(match(exact_remote, "192.0.2.1", "203.0.113.10") > match(exact_local, "192.0.2.1", "203.0.113.10"));
}

static void test_a_side_may_want_certain_keys(void **state)
{
    cleanup(pki_freep) struct pki_party *party = make_ca();
    const struct pkey *k = cert_key(pki_cert(party));
    struct conf_side s = {.keys = 0};

    (void)state;
    assert_true(conf_side_allows_key(&s, k));
    s.keys = CONF_KEY(pkey_kind(k));
    assert_true(conf_side_allows_key(&s, k));
    s.key_bits = pkey_bits(k);
    assert_true(conf_side_allows_key(&s, k));
    s.key_bits++;
    assert_false(conf_side_allows_key(&s, k));
    s = (struct conf_side){.keys = CONF_KEY(pkey_kind(k) == PKEY_RSA ? PKEY_ECDSA : PKEY_RSA)};
    assert_false(conf_side_allows_key(&s, k));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_has_the_defaults_of_swanctl_conf),
        cmocka_unit_test(test_the_last_reference_frees_all),
        cmocka_unit_test(test_children_are_bounded_and_found_by_name),
        cmocka_unit_test(test_the_closest_address_fits_best),
        cmocka_unit_test(test_the_peers_address_counts_more),
        cmocka_unit_test(test_a_side_may_want_certain_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
