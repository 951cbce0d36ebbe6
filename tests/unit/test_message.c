/* Messages as packets: plain, encrypted (RFC 7296 3.14) and in fragments (RFC 7383 2.5), and opened again. */
#include "engine/ike/message.h"

#include "base/array.h"
#include "base/reader.h"
#include "base/writer.h"
#include "tests/unit/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_MAX 20000

struct suite_of {
    uint16_t encr, bits, integ;
};

static const struct suite_of suites[] = {{20, 128, 0},  {20, 256, 0},  {28, 0, 0},   {12, 128, 2},
                                         {12, 256, 12}, {12, 128, 13}, {12, 256, 14}};

static struct seal *new_seal(const struct suite_of *s, uint8_t key)
{
    uint8_t encr[ALG_KEY_MAX + ALG_SALT_MAX], integ[ALG_KEY_MAX];
    const struct alg *i = s->integ ? alg_find(ALG_INTEG, s->integ, 0) : NULL;
    struct seal *seal = NULL;

    memset(encr, key, sizeof(encr));
    memset(integ, key + 1, sizeof(integ));
    assert_int_equal(seal_new(alg_find(ALG_ENCR, s->encr, s->bits), encr, i, i ? integ : NULL, &seal), 0);
    return seal;
}

static struct ike_header header(void)
{
    return (struct ike_header){.spi_i = "initiat",
                               .spi_r = "respond",
                               .version = IKE_VERSION,
                               .exchange = IKE_AUTH,
                               .flags = IKE_FLAG_INITIATOR,
                               .message_id = 0x01020304};
}

/* A chain of just LEN bytes: a Vendor ID. */
static struct chain_writer chain_of(size_t len)
{
    static uint8_t buf[CHAIN_MAX];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));

    if (len == 0)
        return cw;
    assert_true(len >= PAYLOAD_HEADER_LEN);
    chain_open(&cw, PAYLOAD_VENDOR);
    for (size_t i = PAYLOAD_HEADER_LEN; i < len; i++)
        wr_u8(&cw.w, (uint8_t)(i * 7));
    chain_close(&cw);
    assert_int_equal(wr_len(&cw.w), len);
    return cw;
}

/* A datagram taken apart so far that it can be opened. */
struct datagram {
    uint8_t *bytes;
    size_t len;
    struct ike_header h;
    struct chain c;
};

static struct datagram datagram_of(const struct packet *p)
{
    struct datagram d = {.bytes = malloc(p->len), .len = p->len};

    assert_non_null(d.bytes);
    memcpy(d.bytes, p->data, p->len);
    assert_int_equal(header_read(d.bytes, d.len, &d.h), 0);
    assert_int_equal(chain_read(d.h.next_payload, d.bytes + IKE_HEADER_LEN, d.len - IKE_HEADER_LEN, &d.c), 0);
    return d;
}

static void assert_header(const struct ike_header *h)
{
    const struct ike_header ours = header();

    assert_memory_equal(h->spi_i, ours.spi_i, IKE_SPI_LEN);
    assert_memory_equal(h->spi_r, ours.spi_r, IKE_SPI_LEN);
    assert_int_equal(h->version, ours.version);
    assert_int_equal(h->exchange, ours.exchange);
    assert_int_equal(h->flags, ours.flags);
    assert_int_equal(h->message_id, ours.message_id);
}

static void test_plain(void **state)
{
    const struct ike_header h = header();
    struct packets ps = {0};

    (void)state;
    for (size_t len = 0; len <= 1000; len += 200) {
        struct chain_writer cw = chain_of(len);
        struct datagram d;

        assert_int_equal(message_plain(&h, &cw, &ps), 0);
        assert_int_equal(ps.n, 1);
        d = datagram_of(&ps.p[0]);
        assert_header(&d.h);
        assert_int_equal(d.h.next_payload, len == 0 ? PAYLOAD_NONE : PAYLOAD_VENDOR);
        assert_int_equal(d.h.length, IKE_HEADER_LEN + len);
        assert_memory_equal(d.bytes + IKE_HEADER_LEN, cw.w.start, len);
        free(d.bytes);
        packets_clear(&ps);
    }
}

