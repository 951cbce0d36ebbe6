/* What list-sa and list-conn say: as charon 5.9.8 says it, and as nobody should. */
#include "clients/vici/sas.h"

#include "base/array.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "clients/vici/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

static struct strbuf message;
static struct vici_sas sas;
static struct vici_conns conns;

static int set_up(void **state)
{
    (void)state;
    strbuf_init(&message, VICI_MESSAGE_MAX);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    strbuf_done(&message);
    vici_sas_done(&sas);
    vici_conns_done(&conns);
    return 0;
}

static struct rd built(void)
{
    assert_false(message.bad);
    return rd_of(message.data, message.len);
}

static int add_sas(void)
{
    return vici_sas_add(&sas, built());
}

static int add_conns(void)
{
    return vici_conns_add(&conns, built());
}

/* "key=value" pairs separated by blanks. */
static void put_pairs(const char *text)
{
    char pair[128];

    while (*text) {
        size_t len = strcspn(text, " ");
        char *value;

        assert_true(len < sizeof(pair));
        memcpy(pair, text, len);
        pair[len] = '\0';
        value = strchr(pair, '=');
        assert_non_null(value);
        *value++ = '\0';
        vici_put_value(&message, pair, value);
        text += len + strspn(&text[len], " ");
    }
}

static void put_list(const char *name, const char *const *items, size_t n)
{
    vici_put_list(&message, name);
    for (size_t i = 0; i < n; i++)
        vici_put_list_item(&message, items[i]);
    vici_put_list_end(&message);
}

static void put_child(const char *section, const char *pairs)
{
    static const char *const local[] = {"10.9.0.1/32", "169.254.10.2/32"};

    vici_put_section(&message, section);
    put_pairs(pairs);
    put_list("local-ts", local, ARRAY_LEN(local));
    vici_put_section_end(&message);
}

#define IKE                                                                                                            \
    "uniqueid=7 version=2 state=ESTABLISHED local-host=198.51.100.2 local-port=4500 local-id=198.51.100.2 "            \
    "remote-host=203.0.113.10 remote-port=4501 remote-id=203.0.113.10 initiator=yes initiator-spi=7fe4fbc52a67cf60 "   \
    "responder-spi=ed1b937ea65a1658 nat-remote=yes encr-alg=AES_CBC encr-keysize=128 established=42 rekey-time=13494"
#define CHILD                                                                                                          \
    "name=aws-1 uniqueid=9 reqid=1 state=INSTALLED mode=TUNNEL protocol=ESP encap=yes spi-in=f6d9efef "                \
    "spi-out=7c86e3bc encr-alg=AES_GCM_16 bytes-in=8400 packets-in=100 use-in=1 bytes-out=18446744073709551615 "       \
    "packets-out=99 rekey-time=3394 life-time=3960 install-time=41"

/* One IKE_SA with one CHILD_SA. */
static void put_sa(const char *name, const char *ike, const char *child)
{
    vici_put_section(&message, name);
    put_pairs(ike);
    vici_put_section(&message, "child-sas");
    put_child("aws-1-9", child);
    vici_put_section_end(&message);
    vici_put_section_end(&message);
}

