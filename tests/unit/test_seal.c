/* Encryption of packets: vectors of the RFCs, and no changed message passes. */
#include "engine/crypto/seal.h"

#include "base/array.h"
#include "engine/crypto/prf.h"
#include "tests/unit/hex.h"
#include "tests/unit/hmac_vectors.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX 512

/* A message with room for its parts. */
struct message {
    uint8_t aad[32], iv[ALG_IV_MAX], text[TEXT_MAX], tail[4], icv[ALG_ICV_MAX];
    struct seal_text t;
};

static void message_init(struct message *m)
{
    memset(m, 0, sizeof(*m));
    m->t = (struct seal_text){.aad = m->aad, .iv = m->iv, .text = m->text, .icv = m->icv};
}

static struct seal *new_seal(const struct alg *encr, const struct alg *integ)
{
    static uint8_t key[ALG_KEY_MAX + ALG_SALT_MAX], key_integ[ALG_KEY_MAX];
    struct seal *s = NULL;

    memset(key, 0x5a, sizeof(key));
    memset(key_integ, 0xa5, sizeof(key_integ));
    assert_int_equal(seal_new(encr, key, integ, integ ? key_integ : NULL, &s), 0);
    return s;
}

struct aead_vector {
    const char *name;
    uint16_t id, key_bits;
    const char *key; /* with the salt */
    uint64_t iv;
    const char *aad, *plain, *sealed, *icv;
};

static const struct aead_vector aead_vectors[] = {
    {"The Galois/Counter Mode of Operation (McGrew, Viega), test case 4", 20, 128,
     "feffe9928665731c6d6a8f9467308308 cafebabe", 0xfacedbaddecaf888, "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {"the same, test case 16", 20, 256, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308 cafebabe",
     0xfacedbaddecaf888, "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    {"draft-mcgrew-gcm-test-01, ESP with an ESN (RFC 4106)", 20, 128, "4c80cdefbb5d10da906ac73c3613a634 2e443b68",
     0x4956ed7e3b244cfe, "000043218765432100000000",
     "45000048699a000080114db7c0a80102c0a801010a9bf15638d3010000010000"
     "00000000045f736970045f756470037369700963796265726369747902646b00"
     "0021000101020201",
     "fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34"
     "cfa2436f14a3f3cf65925bf1f4a13c5d15b21e1884f5ff6247aeabb786b93bce"
     "61bc17d768fd9732",
     "459018148f6cbe722fd04796562dfdb4"},
    {"the same, ESP without one", 20, 256, "abbccddef00112233445566778899aababbccddef00112233445566778899aab 11223344",
     0x0102030405060708, "4a2cbfe300000002",
     "4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee000000000"
     "7002400020bf0000020405b40101040201020201",
     "ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763"
     "748a637985771d347f0545659f14e99def842d8e",
     "b335f4eecfdbf831824b4c4915956c96"},
    {"RFC 7634, appendix A", 28, 0, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f a0a1a2a3",
     0x1011121314151617, "0102030400000005",
     "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec10"
     "0007362708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223"
     "2425262728292a2b2c2d2e2f303132333435363701020204",
     "24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c6"
     "14ee8099d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9befe2facc638e8f3"
     "cbec163fac469b502773f6fb94e664da9165b82829f641e0",
     "76aaa8266b7fb0f7b11b369907e1ad43"},
    {"RFC 7634, appendix B", 28, 0, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f a0a1a2a3",
     0x1011121314151617, "c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d72e202500000000090000004529000029",
     "0000000c000040010000000a00", "610394701f8d017f7c12924889", "6b71bfe25236efd7cdc67066906315b2"},
};

static void check_aead(const struct aead_vector *v)
{
    uint8_t key[ALG_KEY_MAX + ALG_SALT_MAX], sealed[TEXT_MAX], plain[TEXT_MAX], icv[ALG_ICV_MAX];
    cleanup(seal_freep) struct seal *s = NULL;
    struct message m;

    message_init(&m);
    (void)unhex(v->key, key, sizeof(key));
    (void)unhex(v->sealed, sealed, sizeof(sealed));
    (void)unhex(v->icv, icv, sizeof(icv));
    m.t.text_len = unhex(v->plain, plain, sizeof(plain));
    memcpy(m.text, plain, m.t.text_len);
    m.t.aad_len = unhex(v->aad, m.aad, sizeof(m.aad));
    assert_int_equal(seal_new(alg_find(ALG_ENCR, v->id, v->key_bits), key, NULL, NULL, &s), 0);
    seal_encrypt(s, v->iv, &m.t);
    assert_memory_equal(m.text, sealed, m.t.text_len);
    assert_memory_equal(m.icv, icv, seal_icv_len(s));
    assert_int_equal(seal_decrypt(s, &m.t), 0);
    assert_memory_equal(m.text, plain, m.t.text_len);
}

