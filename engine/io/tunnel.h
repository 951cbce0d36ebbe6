/*
 * A tunnel as the host sees it: a TUN device with addresses, and the networks behind it. It is closed, where a packet
 * to its networks is refused at once, or open, where it comes to us. Never is one of them sent in clear: not between
 * the two, and not after we died (see route.h).
 */
#pragma once

#include "engine/io/route.h"
#include "engine/io/tun.h"

#include <stdbool.h>

#define TUNNEL_ADDRESSES_MAX 8
#define TUNNEL_NETWORKS_MAX  64

struct tunnel;

struct tunnel_config {
    const char *name; /* of the device; NULL: the kernel chooses */
    uint32_t mtu;     /* ROUTE_MTU_MIN to TUN_PACKET_MAX */
    uint32_t metric;  /* of several open tunnels to a network the lowest wins; no two of them may have the same */
    const struct network *addresses; /* with the network that each is in, which is behind the tunnel too */
    size_t n_addresses;
    const struct network *networks;
    size_t n_networks;
};

/*
 * A closed tunnel; CONFIG is copied. -EINVAL where it breaks the limits above. Packets that the host sends come to FN,
 * but only while the tunnel is open. ROUTE is borrowed until the tunnel is freed.
 */
int tunnel_new(struct loop *l, struct route *route, const struct tunnel_config *config, tun_packet_fn fn, void *data,
               struct tunnel **ret);

/* Closes it for ever: its networks stay unreachable until route_unreachable_del() or route_flush(). */
struct tunnel *tunnel_free(struct tunnel *t); /* accepts NULL */
DEFINE_CLEANUP(struct tunnel *, tunnel_free)

/* A further network, unreachable from now on, which becomes part of the tunnel when it is opened next. -ENOSPC at
 * TUNNEL_NETWORKS_MAX. One that is there is fine. */
int tunnel_add_network(struct tunnel *t, const struct network *n);

/*
 * Where programs of the host leave from that did not choose: an address of the host that the far end expects packets
 * from. One of each family; holds from tunnel_open() on. Unset (of FAMILY): the kernel chooses. Where the host loses
 * the address it loses the routes too, and the networks are unreachable until they are opened again.
 */
void tunnel_set_source(struct tunnel *t, int family, const struct addr *source);

/* Both may be called in either state. A tunnel that could not be opened whole is closed. */
int tunnel_open(struct tunnel *t);
int tunnel_close(struct tunnel *t);
bool tunnel_is_open(const struct tunnel *t);

/* A decrypted packet for the host; -ENETDOWN while closed. */
int tunnel_write(struct tunnel *t, const uint8_t *packet, size_t len);

const char *tunnel_name(const struct tunnel *t); /* of the device */

/* What its unreachable routes are for: its networks, those of its addresses among them. Valid as long as the tunnel. */
const struct network *tunnel_networks(const struct tunnel *t, size_t *ret_n);
