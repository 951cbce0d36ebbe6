/* Every algorithm against python3-cryptography and Python's own arithmetic (oracle.py), with random input. */
#include "engine/crypto/dh.h"
#include "engine/crypto/keymat.h"
#include "engine/crypto/prf.h"
#include "engine/crypto/seal.h"

#include "base/array.h"
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

/* splitmix64: every run computes the same */
static uint64_t draw(uint64_t below)
{
    static uint64_t state;
    uint64_t z = state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (z ^ z >> 31) % below;
}

static void fill(uint8_t *to, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)draw(256);
}

/* Bytes of drawn length. */
struct drawn {
    uint8_t data[1024];
    keymat_bytes part;
};

static void draw_bytes(struct drawn *ret, size_t least, size_t most)
{
    ret->part = (keymat_bytes){ret->data, least + draw(most - least + 1)};
    fill(ret->data, ret->part.len);
}

static void say_drawn(const struct drawn *d)
{
    oracle_say_bytes(d->data, d->part.len);
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

/* What the exchanges of an SA bring, lengths as RFC 7296 2.10 and the groups allow. */
struct exchanged {
    struct drawn ni, nr, spi_i, spi_r, secret, new_secret;
};

static void say_exchanged(const struct exchanged *x)
{
    say_drawn(&x->ni);
    say_drawn(&x->nr);
    say_drawn(&x->spi_i);
    say_drawn(&x->spi_r);
    say_drawn(&x->secret);
    say_drawn(&x->new_secret);
}

static void assert_next(const uint8_t **at, const uint8_t *key, size_t len)
{
    assert_memory_equal(*at, key, len);
    *at += len;
}

static const uint8_t *check_child(const struct ike_keys *ike, const struct exchanged *x, const keymat_bytes *secret,
                                  const uint8_t *at)
{
    const size_t encr_len = (size_t)ike->encr->key_len + ike->encr->salt_len;
    const size_t integ_len = ike->integ ? ike->integ->key_len : 0;
    struct child_keys k;

    assert_int_equal(keymat_child(ike, secret, &x->ni.part, &x->nr.part, ike->encr, ike->integ, &k), 0);
    assert_next(&at, k.encr_i, encr_len);
    assert_next(&at, k.integ_i, integ_len);
    assert_next(&at, k.encr_r, encr_len);
    assert_next(&at, k.integ_r, integ_len);
    return at;
}

static void check_keys(const struct alg *alg, const struct alg *encr, const struct alg *integ,
                       const struct exchanged *x)
{
    const size_t encr_len = (size_t)encr->key_len + encr->salt_len, integ_len = integ ? integ->key_len : 0;
    uint8_t seed[ALG_PRF_MAX], wanted[ORACLE_ANSWER_MAX];
    const uint8_t *at = wanted;
    struct ike_keys k;

    oracle_say("keys %d %zu %zu", alg->id, encr_len, integ_len);
    say_exchanged(x);
    assert_int_equal(oracle_answer(wanted), (size_t)5 * alg->out_len + 6 * (encr_len + integ_len));
    assert_int_equal(keymat_seed(alg, &x->ni.part, &x->nr.part, &x->secret.part, seed), 0);
    assert_next(&at, seed, alg->out_len);
    assert_int_equal(
        keymat_ike(alg, encr, integ, seed, alg->out_len, &x->ni.part, &x->nr.part, x->spi_i.data, x->spi_r.data, &k),
        0);
    assert_next(&at, k.sk_d, alg->out_len);
    assert_next(&at, k.sk_ai, integ_len);
    assert_next(&at, k.sk_ar, integ_len);
    assert_next(&at, k.sk_ei, encr_len);
    assert_next(&at, k.sk_er, encr_len);
    assert_next(&at, k.sk_pi, alg->out_len);
    assert_next(&at, k.sk_pr, alg->out_len);
    at = check_child(&k, x, NULL, at);
    at = check_child(&k, x, &x->new_secret.part, at);
    assert_int_equal(keymat_seed_rekey(&k, &x->ni.part, &x->nr.part, &x->new_secret.part, seed), 0);
    assert_next(&at, seed, alg->out_len);
}

static void draw_and_check_keys(const struct alg *alg, const struct alg *encr, const struct alg *integ)
{
    for (size_t n = 0; n < TIMES; n++) {
        struct exchanged x;

        draw_bytes(&x.ni, 16, 256);
        draw_bytes(&x.nr, 16, 256);
        draw_bytes(&x.spi_i, IKE_SPI_LEN, IKE_SPI_LEN);
        draw_bytes(&x.spi_r, IKE_SPI_LEN, IKE_SPI_LEN);
        draw_bytes(&x.secret, 32, 1024);
        draw_bytes(&x.new_secret, 32, 1024);
        check_keys(alg, encr, integ, &x);
    }
}

/* SKEYSEED, SK_* and the keys of CHILD_SAs, for each PRF with each suite */
static void test_keys(void **state)
{
    const struct alg *alg, *encr, *integ;
    size_t i = 0;

    (void)state;
    if (!oracle_is_there())
        skip();
    while ((alg = alg_next(&i))) {
        size_t e = 0;

        while (alg->type == ALG_PRF && (encr = alg_next(&e))) {
            size_t k = 0;

            if (encr->type == ALG_ENCR && encr->aead)
                draw_and_check_keys(alg, encr, NULL);
            while (encr->type == ALG_ENCR && !encr->aead && (integ = alg_next(&k)))
                if (integ->type == ALG_INTEG)
                    draw_and_check_keys(alg, encr, integ);
        }
    }
}

static void check_auth(const struct alg *alg)
{
    struct drawn psk, message, nonce, sk_p, id;
    uint8_t got[ALG_PRF_MAX], wanted[ORACLE_ANSWER_MAX];

    draw_bytes(&psk, 1, 200);
    draw_bytes(&message, 200, 1024);
    draw_bytes(&nonce, 16, 256);
    draw_bytes(&sk_p, alg->out_len, alg->out_len);
    draw_bytes(&id, 5, 100);
    oracle_say("auth %d", alg->id);
    say_drawn(&psk);
    say_drawn(&message);
    say_drawn(&nonce);
    say_drawn(&sk_p);
    say_drawn(&id);
    assert_int_equal(oracle_answer(wanted), alg->out_len);
    assert_int_equal(keymat_psk_auth(alg, &psk.part, &message.part, &nonce.part, sk_p.data, &id.part, got), 0);
    assert_memory_equal(got, wanted, alg->out_len);
}

static void test_auth_with_a_psk(void **state)
{
    const struct alg *alg;
    size_t i = 0;

    (void)state;
    if (!oracle_is_there())
        skip();
    while ((alg = alg_next(&i)))
        for (size_t n = 0; alg->type == ALG_PRF && n < TIMES; n++)
            check_auth(alg);
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

static void test_dh(void **state)
{
    const struct alg *alg;
    size_t i = 0;

    (void)state;
    if (!oracle_is_there())
        skip();
    while ((alg = alg_next(&i)))
        for (size_t n = 0; alg->type == ALG_DH && n < 3; n++)
            check_dh(alg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seal), cmocka_unit_test(test_prf_plus),
        cmocka_unit_test(test_keys), cmocka_unit_test(test_auth_with_a_psk),
        cmocka_unit_test(test_dh),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
