/* AUTH signatures verify both ways: ours by python3-cryptography, and its by us (oracle_sign.py). */
#include "engine/crypto/sign.h"

#include "base/array.h"
#include "tests/unit/oracle.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define TIMES      10
#define OCTETS_MAX 700

static const struct {
    const char *name, *how; /* with each of HASHES */
    const char *how_too;
    uint8_t old; /* the method without RFC 7427; 0: none */
} keys[] = {
    {"rsa2048", "pkcs1", "pss", 1}, {"rsa3072", "pkcs1", "pss", 1}, {"p256", "ecdsa", NULL, 9},
    {"p384", "ecdsa", NULL, 10},    {"p521", "ecdsa", NULL, 11},    {"ed25519", "ed25519", NULL, 0},
};

/* IANA's numbers (RFC 7427 7) */
static const struct {
    const char *name;
    uint16_t number;
} hashes[] = {{"sha256", 2}, {"sha384", 3}, {"sha512", 4}};

static int start(void **state)
{
    (void)state;
    return oracle_start("tests/unit/oracle_sign.py");
}

static int stop(void **state)
{
    (void)state;
    return oracle_stop();
}

static struct pkey *new_key(const char *name)
{
    uint8_t der[ORACLE_ANSWER_MAX];
    struct pkey *k = NULL;
    size_t len;

    oracle_say("key %s", name);
    len = oracle_answer(der);
    assert_int_equal(pkey_parse(der, len, &k), 0);
    return k;
}

static size_t draw_octets(size_t n, uint8_t ret[OCTETS_MAX])
{
    for (size_t i = 0; i < OCTETS_MAX; i++)
        ret[i] = (uint8_t)(i * 131 + n * 89 + i / 7);
    return OCTETS_MAX - n * 61;
}

static bool oracle_verifies(const char *name, uint8_t method, const uint8_t *octets, size_t len, const uint8_t *auth,
                            size_t auth_len)
{
    uint8_t answer[ORACLE_ANSWER_MAX];

    oracle_say("verify %s %d", name, method);
    oracle_say_bytes(octets, len);
    oracle_say_bytes(auth, auth_len);
    assert_int_equal(oracle_answer(answer), 1);
    return answer[0] == 1;
}

/* The peer knows one hash only: it is that which signs. */
static void check_ours(const char *name, const struct pkey *k, uint8_t method, unsigned known)
{
    uint8_t octets[OCTETS_MAX], auth[SIGN_AUTH_MAX];

    for (size_t n = 0; n < TIMES; n++) {
        const size_t len = draw_octets(n, octets);
        size_t auth_len = 0;

        assert_int_equal(sign_auth(k, method, known, octets, len, auth, sizeof(auth), &auth_len), 0);
        assert_true(oracle_verifies(name, method, octets, len, auth, auth_len));
        assert_false(oracle_verifies(name, method, octets, len - 1, auth, auth_len));
    }
}

static void test_ours(void **state)
{
    (void)state;
    if (!oracle_is_there())
        skip();
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        cleanup(pkey_freep) struct pkey *k = new_key(keys[i].name);

        if (keys[i].old)
            check_ours(keys[i].name, k, keys[i].old, 0);
        for (size_t h = 0; keys[i].old && h < ARRAY_LEN(hashes); h++)
            check_ours(keys[i].name, k, 14, SIGN_HASH(hashes[h].number));
        check_ours(keys[i].name, k, 14, sign_hashes_all());
    }
}

static void check_theirs(const char *name, const struct pkey *k, const char *how, size_t hash)
{
    uint8_t octets[OCTETS_MAX], auth[ORACLE_ANSWER_MAX];

    for (size_t n = 0; how && n < TIMES; n++) {
        const size_t len = draw_octets(n, octets);
        size_t auth_len;

        oracle_say("sign %s %s %s", name, how, hashes[hash].name);
        oracle_say_bytes(octets, len);
        auth_len = oracle_answer(auth);
        assert_int_equal(sign_verify(k, 14, sign_hashes_all(), octets, len, auth, auth_len), 0);
        assert_int_equal(sign_verify(k, 14, sign_hashes_all(), octets, len - 1, auth, auth_len), -EBADMSG);
    }
}

static void test_theirs(void **state)
{
    (void)state;
    if (!oracle_is_there())
        skip();
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        cleanup(pkey_freep) struct pkey *k = new_key(keys[i].name);

        for (size_t h = 0; h < ARRAY_LEN(hashes); h++) {
            check_theirs(keys[i].name, k, keys[i].how, h);
            check_theirs(keys[i].name, k, keys[i].how_too, h);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ours),
        cmocka_unit_test(test_theirs),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
