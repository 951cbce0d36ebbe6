/* The credential store: which secret, certificate and key is found, and that nothing grows without an end. */
#include "base/array.h"
#include "base/str.h"
#include "engine/ike/creds.h"
#include "tests/unit/pki.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct identity of(const char *text)
{
    struct identity id;

    assert_int_equal(identity_parse(text, &id), 0);
    return id;
}

static int setup(void **state)
{
    return creds_new((struct creds **)state);
}

static int teardown(void **state)
{
    *state = creds_free(*state);
    return 0;
}

/* OWNERS end with NULL. */
static int add(struct creds *c, enum creds_kind kind, const char *unique, const char *secret,
               const char *const owners[])
{
    struct identity ids[CREDS_OWNERS_MAX + 2];
    size_t n = 0;

    for (; owners[n]; n++)
        ids[n] = of(owners[n]);
    return creds_take_shared(c, kind, unique, ids, n, secret_new(secret, strlen(secret)));
}

#define OWNERS(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static const char *look(struct creds *c, enum creds_kind kind, const char *me, const char *peer)
{
    struct identity ids[2] = {of(me ? me : ""), of(peer ? peer : "")};
    const struct secret *s = creds_shared(c, kind, me ? &ids[0] : NULL, peer ? &ids[1] : NULL);

    return s ? secret_text(s) : NULL;
}

static void test_finds_the_secret_of_the_peer(void **state)
{
    struct creds *c = *state;

    assert_null(look(c, CREDS_IKE, "192.0.2.1", "203.0.113.1"));
    assert_int_equal(add(c, CREDS_IKE, "ike-1", "one", OWNERS("203.0.113.1")), 0);
    assert_int_equal(add(c, CREDS_IKE, "ike-2", "two", OWNERS("203.0.113.2")), 0);
    assert_int_equal(add(c, CREDS_PPK, "ppk-1", "ppk", OWNERS("keyid:q")), 0);
    assert_string_equal(look(c, CREDS_IKE, "192.0.2.1", "203.0.113.1"), "one");
    assert_string_equal(look(c, CREDS_IKE, "192.0.2.1", "203.0.113.2"), "two");
    assert_null(look(c, CREDS_IKE, "192.0.2.1", "203.0.113.3"));
    assert_null(look(c, CREDS_IKE, NULL, "keyid:q"));
    assert_string_equal(look(c, CREDS_PPK, NULL, "keyid:q"), "ppk");
}

static void test_prefers_what_matches_best(void **state)
{
    struct creds *c = *state;

    assert_int_equal(add(c, CREDS_IKE, NULL, "anybody", OWNERS()), 0);
    assert_string_equal(look(c, CREDS_IKE, "a.example", "x.example.org"), "anybody");
    assert_int_equal(add(c, CREDS_IKE, NULL, "mine", OWNERS("a.example")), 0);
    assert_int_equal(add(c, CREDS_IKE, NULL, "wild", OWNERS("*.example.com")), 0);
    assert_string_equal(look(c, CREDS_IKE, "b.example", "gw.example.com"), "wild");
    assert_int_equal(add(c, CREDS_IKE, NULL, "exact", OWNERS("gw.example.com")), 0);
    assert_string_equal(look(c, CREDS_IKE, "b.example", "gw.example.com"), "exact");
    assert_int_equal(add(c, CREDS_IKE, NULL, "both", OWNERS("a.example", "gw.example.com")), 0);
    assert_string_equal(look(c, CREDS_IKE, "a.example", "gw.example.com"), "both");
    assert_string_equal(look(c, CREDS_IKE, "b.example", "gw.example.com"), "exact");
    assert_string_equal(look(c, CREDS_IKE, "a.example", NULL), "mine");
    assert_string_equal(look(c, CREDS_IKE, NULL, "x.example.org"), "anybody");
}

static void test_replaces_by_id(void **state)
{
    struct creds *c = *state;
    size_t pos = 0;

    assert_int_equal(add(c, CREDS_IKE, "x", "old", OWNERS("a.example")), 0);
    assert_int_equal(add(c, CREDS_IKE, "y", "other", OWNERS("b.example")), 0);
    assert_int_equal(add(c, CREDS_IKE, "x", "new", OWNERS("c.example")), 0);
    assert_null(look(c, CREDS_IKE, NULL, "a.example"));
    assert_string_equal(look(c, CREDS_IKE, NULL, "c.example"), "new");
    assert_string_equal(creds_next_unique(c, &pos), "x");
    assert_string_equal(creds_next_unique(c, &pos), "y");
    assert_null(creds_next_unique(c, &pos));
    assert_int_equal(creds_remove_shared(c, "x"), 0);
    assert_int_equal(creds_remove_shared(c, "x"), -ENOENT);
    assert_int_equal(creds_remove_shared(c, ""), -ENOENT);
    assert_null(look(c, CREDS_IKE, NULL, "c.example"));
    assert_string_equal(look(c, CREDS_IKE, NULL, "b.example"), "other");
}