static void test_aead_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(aead_vectors); i++)
        check_aead(&aead_vectors[i]);
}

static const struct {
    const char *source;
    uint16_t key_bits;
    const char *key, *iv, *plain, *sealed;
} cbc_vectors[] = {
    {"RFC 3602 4, case 1", 128, "06a9214036b8a15b512e03d534120006", "3dafba429d9eb430b422da802c9fac41",
     "53696e676c6520626c6f636b206d7367", "e353779c1079aeb82708942dbe77181a"},
    {"RFC 3602 4, case 2", 128, "c286696d887c9aa0611bbb3e2025a45a", "562e17996d093d28ddb3ba695a2e6f58",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1"},
    {"RFC 3602 4, case 3", 128, "6c3ea0477630ce21a2ce334aa746c2cd", "c782dc4c098c66cbd9cd27d825682c81",
     "5468697320697320612034382d62797465206d657373616765202865786163746c7920332041455320626c6f636b7329",
     "d0a02b3836451753d493665d33f0e8862dea54cdb293abc7506939276772f8d5021c19216bad525c8579695d83ba2684"},
    {"RFC 3602 4, case 4", 128, "56e47a38c5598974bc46903dba290349", "8ce82eefbea0da3c44699ed7db51b7d9",
     "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
     "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf",
     "c30e32ffedc0774e6aff6af0869f71aa0f3af07a9a31a9c684db207eb0ef8e4e"
     "35907aa632c3ffdf868bb7b29d3d46ad83ce9f9a102ee99d49a53e87f4c3da55"},
    {"NIST SP 800-38A, F.2.6", 256, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
     "000102030405060708090a0b0c0d0e0f",
     "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
     "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
     "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
     "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"},
};

/* The sources have no integrity: it is put under what they print. */
static void put_icv(struct message *m, const uint8_t key[static 32])
{
    const struct prf_part parts[] = {{m->iv, sizeof(m->iv)}, {m->text, m->t.text_len}};
    uint8_t sum[ALG_PRF_MAX];

    assert_int_equal(prf(alg_find(ALG_PRF, 5, 0), key, 32, parts, ARRAY_LEN(parts), sum), 0);
    memcpy(m->icv, sum, 16);
}

static void check_cbc(size_t i)
{
    const struct alg *encr = alg_find(ALG_ENCR, 12, cbc_vectors[i].key_bits);
    uint8_t key[ALG_KEY_MAX], key_integ[32] = {7}, plain[TEXT_MAX];
    cleanup(seal_freep) struct seal *s = NULL;
    struct message m;

    message_init(&m);
    assert_int_equal(unhex(cbc_vectors[i].key, key, sizeof(key)), encr->key_len);
    (void)unhex(cbc_vectors[i].iv, m.iv, sizeof(m.iv));
    m.t.text_len = unhex(cbc_vectors[i].sealed, m.text, sizeof(m.text));
    assert_int_equal(unhex(cbc_vectors[i].plain, plain, sizeof(plain)), m.t.text_len);
    put_icv(&m, key_integ);
    assert_int_equal(seal_new(encr, key, alg_find(ALG_INTEG, 12, 0), key_integ, &s), 0);
    assert_int_equal(seal_decrypt(s, &m.t), 0);
    if (memcmp(m.text, plain, m.t.text_len) != 0)
        fail_msg("%s", cbc_vectors[i].source);
}

static void test_cbc_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cbc_vectors); i++)
        check_cbc(i);
}

