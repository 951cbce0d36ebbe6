/* Identities: text and wire as charon has them, and what a pattern or a certificate lets through. */
#include "base/array.h"
#include "engine/ike/identity.h"
#include "tests/unit/pki.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct identity of(const char *text)
{
    struct identity id;

    if (identity_parse(text, &id) != 0)
        fail_msg("%s is no identity", text);
    return id;
}

static void test_reads_and_prints_text_as_charon(void **state)
{
    static const struct {
        const char *text;
        enum ike_id_type type;
        const char *printed; /* NULL where the same */
    } rows[] = {
        {"", ID_ANY, "%any"},
        {"%any", ID_ANY, NULL},
        {"%any6", ID_ANY, "%any"},
        {"*", ID_ANY, "%any"},
        {"0.0.0.0", ID_ANY, "%any"},
        {"::", ID_ANY, "%any"},
        {"192.0.2.1", ID_IPV4_ADDR, NULL},
        {"2001:db8:0::1", ID_IPV6_ADDR, "2001:db8::1"},
        {"gw.example.com", ID_FQDN, NULL},
        {"a-b.example.com", ID_FQDN, NULL},
        {"192.0.2", ID_FQDN, NULL},
        {"@gw.example.com", ID_FQDN, "gw.example.com"},
        {"@192.0.2.1", ID_FQDN, "192.0.2.1"},
        {"*.example.com", ID_FQDN, NULL},
        {"u@example.com", ID_RFC822_ADDR, NULL},
        {"@@u@example.com", ID_RFC822_ADDR, "u@example.com"},
        {"@#0a0B:ff", ID_KEY_ID, "0a:0b:ff"},
        {"@#6162", ID_KEY_ID, "ab"},
        {"a:b", ID_KEY_ID, NULL},
        {"keyid:some key", ID_KEY_ID, "some key"},
        {"KEYID:#00", ID_KEY_ID, "00"},
        {"keyid:01234567890123456789", ID_KEY_ID, "30:31:32:33:34:35:36:37:38:39:30:31:32:33:34:35:36:37:38:39"},
        {"fqdn:192.0.2.1", ID_FQDN, "192.0.2.1"},
        {"dns:a@b", ID_FQDN, "a@b"},
        {"email:x", ID_RFC822_ADDR, "x"},
        {"ipv4:192.0.2.1", ID_IPV4_ADDR, "192.0.2.1"},
        {"ipv6:#20010db8000000000000000000000001", ID_IPV6_ADDR, "2001:db8::1"},
        {"C=CH, O=Test, CN=x", ID_DER_ASN1_DN, NULL},
        {"/C=CH/O=A, B/CN=x y", ID_DER_ASN1_DN, "C=CH, O=A, B, CN=x y"},
        {"c = CH ,cn= x ", ID_DER_ASN1_DN, "C=CH, CN=x"},
        {"CN=a=b, emailAddress=u@example.com", ID_DER_ASN1_DN, "CN=a=b, E=u@example.com"},
        {"CN=*", ID_DER_ASN1_DN, NULL},
        {"O=M\xc3\xbcller", ID_DER_ASN1_DN, "O=M??ller"},
        {"asn1dn:#300c310a300806035504030c0178", ID_DER_ASN1_DN, "CN=x"},
        {"nobody=knows", ID_KEY_ID, NULL}, /* charon takes it for a key id */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct identity id = of(rows[i].text), again;
        char text[IDENTITY_TEXT_MAX];

        assert_int_equal(id.type, rows[i].type);
        assert_string_equal(identity_text(&id, text), rows[i].printed ? rows[i].printed : rows[i].text);
        if (id.type == ID_ANY)
            continue;
        assert_int_equal(identity_from_wire((uint8_t)id.type, id.data, id.len, &again), 0);
        assert_true(identity_equal(&id, &again));
    }
}

static void test_refuses_text_that_is_none(void **state)
{
    static const struct {
        const char *text;
        int r;
    } rows[] = {
        {"@#0", -EINVAL},
        {"@#xy", -EINVAL},
        {"@", -EINVAL},
        {"ipv4:a", -EINVAL},
        {"ipv6:1.2.3.4", -EINVAL},
        {"asn1dn:#3000ff", -EINVAL},
        {"asn1dn:x", -EINVAL},
        {"keyid:", -EINVAL},
        {"192.0.2.0/24", -ENOTSUP},
        {"2001:db8::/32", -ENOTSUP},
        {"192.0.2.1-192.0.2.9", -ENOTSUP},
    };
    char text[IDENTITY_MAX + 2];
    struct identity id;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(identity_parse(rows[i].text, &id), rows[i].r);
    memset(text, 'a', sizeof(text));
    text[IDENTITY_MAX + 1] = '\0';
    assert_int_equal(identity_parse(text, &id), -ENOBUFS);
    text[IDENTITY_MAX] = '\0';
    assert_int_equal(identity_parse(text, &id), 0);
}

