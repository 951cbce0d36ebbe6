/* The tunnels of the configurations that are loaded. */
#include "engine/io/path_state.h"

#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct path_tunnel *path_tunnel_find(const struct path *p, const char *ike, const char *child)
{
    for (size_t i = 0; i < p->n_tunnels; i++) {
        struct path_tunnel *t = p->tunnels[i];

        if (str_eq(t->ike, ike) && str_eq(t->child, child))
            return t;
    }
    return NULL;
}

/* Of several open tunnels to a network the one that was loaded first has the packets. */
static uint32_t free_metric(const struct path *p)
{
    bool taken[PATH_TUNNELS_MAX + 1] = {false};
    uint32_t metric = 1;

    assert(p->n_tunnels < PATH_TUNNELS_MAX);
    for (size_t i = 0; i < p->n_tunnels; i++)
        taken[p->tunnels[i]->metric] = true;
    while (taken[metric])
        metric++;
    return metric;
}

static void on_packet(void *data, const uint8_t *packet, size_t len)
{
    path_outbound(data, packet, len);
}

static int make_tunnel(struct path_tunnel *t, const struct path_layout *l, struct tunnel **ret)
{
    const struct tunnel_config config = {
        .mtu = l->mtu,
        .metric = t->metric,
        .addresses = l->addresses,
        .n_addresses = l->n_addresses,
        .networks = l->networks,
        .n_networks = l->n_networks,
    };

    return tunnel_new(t->path->config.loop, t->path->config.route, &config, on_packet, t, ret);
}

static int add_tunnel(struct path *p, const char *ike, const char *child, struct path_tunnel **ret)
{
    struct path_tunnel *t;

    if (p->n_tunnels == PATH_TUNNELS_MAX)
        return -ENOSPC;
    t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->path = p;
    (void)str_copy(t->ike, sizeof(t->ike), ike);
    (void)str_copy(t->child, sizeof(t->child), child);
    t->metric = free_metric(p);
    p->tunnels[p->n_tunnels++] = t;
    *ret = t;
    return 0;
}

static bool has_network(const struct tunnel *tunnel, const struct network *n)
{
    size_t count = 0;
    const struct network *networks = tunnel ? tunnel_networks(tunnel, &count) : NULL;

    for (size_t i = 0; i < count; i++)
        if (network_equal(&networks[i], n))
            return true;
    return false;
}

static bool is_needed(const struct path *p, const struct network *n)
{
    for (size_t i = 0; i < p->n_tunnels; i++)
        if (has_network(p->tunnels[i]->tunnel, n) || has_network(p->tunnels[i]->next, n))
            return true;
    return false;
}

/* Networks that nothing else here needs are the host's again. */
static void free_networks(struct path *p, const struct network *networks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!is_needed(p, &networks[i]))
            (void)route_unreachable_del(p->config.route, &networks[i]);
}

static void forget(struct path_tunnel *t)
{
    struct path *p = t->path;

    for (size_t i = 0; i < p->n_tunnels; i++)
        if (p->tunnels[i] == t) {
            memmove(&p->tunnels[i], &p->tunnels[i + 1], (p->n_tunnels - i - 1) * sizeof(t));
            p->n_tunnels--;
            return;
        }
}

/* The device goes with the turn, which may have its packets in hand.
 */
void path_tunnel_release(struct path_tunnel *t)
{
    struct path *p = t->path;
    const struct network *networks;
    size_t n;

    if (t->loaded || t->trapped || t->n_sas > 0)
        return;
    forget(t);
    (void)tunnel_close(t->tunnel);
    networks = tunnel_networks(t->tunnel, &n);
    free_networks(p, networks, n);
    t->next_dead = p->dead;
    p->dead = t;
    loop_timer_at(p->reaper, 0);
}

static void free_one(struct path_tunnel *t)
{
    t->next = tunnel_free(t->next);
    t->old = tunnel_free(t->old);
    t->tunnel = tunnel_free(t->tunnel);
    free(t);
}

void path_bury(struct path *p)
{
    while (p->dead) {
        struct path_tunnel *t = p->dead;

        p->dead = t->next_dead;
        free_one(t);
    }
    for (size_t i = 0; i < p->n_tunnels; i++)
        p->tunnels[i]->old = tunnel_free(p->tunnels[i]->old);
}

void path_tunnels_free(struct path *p)
{
    path_bury(p);
    while (p->n_tunnels > 0)
        free_one(p->tunnels[--p->n_tunnels]);
}

void path_tunnel_refresh(struct path_tunnel *t)
{
    static const int families[] = {AF_INET, AF_INET6};
    const struct selectors *ss = t->used ? &t->used->local_ts : &t->layout.local_ts;
    int r;

    if (!t->used && !t->trapped) {
        (void)tunnel_close(t->tunnel);
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        struct addr source = path_source(t->path->config.route, &t->layout, ss, families[i]);

        tunnel_set_source(t->tunnel, families[i], &source);
    }
    r = tunnel_open(t->tunnel);
    if (r < 0)
        t->path->config.callbacks.open_failed(t->path->config.data, t->ike, t->child, r);
}

