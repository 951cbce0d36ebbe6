#include "engine/io/datagram.h"

#include <errno.h>
#include <string.h>

union control {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))]; /* the larger ones */
};

static int set_flag(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

int datagram_options(int fd, int family, uint32_t mark)
{
    int r = 0;

    if (mark != 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
        return -errno;
    if (family == AF_INET) {
        r = set_flag(fd, IPPROTO_IP, IP_PKTINFO, 1);
        if (r == 0)
            r = set_flag(fd, IPPROTO_IP, IP_RECVTOS, 1);
        return r < 0 ? r : set_flag(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
    }
    r = set_flag(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    return r < 0 ? r : set_flag(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
}

static void read_control(const struct cmsghdr *c, struct datagram *d)
{
    const uint8_t *data = CMSG_DATA(c);
    struct in_pktinfo info;
    struct in6_pktinfo info6;
    int class;

    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO && c->cmsg_len >= CMSG_LEN(sizeof(info))) {
        memcpy(&info, data, sizeof(info));
        d->local = addr_any(AF_INET);
        d->local.in.sin_addr = info.ipi_addr;
    } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS && c->cmsg_len >= CMSG_LEN(1)) {
        d->ecn = data[0] & 3;
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO &&
               c->cmsg_len >= CMSG_LEN(sizeof(info6))) {
        memcpy(&info6, data, sizeof(info6));
        d->local = addr_any(AF_INET6);
        d->local.in6.sin6_addr = info6.ipi6_addr;
        if (IN6_IS_ADDR_LINKLOCAL(&info6.ipi6_addr))
            d->local.in6.sin6_scope_id = info6.ipi6_ifindex;
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS && c->cmsg_len >= CMSG_LEN(sizeof(class))) {
        memcpy(&class, data, sizeof(class));
        d->ecn = (uint8_t)(class & 3);
    }
}

ssize_t datagram_receive(int fd, uint8_t *buf, size_t size, struct datagram *ret)
{
    struct datagram d = {0};
    union control control;
    struct iovec iov = {.iov_base = buf, .iov_len = size};
    struct msghdr m = {
        .msg_name = &d.peer,
        .msg_namelen = sizeof(d.peer),
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    ssize_t n = recvmsg(fd, &m, 0);

    if (n < 0)
        return -errno;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        read_control(c, &d);
    if (!addr_is_set(&d.local) || !addr_is_set(&d.peer) || (m.msg_flags & MSG_TRUNC))
        return -EBADMSG;
    *ret = d;
    return n;
}

/* Appends an element of SIZE bytes to the control data of M. */
static void put(struct msghdr *m, union control *control, int level, int type, const void *data, size_t size)
{
    struct cmsghdr h = {.cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(size)};
    uint8_t *at = control->bytes + m->msg_controllen;

    memcpy(at, &h, sizeof(h));
    memcpy(at + CMSG_LEN(0), data, size);
    m->msg_control = control;
    m->msg_controllen += CMSG_SPACE(size);
}

static void put_local(struct msghdr *m, union control *control, const struct addr *local)
{
    if (addr_family(local) == AF_INET6) {
        struct in6_pktinfo info = {.ipi6_addr = local->in6.sin6_addr, .ipi6_ifindex = local->in6.sin6_scope_id};

        put(m, control, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
    } else {
        struct in_pktinfo info = {.ipi_spec_dst = local->in.sin_addr};

        put(m, control, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
    }
}

int datagram_send(int fd, const struct datagram *d, struct iovec *parts, size_t n)
{
    struct addr peer = d->peer;
    union control control = {0};
    struct msghdr m = {.msg_name = &peer, .msg_namelen = addr_len(&peer), .msg_iov = parts, .msg_iovlen = n};
    int ecn = d->ecn;

    if (addr_is_set(&d->local)) {
        if (addr_family(&d->local) != addr_family(&peer))
            return -EINVAL;
        put_local(&m, &control, &d->local);
    }
    if (ecn != 0 && addr_family(&peer) == AF_INET6)
        put(&m, &control, IPPROTO_IPV6, IPV6_TCLASS, &ecn, sizeof(ecn));
    else if (ecn != 0)
        put(&m, &control, IPPROTO_IP, IP_TOS, &ecn, sizeof(ecn));
    return sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

struct iovec datagram_part(const uint8_t *bytes, size_t len)
{
    union {
        const uint8_t *in;
        void *out;
    } base = {.in = bytes};

    return (struct iovec){.iov_base = base.out, .iov_len = len};
}
