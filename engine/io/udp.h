/*
 * The sockets of IKE and of ESP in UDP: the IKE port and the NAT-T port, of IPv4 and IPv6. The local address of each
 * datagram is known, and an answer leaves from it. On the NAT-T port IKE and ESP are told apart (RFC 3948 2). ICMP
 * errors do not reach us: anybody may forge them.
 */
#pragma once

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UDP_DATAGRAM_MAX 65535
#define UDP_READS_MAX    64 /* datagrams of a socket in a turn */

struct udp;

struct udp_path {
    struct addr local; /* unset: the kernel chooses. The port is that of the socket, whatever is given */
    struct addr peer;
    bool natt; /* over our NAT-T port */
    uint8_t ecn;
};

/* PATH and the bytes are valid during the call. Must not free the sockets. */
typedef void (*udp_fn)(void *data, const struct udp_path *path, const uint8_t *bytes, size_t len);

struct udp_config {
    uint16_t port, natt_port; /* 0: any free one */
    uint32_t mark;            /* of all that is sent; 0: none, else needs CAP_NET_ADMIN */
    udp_fn ike;               /* a message without its marker */
    udp_fn esp;               /* from the SPI on; at least 4 bytes */
    void *data;               /* borrowed for both */
};

/* Opens four sockets; two where the kernel has no IPv6. */
int udp_new(struct loop *l, const struct udp_config *config, struct udp **ret);
struct udp *udp_free(struct udp *u); /* accepts NULL */
DEFINE_CLEANUP(struct udp *, udp_free)

/* The port we are bound to; 0 where there is no socket of FAMILY. */
uint16_t udp_port(const struct udp *u, int family, bool natt);

/*
 * 0 or -errno; -EAGAIN where the kernel's buffer is full, -EAFNOSUPPORT where there is no socket of the peer's family.
 * IKE goes behind the marker on a NAT-T path; ESP and keepalives have such a path only.
 */
int udp_send_ike(struct udp *u, const struct udp_path *path, const uint8_t *message, size_t len);
int udp_send_esp(struct udp *u, const struct udp_path *path, const uint8_t *packet, size_t len);
int udp_send_keepalive(struct udp *u, const struct udp_path *path);

/* The address that a packet of ours to PEER leaves from now; without port. -ENETUNREACH and others where there is none.
 */
int udp_source(const struct udp *u, const struct addr *peer, struct addr *ret);
