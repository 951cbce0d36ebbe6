/* Proposals and traffic selectors as data: what SA and TS payloads carry (RFC 7296 3.3, 3.13). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROPOSALS_MAX  16
#define TRANSFORMS_MAX 48 /* of one proposal */
#define TS_MAX         32 /* traffic selectors of one payload */

struct transform {
    uint8_t type; /* enum alg_type */
    uint16_t id;
    uint16_t key_bits; /* the Key Length attribute; 0: none */
};

struct proposal {
    uint8_t number;   /* 1, 2, ... on the wire */
    uint8_t protocol; /* PROTO_IKE or PROTO_ESP */
    uint8_t spi_len;  /* 0, 4 or 8 */
    uint8_t spi[8];
    size_t n_transforms;
    struct transform transforms[TRANSFORMS_MAX];
};

struct proposals {
    size_t n;
    struct proposal p[PROPOSALS_MAX];
};

/* One traffic selector. Addresses are in network order, the first 4 bytes for IPv4. */
struct selector {
    uint8_t type;     /* TS_IPV4_ADDR_RANGE or TS_IPV6_ADDR_RANGE */
    uint8_t protocol; /* IP protocol; 0: any */
    uint16_t port_first;
    uint16_t port_last; /* RFC 7296 3.13.1: 0 and 65535 for any; 65535 and 0 for OPAQUE */
    uint8_t first[16];
    uint8_t last[16];
};

struct selectors {
    size_t n;
    struct selector s[TS_MAX];
};
