/* NAT detection and COOKIEs: the pure parts of IKE_SA_INIT. */
#include "engine/ike/first_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t spi_i[IKE_SPI_LEN] = {1, 2, 3, 4, 5, 6, 7, 8},
                     spi_r[IKE_SPI_LEN] = {9, 10, 11, 12, 13, 14, 15, 16};

static struct addr addr_of(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse_port(text, &a), 0);
    return a;
}

/* What RFC 7296 2.23 hashes, computed with python3's hashlib. */
static void test_natd_hash(void **state)
{
    static const uint8_t v4[NATD_LEN] = {0xf9, 0x1d, 0x4f, 0x6b, 0xc9, 0x61, 0x15, 0xa4, 0x93, 0xf7,
                                         0xb8, 0x3b, 0xfe, 0x8b, 0x8f, 0x9b, 0x6c, 0x88, 0x52, 0x43};
    static const uint8_t v6[NATD_LEN] = {0x42, 0x51, 0xec, 0x64, 0x23, 0xb2, 0xde, 0xb4, 0x1b, 0x3b,
                                         0xca, 0xf8, 0x5d, 0xd4, 0xdb, 0x8b, 0xe4, 0x6c, 0x26, 0x8d};
    struct addr a = addr_of("192.0.2.1:500"), b = addr_of("[2001:db8::1]:4500");
    uint8_t hash[NATD_LEN];

    (void)state;
    natd_hash(spi_i, spi_r, &a, hash);
    assert_memory_equal(hash, v4, sizeof(hash));
    natd_hash(spi_i, spi_r, &b, hash);
    assert_memory_equal(hash, v6, sizeof(hash));
}

/* A message of ours that goes from FROM to TO, as its receiver sees it between LOCAL and REMOTE. */
static void send_natd(const char *from, const char *to, bool forged, const char *local, const char *remote,
                      struct message *ret)
{
    static uint8_t buf[512];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct addr a = addr_of(from), b = addr_of(to);

    natd_write(&cw, spi_i, spi_r, &a, &b, forged);
    assert_true(chain_ok(&cw));
    *ret = (struct message){.local = addr_of(local), .remote = addr_of(remote)};
    memcpy(ret->h.spi_i, spi_i, IKE_SPI_LEN);
    memcpy(ret->h.spi_r, spi_r, IKE_SPI_LEN);
    assert_int_equal(chain_read(cw.first, buf, wr_len(&cw.w), &ret->chain), 0);
}

static void test_natd(void **state)
{
    static const struct {
        const char *from, *to, *local, *remote;
        bool forged, nat_local, nat_remote;
    } rows[] = {
        {"192.0.2.1:500", "192.0.2.2:500", "192.0.2.2:500", "192.0.2.1:500", false, false, false},
        {"10.0.0.1:500", "192.0.2.2:500", "192.0.2.2:500", "192.0.2.1:500", false, false, true},
        {"192.0.2.1:500", "192.0.2.2:500", "192.0.2.2:500", "192.0.2.1:1024", false, false, true},
        {"192.0.2.1:500", "192.0.2.2:500", "10.0.0.2:500", "192.0.2.1:500", false, true, false},
        {"10.0.0.1:500", "192.0.2.2:500", "10.0.0.2:500", "192.0.2.1:500", false, true, true},
        {"192.0.2.1:500", "192.0.2.2:500", "192.0.2.2:500", "192.0.2.1:500", true, false, true},
        {"[2001:db8::1]:500", "[2001:db8::2]:500", "[2001:db8::2]:500", "[2001:db8::1]:500", false, false, false},
        {"[2001:db8::1]:500", "[2001:db8::2]:500", "[2001:db8::2]:500", "[2001:db8::1]:500", true, false, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct message in;
        bool nat_local, nat_remote;

        send_natd(rows[i].from, rows[i].to, rows[i].forged, rows[i].local, rows[i].remote, &in);
        assert_true(natd_read(&in, &nat_local, &nat_remote));
        assert_int_equal(nat_local, rows[i].nat_local);
        assert_int_equal(nat_remote, rows[i].nat_remote);
    }
}

/* A peer that knows no NAT detection, and one with half of it. */
static void test_natd_missing(void **state)
{
    struct message in;
    bool nat_local = true, nat_remote = true;

    (void)state;
    send_natd("10.0.0.1:500", "192.0.2.2:500", false, "192.0.2.2:500", "192.0.2.1:500", &in);
    in.chain.n = 1;
    assert_false(natd_read(&in, &nat_local, &nat_remote));
    in.chain.n = 0;
    assert_false(natd_read(&in, &nat_local, &nat_remote));
    assert_true(nat_local && nat_remote);
}

/* COOKIE ---------------------------------------------------------------------------------------------------------- */

static void request_of(struct message *ret, uint8_t nonce, const char *remote, uint8_t spi)
{
    static uint8_t buf[256];
    const uint8_t value[32] = {nonce};
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));

    payload_write_nonce(&cw, value, sizeof(value));
    *ret = (struct message){.remote = addr_of(remote)};
    ret->h.spi_i[0] = spi;
    assert_int_equal(chain_read(cw.first, buf, wr_len(&cw.w), &ret->chain), 0);
}

/* RFC 7296 2.6: the same for the same request, and another one for everything that it stands for. */
static void test_cookie(void **state)
{
    static const struct {
        uint8_t secret, version, nonce, spi;
        const char *remote;
    } rows[] = {
        {1, 1, 1, 1, "192.0.2.1:500"}, {2, 1, 1, 1, "192.0.2.1:500"},     {1, 2, 1, 1, "192.0.2.1:500"},
        {1, 1, 2, 1, "192.0.2.1:500"}, {1, 1, 1, 2, "192.0.2.1:500"},     {1, 1, 1, 1, "192.0.2.2:500"},
        {1, 1, 1, 1, "192.0.2.1:501"}, {1, 1, 1, 1, "[2001:db8::1]:500"},
    };
    uint8_t first[FIRST_COOKIE_MAX];
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t secret[32] = {rows[i].secret}, cookie[FIRST_COOKIE_MAX], again[FIRST_COOKIE_MAX];
        struct message in;

        request_of(&in, rows[i].nonce, rows[i].remote, rows[i].spi);
        len = cookie_make(secret, rows[i].version, &in, cookie);
        assert_in_range(len, 17, FIRST_COOKIE_MAX);
        assert_int_equal(cookie_make(secret, rows[i].version, &in, again), len);
        assert_memory_equal(cookie, again, len);
        assert_int_equal(cookie[0], rows[i].version);
        if (i == 0)
            memcpy(first, cookie, len);
        else
            assert_memory_not_equal(cookie, first, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_natd_hash),
        cmocka_unit_test(test_natd),
        cmocka_unit_test(test_natd_missing),
        cmocka_unit_test(test_cookie),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