/* What did not fit its buffer is not sent in part. */
static void test_overflow(void **state)
{
    struct seal *s = new_seal(&suites[0], 1);
    uint8_t buf[16];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    const struct ike_header h = header();
    struct packets ps = {0};
    uint64_t counter = 5;

    (void)state;
    payload_write_nonce(&cw, buf, sizeof(buf));
    assert_int_equal(message_plain(&h, &cw, &ps), -EMSGSIZE);
    assert_int_equal(message_seal(s, &counter, &h, &cw, 0, &ps), -EMSGSIZE);
    assert_int_equal(ps.n, 0);
    assert_int_equal(counter, 5);
    (void)seal_free(s);
}

/* RFC 7296 3.14: one SK payload, the last; the text is a whole number of blocks; the chain comes out as it went in. */
static void test_sealed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct seal *out = new_seal(&suites[i], 1), *in = new_seal(&suites[i], 1);
        const struct ike_header h = header();
        uint64_t counter = 1;

        for (size_t len = 4; len < 120; len++) {
            struct chain_writer cw = chain_of(len % 13 == 0 ? 0 : len);
            struct packets ps = {0};
            struct message_opened o;
            struct datagram d;

            assert_int_equal(message_seal(out, &counter, &h, &cw, 0, &ps), 0);
            assert_int_equal(ps.n, 1);
            d = datagram_of(&ps.p[0]);
            assert_header(&d.h);
            assert_int_equal(d.h.next_payload, PAYLOAD_SK);
            assert_int_equal(d.c.n, 1);
            assert_int_equal(d.c.inner, cw.first);
            assert_int_equal((d.c.p[0].len - seal_iv_len(in) - seal_icv_len(in)) % seal_block(in), 0);
            assert_true(d.len <= IKE_HEADER_LEN + wr_len(&cw.w) + MESSAGE_SK_OVERHEAD);
            assert_int_equal(message_open(in, d.bytes, d.len, &d.c, &o), 0);
            assert_int_equal(o.inner, cw.first);
            assert_int_equal(o.number, 0);
            assert_int_equal(o.total, 0);
            assert_int_equal(o.len, wr_len(&cw.w));
            assert_memory_equal(o.data, cw.w.start, o.len);
            free(d.bytes);
            packets_clear(&ps);
        }
        assert_int_equal(counter, 117);
        (void)seal_free(out);
        (void)seal_free(in);
    }
}

/* The same message twice is two datagrams: no IV comes again (RFC 7296 3.14, RFC 5282 3.1). */
static void test_ivs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct seal *s = new_seal(&suites[i], 1);
        struct chain_writer cw = chain_of(2000);
        const struct ike_header h = header();
        struct packets ps = {0};
        uint64_t counter = 1;
        size_t iv = IKE_HEADER_LEN + PAYLOAD_HEADER_LEN + 4;

        assert_int_equal(message_seal(s, &counter, &h, &cw, 600, &ps), 0);
        assert_int_equal(message_seal(s, &counter, &h, &cw, 600, &ps), 0);
        assert_int_equal(counter, 1 + ps.n);
        for (size_t a = 0; a < ps.n; a++)
            for (size_t b = 0; b < a; b++)
                assert_memory_not_equal(ps.p[a].data + iv, ps.p[b].data + iv, seal_iv_len(s));
        packets_clear(&ps);
        (void)seal_free(s);
    }
}

