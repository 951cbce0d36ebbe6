/* The table of algorithms: found by number and by keyword, and each row whole. */
#include "engine/crypto/alg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *name_of(enum alg_type type, const char *keyword)
{
    const struct alg *a = alg_by_keyword(type, keyword);

    return a ? a->name : "none";
}

static void test_finds_by_number(void **state)
{
    (void)state;
    assert_string_equal(alg_find(ALG_ENCR, 20, 256)->keyword, "aes256gcm16");
    assert_string_equal(alg_find(ALG_ENCR, 28, 0)->name, "CHACHA20_POLY1305");
    assert_string_equal(alg_find(ALG_DH, 19, 0)->name, "ECP_256");
    assert_string_equal(alg_find(ALG_INTEG, 2, 0)->name, "HMAC_SHA1_96");
    assert_string_equal(alg_find(ALG_PRF, 2, 0)->name, "PRF_HMAC_SHA1");
}

/* RFC 7296 3.3.5: AES without the attribute, and others with one, are transforms that nobody knows. */
static void test_a_key_length_must_be_there_and_right(void **state)
{
    (void)state;
    assert_null(alg_find(ALG_ENCR, 12, 0));
    assert_null(alg_find(ALG_ENCR, 12, 192));
    assert_null(alg_find(ALG_ENCR, 28, 256));
    assert_null(alg_find(ALG_INTEG, 12, 256));
    assert_null(alg_find(ALG_ENCR, 3, 0)); /* 3DES */
    assert_null(alg_find(ALG_DH, 1, 0));
    assert_null(alg_find(ALG_DH, 0, 0));
}

static void test_finds_by_keyword(void **state)
{
    (void)state;
    assert_string_equal(name_of(ALG_INTEG, "sha256"), "HMAC_SHA2_256_128");
    assert_string_equal(name_of(ALG_PRF, "sha256"), "PRF_HMAC_SHA2_256");
    assert_string_equal(name_of(ALG_PRF, "prfsha256"), "PRF_HMAC_SHA2_256");
    assert_string_equal(name_of(ALG_INTEG, "prfsha256"), "none");
    assert_string_equal(name_of(ALG_INTEG, "sha2_512"), "HMAC_SHA2_512_256");
    assert_string_equal(name_of(ALG_DH, "x25519"), "CURVE_25519");
    assert_string_equal(name_of(ALG_DH, "modp2048s256"), "MODP_2048_256");
    assert_string_equal(name_of(ALG_DH, "aes128"), "none");
    assert_string_equal(name_of(ALG_ESN, "esn"), "EXT_SEQ");
    assert_string_equal(name_of(ALG_DH, ""), "none");
    assert_int_equal(alg_by_keyword(ALG_ENCR, "aes")->key_bits, 128);
    assert_int_equal(alg_by_keyword(ALG_ENCR, "aes256gcm128")->key_bits, 256);
}

static void test_only_the_two_small_groups_are_legacy(void **state)
{
    const struct alg *a;
    size_t pos = 0;

    (void)state;
    while ((a = alg_next(&pos)))
        assert_int_equal(a->legacy, a->type == ALG_DH && (a->id == 2 || a->id == 5));
}

static void test_every_row_is_whole(void **state)
{
    const struct alg *a;
    size_t pos = 0, n = 0;

    (void)state;
    for (; (a = alg_next(&pos)); n++) {
        assert_ptr_equal(alg_find(a->type, a->id, a->key_bits), a);
        assert_ptr_equal(alg_by_keyword(a->type, a->keyword), a);
        assert_true(a->key_len <= ALG_KEY_MAX && a->salt_len <= ALG_SALT_MAX && a->block <= ALG_BLOCK_MAX);
        assert_true(a->iv_len <= ALG_IV_MAX && a->icv_len <= ALG_ICV_MAX && a->out_len <= ALG_PRF_MAX);
        assert_int_equal(a->type == ALG_ENCR, a->block > 0 && a->iv_len > 0);
        assert_int_equal(a->type == ALG_PRF, a->out_len > 0);
        assert_int_equal(a->type == ALG_INTEG || a->aead, a->icv_len > 0);
        assert_int_equal(a->aead, a->salt_len > 0);
    }
    assert_int_equal(n, 5 + 4 + 4 + 15 + 2);
    assert_null(alg_next(&pos));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_by_number),    cmocka_unit_test(test_a_key_length_must_be_there_and_right),
        cmocka_unit_test(test_finds_by_keyword),   cmocka_unit_test(test_only_the_two_small_groups_are_legacy),
        cmocka_unit_test(test_every_row_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
