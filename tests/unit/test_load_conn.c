/* load-conn: what an ordinary swanctl.conf says is read, what the engine lacks is refused by name. */
#include "engine/control/load_conn.h"

#include "base/array.h"
#include "base/str.h"
#include "clients/vici/message.h"
#include "engine/crypto/sign.h"
#include "engine/ike/proposals.h"
#include "tests/unit/pki.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static char error[LOAD_CONN_ERROR_MAX];

/* Builds from the text of a swanctl.conf: "name {", "key = value", "key = [a, b]", "}", a line each or ";" between. */
static void build_line(struct strbuf *b, char *line)
{
    char *value = strstr(line, " = "), *item;

    line += strspn(line, " ");
    if (strcmp(line, "}") == 0) {
        vici_put_section_end(b);
    } else if (value && value[3] == '[') {
        value[0] = value[strlen(value) - 1] = '\0';
        vici_put_list(b, line);
        for (value += 4; (item = strsep(&value, ","));)
            if (*item != '\0')
                vici_put_list_item(b, item + strspn(item, " "));
        vici_put_list_end(b);
    } else if (value) {
        *value = '\0';
        vici_put_value(b, line, value + 3);
    } else if (*line != '\0') {
        line[strlen(line) - (line[1] == '\0' ? 1 : 2)] = '\0'; /* " {", or "{" without a name */
        vici_put_section(b, line);
    }
}

static void build(struct strbuf *b, const char *text)
{
    char copy[8192], *rest = copy, *line;

    assert_true(str_copy(copy, sizeof(copy), text));
    while ((line = strsep(&rest, ";")))
        build_line(b, line);
}

static int read_text(const char *text, bool legacy, struct ike_conf **ret)
{
    cleanup(strbuf_done) struct strbuf b;

    strbuf_init(&b, VICI_MESSAGE_MAX);
    build(&b, text);
    assert_false(b.bad);
    error[0] = '\0';
    return load_conn_read(rd_of(b.data, b.len), legacy, ret, error, sizeof(error));
}

static struct ike_conf *of(const char *text)
{
    struct ike_conf *c = NULL;

    if (read_text(text, false, &c) != 0)
        fail_msg("%s", error);
    return c;
}

static struct ike_conf *of_conn(const char *inside)
{
    char text[4096];

    assert_true(str_format(text, sizeof(text), "aws-1 {;%s;}", inside));
    return of(text);
}

static struct ike_conf *of_child(const char *inside)
{
    char text[4096];

    assert_true(str_format(text, sizeof(text), "aws-1 {;children {;net {;%s;};};}", inside));
    return of(text);
}

