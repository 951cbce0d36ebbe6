/* Key exchange: the numbers of the RFCs, and no value of the peer that would give the secret away. */
#include "engine/crypto/dh.h"

#include "base/array.h"
#include "tests/unit/dh_vectors.h"
#include "tests/unit/hex.h"

#include <errno.h>
#include <openssl/bn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct dh *new_pair(uint16_t id)
{
    struct dh *d = NULL;

    assert_int_equal(dh_new(alg_find(ALG_DH, id, 0), &d), 0);
    return d;
}

static void check_side(const struct dh_vector *v, const char *private, const char *public, const char *peer)
{
    const struct alg *alg = alg_find(ALG_DH, v->id, 0);
    uint8_t own[DH_PRIVATE_MAX], wanted[DH_PUBLIC_MAX], other[DH_PUBLIC_MAX], secret[DH_SECRET_MAX];
    cleanup(dh_freep) struct dh *d = NULL;
    size_t other_len, len = 0;

    assert_int_equal(dh_new_private(alg, own, unhex(private, own, sizeof(own)), &d), 0);
    assert_int_equal(dh_public_len(alg), unhex(public, wanted, sizeof(wanted)));
    assert_memory_equal(dh_public(d), wanted, dh_public_len(alg));
    other_len = unhex(peer, other, sizeof(other));
    assert_int_equal(dh_secret(d, other, other_len, secret, &len), 0);
    assert_int_equal(len, unhex(v->secret, wanted, sizeof(wanted)));
    assert_memory_equal(secret, wanted, len);
}

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(dh_vectors); i++) {
        const struct dh_vector *v = &dh_vectors[i];

        check_side(v, v->private_i, v->public_i, v->public_r);
        check_side(v, v->private_r, v->public_r, v->public_i);
    }
}

static void check_agreement(const struct alg *alg)
{
    cleanup(dh_freep) struct dh *a = new_pair(alg->id);
    cleanup(dh_freep) struct dh *b = new_pair(alg->id);
    uint8_t sa[DH_SECRET_MAX], sb[DH_SECRET_MAX];
    size_t la = 0, lb = 0;

    assert_ptr_equal(dh_alg(a), alg);
    assert_memory_not_equal(dh_public(a), dh_public(b), dh_public_len(alg));
    assert_int_equal(dh_secret(a, dh_public(b), dh_public_len(alg), sa, &la), 0);
    assert_int_equal(dh_secret(b, dh_public(a), dh_public_len(alg), sb, &lb), 0);
    assert_int_equal(la, lb);
    assert_memory_equal(sa, sb, la);
}

static void test_two_sides_agree_in_every_group(void **state)
{
    const struct alg *alg;
    size_t pos = 0;

    (void)state;
    while ((alg = alg_next(&pos)))
        if (alg->type == ALG_DH)
            check_agreement(alg);
}

/* Is PEER refused, and are the outputs left alone? */
static void assert_refused(const struct dh *d, const uint8_t *peer, size_t peer_len)
{
    uint8_t secret[DH_SECRET_MAX] = {0}, nothing[DH_SECRET_MAX] = {0};
    size_t len = 4711;

    assert_int_equal(dh_secret(d, peer, peer_len, secret, &len), -EBADMSG);
    assert_memory_equal(secret, nothing, sizeof(secret));
    assert_int_equal(len, 4711);
}

static void test_refuses_other_lengths(void **state)
{
    const struct alg *alg;
    uint8_t value[DH_PUBLIC_MAX + 1];
    size_t pos = 0;

    (void)state;
    memset(value, 9, sizeof(value));
    while ((alg = alg_next(&pos))) {
        cleanup(dh_freep) struct dh *d = alg->type == ALG_DH ? new_pair(alg->id) : NULL;

        if (!d)
            continue;
        assert_refused(d, value, 0);
        assert_refused(d, value, dh_public_len(alg) - 1);
        assert_refused(d, value, dh_public_len(alg) + 1);
    }
}

/* RFC 6989 2.1 */
static void test_modp_refuses_0_1_and_what_is_too_great(void **state)
{
    static const uint16_t groups[] = {2, 5, 14, 15, 16, 17, 18, 22, 23, 24};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        cleanup(dh_freep) struct dh *d = new_pair(groups[i]);
        const size_t len = dh_public_len(dh_alg(d));
        uint8_t value[DH_PUBLIC_MAX] = {0};

        assert_refused(d, value, len);
        value[len - 1] = 1;
        assert_refused(d, value, len);
        memset(value, 0xff, len); /* over the prime */
        assert_refused(d, value, len);
    }
}

