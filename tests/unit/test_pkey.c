/* Keys and AUTH signatures, against what python3-cryptography made (tests/vectors/sign), and against each other. */
#include "base/array.h"
#include "base/cleanup.h"
#include "engine/crypto/sign.h"
#include "tests/unit/hex.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define VECTORS    "tests/vectors/sign/vectors.txt"
#define VECTOR_MAX 16384

static const char octets[] = "the signed octets of RFC 7296, section 2.15";
#define OCTETS_LEN (sizeof(octets) - 1)

/* One line of the file, split at its spaces. */
struct line {
    char text[VECTOR_MAX];
    char *word[5];
    size_t words;
};

static bool next_line(FILE *f, struct line *l)
{
    char *rest = l->text, *word;

    l->words = 0;
    if (!fgets(l->text, sizeof(l->text), f))
        return false;
    l->text[strcspn(l->text, "\n")] = '\0';
    while ((word = strsep(&rest, " ")) && l->words < ARRAY_LEN(l->word))
        l->word[l->words++] = word;
    return true;
}

static struct pkey *key_of(const char *hex)
{
    uint8_t der[PKEY_FILE_MAX];
    size_t len = unhex(hex, der, sizeof(der));
    struct pkey *k = NULL;

    assert_int_equal(pkey_parse(der, len, &k), 0);
    return k;
}

static void check_ids(const struct pkey *k, const struct line *l)
{
    uint8_t id[PKEY_ID_LEN], info[PKEY_ID_LEN];

    assert_int_equal(unhex(l->word[2], id, sizeof(id)), PKEY_ID_LEN);
    assert_int_equal(unhex(l->word[3], info, sizeof(info)), PKEY_ID_LEN);
    assert_memory_equal(pkey_id(k), id, PKEY_ID_LEN);
    assert_memory_equal(pkey_info_id(k), info, PKEY_ID_LEN);
}

/* Verifies, and no longer with any byte of it changed, cut or added to, nor for other octets. */
static void check_auth(const struct pkey *k, uint8_t method, const uint8_t *good, size_t len)
{
    uint8_t auth[SIGN_AUTH_MAX + 1];
    unsigned all = sign_hashes_all();

    memcpy(auth, good, len);
    assert_int_equal(sign_verify(k, method, all, octets, OCTETS_LEN, auth, len), 0);
    assert_int_equal(sign_verify(k, method, all, octets, OCTETS_LEN - 1, auth, len), -EBADMSG);
    for (size_t i = 0; i < len; i++) {
        auth[i] ^= 0x01;
        assert_true(sign_verify(k, method, all, octets, OCTETS_LEN, auth, len) < 0);
        auth[i] ^= 0x01;
    }
    for (size_t cut = 0; cut < len; cut++)
        assert_true(sign_verify(k, method, all, octets, OCTETS_LEN, auth, cut) < 0);
    auth[len] = 0;
    assert_true(sign_verify(k, method, all, octets, OCTETS_LEN, auth, len + 1) < 0);
}

static void test_takes_what_another_implementation_signed(void **state)
{
    cleanup(pkey_freep) struct pkey *k = NULL;
    FILE *f = fopen(VECTORS, "re");
    unsigned auths = 0;
    struct line l;

    (void)state;
    assert_non_null(f);
    while (next_line(f, &l)) {
        uint8_t auth[SIGN_AUTH_MAX];
        size_t len;

        if (strcmp(l.word[0], "key") == 0) {
            k = pkey_free(k);
            k = key_of(l.word[4]);
            check_ids(k, &l);
            continue;
        }
        len = unhex(l.word[3], auth, sizeof(auth));
        check_auth(k, (uint8_t)(strlen(l.word[1]) == 2 ? 10 + (l.word[1][1] - '0') : l.word[1][0] - '0'), auth, len);
        auths++;
    }
    fclose(f);
    assert_int_equal(auths, 2 * 7 + 3 * 4 + 1);
}

