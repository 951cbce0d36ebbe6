#include "engine/io/route.h"

#include "base/str.h"
#include "engine/io/route_message.h"

#include <assert.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#define RULES_MAX 16 /* of our table, of one family */

/*
 * Ours claim to be the kernel's: systemd-networkd takes away all others that it did not make whenever it starts
 * (networkd.conf(5), ManageForeignRoutes=, ManageForeignRoutingPolicyRules=), and traffic would leave in clear.
 */
#define PROTOCOL RTPROT_KERNEL

/* What the kernel answers for IPv6 where it has none. Then no packet of it can leave either. */
static bool no_such_family(int error)
{
    return error == -EAFNOSUPPORT || error == -EOPNOTSUPP;
}

/* The kernel gives every device an IPv6 link-local address that comes up, and asks for routers from there. */
static int disable_link_local(struct route *r, uint32_t index)
{
    union route_message m;
    struct ifinfomsg *body = route_message_begin(&m, RTM_NEWLINK, 0, sizeof(*body));
    struct nlattr *spec, *ipv6;
    int k;

    body->ifi_family = AF_UNSPEC;
    body->ifi_index = (int)index;
    spec = mnl_attr_nest_start(&m.header, IFLA_AF_SPEC);
    ipv6 = mnl_attr_nest_start(&m.header, AF_INET6);
    mnl_attr_put_u8(&m.header, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    mnl_attr_nest_end(&m.header, ipv6);
    mnl_attr_nest_end(&m.header, spec);
    k = route_ask(r, &m);
    return no_such_family(k) ? 0 : k;
}

int route_link_up(struct route *r, uint32_t index, uint32_t mtu)
{
    union route_message m;
    struct ifinfomsg *body;
    int k = disable_link_local(r, index);

    if (k < 0)
        return k;
    body = route_message_begin(&m, RTM_NEWLINK, 0, sizeof(*body));
    body->ifi_family = AF_UNSPEC;
    body->ifi_index = (int)index;
    body->ifi_flags = IFF_UP;
    body->ifi_change = IFF_UP;
    mnl_attr_put_u32(&m.header, IFLA_MTU, mtu);
    return route_ask(r, &m);
}

int route_addr_add(struct route *r, uint32_t index, const struct network *a)
{
    union route_message m;
    struct ifaddrmsg *body = route_message_begin(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*body));
    int family = addr_family(&a->addr);

    body->ifa_family = (uint8_t)family;
    body->ifa_prefixlen = a->bits;
    body->ifa_scope = RT_SCOPE_UNIVERSE;
    body->ifa_index = index;
    if (family == AF_INET)
        route_message_put_addr(&m, IFA_LOCAL, &a->addr);
    route_message_put_addr(&m, IFA_ADDRESS, &a->addr);
    mnl_attr_put_u32(&m.header, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
    return route_ask(r, &m);
}

/* INDEX 0: an unreachable route. SOURCE may be NULL. */
static int change_route(struct route *r, uint16_t type, uint16_t flags, const struct network *n, uint32_t index,
                        uint32_t metric, const struct addr *source)
{
    union route_message m;
    struct rtmsg *body = route_message_begin(&m, type, flags, sizeof(*body));
    struct network base = route_message_base(n);

    body->rtm_family = (uint8_t)addr_family(&n->addr);
    body->rtm_dst_len = n->bits;
    body->rtm_protocol = PROTOCOL;
    body->rtm_type = index ? RTN_UNICAST : RTN_UNREACHABLE;
    body->rtm_scope = index && addr_family(&n->addr) == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    route_message_put_addr(&m, RTA_DST, &base.addr);
    mnl_attr_put_u32(&m.header, RTA_TABLE, ROUTE_TABLE);
    mnl_attr_put_u32(&m.header, RTA_PRIORITY, metric);
    if (index)
        mnl_attr_put_u32(&m.header, RTA_OIF, index);
    if (source)
        route_message_put_addr(&m, RTA_PREFSRC, source);
    return route_ask(r, &m);
}

static int delete_route(struct route *r, const struct network *n, uint32_t index, uint32_t metric)
{
    int k = change_route(r, RTM_DELROUTE, 0, n, index, metric, NULL);

    return k == -ESRCH || k == -ENODEV ? 0 : k;
}

int route_device_add(struct route *r, const struct network *n, uint32_t index, uint32_t metric,
                     const struct addr *source)
{
    assert(index > 0 && metric > 0 && metric < ROUTE_METRIC_UNREACHABLE);
    return change_route(r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, n, index, metric, source);
}

int route_device_del(struct route *r, const struct network *n, uint32_t index, uint32_t metric)
{
    assert(index > 0 && metric > 0 && metric < ROUTE_METRIC_UNREACHABLE);
    return delete_route(r, n, index, metric);
}

int route_unreachable_add(struct route *r, const struct network *n)
{
    return change_route(r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, n, 0, ROUTE_METRIC_UNREACHABLE, NULL);
}

int route_unreachable_del(struct route *r, const struct network *n)
{
    return delete_route(r, n, 0, ROUTE_METRIC_UNREACHABLE);
}

static struct fib_rule_hdr *begin_rule(union route_message *m, uint16_t type, uint16_t flags, int family)
{
    struct fib_rule_hdr *body = route_message_begin(m, type, flags, sizeof(*body));

    body->family = (uint8_t)family;
    body->action = FR_ACT_TO_TBL;
    mnl_attr_put_u32(&m->header, FRA_TABLE, ROUTE_TABLE);
    return body;
}

static int add_rule(struct route *r, int family)
{
    union route_message m;
    struct fib_rule_hdr *body = begin_rule(&m, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, family);
    int k;

    body->flags = FIB_RULE_INVERT;
    mnl_attr_put_u32(&m.header, FRA_PRIORITY, ROUTE_RULE_PRIORITY);
    mnl_attr_put_u32(&m.header, FRA_FWMARK, ROUTE_MARK);
    mnl_attr_put_u32(&m.header, FRA_FWMASK, UINT32_MAX);
    mnl_attr_put_u8(&m.header, FRA_PROTOCOL, PROTOCOL);
    k = route_ask(r, &m);
    return k == -EEXIST ? 0 : k;
}

static int delete_rules(struct route *r, int family)
{
    for (int i = 0; i < RULES_MAX; i++) {
        union route_message m;
        int k;

        (void)begin_rule(&m, RTM_DELRULE, 0, family);
        k = route_ask(r, &m);
        if (k == -ENOENT)
            return 0;
        if (k < 0)
            return k;
    }
    return -E2BIG;
}

int route_rules_add(struct route *r)
{
    int k = add_rule(r, AF_INET);

    if (k < 0)
        return k;
    k = add_rule(r, AF_INET6);
    return no_such_family(k) ? 0 : k;
}

int route_rules_del(struct route *r)
{
    int k = delete_rules(r, AF_INET);

    if (k < 0)
        return k;
    k = delete_rules(r, AF_INET6);
    return no_such_family(k) ? 0 : k;
}

static bool is_unreachable(const struct route_entry *e)
{
    return e->index == 0 && e->metric == ROUTE_METRIC_UNREACHABLE;
}

typedef bool (*goes_fn)(const struct route_entry *e, const void *data);

static int delete_where(struct route *r, goes_fn goes, const void *data)
{
    static const int families[] = {AF_INET, AF_INET6};

    for (size_t f = 0; f < 2; f++) {
        cleanup(freep) struct route_entry *entries = NULL;
        size_t n_entries;
        int k = route_list(r, families[f], &entries, &n_entries);

        for (size_t i = 0; k == 0 && i < n_entries; i++)
            if (goes(&entries[i], data))
                k = delete_route(r, &entries[i].network, entries[i].index, entries[i].metric);
        if (k < 0)
            return k;
    }
    return 0;
}

static bool is_anything(const struct route_entry *e, const void *data)
{
    (void)e, (void)data;
    return true;
}

int route_flush(struct route *r)
{
    int k = route_rules_del(r);

    return k < 0 ? k : delete_where(r, is_anything, NULL);
}

struct tidying {
    const struct network *wide, *keep;
    size_t n_wide, n_keep;
};

static bool is_in_the_way(const struct route_entry *e, const void *data)
{
    const struct tidying *t = data;
    bool within = false;

    for (size_t i = 0; i < t->n_wide && !within; i++)
        within = network_within(&e->network, &t->wide[i]);
    if (!within || !is_unreachable(e))
        return false;
    for (size_t i = 0; i < t->n_keep; i++)
        if (network_equal(&t->keep[i], &e->network))
            return false;
    return true;
}

int route_tidy(struct route *r, const struct network *wide, size_t n_wide, const struct network *keep, size_t n_keep)
{
    return delete_where(r, is_in_the_way, &(struct tidying){wide, keep, n_wide, n_keep});
}
