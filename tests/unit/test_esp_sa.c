/* ESP packets as two peers see them: sealed, opened, changed on the way, sent twice, and at the end of the numbers. */
#include "engine/esp/sa.h"

#include "engine/esp/sa_state.h"
#include "tests/unit/esp_packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#define SPI 0xC1234567
#define TOP (UINT64_C(1) << 32)

static const uint8_t keys[ALG_KEY_MAX + ALG_SALT_MAX] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

static struct esp_sa *out, *in; /* of the test that runs */

struct kind {
    uint16_t encr, key_bits, integ;
    bool esn;
};

static const struct kind kinds[] = {
    {20, 128, 0, false}, {20, 256, 0, true},   {28, 0, 0, false},    {28, 0, 0, true},
    {12, 128, 2, false}, {12, 256, 12, false}, {12, 128, 14, false}, {12, 256, 12, true},
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct esp_config config_of(const struct kind *k)
{
    struct esp_config c = {
        .spi = SPI,
        .encr = alg_find(ALG_ENCR, k->encr, k->key_bits),
        .integ = k->integ ? alg_find(ALG_INTEG, k->integ, 0) : NULL,
        .key_encr = keys,
        .key_integ = k->integ ? keys : NULL,
        .esn = k->esn,
        .window = 64,
    };

    assert_non_null(c.encr);
    return c;
}

static int forget(void **state)
{
    (void)state;
    out = esp_sa_free(out);
    in = esp_sa_free(in);
    return 0;
}

static void make(const struct kind *k)
{
    struct esp_config c = config_of(k);

    (void)forget(NULL);
    assert_int_equal(esp_sa_new(&c, &out), 0);
    assert_int_equal(esp_sa_new(&c, &in), 0);
}

/* Seals an inner packet of LEN bytes into BUF; returns the length. */
static size_t seal_one(uint8_t *buf, size_t size, size_t len)
{
    uint8_t packet[2048];
    size_t n = 0;

    packet_ipv4(packet, len);
    assert_int_equal(esp_seal(out, packet, len, buf, size, &n), ESP_OK);
    assert_int_equal(n, esp_sealed_len(out, len));
    return n;
}

static enum esp_drop open_copy(const uint8_t *esp, size_t n)
{
    uint8_t copy[4096], *packet = NULL;
    size_t len;

    memcpy(copy, esp, n);
    return esp_open(in, copy, n, &packet, &len);
}

static void check_round_trip(const uint8_t *packet, size_t len)
{
    uint8_t buf[2048 + ESP_OVERHEAD], *got = NULL;
    size_t n = 0, got_len = 0;

    assert_int_equal(esp_seal(out, packet, len, buf, sizeof(buf), &n), ESP_OK);
    assert_true(n == esp_sealed_len(out, len) && n <= len + ESP_OVERHEAD);
    assert_int_equal(n % 4, 0);
    assert_int_equal(esp_open(in, buf, n, &got, &got_len), ESP_OK);
    assert_int_equal(got_len, len);
    assert_memory_equal(got, packet, len);
}

static void test_every_length(void **state)
{
    uint8_t packet[1500];

    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        uint64_t bytes = 0, packets = 0;

        make(&kinds[i]);
        for (size_t len = PACKET_MIN6; len <= 400; len++) {
            packet_ipv4(packet, len);
            check_round_trip(packet, len);
            packet_ipv6(packet, len);
            check_round_trip(packet, len);
            bytes += 2 * len;
            packets += 2;
        }
        assert_int_equal(esp_sa_counters(out)->packets, packets);
        assert_int_equal(esp_sa_counters(in)->packets, packets);
        assert_int_equal(esp_sa_counters(out)->bytes, bytes);
        assert_int_equal(esp_sa_counters(in)->bytes, bytes);
        for (int d = 0; d < ESP_DROPS; d++)
            assert_int_equal(esp_sa_counters(in)->drops[d] + esp_sa_counters(out)->drops[d], 0);
    }
}

