#include "probes/icmp_socket.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "base/writer.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <time.h>

#define HEADER         8 /* type, code, checksum, id, sequence */
#define CHECKSUM_AT    2
#define RECEIVE_BUFFER (1024 * 1024) /* many answers may come before we run; the kernel takes less where it must */

/* Replies to ID only: other programs' packets do not even wake us. An IPv4 packet begins with its IP header. */
static int attach_filter(int fd, int family, uint16_t id)
{
    struct sock_filter v4[] = {
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), /* X = length of the IP header */
        BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP_ECHOREPLY, 0, 3),
        BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, id, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),  BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_filter v6[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP6_ECHO_REPLY, 0, 3),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, id, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX), BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const struct sock_fprog program = {
        .len = family == AF_INET6 ? ARRAY_LEN(v6) : ARRAY_LEN(v4),
        .filter = family == AF_INET6 ? v6 : v4,
    };

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno : 0;
}

int icmp_socket_open(const struct addr *source, uint16_t raw_id, struct icmp_socket *ret)
{
    static const int on = 1, buffer = RECEIVE_BUFFER;
    int family = addr_family(source), protocol = family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
    struct icmp_socket s = {.id = raw_id, .source = *source};
    cleanup(closep) int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

    /* ping_group_range shuts out even root where its group is not in it. */
    if (fd < 0 && (errno == EACCES || errno == EPERM || errno == EPROTONOSUPPORT)) {
        s.raw = true;
        fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    }
    if (fd < 0)
        return -errno;
    if (s.raw) {
        int r = attach_filter(fd, family, raw_id);

        if (r < 0)
            return r;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer)); /* a wish */
    addr_set_port(&s.source, 0);
    /* On a datagram socket this also fixes the id. */
    if (bind(fd, &s.source.sa, addr_len(&s.source)) < 0)
        return -errno;
    s.fd = TAKE_FD(fd);
    *ret = s;
    return 0;
}

void icmp_socket_close(struct icmp_socket *s)
{
    closep(&s->fd);
    s->fd = -1;
}

/* RFC 1071. */
static uint16_t checksum_of(const uint8_t *bytes, size_t len)
{
    struct rd r = rd_of(bytes, len);
    uint32_t sum = 0;

    while (rd_left(&r) > 0)
        sum += rd_be16(&r);
    sum = (sum & 0xffff) + (sum >> 16);
    sum += sum >> 16;
    return (uint16_t)~sum;
}

static bool has_source(const struct icmp_socket *s)
{
    struct addr any = addr_any(addr_family(&s->source));

    return !addr_equal(&s->source, &any);
}

/* Whether the source address is (still) an address of this host, which only binding to it tells. */
static bool source_is_here(const struct icmp_socket *s)
{
    cleanup(closep) int fd = socket(addr_family(&s->source), SOCK_DGRAM | SOCK_CLOEXEC, 0);

    return fd < 0 || bind(fd, &s->source.sa, addr_len(&s->source)) == 0 || errno != EADDRNOTAVAIL;
}

/* Kernels call a source that is gone EINVAL or ENETUNREACH, and a blackhole route EINVAL too. */
static int explain(const struct icmp_socket *s, int error)
{
    if ((error == EINVAL || error == ENETUNREACH) && has_source(s) && !source_is_here(s))
        return -EADDRNOTAVAIL;
    return error == EINVAL ? -EHOSTUNREACH : -error;
}

