/* Proposals: read as swanctl.conf has them, chosen from a peer's, and checked as an answer. */
#include "engine/ike/proposals.h"

#include "base/array.h"
#include "engine/wire/ikev2.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static char error[256];

static struct proposals of(uint8_t protocol, const char *a, const char *b)
{
    struct proposals ps = {.n = 0};

    if (proposals_parse(protocol, a, true, &ps, error, sizeof(error)) != 0)
        fail_msg("%s: %s", a, error);
    if (b && proposals_parse(protocol, b, true, &ps, error, sizeof(error)) != 0)
        fail_msg("%s: %s", b, error);
    return ps;
}

static struct proposals ike(const char *a, const char *b)
{
    return of(PROTO_IKE, a, b);
}

static struct proposals esp(const char *a, const char *b)
{
    return of(PROTO_ESP, a, b);
}

static void add(struct proposals *ps, uint8_t type, uint16_t id, uint16_t key_bits)
{
    struct proposal *p = &ps->p[0];

    p->transforms[p->n_transforms++] = (struct transform){type, id, key_bits};
}

static void drop(struct proposals *ps, uint8_t type)
{
    proposals_without_dh(ps, ps);
    for (size_t i = 0; i < ps->p[0].n_transforms; i++)
        if (ps->p[0].transforms[i].type == type)
            ps->p[0].transforms[i] = ps->p[0].transforms[--ps->p[0].n_transforms];
}

static const char *text(const struct proposal *p)
{
    static char buf[PROPOSALS_TEXT_MAX];

    return proposal_text(p, buf);
}

/* What is chosen of PEER for OURS, as text; "none". */
static const char *choice(struct proposals peer, struct proposals ours)
{
    struct suite s;
    struct proposal p;

    return proposals_choose(&peer, &ours, NULL, &s, &p) ? text(&p) : "none";
}