static void test_an_established_sa(void **state)
{
    const struct vici_ike_sa *sa;
    const struct vici_child_sa *c;
    char text[ADDR_TEXT_MAX];

    (void)state;
    put_sa("aws-1", IKE, CHILD);
    assert_int_equal(add_sas(), 0);
    assert_int_equal(sas.n, 1);
    sa = &sas.sas[0];
    assert_string_equal(sa->name, "aws-1");
    assert_int_equal(sa->unique_id, 7);
    assert_int_equal(sa->version, 2);
    assert_int_equal(sa->state, VICI_IKE_ESTABLISHED);
    assert_string_equal(addr_port_text(&sa->local, text), "198.51.100.2:4500");
    assert_string_equal(addr_port_text(&sa->remote, text), "203.0.113.10:4501");
    assert_true(sa->initiator);
    assert_int_equal(sa->established, 42);
    assert_false(sa->tasks_active);
    assert_true(vici_ike_is_up(sa));
    assert_int_equal(sa->n_children, 1);
    c = &sa->children[0];
    assert_string_equal(c->name, "aws-1");
    assert_int_equal(c->unique_id, 9);
    assert_int_equal(c->state, VICI_CHILD_INSTALLED);
    assert_true(vici_child_is_up(c));
    assert_int_equal(c->bytes_in, 8400);
    assert_int_equal(c->packets_in, 100);
    assert_true(c->bytes_out == UINT64_MAX);
    assert_int_equal(c->packets_out, 99);
    assert_int_equal(c->installed, 41);
    assert_string_equal(c->spi_in, "f6d9efef");
    assert_string_equal(c->spi_out, "7c86e3bc");
}

/* As it is while the first packet is being repeated: no peer SPI, no local address, no CHILD_SA. */
static void test_a_connecting_sa(void **state)
{
    static const char *const active[] = {"IKE_VENDOR", "IKE_INIT"};

    (void)state;
    vici_put_section(&message, "aws-2");
    put_pairs("uniqueid=8 version=2 state=CONNECTING local-host=%any local-port=500 remote-host=2001:db8::1 "
              "remote-port=500 initiator=yes");
    put_list("tasks-queued", active, ARRAY_LEN(active));
    put_list("tasks-active", active, ARRAY_LEN(active));
    vici_put_section(&message, "child-sas");
    vici_put_section_end(&message);
    vici_put_section_end(&message);
    assert_int_equal(add_sas(), 0);
    assert_int_equal(sas.sas[0].state, VICI_IKE_CONNECTING);
    assert_false(vici_ike_is_up(&sas.sas[0]));
    assert_true(sas.sas[0].tasks_active);
    assert_false(addr_is_set(&sas.sas[0].local));
    assert_int_equal(addr_family(&sas.sas[0].remote), AF_INET6);
    assert_int_equal(addr_port(&sas.sas[0].remote), 500);
    assert_int_equal(sas.sas[0].established, 0);
    assert_int_equal(sas.sas[0].n_children, 0);
}

static void test_other_tasks_are_not_active_ones(void **state)
{
    static const char *const queued[] = {"CHILD_CREATE"};

    (void)state;
    vici_put_section(&message, "aws-1");
    put_pairs(IKE);
    put_list("tasks-active", NULL, 0);
    put_list("tasks-passive", queued, ARRAY_LEN(queued));
    vici_put_section_end(&message);
    assert_int_equal(add_sas(), 0);
    assert_false(sas.sas[0].tasks_active);
}

/* A newer daemon may say more, anywhere; inner sections may use names that mean something outside. */
static void test_unknown_content_is_skipped(void **state)
{
    (void)state;
    vici_put_value(&message, "what", "ever");
    vici_put_section(&message, "aws-1");
    put_pairs(IKE);
    vici_put_section(&message, "future");
    vici_put_section(&message, "deeper");
    vici_put_section_end(&message);
    put_pairs("uniqueid=66 state=DELETING");
    vici_put_section_end(&message);
    vici_put_section(&message, "child-sas");
    vici_put_value(&message, "count", "1");
    vici_put_section(&message, "aws-1-9");
    put_pairs(CHILD);
    vici_put_section(&message, "future");
    put_pairs("uniqueid=66 state=DELETING");
    vici_put_section_end(&message);
    vici_put_section_end(&message);
    vici_put_list(&message, "more");
    vici_put_list_end(&message);
    vici_put_section_end(&message);
    vici_put_section_end(&message);
    assert_int_equal(add_sas(), 0);
    assert_int_equal(sas.sas[0].unique_id, 7);
    assert_int_equal(sas.sas[0].state, VICI_IKE_ESTABLISHED);
    assert_int_equal(sas.sas[0].n_children, 1);
    assert_int_equal(sas.sas[0].children[0].unique_id, 9);
    assert_int_equal(sas.sas[0].children[0].state, VICI_CHILD_INSTALLED);
}

