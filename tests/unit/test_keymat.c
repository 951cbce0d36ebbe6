/* The keys of IKE_SAs and CHILD_SAs, by a vector of NIST's and by the formulas of the RFCs. */
#include "engine/crypto/keymat.h"

#include "base/array.h"
#include "tests/unit/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* NIST CAVP, SP 800-135 KDF for IKEv2, SHA-1. DKM is what prf+ gives before it is cut into keys. */
static const struct {
    const char *secret, *secret_new, *ni, *nr, *spi_i, *spi_r, *seed, *dkm, *child, *child_dh, *seed_rekey;
} nist = {
    .secret = "4b2c1f971981a8ad8d0abeafabf38cf75fc8349c148142465ed9c8b516b8be52",
    .secret_new = "863f3c9d06efd39d2b907b97f8699e5dd5251ef64a2a176f36ee40c87d4f9330",
    .ni = "32b50d5f4a3763f3",
    .nr = "9206a04b26564cb1",
    .spi_i = "34c9e7c188868785",
    .spi_r = "3ff77d760d2b2199",
    .seed = "a9a7b222b59f8f48645f28a1db5b5f5d7479cba7",
    .dkm = "a14293677cc80ff8f9cc0eee30d895da9d8f405666e30ef0dfcb63c634a46002a2a63080e514a062768b76606f9fa5e992204fc5"
           "a670bde3f10d6b027113936a5c55b648a194ae587b0088d52204b702c979fa280870d2ed41efa9c549fd11198af1670b143d384b"
           "d275c5f594cf266b05ebadca855e4249520a441a81157435a7a56cc4",
    .child = "8059e3ee8810e6c3a91bc8bcd2a7a41151b8d0e6ae239c7b38093ad85ef4c5811a8e7b5d1cdabd9560b2d5e092d1f24e2d4b85ec"
             "cdf0ad0dc9abd94b51ee71814ca6dbc8bb51b6309f5b9545c7eb35cf5580b1e521a8fe20754a2d883ba0c2cf285f524aea6545b3"
             "3106bc03e614296d319d41d4b50b3f510b1c0a22f3e664994d234cb4",
    .child_dh = "bb43244c1860ad65ee1e211ffe8bb3661750c8f89cb9f547df7f4fa61d37301628190e38c66232eab4b3ab14c400a5197dd373"
                "0ed4820a8a10394d51e1c0400052f63ebd36b0e7ef53aaed31eba4a5080d7d4b5666023a8bbb5ffb7857240f9a05884d1b7d2f"
                "933708450b7b3288f1fc863ab49fa901227cffc06e27899c7054d56fd74c",
    .seed_rekey = "63e81194946ebd05df7df5ebf5d8750056bf1f1d",
};

struct bytes {
    uint8_t data[256];
    keymat_bytes b;
};

static const keymat_bytes *bytes_of(struct bytes *to, const char *hex)
{
    to->b = (keymat_bytes){to->data, unhex(hex, to->data, sizeof(to->data))};
    return &to->b;
}

/* The keys that NIST's vector gives with these algorithms, and the nonces in NI and NR. */
static void nist_keys(const struct alg *encr, const struct alg *integ, struct bytes *ni, struct bytes *nr,
                      struct ike_keys *ret)
{
    const struct alg *sha1 = alg_find(ALG_PRF, 2, 0);
    struct bytes secret, spi_i, spi_r, wanted;
    uint8_t seed[20];

    (void)bytes_of(ni, nist.ni);
    (void)bytes_of(nr, nist.nr);
    (void)bytes_of(&spi_i, nist.spi_i);
    (void)bytes_of(&spi_r, nist.spi_r);
    (void)bytes_of(&wanted, nist.seed);
    assert_int_equal(keymat_seed(sha1, &ni->b, &nr->b, bytes_of(&secret, nist.secret), seed), 0);
    assert_memory_equal(seed, wanted.data, sizeof(seed));
    assert_int_equal(keymat_ike(sha1, encr, integ, seed, sizeof(seed), &ni->b, &nr->b, spi_i.data, spi_r.data, ret), 0);
}