static void test_inner_max(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        struct esp_config c = config_of(&kinds[i]);

        make(&kinds[i]);
        for (size_t len = 200; len < 1500; len++) {
            size_t max = esp_inner_max(c.encr, c.integ, len);

            assert_true(esp_sealed_len(out, max) <= len);
            assert_true(esp_sealed_len(out, max + 1) > len);
        }
        assert_int_equal(esp_inner_max(c.encr, c.integ, 10), 0);
    }
}

static void test_each_bit_is_covered(void **state)
{
    uint8_t buf[256];

    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        size_t n, refused = 0;

        make(&kinds[i]);
        n = seal_one(buf, sizeof(buf), 60);
        for (size_t bit = 0; bit < 8 * n; bit++) {
            buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_not_equal(open_copy(buf, n), ESP_OK);
            refused++;
            buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t len = 0; len < n; len++, refused++)
            assert_int_not_equal(open_copy(buf, len), ESP_OK);
        assert_int_equal(esp_sa_counters(in)->drops[ESP_DROP_REPLAY] + esp_sa_counters(in)->drops[ESP_DROP_INTEGRITY] +
                             esp_sa_counters(in)->drops[ESP_DROP_MALFORMED],
                         refused);
        assert_true(esp_sa_counters(in)->drops[ESP_DROP_INTEGRITY] > 8 * 60);
        assert_int_equal(in->replay.last, 0);        /* none of them changed anything */
        assert_int_equal(open_copy(buf, n), ESP_OK); /* and the real one is still taken */
    }
}

static void test_other_keys(void **state)
{
    uint8_t other[sizeof(keys)], buf[256];

    (void)state;
    memcpy(other, keys, sizeof(keys));
    other[0] ^= 1;
    for (size_t i = 0; i < N_KINDS; i++) {
        struct esp_config c = config_of(&kinds[i]);
        size_t n;

        make(&kinds[i]);
        n = seal_one(buf, sizeof(buf), 60);
        in = esp_sa_free(in);
        c.key_encr = other;
        c.key_integ = c.integ ? other : NULL;
        assert_int_equal(esp_sa_new(&c, &in), 0);
        assert_int_equal(open_copy(buf, n), ESP_DROP_INTEGRITY);
    }
}

static void test_replay(void **state)
{
    uint8_t first[256], later[256];
    size_t n;

    (void)state;
    make(&kinds[0]);
    n = seal_one(first, sizeof(first), 60);
    assert_int_equal(open_copy(first, n), ESP_OK);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(open_copy(first, n), ESP_DROP_REPLAY);
        assert_int_equal(esp_sa_counters(in)->drops[ESP_DROP_REPLAY], i);
    }
    (void)seal_one(first, sizeof(first), 60); /* overtaken by 63 others: still taken */
    for (int i = 0; i < 63; i++)
        (void)seal_one(later, sizeof(later), 60);
    assert_int_equal(open_copy(later, n), ESP_OK);
    assert_int_equal(open_copy(first, n), ESP_OK);
    (void)seal_one(first, sizeof(first), 60); /* by 64: too late */
    for (int i = 0; i < 64; i++)
        (void)seal_one(later, sizeof(later), 60);
    assert_int_equal(open_copy(later, n), ESP_OK);
    assert_int_equal(open_copy(first, n), ESP_DROP_REPLAY);
    assert_int_equal(esp_sa_counters(in)->packets, 4);
}

/* A forged packet far ahead must not move the window. */
static void test_forged_numbers(void **state)
{
    uint8_t buf[256];
    size_t n;

    (void)state;
    make(&kinds[0]);
    n = seal_one(buf, sizeof(buf), 60);
    buf[4] = 0xFF;
    assert_int_equal(open_copy(buf, n), ESP_DROP_INTEGRITY);
    buf[4] = 0;
    assert_int_equal(open_copy(buf, n), ESP_OK);
}