static void test_reads_a_tunnel_of_aws(void **state)
{
    cleanup(ike_conf_unrefp) struct ike_conf *c =
        of("aws-1 {;version = 2;local_addrs = [192.0.2.1];remote_addrs = [203.0.113.10];"
           "proposals = [aes128gcm16-prfsha256-ecp256, aes128-sha256-modp2048];encap = yes;mobike = no;"
           "dpd_delay = 10s;dpd_timeout = 30;keyingtries = 0;rekey_time = 28000s;unique = replace;"
           "local {;auth = psk;id = 192.0.2.1;};remote {;auth = psk;id = 203.0.113.10;};"
           "children {;net {;local_ts = [0.0.0.0/0];remote_ts = [0.0.0.0/0, 10.0.0.0/8[tcp/80]];"
           "esp_proposals = [aes128gcm16-ecp256];start_action = trap|start;dpd_action = restart;close_action = start;"
           "rekey_time = 3000s;rekey_bytes = 1g;replay_window = 100;inside_addrs = 169.254.10.2/30;"
           "networks = 10.0.0.0/16, 10.1.0.0/16;mtu = 1400;};};}");
    char id[IDENTITY_TEXT_MAX], addr[ADDR_TEXT_MAX], ts[SELECTOR_TEXT_MAX];
    const struct child_conf *child = ike_conf_child(c, "net");

    (void)state;
    assert_string_equal(c->name, "aws-1");
    assert_int_equal(c->n_remote_addrs, 1);
    assert_string_equal(addr_text(&c->remote_addrs[0].addr, addr), "203.0.113.10");
    assert_int_equal(c->remote_addrs[0].bits, 32);
    assert_int_equal(c->proposals.n, 2);
    assert_string_equal(proposals_first_dh(&c->proposals)->keyword, "ecp256");
    assert_true(c->encap && !c->mobike);
    assert_int_equal(c->dpd_delay, 10 * USEC_PER_SEC);
    assert_int_equal(c->dpd_timeout, 30 * USEC_PER_SEC);
    assert_int_equal(c->keyingtries, 0);
    assert_int_equal(c->unique, CONF_UNIQUE_REPLACE);
    assert_int_equal(c->rekey_time, 28000 * USEC_PER_SEC);
    assert_int_equal(c->over_time, 2800 * USEC_PER_SEC);
    assert_int_equal(c->rand_time, 2800 * USEC_PER_SEC);
    assert_int_equal(c->local.auth, CONF_AUTH_PSK);
    assert_string_equal(identity_text(&c->remote.id, id), "203.0.113.10");

    assert_non_null(child);
    assert_int_equal(child->remote_ts.n, 2);
    assert_string_equal(selector_conf_text(&child->remote_ts.s[1], ts), "10.0.0.0/8[tcp/80]");
    assert_int_equal(child->start_action, CONF_ACTION_TRAP | CONF_ACTION_START);
    assert_int_equal(child->dpd_action, CONF_ACTION_START);
    assert_int_equal(child->close_action, CONF_ACTION_START);
    assert_int_equal(child->time.rekey, 3000 * USEC_PER_SEC);
    assert_int_equal(child->time.life, 3300 * USEC_PER_SEC);
    assert_int_equal(child->time.random, 300 * USEC_PER_SEC);
    assert_int_equal(child->bytes.rekey, UINT64_C(1) << 30);
    assert_int_equal(child->packets.rekey, 0);
    assert_int_equal(child->replay_window, 128);
    assert_int_equal(child->n_inside, 1);
    assert_int_equal(child->inside[0].bits, 30);
    assert_int_equal(child->n_networks, 2);
    assert_string_equal(addr_text(&child->networks[1].addr, addr), "10.1.0.0");
    assert_int_equal(child->mtu, 1400);
}

static void assert_same_proposals(const struct proposals *a, const struct proposals *b)
{
    char text_a[PROPOSALS_TEXT_MAX], text_b[PROPOSALS_TEXT_MAX];

    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++)
        assert_string_equal(proposal_text(&a->p[i], text_a), proposal_text(&b->p[i], text_b));
}

static void test_what_is_not_given_has_the_defaults(void **state)
{
    cleanup(ike_conf_unrefp) struct ike_conf *c = of("a {;children {;b {;};};}"), *usual = ike_conf_new();
    const struct child_conf *b = ike_conf_child(c, "b");
    struct child_conf *child = NULL;

    (void)state;
    assert_int_equal(ike_conf_add_child(usual, &child), 0);
    assert_int_equal(c->rekey_time, usual->rekey_time);
    assert_int_equal(c->reauth_time, 0);
    assert_int_equal(c->over_time, usual->over_time);
    assert_int_equal(c->rand_time, usual->rand_time);
    assert_same_proposals(&c->proposals, &usual->proposals);
    assert_same_proposals(&b->proposals, &child->proposals);
    assert_memory_equal(&b->time, &child->time, sizeof(b->time));
    assert_memory_equal(&b->bytes, &child->bytes, sizeof(b->bytes));
    assert_memory_equal(&b->packets, &child->packets, sizeof(b->packets));
    assert_true(b->remote_ts.n == 1 && b->remote_ts.s[0].dynamic);
    assert_int_equal(c->remote.id.type, ID_ANY);
}

