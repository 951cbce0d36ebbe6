/* The chain of payloads of a message (RFC 7296 3.2). */
#include "engine/wire/chain.h"
#include "engine/wire/header.h"
#include "tests/unit/hex.h"
#include "tests/unit/init_request.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UNTOUCHED 999

/* Of bytes that are just as long, so that a sanitizer sees each that is read behind them; the bodies are not for use.
 */
static int read_copy(uint8_t first, const uint8_t *data, size_t len, struct chain *ret)
{
    uint8_t *copy = malloc(len + !len);
    int r;

    assert_non_null(copy);
    memcpy(copy, data, len);
    ret->n = UNTOUCHED;
    r = chain_read(first, copy, len, ret);
    free(copy);
    return r;
}

static int read_hex(uint8_t first, const char *hex, struct chain *ret)
{
    uint8_t buf[256];

    return read_copy(first, buf, unhex(hex, buf, sizeof(buf)), ret);
}

static void test_takes_a_message_apart(void **state)
{
    static const struct {
        enum ike_payload type;
        size_t len;
    } rows[] = {{PAYLOAD_SA, 44},     {PAYLOAD_KE, 68},    {PAYLOAD_NONCE, 32}, {PAYLOAD_NOTIFY, 24},
                {PAYLOAD_NOTIFY, 24}, {PAYLOAD_NOTIFY, 4}, {PAYLOAD_VENDOR, 16}};
    uint8_t m[INIT_REQUEST_LEN];
    const struct payload *n;
    struct chain c;

    (void)state;
    unhex(INIT_REQUEST, m, sizeof(m));
    assert_int_equal(chain_read(m[16], m + IKE_HEADER_LEN, sizeof(m) - IKE_HEADER_LEN, &c), 0);
    assert_int_equal(c.n, 7);
    assert_int_equal(c.inner, PAYLOAD_NONE);
    for (size_t i = 0; i < c.n; i++) {
        assert_int_equal(c.p[i].type, rows[i].type);
        assert_int_equal(c.p[i].len, rows[i].len);
        assert_false(c.p[i].critical);
    }
    assert_int_equal(c.p[2].body[31], 0x1f);

    assert_ptr_equal(chain_find(&c, PAYLOAD_SA, NULL), &c.p[0]);
    assert_null(chain_find(&c, PAYLOAD_SA, &c.p[0]));
    n = chain_find(&c, PAYLOAD_NOTIFY, NULL);
    assert_ptr_equal(n, &c.p[3]);
    n = chain_find(&c, PAYLOAD_NOTIFY, chain_find(&c, PAYLOAD_NOTIFY, n));
    assert_ptr_equal(n, &c.p[5]);
    assert_null(chain_find(&c, PAYLOAD_NOTIFY, n));
    assert_null(chain_find(&c, PAYLOAD_AUTH, NULL));
}

/* Each cut, and each byte too many, is seen. */
static void test_lengths_must_fit(void **state)
{
    uint8_t m[INIT_REQUEST_LEN + 1] = {0};
    struct chain c;

    (void)state;
    unhex(INIT_REQUEST, m, sizeof(m));
    for (size_t len = 0; len <= sizeof(m) - IKE_HEADER_LEN; len++) {
        bool whole = len == INIT_REQUEST_LEN - IKE_HEADER_LEN;

        assert_int_equal(read_copy(PAYLOAD_SA, m + IKE_HEADER_LEN, len, &c), whole ? 0 : -EBADMSG);
        assert_int_equal(c.n, whole ? 7 : UNTOUCHED);
    }
    assert_int_equal(read_hex(PAYLOAD_NOTIFY, "00 00 0003", &c), -EBADMSG); /* shorter than its own header */
    assert_int_equal(read_hex(PAYLOAD_NOTIFY, "00 00 0000", &c), -EBADMSG);
    assert_int_equal(read_hex(PAYLOAD_NOTIFY, "00 00 0004", &c), 0);
    assert_int_equal(read_hex(PAYLOAD_NOTIFY, "00 00 ffff 00", &c), -EBADMSG);
    assert_int_equal(read_hex(PAYLOAD_NOTIFY, "29 00 0004", &c), -EBADMSG); /* names one that is not there */
    assert_int_equal(read_hex(PAYLOAD_NONE, "", &c), 0);                    /* empty, as that of a DPD request */
    assert_int_equal(c.n, 0);
    assert_int_equal(read_hex(PAYLOAD_NONE, "00", &c), -EBADMSG);
    assert_int_equal(read_hex(PAYLOAD_NOTIFY, "", &c), -EBADMSG);
}

/* RFC 7296 3.2: only the first bit of the second byte counts, and types that nobody knows are kept for the rules. */
static void test_critical_and_unknown_payloads(void **state)
{
    struct chain c;

    (void)state;
    assert_int_equal(read_hex(200, "29 80 0006 abcd  00 7f 0008 00 00 4000", &c), 0);
    assert_int_equal(c.n, 2);
    assert_int_equal(c.p[0].type, 200);
    assert_true(c.p[0].critical);
    assert_int_equal(c.p[0].len, 2);
    assert_false(c.p[1].critical);
}

