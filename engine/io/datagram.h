/*
 * Datagrams of a socket with what comes along: the local address and the ECN field of the IP header. What the sockets
 * of UDP and those of raw ESP have in common. Private to engine/io.
 */
#pragma once

#include "base/addr.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct datagram {
    struct addr local; /* unset: the kernel chooses; received: without port */
    struct addr peer;
    uint8_t ecn;
};

/*
 * Sets up the socket FD of FAMILY; MARK 0: none. IPv4 packets leave without DF and what ICMP says of the path's MTU is
 * not heeded, since anybody may forge it: where they are too long, a router cuts them.
 */
int datagram_options(int fd, int family, uint32_t mark);

/* The length, or -errno; -EAGAIN where there is none, -EBADMSG where it did not fit or says not where it comes from. */
ssize_t datagram_receive(int fd, uint8_t *buf, size_t size, struct datagram *ret);

/* 0 or -errno; -EINVAL where the two addresses are of different families. */
int datagram_send(int fd, const struct datagram *d, struct iovec *parts, size_t n);

/* The kernel only reads what it sends. */
struct iovec datagram_part(const uint8_t *bytes, size_t len);
