#include "engine/io/path_state.h"

#include "engine/wire/ikev2.h"

#include <errno.h>
#include <string.h>

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define UDP_HEADER  8

static size_t addr_size(const struct selector *s)
{
    return s->type == TS_IPV6_ADDR_RANGE ? 16 : 4;
}

static int family_of(const struct selector *s)
{
    return s->type == TS_IPV6_ADDR_RANGE ? AF_INET6 : AF_INET;
}

static uint8_t *bytes_of(struct addr *a)
{
    return addr_family(a) == AF_INET6 ? a->in6.sin6_addr.s6_addr : (uint8_t *)&a->in.sin_addr;
}

static uint8_t mask_of(unsigned bit)
{
    return (uint8_t)(0x80 >> bit % 8);
}

/* The length of the prefix of the widest network that begins with FIRST and ends with LAST or before. *END is its last
 * address. */
static uint8_t widest(const uint8_t *first, const uint8_t *last, size_t size, uint8_t *end)
{
    unsigned bits = 8 * (unsigned)size;

    memcpy(end, first, size);
    for (; bits > 0 && !(first[(bits - 1) / 8] & mask_of(bits - 1)); bits--) {
        end[(bits - 1) / 8] |= mask_of(bits - 1);
        if (memcmp(end, last, size) > 0) {
            end[(bits - 1) / 8] &= (uint8_t)~mask_of(bits - 1);
            break;
        }
    }
    return (uint8_t)bits;
}

static void increment(uint8_t *a, size_t size)
{
    while (size > 0 && ++a[--size] == 0)
        ;
}

static int range_networks(const struct selector *s, struct network *to, size_t max, size_t *n)
{
    size_t size = addr_size(s);
    uint8_t first[16], end[16];

    memcpy(first, s->first, size);
    while (memcmp(first, s->last, size) <= 0) {
        struct network *net = &to[*n];

        if (*n == max)
            return -ENOSPC;
        *net = (struct network){.addr = addr_any(family_of(s)), .bits = widest(first, s->last, size, end)};
        memcpy(bytes_of(&net->addr), first, size);
        ++*n;
        if (memcmp(end, s->last, size) == 0)
            break;
        memcpy(first, end, size);
        increment(first, size);
    }
    return 0;
}

/* All addresses of its family. */
static bool is_everything(const struct selector *s)
{
    static const uint8_t lowest[16];
    uint8_t highest[16];

    memset(highest, 0xFF, sizeof(highest));
    return memcmp(s->first, lowest, addr_size(s)) == 0 && memcmp(s->last, highest, addr_size(s)) == 0;
}

int path_networks(const struct selectors *ss, struct network *to, size_t max, size_t *n)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < ss->n; i++)
        if (!is_everything(&ss->s[i]))
            r = range_networks(&ss->s[i], to, max, n);
    return r;
}

static bool has_everything(const struct selectors *ss)
{
    for (size_t i = 0; i < ss->n; i++)
        if (is_everything(&ss->s[i]))
            return true;
    return false;
}

static const struct alg *alg_of(const struct transform *t, enum alg_type type)
{
    return t->type == type ? alg_find(type, t->id, t->key_bits) : NULL;
}

static size_t inner_max(const struct proposal *p, size_t room)
{
    size_t least = room;

    for (size_t i = 0; i < p->n_transforms; i++) {
        const struct alg *encr = alg_of(&p->transforms[i], ALG_ENCR);

        for (size_t k = 0; encr && k < p->n_transforms; k++) {
            const struct alg *integ = alg_of(&p->transforms[k], ALG_INTEG);
            size_t max;

            if (!encr->aead && !integ)
                continue;
            max = esp_inner_max(encr, encr->aead ? NULL : integ, room);
            least = max < least ? max : least;
        }
    }
    return least;
}

