/* The PRFs: vectors of the RFCs, and prf+ round by round. */
#include "engine/crypto/prf.h"

#include "base/array.h"
#include "tests/unit/hex.h"
#include "tests/unit/hmac_vectors.h"

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

static void check_vector(const struct hmac_vector *v)
{
    const struct alg *alg = alg_find(ALG_PRF, v->id, 0);
    uint8_t key[HMAC_INPUT_MAX], data[HMAC_INPUT_MAX], wanted[ALG_PRF_MAX], sum[ALG_PRF_MAX];
    const size_t key_len = hmac_bytes(&v->key, key);
    const struct prf_part part = {data, hmac_bytes(&v->data, data)};

    assert_int_equal(prf(alg, key, key_len, &part, 1, sum), 0);
    if (memcmp(sum, wanted, unhex(v->sum, wanted, sizeof(wanted))) != 0)
        fail_msg("%s, %s", alg->name, v->source);
}

static void test_vectors(void **state)
{
    const struct alg *alg;
    size_t pos = 0;

    (void)state;
    while ((alg = alg_next(&pos))) {
        size_t n = 0;

        for (size_t i = 0; alg->type == ALG_PRF && i < ARRAY_LEN(hmac_vectors); i++)
            if (hmac_vectors[i].type == ALG_PRF && hmac_vectors[i].id == alg->id) {
                check_vector(&hmac_vectors[i]);
                n++;
            }
        assert_int_equal(n, alg->type == ALG_PRF ? 7 : 0);
    }
}

static void test_parts_are_one_text(void **state)
{
    const struct prf_part parts[] = {
        text_part("what do "), text_part(""), {NULL, 0}, text_part("ya want for nothing?")};
    uint8_t wanted[32], sum[32];

    (void)state;
    /* RFC 4231 4.3 */
    (void)unhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", wanted, sizeof(wanted));
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
        cmocka_unit_test(test_parts_are_one_text),
        cmocka_unit_test(test_prf_plus_is_what_the_rfc_says),
        cmocka_unit_test(test_prf_plus_ends_after_255_rounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
