/* Chains, validity and revocation at a given time. */
#include "engine/crypto/trust.h"
#include "tests/unit/pki.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define FROM     1700000000
#define UNTIL    1800000000
#define NOW      1750000000
#define DAY      86400
#define AT(s)    ((usec_t)(s)*USEC_PER_SEC)
#define CRL(...) (pki_crl(__VA_ARGS__, buf, sizeof(buf)))

/* root -> middle -> leaf; the leaf names a CRL. */
struct world {
    struct trust *trust;
    struct pki_party *root, *middle, *leaf, *plain; /* PLAIN names none */
};

static struct pki_party *issue(const char *cn, const struct pki_party *issuer, bool ca, const char *uri)
{
    return pki_make(
        &(struct pki_spec){.cn = cn, .issuer = issuer, .ca = ca, .crl_uri = uri, .from = FROM, .until = UNTIL});
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    assert_int_equal(trust_new(&w->trust), 0);
    w->root = issue("root", NULL, true, NULL);
    w->middle = issue("middle", w->root, true, NULL);
    w->leaf = issue("leaf", w->middle, false, "http://crl.example/middle");
    w->plain = issue("plain", w->middle, false, NULL);
    assert_int_equal(trust_add_ca(w->trust, pki_cert(w->root)), 0);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    trust_free(w->trust);
    pki_free(w->root);
    pki_free(w->middle);
    pki_free(w->leaf);
    pki_free(w->plain);
    free(w);
    return 0;
}

static enum trust_error ask(struct world *w, const struct pki_party *who, int64_t when, enum trust_revocation policy)
{
    struct cert *chain[] = {pki_cert(w->middle)};

    return trust_verify(w->trust, pki_cert(who), chain, 1, AT(when), policy);
}

static void test_follows_the_chain_of_the_peer(void **state)
{
    struct world *w = *state;

    assert_int_equal(ask(w, w->leaf, NOW, TRUST_REVOCATION_RELAXED), TRUST_FINE);
    assert_int_equal(trust_verify(w->trust, pki_cert(w->leaf), NULL, 0, AT(NOW), TRUST_REVOCATION_RELAXED),
                     TRUST_UNKNOWN_ISSUER);
    /* An intermediate CA that is loaded serves for a peer that does not send it. */
    assert_int_equal(trust_add_ca(w->trust, pki_cert(w->middle)), 0);
    assert_int_equal(trust_verify(w->trust, pki_cert(w->leaf), NULL, 0, AT(NOW), TRUST_REVOCATION_RELAXED), TRUST_FINE);
}

static void test_the_peer_brings_no_root(void **state)
{
    struct world *w = *state;
    struct cert *chain[] = {pki_cert(w->middle), pki_cert(w->root)};

    trust_clear(w->trust);
    assert_int_equal(trust_verify(w->trust, pki_cert(w->leaf), chain, 2, AT(NOW), TRUST_REVOCATION_RELAXED),
                     TRUST_UNKNOWN_ISSUER);
    /* Nor is an intermediate CA an anchor by itself. */
    assert_int_equal(trust_add_ca(w->trust, pki_cert(w->middle)), 0);
    assert_int_equal(trust_verify(w->trust, pki_cert(w->leaf), NULL, 0, AT(NOW), TRUST_REVOCATION_RELAXED),
                     TRUST_UNKNOWN_ISSUER);
}

static void test_asks_the_time_that_it_is_given(void **state)
{
    struct world *w = *state;

    assert_int_equal(ask(w, w->leaf, FROM - 1, TRUST_REVOCATION_RELAXED), TRUST_NOT_YET_VALID);
    assert_int_equal(ask(w, w->leaf, FROM + 1, TRUST_REVOCATION_RELAXED), TRUST_FINE);
    assert_int_equal(ask(w, w->leaf, UNTIL - 1, TRUST_REVOCATION_RELAXED), TRUST_FINE);
    assert_int_equal(ask(w, w->leaf, UNTIL + 1, TRUST_REVOCATION_RELAXED), TRUST_EXPIRED);
}

static void test_refuses_a_wrong_signature(void **state)
{
    struct world *w = *state;
    cleanup(cert_unrefp) struct cert *forged = pki_forged(w->leaf);
    cleanup(pki_freep) struct pki_party *imposter = issue("root", NULL, true, NULL);
    cleanup(pki_freep) struct pki_party *theirs = issue("leaf", imposter, false, NULL);
    struct cert *chain[] = {pki_cert(w->middle)};

    assert_int_equal(trust_verify(w->trust, forged, chain, 1, AT(NOW), TRUST_REVOCATION_RELAXED), TRUST_BAD_SIGNATURE);
    assert_int_equal(trust_verify(w->trust, pki_cert(theirs), chain, 1, AT(NOW), TRUST_REVOCATION_RELAXED),
                     TRUST_BAD_SIGNATURE);
}