static void test_reads_proposals_of_ike(void **state)
{
    static const struct {
        const char *text, *printed;
    } rows[] = {
        {"aes128-sha256-ecp256", "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256"},
        {"aes256-sha1-sha512-modp2048",
         "IKE:AES_CBC_256/HMAC_SHA1_96/HMAC_SHA2_512_256/PRF_HMAC_SHA1/PRF_HMAC_SHA2_512/MODP_2048"},
        {"aes128-sha1-prfsha384-x25519", "IKE:AES_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA2_384/CURVE_25519"},
        {"aes256gcm16-prfsha384-ecp384", "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384"},
        /* with an AEAD an integrity algorithm only names the PRF */
        {"aes128gcm16-sha256-modp2048", "IKE:AES_GCM_16_128/PRF_HMAC_SHA2_256/MODP_2048"},
        {"chacha20poly1305-prfsha512-curve448", "IKE:CHACHA20_POLY1305/PRF_HMAC_SHA2_512/CURVE_448"},
        {"aes128-aes128-sha256-ecp256-ecp256", "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256"},
        {"aes128-sha256-modpnone-ecp256", "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256"},
        {"aes-sha-modp2048s256", "IKE:AES_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_2048_256"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(text(&ike(rows[i].text, NULL).p[0]), rows[i].printed);
}

static void test_reads_proposals_of_esp(void **state)
{
    static const struct {
        const char *text, *printed;
    } rows[] = {
        {"aes128-sha256", "ESP:AES_CBC_128/HMAC_SHA2_256_128/NO_EXT_SEQ"},
        {"aes256gcm16-ecp384", "ESP:AES_GCM_16_256/ECP_384/NO_EXT_SEQ"},
        {"aes128gcm16-esn-noesn", "ESP:AES_GCM_16_128/EXT_SEQ/NO_EXT_SEQ"},
        {"aes128gcm16-prfsha256-esn", "ESP:AES_GCM_16_128/EXT_SEQ"},
        {"aes128-sha1-ecp256-modpnone", "ESP:AES_CBC_128/HMAC_SHA1_96/ECP_256/NONE/NO_EXT_SEQ"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(text(&esp(rows[i].text, NULL).p[0]), rows[i].printed);
}

static void test_refuses_by_name(void **state)
{
    static const struct {
        uint8_t protocol;
        const char *text, *error;
    } rows[] = {
        {PROTO_IKE, "aes192-sha256-ecp256", "'aes192' is not an algorithm of this engine"},
        {PROTO_IKE, "aes128-sha256-ecp257", "'ecp257' is not an algorithm of this engine"},
        {PROTO_IKE, "AES128-sha256-ecp256", "'AES128' is not an algorithm of this engine"},
        {PROTO_IKE, "aes128--ecp256", "a word of the proposal is missing"},
        {PROTO_IKE, "", "a word of the proposal is missing"},
        {PROTO_IKE, "aes128-", "a word of the proposal is missing"},
        {PROTO_IKE, "aes128-a123456789a123456789a123456789a123456789", "a word of the proposal is too long"},
        {PROTO_IKE, "aes128gcm16-ecp256", "the proposal has no PRF"},
        {PROTO_IKE, "sha256-ecp256", "the proposal has no encryption algorithm"},
        {PROTO_IKE, "aes128-prfsha256-ecp256", "the proposal has no integrity algorithm"},
        {PROTO_IKE, "aes128-sha256", "the proposal has no key exchange group"},
        {PROTO_IKE, "aes128-sha256-modpnone", "the proposal has no key exchange group"},
        {PROTO_IKE, "aes128-sha256-ecp256-esn", "'esn' has no meaning in a proposal of IKE"},
        {PROTO_IKE, "aes128-aes128gcm16-sha256-ecp256", "AEAD and other encryption algorithms cannot share a proposal"},
        {PROTO_IKE, "aes128-sha1-modp1024", "'modp1024' is weak and needs allow-legacy"},
        {PROTO_ESP, "aes128-sha1-modp1536", "'modp1536' is weak and needs allow-legacy"},
        {PROTO_ESP, "aes128", "the proposal has no integrity algorithm"},
        {PROTO_ESP, "aes128-chacha20poly1305-sha256", "AEAD and other encryption algorithms cannot share a proposal"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct proposals ps = {.n = 0};

        assert_int_equal(proposals_parse(rows[i].protocol, rows[i].text, false, &ps, error, sizeof(error)), -EINVAL);
        assert_string_equal(error, rows[i].error);
        assert_int_equal(ps.n, 0);
    }
}

static void test_weak_groups_need_allow_legacy(void **state)
{
    struct proposals ps = {.n = 0};

    (void)state;
    assert_int_equal(proposals_parse(PROTO_IKE, "aes128-sha1-modp1024", true, &ps, error, sizeof(error)), 0);
    assert_int_equal(proposals_parse(PROTO_IKE, "aes128-sha1-modp1024s160", false, &ps, error, sizeof(error)), 0);
    assert_int_equal(ps.n, 2);
    assert_int_equal(ps.p[0].number, 1);
    assert_int_equal(ps.p[1].number, 2);
}

static void test_the_number_of_proposals_is_bounded(void **state)
{
    struct proposals ps = {.n = 0};

    (void)state;
    for (size_t i = 0; i < PROPOSALS_MAX - 1; i++)
        assert_int_equal(proposals_parse(PROTO_ESP, "aes128gcm16", false, &ps, error, sizeof(error)), 0);
    assert_int_equal(proposals_parse(PROTO_ESP, "default", false, &ps, error, sizeof(error)), -ENOSPC);
    assert_int_equal(ps.n, PROPOSALS_MAX - 1);
    assert_string_equal(error, "there are too many proposals or algorithms in one");
}

/* AWS takes the lowest value that both have: nothing weak may be offered unasked. */
static void test_the_defaults_are_narrow(void **state)
{
    static const char *const want[] = {
        "IKE:AES_GCM_16_128/AES_GCM_16_256/PRF_HMAC_SHA2_256/PRF_HMAC_SHA2_384/ECP_256/ECP_384/MODP_2048",
        ("IKE:AES_CBC_128/AES_CBC_256/HMAC_SHA2_256_128/HMAC_SHA2_384_192/PRF_HMAC_SHA2_256/PRF_HMAC_SHA2_384/"
         "ECP_256/ECP_384/MODP_2048"),
        "ESP:AES_GCM_16_128/AES_GCM_16_256/NO_EXT_SEQ",
        "ESP:AES_CBC_128/AES_CBC_256/HMAC_SHA2_256_128/HMAC_SHA2_384_192/NO_EXT_SEQ",
    };
    struct proposals ps;

    (void)state;
    proposals_default(PROTO_IKE, &ps);
    assert_int_equal(ps.n, 2);
    assert_string_equal(text(&ps.p[0]), want[0]);
    assert_string_equal(text(&ps.p[1]), want[1]);
    ps = esp("default", "aes128-sha1");
    assert_int_equal(ps.n, 3);
    assert_string_equal(text(&ps.p[0]), want[2]);
    assert_string_equal(text(&ps.p[1]), want[3]);
    assert_int_equal(ps.p[2].number, 3);
}

/* RFC 7296 2.7: one of the peer's proposals, its number, one transform of each type. */
static void test_chooses_the_first_of_the_peers(void **state)
{
    struct proposals peer = ike("aes256gcm16-prfsha384-ecp384", "aes256-aes128-sha1-sha256-modp2048-ecp256");
    struct proposals ours = ike("aes128-sha256-ecp256", "aes256gcm16-prfsha384-ecp384");
    struct suite s;
    struct proposal p;

    (void)state;
    assert_true(proposals_choose(&peer, &ours, NULL, &s, &p));
    assert_string_equal(text(&p), "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384");
    assert_int_equal(p.number, 1);
    assert_string_equal(s.encr->keyword, "aes256gcm16");
    assert_null(s.integ);
    assert_string_equal(s.prf->keyword, "prfsha384");
    assert_string_equal(s.dh->keyword, "ecp384");

    ours = ike("aes128-sha256-ecp256", NULL);
    assert_true(proposals_choose(&peer, &ours, NULL, &s, &p));
    assert_int_equal(p.number, 2);
    assert_string_equal(text(&p), "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256");
    assert_string_equal(s.integ->keyword, "sha256");
}

static void test_nothing_in_common_is_no_proposal_chosen(void **state)
{
    static const char *const ours[] = {"aes256-sha256-ecp256", "aes128-sha384-ecp256", "aes128-sha256-prfsha1-ecp256",
                                       "aes128-sha256-ecp384", "aes128gcm16-prfsha256-ecp256"};

    (void)state;
    assert_string_equal(choice(ike("aes128-sha256-ecp256", NULL), ike("aes128-sha256-ecp256", NULL)),
                        "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256");
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        assert_string_equal(choice(ike("aes128-sha256-ecp256", NULL), ike(ours[i], NULL)), "none");
    assert_string_equal(choice(ike("aes128gcm16-prfsha256-ecp256", NULL), esp("aes128gcm16", NULL)), "none");
}

/* RFC 7296 1.2: a KE payload that was guessed right spares a round trip. */
static void test_prefers_the_group_of_the_ke_payload(void **state)
{
    struct proposals peer = ike("aes128-sha256-ecp384-modp2048", NULL),
                     ours = ike("aes128-sha256-ecp384-modp2048", NULL);
    struct suite s;
    struct proposal p;

    (void)state;
    assert_true(proposals_choose(&peer, &ours, alg_by_keyword(ALG_DH, "modp2048"), &s, &p));
    assert_string_equal(s.dh->keyword, "modp2048");
    assert_true(proposals_choose(&peer, &ours, alg_by_keyword(ALG_DH, "ecp256"), &s, &p));
    assert_string_equal(s.dh->keyword, "ecp384");
}

/* RFC 7296 3.3.6: what is not known is no choice, but does not spoil the others; an unknown type does. */
static void test_unknown_transforms_are_no_choice(void **state)
{
    struct proposals peer = ike("aes128-sha256-ecp256", NULL), ours = ike("aes128-sha256-ecp256", NULL);

    (void)state;
    add(&peer, ALG_ENCR, 12, 192);
    add(&peer, ALG_ENCR, 12, 0);
    add(&peer, ALG_PRF, 999, 0);
    add(&peer, ALG_DH, 1031, 0);
    assert_string_equal(choice(peer, ours), "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256");
    add(&peer, 6, 36, 0);
    assert_string_equal(choice(peer, ours), "none");
}

static void test_the_key_length_must_be_equal(void **state)
{
    struct proposals peer = esp("aes128gcm16", NULL), ours = esp("aes128gcm16", NULL);

    (void)state;
    peer.p[0].transforms[0].key_bits = 0;
    assert_string_equal(choice(peer, ours), "none");
    peer.p[0].transforms[0].key_bits = 256;
    assert_string_equal(choice(peer, ours), "none");
}

static void test_none_is_as_absent(void **state)
{
    struct proposals peer = esp("aes128gcm16", NULL), ours = esp("aes128gcm16", NULL);

    (void)state;
    add(&peer, ALG_INTEG, 0, 0);
    add(&peer, ALG_DH, 0, 0);
    assert_string_equal(choice(peer, ours), "ESP:AES_GCM_16_128/NO_EXT_SEQ");
    add(&peer, ALG_DH, 19, 0); /* or ECP_256 */
    assert_string_equal(choice(peer, ours), "ESP:AES_GCM_16_128/NO_EXT_SEQ");
    assert_string_equal(choice(esp("aes128gcm16", NULL), esp("aes128gcm16-ecp256-modpnone", NULL)),
                        "ESP:AES_GCM_16_128/NO_EXT_SEQ");
    assert_string_equal(choice(esp("aes128gcm16", NULL), esp("aes128gcm16-ecp256", NULL)), "none");
    assert_string_equal(choice(esp("aes128gcm16-ecp256", NULL), esp("aes128gcm16", NULL)), "none");
    drop(&peer, ALG_ESN);
    assert_string_equal(choice(peer, ours), "ESP:AES_GCM_16_128");
    assert_string_equal(choice(peer, esp("aes128gcm16-esn", NULL)), "none");
}

static void test_integrity_beside_an_aead_is_not_answered(void **state)
{
    struct proposals peer = ike("aes128gcm16-prfsha256-ecp256", NULL);

    (void)state;
    add(&peer, ALG_INTEG, 12, 0);
    assert_string_equal(choice(peer, ike("aes128gcm16-prfsha256-ecp256", NULL)),
                        "IKE:AES_GCM_16_128/PRF_HMAC_SHA2_256/ECP_256");
}

static void test_esn_is_agreed_on(void **state)
{
    struct proposals peer = esp("aes128gcm16-esn-noesn", NULL), ours = esp("aes128gcm16-noesn-esn", NULL);
    struct suite s;
    struct proposal p;

    (void)state;
    assert_true(proposals_choose(&peer, &ours, NULL, &s, &p));
    assert_false(s.esn);
    ours = esp("aes128gcm16-esn", NULL);
    assert_true(proposals_choose(&peer, &ours, NULL, &s, &p));
    assert_true(s.esn);
    assert_string_equal(choice(esp("aes128gcm16-noesn", NULL), esp("aes128gcm16-esn", NULL)), "none");
}

/* RFC 7296 1.2: there is no key exchange in IKE_AUTH. */
static void test_ike_auth_is_without_groups(void **state)
{
    struct proposals ps = esp("aes128gcm16-ecp256-ecp384", "aes128-sha256-modp2048"), without;

    (void)state;
    proposals_without_dh(&ps, &without);
    assert_string_equal(text(&without.p[0]), "ESP:AES_GCM_16_128/NO_EXT_SEQ");
    assert_string_equal(text(&without.p[1]), "ESP:AES_CBC_128/HMAC_SHA2_256_128/NO_EXT_SEQ");
    assert_string_equal(proposals_first_dh(&ps)->keyword, "ecp256");
    assert_null(proposals_first_dh(&without));
    assert_true(proposals_have_dh(&ps, 14));
    assert_false(proposals_have_dh(&ps, 15));
    assert_false(proposals_have_dh(&without, 14));
    assert_string_equal(choice(without, esp("aes128-sha256", NULL)), "ESP:AES_CBC_128/HMAC_SHA2_256_128/NO_EXT_SEQ");
}

static void test_sets_the_spi_of_all(void **state)
{
    static const uint8_t spi[ESP_SPI_LEN] = {1, 2, 3, 4};
    struct proposals ps = esp("default", NULL);

    (void)state;
    proposals_set_spi(&ps, spi, sizeof(spi));
    for (size_t i = 0; i < ps.n; i++) {
        assert_int_equal(ps.p[i].spi_len, sizeof(spi));
        assert_memory_equal(ps.p[i].spi, spi, sizeof(spi));
    }
}

static void test_accepts_one_choice_of_ours(void **state)
{
    struct proposals ours = ike("default", NULL), answer = ike("aes256-sha384-ecp384", NULL);
    struct suite s;

    (void)state;
    answer.p[0].number = 2;
    assert_true(proposals_accept(&answer, &ours, &s));
    assert_string_equal(s.encr->keyword, "aes256");
    assert_string_equal(s.integ->keyword, "sha384");
    assert_string_equal(s.prf->keyword, "prfsha384");
    assert_string_equal(s.dh->keyword, "ecp384");
}

/* A downgrade, two choices, or part of one: not what was offered. */
static void test_refuses_what_was_not_offered(void **state)
{
    static const char *const answers[] = {
        "aes128-sha1-modp2048",
        "aes128-sha256-modp3072",
        "aes128-sha256-ecp256-ecp384",
        "aes128-aes256-sha256-ecp256",
        "aes128-sha256-sha384-ecp256",
        "aes128gcm16-prfsha512-ecp256",
        "aes128-sha256-prfsha384-sha384-ecp256",
    };
    struct proposals ours = ike("default", NULL), answer;
    struct suite s;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        answer = ike(answers[i], NULL);
        assert_false(proposals_accept(&answer, &ours, &s));
    }
    answer = ike("aes128-sha256-ecp256", "aes128-sha256-ecp256");
    assert_false(proposals_accept(&answer, &ours, &s));
    answer = ike("aes128gcm16-prfsha256-ecp256", NULL);
    add(&answer, ALG_INTEG, 12, 0); /* not offered with an AEAD */
    assert_false(proposals_accept(&answer, &ours, &s));
    answer = ike("aes128-sha256-ecp256", NULL);
    drop(&answer, ALG_DH);
    assert_false(proposals_accept(&answer, &ours, &s));
    answer = ike("aes128-sha256-ecp256", NULL);
    add(&answer, ALG_DH, 19, 0); /* twice */
    assert_false(proposals_accept(&answer, &ours, &s));
    answer.n = 0;
    assert_false(proposals_accept(&answer, &ours, &s));
}

static void test_an_answer_may_say_none(void **state)
{
    struct proposals ours = esp("aes128gcm16-noesn", NULL), answer = esp("aes128gcm16", NULL);
    struct suite s;

    (void)state;
    add(&answer, ALG_INTEG, 0, 0);
    add(&answer, ALG_DH, 0, 0);
    assert_true(proposals_accept(&answer, &ours, &s));
    assert_null(s.dh);
    assert_null(s.integ);
    answer = esp("aes128gcm16-ecp256", NULL);
    assert_false(proposals_accept(&answer, &ours, &s));
}

static void test_a_long_text_is_cut(void **state)
{
    struct proposals ps = {.n = 1, .p = {{.protocol = PROTO_ESP}}};

    (void)state;
    for (uint16_t i = 0; i < TRANSFORMS_MAX; i++)
        add(&ps, ALG_ENCR, (uint16_t)(60000 + i), 256);
    assert_int_equal(strlen(text(&ps.p[0])), PROPOSALS_TEXT_MAX - 1);
    assert_int_equal(strncmp(text(&ps.p[0]), "ESP:UNKNOWN_1_60000_256/UNKNOWN_1_60001_256/", 44), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_proposals_of_ike),
        cmocka_unit_test(test_reads_proposals_of_esp),
        cmocka_unit_test(test_refuses_by_name),
        cmocka_unit_test(test_weak_groups_need_allow_legacy),
        cmocka_unit_test(test_the_number_of_proposals_is_bounded),
        cmocka_unit_test(test_the_defaults_are_narrow),
        cmocka_unit_test(test_chooses_the_first_of_the_peers),
        cmocka_unit_test(test_nothing_in_common_is_no_proposal_chosen),
        cmocka_unit_test(test_prefers_the_group_of_the_ke_payload),
        cmocka_unit_test(test_unknown_transforms_are_no_choice),
        cmocka_unit_test(test_the_key_length_must_be_equal),
        cmocka_unit_test(test_none_is_as_absent),
        cmocka_unit_test(test_integrity_beside_an_aead_is_not_answered),
        cmocka_unit_test(test_esn_is_agreed_on),
        cmocka_unit_test(test_ike_auth_is_without_groups),
        cmocka_unit_test(test_sets_the_spi_of_all),
        cmocka_unit_test(test_accepts_one_choice_of_ours),
        cmocka_unit_test(test_refuses_what_was_not_offered),
        cmocka_unit_test(test_an_answer_may_say_none),
        cmocka_unit_test(test_a_long_text_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
