#include "engine/io/tunnel.h"

#include "base/array.h"

#include <errno.h>
#include <string.h>

struct tunnel {
    struct route *route; /* borrowed */
    struct tun *tun;     /* owned */
    uint32_t metric;
    bool open;
    tun_packet_fn fn;
    void *data;            /* borrowed for fn */
    struct addr source[2]; /* of IPv4 and IPv6; may be unset */
    struct network networks[TUNNEL_NETWORKS_MAX + TUNNEL_ADDRESSES_MAX];
    size_t n_networks;
};

/* The host still has routes to our own device when somebody else added them. */
static void on_packet(void *data, const uint8_t *packet, size_t len)
{
    struct tunnel *t = data;

    if (t->open)
        t->fn(t->data, packet, len);
}

static bool is_network(const struct network *n)
{
    int family = addr_family(&n->addr);

    return addr_is_set(&n->addr) && n->bits <= (family == AF_INET6 ? 128 : 32);
}

static bool is_sound(const struct tunnel_config *c)
{
    if (c->n_addresses > TUNNEL_ADDRESSES_MAX || c->n_networks > TUNNEL_NETWORKS_MAX || c->metric == 0 ||
        c->metric == ROUTE_METRIC_UNREACHABLE || c->mtu < ROUTE_MTU_MIN || c->mtu > TUN_PACKET_MAX)
        return false;
    for (size_t i = 0; i < c->n_addresses; i++)
        if (!is_network(&c->addresses[i]))
            return false;
    for (size_t i = 0; i < c->n_networks; i++)
        if (!is_network(&c->networks[i]))
            return false;
    return true;
}

/* An address of full length is the host's own, and no network. */
static void take_networks(struct tunnel *t, const struct tunnel_config *c)
{
    for (size_t i = 0; i < c->n_networks; i++)
        t->networks[t->n_networks++] = c->networks[i];
    for (size_t i = 0; i < c->n_addresses; i++) {
        const struct network *a = &c->addresses[i];

        if (a->bits < (addr_family(&a->addr) == AF_INET6 ? 128 : 32))
            t->networks[t->n_networks++] = *a;
    }
}

/* Before anything else: the networks are shut first, the device comes after. */
static int shut(struct tunnel *t)
{
    for (size_t i = 0; i < t->n_networks; i++) {
        int r = route_unreachable_add(t->route, &t->networks[i]);

        if (r < 0)
            return r;
    }
    return route_rules_add(t->route);
}

static int set_up_device(struct tunnel *t, struct loop *l, const struct tunnel_config *c)
{
    int r = tun_new(l, c->name, on_packet, t, &t->tun);

    for (size_t i = 0; r == 0 && i < c->n_addresses; i++)
        r = route_addr_add(t->route, tun_index(t->tun), &c->addresses[i]);
    return r < 0 ? r : route_link_up(t->route, tun_index(t->tun), c->mtu);
}

int tunnel_new(struct loop *l, struct route *route, const struct tunnel_config *config, tun_packet_fn fn, void *data,
               struct tunnel **ret)
{
    cleanup(tunnel_freep) struct tunnel *t = NULL;
    int r;

    if (!is_sound(config))
        return -EINVAL;
    t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->route = route;
    t->metric = config->metric;
    t->fn = fn;
    t->data = data;
    take_networks(t, config);
    r = shut(t);
    if (r < 0)
        return r;
    r = set_up_device(t, l, config);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(t);
    return 0;
}

/* The device takes its routes along. */
struct tunnel *tunnel_free(struct tunnel *t)
{
    if (t) {
        t->tun = tun_free(t->tun);
        free(t);
    }
    return NULL;
}

static bool has_network(const struct tunnel *t, const struct network *n)
{
    for (size_t i = 0; i < t->n_networks; i++)
        if (network_equal(&t->networks[i], n))
            return true;
    return false;
}

int tunnel_add_network(struct tunnel *t, const struct network *n)
{
    int r;

    if (!is_network(n))
        return -EINVAL;
    if (has_network(t, n))
        return 0;
    if (t->n_networks == ARRAY_LEN(t->networks))
        return -ENOSPC;
    r = route_unreachable_add(t->route, n);
    if (r == 0)
        t->networks[t->n_networks++] = *n;
    return r;
}

void tunnel_set_source(struct tunnel *t, int family, const struct addr *source)
{
    t->source[family == AF_INET6] = *source;
}

static int add_device_route(const struct tunnel *t, const struct network *n)
{
    const struct addr *source = &t->source[addr_family(&n->addr) == AF_INET6];

    return route_device_add(t->route, n, tun_index(t->tun), t->metric, addr_is_set(source) ? source : NULL);
}

/* All are tried; returns the first error. */
static int delete_routes(struct tunnel *t)
{
    int r = 0;

    for (size_t i = 0; i < t->n_networks; i++) {
        int k = route_device_del(t->route, &t->networks[i], tun_index(t->tun), t->metric);

        if (r == 0)
            r = k;
    }
    return r;
}

/* What somebody took away meanwhile comes back first. */
int tunnel_open(struct tunnel *t)
{
    int r = shut(t);

    for (size_t i = 0; r == 0 && i < t->n_networks; i++)
        r = add_device_route(t, &t->networks[i]);
    if (r < 0)
        (void)delete_routes(t);
    t->open = r == 0;
    return r;
}

/* The unreachable routes lie beneath already. */
int tunnel_close(struct tunnel *t)
{
    t->open = false;
    return delete_routes(t);
}

bool tunnel_is_open(const struct tunnel *t)
{
    return t->open;
}

int tunnel_write(struct tunnel *t, const uint8_t *packet, size_t len)
{
    return t->open ? tun_write(t->tun, packet, len) : -ENETDOWN;
}

const char *tunnel_name(const struct tunnel *t)
{
    return tun_name(t->tun);
}

const struct network *tunnel_networks(const struct tunnel *t, size_t *ret_n)
{
    *ret_n = t->n_networks;
    return t->networks;
}