static void test_only_a_ca_issues(void **state)
{
    struct world *w = *state;
    cleanup(pki_freep) struct pki_party *theirs = issue("victim", w->leaf, false, NULL);
    cleanup(pki_freep) struct pki_party *narrow = pki_make(&(struct pki_spec){
        .cn = "narrow", .issuer = w->root, .ca = true, .path_len = "0", .from = FROM, .until = UNTIL});
    cleanup(pki_freep) struct pki_party *below = issue("below", narrow, true, NULL);
    cleanup(pki_freep) struct pki_party *end = issue("end", below, false, NULL);
    struct cert *chain[] = {pki_cert(w->leaf), pki_cert(w->middle)}, *long_one[] = {pki_cert(below), pki_cert(narrow)};

    assert_int_equal(trust_verify(w->trust, pki_cert(theirs), chain, 2, AT(NOW), TRUST_REVOCATION_RELAXED),
                     TRUST_NOT_A_CA);
    assert_int_equal(trust_verify(w->trust, pki_cert(end), long_one, 2, AT(NOW), TRUST_REVOCATION_RELAXED),
                     TRUST_NOT_A_CA);
    assert_int_equal(trust_add_ca(w->trust, pki_cert(w->leaf)), -EINVAL);
}

static void test_refuses_weak_hashes(void **state)
{
    struct world *w = *state;
    cleanup(pki_freep) struct pki_party *sha1 =
        pki_make(&(struct pki_spec){.cn = "sha1", .issuer = w->root, .digest = "SHA1", .from = FROM, .until = UNTIL});

    assert_int_equal(ask(w, sha1, NOW, TRUST_REVOCATION_RELAXED), TRUST_WEAK);
}

static void test_revocation_without_a_crl(void **state)
{
    struct world *w = *state;

    assert_int_equal(ask(w, w->leaf, NOW, TRUST_REVOCATION_NONE), TRUST_FINE);
    assert_int_equal(ask(w, w->leaf, NOW, TRUST_REVOCATION_RELAXED), TRUST_FINE);
    assert_int_equal(ask(w, w->leaf, NOW, TRUST_REVOCATION_IFURI), TRUST_NO_CRL);
    assert_int_equal(ask(w, w->plain, NOW, TRUST_REVOCATION_IFURI), TRUST_FINE);
    assert_int_equal(ask(w, w->plain, NOW, TRUST_REVOCATION_STRICT), TRUST_NO_CRL);
}

static void test_revocation_with_crls(void **state)
{
    struct world *w = *state;
    uint8_t buf[1024];

    assert_int_equal(trust_add_crl(w->trust, buf, CRL(w->middle, w->leaf, NOW - DAY, NOW + DAY)), 0);
    assert_int_equal(ask(w, w->leaf, NOW, TRUST_REVOCATION_NONE), TRUST_FINE);
    assert_int_equal(ask(w, w->leaf, NOW, TRUST_REVOCATION_RELAXED), TRUST_REVOKED);
    assert_int_equal(ask(w, w->leaf, NOW, TRUST_REVOCATION_IFURI), TRUST_REVOKED);
    assert_int_equal(ask(w, w->leaf, NOW, TRUST_REVOCATION_STRICT), TRUST_REVOKED);
    /* Strict asks for one of the root too, about the intermediate CA. */
    assert_int_equal(ask(w, w->plain, NOW, TRUST_REVOCATION_RELAXED), TRUST_FINE);
    assert_int_equal(ask(w, w->plain, NOW, TRUST_REVOCATION_STRICT), TRUST_NO_CRL);
    assert_int_equal(trust_add_crl(w->trust, buf, CRL(w->root, NULL, NOW - DAY, NOW + DAY)), 0);
    assert_int_equal(ask(w, w->plain, NOW, TRUST_REVOCATION_STRICT), TRUST_FINE);
}

static void test_revocation_with_an_old_crl(void **state)
{
    struct world *w = *state;
    uint8_t buf[1024];

    assert_int_equal(trust_add_crl(w->trust, buf, CRL(w->root, NULL, NOW - DAY, NOW + 9 * DAY)), 0);
    assert_int_equal(trust_add_crl(w->trust, buf, CRL(w->middle, w->leaf, NOW - DAY, NOW + DAY)), 0);
    /* Stale: it still revokes, and it clears nobody. */
    assert_int_equal(ask(w, w->leaf, NOW + 2 * DAY, TRUST_REVOCATION_RELAXED), TRUST_REVOKED);
    assert_int_equal(ask(w, w->plain, NOW + 2 * DAY, TRUST_REVOCATION_RELAXED), TRUST_FINE);
    assert_int_equal(ask(w, w->plain, NOW + 2 * DAY, TRUST_REVOCATION_STRICT), TRUST_NO_CRL);
}