static void test_esn_wraps(void **state)
{
    uint8_t before[256], at[256];
    size_t n;

    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        if (!kinds[i].esn)
            continue;
        make(&kinds[i]);
        out->sent = TOP - 2;
        in->replay.last = TOP - 2;
        n = seal_one(before, sizeof(before), 60); /* 0xFFFFFFFF on the wire */
        (void)seal_one(at, sizeof(at), 60);       /* 0 */
        assert_memory_equal(before + 4, "\xFF\xFF\xFF\xFF", 4);
        assert_memory_equal(at + 4, "\0\0\0\0", 4);
        assert_int_equal(open_copy(at, n), ESP_OK);
        assert_int_equal(open_copy(before, n), ESP_OK);
        assert_int_equal(open_copy(before, n), ESP_DROP_REPLAY);
        assert_int_equal(in->replay.last, TOP);
        (void)seal_one(at, sizeof(at), 60);
        in->replay.last = 3 * TOP; /* the high half is covered by the ICV */
        assert_int_equal(open_copy(at, n), ESP_DROP_INTEGRITY);
    }
}

static void test_numbers_run_out(void **state)
{
    uint8_t packet[60], buf[256];
    size_t n = 77;

    (void)state;
    packet_ipv4(packet, sizeof(packet));
    for (size_t i = 0; i < N_KINDS; i++) {
        uint64_t last = kinds[i].esn ? UINT64_MAX : UINT32_MAX;

        make(&kinds[i]);
        assert_int_equal(esp_sa_left(out), last);
        out->sent = last - 1;
        assert_int_equal(esp_sa_left(out), 1);
        (void)seal_one(buf, sizeof(buf), 60);
        n = 77;
        assert_int_equal(esp_seal(out, packet, sizeof(packet), buf, sizeof(buf), &n), ESP_DROP_EXHAUSTED);
        assert_int_equal(esp_sa_left(out), 0);
        assert_int_equal(n, 77);
        assert_int_equal(esp_sa_counters(out)->packets, 1);
        assert_int_equal(esp_sa_counters(out)->drops[ESP_DROP_EXHAUSTED], 1);
    }
}

/* A peer's packet with TEXT (and room for the trailer behind it) as it likes. */
static enum esp_drop open_text(const uint8_t *text, size_t n, size_t *ret_len)
{
    struct esp_config c = config_of(&kinds[0]);
    uint8_t buf[512], *got = NULL;
    struct seal_text t = {
        .aad = buf, .aad_len = 8, .iv = buf + 8, .text = buf + 16, .text_len = n, .icv = buf + 16 + n};
    struct seal *s = NULL;

    assert_int_equal(seal_new(c.encr, keys, NULL, NULL, &s), 0);
    memcpy(buf, "\xC1\x23\x45\x67\0\0\0", 7);
    buf[7] = (uint8_t)(in->replay.last + 1);
    memcpy(t.text, text, n);
    seal_encrypt(s, 1, &t);
    s = seal_free(s);
    return esp_open(in, buf, 8 + 8 + n + 16, &got, ret_len);
}

/* RFC 4303 2.4 to 2.7. */
static void test_what_may_be_inside(void **state)
{
    uint8_t text[300];
    size_t len = 0;

    (void)state;
    make(&kinds[0]);
    memset(text, 0, sizeof(text));
    packet_ipv4(text, 62);
    text[63] = 4;
    assert_int_equal(open_text(text, 64, &len), ESP_OK);
    assert_int_equal(len, 62);
    text[63] = 41; /* says IPv6 */
    assert_int_equal(open_text(text, 64, &len), ESP_DROP_MALFORMED);
    text[63] = 6; /* transport mode */
    assert_int_equal(open_text(text, 64, &len), ESP_DROP_MALFORMED);
    text[63] = 4;
    text[62] = 63; /* longer than there is */
    assert_int_equal(open_text(text, 64, &len), ESP_DROP_MALFORMED);
    text[3] = 58;
    text[62] = 4;
    memcpy(text + 58, "\1\2\3\4", 4);
    assert_int_equal(open_text(text, 64, &len), ESP_OK);
    text[60] = 9; /* not counted up */
    assert_int_equal(open_text(text, 64, &len), ESP_DROP_MALFORMED);
    text[60] = 3;
    text[3] = 59; /* the inner packet would need a byte of the padding */
    assert_int_equal(open_text(text, 64, &len), ESP_DROP_MALFORMED);
    text[3] = 40; /* 18 bytes that hide its length */
    assert_int_equal(open_text(text, 64, &len), ESP_OK);
    assert_int_equal(len, 40);
    text[3] = 31; /* the longest padding: 31 + 255 + 2 bytes */
    for (size_t i = 0; i < 255; i++)
        text[31 + i] = (uint8_t)(i + 1);
    text[286] = 255;
    text[287] = 4;
    assert_int_equal(open_text(text, 288, &len), ESP_OK);
    assert_int_equal(len, 31);
    assert_int_equal(esp_sa_counters(in)->packets, 4);
    assert_int_equal(esp_sa_counters(in)->drops[ESP_DROP_MALFORMED], 5);
}