/* The data of a vector as a packet: it ends with whole blocks of cipher text, with the IV in front of them. */
static void check_icv(const struct hmac_vector *v)
{
    const struct alg *integ = alg_find(ALG_INTEG, v->id, 0);
    uint8_t key[HMAC_INPUT_MAX], data[HMAC_INPUT_MAX], key_encr[16] = {9};
    const size_t len = hmac_bytes(&v->data, data);
    cleanup(seal_freep) struct seal *s = NULL;
    struct message m;

    message_init(&m);
    m.t.aad_len = len % ALG_BLOCK_MAX;
    m.t.text_len = len - m.t.aad_len - sizeof(m.iv);
    memcpy(m.aad, data, m.t.aad_len);
    memcpy(m.iv, data + m.t.aad_len, sizeof(m.iv));
    memcpy(m.text, data + m.t.aad_len + sizeof(m.iv), m.t.text_len);
    assert_int_equal(unhex(v->sum, m.icv, sizeof(m.icv)), integ->icv_len);
    assert_int_equal(hmac_bytes(&v->key, key), integ->key_len);
    assert_int_equal(seal_new(alg_find(ALG_ENCR, 12, 128), key_encr, integ, key, &s), 0);
    if (seal_decrypt(s, &m.t) != 0)
        fail_msg("%s, %s", integ->name, v->source);
}

static void test_icv_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hmac_vectors); i++)
        if (hmac_vectors[i].type == ALG_INTEG)
            check_icv(&hmac_vectors[i]);
}

static bool has_vector(const struct alg *alg)
{
    for (size_t i = 0; i < ARRAY_LEN(aead_vectors); i++)
        if (alg_find(ALG_ENCR, aead_vectors[i].id, aead_vectors[i].key_bits) == alg)
            return true;
    for (size_t i = 0; i < ARRAY_LEN(cbc_vectors); i++)
        if (alg_find(ALG_ENCR, 12, cbc_vectors[i].key_bits) == alg)
            return true;
    for (size_t i = 0; i < ARRAY_LEN(hmac_vectors); i++)
        if (alg_find(hmac_vectors[i].type, hmac_vectors[i].id, 0) == alg)
            return true;
    return false;
}

static void test_no_algorithm_is_without_a_vector(void **state)
{
    const struct alg *alg;
    size_t pos = 0;

    (void)state;
    while ((alg = alg_next(&pos)))
        if ((alg->type == ALG_ENCR || alg->type == ALG_INTEG) && !has_vector(alg))
            fail_msg("%s %u", alg->name, alg->key_bits);
}

/* Runs CHECK for each encryption with each integrity algorithm that goes with it. */
static void for_each_pair(void (*check)(const struct alg *encr, const struct alg *integ))
{
    const struct alg *encr, *integ;
    size_t i = 0;

    while ((encr = alg_next(&i))) {
        size_t k = 0;

        if (encr->type == ALG_ENCR && encr->aead)
            check(encr, NULL);
        while (encr->type == ALG_ENCR && !encr->aead && (integ = alg_next(&k)))
            if (integ->type == ALG_INTEG)
                check(encr, integ);
    }
}

static void fill(struct message *m, const struct seal *s, size_t text_len)
{
    message_init(m);
    m->t.aad_len = 8;
    m->t.text_len = text_len;
    memset(m->aad, 1, sizeof(m->aad));
    for (size_t i = 0; i < text_len; i++)
        m->text[i] = (uint8_t)i;
    if (seal_block(s) > 1) { /* the high half of an ESN */
        m->t.tail = m->tail;
        m->t.tail_len = sizeof(m->tail);
    }
}

static void check_round_trip(const struct alg *encr, const struct alg *integ)
{
    cleanup(seal_freep) struct seal *out = new_seal(encr, integ);
    cleanup(seal_freep) struct seal *in = new_seal(encr, integ);
    struct message m, before;

    for (uint64_t counter = 0; counter < 20; counter++) {
        fill(&m, out, (size_t)counter * 16);
        before = m;
        seal_encrypt(out, counter, &m.t);
        if (counter > 0)
            assert_memory_not_equal(m.text, before.text, m.t.text_len);
        assert_int_equal(seal_decrypt(in, &m.t), 0);
        assert_memory_equal(m.text, before.text, TEXT_MAX); /* and nothing was written behind it */
    }
}

static void test_round_trips(void **state)
{
    (void)state;
    for_each_pair(check_round_trip);
}