/* Soft, hard and random times follow from each other. */
static void test_lifetimes_follow_from_each_other(void **state)
{
    static const struct {
        const char *text;
        unsigned rekey, life, random; /* seconds */
    } rows[] = {
        {"rekey_time = 1000", 1000, 1100, 100},
        {"life_time = 1100", 1000, 1100, 100},
        {"rekey_time = 1000;life_time = 1300", 1000, 1300, 300},
        {"rekey_time = 1000;life_time = 2000", 1000, 2000, 500}, /* never at once */
        {"rekey_time = 1000;rand_time = 0", 1000, 1100, 0},
        {"rekey_time = 2h;rand_time = 10m", 7200, 7920, 600},
        {"rekey_time = 0", 0, 0, 0},
        {"rekey_time = 0;life_time = 1h", 0, 3600, 0},
        {"rekey_time = 1d", 86400, 95040, 8640},
        {"rekey_time = 1 h", 3600, 3960, 360},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cleanup(ike_conf_unrefp) struct ike_conf *c = of_child(rows[i].text);

        assert_int_equal(c->children[0].time.rekey, rows[i].rekey * USEC_PER_SEC);
        assert_int_equal(c->children[0].time.life, rows[i].life * USEC_PER_SEC);
        assert_int_equal(c->children[0].time.random, rows[i].random * USEC_PER_SEC);
    }
}