/* Makes what the configuration needs, closed; what is in force stays until all of it is made. */
static int prepare(struct path *p, const struct ike_conf *ike, const struct child_conf *child)
{
    struct path_tunnel *t = path_tunnel_find(p, ike->name, child->name);
    struct path_layout l;
    int r = path_layout_read(ike, child, &l);

    if (r == 0 && !t)
        r = add_tunnel(p, ike->name, child->name, &t);
    if (r < 0)
        return r;
    if (t->pending)
        return -EEXIST; /* two children of one name */
    t->pending = true;
    t->next_layout = l;
    if (!t->tunnel || !path_layout_equal(&l, &t->layout))
        r = make_tunnel(t, &l, &t->next);
    return r;
}

/* The old one closes before the new one opens, which has the same metric. */
static void replace(struct path_tunnel *t)
{
    struct path *p = t->path;
    size_t n = 0;

    t->old = tunnel_free(t->old);
    t->old = t->tunnel;
    t->tunnel = TAKE_PTR(t->next);
    if (t->old) {
        const struct network *networks = tunnel_networks(t->old, &n);

        (void)tunnel_close(t->old);
        free_networks(p, networks, n);
        loop_timer_at(p->reaper, 0);
    }
}

static void commit(struct path_tunnel *t)
{
    t->pending = false;
    t->loaded = true;
    t->layout = t->next_layout;
    if (!t->next)
        return;
    replace(t);
    for (struct path_sa *s = t->used; t->layout.dynamic && s; s = s->next_used)
        (void)path_tunnel_add_networks(t, &s->remote_ts);
    path_tunnel_refresh(t);
    if (t->layout.unrouted)
        t->path->config.callbacks.unrouted(t->path->config.data, t->ike, t->child, tunnel_name(t->tunnel));
}

static void roll_back(struct path_tunnel *t)
{
    struct path *p = t->path;
    const struct path_layout l = t->next_layout;

    t->pending = false;
    t->next = tunnel_free(t->next);
    if (!t->tunnel) {
        forget(t);
        free(t);
    }
    free_networks(p, l.networks, l.n_networks);
    free_networks(p, l.addresses, l.n_addresses);
}

static void unload(struct path_tunnel *t)
{
    t->loaded = t->trapped = false;
    if (!t->used)
        path_tunnel_refresh(t);
    path_tunnel_release(t);
}

int path_tunnels_networks(const struct path *p, const char *ike, struct network **ret, size_t *ret_n)
{
    size_t n = 0, max = p->n_tunnels * (TUNNEL_NETWORKS_MAX + TUNNEL_ADDRESSES_MAX);
    struct network *all = calloc(max + 1, sizeof(*all));

    if (!all)
        return -ENOMEM;
    for (size_t i = 0; i < p->n_tunnels; i++) {
        size_t count = 0;
        const struct network *networks = tunnel_networks(p->tunnels[i]->tunnel, &count);

        if (ike && !str_eq(p->tunnels[i]->ike, ike))
            continue;
        assert(n + count <= max);
        memcpy(&all[n], networks, count * sizeof(*all));
        n += count;
    }
    *ret = all;
    *ret_n = n;
    return 0;
}

/* What cannot be tidied up refuses packets, which is no reason to refuse a configuration. */
static void tidy(struct path *p, const char *ike)
{
    cleanup(freep) struct network *wide = NULL, *keep = NULL;
    size_t n_wide, n_keep;

    if (path_tunnels_networks(p, ike, &wide, &n_wide) == 0 && path_tunnels_networks(p, NULL, &keep, &n_keep) == 0)
        (void)route_tidy(p->config.route, wide, n_wide, keep, n_keep);
}

int path_conf_load(struct path *p, const struct ike_conf *ike)
{
    bool changed = false;
    int r = 0;

    for (size_t i = 0; r == 0 && i < ike->n_children; i++)
        r = prepare(p, ike, &ike->children[i]);
    for (size_t i = p->n_tunnels; i > 0; i--) { /* from the end: some may go */
        struct path_tunnel *t = p->tunnels[i - 1];

        if (t->pending && r < 0) {
            roll_back(t);
        } else if (t->pending) {
            changed = changed || t->next;
            commit(t);
        } else if (r == 0 && str_eq(t->ike, ike->name)) {
            unload(t);
        }
    }
    if (changed)
        tidy(p, ike->name);
    return r;
}

void path_conf_unload(struct path *p, const char *ike)
{
    for (size_t i = p->n_tunnels; i > 0; i--) {
        struct path_tunnel *t = p->tunnels[i - 1];

        if (str_eq(t->ike, ike))
            unload(t);
    }
}

int path_tunnel_of(struct path *p, const struct ike_conf *ike, const struct child_conf *child, struct path_tunnel **ret)
{
    struct path_tunnel *t = path_tunnel_find(p, ike->name, child->name);
    int r = 0;

    if (!t) {
        r = prepare(p, ike, child);
        t = path_tunnel_find(p, ike->name, child->name);
        if (r < 0 && t)
            roll_back(t);
        if (r < 0)
            return r;
        commit(t);
        t->loaded = false;
    }
    *ret = t;
    return 0;
}

int path_tunnel_add_networks(struct path_tunnel *t, const struct selectors *ss)
{
    struct network networks[TUNNEL_NETWORKS_MAX];
    size_t n = 0;
    int r = path_networks(ss, networks, TUNNEL_NETWORKS_MAX, &n);

    for (size_t i = 0; r == 0 && i < n; i++)
        r = tunnel_add_network(t->tunnel, &networks[i]);
    return r;
}