static void test_dummies(void **state)
{
    uint8_t text[64] = {0};
    size_t len = 77;

    (void)state;
    make(&kinds[0]);
    text[3] = 59;
    assert_int_equal(open_text(text, 4, &len), ESP_OK);
    assert_int_equal(len, 0);
    len = 77;
    memset(text, 0xAB, 62); /* any content */
    text[62] = 0;
    text[63] = 59;
    assert_int_equal(open_text(text, 64, &len), ESP_OK);
    assert_int_equal(len, 0);
    assert_int_equal(esp_sa_counters(in)->packets, 0);
    assert_int_equal(in->replay.last, 2);
}

static void test_what_is_no_packet_is_not_sealed(void **state)
{
    uint8_t packet[60], buf[256];
    size_t n = 77;

    (void)state;
    make(&kinds[0]);
    packet_ipv4(packet, sizeof(packet));
    assert_int_equal(esp_seal(out, packet, 59, buf, sizeof(buf), &n), ESP_DROP_MALFORMED);
    assert_int_equal(esp_seal(out, packet, 0, buf, sizeof(buf), &n), ESP_DROP_MALFORMED);
    packet[0] = 0x55;
    assert_int_equal(esp_seal(out, packet, 60, buf, sizeof(buf), &n), ESP_DROP_MALFORMED);
    assert_int_equal(n, 77);
    assert_int_equal(esp_sa_counters(out)->drops[ESP_DROP_MALFORMED], 3);
    assert_int_equal(esp_sa_counters(out)->packets, 0);
    assert_int_equal(esp_sa_left(out), UINT32_MAX);
}

static void test_what_goes_together(void **state)
{
    struct esp_config c = config_of(&kinds[0]);

    (void)state;
    for (uint32_t window = 1; window <= 5000; window++) {
        int r;

        c.window = window;
        r = esp_sa_new(&c, &in);
        assert_int_equal(r, window >= REPLAY_WINDOW_MIN && window <= REPLAY_WINDOW_MAX ? 0 : -EINVAL);
        if (r == 0)
            in = esp_sa_free(in);
    }
    c.window = 0;
    c.integ = alg_find(ALG_INTEG, 12, 0);
    c.key_integ = keys;
    assert_int_equal(esp_sa_new(&c, &in), -EINVAL);
    c = config_of(&kinds[4]);
    c.integ = NULL;
    assert_int_equal(esp_sa_new(&c, &in), -EINVAL);
}

static void test_names(void **state)
{
    (void)state;
    for (int d = 0; d < ESP_DROPS; d++)
        assert_non_null(esp_drop_name((enum esp_drop)d));
    assert_string_equal(esp_drop_name(ESP_DROP_REPLAY), "replay");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_every_length, forget),
        cmocka_unit_test_teardown(test_inner_max, forget),
        cmocka_unit_test_teardown(test_each_bit_is_covered, forget),
        cmocka_unit_test_teardown(test_other_keys, forget),
        cmocka_unit_test_teardown(test_replay, forget),
        cmocka_unit_test_teardown(test_forged_numbers, forget),
        cmocka_unit_test_teardown(test_esn_wraps, forget),
        cmocka_unit_test_teardown(test_numbers_run_out, forget),
        cmocka_unit_test_teardown(test_what_may_be_inside, forget),
        cmocka_unit_test_teardown(test_dummies, forget),
        cmocka_unit_test_teardown(test_what_is_no_packet_is_not_sealed, forget),
        cmocka_unit_test_teardown(test_what_goes_together, forget),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