static void test_ike_times_follow_from_each_other(void **state)
{
    static const struct {
        const char *text;
        unsigned rekey, reauth, over, random; /* seconds */
    } rows[] = {
        {"rekey_time = 1000", 1000, 0, 100, 100},
        {"reauth_time = 1000", 0, 1000, 100, 100},
        {"rekey_time = 1000;reauth_time = 4000", 1000, 4000, 400, 400},
        {"rekey_time = 1000;reauth_time = 40000", 1000, 40000, 4000, 500},
        {"rekey_time = 1000;over_time = 300", 1000, 0, 300, 300},
        {"rekey_time = 1000;over_time = 300;rand_time = 0", 1000, 0, 300, 0},
        {"rekey_time = 0", 0, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cleanup(ike_conf_unrefp) struct ike_conf *c = of_conn(rows[i].text);

        assert_int_equal(c->rekey_time, rows[i].rekey * USEC_PER_SEC);
        assert_int_equal(c->reauth_time, rows[i].reauth * USEC_PER_SEC);
        assert_int_equal(c->over_time, rows[i].over * USEC_PER_SEC);
        assert_int_equal(c->rand_time, rows[i].random * USEC_PER_SEC);
    }
}

static void test_volumes_follow_too(void **state)
{
    cleanup(ike_conf_unrefp) struct ike_conf *c =
        of_child("rekey_bytes = 10 m;rekey_packets = 1000;life_packets = 1200;rand_packets = 5");
    const struct child_conf *child = &c->children[0];

    (void)state;
    assert_int_equal(child->bytes.rekey, 10 << 20);
    assert_int_equal(child->bytes.life, 11 << 20);
    assert_int_equal(child->bytes.random, 1 << 20);
    assert_int_equal(child->packets.rekey, 1000);
    assert_int_equal(child->packets.life, 1200);
    assert_int_equal(child->packets.random, 5);
}

static void test_actions_have_aliases(void **state)
{
    static const struct {
        const char *word;
        unsigned bits;
    } rows[] = {
        {"none", 0},
        {"clear", 0},
        {"trap", CONF_ACTION_TRAP},
        {"route", CONF_ACTION_TRAP},
        {"hold", CONF_ACTION_TRAP},
        {"start", CONF_ACTION_START},
        {"restart", CONF_ACTION_START},
        {"Start", CONF_ACTION_START},
        {"start|trap", CONF_ACTION_START | CONF_ACTION_TRAP},
    };
    char text[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cleanup(ike_conf_unrefp) struct ike_conf *c = NULL;

        assert_true(str_format(text, sizeof(text), "close_action = %s", rows[i].word));
        c = of_child(text);
        assert_int_equal(c->children[0].close_action, rows[i].bits);
    }
}

static void test_reads_how_to_authenticate(void **state)
{
    static const struct {
        const char *word;
        enum conf_auth auth;
        unsigned keys, key_bits, hashes;
    } rows[] = {
        {"psk", CONF_AUTH_PSK, 0, 0, 0},
        {"PSK", CONF_AUTH_PSK, 0, 0, 0},
        {"pubkey", CONF_AUTH_PUBKEY, 0, 0, 0},
        {"pubkey-sha256", CONF_AUTH_PUBKEY, 0, 0, SIGN_HASH(2)},
        {"ike:pubkey-sha384-sha256", CONF_AUTH_PUBKEY, 0, 0, SIGN_HASH(2) | SIGN_HASH(3)},
        {"rsa", CONF_AUTH_PUBKEY, CONF_KEY(PKEY_RSA), 0, 0},
        {"rsa-sha256", CONF_AUTH_PUBKEY, CONF_KEY(PKEY_RSA), 0, SIGN_HASH(2)},
        {"rsa-3072-sha512", CONF_AUTH_PUBKEY, CONF_KEY(PKEY_RSA), 3072, SIGN_HASH(4)},
        {"ike:ecdsa-384", CONF_AUTH_PUBKEY, CONF_KEY(PKEY_ECDSA), 384, 0},
        {"ed25519-identity", CONF_AUTH_PUBKEY, CONF_KEY(PKEY_ED25519), 0, SIGN_HASH(5)},
    };
    char text[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cleanup(ike_conf_unrefp) struct ike_conf *c = NULL;

        assert_true(str_format(text, sizeof(text), "local-x {;auth = %s;round = 1;}", rows[i].word));
        c = of_conn(text);
        assert_int_equal(c->local.auth, rows[i].auth);
        assert_int_equal(c->local.keys, rows[i].keys);
        assert_int_equal(c->local.key_bits, rows[i].key_bits);
        assert_int_equal(c->local.hashes, rows[i].hashes);
    }
}

static void test_reads_outside_addresses(void **state)
{
    cleanup(ike_conf_unrefp) struct ike_conf *c =
        of_conn("local_addrs = [%any];remote_addrs = [203.0.113.10, 198.51.100.0/24, 2001:db8::/32, %any6, 0.0.0.0];"
                "local_port = 0;remote_port = 4500");

    (void)state;
    assert_int_equal(c->n_local_addrs, 1);
    assert_false(addr_is_set(&c->local_addrs[0].addr));
    assert_int_equal(c->n_remote_addrs, 5);
    assert_int_equal(c->remote_addrs[1].bits, 24);
    assert_int_equal(c->remote_addrs[2].bits, 32);
    assert_int_equal(addr_family(&c->remote_addrs[3].addr), AF_INET6);
    assert_int_equal(c->remote_addrs[3].bits, 0);
    assert_int_equal(addr_family(&c->remote_addrs[4].addr), AF_INET);
    assert_int_equal(c->remote_addrs[4].bits, 0);
    assert_int_equal(c->local_port, 500);
    assert_int_equal(c->remote_port, 4500);
}

static void test_reads_certificates(void **state)
{
    cleanup(pki_freep) struct pki_party *ca = pki_make(&(struct pki_spec){.cn = "CA", .ca = true, .until = 4102444800});
    cleanup(pki_freep) struct pki_party *end =
        pki_make(&(struct pki_spec){.cn = "gw", .issuer = ca, .until = 4102444800});
    struct pki_party *const parties[] = {end, ca};
    cleanup(ike_conf_unrefp) struct ike_conf *c = NULL;
    const char *const lists[] = {"certs", "cacerts"};

    (void)state;
    for (size_t wrong = 0; wrong < 2; wrong++) {
        cleanup(strbuf_done) struct strbuf b;

        strbuf_init(&b, VICI_MESSAGE_MAX);
        vici_put_section(&b, "a");
        vici_put_section(&b, "remote");
        for (size_t i = 0; i < 2; i++) {
            size_t len;
            const uint8_t *der = cert_der(pki_cert(wrong ? end : parties[i]), &len);
            uint8_t head[3] = {VICI_LIST_ITEM, (uint8_t)(len >> 8), (uint8_t)len};

            vici_put_list(&b, lists[i]);
            strbuf_add(&b, head, sizeof(head));
            strbuf_add(&b, der, len);
            vici_put_list_end(&b);
        }
        vici_put_section_end(&b);
        vici_put_section_end(&b);
        assert_int_equal(load_conn_read(rd_of(b.data, b.len), false, &c, error, sizeof(error)), wrong ? -EINVAL : 0);
    }
    assert_string_equal(error, "connection 'a', remote: 'cacerts' is not valid: a certificate is none of a CA");
    assert_int_equal(c->remote.n_certs, 1);
    assert_int_equal(c->remote.n_cas, 1);
    assert_true(cert_equal(c->remote.certs[0], pki_cert(end)));
    assert_true(cert_equal(c->remote.cas[0], pki_cert(ca)));
}

static void test_reads_the_rest_of_a_connection(void **state)
{
    cleanup(ike_conf_unrefp) struct ike_conf *c =
        of_conn("fragmentation = force;childless = never;send_cert = always;send_certreq = no;ppk_id = ppk@example.com;"
                "ppk_required = yes;keyingtries = %forever;unique = never;"
                "remote {;auth = pubkey;id = C=CH, O=Example, CN=*;revocation = strict;}");
    char id[IDENTITY_TEXT_MAX];

    (void)state;
    assert_int_equal(c->fragmentation, CONF_FRAGMENTATION_FORCE);
    assert_int_equal(c->childless, CONF_CHILDLESS_NEVER);
    assert_int_equal(c->send_cert, CONF_SEND_CERT_ALWAYS);
    assert_false(c->send_certreq);
    assert_true(c->has_ppk && c->ppk_required);
    assert_string_equal(identity_text(&c->ppk_id, id), "ppk@example.com");
    assert_int_equal(c->keyingtries, 0);
    assert_int_equal(c->unique, CONF_UNIQUE_NEVER);
    assert_string_equal(identity_text(&c->remote.id, id), "C=CH, O=Example, CN=*");
    assert_int_equal(c->remote.revocation, TRUST_REVOCATION_STRICT);
}

/* swanctl.conf(5)'s own defaults for what the engine lacks, and other values that ask for nothing. */
static void test_harmless_values_are_taken(void **state)
{
    cleanup(ike_conf_unrefp) struct ike_conf *c = of_conn(
        "version = 0;aggressive = no;pull = yes;dscp = 000000;if_id_in = 0;if_id_out = 0;mediation = no;mediated_by = ;"
        "vips = [];pools = [];remote {;round = 0;groups = [];};"
        "children {;a {;mode = tunnel;policies = yes;policies_fwd_out = no;ipcomp = no;priority = 0;"
        "mark_in = 0/0x00000000;mark_out = 0;set_mark_in = 0;set_mark_out = 0;mark_in_sa = no;if_id_in = 0;"
        "label_mode = system;tfc_padding = 0;hw_offload = auto;copy_df = yes;copy_ecn = no;copy_dscp = out;"
        "sha256_96 = no;hostaccess = no;updown = ;ah_proposals = [];};}");

    (void)state;
    assert_false(c->children[0].copy_ecn);
}

/* A policy that is half obeyed is worse than none. */
static void test_what_the_engine_lacks_is_refused_by_name(void **state)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"local_port = 1500", "connection 'c': 'local_port = 1500' is not supported by this engine: the engine has the "
                              "ports 500 and 4500 alone"},
        {"version = 1", "connection 'c': 'version = 1' is not supported by this engine"},
        {"aggressive = yes", "connection 'c': 'aggressive = yes' is not supported by this engine"},
        {"vips = [0.0.0.0]", "connection 'c': 'vips = 0.0.0.0' is not supported by this engine"},
        {"pools = [p]", "connection 'c': 'pools = p' is not supported by this engine"},
        {"if_id_in = 5", "connection 'c': 'if_id_in = 5' is not supported by this engine"},
        {"mediation = yes", "connection 'c': 'mediation = yes' is not supported by this engine"},
        {"remote_addrs = [gw.example.com]",
         "connection 'c': 'remote_addrs = gw.example.com' is not supported by this engine: it takes addresses and "
         "networks, no names and no ranges"},
        {"local_addrs = [10.0.0.1-10.0.0.9]",
         "connection 'c': 'local_addrs = 10.0.0.1-10.0.0.9' is not supported by this engine: it takes addresses and "
         "networks, no names and no ranges"},
        {"local {;auth = eap-tls;}", "connection 'c', local: 'auth = eap-tls' is not supported by this engine"},
        {"remote {;auth = xauth;}", "connection 'c', remote: 'auth = xauth' is not supported by this engine"},
        {"remote {;auth = rsa/pss-sha256;}",
         "connection 'c', remote: 'auth = rsa/pss-sha256' is not supported by this engine"},
        {"remote {;auth = rsa-sha256-ecdsa-sha384;}",
         "connection 'c', remote: 'auth = rsa-sha256-ecdsa-sha384' is not supported by this engine"},
        {"remote {;auth = pubkey-sha1;}",
         "connection 'c', remote: 'auth = pubkey-sha1' is not supported by this engine"},
        {"remote {;eap_id = %any;}", "connection 'c', remote: 'eap_id = %any' is not supported by this engine"},
        {"remote {;ca_id = CN=x;}", "connection 'c', remote: 'ca_id = CN=x' is not supported by this engine"},
        {"remote {;id = 10.0.0.0/8;}", "connection 'c', remote: 'id = 10.0.0.0/8' is not supported by this engine"},
        {"remote {;groups = [a];}", "connection 'c', remote: 'groups = a' is not supported by this engine"},
        {"remote {;cacert1 {;file = /etc/x.pem;};}",
         "connection 'c', remote: section 'cacert1' is not supported by this engine: it takes the certificates of "
         "'cacerts'"},
        {"local-1 {;};local-2 {;}",
         "connection 'c': several rounds of authentication (local) are not supported by this engine"},
        {"children {;n {;mark_in = 42;};}",
         "connection 'c', child 'n': 'mark_in = 42' is not supported by this engine"},
        {"children {;n {;mode = transport;};}",
         "connection 'c', child 'n': 'mode = transport' is not supported by this engine"},
        {"children {;n {;ah_proposals = [sha256];};}",
         "connection 'c', child 'n': 'ah_proposals = sha256' is not supported by this engine"},
        {"children {;n {;updown = /bin/true;};}",
         "connection 'c', child 'n': 'updown = /bin/true' is not supported by this engine"},
        {"children {;n {;tfc_padding = mtu;};}",
         "connection 'c', child 'n': 'tfc_padding = mtu' is not supported by this engine"},
        {"children {;n {;policies = no;};}",
         "connection 'c', child 'n': 'policies = no' is not supported by this engine"},
        {"children {;n {;ipcomp = yes;};}",
         "connection 'c', child 'n': 'ipcomp = yes' is not supported by this engine"},
        {"children {;n {;replay_window = 4097;};}",
         "connection 'c', child 'n': 'replay_window = 4097' is not supported by this engine: the engine has 4096 at "
         "most"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ike_conf *c = NULL;
        char text[512];

        assert_true(str_format(text, sizeof(text), "c {;%s;}", rows[i].text));
        assert_int_equal(read_text(text, false, &c), -ENOTSUP);
        assert_string_equal(error, rows[i].error);
        assert_null(c);
    }
}