/* What fits a sum of powers of two and pi: the groups of RFC 7296 B.1 and B.2 (2 and 5) and of RFC 3526 2 to 7. */
static const struct {
    uint16_t id;
    int bits;
    unsigned long add;
} modp_primes[] = {
    {2, 1024, 129093},  {5, 1536, 741804},  {14, 2048, 124476},  {15, 3072, 1690314},
    {16, 4096, 240904}, {17, 6144, 929484}, {18, 8192, 4743158},
};

/* RET += FACTOR * 2^BITS * arctan (1/N), with errors below 2^16. */
static void add_arctan(BIGNUM *ret, int factor, int bits, BN_ULONG n)
{
    BIGNUM *power = BN_new(), *term = BN_new();

    assert_int_equal(BN_lshift(power, BN_value_one(), bits), 1);
    (void)BN_div_word(power, n);
    assert_int_equal(BN_mul_word(power, (BN_ULONG)abs(factor)), 1);
    for (BN_ULONG k = 1; !BN_is_zero(power); k += 2) {
        assert_non_null(BN_copy(term, power));
        (void)BN_div_word(term, k);
        assert_int_equal((k % 4 == 1) == (factor > 0) ? BN_add(ret, ret, term) : BN_sub(ret, ret, term), 1);
        (void)BN_div_word(power, n * n);
    }
    BN_free(power);
    BN_free(term);
}

/* 2^BITS - 2^(BITS-64) - 1 + 2^64 * ([2^(BITS-130) pi] + ADD), with pi by Machin's formula. */
static void prime_of(int bits, unsigned long add, uint8_t *ret)
{
    const int guard = 64;
    BIGNUM *p = BN_new(), *power = BN_new();

    add_arctan(p, 16, bits - 130 + guard, 5);
    add_arctan(p, -4, bits - 130 + guard, 239);
    assert_int_equal(BN_rshift(p, p, guard), 1);
    assert_int_equal(BN_add_word(p, add), 1);
    assert_int_equal(BN_lshift(p, p, 64), 1);
    assert_int_equal(BN_sub_word(p, 1), 1);
    assert_int_equal(BN_lshift(power, BN_value_one(), bits) & BN_add(p, p, power), 1);
    assert_int_equal(BN_lshift(power, BN_value_one(), bits - 64) & BN_sub(p, p, power), 1);
    assert_int_equal(BN_bn2binpad(p, ret, bits / 8), bits / 8);
    BN_free(p);
    BN_free(power);
}

/* 2 to the power of BITS is 2^BITS - p modulo p: the public value shows the prime and the generator. */
static void test_modp_primes_are_those_of_the_formulas(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(modp_primes); i++) {
        const size_t len = (size_t)modp_primes[i].bits / 8;
        const uint8_t exponent[] = {(uint8_t)(modp_primes[i].bits >> 8), (uint8_t)modp_primes[i].bits};
        uint8_t prime[DH_PUBLIC_MAX], sum = 0;
        unsigned carry = 0;
        cleanup(dh_freep) struct dh *d = NULL;

        prime_of(modp_primes[i].bits, modp_primes[i].add, prime);
        assert_int_equal(dh_new_private(alg_find(ALG_DH, modp_primes[i].id, 0), exponent, sizeof(exponent), &d), 0);
        assert_int_equal(dh_public_len(dh_alg(d)), len);
        for (size_t k = len; k > 0; k--) {
            carry += (unsigned)prime[k - 1] + dh_public(d)[k - 1];
            sum |= (uint8_t)carry;
            carry >>= 8;
        }
        assert_int_equal(sum, 0);
        assert_int_equal(carry, 1);
    }
}

/* RFC 6989 2.1: p - 1 has order 2, and p - 2 is a good value. */
static void test_modp_knows_the_end_of_the_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(modp_primes); i++) {
        cleanup(dh_freep) struct dh *d = new_pair(modp_primes[i].id);
        const size_t len = dh_public_len(dh_alg(d));
        uint8_t value[DH_PUBLIC_MAX], secret[DH_SECRET_MAX];
        size_t secret_len = 0;

        prime_of(modp_primes[i].bits, modp_primes[i].add, value);
        assert_refused(d, value, len);
        value[len - 1] = 0xfe; /* p - 1 */
        assert_refused(d, value, len);
        value[len - 1] = 0xfd; /* p - 2 */
        assert_int_equal(dh_secret(d, value, len, secret, &secret_len), 0);
    }
}

