#include "engine/io/route_message.h"

#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define READS_MAX      64    /* answers to older questions that may be in the way */
#define ANSWER_MAX     8192  /* bytes */
#define DUMP_MAX       32768 /* bytes that the kernel hands over at once */
#define DUMP_READS_MAX 1024

struct route {
    struct mnl_socket *socket; /* owned */
    uint32_t seq;
    char error[ROUTE_ERROR_MAX];
};

int route_new(struct route **ret)
{
    cleanup(route_freep) struct route *r = calloc(1, sizeof(*r));
    int on = 1;

    if (!r)
        return -ENOMEM;
    r->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (!r->socket || mnl_socket_bind(r->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
        mnl_socket_setsockopt(r->socket, NETLINK_EXT_ACK, &on, sizeof(on)) < 0 ||
        mnl_socket_setsockopt(r->socket, NETLINK_CAP_ACK, &on, sizeof(on)) < 0 ||
        mnl_socket_setsockopt(r->socket, NETLINK_GET_STRICT_CHK, &on, sizeof(on)) < 0)
        return -errno;
    *ret = TAKE_PTR(r);
    return 0;
}

struct route *route_free(struct route *r)
{
    if (r) {
        if (r->socket)
            (void)mnl_socket_close(r->socket);
        free(r);
    }
    return NULL;
}

const char *route_error(const struct route *r)
{
    return r->error;
}

static size_t addr_bytes(int family)
{
    return family == AF_INET6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
}

static uint8_t *bytes_of(struct addr *a)
{
    return addr_family(a) == AF_INET6 ? a->in6.sin6_addr.s6_addr : (uint8_t *)&a->in.sin_addr;
}

void *route_message_begin(union route_message *m, uint16_t type, uint16_t flags, size_t size)
{
    memset(m, 0, sizeof(*m));
    (void)mnl_nlmsg_put_header(m);
    m->header.nlmsg_type = type;
    m->header.nlmsg_flags = NLM_F_REQUEST | flags;
    return mnl_nlmsg_put_extra_header(&m->header, size);
}

void route_message_put_addr(union route_message *m, uint16_t attr, const struct addr *a)
{
    struct addr copy = *a;

    mnl_attr_put(&m->header, attr, addr_bytes(addr_family(a)), bytes_of(&copy));
}

bool route_message_get_addr(const struct nlattr *attr, struct addr *a)
{
    size_t len = addr_bytes(addr_family(a));

    if (mnl_attr_get_payload_len(attr) != len)
        return false;
    memcpy(bytes_of(a), mnl_attr_get_payload(attr), len);
    return true;
}

struct network route_message_base(const struct network *n)
{
    struct network base = {.addr = addr_any(addr_family(&n->addr)), .bits = n->bits};
    struct addr copy = n->addr;
    const uint8_t *from = bytes_of(&copy);
    uint8_t *to = bytes_of(&base.addr);
    size_t whole = n->bits / 8;

    assert(n->bits <= 8 * addr_bytes(addr_family(&n->addr)));
    memcpy(to, from, whole);
    if (n->bits % 8 != 0)
        to[whole] = from[whole] & (uint8_t)(0xFF << (8 - n->bits % 8));
    return base;
}

bool network_equal(const struct network *a, const struct network *b)
{
    struct network base_a, base_b;

    if (a->bits != b->bits || addr_family(&a->addr) != addr_family(&b->addr))
        return false;
    base_a = route_message_base(a);
    base_b = route_message_base(b);
    return addr_equal(&base_a.addr, &base_b.addr);
}

bool network_within(const struct network *inner, const struct network *outer)
{
    const struct network wide = {.addr = inner->addr, .bits = outer->bits};

    return inner->bits >= outer->bits && addr_family(&inner->addr) == addr_family(&outer->addr) &&
           network_equal(&wide, outer);
}

static int read_text(const struct nlattr *attr, void *data)
{
    struct route *r = data;

    if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
        str_printable(r->error, sizeof(r->error), mnl_attr_get_payload(attr),
                      strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr)));
    return MNL_CB_OK;
}

/* The text comes behind the code: NETLINK_CAP_ACK leaves our own request out. */
static int read_error(struct route *r, const struct nlmsghdr *h)
{
    const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

    if (mnl_nlmsg_get_payload_len(h) < sizeof(*e))
        return -EBADMSG;
    if (e->error < 0 && (h->nlmsg_flags & NLM_F_ACK_TLVS))
        (void)mnl_attr_parse(h, sizeof(*e), read_text, r);
    return e->error;
}

static int send_message(struct route *r, union route_message *m)
{
    r->error[0] = '\0';
    m->header.nlmsg_seq = ++r->seq;
    return mnl_socket_sendto(r->socket, m, m->header.nlmsg_len) < 0 ? -errno : 0;
}

int route_ask(struct route *r, union route_message *m)
{
    union {
        struct nlmsghdr header;
        uint8_t bytes[ANSWER_MAX];
    } answer;
    int k;

    m->header.nlmsg_flags |= NLM_F_ACK;
    k = send_message(r, m);
    for (int i = 0; k == 0 && i < READS_MAX; i++) {
        ssize_t len = mnl_socket_recvfrom(r->socket, &answer, sizeof(answer));

        if (len < 0)
            return -errno;
        if (!mnl_nlmsg_ok(&answer.header, (int)len) || answer.header.nlmsg_seq != r->seq)
            continue;
        return answer.header.nlmsg_type == NLMSG_ERROR ? read_error(r, &answer.header) : -EBADMSG;
    }
    return k < 0 ? k : -EBADMSG;
}

static int read_done(const struct nlmsghdr *h)
{
    return mnl_nlmsg_get_payload_len(h) >= sizeof(int) ? *(const int *)mnl_nlmsg_get_payload(h) : 0;
}

/* 1: there is more to come. A table that was never used does not exist. */
static int read_dump(struct route *r, const struct nlmsghdr *h, int len, route_read_fn read, void *data)
{
    for (; mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len)) {
        bool done = h->nlmsg_type == NLMSG_DONE;
        int k;

        if (h->nlmsg_seq != r->seq)
            continue;
        if (done)
            k = read_done(h);
        else
            k = h->nlmsg_type == NLMSG_ERROR ? read_error(r, h) : read(data, h);
        if (k < 0 || done)
            return k == -ENOENT ? 0 : k;
    }
    return 1;
}

int route_dump(struct route *r, union route_message *m, route_read_fn read, void *data)
{
    cleanup(freep) void *buf = malloc(DUMP_MAX);
    int k;

    if (!buf)
        return -ENOMEM;
    m->header.nlmsg_flags |= NLM_F_DUMP;
    k = send_message(r, m);
    if (k < 0)
        return k;
    k = 1;
    for (int i = 0; k == 1 && i < DUMP_READS_MAX; i++) {
        ssize_t len = mnl_socket_recvfrom(r->socket, buf, DUMP_MAX);

        k = len < 0 ? -errno : read_dump(r, buf, (int)len, read, data);
    }
    return k == 1 ? -E2BIG : k;
}