static void test_mistakes_are_named(void **state)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"c {;dpd_dely = 10;}", "connection 'c': unknown option 'dpd_dely'"},
        {"c {;esp_proposals = [aes128gcm16];}", "connection 'c': unknown option 'esp_proposals'"},
        {"c {;local {;cacerts = [x];};}", "connection 'c', local: unknown option 'cacerts'"},
        {"c {;children {;n {;x = 1;};};}", "connection 'c', child 'n': unknown option 'x'"},
        {"c {;children {;x = 1;};}", "connection 'c': unknown option 'x' in 'children'"},
        {"c {;other {;};}", "connection 'c': unknown section 'other'"},
        {"c {;children {;n {;s {;};};};}", "connection 'c', child 'n': unknown section 's'"},
        {"c {;remote {;s {;};};}", "connection 'c', remote: unknown section 's'"},
        {"c {;encap = yes;encap = no;}", "connection 'c': 'encap' is given twice"},
        {"c {;children {;n {;};n {;};};}", "connection 'c': child 'n' is given twice"},
        {"c {;children {;};children {;};}", "connection 'c': section 'children' is given twice"},
        {"c {;encap = [yes];}", "connection 'c': 'encap' is not a list"},
        {"c {;encap = maybe;}", "connection 'c': 'encap = maybe' is not valid"},
        {"c {;dpd_delay = 10x;}", "connection 'c': 'dpd_delay = 10x' is not valid"},
        {"c {;dpd_delay = 10sm;}", "connection 'c': 'dpd_delay = 10sm' is not valid"},
        {"c {;dpd_delay = -1;}", "connection 'c': 'dpd_delay = -1' is not valid"},
        {"c {;dpd_delay = 99999999d;}", "connection 'c': 'dpd_delay = 99999999d' is not valid"},
        {"c {;fragmentation = a\nb;}", "connection 'c': 'fragmentation' is not valid"},
        {"c {;proposals = [aes128\x1b-sha1];}", "connection 'c': 'proposals' is not valid"},
        {"c {;children {;n {;networks = 10.0.0.0/8\x7f;};};}", "connection 'c', child 'n': 'networks' is not valid"},
        {"c {;fragmentation = sometimes;}", "connection 'c': 'fragmentation = sometimes' is not valid"},
        {"c {;local_port = 4500;}", "connection 'c': 'local_port = 4500' needs a 'remote_port' other than 500"},
        {"c {;local_port = x;}", "connection 'c': 'local_port = x' is not valid"},
        {"c {;remote_port = 65536;}", "connection 'c': 'remote_port = 65536' is not valid"},
        {"c {;remote {;id = asn1dn:x;};}", "connection 'c', remote: 'id = asn1dn:x' is not valid"},
        {"c {;remote {;auth = pubkey-2048;};}", "connection 'c', remote: 'auth = pubkey-2048' is not valid"},
        {"c {;remote {;certs = x;};}", "connection 'c', remote: 'certs' must be a list"},
        {"c {;remote {;certs = [x];};}", "connection 'c', remote: 'certs' is not valid: a certificate cannot be read"},
        {"c {;proposals = [aes128-sha256-ecp256, aes129-sha256];}",
         "connection 'c': 'proposals = aes129-sha256' is not valid: 'aes129' is not an algorithm of this engine"},
        {"c {;proposals = [aes128-sha1-modp1024];}",
         "connection 'c': 'proposals = aes128-sha1-modp1024' is not valid: 'modp1024' is weak and needs allow-legacy"},
        {"c {;children {;n {;remote_ts = [10.0.0.0/33];};};}",
         "connection 'c', child 'n': 'remote_ts = 10.0.0.0/33' is not valid"},
        {"c {;children {;n {;start_action = go;};};}", "connection 'c', child 'n': 'start_action = go' is not valid"},
        {"c {;children {;n {;start_action = trap|;};};}",
         "connection 'c', child 'n': 'start_action = trap|' is not valid"},
        {"c {;children {;n {;rekey_bytes = 5t;};};}", "connection 'c', child 'n': 'rekey_bytes = 5t' is not valid"},
        {"c {;children {;n {;networks = 10.0.0.0/8, x;};};}", "connection 'c', child 'n': 'networks = x' is not valid"},
        {"c {;children {;n {;mtu = 100;};};}", "connection 'c', child 'n': 'mtu = 100' is not valid"},
        {"c {;};d {;}", "connection 'c': there is more than one connection in the request"},
        {"a = b", "there is no connection in the request"},
        {"", "there is no connection in the request"},
        {" {", "the request is not a message of VICI"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ike_conf *c = NULL;

        if (read_text(rows[i].text, false, &c) != (strstr(rows[i].error, "VICI") ? -EBADMSG : -EINVAL))
            fail_msg("%s: %s", rows[i].text, error);
        assert_string_equal(error, rows[i].error);
        assert_null(c);
    }
}