/* RFC 7296 3.14, RFC 7383 2.5: SK and SKF are the last ones; what they name as the next one is inside. */
static void test_encrypted_payloads_come_last(void **state)
{
    struct chain c;

    (void)state;
    for (uint8_t type = PAYLOAD_SK;; type = PAYLOAD_SKF) {
        assert_int_equal(read_hex(type, "23 00 000c 0011223344556677", &c), 0);
        assert_int_equal(c.n, 1);
        assert_int_equal(c.p[0].type, type);
        assert_int_equal(c.p[0].len, 8);
        assert_int_equal(c.inner, PAYLOAD_IDI);
        /* a payload behind it, well-formed as it is */
        assert_int_equal(read_hex(type, "29 00 000c 0011223344556677 00 00 0008 00 00 4000", &c), -EBADMSG);
        if (type == PAYLOAD_SKF)
            break;
    }
    assert_int_equal(read_hex(PAYLOAD_NOTIFY, "2e 00 0008 00 00 4000 00 00 0005 ff", &c), 0);
    assert_int_equal(c.n, 2);
    assert_int_equal(c.inner, PAYLOAD_NONE);
}

static void test_there_is_a_maximum(void **state)
{
    uint8_t m[(CHAIN_PAYLOADS_MAX + 1) * PAYLOAD_HEADER_LEN] = {0};
    static struct chain c;
    size_t n;

    (void)state;
    for (n = 0; n <= CHAIN_PAYLOADS_MAX; n++) {
        m[n * PAYLOAD_HEADER_LEN] = PAYLOAD_VENDOR;
        m[n * PAYLOAD_HEADER_LEN + 3] = PAYLOAD_HEADER_LEN;
    }
    m[(n - 1) * PAYLOAD_HEADER_LEN] = PAYLOAD_NONE;
    assert_int_equal(read_copy(PAYLOAD_VENDOR, m, sizeof(m), &c), -ENOSPC);
    m[(n - 2) * PAYLOAD_HEADER_LEN] = PAYLOAD_NONE;
    assert_int_equal(read_copy(PAYLOAD_VENDOR, m, sizeof(m) - PAYLOAD_HEADER_LEN, &c), 0);
    assert_int_equal(c.n, CHAIN_PAYLOADS_MAX);
}

static void test_writes_a_chain(void **state)
{
    uint8_t buf[64], expected[64];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    size_t len;

    (void)state;
    assert_int_equal(cw.first, PAYLOAD_NONE);
    chain_open(&cw, PAYLOAD_NONCE);
    wr_be32(&cw.w, 0x01020304);
    chain_close(&cw);
    chain_open(&cw, PAYLOAD_VENDOR);
    chain_close(&cw);
    chain_open(&cw, PAYLOAD_NOTIFY);
    wr_be32(&cw.w, 0x00004000);
    chain_close(&cw);
    assert_true(chain_ok(&cw));
    assert_int_equal(cw.first, PAYLOAD_NONCE);
    len = unhex("2b 00 0008 01020304  29 00 0004  00 00 0008 00004000", expected, sizeof(expected));
    assert_int_equal(wr_len(&cw.w), len);
    assert_memory_equal(buf, expected, len);
}

/* What does not fit is kept in the writer as an error: neither the buffer nor a length field overflows. */
static void test_a_writer_has_its_bounds(void **state)
{
    static uint8_t big[2 * UINT16_MAX], body[UINT16_MAX];
    uint8_t buf[11];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));

    (void)state;
    chain_open(&cw, PAYLOAD_NONCE);
    wr_be32(&cw.w, 1);
    chain_close(&cw);
    assert_true(chain_ok(&cw));
    chain_open(&cw, PAYLOAD_NOTIFY); /* four bytes where three are left */
    chain_close(&cw);
    assert_false(chain_ok(&cw));

    cw = chain_writer_of(big, sizeof(big));
    chain_open(&cw, PAYLOAD_CERT);
    wr_bytes(&cw.w, body, UINT16_MAX - PAYLOAD_HEADER_LEN);
    chain_close(&cw);
    assert_true(chain_ok(&cw));
    assert_int_equal(big[2] << 8 | big[3], UINT16_MAX);
    cw = chain_writer_of(big, sizeof(big));
    chain_open(&cw, PAYLOAD_CERT);
    wr_bytes(&cw.w, body, UINT16_MAX - PAYLOAD_HEADER_LEN + 1);
    chain_close(&cw);
    assert_false(chain_ok(&cw));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_a_message_apart),
        cmocka_unit_test(test_lengths_must_fit),
        cmocka_unit_test(test_critical_and_unknown_payloads),
        cmocka_unit_test(test_encrypted_payloads_come_last),
        cmocka_unit_test(test_there_is_a_maximum),
        cmocka_unit_test(test_writes_a_chain),
        cmocka_unit_test(test_a_writer_has_its_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