static void test_states(void **state)
{
    char pairs[128];

    (void)state;
    for (int s = VICI_IKE_OTHER; s <= VICI_IKE_DESTROYING; s++) {
        const char *name = vici_ike_state_name((enum vici_ike_state)s);

        strbuf_reset(&message);
        assert_true(str_format(pairs, sizeof(pairs), "uniqueid=1 version=1 state=%s", name));
        put_sa("a", pairs, CHILD);
        assert_int_equal(add_sas(), 0);
        assert_int_equal(sas.sas[sas.n - 1].state, s);
        assert_int_equal(vici_ike_is_up(&sas.sas[sas.n - 1]), str_eq(name, "ESTABLISHED") || str_eq(name, "REKEYING"));
    }
    for (int s = VICI_CHILD_OTHER; s <= VICI_CHILD_DESTROYING; s++) {
        const char *name = vici_child_state_name((enum vici_child_state)s);
        const struct vici_child_sa *c;

        strbuf_reset(&message);
        assert_true(str_format(pairs, sizeof(pairs), "name=a uniqueid=1 state=%s", name));
        put_sa("a", IKE, pairs);
        assert_int_equal(add_sas(), 0);
        c = &sas.sas[sas.n - 1].children[0];
        assert_int_equal(c->state, s);
        assert_int_equal(vici_child_is_up(c),
                         str_eq(name, "INSTALLED") || str_eq(name, "UPDATING") || str_eq(name, "REKEYING"));
    }
}

static void test_an_unknown_state_is_not_up(void **state)
{
    (void)state;
    put_sa("a", "uniqueid=1 version=2 state=ESTABLISHED_MAYBE", "name=a uniqueid=1 state=installed");
    assert_int_equal(add_sas(), 0);
    assert_int_equal(sas.sas[0].state, VICI_IKE_OTHER);
    assert_false(vici_ike_is_up(&sas.sas[0]));
    assert_int_equal(sas.sas[0].children[0].state, VICI_CHILD_OTHER);
    assert_false(vici_child_is_up(&sas.sas[0].children[0]));
}

static void test_what_does_not_parse_is_refused(void **state)
{
    static const struct {
        const char *ike, *child;
    } mistakes[] = {
        {"uniqueid=x version=2 state=ESTABLISHED", CHILD},
        {"uniqueid=4294967296 version=2 state=ESTABLISHED", CHILD},
        {"uniqueid=-1 version=2 state=ESTABLISHED", CHILD},
        {"version=2 state=ESTABLISHED", CHILD},
        {"uniqueid=1 state=ESTABLISHED", CHILD},
        {"uniqueid=1 version=3 state=ESTABLISHED", CHILD},
        {IKE " local-host=aws.example", CHILD},
        {IKE " remote-host=", CHILD},
        {IKE " remote-port=65536", CHILD},
        {IKE " established=soon", CHILD},
        {IKE, "uniqueid=9 state=INSTALLED"},
        {IKE, "name=aws-1 state=INSTALLED"},
        {IKE, CHILD " packets-in=1e3"},
        {IKE, CHILD " bytes-in=18446744073709551616"},
        {IKE, CHILD " bytes-in="},
        {IKE, CHILD " spi-in=0x1234"},
        {IKE, CHILD " spi-out=12345678123456781"},
    };

    (void)state;
    put_sa("aws-1", IKE, CHILD);
    assert_int_equal(add_sas(), 0);
    for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
        strbuf_reset(&message);
        put_sa("fine", IKE, CHILD); /* all of a message or nothing */
        put_sa("aws-2", mistakes[i].ike, mistakes[i].child);
        if (add_sas() != -EBADMSG)
            fail_msg("%s / %s passed", mistakes[i].ike, mistakes[i].child);
        assert_int_equal(sas.n, 1);
    }
    assert_string_equal(sas.sas[0].name, "aws-1"); /* what was there is untouched */
    assert_int_equal(sas.sas[0].n_children, 1);
}

