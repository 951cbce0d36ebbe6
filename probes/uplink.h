/*
 * The host's way out: does the kernel have a route to an outside address, is the link of that route up, and does its
 * next hop answer at the link layer. Asked of the kernel; sends no packet of its own. Told at once when the kernel
 * reports that the way changed.
 */
#pragma once

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/loop.h"

#include <net/if.h>
#include <stdbool.h>

#define UPLINK_CACHE_MAX 1024                  /* ways that are remembered; memory is used for those that are there */
#define UPLINK_FRESH     (500 * USEC_PER_MSEC) /* so long a way is not asked for again unless something changed */
#define UPLINK_WATCHED   (1 * USEC_PER_MIN)    /* a way that was last looked at so long ago is no longer watched */
#define UPLINK_GAP       (100 * USEC_PER_MSEC) /* between two looks at what changed: a routing daemon may change much */

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

/*
 * Links, addresses, routes or neighbours changed, and with them the view of an address that was lately looked at: look
 * again. Not called for changes that leave every view as it was, such as those that our own packets cause in the
 * neighbour table. At most one call a turn.
 */
typedef void (*uplink_change_fn)(void *data);

int uplink_new(struct loop *l, uplink_change_fn fn, void *data, struct uplink **ret);
struct uplink *uplink_free(struct uplink *u); /* accepts NULL; may be called from the callback */
DEFINE_CLEANUP(struct uplink *, uplink_free)

/* The way to TO as the kernel sees it now. A handful of questions to the local kernel: microseconds. */
struct uplink_view uplink_look(struct uplink *u, const struct addr *to);

const char *uplink_state_name(enum uplink_state s);
