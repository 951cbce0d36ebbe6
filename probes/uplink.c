#include "probes/uplink.h"

#include "base/str.h"
#include "probes/rtnetlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/epoll.h>

#define READS_MAX 256 /* notifications in a turn */
#define GROUPS                                                                                                         \
    (RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_NEIGH)

/* Two solicitations were not answered: the kernel sends one a second. */
#define UNRESOLVED_LATE (2 * USEC_PER_SEC)
/* A failure is kept until somebody sends again. So long after it nobody knows. */
#define FAILURE_FRESH (1 * USEC_PER_MIN)

struct way {
    struct addr to;
    struct uplink_view view;
    usec_t asked;    /* the kernel */
    usec_t looked;   /* by our user */
    uint64_t change; /* the count of changes when it was asked */
};

struct uplink {
    struct loop *loop; /* borrowed */
    uplink_change_fn fn;
    void *data;                         /* borrowed for fn */
    struct rtnetlink *kernel;           /* owned; for questions */
    struct mnl_socket *news;            /* owned */
    struct loop_io *io;                 /* owned; of NEWS */
    struct loop_timer *timer;           /* owned; armed while something changed and was not looked at */
    uint64_t change;                    /* counts the changes */
    usec_t looked;                      /* last, at anything */
    usec_t checked;                     /* what changed */
    struct way *ways[UPLINK_CACHE_MAX]; /* owned; each address has one place, which it may lose to another */
};

const char *uplink_state_name(enum uplink_state s)
{
    switch (s) {
    case UPLINK_UNKNOWN:
        break;
    case UPLINK_OK:
        return "ok";
    case UPLINK_NO_ROUTE:
        return "no-route";
    case UPLINK_LINK_DOWN:
        return "link-down";
    case UPLINK_NO_GATEWAY:
        return "no-gateway";
    }
    return "unknown";
}

static bool same_next_hop(const struct uplink_view *a, const struct uplink_view *b)
{
    return str_eq(a->interface, b->interface) && addr_equal(&a->gateway, &b->gateway);
}

static bool same_view(const struct uplink_view *a, const struct uplink_view *b)
{
    return a->state == b->state && same_next_hop(a, b) && addr_equal(&a->source, &b->source);
}

/*
 * As long as somebody sends to a dead neighbour it is INCOMPLETE for three seconds, FAILED until the next packet, and
 * INCOMPLETE again: one that WAS_DEAD stays so until it answers.
 */
static bool is_dead(const struct rtnetlink_neighbour *n, bool was_dead)
{
    if (n->state & NUD_FAILED)
        return n->age < FAILURE_FRESH;
    if (n->state & NUD_INCOMPLETE)
        return was_dead || n->age >= UNRESOLVED_LATE;
    return false;
}

static bool was_dead(const struct way *w, const struct uplink_view *v, usec_t now)
{
    return w->view.state == UPLINK_NO_GATEWAY && same_next_hop(&w->view, v) &&
           clock_since(w->asked, now) < FAILURE_FRESH;
}

/* BEFORE is what was known of the way to the same address. */
static struct uplink_view ask(struct uplink *u, const struct addr *to, const struct way *before, usec_t now)
{
    struct uplink_view v = {.state = UPLINK_UNKNOWN};
    struct rtnetlink_route route;
    struct rtnetlink_link link;
    struct rtnetlink_neighbour neighbour;

    if (rtnetlink_route(u->kernel, to, &route) < 0)
        return v;
    if (!route.exists) {
        v.state = UPLINK_NO_ROUTE;
        return v;
    }
    v.source = route.source;
    v.gateway = route.gateway;
    if (rtnetlink_link(u->kernel, route.index, &link) < 0)
        return v;
    (void)str_copy(v.interface, sizeof(v.interface), link.name);
    if (!link.up) {
        v.state = UPLINK_LINK_DOWN;
        return v;
    }
    v.state = UPLINK_OK;
    if (rtnetlink_neighbour(u->kernel, route.index, addr_is_set(&route.gateway) ? &route.gateway : to, &neighbour) ==
            0 &&
        is_dead(&neighbour, was_dead(before, &v, now)))
        v.state = UPLINK_NO_GATEWAY;
    return v;
}