static void test_a_name_is_never_cut(void **state)
{
    char name[VICI_SA_NAME_MAX + 1];

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[VICI_SA_NAME_MAX] = '\0';
    put_sa(name, IKE, CHILD);
    assert_int_equal(add_sas(), -EBADMSG);
    name[VICI_SA_NAME_MAX - 1] = '\0';
    strbuf_reset(&message);
    put_sa(name, IKE, CHILD);
    assert_int_equal(add_sas(), 0);
    assert_string_equal(sas.sas[0].name, name);
    strbuf_reset(&message);
    put_sa("", IKE, CHILD);
    assert_int_equal(add_sas(), -EBADMSG);
}

static void test_every_cut_is_refused(void **state)
{
    (void)state;
    put_sa("aws-1", IKE, CHILD);
    for (size_t len = 1; len < message.len; len++)
        assert_int_equal(vici_sas_add(&sas, rd_of(message.data, len)), -EBADMSG);
    assert_int_equal(sas.n, 0);
}

static void test_child_sas_are_bounded(void **state)
{
    (void)state;
    for (unsigned more = 0; more < 2; more++) {
        strbuf_reset(&message);
        vici_put_section(&message, "aws-1");
        put_pairs(IKE);
        vici_put_section(&message, "child-sas");
        for (unsigned i = 0; i < VICI_CHILD_SAS_MAX + more; i++)
            put_child("aws-1-9", CHILD);
        vici_put_section_end(&message);
        vici_put_section_end(&message);
        assert_int_equal(add_sas(), more ? -ENOSPC : 0);
    }
    assert_int_equal(sas.n, 1);
    assert_int_equal(sas.sas[0].n_children, VICI_CHILD_SAS_MAX);
}

static void test_ike_sas_are_bounded(void **state)
{
    (void)state;
    put_sa("aws-1", IKE, CHILD);
    for (unsigned i = 0; i < VICI_IKE_SAS_MAX; i++)
        assert_int_equal(add_sas(), 0);
    assert_int_equal(add_sas(), -ENOSPC);
    assert_int_equal(sas.n, VICI_IKE_SAS_MAX);
    assert_int_equal(sas.sas[VICI_IKE_SAS_MAX - 1].children[0].unique_id, 9);
}

static void put_conn(const char *name, const char *version, const char *const *remotes, size_t n)
{
    static const char *const local[] = {"198.51.100.2"};

    vici_put_section(&message, name);
    put_list("local_addrs", local, 1);
    put_list("remote_addrs", remotes, n);
    vici_put_value(&message, "version", version);
    put_pairs("reauth_time=0 rekey_time=14400 unique=UNIQUE_NO dpd_delay=10");
    vici_put_section(&message, "local-1");
    put_pairs("id=198.51.100.2 version=IKEv9");
    vici_put_section_end(&message);
    vici_put_section(&message, "children");
    for (int i = 1; i <= 2; i++) {
        vici_put_section(&message, i == 1 ? "net" : "host");
        put_pairs("mode=TUNNEL rekey_time=3600 dpd_action=none");
        put_list("local-ts", local, 1);
        vici_put_section_end(&message);
    }
    vici_put_section_end(&message);
    vici_put_section_end(&message);
}

static void test_a_connection(void **state)
{
    static const char *const remotes[] = {"203.0.113.10", "aws.example.net", "203.0.113.0/24"};
    const struct vici_conn *c;

    (void)state;
    put_conn("aws-1", "IKEv2", remotes, ARRAY_LEN(remotes));
    assert_int_equal(add_conns(), 0);
    assert_int_equal(conns.n, 1);
    c = &conns.conns[0];
    assert_string_equal(c->name, "aws-1");
    assert_int_equal(c->version, 2);
    assert_int_equal(c->n_remote_addrs, 3);
    assert_string_equal(c->remote_addrs[0], "203.0.113.10");
    assert_string_equal(c->remote_addrs[2], "203.0.113.0/24");
    assert_int_equal(c->n_children, 2);
    assert_string_equal(c->children[0], "net");
    assert_string_equal(c->children[1], "host");
}

