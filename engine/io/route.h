/*
 * What the engine asks of the kernel's routing: links, addresses, and routes in a table of its own. Each request is
 * answered before the call returns: nothing is waited for. All are idempotent. Needs CAP_NET_ADMIN.
 *
 * The policy rule sends all packets but the engine's own, which bear ROUTE_MARK, through ROUTE_TABLE before the main
 * table. A network has a device route there while a tunnel is open, and always an unreachable route beneath it. That
 * one belongs to no interface, so that it stays when the engine dies and takes its TUN device along.
 */
#pragma once

#include "base/addr.h"
#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROUTE_TABLE              4646
#define ROUTE_RULE_PRIORITY      4646 /* after local (0), before main (32766) */
#define ROUTE_MARK               0x1226
#define ROUTE_METRIC_UNREACHABLE UINT32_MAX
#define ROUTE_MTU_MIN            1280 /* RFC 8200 5 */
#define ROUTE_ERROR_MAX          128

struct route;

/* An address in its network, or a network, whose bits behind the prefix then do not matter. */
struct network {
    struct addr addr;
    uint8_t bits; /* of the prefix */
};

bool network_equal(const struct network *a, const struct network *b);
/* Whether all of INNER is in OUTER. */
bool network_within(const struct network *inner, const struct network *outer);

int route_new(struct route **ret);
struct route *route_free(struct route *r); /* accepts NULL */
DEFINE_CLEANUP(struct route *, route_free)

/* What the kernel said of the last request that failed; "" where it said nothing. Valid until the next request. */
const char *route_error(const struct route *r);

/* It gets no address of the kernel's own making: nothing that the host sends unasked belongs into a tunnel. */
int route_link_up(struct route *r, uint32_t index, uint32_t mtu);

/* An address alone: the network that it is in gets no route. */
int route_addr_add(struct route *r, uint32_t index, const struct network *a);

/* The first of the host's addresses of FAMILY that MATCH takes, on whatever link. -EADDRNOTAVAIL */
typedef bool (*route_match_fn)(const void *data, const struct addr *a);
int route_addr_find(struct route *r, int family, route_match_fn match, const void *data, struct addr *ret);

/* METRIC is above 0 and below ROUTE_METRIC_UNREACHABLE; one of the same network and metric is replaced.
 * SOURCE is the host's own address that programs leave from which did not choose; NULL: the kernel chooses. */
int route_device_add(struct route *r, const struct network *n, uint32_t index, uint32_t metric,
                     const struct addr *source);
int route_device_del(struct route *r, const struct network *n, uint32_t index, uint32_t metric);
int route_unreachable_add(struct route *r, const struct network *n);
int route_unreachable_del(struct route *r, const struct network *n);

/* For IPv4, and for IPv6 where the kernel has it. */
int route_rules_add(struct route *r);
int route_rules_del(struct route *r);

/* Takes away what is in our table, whoever left it there, and the rules: nothing stands in the way of clear text then.
 */
int route_flush(struct route *r);

/*
 * Takes away the unreachable routes within one of the networks in WIDE that are none of those in KEEP: an engine before
 * us left them behind, and they are in the way of the tunnel whose network is wider. Those that are in none stay.
 */
int route_tidy(struct route *r, const struct network *wide, size_t n_wide, const struct network *keep, size_t n_keep);
