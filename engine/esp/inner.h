/* The inner IP packet: its selectors, and ECN on the way in and out (RFC 6040). Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inner {
    bool ipv6;
    const uint8_t *src, *dst;    /* 4 or 16 bytes, borrowed */
    uint8_t protocol;            /* behind IPv6 extension headers */
    uint16_t src_port, dst_port; /* 0 where there are none; ICMP: type << 8 | code in both (RFC 4301 4.4.1.1) */
    bool fragment;               /* not the first: ports unknown, 0 */
    uint8_t ecn;
};

/* What the header of the IPv4 or IPv6 packet at PACKET says of its length; 0 where it is none, or LEN are too few. */
size_t inner_len(const uint8_t *packet, size_t len);

/* -EBADMSG where the LEN bytes are no whole IPv4 or IPv6 packet, and nothing else. */
int inner_read(const uint8_t *packet, size_t len, struct inner *ret);

/*
 * Decapsulation (RFC 6040 4.2): puts the ECN field OUTER of the outer header into the inner packet, which inner_read()
 * took; false: it must be dropped.
 */
bool inner_ecn_in(uint8_t *packet, size_t len, uint8_t outer);