static void test_a_newer_crl_replaces_an_older_one(void **state)
{
    struct world *w = *state;
    uint8_t buf[1024];

    assert_int_equal(trust_add_crl(w->trust, buf, CRL(w->middle, NULL, NOW - 2 * DAY, NOW + DAY)), 0);
    assert_int_equal(trust_add_crl(w->trust, buf, CRL(w->middle, w->leaf, NOW - DAY, NOW + DAY)), 0);
    assert_int_equal(ask(w, w->leaf, NOW, TRUST_REVOCATION_RELAXED), TRUST_REVOKED);
    assert_int_equal(trust_add_crl(w->trust, buf, CRL(w->middle, NULL, NOW - 3 * DAY, NOW + DAY)), -ESTALE);
    assert_int_equal(ask(w, w->leaf, NOW, TRUST_REVOCATION_RELAXED), TRUST_REVOKED);
    assert_int_equal(trust_add_crl(w->trust, "no CRL", 6), -EBADMSG);
}

static void test_has_a_maximum(void **state)
{
    struct world *w = *state;
    uint8_t hashes[TRUST_CAS_MAX * PKEY_ID_LEN];
    size_t len = 0;

    for (size_t i = 1; i < TRUST_CAS_MAX; i++) {
        cleanup(pki_freep) struct pki_party *ca = issue("another", NULL, true, NULL);

        assert_int_equal(trust_add_ca(w->trust, pki_cert(ca)), 0);
    }
    assert_int_equal(trust_add_ca(w->trust, pki_cert(w->middle)), -ENOSPC);
    assert_int_equal(trust_add_ca(w->trust, pki_cert(w->root)), 0); /* is there */
    assert_int_equal(trust_certreq(w->trust, hashes, sizeof(hashes), &len), 0);
    assert_int_equal(len, sizeof(hashes));
    assert_memory_equal(hashes, pkey_info_id(pki_key(w->root)), PKEY_ID_LEN);
    assert_int_equal(trust_certreq(w->trust, hashes, sizeof(hashes) - 1, &len), -ENOBUFS);
}

/* A CA that is asked for must be in the chain that was found, at any place but the end entity's. */
static void test_under_a_ca(void **state)
{
    struct world *w = *state;
    cleanup(pki_freep) struct pki_party *other = issue("other", NULL, true, NULL);
    struct cert *chain[] = {pki_cert(w->middle)};
    struct cert *middle[] = {pki_cert(w->middle)}, *root[] = {pki_cert(w->root)};
    struct cert *none[] = {pki_cert(other), pki_cert(w->leaf)}, *both[] = {pki_cert(other), pki_cert(w->root)};
    const struct {
        struct cert **cas;
        size_t n;
        enum trust_error error;
    } rows[] = {{middle, 1, TRUST_FINE}, {root, 1, TRUST_FINE}, {none, 2, TRUST_OTHER_CA}, {both, 2, TRUST_FINE}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(trust_verify_under(w->trust, pki_cert(w->leaf), chain, 1, rows[i].cas, rows[i].n, AT(NOW),
                                            TRUST_REVOCATION_RELAXED),
                         rows[i].error);
    /* It need not be loaded besides. */
    trust_clear(w->trust);
    assert_int_equal(
        trust_verify_under(w->trust, pki_cert(w->leaf), chain, 1, root, 1, AT(NOW), TRUST_REVOCATION_RELAXED),
        TRUST_FINE);
}

static void test_every_error_has_a_sentence(void **state)
{
    (void)state;
    for (int e = TRUST_FINE; e <= TRUST_INVALID; e++)
        assert_true(strlen(trust_error_text((enum trust_error)e)) > 10);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_follows_the_chain_of_the_peer),
        WITH_WORLD(test_the_peer_brings_no_root),
        WITH_WORLD(test_asks_the_time_that_it_is_given),
        WITH_WORLD(test_refuses_a_wrong_signature),
        WITH_WORLD(test_only_a_ca_issues),
        WITH_WORLD(test_refuses_weak_hashes),
        WITH_WORLD(test_revocation_without_a_crl),
        WITH_WORLD(test_revocation_with_crls),
        WITH_WORLD(test_revocation_with_an_old_crl),
        WITH_WORLD(test_a_newer_crl_replaces_an_older_one),
        WITH_WORLD(test_has_a_maximum),
        WITH_WORLD(test_under_a_ca),
        cmocka_unit_test(test_every_error_has_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