static void test_legacy_groups_are_taken_where_allowed(void **state)
{
    cleanup(ike_conf_unrefp) struct ike_conf *c = NULL;

    (void)state;
    assert_int_equal(read_text("c {;proposals = [aes128-sha1-modp1024];}", true, &c), 0);
    assert_string_equal(proposals_first_dh(&c->proposals)->keyword, "modp1024");
}

static void test_names_must_be_printable(void **state)
{
    static const char *const names[] = {"", "a\nb", "\x1b[31m", "\xff"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct ike_conf *c = NULL;
        char text[256];

        assert_true(str_format(text, sizeof(text), "%s {;}", names[i]));
        assert_int_equal(read_text(text, false, &c), -EINVAL);
        assert_string_equal(error, "the name of the connection is empty, too long or not printable");
        assert_true(str_format(text, sizeof(text), "c {;children {;%s {;};};}", names[i]));
        assert_int_equal(read_text(text, false, &c), -EINVAL);
        assert_string_equal(error, "connection 'c': the name of a child is empty, too long or not printable");
        assert_true(str_format(text, sizeof(text), "c {;k%s = 1;}", names[i]));
        assert_int_equal(read_text(text, false, &c), -EINVAL);
        assert_null(strchr(error, '\n'));
        assert_null(strchr(error, '\x1b'));
    }
}

