/*
 * ICMP and ICMPv6 echo through the tunnel. All targets of one address family and source share one socket: a datagram
 * ICMP socket, or a raw one where the group range forbids that and CAP_NET_RAW is there. Receive timestamps are the
 * kernel's. The owner decides when to send; the probe matches answers, also late ones, and never gives an opinion.
 */
#pragma once

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "probes/sample.h"

#include <stdint.h>

#define ICMP_TARGETS_MAX     16384
#define ICMP_OUTSTANDING_MAX 64 /* of one target: older echoes can no longer be answered */
#define ICMP_PAYLOAD         56 /* bytes; never empty, some middleboxes drop empty echoes */

struct icmp;
struct icmp_target;

/*
 * An echo was answered. SENT is the time of sending (the key of the sample), RTT the round-trip time. May come long
 * after the owner counted the echo as lost; never comes twice for one echo. It may free targets, but not the struct
 * icmp.
 */
typedef void (*icmp_reply_fn)(void *data, usec_t sent, usec_t rtt);

int icmp_new(struct loop *l, struct icmp **ret);
struct icmp *icmp_free(struct icmp *i); /* frees its targets too; accepts NULL */
DEFINE_CLEANUP(struct icmp *, icmp_free)

/* Adds a target that is probed from SOURCE (unset: the kernel's choice). *RET belongs to I until icmp_target_free(). */
int icmp_target_new(struct icmp *i, const struct addr *to, const struct addr *source, icmp_reply_fn fn, void *data,
                    struct icmp_target **ret);
struct icmp_target *icmp_target_free(struct icmp_target *t);
void icmp_target_set_data(struct icmp_target *t, void *data); /* the callback is given it from now on */

/*
 * Sends one echo NOW. 0, or -errno where it could not be sent (-EADDRNOTAVAIL: the source address is gone;
 * -ENETUNREACH; -EPERM: no socket and no CAP_NET_RAW): the sample FAILED. A source that comes back is found by itself.
 */
int icmp_send(struct icmp_target *t, usec_t now);

/* Starts again with a new socket and a new ICMP id for this target: stateful firewalls keep a dead id dead. */
int icmp_recreate(struct icmp_target *t);