static struct pkey *generate(const char *type, const char *group, size_t bits)
{
    EVP_PKEY *evp = group  ? EVP_PKEY_Q_keygen(NULL, NULL, type, group)
                    : bits ? EVP_PKEY_Q_keygen(NULL, NULL, type, bits)
                           : EVP_PKEY_Q_keygen(NULL, NULL, type);
    struct pkey *k = NULL;

    assert_non_null(evp);
    assert_int_equal(pkey_of_evp(evp, &k), 0);
    EVP_PKEY_free(evp);
    return k;
}

static const struct {
    const char *type, *group;
    size_t bits;
    enum pkey_kind kind;
    uint8_t old;      /* the method without RFC 7427 */
    uint8_t last_arc; /* of the AlgorithmIdentifier that suits the key */
} kinds[] = {
    {"RSA", NULL, 2048, PKEY_RSA, 1, 11},    {"RSA", NULL, 4096, PKEY_RSA, 1, 12},
    {"EC", "P-256", 256, PKEY_ECDSA, 9, 2},  {"EC", "P-384", 384, PKEY_ECDSA, 10, 3},
    {"EC", "P-521", 521, PKEY_ECDSA, 11, 4}, {"ED25519", NULL, 0, PKEY_ED25519, 0, 112},
};

static void sign_and_verify(const struct pkey *k, uint8_t method)
{
    uint8_t auth[SIGN_AUTH_MAX];
    size_t len = 0;

    assert_int_equal(sign_auth(k, method, sign_hashes_all(), octets, OCTETS_LEN, auth, sizeof(auth), &len), 0);
    assert_int_equal(sign_verify(k, method, sign_hashes_all(), octets, OCTETS_LEN, auth, len), 0);
    assert_int_equal(sign_auth(k, method, sign_hashes_all(), octets, OCTETS_LEN, auth, len / 2, &len), -ENOBUFS);
}

static void test_signs_with_what_suits_the_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        cleanup(pkey_freep) struct pkey *k = generate(kinds[i].type, kinds[i].group, kinds[i].bits);
        uint8_t auth[SIGN_AUTH_MAX];
        size_t len = 0;

        assert_int_equal(pkey_kind(k), kinds[i].kind);
        if (kinds[i].bits)
            assert_int_equal(pkey_bits(k), kinds[i].bits);
        assert_int_equal(sign_method(k, sign_hashes_all()), 14);
        assert_int_equal(sign_method(k, 0), kinds[i].old);
        sign_and_verify(k, 14);
        if (kinds[i].old)
            sign_and_verify(k, kinds[i].old);
        /* The OID ends the AlgorithmIdentifier, but for the NULL of RSA. */
        assert_int_equal(sign_auth(k, 14, sign_hashes_all(), octets, OCTETS_LEN, auth, sizeof(auth), &len), 0);
        assert_int_equal(auth[auth[0] - (kinds[i].kind == PKEY_RSA ? 2 : 0)], kinds[i].last_arc);
    }
}

static void test_keeps_to_the_hashes_of_the_peer(void **state)
{
    cleanup(pkey_freep) struct pkey *k = generate("RSA", NULL, 2048);
    static const uint8_t theirs[] = {0, 1, 0, 4, 1, 4}; /* SHA-1, SHA2-512, one that we do not know */
    uint8_t auth[SIGN_AUTH_MAX];
    unsigned set = 0;
    size_t len = 0;

    (void)state;
    assert_int_equal(sign_hashes_read(theirs, sizeof(theirs), &set), 0);
    assert_int_equal(set, SIGN_HASH(1) | SIGN_HASH(4));
    assert_int_equal(sign_hashes_read(theirs, 3, &set), -EINVAL);
    assert_int_equal(sign_auth(k, 14, set, octets, OCTETS_LEN, auth, sizeof(auth), &len), 0);
    assert_int_equal(sign_verify(k, 14, SIGN_HASH(4), octets, OCTETS_LEN, auth, len), 0);
    assert_int_equal(sign_verify(k, 14, SIGN_HASH(2), octets, OCTETS_LEN, auth, len), -ENOTSUP);
    assert_int_equal(sign_auth(k, 14, SIGN_HASH(1), octets, OCTETS_LEN, auth, sizeof(auth), &len), -ENOTSUP);
    assert_int_equal(sign_method(k, SIGN_HASH(1)), 1);
}

