/* What is read of inner packets, and ECN at the end of a tunnel. */
#include "engine/esp/inner.h"

#include "base/array.h"
#include "tests/unit/esp_packet.h"
#include "tests/unit/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#define V4(length, fragment, protocol, rest) "4500" length "0001" fragment "40" protocol "0000 0a000001 0a010203" rest
#define V6(length, next, rest)                                                                                         \
    "60000000" length next "40 fd000000000000000000000000000001 fd000001000000000000000000000003" rest

struct sample {
    const char *what, *hex;
    int error;
    uint8_t protocol;
    uint16_t src_port, dst_port;
    bool fragment;
};

static const struct sample samples[] = {
    {"UDP", V4("001c", "0000", "11", "1234 0035 0008 0000"), 0, 17, 0x1234, 53, false},
    {"TCP", V4("0018", "4000", "06", "c000 01bb"), 0, 6, 0xC000, 443, false},
    {"echo request", V4("001c", "0000", "01", "0800 0000 0000 0000"), 0, 1, 0x0800, 0x0800, false},
    {"port unreachable", V4("0018", "0000", "01", "0303 0000"), 0, 1, 0x0303, 0x0303, false},
    {"GRE has no ports", V4("0018", "0000", "2f", "0000 0800"), 0, 47, 0, 0, false},
    {"SCTP", V4("0018", "0000", "84", "0007 0008"), 0, 132, 7, 8, false},
    {"ESP within", V4("0014", "0000", "32", ""), 0, 50, 0, 0, false},
    {"first fragment", V4("001c", "2000", "11", "1234 0035 0008 0000"), 0, 17, 0x1234, 53, false},
    {"later fragment", V4("001c", "2001", "11", "1234 0035 0008 0000"), 0, 17, 0, 0, true},
    {"last fragment, shorter than ports", V4("0015", "0003", "06", "ff"), 0, 6, 0, 0, true},
    {"options", "4600 001c 0001 0000 40 11 0000 0a000001 0a010203 01010101 1234 0035", 0, 17, 0x1234, 53, false},
    {"ports cut", V4("0017", "0000", "06", "c00001"), -EBADMSG, 0, 0, 0, false},
    {"ICMP cut", V4("0015", "0000", "01", "08"), -EBADMSG, 0, 0, 0, false},
    {"no bytes", "", -EBADMSG, 0, 0, 0, false},
    {"header cut", "45", -EBADMSG, 0, 0, 0, false},
    {"header length below 5", "4400 0014 0001 0000 40 2f 0000 0a000001 0a010203", -EBADMSG, 0, 0, 0, false},
    {"header longer than the packet", "4f00 0014 0001 0000 40 2f 0000 0a000001 0a010203", -EBADMSG, 0, 0, 0, false},
    {"length too large", V4("0019", "0000", "2f", "0000 0800"), -EBADMSG, 0, 0, 0, false},
    {"length too small", V4("0017", "0000", "2f", "0000 0800"), -EBADMSG, 0, 0, 0, false},
    {"length below the header", V4("0013", "0000", "2f", ""), -EBADMSG, 0, 0, 0, false},
    {"version 5", "5500 0014 0001 0000 40 2f 0000 0a000001 0a010203", -EBADMSG, 0, 0, 0, false},

    {"UDP/6", V6("0008", "11", "1234 0035 0008 0000"), 0, 17, 0x1234, 53, false},
    {"ICMPv6", V6("0004", "3a", "8000 0000"), 0, 58, 0x8000, 0x8000, false},
    {"no next header", V6("0000", "3b", ""), 0, 59, 0, 0, false},
    {"hop by hop, destination options, TCP",
     V6("001c", "00",
        "3c00 010400000000"
        "0601 010c 000000000000000000000000"
        "c000 01bb"),
     0, 6, 0xC000, 443, false},
    {"routing header",
     V6("000c", "2b",
        "1100 000000000000"
        "0001 0002"),
     0, 17, 1, 2, false},
    {"first fragment/6",
     V6("000c", "2c",
        "1100 0001 00000001"
        "0001 0002"),
     0, 17, 1, 2, false},
    {"later fragment/6",
     V6("0009", "2c",
        "1100 0008 00000001"
        "ff"),
     0, 17, 0, 0, true},
    {"options behind a later fragment are data", V6("0008", "2c", "3c00 0008 00000001"), 0, 60, 0, 0, true},
    {"mobility header", V6("0008", "87", "3b00 0500 00000000"), 0, 135, 0x0500, 0x0500, false},
    {"AH is a next layer", V6("0000", "33", ""), 0, 51, 0, 0, false},
    {"extension header cut", V6("0007", "00", "1100 0104000000"), -EBADMSG, 0, 0, 0, false},
    {"extension header past the end",
     V6("000c", "00",
        "1101 010400000000"
        "0001 0002"),
     -EBADMSG, 0, 0, 0, false},
    {"ports cut/6",
     V6("000a", "3c",
        "1100 010400000000"
        "0001"),
     -EBADMSG, 0, 0, 0, false},
    {"length too large/6", V6("0009", "11", "1234 0035 0008 0000"), -EBADMSG, 0, 0, 0, false},
    {"length too small/6", V6("0007", "11", "1234 0035 0008 0000"), -EBADMSG, 0, 0, 0, false},
    {"header cut/6", "60000000 0000 3b 40", -EBADMSG, 0, 0, 0, false},
};

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        const struct sample *s = &samples[i];
        uint8_t packet[128];
        size_t len = unhex(s->hex, packet, sizeof(packet));
        struct inner in = {.protocol = 255};
        int r = inner_read(packet, len, &in);

        if (r != s->error || (r == 0 && (in.protocol != s->protocol || in.src_port != s->src_port ||
                                         in.dst_port != s->dst_port || in.fragment != s->fragment)))
            fail_msg("%s: %d, protocol %d, ports %d and %d", s->what, r, in.protocol, in.src_port, in.dst_port);
        if (r < 0)
            assert_int_equal(in.protocol, 255); /* untouched */
    }
}

