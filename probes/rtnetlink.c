#include "probes/rtnetlink.h"

#include "base/str.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/ioctl.h>

#define MESSAGE_MAX 4096 /* bytes; a route or a neighbour takes some hundred */
#define READS_MAX   4    /* answers to older questions that may be in the way */

struct rtnetlink {
    struct mnl_socket *socket; /* owned */
    uint32_t seq;
};

union message {
    struct nlmsghdr header;
    uint8_t bytes[MESSAGE_MAX];
};

int rtnetlink_new(struct rtnetlink **ret)
{
    cleanup(rtnetlink_freep) struct rtnetlink *n = calloc(1, sizeof(*n));

    if (!n)
        return -ENOMEM;
    n->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (!n->socket || mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID) < 0)
        return -errno;
    *ret = TAKE_PTR(n);
    return 0;
}

struct rtnetlink *rtnetlink_free(struct rtnetlink *n)
{
    if (n) {
        if (n->socket)
            (void)mnl_socket_close(n->socket);
        free(n);
    }
    return NULL;
}

/*
 * Sends the question in M and puts the answer there: of TYPE, with a body of at least SIZE bytes. The kernel answers
 * while we send, so that there is nothing to wait for. What it answers instead is left in *RET_ERROR, as -errno.
 */
static int ask(struct rtnetlink *n, union message *m, uint16_t type, size_t size, const struct nlmsghdr **ret,
               int *ret_error)
{
    m->header.nlmsg_flags = NLM_F_REQUEST;
    m->header.nlmsg_seq = ++n->seq;
    if (mnl_socket_sendto(n->socket, m, m->header.nlmsg_len) < 0)
        return -errno;
    for (int i = 0; i < READS_MAX; i++) {
        const struct nlmsghdr *h = &m->header;
        const struct nlmsgerr *error = mnl_nlmsg_get_payload(h);
        ssize_t len = mnl_socket_recvfrom(n->socket, m, sizeof(*m));

        if (len < 0)
            return -errno;
        if (!mnl_nlmsg_ok(h, (int)len) || h->nlmsg_seq != n->seq)
            continue;
        if (h->nlmsg_type == NLMSG_ERROR && mnl_nlmsg_get_payload_len(h) >= sizeof(*error) && error->error < 0) {
            *ret_error = error->error;
            return 0;
        }
        if (h->nlmsg_type != type || mnl_nlmsg_get_payload_len(h) < size)
            return -EBADMSG;
        *ret = h;
        *ret_error = 0;
        return 0;
    }
    return -EBADMSG;
}

static size_t addr_bytes(int family)
{
    return family == AF_INET6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
}

static void put_addr(struct nlmsghdr *h, uint16_t attr, const struct addr *a)
{
    int family = addr_family(a);

    mnl_attr_put(h, attr, addr_bytes(family),
                 family == AF_INET6 ? (const void *)&a->in6.sin6_addr : (const void *)&a->in.sin_addr);
}

struct search {
    uint16_t type;
    const struct nlattr *found; /* borrowed from the message */
};

static int match(const struct nlattr *attr, void *data)
{
    struct search *s = data;

    if (mnl_attr_get_type(attr) == s->type)
        s->found = attr;
    return MNL_CB_OK;
}

/* The attribute of TYPE after a body of SIZE bytes; NULL where missing. */
static const struct nlattr *find(const struct nlmsghdr *h, size_t size, uint16_t type)
{
    struct search s = {.type = type};

    (void)mnl_attr_parse(h, (unsigned)size, match, &s);
    return s.found;
}

/* An address of FAMILY in LEN bytes; unset where it is none. */
static struct addr read_addr(int family, const void *bytes, size_t len)
{
    struct addr a = addr_any(family);

    if ((family != AF_INET && family != AF_INET6) || len != addr_bytes(family))
        return addr_any(AF_UNSPEC);
    memcpy(family == AF_INET6 ? (void *)&a.in6.sin6_addr : (void *)&a.in.sin_addr, bytes, len);
    return a;
}

static struct addr find_addr(const struct nlmsghdr *h, uint16_t type)
{
    const struct rtmsg *body = mnl_nlmsg_get_payload(h);
    const struct nlattr *attr = find(h, sizeof(*body), type);

    if (!attr)
        return addr_any(AF_UNSPEC);
    return read_addr(body->rtm_family, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
}

/* RTA_VIA has the family and the address of a gateway that is not of the route's family. */
static struct addr find_gateway(const struct nlmsghdr *h)
{
    const struct nlattr *attr = find(h, sizeof(struct rtmsg), RTA_VIA);
    const struct rtvia *via = attr ? mnl_attr_get_payload(attr) : NULL;