/* Whatever bit is another one, from the first of the header to the last of the ICV, it does not verify. */
static void test_each_bit_counts(void **state)
{
    static const size_t limits[] = {0, 400};

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(suites); i++) {
        struct seal *s = new_seal(&suites[i / 2], 1);
        struct chain_writer cw = chain_of(500);
        const struct ike_header h = header();
        struct packets ps = {0};
        uint64_t counter = 1;

        assert_int_equal(message_seal(s, &counter, &h, &cw, limits[i % 2], &ps), 0);
        for (size_t at = 0; at < ps.p[0].len; at++) {
            struct datagram d = datagram_of(&ps.p[0]);
            struct message_opened o = {.inner = 77};

            d.bytes[at] ^= (uint8_t)(1U << at % 8);
            assert_int_equal(message_open(s, d.bytes, d.len, &d.c, &o), -EBADMSG);
            assert_int_equal(o.inner, 77);
            free(d.bytes);
        }
        packets_clear(&ps);
        (void)seal_free(s);
    }
}

static void test_other_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct seal *out = new_seal(&suites[i], 1), *in = new_seal(&suites[i], 2);
        struct chain_writer cw = chain_of(40);
        const struct ike_header h = header();
        struct packets ps = {0};
        struct message_opened o;
        uint64_t counter = 1;
        struct datagram d;

        assert_int_equal(message_seal(out, &counter, &h, &cw, 0, &ps), 0);
        d = datagram_of(&ps.p[0]);
        assert_int_equal(message_open(in, d.bytes, d.len, &d.c, &o), -EBADMSG);
        free(d.bytes);
        packets_clear(&ps);
        (void)seal_free(out);
        (void)seal_free(in);
    }
}

/* RFC 7383 2.5: fragments are numbered from 1, all know how many there are, the first alone tells what is inside; none
 * is over the limit, all but the last are as long. */
static void assert_fragments(struct seal *s, const struct packets *ps, const struct chain_writer *cw, size_t limit)
{
    size_t at = 0;

    for (size_t i = 0; i < ps->n; i++) {
        struct datagram d = datagram_of(&ps->p[i]);
        struct message_opened o;

        assert_header(&d.h);
        assert_int_equal(d.h.next_payload, PAYLOAD_SKF);
        assert_true(d.len <= limit && (i + 1 == ps->n || d.len > limit - 32));
        assert_int_equal(d.c.n, 1);
        assert_int_equal(d.c.inner, i == 0 ? PAYLOAD_VENDOR : PAYLOAD_NONE);
        assert_int_equal(message_open(s, d.bytes, d.len, &d.c, &o), 0);
        assert_int_equal(o.number, i + 1);
        assert_int_equal(o.total, ps->n);
        assert_true(at + o.len <= wr_len(&cw->w) && o.len > 0);
        assert_memory_equal(o.data, cw->w.start + at, o.len);
        at += o.len;
        free(d.bytes);
    }
    assert_int_equal(at, wr_len(&cw->w));
}

static void test_fragments(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct seal *s = new_seal(&suites[i], 1);
        const struct ike_header h = header();
        uint64_t counter = 1;

        for (size_t limit = 548; limit <= 1280; limit += 61)
            for (size_t len = 1300; len < 9000; len += 509) {
                struct chain_writer cw = chain_of(len);
                struct packets ps = {0};

                assert_int_equal(message_seal(s, &counter, &h, &cw, limit, &ps), 0);
                assert_true(ps.n > 1 && ps.n <= len / (limit - MESSAGE_SK_OVERHEAD) + 1);
                assert_fragments(s, &ps, &cw, limit);
                packets_clear(&ps);
            }
        (void)seal_free(s);
    }
}

/* RFC 7383 2.5: what fits is not fragmented. */
static void test_fits(void **state)
{
    struct seal *s = new_seal(&suites[0], 1);
    const struct ike_header h = header();
    uint64_t counter = 1;
    size_t whole = 0;

    (void)state;
    for (size_t len = 300; len < 900; len++) {
        struct chain_writer cw = chain_of(len);
        struct packets ps = {0};

        assert_int_equal(message_seal(s, &counter, &h, &cw, 600, &ps), 0);
        for (size_t i = 0; i < ps.n; i++)
            assert_true(ps.p[i].len <= 600);
        whole += ps.n == 1;
        packets_clear(&ps);
    }
    assert_true(whole >= 600 - 300 - MESSAGE_SK_OVERHEAD);
    (void)seal_free(s);
}

