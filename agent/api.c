#include "agent/api_private.h"

#include <errno.h>
#include <sys/epoll.h>

#define CONNECTION_MEMORY (32 * 1024) /* of a connection: its headers, and what is read or written at once */

static unsigned n_connections(struct api_listener *l)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->mhd, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

    return info ? info->num_connections : 0;
}

static void serve(struct api_listener *l)
{
    MHD_UNSIGNED_LONG_LONG wait;
    unsigned before = n_connections(l);

    (void)MHD_run(l->mhd);
    if (n_connections(l) < before)
        loop_timer_in(l->timer, 0); /* where it was full, it looks at its listening socket only now */
    else if (MHD_get_timeout(l->mhd, &wait) == MHD_YES)
        loop_timer_in(l->timer, wait * USEC_PER_MSEC);
    else
        loop_timer_stop(l->timer);
}

static void on_ready(void *data, int fd, uint32_t revents)
{
    (void)fd;
    (void)revents;
    serve(data);
}

static void on_time(void *data, usec_t now)
{
    (void)now;
    serve(data);
}

static void listener_stop(struct api_listener *l)
{
    l->io = loop_io_free(l->io);
    l->timer = loop_timer_free(l->timer);
    if (l->mhd)
        MHD_stop_daemon(l->mhd);
    l->mhd = NULL;
}

/* Takes FD. */
static int listener_start(struct api_listener *l, int fd)
{
    const union MHD_DaemonInfo *info;
    int r;

    /* libmicrohttpd closes FD at its end, and in nearly every failure to begin. */
    l->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, api_request_on_data, l,
                              MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, api_request_on_end, l,
                              MHD_OPTION_CONNECTION_LIMIT, (unsigned)API_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
                              (unsigned)API_TIMEOUT, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                              MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (!l->mhd)
        return -ENOMEM;
    info = MHD_get_daemon_info(l->mhd, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info)
        return -ENOTSUP;
    r = loop_timer_new(l->api->loop, on_time, l, &l->timer);
    if (r < 0)
        return r;
    return loop_io_new(l->api->loop, info->epoll_fd, EPOLLIN, on_ready, l, &l->io);
}

static int start(struct api *a, const char *runtime_dir, const char *listen)
{
    int fd, r = api_socket_open(runtime_dir, &a->socket, &fd);

    if (r < 0)
        return r;
    a->socket_open = true;
    r = listener_start(&a->local, fd);
    if (r < 0 || !listen)
        return r;
    r = api_socket_listen(listen, &fd);
    return r < 0 ? r : listener_start(&a->tcp, fd);
}

int api_new(struct loop *l, const char *runtime_dir, const char *listen, const struct api_route *routes, void *data,
            struct api **ret)
{
    cleanup(api_freep) struct api *a = calloc(1, sizeof(*a));
    int r;

    if (!a)
        return -ENOMEM;
    a->loop = l;
    a->routes = routes;
    a->data = data;
    a->local.api = a;
    a->tcp.api = a;
    a->tcp.tcp = true;
    r = start(a, runtime_dir, listen);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(a);
    return 0;
}

struct api *api_free(struct api *a)
{
    if (!a)
        return NULL;
    while (a->waiting) /* libmicrohttpd aborts where one is suspended at its end */
        api_request_wake(a->waiting);
    listener_stop(&a->local);
    listener_stop(&a->tcp);
    if (a->socket_open)
        api_socket_close(&a->socket);
    free(a);
    return NULL;
}
