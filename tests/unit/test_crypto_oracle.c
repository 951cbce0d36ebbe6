/* Every algorithm against python3-cryptography and Python's own arithmetic (oracle.py), with random input. */
#include "engine/crypto/dh.h"
#include "engine/crypto/prf.h"
#include "engine/crypto/seal.h"

#include "base/array.h"
#include "base/random.h"
#include "tests/unit/oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX 1504
#define TIMES    20

static int start(void **state)
{
    (void)state;
    return oracle_start("tests/unit/oracle.py");
}

static int stop(void **state)
{
    (void)state;
    return oracle_stop();
}

static void fill(uint8_t *to, size_t len)
{
    random_bytes(to, len);
}

static void check_seal(const struct alg *encr, const struct alg *integ, size_t len)
{
    uint8_t key[ALG_KEY_MAX + ALG_SALT_MAX], key_integ[ALG_KEY_MAX], aad[12], iv[ALG_IV_MAX], tail[4];
    uint8_t plain[TEXT_MAX], text[TEXT_MAX], icv[ALG_ICV_MAX], wanted[ORACLE_ANSWER_MAX];
    const struct seal_text t = {.aad = aad,
                                .aad_len = sizeof(aad),
                                .iv = iv,
                                .text = text,
                                .text_len = len,
                                .tail = tail,
                                .tail_len = integ ? sizeof(tail) : 0,
                                .icv = icv};
    const size_t key_len = (size_t)encr->key_len + encr->salt_len;
    cleanup(seal_freep) struct seal *s = NULL;

    fill(key, sizeof(key));
    fill(key_integ, sizeof(key_integ));
    fill(aad, sizeof(aad));
    fill(tail, sizeof(tail));
    fill(plain, sizeof(plain));
    memcpy(text, plain, len);
    assert_int_equal(seal_new(encr, key, integ, integ ? key_integ : NULL, &s), 0);
    seal_encrypt(s, len, &t);
    oracle_say("seal %d", encr->id);
    oracle_say_bytes(key, key_len);
    oracle_say(" %d", integ ? integ->id : 0);
    oracle_say_bytes(key_integ, integ ? integ->key_len : 0);
    oracle_say_bytes(iv, seal_iv_len(s));
    oracle_say_bytes(aad, sizeof(aad));
    oracle_say_bytes(tail, t.tail_len);
    oracle_say_bytes(plain, len);
    assert_int_equal(oracle_answer(wanted), len + seal_icv_len(s));
    assert_memory_equal(text, wanted, len);
    assert_memory_equal(icv, wanted + len, seal_icv_len(s));
    /* What the oracle made opens again. */
    memcpy(text, wanted, len);
    assert_int_equal(seal_decrypt(s, &t), 0);
    assert_memory_equal(text, plain, len);
}

static void test_seal(void **state)
{
    const struct alg *encr, *integ;
    size_t i = 0;

    (void)state;
    if (!oracle_is_there())
        skip();
    while ((encr = alg_next(&i))) {
        size_t k = 0;

        for (size_t n = 0; encr->type == ALG_ENCR && encr->aead && n < TIMES; n++)
            check_seal(encr, NULL, n * 79);
        while (encr->type == ALG_ENCR && !encr->aead && (integ = alg_next(&k)))
            for (size_t n = 0; integ->type == ALG_INTEG && n < TIMES; n++)
                check_seal(encr, integ, n * 64);
    }
}

static void check_prf_plus(const struct alg *alg, size_t n)
{
    uint8_t key[200], seed[64], got[600], wanted[ORACLE_ANSWER_MAX];
    const size_t key_len = 1 + n * 9, seed_len = 1 + n * 3, len = 1 + n * 31;
    const struct prf_part parts[] = {{seed, seed_len / 2}, {seed + seed_len / 2, seed_len - seed_len / 2}};

    fill(key, sizeof(key));
    fill(seed, sizeof(seed));
    assert_int_equal(prf_plus(alg, key, key_len, parts, ARRAY_LEN(parts), got, len), 0);
    oracle_say("prf+ %d", alg->id);
    oracle_say_bytes(key, key_len);
    oracle_say_bytes(seed, seed_len);
    oracle_say(" %zu", len);
    assert_int_equal(oracle_answer(wanted), len);
    assert_memory_equal(got, wanted, len);
}

static void test_prf_plus(void **state)
{
    const struct alg *alg;
    size_t i = 0;

    (void)state;
    if (!oracle_is_there())
        skip();
    while ((alg = alg_next(&i)))
        for (size_t n = 0; alg->type == ALG_PRF && n < TIMES; n++)
            check_prf_plus(alg, n);
}

static void check_dh(const struct alg *alg)
{
    uint8_t wanted[ORACLE_ANSWER_MAX], secret[DH_SECRET_MAX];
    cleanup(dh_freep) struct dh *d = NULL;
    const size_t public_len = dh_public_len(alg);
    size_t len = 0, n;

    assert_int_equal(dh_new(alg, &d), 0);
    oracle_say("dh %d", alg->id);
    oracle_say_bytes(dh_public(d), public_len);
    n = oracle_answer(wanted);
    assert_int_equal(dh_secret(d, wanted, public_len, secret, &len), 0);
    assert_int_equal(n, public_len + len);
    assert_memory_equal(secret, wanted + public_len, len);
}

/* The groups of RFC 5114 have no rule that makes their primes: for them there are vectors in test_dh. */
static void test_dh(void **state)
{
    const struct alg *alg;
    size_t i = 0;

    (void)state;
    if (!oracle_is_there())
        skip();
    while ((alg = alg_next(&i)))
        for (size_t n = 0; alg->type == ALG_DH && (alg->id < 22 || alg->id > 24) && n < 3; n++)
            check_dh(alg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seal),
        cmocka_unit_test(test_prf_plus),
        cmocka_unit_test(test_dh),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
