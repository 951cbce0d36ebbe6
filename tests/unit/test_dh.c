/* Key exchange: the numbers of the RFCs, and no value of the peer that would give the secret away. */
#include "engine/crypto/dh.h"

#include "base/array.h"
#include "tests/unit/dh_vectors.h"
#include "tests/unit/hex.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
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

/* RFC 3526 3: the prime of group 14, of which p - 1 has order 2 and p - 2 is a good value. */
static void test_modp_knows_the_end_of_the_range(void **state)
{
    static const char prime[] =
        "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a0879"
        "8e3404ddef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b"
        "0bff5cb6f406b7edee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da4836"
        "1c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804"
        "f1746c08ca18217c32905e462e36ce3be39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6"
        "955817183995497cea956ae515d2261898fa051015728e5a8aacaa68ffffffffffffffff";
    cleanup(dh_freep) struct dh *d = new_pair(14);
    uint8_t value[DH_PUBLIC_MAX], secret[DH_SECRET_MAX];
    size_t len = unhex(prime, value, sizeof(value)), secret_len = 0;

    (void)state;
    assert_int_equal(len, 256);
    assert_refused(d, value, len);
    value[len - 1] = 0xfe; /* p - 1 */
    assert_refused(d, value, len);
    value[len - 1] = 0xfd; /* p - 2 */
    assert_int_equal(dh_secret(d, value, len, secret, &secret_len), 0);
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