/* What fits whichever of the proposals is agreed on, with UDP encapsulation. */
static uint32_t choose_mtu(const struct ike_conf *ike, const struct child_conf *child)
{
    size_t room = PATH_OUTER_MTU - IPV4_HEADER - UDP_HEADER, least;

    for (size_t i = 0; i < ike->n_remote_addrs; i++)
        if (addr_family(&ike->remote_addrs[i].addr) != AF_INET)
            room = PATH_OUTER_MTU - IPV6_HEADER - UDP_HEADER;
    least = room;
    for (size_t i = 0; i < child->proposals.n; i++) {
        size_t max = inner_max(&child->proposals.p[i], room);

        least = max < least ? max : least;
    }
    return least < ROUTE_MTU_MIN ? ROUTE_MTU_MIN : (uint32_t)least;
}

static bool has_dynamic(const struct selectors_conf *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->s[i].dynamic)
            return true;
    return false;
}

int path_layout_read(const struct ike_conf *ike, const struct child_conf *child, struct path_layout *ret)
{
    const struct addr unset = addr_any(AF_UNSPEC);
    struct path_layout l = {0};
    int r;

    if (child->n_inside > TUNNEL_ADDRESSES_MAX || child->n_networks > TUNNEL_NETWORKS_MAX)
        return -ENOSPC;
    l.mtu = child->mtu ? child->mtu : choose_mtu(ike, child);
    for (; l.n_addresses < child->n_inside; l.n_addresses++)
        l.addresses[l.n_addresses] =
            (struct network){child->inside[l.n_addresses].addr, child->inside[l.n_addresses].bits};
    for (; l.n_networks < child->n_networks; l.n_networks++)
        l.networks[l.n_networks] =
            (struct network){child->networks[l.n_networks].addr, child->networks[l.n_networks].bits};
    selectors_resolve(&child->local_ts, &unset, &l.local_ts);
    selectors_resolve(&child->remote_ts, &unset, &l.remote_ts);
    l.any_local = has_dynamic(&child->local_ts);
    l.any_remote = has_dynamic(&child->remote_ts);
    if (child->n_networks == 0) {
        l.dynamic = l.any_remote;
        l.unrouted = has_everything(&l.remote_ts);
        r = path_networks(&l.remote_ts, l.networks, TUNNEL_NETWORKS_MAX, &l.n_networks);
        if (r < 0)
            return r;
    }
    *ret = l;
    return 0;
}

static bool same_networks(const struct network *a, size_t n_a, const struct network *b, size_t n_b)
{
    if (n_a != n_b)
        return false;
    for (size_t i = 0; i < n_a; i++)
        if (a[i].bits != b[i].bits || !addr_equal(&a[i].addr, &b[i].addr)) /* an address with its bits behind, too */
            return false;
    return true;
}

bool path_layout_equal(const struct path_layout *a, const struct path_layout *b)
{
    return a->mtu == b->mtu && a->dynamic == b->dynamic &&
           same_networks(a->addresses, a->n_addresses, b->addresses, b->n_addresses) &&
           same_networks(a->networks, a->n_networks, b->networks, b->n_networks);
}

/* Whether one has to be looked for: where all of them will do that is up to the host. */
static bool wants_source(const struct selectors *ss, int family)
{
    bool wants = false;

    for (size_t i = 0; i < ss->n; i++) {
        if (family_of(&ss->s[i]) != family)
            continue;
        if (is_everything(&ss->s[i]))
            return false;
        wants = true;
    }
    return wants;
}

static bool is_within(const void *data, const struct addr *a)
{
    const struct selectors *ss = data;
    struct addr copy = *a;

    return selectors_match(ss, addr_family(a) == AF_INET6, bytes_of(&copy), 0, 0);
}

struct addr path_source(struct route *route, const struct path_layout *l, const struct selectors *ss, int family)
{
    struct addr found = addr_any(AF_UNSPEC);

    if (!wants_source(ss, family))
        return found;
    for (size_t i = 0; i < l->n_addresses; i++)
        if (addr_family(&l->addresses[i].addr) == family && is_within(ss, &l->addresses[i].addr))
            return l->addresses[i].addr;
    (void)route_addr_find(route, family, is_within, ss, &found);
    return found;
}
