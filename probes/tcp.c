#include "probes/tcp.h"

#include "base/resolve.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>

#define LOOKUP_INTERVAL USEC_PER_MIN /* of a name whose address answers */

struct tcp_probe {
    struct loop *loop; /* borrowed */
    struct addr
        to; /* with port; of a name, the last address that was found, which a silent name server does not take */
    struct addr source;
    char *host; /* owned; NULL where TO was given */
    uint16_t port;
    tcp_done_fn fn;
    void *data;               /* borrowed */
    struct loop_timer *timer; /* owned, like the next: the end of the attempt */
    struct loop_io *io;
    int fd;                 /* -1: not connecting, but perhaps waiting for an address */
    struct resolve *lookup; /* owned; may go on between attempts; NULL */
    usec_t found;           /* when TO was; 0: never */
    bool doubtful;          /* TO did not answer the last time: the name may have moved */
    bool running;
    usec_t when, began; /* the attempt: the owner's time, and when it really began */
};

static void stop(struct tcp_probe *p)
{
    loop_timer_stop(p->timer);
    p->io = loop_io_free(p->io);
    closep(&p->fd);
    p->fd = -1;
    p->running = false;
}

/* The callback comes last: it may free P or start again. */
static void finish(struct tcp_probe *p, enum sample_outcome outcome, usec_t value, int reason)
{
    const struct sample s = {.when = p->when, .outcome = outcome, .value = value, .reason = reason};

    stop(p);
    p->doubtful = outcome != SAMPLE_OK;
    p->fn(p->data, &s);
}

/* The round trip of SYN and SYN-ACK as the kernel measured it; our own time where it could not, and of a refusal. */
static usec_t round_trip(const struct tcp_probe *p, uint32_t measured)
{
    return measured > 0 ? measured : clock_since(p->began, clock_now(clock_system()));
}

/* Looks what became of the connection. LAST: nothing yet is a loss. */
static void look(struct tcp_probe *p, bool last)
{
    struct tcp_info info = {0};
    socklen_t error_len = sizeof(int), info_len = sizeof(info);
    int error = 0;

    (void)getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &error_len);
    (void)getsockopt(p->fd, IPPROTO_TCP, TCP_INFO, &info, &info_len);
    if (error == ECONNREFUSED || error == ECONNRESET)
        finish(p, SAMPLE_OK, round_trip(p, 0), error);
    else if (error != 0)
        finish(p, SAMPLE_LOST, 0, error); /* a router says so: our own errors come from connect() */
    else if (info.tcpi_state != TCP_SYN_SENT)
        finish(p, SAMPLE_OK, round_trip(p, info.tcpi_rtt), 0);
    else if (last)
        finish(p, SAMPLE_LOST, 0, 0);
}

static void on_ready(void *data, int fd, uint32_t revents)
{
    (void)fd;
    (void)revents;
    look(data, false);
}

static void on_timeout(void *data, usec_t now)
{
    struct tcp_probe *p = data;

    (void)now;
    if (p->fd >= 0)
        look(p, true); /* an answer that came while we were not running counts */
    else
        finish(p, SAMPLE_FAILED, 0, ETIMEDOUT); /* no address yet */
}

/*
 * With the first ACK held back and then a reset instead of it, the other side never has a connection: no TIME_WAIT
 * piles up here, and there is none there that a MySQL server would count as an error of ours (max_connect_errors).
 */
static int set_options(int fd)
{
    static const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    static const int off = 0;

    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off)) < 0)
        return -errno;
    return 0;
}

static int begin_connect(struct tcp_probe *p)
{
    cleanup(closep) int fd = socket(addr_family(&p->to), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int r;

    if (fd < 0)
        return -errno;
    r = set_options(fd);
    if (r < 0)
        return r;
    if (addr_is_set(&p->source) && bind(fd, &p->source.sa, addr_len(&p->source)) < 0)
        return -errno;
    p->began = clock_now(clock_system());
    if (connect(fd, &p->to.sa, addr_len(&p->to)) < 0 && errno != EINPROGRESS)
        return errno == EINVAL ? -EHOSTUNREACH : -errno; /* what Linux calls a blackhole route */
    r = loop_io_new(p->loop, fd, EPOLLOUT, on_ready, p, &p->io);
    if (r < 0)
        return r;
    p->fd = TAKE_FD(fd);
    return 0;
}

static void on_resolved(void *data, int error, const struct addr *a)
{
    struct tcp_probe *p = data;

    p->lookup = NULL;
    if (error == 0) {
        p->to = *a;
        addr_set_port(&p->to, p->port);
        p->found = loop_now(p->loop);
        p->doubtful = false;
    }
    if (!p->running || p->fd >= 0)
        return; /* it is for the next attempt */
    if (error == 0)
        error = begin_connect(p);
    if (error < 0)
        finish(p, SAMPLE_FAILED, 0, -error);
}

static bool needs_lookup(const struct tcp_probe *p, usec_t now)
{
    return p->host && !p->lookup && (p->found == 0 || p->doubtful || clock_since(p->found, now) >= LOOKUP_INTERVAL);
}

int tcp_probe_new(struct loop *l, const struct addr *to, const char *host, uint16_t port, const struct addr *source,
                  tcp_done_fn fn, void *data, struct tcp_probe **ret)
{
    cleanup(tcp_probe_freep) struct tcp_probe *p = NULL;
    int r;

    if (!addr_is_set(to) && !host)
        return -EINVAL;
    if (addr_is_set(to) && addr_is_set(source) && addr_family(to) != addr_family(source))
        return -EAFNOSUPPORT;
    p = calloc(1, sizeof(*p));
    if (!p)
        return -ENOMEM;
    p->loop = l;
    p->fd = -1;
    p->port = port;
    p->fn = fn;
    p->data = data;
    p->source = *source;
    if (addr_is_set(source))
        addr_set_port(&p->source, 0);
    if (addr_is_set(to))
        p->to = *to;
    else
        p->host = strdup(host);
    if (!addr_is_set(to) && !p->host)
        return -ENOMEM;
    r = loop_timer_new(l, on_timeout, p, &p->timer);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(p);
    return 0;
}

struct tcp_probe *tcp_probe_free(struct tcp_probe *p)
{
    if (!p)
        return NULL;
    if (p->timer)
        stop(p);
    resolve_cancel(p->lookup);
    loop_timer_free(p->timer);
    free(p->host);
    free(p);
    return NULL;
}

void tcp_probe_set_data(struct tcp_probe *p, void *data)
{
    p->data = data;
}

int tcp_probe_start(struct tcp_probe *p, usec_t timeout)
{
    usec_t now = loop_now(p->loop);
    int r = 0;

    if (p->running)
        return -EBUSY;
    if (needs_lookup(p, now))
        r = resolve_start(p->loop, p->host, addr_family(&p->source), on_resolved, p, &p->lookup);
    if (addr_is_set(&p->to))
        r = begin_connect(p);
    if (r < 0) {
        p->doubtful = true;
        return r;
    }
    p->running = true;
    p->when = now;
    loop_timer_in(p->timer, timeout);
    return 0;
}
