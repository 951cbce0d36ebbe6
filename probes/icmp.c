#include "probes/icmp.h"

#include "base/map.h"
#include "base/random.h"
#include "base/str.h"
#include "base/writer.h"
#include "probes/icmp_socket.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>

#define KEY_MAX     (ADDR_TEXT_MAX + 16)
#define BATCHES_MAX 4 /* in one turn of the loop; what is left comes in the next */

/* The socket that targets of one family and source share. */
struct outlet {
    struct icmp *icmp;         /* borrowed */
    struct icmp_socket socket; /* opened by the first send; like IO, what is made when an address is there */
    struct loop_io *io;        /* owned */
    size_t users;              /* targets, and whoever is reading */
    char key[KEY_MAX];
};

/* An echo that may still be answered. */
struct echo {
    usec_t sent;    /* the owner's time */
    usec_t left_at; /* when it really left; 0 once it is answered */
};

struct icmp_target {
    struct icmp *icmp; /* borrowed */
    struct addr to, source;
    struct outlet *outlet;
    icmp_reply_fn fn;
    void *data; /* borrowed */
    uint64_t cookie;
    uint32_t index;
    uint64_t n_sent;                          /* the number of the next echo; its low 16 bits are the ICMP sequence */
    struct echo echoes[ICMP_OUTSTANDING_MAX]; /* echo number N in N % ICMP_OUTSTANDING_MAX */
};

struct icmp {
    struct loop *loop;            /* borrowed */
    struct map *newest;           /* owned: key -> the youngest outlet of that family and source */
    struct icmp_target **targets; /* owned, both levels; CAP of them, NULL where free */
    size_t cap;
    size_t first_free; /* none is free before this one */
    uint16_t next_id;  /* of raw sockets: as on datagram sockets, no two in a row are the same */
    bool reading;
    struct icmp_batch batch;
};

static void outlet_close(struct outlet *o)
{
    o->io = loop_io_free(o->io);
    icmp_socket_close(&o->socket);
}

static void outlet_unref(struct outlet *o)
{
    if (--o->users > 0)
        return;
    if (map_get(o->icmp->newest, o->key) == o)
        (void)map_remove(o->icmp->newest, o->key);
    outlet_close(o);
    free(o);
}

/* Which outlet a target with that source uses. */
static void key_of(const struct addr *source, char key[static KEY_MAX])
{
    char text[ADDR_TEXT_MAX];
    unsigned scope = addr_family(source) == AF_INET6 ? source->in6.sin6_scope_id : 0;

    (void)str_format(key, KEY_MAX, "%s%%%u", addr_text(source, text), scope);
}

/* A new outlet, which becomes the newest of its key and belongs to its first user. */
static int outlet_new(struct icmp *i, const struct addr *source, struct outlet **ret)
{
    cleanup(freep) struct outlet *o = calloc(1, sizeof(*o));
    int r;

    if (!o)
        return -ENOMEM;
    o->icmp = i;
    o->socket.fd = -1;
    o->socket.source = *source;
    o->users = 1;
    key_of(source, o->key);
    r = map_put(i->newest, o->key, o);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(o);
    return 0;
}

static void take_reply(struct icmp *i, const struct icmp_echo *e)
{
    struct rd r = e->payload;
    uint64_t cookie = rd_be64(&r);
    uint32_t index = rd_be32(&r);
    uint64_t number = rd_be64(&r);
    struct icmp_target *t = rd_ok(&r) && index < i->cap ? i->targets[index] : NULL;
    struct echo *echo;
    usec_t left_at;

    if (!t || cookie != t->cookie || !addr_equal(&e->from, &t->to) || (uint16_t)number != e->sequence)
        return;
    if (number >= t->n_sent || t->n_sent - number > ICMP_OUTSTANDING_MAX)
        return;
    echo = &t->echoes[number % ICMP_OUTSTANDING_MAX];
    if (echo->left_at == 0)
        return; /* a duplicate */
    left_at = echo->left_at;
    echo->left_at = 0;
    /* Received before it was sent: the wall clock, which the kernel stamps packets with, was set meanwhile. */
    t->fn(t->data, echo->sent, clock_since(left_at, e->at >= left_at ? e->at : e->read_at));
}

static void on_readable(void *data, int fd, uint32_t revents)
{
    struct outlet *o = data;
    struct icmp *i = o->icmp;
    struct icmp_echo e;
    int n = ICMP_BATCH;

    (void)fd;
    (void)revents; /* an error is taken off the socket by reading */
    o->users++;    /* callbacks may free targets, also the last one */
    i->reading = true;
    for (int k = 0; k < BATCHES_MAX && n == ICMP_BATCH && o->socket.fd >= 0; k++) {
        n = icmp_socket_receive(&o->socket, &i->batch);
        for (int p = 0; p < n; p++)
            if (icmp_socket_echo(&o->socket, &i->batch, (size_t)p, &e))
                take_reply(i, &e);
    }
    i->reading = false;
    outlet_unref(o);
}

