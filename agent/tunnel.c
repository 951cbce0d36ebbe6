#include "agent/state.h"
#include "base/str.h"

#include <string.h>

/* The last byte of an address, where the two hosts of a /30 (/126) differ; everything before it must be equal. */
static bool same_but_last_byte(const struct addr *a, const struct addr *b, uint8_t *ret_a, uint8_t *ret_b)
{
    const uint8_t *x, *y;
    size_t last;

    if (addr_family(a) != addr_family(b) || !addr_is_set(a))
        return false;
    x = addr_family(a) == AF_INET ? (const uint8_t *)&a->in.sin_addr : a->in6.sin6_addr.s6_addr;
    y = addr_family(b) == AF_INET ? (const uint8_t *)&b->in.sin_addr : b->in6.sin6_addr.s6_addr;
    last = addr_family(a) == AF_INET ? 3 : 15;
    *ret_a = x[last];
    *ret_b = y[last];
    return memcmp(x, y, last) == 0;
}

bool tunnel_is_endpoint(const struct addr *target, const struct addr *inside)
{
    uint8_t theirs, ours;

    return same_but_last_byte(target, inside, &theirs, &ours) && (ours & 3) == 2 && theirs == ours - 1;
}

struct tunnel *tunnel_first(const struct fleet *f)
{
    return f->n_connections > 0 ? &f->connections[0].tunnels[0] : NULL;
}

struct tunnel *tunnel_next(struct tunnel *t)
{
    struct connection *c = t->connection;

    if (t + 1 < c->tunnels + c->conf->n_tunnels)
        return t + 1;
    c++;
    return c < c[-1].fleet->connections + c[-1].fleet->n_connections ? &c->tunnels[0] : NULL;
}

struct tunnel *tunnel_other(const struct tunnel *t)
{
    _Static_assert(CONF_TUNNELS_MAX == 2, "a tunnel has one other");
    struct connection *c = t->connection;

    return c->conf->n_tunnels < 2 ? NULL : &c->tunnels[t == &c->tunnels[0] ? 1 : 0];
}

/* The only tunnel of C that is watched, or NULL where there are two or none. */
static struct tunnel *only_watched(struct connection *c)
{
    struct tunnel *found = NULL;

    for (size_t i = 0; i < c->conf->n_tunnels; i++) {
        if (c->tunnels[i].conf->expected_down)
            continue;
        if (found)
            return NULL;
        found = &c->tunnels[i];
    }
    return found;
}

struct tunnel *tunnel_find(const struct fleet *f, const char *name)
{
    char full[2 * CONF_NAME_MAX + 2];
    struct addr outside;
    bool is_addr = addr_parse(name, &outside) >= 0;

    for (struct tunnel *t = tunnel_first(f); t; t = tunnel_next(t)) {
        (void)str_format(full, sizeof(full), "%s/%s", t->connection->conf->name, t->conf->name);
        if (str_eq(full, name) || (is_addr && addr_equal(&outside, &t->conf->outside)))
            return t;
    }
    for (size_t i = 0; i < f->n_connections; i++)
        if (str_eq(f->connections[i].conf->name, name))
            return only_watched(&f->connections[i]);
    return NULL;
}
