/* The keys of IKE_SAs and CHILD_SAs, by vectors of NIST's and by the formulas of the RFCs. */
#include "engine/crypto/keymat.h"

#include "base/array.h"
#include "tests/unit/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define VECTORS      "tests/vectors/ikev2/kdf.txt"
#define VECTORS_MAX  8
#define VECTOR_BYTES 384

struct bytes {
    uint8_t data[VECTOR_BYTES];
    size_t len;
};

/* DKM is what prf+ gives before it is cut into keys. */
struct kdf_vector {
    const struct alg *prf;
    struct bytes ni, nr, spi_i, spi_r, secret, secret_new, seed, dkm, child, child_dh, seed_rekey;
};

static const struct {
    const char *name;
    size_t at;
} fields[] = {
    {"ni", offsetof(struct kdf_vector, ni)},
    {"nr", offsetof(struct kdf_vector, nr)},
    {"spi_i", offsetof(struct kdf_vector, spi_i)},
    {"spi_r", offsetof(struct kdf_vector, spi_r)},
    {"g^ir", offsetof(struct kdf_vector, secret)},
    {"g^ir_new", offsetof(struct kdf_vector, secret_new)},
    {"skeyseed", offsetof(struct kdf_vector, seed)},
    {"dkm", offsetof(struct kdf_vector, dkm)},
    {"dkm_child", offsetof(struct kdf_vector, child)},
    {"dkm_child_dh", offsetof(struct kdf_vector, child_dh)},
    {"skeyseed_rekey", offsetof(struct kdf_vector, seed_rekey)},
};

static struct kdf_vector vectors[VECTORS_MAX];
static size_t n_vectors;

/* "prf NUMBER" begins a vector; "NAME DIGITS" are its fields. */
static void take_line(char *line)
{
    char *value = line;
    const char *name = strsep(&value, " ");

    assert_non_null(value);
    if (strcmp(name, "prf") == 0) {
        assert_true(n_vectors < VECTORS_MAX && value[0] >= '0' && value[1] == '\0');
        vectors[n_vectors++].prf = alg_find(ALG_PRF, (uint16_t)(value[0] - '0'), 0);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (strcmp(name, fields[i].name) == 0) {
            struct bytes *b = (struct bytes *)(void *)((char *)&vectors[n_vectors - 1] + fields[i].at);

            b->len = unhex(value, b->data, sizeof(b->data));
            return;
        }
    fail_msg("%s", name);
}

static int read_vectors(void **state)
{
    static char line[2 * VECTOR_BYTES + 32];
    FILE *f = fopen(VECTORS, "re");

    (void)state;
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '#' && line[0] != '\0')
            take_line(line);
    }
    (void)fclose(f);
    return 0;
}

static keymat_bytes part_of(const struct bytes *b)
{
    return (keymat_bytes){b->data, b->len};
}

/* The keys that a vector gives with these algorithms. */
static void keys_of(const struct kdf_vector *v, const struct alg *encr, const struct alg *integ, struct ike_keys *ret)
{
    const keymat_bytes ni = part_of(&v->ni), nr = part_of(&v->nr), secret = part_of(&v->secret);
    uint8_t seed[ALG_PRF_MAX];

    assert_int_equal(keymat_seed(v->prf, &ni, &nr, &secret, seed), 0);
    assert_int_equal(v->seed.len, v->prf->out_len);
    assert_memory_equal(seed, v->seed.data, v->seed.len);
    assert_int_equal(keymat_ike(v->prf, encr, integ, seed, v->seed.len, &ni, &nr, v->spi_i.data, v->spi_r.data, ret),
                     0);
}

/* Is what stands at *AT in ALL the same, as far as it goes? Goes on behind it. */
static void assert_next(const struct bytes *all, size_t *at, const uint8_t *key, size_t len)
{
    const size_t left = all->len - *at, n = len < left ? len : left;

    assert_memory_equal(all->data + *at, key, n);
    *at += n;
}

/* Runs CHECK for each vector with each suite: encryption and integrity, or an AEAD. */
static void for_each_suite(void (*check)(const struct kdf_vector *v, const struct alg *encr, const struct alg *integ))
{
    const struct alg *encr, *integ;

    assert_int_equal(n_vectors, 4);
    for (size_t i = 0; i < n_vectors; i++) {
        size_t e = 0;

        while ((encr = alg_next(&e))) {
            size_t k = 0;

            if (encr->type == ALG_ENCR && encr->aead)
                check(&vectors[i], encr, NULL);
            while (encr->type == ALG_ENCR && !encr->aead && (integ = alg_next(&k)))
                if (integ->type == ALG_INTEG)
                    check(&vectors[i], encr, integ);
        }
    }
}