static void test_versions_of_a_connection(void **state)
{
    (void)state;
    put_conn("both", "IKEv1/2", NULL, 0);
    put_conn("one", "IKEv1", NULL, 0);
    assert_int_equal(add_conns(), 0);
    assert_int_equal(conns.n, 2);
    assert_int_equal(conns.conns[0].version, 0);
    assert_int_equal(conns.conns[0].n_remote_addrs, 0);
    assert_int_equal(conns.conns[1].version, 1);
    strbuf_reset(&message);
    put_conn("fine", "IKEv2", NULL, 0);
    put_conn("odd", "IKEv3", NULL, 0);
    assert_int_equal(add_conns(), -EBADMSG);
    assert_int_equal(conns.n, 2);
}

static void test_what_a_connection_has_too_much_is_left_out(void **state)
{
    static char long_name[ADDR_TEXT_MAX + 1];
    const char *remotes[VICI_CONN_ADDRS_MAX + 2];

    (void)state;
    memset(long_name, 'n', sizeof(long_name) - 1);
    remotes[0] = long_name;
    for (size_t i = 1; i < ARRAY_LEN(remotes); i++)
        remotes[i] = "203.0.113.10";
    put_conn("aws-1", "IKEv2", remotes, ARRAY_LEN(remotes));
    vici_put_section(&message, "aws-2");
    vici_put_section(&message, "children");
    for (size_t i = 0; i < VICI_CONN_CHILDREN_MAX + 1; i++) {
        vici_put_section(&message, "c");
        vici_put_section_end(&message);
    }
    vici_put_section_end(&message);
    vici_put_section_end(&message);
    assert_int_equal(add_conns(), 0);
    assert_int_equal(conns.conns[0].n_remote_addrs, VICI_CONN_ADDRS_MAX);
    assert_string_equal(conns.conns[0].remote_addrs[0], "203.0.113.10");
    assert_int_equal(conns.conns[1].n_children, VICI_CONN_CHILDREN_MAX);
}

static void test_connections_are_bounded(void **state)
{
    (void)state;
    put_conn("aws-1", "IKEv2", NULL, 0);
    for (unsigned i = 0; i < VICI_CONNS_MAX; i++)
        assert_int_equal(add_conns(), 0);
    assert_int_equal(add_conns(), -ENOSPC);
    assert_int_equal(conns.n, VICI_CONNS_MAX);
}

static void test_done_leaves_them_empty(void **state)
{
    (void)state;
    put_sa("aws-1", IKE, CHILD);
    assert_int_equal(add_sas(), 0);
    vici_sas_done(&sas);
    assert_int_equal(sas.n, 0);
    vici_sas_done(&sas);
    assert_int_equal(add_sas(), 0); /* and ready for the next answer */
    assert_int_equal(sas.n, 1);
    assert_int_equal(vici_sas_add(&sas, rd_of(NULL, 0)), 0); /* an empty event says nothing */
    assert_int_equal(sas.n, 1);
}

#define sas_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        sas_test(test_an_established_sa),
        sas_test(test_a_connecting_sa),
        sas_test(test_other_tasks_are_not_active_ones),
        sas_test(test_unknown_content_is_skipped),
        sas_test(test_states),
        sas_test(test_an_unknown_state_is_not_up),
        sas_test(test_what_does_not_parse_is_refused),
        sas_test(test_a_name_is_never_cut),
        sas_test(test_every_cut_is_refused),
        sas_test(test_child_sas_are_bounded),
        sas_test(test_ike_sas_are_bounded),
        sas_test(test_a_connection),
        sas_test(test_versions_of_a_connection),
        sas_test(test_what_a_connection_has_too_much_is_left_out),
        sas_test(test_connections_are_bounded),
        sas_test(test_done_leaves_them_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
