#include "engine/control/server.h"

#include "base/secret.h"
#include "base/str.h"
#include "base/unix_socket.h"
#include "engine/control/control_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define BACKLOG 32

struct peer {
    struct peer *next;
    struct server *server;
    int fd;
    struct loop_io *io;
    uint32_t events; /* as the loop has them */
    struct session *session;
};

struct server {
    struct control *control;
    struct sockaddr_un address;
    int fd;
    int spare; /* given up for a moment to turn a client away where there are no descriptors left */
    struct loop_io *io;
    struct peer *peers;
};

/* Peers ----------------------------------------------------------------------------------------------------------- */

static void peer_free(struct peer *p)
{
    struct peer **at;

    for (at = &p->server->peers; *at && *at != p; at = &(*at)->next)
        continue;
    if (*at)
        *at = p->next;
    if (p->io)
        (void)loop_io_free(p->io);
    (void)session_free(p->session);
    closep(&p->fd);
    free(p);
}

/* The loop watches for what the session can do now; a hang-up is always told. */
static void watch(struct peer *p)
{
    uint32_t events = (session_reads(p->session) ? EPOLLIN : 0U) | (p->session->out.len > 0 ? EPOLLOUT : 0U);

    if (events != p->events && loop_io_events(p->io, events) == 0)
        p->events = events;
}

/* The session may be dead while another one's command is carried out: it goes in its own turn, which the hang-up
 * brings about. */
static void on_ready(void *data)
{
    struct peer *p = data;

    if (p->session->dead)
        (void)shutdown(p->fd, SHUT_RDWR);
    else
        watch(p);
}

/* False: the peer is gone. */
static bool peer_read(struct peer *p)
{
    char buf[SESSION_READ];
    ssize_t n = recv(p->fd, buf, sizeof(buf), MSG_DONTWAIT);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0)
        return false;
    session_input(p->session, buf, (size_t)n);
    secret_wipe(buf, (size_t)n); /* load-shared and load-key */
    return true;
}

static bool peer_write(struct peer *p)
{
    const struct strbuf *out = &p->session->out;
    ssize_t n;

    if (out->len == 0)
        return true;
    n = send(p->fd, out->data, out->len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    session_sent(p->session, (size_t)n);
    return true;
}

static void on_peer(void *data, int fd, uint32_t revents)
{
    struct peer *p = data;
    bool fine = !p->session->dead && !(revents & (EPOLLHUP | EPOLLERR));

    (void)fd;
    if (fine && (revents & EPOLLIN) && session_reads(p->session))
        fine = peer_read(p);
    if (fine && !p->session->dead)
        fine = peer_write(p);
    if (fine && !p->session->dead)
        watch(p);
    else
        peer_free(p);
}

static void peer_new(struct server *s, int fd)
{
    struct peer *p = calloc(1, sizeof(*p));

    if (!p) {
        closep(&fd);
        return;
    }
    *p = (struct peer){.server = s, .fd = fd, .events = EPOLLIN};
    p->session = session_new(s->control, on_ready, p);
    if (!p->session || loop_io_new(s->control->loop, fd, EPOLLIN, on_peer, p, &p->io) < 0) {
        peer_free(p); /* hangs up */
        return;
    }
    p->next = s->peers;
    s->peers = p;
}

static void turn_away(struct server *s)
{
    int peer;

    closep(&s->spare);
    peer = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    closep(&peer);
    s->spare = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
}

/* Who waits to be accepted would keep the loop awake. */
static void on_connect(void *data, int fd, uint32_t revents)
{
    struct server *s = data;
    int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)revents;
    if (peer >= 0)
        peer_new(s, peer);
    else if (errno == EMFILE || errno == ENFILE)
        turn_away(s);
}

/* The socket ------------------------------------------------------------------------------------------------------ */

static int bind_and_listen(struct server *s, mode_t mode)
{
    int r = unix_socket_bind(&s->address, &s->fd);

    if (r < 0)
        return r;
    if (chmod(s->address.sun_path, mode) < 0 || listen(s->fd, BACKLOG) < 0) {
        r = -errno;
        (void)unlink(s->address.sun_path);
    }
    return r;
}

int server_new(struct control *c, const char *path, mode_t mode, struct server **ret)
{
    struct server *s = calloc(1, sizeof(*s));
    int r = -ENAMETOOLONG;

    if (!s)
        return -ENOMEM;
    *s = (struct server){.control = c, .address = {.sun_family = AF_UNIX}, .fd = -1, .spare = -1};
    if (str_copy(s->address.sun_path, sizeof(s->address.sun_path), path))
        r = bind_and_listen(s, mode);
    if (r < 0) {
        closep(&s->fd);
        free(s);
        return r;
    }
    s->spare = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
    r = loop_io_new(c->loop, s->fd, EPOLLIN, on_connect, s, &s->io);
    if (r < 0) {
        (void)server_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

struct server *server_free(struct server *s)
{
    if (!s)
        return NULL;
    while (s->peers) {
        const struct strbuf *out = &s->peers->session->out;

        if (out->len > 0) /* the last events, where there is room */
            (void)send(s->peers->fd, out->data, out->len, MSG_DONTWAIT | MSG_NOSIGNAL);
        peer_free(s->peers);
    }
    if (s->io)
        (void)loop_io_free(s->io);
    closep(&s->fd);
    closep(&s->spare);
    (void)unlink(s->address.sun_path);
    free(s);
    return NULL;
}
