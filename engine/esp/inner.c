#include "engine/esp/inner.h"

#include "base/reader.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>

#define IPV4_HEADER_MIN 20
#define IPV6_HEADER_LEN 40
#define SCTP            132
#define UDP_LITE        136

enum { NOT_ECT, ECT_1, ECT_0, CE }; /* RFC 3168 5 */

size_t inner_len(const uint8_t *packet, size_t len)
{
    size_t header = 0, whole = 0;

    if (len >= IPV4_HEADER_MIN && packet[0] >> 4 == 4) {
        header = (size_t)(packet[0] & 0x0F) * 4;
        whole = (size_t)packet[2] << 8 | packet[3];
        if (header < IPV4_HEADER_MIN)
            return 0;
    } else if (len >= IPV6_HEADER_LEN && packet[0] >> 4 == 6) {
        header = IPV6_HEADER_LEN;
        whole = header + ((size_t)packet[4] << 8 | packet[5]);
    }
    return whole >= header && whole <= len ? whole : 0;
}

/* The next layer's header is at R. What RFC 4301 4.4.1.1 makes a selector of; others have no ports. */
static void read_ports(struct rd *r, struct inner *in)
{
    switch (in->protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_DCCP:
    case SCTP:
    case UDP_LITE:
        in->src_port = rd_be16(r);
        in->dst_port = rd_be16(r);
        break;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
        in->src_port = in->dst_port = rd_be16(r); /* type and code */
        break;
    case IPPROTO_MH:
        rd_skip(r, 2);
        in->src_port = in->dst_port = (uint16_t)(rd_u8(r) << 8); /* its type */
        break;
    }
}

static void read_ipv4(struct rd *r, struct inner *in)
{
    size_t header = (size_t)(rd_u8(r) & 0x0F) * 4;

    in->ecn = rd_u8(r) & 3;
    rd_skip(r, 4); /* length, identification */
    in->fragment = (rd_be16(r) & 0x1FFF) != 0;
    rd_skip(r, 1); /* TTL */
    in->protocol = rd_u8(r);
    rd_skip(r, 2); /* checksum */
    in->src = rd_take(r, 4);
    in->dst = rd_take(r, 4);
    rd_skip(r, header - IPV4_HEADER_MIN);
}

/* RFC 8200 4. AH and ESP are next layers for us. */
static bool is_extension(uint8_t protocol)
{
    return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING || protocol == IPPROTO_DSTOPTS ||
           protocol == IPPROTO_FRAGMENT;
}

static void read_ipv6(struct rd *r, struct inner *in)
{
    in->ipv6 = true;
    in->ecn = (rd_be32(r) >> 20) & 3;
    rd_skip(r, 2); /* length */
    in->protocol = rd_u8(r);
    rd_skip(r, 1); /* hop limit */
    in->src = rd_take(r, 16);
    in->dst = rd_take(r, 16);
    while (rd_ok(r) && !in->fragment && is_extension(in->protocol)) {
        bool fragment = in->protocol == IPPROTO_FRAGMENT;
        uint8_t len;

        in->protocol = rd_u8(r);
        len = rd_u8(r); /* in units of 8 bytes beyond the first 8; a fragment header has none */
        if (fragment)
            in->fragment = rd_be16(r) >> 3 != 0;
        else
            rd_skip(r, 2);
        rd_skip(r, 4 + (fragment ? 0 : (size_t)len * 8));
    }
}

int inner_read(const uint8_t *packet, size_t len, struct inner *ret)
{
    struct rd r = rd_of(packet, len);
    struct inner in = {0};

    if (len == 0 || inner_len(packet, len) != len)
        return -EBADMSG;
    if (packet[0] >> 4 == 4)
        read_ipv4(&r, &in);
    else
        read_ipv6(&r, &in);
    if (!in.fragment)
        read_ports(&r, &in);
    if (!rd_ok(&r))
        return -EBADMSG;
    *ret = in;
    return 0;
}

/* Changes the ECN field and, in IPv4, the checksum with it (RFC 1624 3). */
static void put_ecn(uint8_t *packet, uint8_t ecn)
{
    if (packet[0] >> 4 == 6) {
        packet[1] = (uint8_t)((packet[1] & ~0x30) | ecn << 4);
    } else {
        uint8_t old = packet[1];
        uint32_t sum;

        packet[1] = (uint8_t)((old & ~3) | ecn);
        sum = (uint32_t)(uint16_t) ~(packet[10] << 8 | packet[11]) + (uint16_t)~old + packet[1];
        sum = (sum & 0xFFFF) + (sum >> 16);
        sum = ~((sum & 0xFFFF) + (sum >> 16));
        packet[10] = (uint8_t)(sum >> 8);
        packet[11] = (uint8_t)sum;
    }
}

bool inner_ecn_in(uint8_t *packet, size_t len, uint8_t outer)
{
    uint8_t inner;

    assert(len >= IPV4_HEADER_MIN);
    inner = packet[0] >> 4 == 6 ? (packet[1] >> 4) & 3 : packet[1] & 3;
    if (inner == NOT_ECT)
        return outer != CE; /* whoever marked it takes it for dropped */
    if (outer == CE || (outer == ECT_1 && inner == ECT_0))
        put_ecn(packet, outer);
    return true;
}