static void test_addresses(void **state)
{
    static const uint8_t to6[16] = {0xFD, [3] = 1, [15] = 3};
    uint8_t packet[64];
    struct inner in;

    (void)state;
    packet_ipv4(packet, 64);
    assert_int_equal(inner_read(packet, 64, &in), 0);
    assert_false(in.ipv6);
    assert_memory_equal(in.src, "\12\0\0\1", 4);
    assert_memory_equal(in.dst, "\12\1\2\3", 4);
    packet_ipv6(packet, 64);
    packet[1] = 0x20;
    assert_int_equal(inner_read(packet, 64, &in), 0);
    assert_true(in.ipv6);
    assert_memory_equal(in.dst, to6, 16);
    assert_int_equal(in.ecn, 2);
}

static void test_length(void **state)
{
    uint8_t packet[80] = {0};

    (void)state;
    packet_ipv4(packet, 64);
    assert_int_equal(inner_len(packet, 80), 64); /* padding may follow (RFC 4303 2.7) */
    assert_int_equal(inner_len(packet, 63), 0);
    packet_ipv6(packet, 64);
    assert_int_equal(inner_len(packet, 80), 64);
    assert_int_equal(inner_len(packet, 63), 0);
    assert_int_equal(inner_len(packet, 0), 0);
}

/* All zero where the checksum is right. */
static uint16_t checksum(const uint8_t *packet)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < 20; i += 2)
        sum += (uint32_t)packet[i] << 8 | packet[i + 1];
    return (uint16_t) ~((sum & 0xFFFF) + (sum >> 16));
}

static void make4(uint8_t packet[64], unsigned tos)
{
    packet_ipv4(packet, 64);
    packet[1] = (uint8_t)tos;
    packet_checksum(packet);
}

static void make6(uint8_t packet[64], unsigned tos)
{
    packet_ipv6(packet, 64);
    packet[0] = (uint8_t)(0x60 | tos >> 4);
    packet[1] = (uint8_t)(tos << 4);
}

/* WANTED is -1 where the packet must be dropped. The DSCP of the inner packet stays. */
static void check_ecn(unsigned inner, uint8_t outer, int wanted)
{
    for (unsigned dscp = 0; dscp < 64; dscp++) {
        uint8_t p4[64], p6[64];
        unsigned tos;

        make4(p4, dscp << 2 | inner);
        make6(p6, dscp << 2 | inner);
        assert_true(inner_ecn_in(p4, sizeof(p4), outer) == (wanted >= 0));
        assert_true(inner_ecn_in(p6, sizeof(p6), outer) == (wanted >= 0));
        tos = dscp << 2 | (wanted < 0 ? inner : (unsigned)wanted);
        assert_int_equal(p4[1], tos);
        assert_int_equal(checksum(p4), 0);
        assert_int_equal(p6[0], 0x60 | tos >> 4);
        assert_int_equal(p6[1], (tos << 4) & 0xF0);
    }
}

/* RFC 6040 4.2, figure 4: rows are the inner field, columns the outer; 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE. */
static void test_ecn(void **state)
{
    static const int wanted[4][4] = {{0, 0, 0, -1}, {1, 1, 1, 3}, {2, 1, 2, 3}, {3, 3, 3, 3}};

    (void)state;
    for (uint8_t inner = 0; inner < 4; inner++)
        for (uint8_t outer = 0; outer < 4; outer++)
            check_ecn(inner, outer, wanted[inner][outer]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_ecn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
