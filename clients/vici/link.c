#include "clients/vici/link.h"

#include "clients/vici/message.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define LENGTH_LEN 4
#define KEEP_MAX   (64 * 1024) /* larger buffers are given back when they are empty */

void vici_link_init(struct vici_link *k)
{
    *k = (struct vici_link){.fd = -1};
    strbuf_init_secret(&k->out, VICI_PACKET_MAX);
    strbuf_init(&k->in, VICI_PACKET_MAX + VICI_LINK_READ); /* the rest of a packet and what was read along with it */
}

int vici_link_open(struct vici_link *k, struct loop *l, const struct sockaddr_un *to, loop_io_fn fn, void *data)
{
    cleanup(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int r;

    assert(!vici_link_is_open(k));
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
        return -errno;
    r = loop_io_new(l, fd, EPOLLIN, fn, data, &k->io);
    if (r < 0)
        return r;
    k->fd = TAKE_FD(fd);
    return 0;
}

void vici_link_close(struct vici_link *k)
{
    k->io = loop_io_free(k->io);
    closep(&k->fd);
    strbuf_done(&k->out);
    strbuf_done(&k->in);
    k->fd = -1;
    k->sent = k->taken = 0;
}

bool vici_link_is_open(const struct vici_link *k)
{
    return k->fd >= 0;
}

bool vici_link_is_sending(const struct vici_link *k)
{
    return k->sent < k->out.len;
}

void vici_link_send(struct vici_link *k, struct strbuf *packet)
{
    assert(!vici_link_is_sending(k));
    strbuf_done(&k->out);
    k->out = *packet;
    k->sent = 0;
    strbuf_init_secret(packet, packet->max);
    vici_link_flush(k);
}

void vici_link_flush(struct vici_link *k)
{
    while (vici_link_is_sending(k)) {
        ssize_t n = send(k->fd, k->out.data + k->sent, k->out.len - k->sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            (void)shutdown(k->fd, SHUT_RDWR); /* so that the loop reports the end of it */
        if (n < 0)
            break;
        k->sent += (size_t)n;
    }
    if (!vici_link_is_sending(k)) {
        strbuf_done(&k->out);
        k->sent = 0;
    }
    (void)loop_io_events(k->io, EPOLLIN | (vici_link_is_sending(k) ? EPOLLOUT : 0));
}

/* Drops the packets that were handed out. */
static void drop_taken(struct vici_link *k)
{
    if (k->taken == k->in.len && k->in.cap > KEEP_MAX)
        strbuf_done(&k->in);
    strbuf_consume(&k->in, k->taken);
    k->taken = 0;
}

int vici_link_fill(struct vici_link *k)
{
    char bytes[VICI_LINK_READ];
    ssize_t n;

    do
        n = recv(k->fd, bytes, sizeof(bytes), 0);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n <= 0)
        return -ECONNRESET;
    strbuf_add(&k->in, bytes, (size_t)n);
    return k->in.bad ? -ENOMEM : 0;
}

int vici_link_next(struct vici_link *k, struct rd *ret)
{
    struct rd rd = rd_of(k->in.data, k->in.len);
    uint32_t len = 0;

    rd_skip(&rd, k->taken);
    if (rd_left(&rd) >= LENGTH_LEN) {
        len = rd_be32(&rd);
        if (len == 0 || len > VICI_MESSAGE_MAX)
            return -EBADMSG;
    }
    if (len == 0 || rd_left(&rd) < len) {
        drop_taken(k);
        return 0;
    }
    *ret = rd_sub(&rd, len);
    k->taken += LENGTH_LEN + len;
    return 1;
}
