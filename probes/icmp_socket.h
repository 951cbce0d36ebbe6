/*
 * A socket that sends ICMP or ICMPv6 echo requests (RFC 792, RFC 4443 4.1) and hands over the replies to them. It is a
 * datagram ICMP socket, on which the kernel chooses the id and passes up the replies to that id only, or else a raw one
 * with a filter to the same effect. It is never connected and does not ask for IP_RECVERR, so the kernel reports no
 * ICMP error on it that the next send would take for its own.
 */
#pragma once

#include "base/addr.h"
#include "base/clock.h"
#include "base/reader.h"
#include "probes/icmp.h"

#include <stdbool.h>
#include <stdint.h>

#define ICMP_BATCH       32  /* packets read at once */
#define ICMP_PACKET_MAX  192 /* bytes: IP header (60 at most), ICMP header, ICMP_PAYLOAD, and some more */
#define ICMP_CONTROL_MAX 128

struct icmp_socket {
    int fd; /* -1: not open */
    bool raw;
    uint16_t id; /* of a raw one */
    struct addr source;
};

/* A reply, taken apart. */
struct icmp_echo {
    struct addr from;
    uint16_t sequence;
    struct rd payload; /* borrowed from the batch */
    usec_t at;         /* when the kernel received it, CLOCK_BOOTTIME */
    usec_t read_at;    /* when it was read; no earlier */
};

/* What one call read. */
struct icmp_batch {
    size_t n;
    usec_t boottime, realtime; /* when that was */
    struct icmp_packet {
        struct addr from;
        size_t from_len, len;
        usec_t received; /* by the kernel, wall clock */
        uint8_t bytes[ICMP_PACKET_MAX];
        _Alignas(8) uint8_t control[ICMP_CONTROL_MAX];
    } packets[ICMP_BATCH];
};

/* A socket bound to SOURCE (addr_any() of a family: the kernel's choice). RAW_ID is the id of a raw one. */
int icmp_socket_open(const struct addr *source, uint16_t raw_id, struct icmp_socket *ret);
void icmp_socket_close(struct icmp_socket *s);

/* Sends a request with PAYLOAD. -EADDRNOTAVAIL where the source address is gone, or another -errno. */
int icmp_socket_send(const struct icmp_socket *s, const struct addr *to, uint16_t sequence,
                     const uint8_t payload[static ICMP_PAYLOAD]);

/* Reads what is there, at most a batch. How many packets, or -errno (-EAGAIN: none). */
int icmp_socket_receive(const struct icmp_socket *s, struct icmp_batch *ret);

/* Takes packet K of B apart; false where it is no reply to an echo of S. */
bool icmp_socket_echo(const struct icmp_socket *s, const struct icmp_batch *b, size_t k, struct icmp_echo *ret);