static void check_flip(struct seal *s, const struct message *sealed, size_t offset)
{
    struct message m = *sealed;

    m.t = (struct seal_text){
        .aad = m.aad, .iv = m.iv, .text = m.text, .icv = m.icv, .aad_len = 8, .text_len = sealed->t.text_len};
    if (sealed->t.tail) {
        m.t.tail = m.tail;
        m.t.tail_len = sealed->t.tail_len;
    }
    assert_int_equal(seal_decrypt(s, &m.t), 0);
    memcpy(&m, sealed, offsetof(struct message, t));
    ((uint8_t *)&m)[offset] ^= 0x10;
    assert_int_equal(seal_decrypt(s, &m.t), -EBADMSG);
}

static void check_changed_bytes(const struct alg *encr, const struct alg *integ)
{
    cleanup(seal_freep) struct seal *s = new_seal(encr, integ);
    struct message m;

    fill(&m, s, 48);
    seal_encrypt(s, 7, &m.t);
    for (size_t i = 0; i < 8; i++)
        check_flip(s, &m, offsetof(struct message, aad) + i);
    for (size_t i = 0; i < seal_iv_len(s); i++)
        check_flip(s, &m, offsetof(struct message, iv) + i);
    for (size_t i = 0; i < 48; i++)
        check_flip(s, &m, offsetof(struct message, text) + i);
    for (size_t i = 0; i < m.t.tail_len; i++)
        check_flip(s, &m, offsetof(struct message, tail) + i);
    for (size_t i = 0; i < seal_icv_len(s); i++)
        check_flip(s, &m, offsetof(struct message, icv) + i);
}

static void test_a_changed_byte_does_not_verify(void **state)
{
    (void)state;
    for_each_pair(check_changed_bytes);
}

/* Equal plain texts give other IVs and other cipher texts; an IV of CBC does not show the counter. */
static void check_counters(const struct alg *encr, const struct alg *integ)
{
    cleanup(seal_freep) struct seal *s = new_seal(encr, integ);
    struct message a, b;

    fill(&a, s, 32);
    fill(&b, s, 32);
    seal_encrypt(s, 1, &a.t);
    seal_encrypt(s, 2, &b.t);
    assert_memory_not_equal(a.iv, b.iv, seal_iv_len(s));
    assert_memory_not_equal(a.text, b.text, 32);
    if (!encr->aead)
        assert_memory_not_equal(a.iv, b.iv, 8);
}

static void test_counters_make_ivs(void **state)
{
    (void)state;
    for_each_pair(check_counters);
}

static void test_a_part_of_a_block_does_not_verify(void **state)
{
    cleanup(seal_freep) struct seal *s = new_seal(alg_find(ALG_ENCR, 12, 128), alg_find(ALG_INTEG, 12, 0));
    struct message m;

    (void)state;
    fill(&m, s, 32);
    seal_encrypt(s, 1, &m.t);
    m.t.text_len = 31;
    assert_int_equal(seal_decrypt(s, &m.t), -EBADMSG);
}

static void test_refuses_what_does_not_go_together(void **state)
{
    const struct alg *cbc = alg_find(ALG_ENCR, 12, 128), *gcm = alg_find(ALG_ENCR, 20, 128);
    const struct alg *sha = alg_find(ALG_INTEG, 12, 0), *prf = alg_find(ALG_PRF, 5, 0);
    const uint8_t key[ALG_KEY_MAX + ALG_SALT_MAX] = {0};
    struct seal *s = NULL;

    (void)state;
    assert_int_equal(seal_new(cbc, key, NULL, NULL, &s), -EINVAL); /* never without integrity */
    assert_int_equal(seal_new(cbc, key, sha, NULL, &s), -EINVAL);
    assert_int_equal(seal_new(gcm, key, sha, key, &s), -EINVAL);
    assert_int_equal(seal_new(cbc, key, prf, key, &s), -EINVAL);
    assert_int_equal(seal_new(sha, key, NULL, NULL, &s), -EINVAL);
    assert_int_equal(seal_new(NULL, key, sha, key, &s), -EINVAL);
    assert_null(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aead_vectors),
        cmocka_unit_test(test_cbc_vectors),
        cmocka_unit_test(test_icv_vectors),
        cmocka_unit_test(test_no_algorithm_is_without_a_vector),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_a_changed_byte_does_not_verify),
        cmocka_unit_test(test_counters_make_ivs),
        cmocka_unit_test(test_a_part_of_a_block_does_not_verify),
        cmocka_unit_test(test_refuses_what_does_not_go_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
