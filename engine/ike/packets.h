/* One IKE message as it goes over the wire: a datagram, or several where it is fragmented (RFC 7383). Owned copies. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PACKETS_MAX     64    /* fragments of one message */
#define PACKET_SIZE_MAX 65507 /* bytes of one: what UDP over IPv4 carries */

struct packet {
    uint8_t *data; /* owned */
    size_t len;
};

/* Zeroed, it is empty. */
struct packets {
    struct packet *p; /* owned */
    size_t n;
};

/* A copy of LEN bytes at DATA behind the others. -ENOSPC at PACKETS_MAX, -EMSGSIZE over PACKET_SIZE_MAX, -ENOMEM. */
int packets_add(struct packets *ps, const void *data, size_t len);
void packets_clear(struct packets *ps);

/* Moves all of FROM into TO, which is cleared first. */
void packets_move(struct packets *to, struct packets *from);
