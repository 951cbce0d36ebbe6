/* The SA payload, against bytes written by hand from RFC 7296 3.3. */
#include "engine/crypto/alg.h"
#include "engine/wire/payload.h"
#include "tests/unit/wire_bytes.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define AES_CBC_128 "03 00 000c 01 00 000c 800e 0080"
#define AES_CBC_256 "03 00 000c 01 00 000c 800e 0100"
#define SHA256_128  "03 00 0008 03 00 000c"
#define NO_ESN      "00 00 0008 05 00 0000"

static struct proposals ps;

static int read_sa(const char *hex)
{
    return payload_read_sa(body(PAYLOAD_SA, hex), &ps);
}

/* One proposal for ESP of N transforms with LEN bytes in all; or what is wrong with it. */
static int read_esp(unsigned n, unsigned len, const char *transforms)
{
    char hex[2048];

    (void)snprintf(hex, sizeof(hex), "00 00 %04x 01 03 04 %02x c0ffee01 %s", len + 12, n, transforms);
    return read_sa(hex);
}

static void test_reads_proposals(void **state)
{
    const char *hex = "02 00 0028 01 03 04 03 c0ffee01" AES_CBC_256 SHA256_128 NO_ESN "00 00 0024 02 03 04 02 c0ffee02"
                      "03 00 0010 01 00 0014 800e 0080 800f 0001" /* an attribute that nobody knows */
                      "00 00 0008 05 00 0001";

    (void)state;
    assert_int_equal(read_sa(hex), 0);
    assert_int_equal(ps.n, 1); /* the second one is not whole without an algorithm */
    assert_int_equal(ps.p[0].number, 1);
    assert_int_equal(ps.p[0].protocol, PROTO_ESP);
    assert_int_equal(ps.p[0].spi_len, 4);
    assert_memory_equal(ps.p[0].spi, "\xc0\xff\xee\x01", 4);
    assert_int_equal(ps.p[0].n_transforms, 3);
    assert_int_equal(ps.p[0].transforms[0].type, ALG_ENCR);
    assert_int_equal(ps.p[0].transforms[0].id, 12);
    assert_int_equal(ps.p[0].transforms[0].key_bits, 256);
    assert_int_equal(ps.p[0].transforms[1].type, ALG_INTEG);
    assert_int_equal(ps.p[0].transforms[1].key_bits, 0);
    assert_int_equal(ps.p[0].transforms[2].type, ALG_ESN);
    assert_int_equal(ps.p[0].transforms[2].id, 0);
}

/* RFC 7296 3.3.6: what is not understood makes a transform unusable, and the proposal where none of its type is left.
 */
static void test_transforms_that_are_passed_over(void **state)
{
    static const char *const strange[] = {
        "03 00 0010 01 00 000c 800e 0080 800f 0001", /* an unknown attribute */
        "03 00 0010 01 00 000c 800e 0080 800e 0080", /* twice the length of the key */
        "03 00 000c 01 00 000c 800e 0000",           /* no length */
        "03 00 0010 01 00 000c 000e 0004 00000080",  /* a length in a long attribute */
        "03 00 0010 01 00 000c 0011 0004 00000080",  /* an unknown long one */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
        char hex[256];
        unsigned len = strstr(strange[i], "000c 01") ? 12 : 16;

        (void)snprintf(hex, sizeof(hex), "%s %s", strange[i], AES_CBC_256 NO_ESN);
        assert_int_equal(read_esp(3, len + 20, hex), 0);
        assert_int_equal(ps.n, 1);
        assert_int_equal(ps.p[0].n_transforms, 2);
        assert_int_equal(ps.p[0].transforms[0].key_bits, 256);
        (void)snprintf(hex, sizeof(hex), "%s %s", strange[i], NO_ESN);
        assert_int_equal(read_esp(2, len + 8, hex), 0);
        assert_int_equal(ps.n, 0);
    }
}

static void test_lengths_and_counts_must_fit(void **state)
{
    const char *whole = "00 00 0020 01 03 04 02 c0ffee01" AES_CBC_128 NO_ESN;
    char cut[256];

    (void)state;
    assert_int_equal(read_sa(whole), 0);
    assert_int_equal(ps.n, 1);
    ps.n = 9;
    for (size_t len = 0; len < strlen(whole); len++) {
        uint8_t bytes[64];

        (void)snprintf(cut, sizeof(cut), "%.*s", (int)len, whole);
        if (strlen(cut) == 0 || cut[len - 1] == ' ' || whole[len] != ' ')
            continue; /* at whole bytes */
        assert_true(unhex(cut, bytes, sizeof(bytes)) < 32);
        assert_int_equal(read_sa(cut), -EBADMSG);
    }
    assert_int_equal(ps.n, 9); /* untouched */
    assert_int_equal(read_sa(""), -EBADMSG);
    (void)snprintf(cut, sizeof(cut), "%s 00", whole);
    assert_int_equal(read_sa(cut), -EBADMSG);
    assert_int_equal(read_esp(1, 20, AES_CBC_128 NO_ESN), -EBADMSG); /* more than it says */
    assert_int_equal(read_esp(3, 20, AES_CBC_128 NO_ESN), -EBADMSG); /* fewer */
    assert_int_equal(read_esp(2, 19, AES_CBC_128 NO_ESN), -EBADMSG); /* the last transform leaves its proposal */
    assert_int_equal(read_esp(1, 7, "00 00 0007 05 00 00"), -EBADMSG);
    assert_int_equal(read_esp(1, 10, "00 00 000a 01 00 000c 800e"), -EBADMSG);      /* half an attribute */
    assert_int_equal(read_esp(1, 12, "00 00 000c 01 00 000c 0011 0001"), -EBADMSG); /* longer than the transform */
    assert_int_equal(read_sa("00 00 0007 01 03 04"), -EBADMSG);
    assert_int_equal(read_sa("00 00 0011 01 03 09 00 000102030405060708"), -EBADMSG);
}