static int outlet_open(struct outlet *o)
{
    const struct addr source = o->socket.source;
    int r;

    if (o->socket.fd >= 0)
        return 0;
    r = icmp_socket_open(&source, o->icmp->next_id, &o->socket);
    if (r < 0)
        return r;
    o->icmp->next_id++;
    r = loop_io_new(o->icmp->loop, o->socket.fd, EPOLLIN, on_readable, o, &o->io);
    if (r < 0)
        outlet_close(o);
    return r;
}

int icmp_new(struct loop *l, struct icmp **ret)
{
    cleanup(icmp_freep) struct icmp *i = calloc(1, sizeof(*i));
    int r;

    if (!i)
        return -ENOMEM;
    i->loop = l;
    i->next_id = (uint16_t)random_u64();
    r = map_new(ICMP_TARGETS_MAX, &i->newest);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(i);
    return 0;
}

struct icmp *icmp_free(struct icmp *i)
{
    if (!i)
        return NULL;
    assert(!i->reading);
    for (size_t k = 0; k < i->cap; k++)
        icmp_target_free(i->targets[k]);
    map_free(i->newest);
    free(i->targets);
    free(i);
    return NULL;
}

/* The index of a free place for a target. */
static int find_place(struct icmp *i, uint32_t *ret)
{
    size_t k = i->first_free;

    while (k < i->cap && i->targets[k])
        k++;
    if (k == i->cap) {
        size_t cap = i->cap > 0 ? 2 * i->cap : 8;
        struct icmp_target **targets;

        if (i->cap == ICMP_TARGETS_MAX)
            return -ENOSPC;
        if (cap > ICMP_TARGETS_MAX)
            cap = ICMP_TARGETS_MAX;
        targets = reallocarray(i->targets, cap, sizeof(struct icmp_target *));
        if (!targets)
            return -ENOMEM;
        memset(&targets[i->cap], 0, (cap - i->cap) * sizeof(struct icmp_target *));
        i->targets = targets;
        i->cap = cap;
    }
    i->first_free = k;
    *ret = (uint32_t)k;
    return 0;
}

int icmp_target_new(struct icmp *i, const struct addr *to, const struct addr *source, icmp_reply_fn fn, void *data,
                    struct icmp_target **ret)
{
    cleanup(freep) struct icmp_target *t = NULL;
    char key[KEY_MAX];
    int r;

    if (!addr_is_set(to) || (addr_is_set(source) && addr_family(source) != addr_family(to)))
        return -EAFNOSUPPORT;
    t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->icmp = i;
    t->to = *to;
    t->source = addr_is_set(source) ? *source : addr_any(addr_family(to));
    t->fn = fn;
    t->data = data;
    t->cookie = random_u64();
    r = find_place(i, &t->index);
    if (r < 0)
        return r;
    key_of(&t->source, key);
    t->outlet = map_get(i->newest, key);
    if (t->outlet)
        t->outlet->users++;
    else
        r = outlet_new(i, &t->source, &t->outlet);
    if (r < 0)
        return r;
    i->targets[t->index] = t;
    *ret = TAKE_PTR(t);
    return 0;
}

struct icmp_target *icmp_target_free(struct icmp_target *t)
{
    if (!t)
        return NULL;
    t->icmp->targets[t->index] = NULL;
    if (t->index < t->icmp->first_free)
        t->icmp->first_free = t->index;
    outlet_unref(t->outlet);
    free(t);
    return NULL;
}

void icmp_target_set_data(struct icmp_target *t, void *data)
{
    t->data = data;
}

int icmp_send(struct icmp_target *t, usec_t now)
{
    uint8_t payload[ICMP_PAYLOAD];
    struct wr w = wr_of(payload, sizeof(payload));
    usec_t left_at;
    int r = outlet_open(t->outlet);

    if (r < 0)
        return r;
    wr_be64(&w, t->cookie);
    wr_be32(&w, t->index);
    wr_be64(&w, t->n_sent);
    wr_zero(&w, sizeof(payload) - wr_len(&w));
    left_at = clock_now(clock_system()); /* the turn may be old */
    r = icmp_socket_send(&t->outlet->socket, &t->to, (uint16_t)t->n_sent, payload);
    if (r < 0)
        return r;
    t->echoes[t->n_sent % ICMP_OUTSTANDING_MAX] = (struct echo){.sent = now, .left_at = left_at};
    t->n_sent++;
    return 0;
}

int icmp_recreate(struct icmp_target *t)
{
    struct outlet *fresh = map_get(t->icmp->newest, t->outlet->key), *old = t->outlet;
    int r;

    /* One that another target was moved to since is as good: this target never used its id. */
    if (fresh && fresh != old) {
        fresh->users++;
    } else {
        r = outlet_new(t->icmp, &t->source, &fresh);
        if (r < 0)
            return r;
    }
    r = outlet_open(fresh); /* before the old one is closed, so that the id is another; again with each send */
    t->outlet = fresh;
    outlet_unref(old);
    return r;
}