static void test_has_maxima(void **state)
{
    struct creds *c = *state;
    char name[32], unique[CREDS_UNIQUE_MAX + 1];

    memset(unique, 'u', CREDS_UNIQUE_MAX);
    unique[CREDS_UNIQUE_MAX] = '\0';
    assert_int_equal(add(c, CREDS_IKE, unique, "x", OWNERS("a")), -EINVAL);
    assert_int_equal(add(c, CREDS_IKE, NULL, "", OWNERS("a")), -EINVAL);
    assert_int_equal(creds_take_shared(c, CREDS_IKE, NULL, NULL, 0, NULL), -EINVAL);
    assert_int_equal(add(c, CREDS_IKE, NULL, "x", OWNERS("a", "b", "c", "d", "e", "f", "g", "h", "i")), -E2BIG);
    for (int i = 0; i < CREDS_SHARED_MAX; i++) {
        str_format(name, sizeof(name), "p%d.example", i);
        assert_int_equal(add(c, CREDS_IKE, NULL, "x", OWNERS(name)), 0);
    }
    assert_int_equal(add(c, CREDS_IKE, NULL, "x", OWNERS("more.example")), -ENOSPC);
    assert_int_equal(add(c, CREDS_IKE, NULL, "x", OWNERS("p7.example")), 0); /* is there */
    creds_clear(c);
    assert_null(look(c, CREDS_IKE, NULL, "p7.example"));
    assert_int_equal(add(c, CREDS_IKE, NULL, "x", OWNERS("more.example")), 0);
}

static struct pki_party *party(const char *cn, const struct pki_party *issuer, bool ca, const char *sans)
{
    return pki_make(&(struct pki_spec){
        .cn = cn, .issuer = issuer, .ca = ca, .sans = sans, .from = 1700000000, .until = 1800000000});
}

/* A copy of P's private key, for the store to own. */
static struct pkey *key_of(const struct pki_party *p)
{
    struct pkey *k = NULL;

    assert_int_equal(pkey_of_evp(pkey_evp(pki_key(p)), &k), 0);
    return k;
}

static void test_finds_certificates_and_keys(void **state)
{
    struct creds *c = *state;
    cleanup(pki_freep) struct pki_party *root = party("root", NULL, true, NULL);
    cleanup(pki_freep) struct pki_party *me = party("me", root, false, "DNS:me.example");
    cleanup(pki_freep) struct pki_party *keyless = party("keyless", root, false, "DNS:keyless.example");
    struct identity mine = of("me.example"), theirs = of("keyless.example"), dn = of("C=CH, O=Test, CN=me"),
                    any = identity_any();
    enum creds_flag flag;
    size_t pos = 0;

    assert_int_equal(creds_add_cert(c, pki_cert(root), CREDS_CERT_CA), 0);
    assert_int_equal(creds_add_cert(c, pki_cert(keyless), CREDS_CERT_NONE), 0);
    assert_int_equal(creds_add_cert(c, pki_cert(me), CREDS_CERT_NONE), 0);
    assert_int_equal(creds_add_cert(c, pki_cert(me), CREDS_CERT_NONE), 0);
    assert_int_equal(creds_add_cert(c, pki_cert(me), CREDS_CERT_CA), -EINVAL);
    assert_null(creds_own_cert(c, &mine));
    assert_int_equal(creds_take_key(c, key_of(me)), 0);
    assert_int_equal(creds_take_key(c, key_of(me)), 0);
    assert_ptr_equal(creds_own_cert(c, &mine), pki_cert(me));
    assert_ptr_equal(creds_own_cert(c, &dn), pki_cert(me));
    assert_ptr_equal(creds_own_cert(c, &any), pki_cert(me));
    assert_null(creds_own_cert(c, &theirs));
    assert_true(pkey_same(creds_key_of(c, pki_cert(me)), pki_key(me)));
    assert_ptr_equal(creds_next_cert(c, &pos, &flag), pki_cert(root));
    assert_int_equal(flag, CREDS_CERT_CA);
    assert_int_equal(
        trust_verify(creds_trust(c), pki_cert(me), NULL, 0, 1750000000 * USEC_PER_SEC, TRUST_REVOCATION_RELAXED),
        TRUST_FINE);
}

static void test_forgets_keys_and_certificates(void **state)
{
    struct creds *c = *state;
    cleanup(pki_freep) struct pki_party *root = party("root", NULL, true, NULL);
    cleanup(pki_freep) struct pki_party *me = party("me", root, false, NULL);
    enum creds_flag flag;
    size_t pos = 0;

    assert_int_equal(creds_add_cert(c, pki_cert(root), CREDS_CERT_CA), 0);
    assert_int_equal(creds_add_cert(c, pki_cert(me), CREDS_CERT_NONE), 0);
    assert_int_equal(creds_take_key(c, key_of(me)), 0);
    assert_int_equal(creds_remove_key(c, pkey_id(pki_key(root))), -ENOENT);
    assert_int_equal(creds_remove_key(c, pkey_id(pki_key(me))), 0);
    assert_null(creds_next_key(c, &pos));
    assert_int_equal(creds_take_key(c, key_of(me)), 0);
    creds_clear(c);
    pos = 0;
    assert_null(creds_next_key(c, &pos));
    assert_null(creds_next_cert(c, &pos, &flag));
    assert_int_equal(
        trust_verify(creds_trust(c), pki_cert(me), NULL, 0, 1750000000 * USEC_PER_SEC, TRUST_REVOCATION_RELAXED),
        TRUST_UNKNOWN_ISSUER);
}

#define WITH_CREDS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CREDS(test_finds_the_secret_of_the_peer),
        WITH_CREDS(test_prefers_what_matches_best),
        WITH_CREDS(test_replaces_by_id),
        WITH_CREDS(test_has_maxima),
        WITH_CREDS(test_finds_certificates_and_keys),
        WITH_CREDS(test_forgets_keys_and_certificates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
