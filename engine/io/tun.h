/* A TUN device: IP packets that the host routes to it are read on the loop, those written to it the host receives. */
#pragma once

#include "base/cleanup.h"
#include "base/loop.h"

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>

#define TUN_PACKET_MAX 9000 /* bytes; a longer one is dropped, which no MTU of ours allows */
#define TUN_READS_MAX  64   /* packets in a turn */

struct tun;

/* PACKET is valid during the call. Must not free the device. */
typedef void (*tun_packet_fn)(void *data, const uint8_t *packet, size_t len);

/*
 * NAME may be NULL: then the kernel chooses a free "rk0", "rk1"... -EINVAL for a name that no interface can have,
 * -EBUSY where one has it. The device is down, without address, and goes when it is freed or the process ends.
 */
int tun_new(struct loop *l, const char *name, tun_packet_fn fn, void *data, struct tun **ret);
struct tun *tun_free(struct tun *t); /* accepts NULL */
DEFINE_CLEANUP(struct tun *, tun_free)

const char *tun_name(const struct tun *t);
uint32_t tun_index(const struct tun *t);

/* A whole IP packet, which the kernel takes or not: 0 or -errno; -EBADFD after somebody deleted the device. */
int tun_write(struct tun *t, const uint8_t *packet, size_t len);
