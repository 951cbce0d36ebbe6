#include "engine/io/raw_esp.h"

#include "engine/esp/sa.h"

#include <errno.h>
#include <sys/epoll.h>

#define SPI_LEN         4
#define IPV4_HEADER_MAX 60

struct socket {
    struct raw_esp *raw; /* borrowed: the owner */
    int fd;              /* owned; -1: the kernel has no such family */
    struct loop_io *io;  /* owned */
    int family;
};

enum { V4, V6, N_SOCKETS };

struct raw_esp {
    raw_esp_fn fn;
    void *data; /* borrowed for fn */
    struct socket sockets[N_SOCKETS];
    uint8_t buf[IPV4_HEADER_MAX + ESP_PACKET_MAX];
};

/* The kernel hands IPv4 packets over with their header, IPv6 ones without. */
static size_t header_len(const struct socket *s, const uint8_t *packet, size_t len)
{
    return s->family == AF_INET && len > 0 ? (size_t)(packet[0] & 0x0F) * 4 : 0;
}

static void on_readable(void *data, int fd, uint32_t revents)
{
    const struct socket *s = data;
    struct raw_esp *r = s->raw;

    (void)revents;
    for (int i = 0; i < RAW_ESP_READS_MAX; i++) {
        struct datagram from;
        ssize_t n = datagram_receive(fd, r->buf, sizeof(r->buf), &from);
        size_t header;

        if (n == -EAGAIN)
            return;
        if (n < 0)
            continue; /* of one packet; the next may be fine */
        header = header_len(s, r->buf, (size_t)n);
        addr_set_port(&from.peer, 0);
        if ((size_t)n >= header + SPI_LEN)
            r->fn(r->data, &from, r->buf + header, (size_t)n - header);
    }
}

static int open_socket(struct loop *l, struct socket *s, uint32_t mark)
{
    int r;

    s->fd = socket(s->family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ESP);
    if (s->fd < 0)
        return errno == EAFNOSUPPORT && s->family == AF_INET6 ? 0 : -errno;
    r = datagram_options(s->fd, s->family, mark);
    return r < 0 ? r : loop_io_new(l, s->fd, EPOLLIN, on_readable, s, &s->io);
}

int raw_esp_new(struct loop *l, uint32_t mark, raw_esp_fn fn, void *data, struct raw_esp **ret)
{
    cleanup(raw_esp_freep) struct raw_esp *r = calloc(1, sizeof(*r));

    if (!r)
        return -ENOMEM;
    r->fn = fn;
    r->data = data;
    for (int i = 0; i < N_SOCKETS; i++)
        r->sockets[i] = (struct socket){.raw = r, .fd = -1, .family = i == V4 ? AF_INET : AF_INET6};
    for (int i = 0; i < N_SOCKETS; i++) {
        int k = open_socket(l, &r->sockets[i], mark);

        if (k < 0)
            return k;
    }
    *ret = TAKE_PTR(r);
    return 0;
}

struct raw_esp *raw_esp_free(struct raw_esp *r)
{
    if (r) {
        for (int i = 0; i < N_SOCKETS; i++) {
            r->sockets[i].io = loop_io_free(r->sockets[i].io);
            closep(&r->sockets[i].fd);
        }
        free(r);
    }
    return NULL;
}

int raw_esp_send(struct raw_esp *r, const struct datagram *to, const uint8_t *packet, size_t len)
{
    const struct socket *s = &r->sockets[addr_family(&to->peer) == AF_INET6 ? V6 : V4];
    struct iovec part = datagram_part(packet, len);
    struct datagram d = *to;

    if (s->fd < 0)
        return -EAFNOSUPPORT;
    addr_set_port(&d.peer, 0); /* of a raw socket it would be the protocol */
    return datagram_send(s->fd, &d, &part, 1);
}
