#include "engine/io/udp.h"

#include "engine/io/datagram.h"
#include "engine/wire/ikev2.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define MARKER_LEN 4    /* RFC 3948 2.2: four zero bytes, where ESP has its SPI */
#define KEEPALIVE  0xFF /* RFC 3948 2.3 */

struct socket {
    struct udp *udp;    /* borrowed: the owner */
    int fd;             /* owned; -1: the kernel has no such family */
    struct loop_io *io; /* owned */
    int family;
    bool natt;
    uint16_t port;
};

enum { V4, V4_NATT, V6, V6_NATT, N_SOCKETS };

struct udp {
    struct udp_config config;
    struct socket sockets[N_SOCKETS];
    uint8_t buf[UDP_DATAGRAM_MAX];
};

/* RFC 3948 2.1, 2.2. What is shorter than an SPI is a keepalive (2.3) or nothing that we know. */
static void sort(struct udp *u, const struct udp_path *path, const uint8_t *bytes, size_t len)
{
    static const uint8_t marker[MARKER_LEN];

    if (!path->natt) {
        if (len > 0)
            u->config.ike(u->config.data, path, bytes, len);
    } else if (len < MARKER_LEN) {
        return;
    } else if (memcmp(bytes, marker, MARKER_LEN) != 0) {
        u->config.esp(u->config.data, path, bytes, len);
    } else if (len > MARKER_LEN) {
        u->config.ike(u->config.data, path, bytes + MARKER_LEN, len - MARKER_LEN);
    }
}

static void on_readable(void *data, int fd, uint32_t revents)
{
    const struct socket *s = data;
    struct udp *u = s->udp;

    (void)revents;
    for (int i = 0; i < UDP_READS_MAX; i++) {
        struct udp_path path;
        struct datagram d;
        ssize_t n = datagram_receive(fd, u->buf, sizeof(u->buf), &d);

        if (n == -EAGAIN)
            return;
        if (n < 0)
            continue; /* of one datagram; the next may be fine */
        path = (struct udp_path){.local = d.local, .peer = d.peer, .natt = s->natt, .ecn = d.ecn};
        addr_set_port(&path.local, s->port);
        sort(u, &path, u->buf, (size_t)n);
    }
}

static int open_socket(struct loop *l, struct socket *s, uint16_t port, uint32_t mark)
{
    struct addr a = addr_any(s->family);
    socklen_t len = sizeof(a);
    const int on = 1;
    int r;

    s->fd = socket(s->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->fd < 0)
        return errno == EAFNOSUPPORT && s->family == AF_INET6 ? 0 : -errno;
    r = datagram_options(s->fd, s->family, mark);
    if (r < 0)
        return r;
    if (s->family == AF_INET6 && setsockopt(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
        return -errno;
    addr_set_port(&a, port);
    if (bind(s->fd, &a.sa, addr_len(&a)) < 0 || getsockname(s->fd, &a.sa, &len) < 0)
        return -errno;
    s->port = addr_port(&a);
    return loop_io_new(l, s->fd, EPOLLIN, on_readable, s, &s->io);
}

int udp_new(struct loop *l, const struct udp_config *config, struct udp **ret)
{
    cleanup(udp_freep) struct udp *u = calloc(1, sizeof(*u));

    if (!u)
        return -ENOMEM;
    u->config = *config;
    for (int i = 0; i < N_SOCKETS; i++)
        u->sockets[i] = (struct socket){
            .udp = u,
            .fd = -1,
            .family = i == V4 || i == V4_NATT ? AF_INET : AF_INET6,
            .natt = i == V4_NATT || i == V6_NATT,
        };
    for (int i = 0; i < N_SOCKETS; i++) {
        struct socket *s = &u->sockets[i];
        int r = open_socket(l, s, s->natt ? config->natt_port : config->port, config->mark);

        if (r < 0)
            return r;
    }
    *ret = TAKE_PTR(u);
    return 0;
}

struct udp *udp_free(struct udp *u)
{
    if (u) {
        for (int i = 0; i < N_SOCKETS; i++) {
            u->sockets[i].io = loop_io_free(u->sockets[i].io);
            closep(&u->sockets[i].fd);
        }
        free(u);
    }
    return NULL;
}

static const struct socket *find_socket(const struct udp *u, int family, bool natt)
{
    for (int i = 0; i < N_SOCKETS; i++) {
        const struct socket *s = &u->sockets[i];

        if (s->family == family && s->natt == natt && s->fd >= 0)
            return s;
    }
    return NULL;
}

uint16_t udp_port(const struct udp *u, int family, bool natt)
{
    const struct socket *s = find_socket(u, family, natt);

    return s ? s->port : 0;
}

static int send_parts(struct udp *u, const struct udp_path *path, struct iovec *parts, size_t n)
{
    const struct socket *s = find_socket(u, addr_family(&path->peer), path->natt);
    const struct datagram d = {.local = path->local, .peer = path->peer, .ecn = path->ecn};

    return s ? datagram_send(s->fd, &d, parts, n) : -EAFNOSUPPORT;
}

int udp_send_ike(struct udp *u, const struct udp_path *path, const uint8_t *message, size_t len)
{
    static const uint8_t marker[MARKER_LEN];
    struct iovec parts[] = {datagram_part(marker, MARKER_LEN), datagram_part(message, len)};

    return path->natt ? send_parts(u, path, parts, 2) : send_parts(u, path, &parts[1], 1);
}

int udp_send_esp(struct udp *u, const struct udp_path *path, const uint8_t *packet, size_t len)
{
    struct iovec part = datagram_part(packet, len);

    assert(path->natt);
    return send_parts(u, path, &part, 1);
}

int udp_send_keepalive(struct udp *u, const struct udp_path *path)
{
    static const uint8_t keepalive[] = {KEEPALIVE};
    struct iovec part = datagram_part(keepalive, sizeof(keepalive));

    assert(path->natt);
    return send_parts(u, path, &part, 1);
}

/* Nothing is sent: to connect a UDP socket is to choose its route. */
int udp_source(const struct udp *u, const struct addr *peer, struct addr *ret)
{
    struct addr to = *peer, source = {0};
    socklen_t len = sizeof(source);
    cleanup(closep) int fd = socket(addr_family(peer), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    uint32_t mark = u->config.mark;

    if (fd < 0 || (mark != 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0))
        return -errno;
    if (addr_port(&to) == 0)
        addr_set_port(&to, IKE_PORT);
    if (connect(fd, &to.sa, addr_len(&to)) < 0 || getsockname(fd, &source.sa, &len) < 0)
        return -errno;
    addr_set_port(&source, 0);
    *ret = source;
    return 0;
}
