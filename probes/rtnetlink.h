/*
 * Questions to the kernel of this host about routes, links and neighbours. Each is answered before the call returns:
 * nothing is waited for. Needs no privilege.
 */
#pragma once

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/clock.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct rtnetlink;

int rtnetlink_new(struct rtnetlink **ret);
struct rtnetlink *rtnetlink_free(struct rtnetlink *n); /* accepts NULL */
DEFINE_CLEANUP(struct rtnetlink *, rtnetlink_free)

struct rtnetlink_route {
    bool exists;         /* false: none, or one of type unreachable, blackhole or prohibit; all else is unset then */
    uint32_t index;      /* of the interface */
    struct addr source;  /* unset where the kernel names none */
    struct addr gateway; /* unset for an on-link destination; may be of the other family (RFC 5549) */
};

struct rtnetlink_link {
    char name[IF_NAMESIZE];
    bool up; /* by the administrator and by its carrier */
};

struct rtnetlink_neighbour {
    uint16_t state; /* NUD_*, NUD_NONE where the kernel knows none */
    usec_t age;     /* of the state */
};

/* The way that a packet of ours TO takes now, policy routing and all. */
int rtnetlink_route(struct rtnetlink *n, const struct addr *to, struct rtnetlink_route *ret);
int rtnetlink_link(struct rtnetlink *n, uint32_t index, struct rtnetlink_link *ret);
int rtnetlink_neighbour(struct rtnetlink *n, uint32_t index, const struct addr *a, struct rtnetlink_neighbour *ret);
