/*
 * Raw sockets of ESP itself (IP protocol 50), of IPv4 and IPv6, for peers without a NAT in between (RFC 4303). Needs
 * CAP_NET_RAW while they are made.
 */
#pragma once

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "engine/io/datagram.h"

#include <stdbool.h>

#define RAW_ESP_READS_MAX 64 /* packets of a socket in a turn */

struct raw_esp;

/* FROM and the bytes, from the SPI on, are valid during the call. At least 4 bytes. Must not free the sockets. */
typedef void (*raw_esp_fn)(void *data, const struct datagram *from, const uint8_t *packet, size_t len);

/* MARK of all that is sent; 0: none. One socket where the kernel has no IPv6. -EPERM where we may not. */
int raw_esp_new(struct loop *l, uint32_t mark, raw_esp_fn fn, void *data, struct raw_esp **ret);
struct raw_esp *raw_esp_free(struct raw_esp *r); /* accepts NULL */
DEFINE_CLEANUP(struct raw_esp *, raw_esp_free)

/* 0 or -errno; -EAGAIN where the kernel's buffer is full, -EAFNOSUPPORT without a socket of the peer's family. Ports do
 * not matter. */
int raw_esp_send(struct raw_esp *r, const struct datagram *to, const uint8_t *packet, size_t len);