static void test_everything_is_bounded(void **state)
{
    static const struct {
        const char *head, *item, *tail, *error;
        size_t max;
        int result;
    } rows[] = {
        {"c {;remote_addrs = [", "10.0.0.1,", "];}", "connection 'c': 'remote_addrs' has too many values",
         CONF_ADDRS_MAX, -ENOSPC},
        {"c {;proposals = [", "aes128-sha1-ecp256,", "];}",
         "connection 'c': 'proposals = aes128-sha1-ecp256' is not valid: there are too many proposals or algorithms in "
         "one",
         PROPOSALS_MAX, -ENOSPC},
        {"c {;children {;n {;local_ts = [", "10.0.0.1,", "];};};}",
         "connection 'c', child 'n': 'local_ts' has too many values", TS_MAX, -ENOSPC},
        {"c {;children {;n {;networks = [", "10.0.0.1,", "];};};}",
         "connection 'c', child 'n': 'networks' has too many values", CONF_NETWORKS_MAX, -ENOSPC},
        {"c {;children {;n {;inside_addrs = ", "10.0.0.1,", ";};};}",
         "connection 'c', child 'n': 'inside_addrs' has too many values", CONF_ADDRS_MAX, -ENOSPC},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t extra = 0; extra < 2; extra++) {
            cleanup(strbuf_done) struct strbuf text;
            cleanup(ike_conf_unrefp) struct ike_conf *c = NULL;

            strbuf_init(&text, 8000);
            strbuf_puts(&text, rows[i].head);
            for (size_t k = 0; k < rows[i].max + extra; k++)
                strbuf_puts(&text, rows[i].item);
            strbuf_puts(&text, rows[i].tail);
            assert_int_equal(read_text(strbuf_text(&text), false, &c), extra ? rows[i].result : 0);
            if (extra)
                assert_string_equal(error, rows[i].error);
        }
}