/* RFC 7296 2.14; RFC 5282 7: no integrity keys with an AEAD, and a salt behind each encryption key. */
static void check_ike(const struct kdf_vector *v, const struct alg *encr, const struct alg *integ)
{
    const size_t encr_len = (size_t)encr->key_len + encr->salt_len, integ_len = integ ? integ->key_len : 0;
    struct ike_keys k;
    size_t at = 0;

    keys_of(v, encr, integ, &k);
    assert_next(&v->dkm, &at, k.sk_d, v->prf->out_len);
    assert_next(&v->dkm, &at, k.sk_ai, integ_len);
    assert_next(&v->dkm, &at, k.sk_ar, integ_len);
    assert_next(&v->dkm, &at, k.sk_ei, encr_len);
    assert_next(&v->dkm, &at, k.sk_er, encr_len);
    assert_next(&v->dkm, &at, k.sk_pi, v->prf->out_len);
    assert_next(&v->dkm, &at, k.sk_pr, v->prf->out_len);
    assert_true(at > (size_t)3 * v->prf->out_len || at == v->dkm.len);
}

static void test_keys_of_an_ike_sa(void **state)
{
    (void)state;
    for_each_suite(check_ike);
}

static void check_child_keys(const struct kdf_vector *v, const struct alg *encr, const struct alg *integ,
                             const struct bytes *new_secret, const struct bytes *wanted)
{
    const keymat_bytes ni = part_of(&v->ni), nr = part_of(&v->nr), secret = part_of(&v->secret_new);
    const size_t encr_len = (size_t)encr->key_len + encr->salt_len, integ_len = integ ? integ->key_len : 0;
    struct ike_keys ike;
    struct child_keys k;
    size_t at = 0;

    keys_of(v, encr, integ, &ike);
    assert_int_equal(keymat_child(&ike, new_secret ? &secret : NULL, &ni, &nr, encr, integ, &k), 0);
    assert_next(wanted, &at, k.encr_i, encr_len);
    assert_next(wanted, &at, k.integ_i, integ_len);
    assert_next(wanted, &at, k.encr_r, encr_len);
    assert_next(wanted, &at, k.integ_r, integ_len);
}

/* RFC 7296 2.17 */
static void check_child(const struct kdf_vector *v, const struct alg *encr, const struct alg *integ)
{
    check_child_keys(v, encr, integ, NULL, &v->child);
    check_child_keys(v, encr, integ, &v->secret_new, &v->child_dh);
}

static void test_keys_of_a_child_sa(void **state)
{
    (void)state;
    for_each_suite(check_child);
}

/* RFC 7296 2.18 */
static void test_seed_of_a_rekeyed_ike_sa(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_vectors; i++) {
        const struct kdf_vector *v = &vectors[i];
        const keymat_bytes ni = part_of(&v->ni), nr = part_of(&v->nr), secret = part_of(&v->secret_new);
        uint8_t seed[ALG_PRF_MAX];
        struct ike_keys k;

        keys_of(v, alg_find(ALG_ENCR, 12, 128), alg_find(ALG_INTEG, 2, 0), &k);
        assert_int_equal(keymat_seed_rekey(&k, &ni, &nr, &secret, seed), 0);
        assert_int_equal(v->seed_rekey.len, v->prf->out_len);
        assert_memory_equal(seed, v->seed_rekey.data, v->seed_rekey.len);
    }
}

/* RFC 7296 2.13: all that the vectors have of prf+, which is more than keys of SAs take. */
static void test_prf_plus(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_vectors; i++) {
        const struct kdf_vector *v = &vectors[i];
        const keymat_bytes parts[] = {part_of(&v->ni), part_of(&v->nr), part_of(&v->spi_i), part_of(&v->spi_r)};
        uint8_t all[VECTOR_BYTES];

        assert_true(v->dkm.len >= 132);
        assert_int_equal(prf_plus(v->prf, v->seed.data, v->seed.len, parts, ARRAY_LEN(parts), all, v->dkm.len), 0);
        assert_memory_equal(all, v->dkm.data, v->dkm.len);
    }
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
    struct ike_keys before, k;
    uint8_t wanted[20];
    const uint8_t *from[] = {before.sk_d, before.sk_pi, before.sk_pr}, *to[] = {k.sk_d, k.sk_pi, k.sk_pr};

    (void)state;
    keys_of(&vectors[0], alg_find(ALG_ENCR, 12, 128), alg_find(ALG_INTEG, 2, 0), &before);
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
        cmocka_unit_test(test_keys_of_a_child_sa),
        cmocka_unit_test(test_seed_of_a_rekeyed_ike_sa),
        cmocka_unit_test(test_prf_plus),
        cmocka_unit_test(test_auth_with_a_psk),
        cmocka_unit_test(test_mixes_a_ppk),
        cmocka_unit_test(test_wipes),
    };

    return cmocka_run_group_tests(tests, read_vectors, NULL);
}
