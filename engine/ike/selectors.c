#include "engine/ike/selectors.h"

#include "engine/wire/ikev2.h"

#include <string.h>

#define PORT_ANY_LAST 65535

static size_t addr_size(const struct selector *s)
{
    return s->type == TS_IPV6_ADDR_RANGE ? 16 : 4;
}

/* RFC 7296 3.13.1 */
static bool is_opaque(const struct selector *s)
{
    return s->port_first == PORT_ANY_LAST && s->port_last == 0;
}

static bool is_any_port(const struct selector *s)
{
    return s->port_first == 0 && s->port_last == PORT_ANY_LAST;
}

/* Ports that A and B share. OPAQUE, the ports that cannot be seen, is part of any and of itself; with other ports it
 * shares none, since it stands upside down. */
static bool intersect_ports(const struct selector *a, const struct selector *b, struct selector *s)
{
    if ((is_opaque(a) && (is_opaque(b) || is_any_port(b))) || (is_opaque(b) && is_any_port(a))) {
        s->port_first = PORT_ANY_LAST;
        s->port_last = 0;
        return true;
    }
    s->port_first = a->port_first > b->port_first ? a->port_first : b->port_first;
    s->port_last = a->port_last < b->port_last ? a->port_last : b->port_last;
    return s->port_first <= s->port_last;
}

/* False where they share nothing; so for a range that stands upside down. */
static bool intersect(const struct selector *a, const struct selector *b, struct selector *ret)
{
    size_t size = addr_size(a);
    struct selector s = {.type = a->type};

    if (a->type != b->type || (a->protocol != b->protocol && a->protocol != 0 && b->protocol != 0))
        return false;
    s.protocol = a->protocol != 0 ? a->protocol : b->protocol;
    if (!intersect_ports(a, b, &s))
        return false;
    memcpy(s.first, memcmp(a->first, b->first, size) > 0 ? a->first : b->first, size);
    memcpy(s.last, memcmp(a->last, b->last, size) < 0 ? a->last : b->last, size);
    if (memcmp(s.first, s.last, size) > 0)
        return false;
    *ret = s;
    return true;
}

static bool same(const struct selector *a, const struct selector *b)
{
    size_t size = addr_size(a);

    return a->type == b->type && a->protocol == b->protocol && a->port_first == b->port_first &&
           a->port_last == b->port_last && memcmp(a->first, b->first, size) == 0 && memcmp(a->last, b->last, size) == 0;
}

static bool within(const struct selector *inner, const struct selector *outer)
{
    struct selector s;

    return intersect(inner, outer, &s) && same(&s, inner);
}

void selectors_resolve(const struct selectors_conf *conf, const struct addr *host, struct selectors *ret)
{
    ret->n = 0;
    for (size_t i = 0; i < conf->n; i++) {
        struct selector s = conf->s[i].s;

        if (conf->s[i].dynamic && !addr_is_set(host))
            continue;
        if (conf->s[i].dynamic && addr_family(host) == AF_INET) {
            s.type = TS_IPV4_ADDR_RANGE;
            memcpy(s.first, &host->in.sin_addr, 4);
            memcpy(s.last, &host->in.sin_addr, 4);
        } else if (conf->s[i].dynamic) {
            s.type = TS_IPV6_ADDR_RANGE;
            memcpy(s.first, &host->in6.sin6_addr, 16);
            memcpy(s.last, &host->in6.sin6_addr, 16);
        }
        ret->s[ret->n++] = s;
    }
}

/* Adds S to SS, which holds nothing that is within another: a wider one takes the place of the first that it covers. */
static void add(struct selectors *ss, const struct selector *s)
{
    bool placed = false;
    size_t n = 0;

    for (size_t i = 0; i < ss->n; i++)
        if (within(s, &ss->s[i]))
            return;
    for (size_t i = 0; i < ss->n; i++) {
        if (!within(&ss->s[i], s))
            ss->s[n++] = ss->s[i];
        else if (!placed) {
            ss->s[n++] = *s;
            placed = true;
        }
    }
    if (!placed && n < TS_MAX)
        ss->s[n++] = *s;
    ss->n = n;
}

void selectors_narrow(const struct selectors *wanted, const struct selectors *ours, struct selectors *ret)
{
    struct selectors result = {.n = 0};
    struct selector s;

    for (size_t i = 0; i < wanted->n; i++)
        for (size_t k = 0; k < ours->n; k++)
            if (intersect(&wanted->s[i], &ours->s[k], &s))
                add(&result, &s);
    *ret = result;
}

static bool holds_each(const struct selectors *a, const struct selectors *b,
                       bool (*fits)(const struct selector *, const struct selector *))
{
    for (size_t i = 0; i < a->n; i++) {
        size_t k = 0;

        while (k < b->n && !fits(&a->s[i], &b->s[k]))
            k++;
        if (k == b->n)
            return false;
    }
    return true;
}

bool selectors_equal(const struct selectors *a, const struct selectors *b)
{
    return holds_each(a, b, same) && holds_each(b, a, same);
}

bool selectors_within(const struct selectors *inner, const struct selectors *outer)
{
    return holds_each(inner, outer, within);
}

static bool match(const struct selector *s, uint8_t type, const uint8_t *addr, uint8_t protocol, uint16_t port)
{
    size_t size = addr_size(s);

    if (s->type != type || (s->protocol != 0 && s->protocol != protocol))
        return false;
    if (is_opaque(s) ? port != 0 : port < s->port_first || port > s->port_last)
        return false;
    return memcmp(addr, s->first, size) >= 0 && memcmp(addr, s->last, size) <= 0;
}

bool selectors_match(const struct selectors *ss, bool ipv6, const uint8_t *addr, uint8_t protocol, uint16_t port)
{
    for (size_t i = 0; i < ss->n; i++)
        if (match(&ss->s[i], ipv6 ? TS_IPV6_ADDR_RANGE : TS_IPV4_ADDR_RANGE, addr, protocol, port))
            return true;
    return false;
}