static bool has_vector(uint16_t id)
{
    for (size_t i = 0; i < ARRAY_LEN(dh_vectors); i++)
        if (dh_vectors[i].id == id)
            return true;
    for (size_t i = 0; i < ARRAY_LEN(modp_primes); i++)
        if (modp_primes[i].id == id)
            return true;
    return false;
}

static void test_no_group_is_without_a_vector(void **state)
{
    const struct alg *alg;
    size_t pos = 0;

    (void)state;
    while ((alg = alg_next(&pos)))
        if (alg->type == ALG_DH && !has_vector(alg->id))
            fail_msg("%s", alg->name);
}

/* RFC 6989 2.2: a value of the right range that is not in the subgroup. 2 is in none of the three. */
static void test_modp_refuses_values_of_another_order(void **state)
{
    (void)state;
    for (uint16_t id = 22; id <= 24; id++) {
        cleanup(dh_freep) struct dh *d = new_pair(id);
        uint8_t value[DH_PUBLIC_MAX] = {0};

        value[dh_public_len(dh_alg(d)) - 1] = 2;
        assert_refused(d, value, dh_public_len(dh_alg(d)));
    }
}

/* RFC 6989 2.3 */
static void test_ecp_refuses_points_that_are_not_on_the_curve(void **state)
{
    (void)state;
    for (uint16_t id = 19; id <= 21; id++) {
        cleanup(dh_freep) struct dh *d = new_pair(id);
        cleanup(dh_freep) struct dh *other = new_pair(id);
        const size_t len = dh_public_len(dh_alg(d));
        uint8_t value[DH_PUBLIC_MAX] = {0};

        assert_refused(d, value, len);
        memset(value, 0xff, len); /* coordinates over the prime */
        assert_refused(d, value, len);
        memcpy(value, dh_public(other), len);
        value[len - 1] ^= 1;
        assert_refused(d, value, len);
    }
}

/* RFC 7748 6, RFC 8031 4: points of small order give zeros. */
static void test_curves_refuse_points_of_small_order(void **state)
{
    cleanup(dh_freep) struct dh *d25519 = new_pair(31);
    cleanup(dh_freep) struct dh *d448 = new_pair(32);
    uint8_t value[56] = {0};

    (void)state;
    assert_refused(d25519, value, 32);
    assert_refused(d448, value, 56);
    value[0] = 1;
    assert_refused(d25519, value, 32);
    assert_refused(d448, value, 56);
    /* A point of order 8, https://cr.yp.to/ecdh.html#validate */
    (void)unhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800", value, sizeof(value));
    assert_refused(d25519, value, 32);
}

static void test_refuses_private_values_that_are_none(void **state)
{
    const uint8_t zero[66] = {0}, one[1] = {1};
    uint8_t great[256];
    struct dh *d = NULL;

    (void)state;
    memset(great, 0xff, sizeof(great));
    assert_int_equal(dh_new_private(alg_find(ALG_DH, 14, 0), zero, sizeof(zero), &d), -ERANGE);
    assert_int_equal(dh_new_private(alg_find(ALG_DH, 14, 0), one, sizeof(one), &d), -ERANGE);
    assert_int_equal(dh_new_private(alg_find(ALG_DH, 14, 0), great, sizeof(great), &d), -ERANGE);
    assert_int_equal(dh_new_private(alg_find(ALG_DH, 19, 0), zero, 32, &d), -ERANGE);
    assert_int_equal(dh_new_private(alg_find(ALG_DH, 19, 0), great, 32, &d), -ERANGE);
    assert_int_equal(dh_new_private(alg_find(ALG_DH, 31, 0), great, 31, &d), -ERANGE);
    assert_int_equal(dh_new(alg_find(ALG_PRF, 5, 0), &d), -EOPNOTSUPP);
    assert_int_equal(dh_public_len(alg_find(ALG_PRF, 5, 0)), 0);
    assert_null(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_modp_primes_are_those_of_the_formulas),
        cmocka_unit_test(test_no_group_is_without_a_vector),
        cmocka_unit_test(test_two_sides_agree_in_every_group),
        cmocka_unit_test(test_refuses_other_lengths),
        cmocka_unit_test(test_modp_refuses_0_1_and_what_is_too_great),
        cmocka_unit_test(test_modp_knows_the_end_of_the_range),
        cmocka_unit_test(test_modp_refuses_values_of_another_order),
        cmocka_unit_test(test_ecp_refuses_points_that_are_not_on_the_curve),
        cmocka_unit_test(test_curves_refuse_points_of_small_order),
        cmocka_unit_test(test_refuses_private_values_that_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