static void test_too_long(void **state)
{
    struct seal *s = new_seal(&suites[0], 1);
    struct chain_writer cw = chain_of(CHAIN_MAX);
    const struct ike_header h = header();
    struct packets ps = {0};
    uint64_t counter = 1;

    (void)state;
    assert_int_equal(message_seal(s, &counter, &h, &cw, 100, &ps), -EMSGSIZE); /* 256 bytes at least, 64 at most */
    assert_int_equal(ps.n, 0);
    cw = chain_of(64 * 256);
    assert_int_equal(message_seal(s, &counter, &h, &cw, 100, &ps), 0);
    assert_int_equal(ps.n, PACKETS_MAX);
    packets_clear(&ps);
    (void)seal_free(s);
}

/* TEXT with its padding, encrypted with the right key and as SK or SKF. */
static int open_text(struct seal *s, bool skf, const void *text, size_t len, struct message_opened *ret)
{
    uint8_t buf[512] = {0}, *body = buf + IKE_HEADER_LEN + PAYLOAD_HEADER_LEN;
    size_t before = skf ? 4 : 0;
    struct seal_text t = {.aad = buf,
                          .aad_len = (size_t)(body - buf) + before,
                          .iv = body + before,
                          .text = body + before + seal_iv_len(s),
                          .text_len = len,
                          .icv = body + before + seal_iv_len(s) + len};
    struct chain c = {.n = 1, .p = {{.type = skf ? PAYLOAD_SKF : PAYLOAD_SK, .body = body}}, .inner = PAYLOAD_NOTIFY};

    c.p[0].len = before + seal_iv_len(s) + len + seal_icv_len(s);
    if (skf)
        memcpy(body, "\0\3\0\5", before);
    if (len > 0)
        memcpy(t.text, text, len);
    seal_encrypt(s, 1, &t);
    return message_open(s, buf, (size_t)(body - buf) + c.p[0].len, &c, ret);
}

/* RFC 7296 3.14: any amount of padding that leaves whole blocks, of any content. */
static void test_padding(void **state)
{
    struct seal *s = new_seal(&suites[0], 1);
    uint8_t text[300] = "text";
    struct message_opened o;

    (void)state;
    for (unsigned pad = 0; pad < 256; pad++) {
        memset(text + 4, 0xee, pad);
        text[4 + pad] = (uint8_t)pad;
        assert_int_equal(open_text(s, false, text, 4 + pad + 1, &o), 0);
        assert_int_equal(o.len, 4);
    }
    assert_int_equal(open_text(s, false, "\0", 1, &o), 0);
    assert_int_equal(o.len, 0);
    assert_int_equal(open_text(s, false, "\1", 1, &o), -EBADMSG); /* more padding than there is text */
    assert_int_equal(open_text(s, false, "abc\4", 4, &o), -EBADMSG);
    assert_int_equal(open_text(s, false, "abc\3", 4, &o), 0);
    assert_int_equal(o.len, 0);
    assert_int_equal(open_text(s, false, "", 0, &o), -EBADMSG);
    (void)seal_free(s);
}

static void test_fragment_header(void **state)
{
    struct seal *s = new_seal(&suites[0], 1);
    struct message_opened o;

    (void)state;
    assert_int_equal(open_text(s, true, "abc\0", 4, &o), 0);
    assert_int_equal(o.number, 3);
    assert_int_equal(o.total, 5);
    assert_int_equal(o.inner, PAYLOAD_NOTIFY);
    assert_memory_equal(o.data, "abc", 3);
    (void)seal_free(s);
}