int icmp_socket_send(const struct icmp_socket *s, const struct addr *to, uint16_t sequence,
                     const uint8_t payload[static ICMP_PAYLOAD])
{
    bool v6 = addr_family(&s->source) == AF_INET6;
    union {
        struct cmsghdr header;
        uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    } control = {0};
    struct addr peer = *to;
    uint8_t bytes[HEADER + ICMP_PAYLOAD];
    struct wr w = wr_of(bytes, sizeof(bytes));
    struct iovec data = {.iov_base = bytes, .iov_len = sizeof(bytes)};
    struct msghdr m = {.msg_name = &peer.sa, .msg_namelen = addr_len(&peer), .msg_iov = &data, .msg_iovlen = 1};

    addr_set_port(&peer, 0);
    wr_u8(&w, v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO);
    wr_u8(&w, 0);
    wr_be16(&w, 0);     /* the kernel's business but on raw IPv4 */
    wr_be16(&w, s->id); /* the kernel's on a datagram socket */
    wr_be16(&w, sequence);
    wr_bytes(&w, payload, ICMP_PAYLOAD);
    if (s->raw && !v6)
        wr_patch_be16(&w, CHECKSUM_AT, checksum_of(bytes, sizeof(bytes)));

    /* IPv6 goes on sending from a bound address that is gone; it only looks at one that is named with the packet. */
    if (v6 && has_source(s)) {
        const struct in6_pktinfo from = {.ipi6_addr = s->source.in6.sin6_addr, .ipi6_ifindex = peer.in6.sin6_scope_id};

        m.msg_control = &control;
        m.msg_controllen = sizeof(control);
        control.header.cmsg_level = IPPROTO_IPV6;
        control.header.cmsg_type = IPV6_PKTINFO;
        control.header.cmsg_len = CMSG_LEN(sizeof(from));
        memcpy(CMSG_DATA(&control.header), &from, sizeof(from));
    }
    return sendmsg(s->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? explain(s, errno) : 0;
}

/* When the kernel got the packet by the wall clock; NOW where it does not say. */
static usec_t received_at(struct msghdr *m, usec_t now)
{
    struct timespec ts;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS || c->cmsg_len < CMSG_LEN(sizeof(ts)))
            continue;
        memcpy(&ts, CMSG_DATA(c), sizeof(ts));
        return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
    }
    return now;
}

int icmp_socket_receive(const struct icmp_socket *s, struct icmp_batch *ret)
{
    struct mmsghdr messages[ICMP_BATCH] = {0};
    struct iovec data[ICMP_BATCH];
    int n;

    for (size_t k = 0; k < ICMP_BATCH; k++) {
        struct icmp_packet *p = &ret->packets[k];

        data[k] = (struct iovec){.iov_base = p->bytes, .iov_len = sizeof(p->bytes)};
        messages[k].msg_hdr = (struct msghdr){
            .msg_name = &p->from,
            .msg_namelen = sizeof(p->from),
            .msg_iov = &data[k],
            .msg_iovlen = 1,
            .msg_control = p->control,
            .msg_controllen = sizeof(p->control),
        };
    }
    n = recvmmsg(s->fd, messages, ICMP_BATCH, MSG_DONTWAIT, NULL);
    if (n < 0)
        return -errno;
    ret->n = (size_t)n;
    ret->boottime = clock_now(clock_system());
    ret->realtime = clock_wall(clock_system());
    for (size_t k = 0; k < ret->n; k++) {
        ret->packets[k].len = messages[k].msg_len;
        ret->packets[k].from_len = messages[k].msg_hdr.msg_namelen;
        ret->packets[k].received = received_at(&messages[k].msg_hdr, ret->realtime);
    }
    return n;
}

bool icmp_socket_echo(const struct icmp_socket *s, const struct icmp_batch *b, size_t k, struct icmp_echo *ret)
{
    const struct icmp_packet *p = &b->packets[k];
    bool v6 = addr_family(&s->source) == AF_INET6;
    struct icmp_echo e = {.read_at = b->boottime};
    struct rd r = rd_of(p->bytes, p->len < sizeof(p->bytes) ? p->len : sizeof(p->bytes));
    uint8_t type, code;
    uint16_t id;

    if (s->raw && !v6) {
        size_t header = (size_t)(rd_u8(&r) & 0x0f) * 4; /* RFC 791 3.1, IHL */

        rd_skip(&r, header > 0 ? header - 1 : 0);
    }
    type = rd_u8(&r);
    code = rd_u8(&r);
    rd_skip(&r, 2); /* the checksum; verified but for raw IPv4, where the payload says enough */
    id = rd_be16(&r);
    e.sequence = rd_be16(&r);
    e.payload = r;
    if (!rd_ok(&r) || type != (v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) || code != 0 || (s->raw && id != s->id) ||
        addr_from_sockaddr(&p->from.sa, (socklen_t)p->from_len, &e.from) < 0)
        return false;
    /* Its age by one clock, taken from the other: a step of the wall clock just then is the caller's to notice. */
    e.at = clock_since(clock_since(p->received, b->realtime), b->boottime);
    *ret = e;
    return true;
}