/* Is what stands at *AT in ALL the same? Goes on behind it. */
static void assert_next(const struct bytes *all, size_t *at, const uint8_t *key, size_t len)
{
    assert_true(*at + len <= all->b.len);
    assert_memory_equal(all->data + *at, key, len);
    *at += len;
}

static void test_keys_of_an_ike_sa(void **state)
{
    struct bytes ni, nr, dkm;
    struct ike_keys k;
    size_t at = 0;

    (void)state;
    nist_keys(alg_find(ALG_ENCR, 12, 128), alg_find(ALG_INTEG, 2, 0), &ni, &nr, &k);
    (void)bytes_of(&dkm, nist.dkm);
    assert_next(&dkm, &at, k.sk_d, 20);
    assert_next(&dkm, &at, k.sk_ai, 20);
    assert_next(&dkm, &at, k.sk_ar, 20);
    assert_next(&dkm, &at, k.sk_ei, 16);
    assert_next(&dkm, &at, k.sk_er, 16);
    assert_next(&dkm, &at, k.sk_pi, 20);
    assert_next(&dkm, &at, k.sk_pr, 20);
    assert_int_equal(at, 132);
}

/* RFC 5282 7: no integrity keys, and a salt behind each encryption key. */
static void test_keys_of_an_ike_sa_with_an_aead(void **state)
{
    struct bytes ni, nr, dkm;
    struct ike_keys k;
    size_t at = 0;

    (void)state;
    nist_keys(alg_find(ALG_ENCR, 20, 128), NULL, &ni, &nr, &k);
    (void)bytes_of(&dkm, nist.dkm);
    assert_next(&dkm, &at, k.sk_d, 20);
    assert_next(&dkm, &at, k.sk_ei, 20);
    assert_next(&dkm, &at, k.sk_er, 20);
    assert_next(&dkm, &at, k.sk_pi, 20);
    assert_next(&dkm, &at, k.sk_pr, 20);
}

static void check_child(const struct alg *encr, const struct alg *integ, const char *secret_hex, const char *wanted)
{
    struct bytes ni, nr, secret, all;
    struct ike_keys ike;
    struct child_keys k;
    size_t at = 0;

    nist_keys(alg_find(ALG_ENCR, 12, 128), alg_find(ALG_INTEG, 2, 0), &ni, &nr, &ike);
    (void)bytes_of(&all, wanted);
    assert_int_equal(
        keymat_child(&ike, secret_hex ? bytes_of(&secret, secret_hex) : NULL, &ni.b, &nr.b, encr, integ, &k), 0);
    assert_next(&all, &at, k.encr_i, (size_t)encr->key_len + encr->salt_len);
    assert_next(&all, &at, k.integ_i, integ ? integ->key_len : 0);
    assert_next(&all, &at, k.encr_r, (size_t)encr->key_len + encr->salt_len);
    assert_next(&all, &at, k.integ_r, integ ? integ->key_len : 0);
}

static void test_keys_of_a_child_sa(void **state)
{
    (void)state;
    check_child(alg_find(ALG_ENCR, 12, 256), alg_find(ALG_INTEG, 12, 0), NULL, nist.child);
    check_child(alg_find(ALG_ENCR, 20, 256), NULL, NULL, nist.child);
    check_child(alg_find(ALG_ENCR, 12, 256), alg_find(ALG_INTEG, 12, 0), nist.secret_new, nist.child_dh);
    check_child(alg_find(ALG_ENCR, 28, 0), NULL, nist.secret_new, nist.child_dh);
}

