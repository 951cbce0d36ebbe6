/* Inner packets for the tests of ESP: UDP from 10.0.0.1 to 10.1.2.3, or from fd00::1 to fd00:1::3. */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PACKET_MIN4 28 /* header, and that of UDP */
#define PACKET_MIN6 48

/* Puts the checksum into the header of an IPv4 packet. */
static inline void packet_checksum(uint8_t *packet)
{
    uint32_t sum = 0;

    packet[10] = packet[11] = 0;
    for (size_t i = 0; i < 20; i += 2)
        sum += (uint32_t)packet[i] << 8 | packet[i + 1];
    sum = ~((sum & 0xFFFF) + (sum >> 16));
    packet[10] = (uint8_t)(sum >> 8);
    packet[11] = (uint8_t)sum;
}

/* Writes a whole packet of LEN bytes to RET. */
static inline void packet_ipv4(uint8_t *ret, size_t len)
{
    static const uint8_t header[PACKET_MIN4] = {0x45, 0, 0, 0, 0,  1, 0, 0, 64,   17,   0, 0,
                                                10,   0, 0, 1, 10, 1, 2, 3, 0x12, 0x34, 0, 53};

    assert(len >= PACKET_MIN4 && len <= 65535);
    for (size_t i = PACKET_MIN4; i < len; i++)
        ret[i] = (uint8_t)i;
    memcpy(ret, header, sizeof(header));
    ret[2] = (uint8_t)(len >> 8);
    ret[3] = (uint8_t)len;
    ret[24] = (uint8_t)((len - 20) >> 8);
    ret[25] = (uint8_t)(len - 20);
    packet_checksum(ret);
}

static inline void packet_ipv6(uint8_t *ret, size_t len)
{
    static const uint8_t header[PACKET_MIN6] = {
        0x60, [6] = 17, [7] = 64, [8] = 0xFD, [23] = 1, [24] = 0xFD, [27] = 1, [39] = 3, 0x12, 0x34, 0, 53};

    assert(len >= PACKET_MIN6 && len <= 65535);
    for (size_t i = PACKET_MIN6; i < len; i++)
        ret[i] = (uint8_t)i;
    memcpy(ret, header, sizeof(header));
    ret[4] = ret[44] = (uint8_t)((len - 40) >> 8);
    ret[5] = ret[45] = (uint8_t)(len - 40);
}