/* "CN=x", encoded by hand. */
static const uint8_t cn_x[] = {0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x13, 0x01, 'x'};

static void test_the_wire(void **state)
{
    struct identity id = of("CN=x");
    uint8_t big[IDENTITY_MAX + 1] = {1};

    (void)state;
    assert_int_equal(id.len, sizeof(cn_x));
    assert_memory_equal(id.data, cn_x, sizeof(cn_x));
    assert_int_equal(identity_from_wire(0, "", 0, &id), -ENOTSUP);
    assert_int_equal(identity_from_wire(4, "12345678", 8, &id), -ENOTSUP);
    assert_int_equal(identity_from_wire(ID_IPV4_ADDR, "123", 3, &id), -EBADMSG);
    assert_int_equal(identity_from_wire(ID_IPV6_ADDR, "1234", 4, &id), -EBADMSG);
    assert_int_equal(identity_from_wire(ID_FQDN, "", 0, &id), -EBADMSG);
    assert_int_equal(identity_from_wire(ID_FQDN, "a.example\0.evil", 15, &id), -EBADMSG);
    assert_int_equal(identity_from_wire(ID_KEY_ID, big, sizeof(big), &id), -EBADMSG);
    for (size_t cut = 0; cut < sizeof(cn_x); cut++)
        assert_int_equal(identity_from_wire(ID_DER_ASN1_DN, cn_x, cut, &id), -EBADMSG);
    assert_memory_equal(id.data, cn_x, sizeof(cn_x)); /* untouched all the while */
}