/* RFC 7296 3.3.1, 3.3.2: 0 for the last one, else 2 and 3. */
static void test_markers_of_the_last_one(void **state)
{
    (void)state;
    assert_int_equal(read_sa("01 00 0008 01 01 00 00"), -EBADMSG);
    assert_int_equal(read_sa("03 00 0008 01 01 00 00"), -EBADMSG);
    assert_int_equal(read_sa("02 00 0008 01 01 00 00"), -EBADMSG); /* and there is none */
    assert_int_equal(read_sa("00 00 0008 01 01 00 00 00 00 0008 02 01 00 00"), -EBADMSG);
    assert_int_equal(read_sa("03 00 0008 01 01 00 00 00 00 0008 02 01 00 00"), -EBADMSG);
    assert_int_equal(read_sa("02 00 0008 01 01 00 00 00 00 0008 02 01 00 00"), 0);
    assert_int_equal(ps.n, 2);
    assert_int_equal(read_esp(2, 16, "00 00 0008 05 00 0001" NO_ESN), -EBADMSG);
    assert_int_equal(read_esp(2, 16, "02 00 0008 05 00 0001" NO_ESN), -EBADMSG);
    assert_int_equal(read_esp(1, 8, "03 00 0008 05 00 0001"), -EBADMSG);
}

static void test_there_are_maxima(void **state)
{
    static struct proposals many = {.n = PROPOSALS_MAX};
    static uint8_t buf[32768];
    struct chain_writer cw;
    struct payload p = {.type = PAYLOAD_SA, .body = buf + PAYLOAD_HEADER_LEN};

    (void)state;
    for (unsigned i = 0; i < PROPOSALS_MAX; i++) {
        many.p[i] =
            (struct proposal){.number = (uint8_t)(i + 1), .protocol = PROTO_IKE, .n_transforms = TRANSFORMS_MAX};
        for (unsigned k = 0; k < TRANSFORMS_MAX; k++)
            many.p[i].transforms[k] = (struct transform){ALG_DH, (uint16_t)k, 0};
    }
    cw = chain_writer_of(buf, sizeof(buf));
    payload_write_sa(&cw, &many);
    assert_true(chain_ok(&cw));
    p.len = wr_len(&cw.w) - PAYLOAD_HEADER_LEN;
    assert_int_equal(payload_read_sa(&p, &ps), 0);
    assert_int_equal(ps.n, PROPOSALS_MAX);
    assert_memory_equal(&ps, &many, sizeof(ps));

    /* one more proposal */
    buf[PAYLOAD_HEADER_LEN + (PROPOSALS_MAX - 1) * p.len / PROPOSALS_MAX] = 2;
    assert_int_equal(unhex("00 00 0008 11 01 00 00", buf + wr_len(&cw.w), 8), 8);
    p.len += 8;
    assert_int_equal(payload_read_sa(&p, &ps), -ENOSPC);
    /* one more transform */
    assert_int_equal(unhex("00 00 0190 01 01 00 31", buf, 8), 8);
    for (unsigned k = 0; k <= TRANSFORMS_MAX; k++)
        assert_int_equal(
            unhex(k == TRANSFORMS_MAX ? "00 00 0008 04 00 0013" : "03 00 0008 04 00 0013", buf + 8 + 8UL * k, 8), 8);
    p = (struct payload){.type = PAYLOAD_SA, .body = buf, .len = 0x190};
    assert_int_equal(payload_read_sa(&p, &ps), -ENOSPC);
}

static void test_writes_proposals(void **state)
{
    static const struct proposals two = {
        .n = 2,
        .p = {{1, PROTO_ESP, 4, {0xc0, 0xff, 0xee, 1}, 2, {{ALG_ENCR, 12, 128}, {ALG_ESN, 0, 0}}},
              {2, PROTO_IKE, 8, {1, 2, 3, 4, 5, 6, 7, 8}, 1, {{ALG_DH, 19, 0}}}}};
    uint8_t buf[128], expected[128];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    size_t len = unhex("00 00 003c  02 00 0020 01 03 04 02 c0ffee01" AES_CBC_128 NO_ESN
                       "00 00 0018 02 01 08 01 0102030405060708 00 00 0008 04 00 0013",
                       expected, sizeof(expected));

    (void)state;
    payload_write_sa(&cw, &two);
    assert_int_equal(wr_len(&cw.w), len);
    assert_memory_equal(buf, expected, len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_proposals),
        cmocka_unit_test(test_transforms_that_are_passed_over),
        cmocka_unit_test(test_lengths_and_counts_must_fit),
        cmocka_unit_test(test_markers_of_the_last_one),
        cmocka_unit_test(test_there_are_maxima),
        cmocka_unit_test(test_writes_proposals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