/* Too short for IV, one byte and ICV, or no whole number of blocks; or nothing sealed at all. */
static void test_short(void **state)
{
    static uint8_t bytes[IKE_HEADER_LEN + PAYLOAD_HEADER_LEN + 200];
    const uint8_t *body = bytes + IKE_HEADER_LEN + PAYLOAD_HEADER_LEN;

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(suites); i++) {
        struct seal *s = new_seal(&suites[i / 2], 1);

        for (size_t len = 0; len < 200; len++) {
            struct chain c = {
                .n = 1, .p = {{.type = i % 2 ? PAYLOAD_SKF : PAYLOAD_SK, .body = body, .len = len}}, .inner = 41};
            struct message_opened o;

            assert_int_equal(message_open(s, bytes, sizeof(bytes) - 200 + len, &c, &o), -EBADMSG);
            c.p[0].type = PAYLOAD_NOTIFY;
            assert_int_equal(message_open(s, bytes, sizeof(bytes) - 200 + len, &c, &o), -EBADMSG);
        }
        assert_int_equal(message_open(s, bytes, IKE_HEADER_LEN, &(struct chain){0}, &(struct message_opened){0}),
                         -EBADMSG);
        (void)seal_free(s);
    }
}

/* A peer with the keys whose cipher text is no whole number of blocks: its ICV is right. */
static void test_part_of_a_block(void **state)
{
    const struct suite_of suite = {12, 128, 12};
    struct seal *s = new_seal(&suite, 1);
    uint8_t buf[IKE_HEADER_LEN + PAYLOAD_HEADER_LEN + 16 + 64 + 16] = {0}, key[32], icv[EVP_MAX_MD_SIZE];

    (void)state;
    memset(key, 2, sizeof(key)); /* as new_seal() */
    for (size_t len = 1; len < 64; len++) {
        size_t at = IKE_HEADER_LEN + PAYLOAD_HEADER_LEN, before = at + 16 + len;
        struct chain c = {.n = 1, .p = {{.type = PAYLOAD_SK, .body = buf + at, .len = before + 16 - at}}};
        struct message_opened o;

        if (len % 16 == 0)
            continue;
        assert_non_null(HMAC(EVP_sha256(), key, sizeof(key), buf, before, icv, NULL));
        memcpy(buf + before, icv, 16);
        assert_int_equal(message_open(s, buf, before + 16, &c, &o), -EBADMSG);
        memset(buf, 0, sizeof(buf));
    }
    (void)seal_free(s);
}

/* RFC 7634, appendix B: an INFORMATIONAL request with one notification, 16385 of 4 bytes. */
static void test_opens_the_example_of_an_rfc(void **state)
{
    uint8_t key[ALG_KEY_MAX + ALG_SALT_MAX], data[128], inside[16];
    size_t len = unhex("c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d72e202500000000090000004529000029 1011121314151617"
                       "610394701f8d017f7c12924889 6b71bfe25236efd7cdc67066906315b2",
                       data, sizeof(data));
    struct message_opened o;
    struct seal *s = NULL;
    struct ike_header h;
    struct chain c;

    (void)state;
    (void)unhex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f a0a1a2a3", key, sizeof(key));
    assert_int_equal(seal_new(alg_find(ALG_ENCR, 28, 0), key, NULL, NULL, &s), 0);
    assert_int_equal(header_read(data, len, &h), 0);
    assert_int_equal(h.exchange, INFORMATIONAL);
    assert_int_equal(chain_read(h.next_payload, data + IKE_HEADER_LEN, len - IKE_HEADER_LEN, &c), 0);
    assert_int_equal(message_open(s, data, len, &c, &o), 0);
    assert_int_equal(o.inner, PAYLOAD_NOTIFY);
    assert_int_equal(o.len, unhex("0000000c000040010000000a", inside, sizeof(inside)));
    assert_memory_equal(o.data, inside, o.len);
    (void)seal_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),           cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_sealed),          cmocka_unit_test(test_ivs),
        cmocka_unit_test(test_each_bit_counts), cmocka_unit_test(test_other_key),
        cmocka_unit_test(test_fragments),       cmocka_unit_test(test_fits),
        cmocka_unit_test(test_too_long),        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_fragment_header), cmocka_unit_test(test_short),
        cmocka_unit_test(test_part_of_a_block), cmocka_unit_test(test_opens_the_example_of_an_rfc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