static void test_a_method_is_for_its_kind_of_key(void **state)
{
    cleanup(pkey_freep) struct pkey *rsa = generate("RSA", NULL, 2048);
    cleanup(pkey_freep) struct pkey *p256 = generate("EC", "P-256", 0);
    cleanup(pkey_freep) struct pkey *other = generate("EC", "P-256", 0);
    uint8_t auth[SIGN_AUTH_MAX];
    unsigned all = sign_hashes_all();
    size_t len = 0;

    (void)state;
    assert_int_equal(sign_auth(p256, 10, all, octets, OCTETS_LEN, auth, sizeof(auth), &len), -ENOTSUP);
    assert_int_equal(sign_auth(p256, 1, all, octets, OCTETS_LEN, auth, sizeof(auth), &len), -ENOTSUP);
    assert_int_equal(sign_auth(p256, 2, all, octets, OCTETS_LEN, auth, sizeof(auth), &len), -ENOTSUP);
    assert_int_equal(sign_auth(p256, 14, all, octets, OCTETS_LEN, auth, sizeof(auth), &len), 0);
    assert_int_equal(sign_verify(rsa, 14, all, octets, OCTETS_LEN, auth, len), -ENOTSUP);
    assert_int_equal(sign_verify(other, 14, all, octets, OCTETS_LEN, auth, len), -EBADMSG);
    assert_false(pkey_same(p256, other));
    assert_true(pkey_same(p256, p256));
}

static void test_reads_pem(void **state)
{
    cleanup(pkey_freep) struct pkey *k = generate("EC", "P-384", 0);
    cleanup(pkey_freep) struct pkey *again = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;
    long len;

    (void)state;
    assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, pkey_evp(k), NULL, NULL, 0, NULL, NULL), 1);
    len = BIO_get_mem_data(bio, &pem);
    assert_int_equal(pkey_parse(pem, (size_t)len, &again), 0);
    assert_true(pkey_same(k, again));
    BIO_free(bio);
}

static void test_refuses_what_is_no_key(void **state)
{
    static const char *const groups[] = {"secp256k1", "P-224"};
    struct pkey *k = NULL;
    EVP_PKEY *evp;
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem, big[PKEY_FILE_MAX + 1] = {0};
    long len;

    (void)state;
    assert_int_equal(pkey_parse("", 0, &k), -EBADMSG);
    assert_int_equal(pkey_parse("no key", 6, &k), -EBADMSG);
    assert_int_equal(pkey_parse(big, sizeof(big), &k), -EFBIG);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        evp = EVP_PKEY_Q_keygen(NULL, NULL, "EC", groups[i]);
        assert_int_equal(pkey_of_evp(evp, &k), -ENOTSUP);
        EVP_PKEY_free(evp);
    }
    /* An encrypted one is not asked for at the terminal. */
    evp = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, evp, EVP_aes_128_cbc(), "word", 4, NULL, NULL), 1);
    len = BIO_get_mem_data(bio, &pem);
    assert_int_equal(pkey_parse(pem, (size_t)len, &k), -EBADMSG);
    assert_null(k);
    EVP_PKEY_free(evp);
    BIO_free(bio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_what_another_implementation_signed),
        cmocka_unit_test(test_signs_with_what_suits_the_key),
        cmocka_unit_test(test_keeps_to_the_hashes_of_the_peer),
        cmocka_unit_test(test_a_method_is_for_its_kind_of_key),
        cmocka_unit_test(test_reads_pem),
        cmocka_unit_test(test_refuses_what_is_no_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
