/* The header of an IKE message (RFC 7296 3.1). */
#include "engine/wire/header.h"
#include "tests/unit/hex.h"
#include "tests/unit/init_request.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VERSION_AT 17
#define LENGTH_AT  24

/* A message of its own size, so that a sanitizer sees each byte that is read behind it. */
static int read_copy(const uint8_t *data, size_t len, struct ike_header *ret)
{
    uint8_t *copy = malloc(len + !len);
    int r;

    assert_non_null(copy);
    memcpy(copy, data, len);
    r = header_read(copy, len, ret);
    free(copy);
    return r;
}

static void test_reads_each_field(void **state)
{
    static const uint8_t spi[] = {0x8f, 0x3c, 0x2a, 0x77, 0x19, 0xe0, 0x4b, 0x65}, none[IKE_SPI_LEN];
    uint8_t m[INIT_REQUEST_LEN];
    struct ike_header h;

    (void)state;
    assert_int_equal(unhex(INIT_REQUEST, m, sizeof(m)), INIT_REQUEST_LEN);
    assert_int_equal(header_read(m, sizeof(m), &h), 0);
    assert_memory_equal(h.spi_i, spi, IKE_SPI_LEN);
    assert_memory_equal(h.spi_r, none, IKE_SPI_LEN);
    assert_int_equal(h.next_payload, PAYLOAD_SA);
    assert_int_equal(h.version, IKE_VERSION);
    assert_int_equal(h.exchange, IKE_SA_INIT);
    assert_int_equal(h.message_id, 0);
    assert_int_equal(h.length, INIT_REQUEST_LEN);
    assert_true(header_from_initiator(&h));
    assert_false(header_is_response(&h));

    unhex("0102030405060708 1112131415161718 2e 20 25 20 89abcdef 0000001c", m, sizeof(m));
    assert_int_equal(header_read(m, IKE_HEADER_LEN, &h), 0);
    assert_int_equal(h.message_id, 0x89abcdef);
    assert_int_equal(h.exchange, INFORMATIONAL);
    assert_int_equal(h.spi_r[0] << 8 | h.spi_r[7], 0x1118);
    assert_true(header_is_response(&h));
    assert_false(header_from_initiator(&h));
}

/* The datagram is the message: neither a part of it, nor anything behind it. */
static void test_the_length_is_that_of_the_datagram(void **state)
{
    uint8_t m[INIT_REQUEST_LEN + 1] = {0};
    struct ike_header h = {.message_id = 7};

    (void)state;
    unhex(INIT_REQUEST, m, sizeof(m));
    for (size_t len = 0; len <= sizeof(m); len++)
        if (len != INIT_REQUEST_LEN)
            assert_int_equal(read_copy(m, len, &h), -EBADMSG);
    m[LENGTH_AT] = 0x80; /* more than a signed number holds */
    assert_int_equal(header_read(m, INIT_REQUEST_LEN, &h), -EBADMSG);
    memset(m + LENGTH_AT, 0, 4);
    assert_int_equal(header_read(m, INIT_REQUEST_LEN, &h), -EBADMSG);
    assert_int_equal(h.message_id, 7); /* untouched */

    m[LENGTH_AT + 3] = IKE_HEADER_LEN - 1; /* right, and too short for a header all the same */
    assert_int_equal(read_copy(m, IKE_HEADER_LEN - 1, &h), -EBADMSG);
    m[LENGTH_AT + 3] = IKE_HEADER_LEN; /* an empty message is one */
    assert_int_equal(read_copy(m, IKE_HEADER_LEN, &h), 0);
}

/* RFC 7296 2.5: a higher major version is answered, so that its header is told; minor ones do not matter. */
static void test_versions(void **state)
{
    uint8_t m[INIT_REQUEST_LEN];
    struct ike_header h;

    (void)state;
    unhex(INIT_REQUEST, m, sizeof(m));
    for (unsigned v = 0; v <= UINT8_MAX; v++) {
        int expected = v < 0x20 ? -EBADMSG : v < 0x30 ? 0 : -EPROTONOSUPPORT;

        h = (struct ike_header){.exchange = 0};
        m[VERSION_AT] = (uint8_t)v;
        assert_int_equal(header_read(m, sizeof(m), &h), expected);
        assert_int_equal(h.exchange, expected == -EBADMSG ? 0 : IKE_SA_INIT);
    }
}

/* RFC 7296 3.1: reserved bits are ignored; the two that say who speaks are told apart. */
static void test_flags(void **state)
{
    uint8_t m[INIT_REQUEST_LEN];
    struct ike_header h;

    (void)state;
    unhex(INIT_REQUEST, m, sizeof(m));
    for (unsigned f = 0; f <= UINT8_MAX; f++) {
        m[19] = (uint8_t)f;
        assert_int_equal(header_read(m, sizeof(m), &h), 0);
        assert_int_equal(header_from_initiator(&h), (f & 0x08) != 0);
        assert_int_equal(header_is_response(&h), (f & 0x20) != 0);
    }
}

static void test_writes_what_it_reads(void **state)
{
    uint8_t m[INIT_REQUEST_LEN], again[IKE_HEADER_LEN];
    struct ike_header h;

    (void)state;
    unhex(INIT_REQUEST, m, sizeof(m));
    assert_int_equal(header_read(m, sizeof(m), &h), 0);
    header_write(&h, again);
    assert_memory_equal(again, m, IKE_HEADER_LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_each_field),
        cmocka_unit_test(test_the_length_is_that_of_the_datagram),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_writes_what_it_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