static void test_seed_of_a_rekeyed_ike_sa(void **state)
{
    struct bytes ni, nr, secret, wanted;
    struct ike_keys k;
    uint8_t seed[20];

    (void)state;
    nist_keys(alg_find(ALG_ENCR, 12, 128), alg_find(ALG_INTEG, 2, 0), &ni, &nr, &k);
    (void)bytes_of(&wanted, nist.seed_rekey);
    assert_int_equal(keymat_seed_rekey(&k, &ni.b, &nr.b, bytes_of(&secret, nist.secret_new), seed), 0);
    assert_memory_equal(seed, wanted.data, sizeof(seed));
}

/* RFC 7296 2.15, with numbers from python3's hmac. */
static void test_auth_with_a_psk(void **state)
{
    static const uint8_t sk_p[32] = {7};
    const keymat_bytes psk = {(const uint8_t *)"secret", 6}, message = {(const uint8_t *)"message", 7};
    const keymat_bytes nonce = {(const uint8_t *)"nonce", 5}, id = {(const uint8_t *)"\1\0\0\0\300\0\2\1", 8};
    uint8_t auth[32], wanted[32];

    (void)state;
    (void)unhex("64230cc4defc098e0a931e2412ce35199e0bd3ef032796fd3897a12fd9c5f8b5", wanted, sizeof(wanted));
    assert_int_equal(keymat_psk_auth(alg_find(ALG_PRF, 5, 0), &psk, &message, &nonce, sk_p, &id, auth), 0);
    assert_memory_equal(auth, wanted, sizeof(auth));
    (void)unhex("b6c252e37ade9a458b2313e33b312242515c4a706ac15bc1ac84e52dc52e6d30", wanted, sizeof(wanted));
    assert_int_equal(keymat_maced_id(alg_find(ALG_PRF, 5, 0), sk_p, &id, auth), 0);
    assert_memory_equal(auth, wanted, sizeof(auth));
}

/* RFC 8784 3: three keys change, by prf+ with the PPK as key; those of the packets do not. */
static void test_mixes_a_ppk(void **state)
{
    const struct alg *sha1 = alg_find(ALG_PRF, 2, 0);
    const keymat_bytes ppk = {(const uint8_t *)"post-quantum", 12};
    struct bytes ni, nr;
    struct ike_keys before, k;
    uint8_t wanted[20];
    const uint8_t *from[] = {before.sk_d, before.sk_pi, before.sk_pr}, *to[] = {k.sk_d, k.sk_pi, k.sk_pr};

    (void)state;
    nist_keys(alg_find(ALG_ENCR, 12, 128), alg_find(ALG_INTEG, 2, 0), &ni, &nr, &before);
    k = before;
    assert_int_equal(keymat_mix_ppk(&k, &ppk), 0);
    for (size_t i = 0; i < ARRAY_LEN(from); i++) {
        const uint8_t one = 1;
        const struct prf_part parts[] = {{from[i], 20}, {&one, 1}};

        assert_int_equal(prf(sha1, ppk.data, ppk.len, parts, ARRAY_LEN(parts), wanted), 0);
        assert_memory_equal(to[i], wanted, sizeof(wanted));
    }
    assert_memory_equal(k.sk_ei, before.sk_ei, sizeof(k.sk_ei));
    assert_memory_equal(k.sk_ar, before.sk_ar, sizeof(k.sk_ar));
}

static void test_wipes(void **state)
{
    static const struct ike_keys nothing;
    static const struct child_keys no_child;
    struct ike_keys k;
    struct child_keys c;

    (void)state;
    memset(&k, 1, sizeof(k));
    memset(&c, 1, sizeof(c));
    ike_keys_wipe(&k);
    child_keys_wipe(&c);
    assert_memory_equal(&k, &nothing, sizeof(k));
    assert_memory_equal(&c, &no_child, sizeof(c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_of_an_ike_sa),
        cmocka_unit_test(test_keys_of_an_ike_sa_with_an_aead),
        cmocka_unit_test(test_keys_of_a_child_sa),
        cmocka_unit_test(test_seed_of_a_rekeyed_ike_sa),
        cmocka_unit_test(test_auth_with_a_psk),
        cmocka_unit_test(test_mixes_a_ppk),
        cmocka_unit_test(test_wipes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
