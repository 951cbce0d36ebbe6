/*
 * The host's way out: does the kernel have a route to an outside address, is the link of that route up, and does its next
 * hop answer at the link layer. Asked over rtnetlink; sends no packet of its own. Told at once when the kernel reports a
 * change of link, address, route or neighbour.
 */
#pragma once

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/loop.h"

#include <net/if.h>
#include <stdbool.h>

struct uplink;

enum uplink_state {
    UPLINK_UNKNOWN,    /* could not be asked */
    UPLINK_OK,         /* route, carrier, and the next hop is not known to be dead */
    UPLINK_NO_ROUTE,   /* none, or one of type unreachable, blackhole, prohibit */
    UPLINK_LINK_DOWN,  /* the interface is down or has no carrier */
    UPLINK_NO_GATEWAY, /* neighbour discovery of the next hop failed */
};

struct uplink_view {
    enum uplink_state state;
    char interface[IF_NAMESIZE]; /* "" where there is no route */
    struct addr source;          /* the address the kernel would use */
    struct addr gateway;         /* unset for an on-link destination */
};

/* Something about links, addresses, routes or neighbours changed: ask again. Calls are coalesced to one a turn. */
typedef void (*uplink_change_fn)(void *data);

int uplink_new(struct loop *l, uplink_change_fn fn, void *data, struct uplink **ret);
struct uplink *uplink_free(struct uplink *u); /* accepts NULL */
DEFINE_CLEANUP(struct uplink *, uplink_free)

/* The way to TO as the kernel sees it now. A handful of netlink requests to the local kernel: microseconds. */
struct uplink_view uplink_look(struct uplink *u, const struct addr *to);

const char *uplink_state_name(enum uplink_state s);