static void test_children_are_bounded(void **state)
{
    cleanup(strbuf_done) struct strbuf text;
    struct ike_conf *c = NULL;

    (void)state;
    strbuf_init(&text, 8000);
    strbuf_puts(&text, "c {;children {;");
    for (unsigned i = 0; i <= CONF_CHILDREN_MAX; i++)
        strbuf_printf(&text, "n%u {;};", i);
    strbuf_puts(&text, "};}");
    assert_int_equal(read_text(strbuf_text(&text), false, &c), -ENOSPC);
    assert_string_equal(error, "connection 'c': it has more than 32 children");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_a_tunnel_of_aws),
        cmocka_unit_test(test_what_is_not_given_has_the_defaults),
        cmocka_unit_test(test_lifetimes_follow_from_each_other),
        cmocka_unit_test(test_ike_times_follow_from_each_other),
        cmocka_unit_test(test_volumes_follow_too),
        cmocka_unit_test(test_actions_have_aliases),
        cmocka_unit_test(test_reads_how_to_authenticate),
        cmocka_unit_test(test_reads_outside_addresses),
        cmocka_unit_test(test_reads_certificates),
        cmocka_unit_test(test_reads_the_rest_of_a_connection),
        cmocka_unit_test(test_harmless_values_are_taken),
        cmocka_unit_test(test_what_the_engine_lacks_is_refused_by_name),
        cmocka_unit_test(test_mistakes_are_named),
        cmocka_unit_test(test_legacy_groups_are_taken_where_allowed),
        cmocka_unit_test(test_names_must_be_printable),
        cmocka_unit_test(test_everything_is_bounded),
        cmocka_unit_test(test_children_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
