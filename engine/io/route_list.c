#include "engine/io/route_message.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

struct list {
    int family;
    struct route_entry *entries; /* owned */
    size_t n;
    uint32_t table; /* of the route that is being read */
};

static int read_route_attr(const struct nlattr *attr, void *data)
{
    struct list *l = data;
    struct route_entry *e = &l->entries[l->n];
    size_t len = mnl_attr_get_payload_len(attr);

    switch (mnl_attr_get_type(attr)) {
    case RTA_DST:
        (void)route_message_get_addr(attr, &e->network.addr);
        break;
    case RTA_OIF:
        if (len == sizeof(uint32_t))
            e->index = mnl_attr_get_u32(attr);
        break;
    case RTA_PRIORITY:
        if (len == sizeof(uint32_t))
            e->metric = mnl_attr_get_u32(attr);
        break;
    case RTA_TABLE:
        if (len == sizeof(uint32_t))
            l->table = mnl_attr_get_u32(attr);
        break;
    }
    return MNL_CB_OK;
}

/* Adds the route in H if it is one that we make. */
static int read_route(void *data, const struct nlmsghdr *h)
{
    const struct rtmsg *body = mnl_nlmsg_get_payload(h);
    struct list *l = data;
    struct route_entry *e = &l->entries[l->n];

    if (h->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(h) < sizeof(*body))
        return -EBADMSG;
    if (body->rtm_family != l->family || (body->rtm_type != RTN_UNICAST && body->rtm_type != RTN_UNREACHABLE))
        return 0;
    if (l->n == ROUTE_ENTRIES_MAX)
        return -E2BIG;
    *e = (struct route_entry){.network = {.addr = addr_any(l->family), .bits = body->rtm_dst_len}};
    l->table = body->rtm_table;
    (void)mnl_attr_parse(h, sizeof(*body), read_route_attr, l);
    if (body->rtm_type == RTN_UNREACHABLE)
        e->index = 0; /* IPv6 names lo */
    if (l->table == ROUTE_TABLE && (e->index != 0 || body->rtm_type == RTN_UNREACHABLE))
        l->n++;
    return 0;
}

int route_list(struct route *r, int family, struct route_entry **ret, size_t *ret_n)
{
    cleanup(freep) struct route_entry *entries = calloc(ROUTE_ENTRIES_MAX + 1, sizeof(*entries));
    struct list list = {.family = family, .entries = entries};
    union route_message m;
    struct rtmsg *body = route_message_begin(&m, RTM_GETROUTE, 0, sizeof(*body));
    int k;

    if (!entries)
        return -ENOMEM;
    body->rtm_family = (uint8_t)family;
    mnl_attr_put_u32(&m.header, RTA_TABLE, ROUTE_TABLE);
    k = route_dump(r, &m, read_route, &list);
    if (k < 0)
        return k;
    *ret = TAKE_PTR(entries);
    *ret_n = list.n;
    return 0;
}

struct search {
    int family;
    route_match_fn match;
    const void *data; /* for match */
    struct addr found;
};

/* Of a link with a peer IFA_ADDRESS is the peer's. */
static int read_addr_attr(const struct nlattr *attr, void *data)
{
    const struct nlattr **own = data;
    uint16_t type = mnl_attr_get_type(attr);

    if (type == IFA_LOCAL || (type == IFA_ADDRESS && !*own))
        *own = attr;
    return MNL_CB_OK;
}

static int read_addr(void *data, const struct nlmsghdr *h)
{
    const struct ifaddrmsg *body = mnl_nlmsg_get_payload(h);
    const struct nlattr *own = NULL;
    struct search *s = data;
    struct addr a = addr_any(s->family);

    if (h->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(h) < sizeof(*body))
        return -EBADMSG;
    if (addr_is_set(&s->found) || body->ifa_family != s->family || (body->ifa_flags & IFA_F_TENTATIVE))
        return 0;
    (void)mnl_attr_parse(h, sizeof(*body), read_addr_attr, &own);
    if (own && route_message_get_addr(own, &a) && s->match(s->data, &a))
        s->found = a;
    return 0;
}

int route_addr_find(struct route *r, int family, route_match_fn match, const void *data, struct addr *ret)
{
    struct search s = {.family = family, .match = match, .data = data, .found = addr_any(AF_UNSPEC)};
    union route_message m;
    struct ifaddrmsg *body = route_message_begin(&m, RTM_GETADDR, 0, sizeof(*body));
    int k;

    body->ifa_family = (uint8_t)family;
    k = route_dump(r, &m, read_addr, &s);
    if (k < 0)
        return k;
    if (!addr_is_set(&s.found))
        return -EADDRNOTAVAIL;
    *ret = s.found;
    return 0;
}