/* FNV-1a over the address. */
static struct way **place_of(struct uplink *u, const struct addr *to)
{
    const uint8_t *bytes = (const uint8_t *)&to->in.sin_addr;
    size_t len = sizeof(to->in.sin_addr);
    uint32_t hash = UINT32_C(2166136261);

    if (addr_family(to) == AF_INET6) {
        bytes = to->in6.sin6_addr.s6_addr;
        len = sizeof(to->in6.sin6_addr);
    }
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * UINT32_C(16777619);
    return &u->ways[hash % UPLINK_CACHE_MAX];
}

static void refresh(struct uplink *u, struct way *w, usec_t now)
{
    w->view = ask(u, &w->to, w, now);
    w->asked = now;
    w->change = u->change;
}

/* What is remembered of the way to TO; NULL where there is no memory. */
static struct way *way_of(struct uplink *u, const struct addr *to)
{
    struct way **place = place_of(u, to);

    if (!*place)
        *place = calloc(1, sizeof(**place));
    if (*place && !addr_equal(&(*place)->to, to))
        **place = (struct way){.to = *to};
    return *place;
}

struct uplink_view uplink_look(struct uplink *u, const struct addr *to)
{
    usec_t now = loop_now(u->loop);
    struct way *w;

    if (!addr_is_set(to))
        return (struct uplink_view){.state = UPLINK_UNKNOWN};
    w = way_of(u, to);
    if (!w)
        return (struct uplink_view){.state = UPLINK_UNKNOWN};
    if (w->asked == 0 || w->change != u->change || clock_since(w->asked, now) >= UPLINK_FRESH)
        refresh(u, w, now);
    w->looked = u->looked = now;
    return w->view;
}

/* Calls back for the first view that is not what its user saw last: he then asks for all of them. */
static void on_timer(void *data, usec_t now)
{
    struct uplink *u = data;

    u->checked = now;
    for (size_t i = 0; i < UPLINK_CACHE_MAX; i++) {
        struct way *w = u->ways[i];
        struct uplink_view seen;

        if (!w || w->change == u->change || clock_since(w->looked, now) >= UPLINK_WATCHED)
            continue;
        seen = w->view;
        refresh(u, w, now);
        if (!same_view(&w->view, &seen)) {
            u->fn(u->data);
            return;
        }
    }
}

/*
 * What the notifications say is not read: with full routing tables or a large LAN there are many, and whether one
 * changes a way of ours only the kernel can tell. ENOBUFS: some were lost, so something changed.
 */
static void on_news(void *data, int fd, uint32_t revents)
{
    struct uplink *u = data;
    usec_t now = loop_now(u->loop);
    usec_t due = clock_add(u->checked, UPLINK_GAP);
    char byte;

    (void)revents;
    for (int i = 0; i < READS_MAX; i++)
        if (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) < 0 && errno != ENOBUFS)
            break;
    u->change++;
    if (clock_since(u->looked, now) < UPLINK_WATCHED)
        loop_timer_at(u->timer, due > now ? due : now);
}

static int subscribe(struct uplink *u)
{
    u->news = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (!u->news || mnl_socket_bind(u->news, GROUPS, MNL_SOCKET_AUTOPID) < 0)
        return -errno;
    return loop_io_new(u->loop, mnl_socket_get_fd(u->news), EPOLLIN, on_news, u, &u->io);
}

int uplink_new(struct loop *l, uplink_change_fn fn, void *data, struct uplink **ret)
{
    cleanup(uplink_freep) struct uplink *u = calloc(1, sizeof(*u));
    int r;

    if (!u)
        return -ENOMEM;
    u->loop = l;
    u->fn = fn;
    u->data = data;
    r = rtnetlink_new(&u->kernel);
    if (r < 0)
        return r;
    r = loop_timer_new(l, on_timer, u, &u->timer);
    if (r < 0)
        return r;
    r = subscribe(u);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(u);
    return 0;
}

struct uplink *uplink_free(struct uplink *u)
{
    if (u) {
        u->timer = loop_timer_free(u->timer);
        u->io = loop_io_free(u->io);
        if (u->news)
            (void)mnl_socket_close(u->news);
        u->kernel = rtnetlink_free(u->kernel);
        for (size_t i = 0; i < UPLINK_CACHE_MAX; i++)
            free(u->ways[i]);
        free(u);
    }
    return NULL;
}