    if (!via || mnl_attr_get_payload_len(attr) < sizeof(*via))
        return find_addr(h, RTA_GATEWAY);
    return read_addr(via->rtvia_family, via->rtvia_addr, mnl_attr_get_payload_len(attr) - sizeof(*via));
}

static uint32_t find_interface(const struct nlmsghdr *h)
{
    const struct nlattr *attr = find(h, sizeof(struct rtmsg), RTA_OIF);

    return attr && mnl_attr_get_payload_len(attr) == sizeof(uint32_t) ? mnl_attr_get_u32(attr) : 0;
}

/* The answers for: no route, or unreachable; unreachable; prohibit; blackhole. */
static bool means_no_route(int error)
{
    return error == -ENETUNREACH || error == -EHOSTUNREACH || error == -EACCES || error == -EINVAL;
}

int rtnetlink_route(struct rtnetlink *n, const struct addr *to, struct rtnetlink_route *ret)
{
    union message m;
    struct nlmsghdr *h = mnl_nlmsg_put_header(&m);
    struct rtmsg *body = mnl_nlmsg_put_extra_header(h, sizeof(*body));
    struct rtnetlink_route route = {0};
    const struct nlmsghdr *answer;
    int error, r;

    h->nlmsg_type = RTM_GETROUTE;
    body->rtm_family = (unsigned char)addr_family(to);
    body->rtm_dst_len = (unsigned char)(8 * addr_bytes(addr_family(to)));
    put_addr(h, RTA_DST, to);
    r = ask(n, &m, RTM_NEWROUTE, sizeof(*body), &answer, &error);
    if (r < 0)
        return r;
    if (error < 0 && !means_no_route(error))
        return error;
    if (error == 0) {
        route.exists = true;
        route.index = find_interface(answer);
        route.source = find_addr(answer, RTA_PREFSRC);
        route.gateway = find_gateway(answer);
        if (route.index == 0)
            return -EBADMSG;
    }
    *ret = route;
    return 0;
}

/*
 * Not RTM_GETLINK, which waits for the lock that a driver holds while it resets its hardware: just when we ask. These
 * two take no lock. IFF_RUNNING is the kernel's word for carrier and operational state (RFC 2863) together.
 */
int rtnetlink_link(struct rtnetlink *n, uint32_t index, struct rtnetlink_link *ret)
{
    int fd = mnl_socket_get_fd(n->socket);
    struct ifreq req = {.ifr_ifindex = (int)index};
    struct rtnetlink_link link;

    if (ioctl(fd, SIOCGIFNAME, &req) < 0)
        return -errno;
    (void)str_copy(link.name, sizeof(link.name), req.ifr_name);
    if (ioctl(fd, SIOCGIFFLAGS, &req) < 0)
        return -errno;
    link.up = (req.ifr_flags & IFF_UP) && (req.ifr_flags & IFF_RUNNING);
    *ret = link;
    return 0;
}

/* nda_cacheinfo counts in ticks of the clock of times(2). */
static usec_t age_of(const struct nlmsghdr *h)
{
    const struct nlattr *attr = find(h, sizeof(struct ndmsg), NDA_CACHEINFO);
    const struct nda_cacheinfo *info = attr ? mnl_attr_get_payload(attr) : NULL;

    if (!info || mnl_attr_get_payload_len(attr) < sizeof(*info))
        return 0;
    return info->ndm_updated * USEC_PER_SEC / (usec_t)sysconf(_SC_CLK_TCK);
}

int rtnetlink_neighbour(struct rtnetlink *n, uint32_t index, const struct addr *a, struct rtnetlink_neighbour *ret)
{
    union message m;
    struct nlmsghdr *h = mnl_nlmsg_put_header(&m);
    struct ndmsg *body = mnl_nlmsg_put_extra_header(h, sizeof(*body));
    struct rtnetlink_neighbour neighbour = {.state = NUD_NONE};
    const struct nlmsghdr *answer;
    int error, r;

    h->nlmsg_type = RTM_GETNEIGH;
    body->ndm_family = (unsigned char)addr_family(a);
    body->ndm_ifindex = (int)index;
    put_addr(h, NDA_DST, a);
    r = ask(n, &m, RTM_NEWNEIGH, sizeof(*body), &answer, &error);
    if (r < 0)
        return r;
    if (error < 0 && error != -ENOENT)
        return error;
    if (error == 0) {
        body = mnl_nlmsg_get_payload(answer);
        neighbour = (struct rtnetlink_neighbour){.state = body->ndm_state, .age = age_of(answer)};
    }
    *ret = neighbour;
    return 0;
}
