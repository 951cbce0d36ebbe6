/* The PRFs: vectors of the RFCs, and prf+ round by round. */
#include "engine/crypto/prf.h"

#include "base/array.h"
#include "tests/unit/hex.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct prf_part text_part(const char *text)
{
    return (struct prf_part){(const uint8_t *)text, strlen(text)};
}

static const struct {
    uint16_t id;
    const char *key, *data, *sum;
} vectors[] = {
    /* RFC 2202 3, case 1 and 2 */
    {2, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"},
    {2, "4a656665", "what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    /* RFC 4231 4.2 and 4.3 */
    {5, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {5, "4a656665", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {6, "4a656665", "what do ya want for nothing?",
     "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"},
    {7, "4a656665", "what do ya want for nothing?",
     "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
     "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
    /* RFC 4868 2.7.1, the first of its PRF vectors */
    {5, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There",
     "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7"},
};

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        const struct alg *alg = alg_find(ALG_PRF, vectors[i].id, 0);
        const struct prf_part part = text_part(vectors[i].data);
        uint8_t key[64], wanted[ALG_PRF_MAX], sum[ALG_PRF_MAX];
        size_t key_len = unhex(vectors[i].key, key, sizeof(key));

        assert_int_equal(unhex(vectors[i].sum, wanted, sizeof(wanted)), alg->out_len);
        assert_int_equal(prf(alg, key, key_len, &part, 1, sum), 0);
        assert_memory_equal(sum, wanted, alg->out_len);
    }
}

/* RFC 4231 4.7: a key that is longer than a block is hashed first. */
static void test_takes_long_keys(void **state)
{
    const struct prf_part part = text_part("Test Using Larger Than Block-Size Key - Hash Key First");
    uint8_t key[131], wanted[32], sum[32];

    (void)state;
    memset(key, 0xaa, sizeof(key));
    (void)unhex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", wanted, sizeof(wanted));
    assert_int_equal(prf(alg_find(ALG_PRF, 5, 0), key, sizeof(key), &part, 1, sum), 0);
    assert_memory_equal(sum, wanted, sizeof(wanted));
}

static void test_parts_are_one_text(void **state)
{
    const struct prf_part parts[] = {
        text_part("what do "), text_part(""), {NULL, 0}, text_part("ya want for nothing?")};
    uint8_t wanted[32], sum[32];

    (void)state;
    (void)unhex(vectors[3].sum, wanted, sizeof(wanted));
    assert_int_equal(prf(alg_find(ALG_PRF, 5, 0), (const uint8_t *)"Jefe", 4, parts, ARRAY_LEN(parts), sum), 0);
    assert_memory_equal(sum, wanted, sizeof(wanted));
}

/* RFC 7296 2.13, written out with prf() alone. */
static void test_prf_plus_is_what_the_rfc_says(void **state)
{
    const struct alg *alg = alg_find(ALG_PRF, 2, 0);
    const uint8_t *key = (const uint8_t *)"key";
    const struct prf_part seed[] = {text_part("se"), text_part("ed")};
    uint8_t t[3][20], all[50];

    (void)state;
    for (uint8_t i = 0; i < 3; i++) {
        const uint8_t count = (uint8_t)(i + 1);
        const struct prf_part parts[] = {{i > 0 ? t[i - 1] : NULL, i > 0 ? 20 : 0}, text_part("seed"), {&count, 1}};

        assert_int_equal(prf(alg, key, 3, parts, ARRAY_LEN(parts), t[i]), 0);
    }
    assert_int_equal(prf_plus(alg, key, 3, seed, ARRAY_LEN(seed), all, sizeof(all)), 0);
    assert_memory_equal(all, t, sizeof(all));
}

static void test_prf_plus_ends_after_255_rounds(void **state)
{
    const struct alg *alg = alg_find(ALG_PRF, 2, 0);
    const struct prf_part seed = text_part("seed");
    static uint8_t all[255 * 20 + 1];

    (void)state;
    assert_int_equal(prf_plus(alg, (const uint8_t *)"key", 3, &seed, 1, all, sizeof(all)), -EMSGSIZE);
    assert_int_equal(prf_plus(alg, (const uint8_t *)"key", 3, &seed, 1, all, sizeof(all) - 1), 0);
    assert_int_equal(all[sizeof(all) - 1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_takes_long_keys),
        cmocka_unit_test(test_parts_are_one_text),
        cmocka_unit_test(test_prf_plus_is_what_the_rfc_says),
        cmocka_unit_test(test_prf_plus_ends_after_255_rounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