static void test_matches_patterns(void **state)
{
    static const struct {
        const char *id, *pattern;
        unsigned match;
    } rows[] = {
        {"192.0.2.1", "%any", IDENTITY_MATCH_ANY},
        {"192.0.2.1", "192.0.2.1", IDENTITY_MATCH_PERFECT},
        {"192.0.2.1", "192.0.2.2", IDENTITY_MATCH_NONE},
        {"192.0.2.1", "@192.0.2.1", IDENTITY_MATCH_NONE},
        {"GW.example.com", "gw.EXAMPLE.com", IDENTITY_MATCH_PERFECT},
        {"gw.example.com", "*.example.com", IDENTITY_MATCH_WILDCARD},
        {"example.com", "*.example.com", IDENTITY_MATCH_NONE},
        {"gw.example.org", "*.example.com", IDENTITY_MATCH_NONE},
        {"gw.example.com", "gw.*", IDENTITY_MATCH_NONE},
        {"gw.example.com", "@*", IDENTITY_MATCH_ANY},
        {"u@example.com", "*@example.com", IDENTITY_MATCH_WILDCARD},
        {"u@example.com", "fqdn:*", IDENTITY_MATCH_NONE},
        {"*.example.com", "gw.example.com", IDENTITY_MATCH_NONE},
        {"%any", "gw.example.com", IDENTITY_MATCH_NONE},
        {"C=CH, CN=x", "C=CH, CN=x", IDENTITY_MATCH_PERFECT},
        {"C=CH, CN=x", "C=ch, CN=X", IDENTITY_MATCH_PERFECT},
        {"C=CH, CN=x", "C=CH, CN=*", IDENTITY_MATCH_WILDCARD},
        {"C=CH, CN=x", "C=*, CN=*", IDENTITY_MATCH_WILDCARD - 1},
        {"C=CH, CN=x", "CN=*, C=CH", IDENTITY_MATCH_NONE},
        {"C=CH, CN=x", "CN=*", IDENTITY_MATCH_NONE},
        {"C=CH, CN=*", "C=CH, CN=x", IDENTITY_MATCH_NONE},
        {"O=M\xc3\xbcller", "O=m\xc3\xbcller", IDENTITY_MATCH_NONE}, /* UTF-8 counts its case, as with charon */
        {"keyid:a", "keyid:A", IDENTITY_MATCH_NONE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct identity id = of(rows[i].id), pattern = of(rows[i].pattern);

        if (identity_match(&id, &pattern) != rows[i].match)
            fail_msg("%s with %s: %u", rows[i].id, rows[i].pattern, identity_match(&id, &pattern));
    }
}

static void test_knows_wildcards(void **state)
{
    static const char *const with[] = {"%any", "*.example.com", "@*", "C=CH, CN=*"};
    static const char *const without[] = {"192.0.2.1", "gw.example.com", "C=CH, CN=x*", "keyid:*"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(with); i++) {
        struct identity id = of(with[i]);

        assert_true(identity_has_wildcards(&id));
    }
    for (size_t i = 0; i < ARRAY_LEN(without); i++) {
        struct identity id = of(without[i]);

        assert_false(identity_has_wildcards(&id));
    }
}

static void test_what_a_certificate_says(void **state)
{
    static const struct {
        const char *id;
        bool in;
        unsigned match;
    } rows[] = {
        {"C=CH, O=Test, CN=leaf", true, IDENTITY_MATCH_PERFECT},
        {"C=CH, O=Test, CN=*", false, IDENTITY_MATCH_WILDCARD},
        {"C=CH, O=Test, CN=other", false, IDENTITY_MATCH_NONE},
        {"gw.example.com", true, IDENTITY_MATCH_PERFECT},
        {"*.example.com", false, IDENTITY_MATCH_WILDCARD}, /* not what the peer may call itself */
        {"192.0.2.7", true, IDENTITY_MATCH_PERFECT},
        {"2001:db8::7", true, IDENTITY_MATCH_PERFECT},
        {"192.0.2.8", false, IDENTITY_MATCH_NONE},
        {"u@example.com", true, IDENTITY_MATCH_PERFECT},
        {"leaf", false, IDENTITY_MATCH_NONE}, /* a CN is no FQDN */
        {"%any", false, IDENTITY_MATCH_ANY},
    };
    cleanup(pki_freep) struct pki_party *p = pki_make(&(struct pki_spec){
        .cn = "leaf",
        .sans = "DNS:gw.example.com, email:u@example.com, IP:192.0.2.7, IP:2001:db8::7",
        .from = 1700000000,
        .until = 1800000000,
    });
    struct identity id;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        id = of(rows[i].id);
        if (identity_in_cert(&id, pki_cert(p)) != rows[i].in || identity_match_cert(pki_cert(p), &id) != rows[i].match)
            fail_msg("%s", rows[i].id);
    }
    assert_int_equal(identity_from_wire(ID_KEY_ID, pkey_id(pki_key(p)), PKEY_ID_LEN, &id), 0);
    assert_true(identity_in_cert(&id, pki_cert(p)));
    assert_int_equal(identity_of_subject(pki_cert(p), &id), 0);
    assert_true(identity_in_cert(&id, pki_cert(p)));
}

static void test_a_star_in_a_certificate_is_no_wildcard(void **state)
{
    cleanup(pki_freep) struct pki_party *p =
        pki_make(&(struct pki_spec){.cn = "*", .sans = "DNS:*.example.com", .from = 1700000000, .until = 1800000000});
    struct identity dn = of("C=CH, O=Test, CN=victim"), name = of("gw.example.com");

    (void)state;
    assert_false(identity_in_cert(&dn, pki_cert(p)));
    assert_false(identity_in_cert(&name, pki_cert(p)));
    assert_int_equal(identity_match_cert(pki_cert(p), &dn), IDENTITY_MATCH_NONE);
    assert_int_equal(identity_match_cert(pki_cert(p), &name), IDENTITY_MATCH_NONE);
}

static void test_of_an_address(void **state)
{
    struct addr a;
    struct identity id, want = of("192.0.2.9");

    (void)state;
    assert_int_equal(addr_parse("192.0.2.9", &a), 0);
    id = identity_of_addr(&a);
    assert_true(identity_equal(&id, &want));
    a = (struct addr){0};
    assert_int_equal(identity_of_addr(&a).type, ID_ANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_and_prints_text_as_charon),
        cmocka_unit_test(test_refuses_text_that_is_none),
        cmocka_unit_test(test_the_wire),
        cmocka_unit_test(test_matches_patterns),
        cmocka_unit_test(test_knows_wildcards),
        cmocka_unit_test(test_what_a_certificate_says),
        cmocka_unit_test(test_a_star_in_a_certificate_is_no_wildcard),
        cmocka_unit_test(test_of_an_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
