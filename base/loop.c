#include "base/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#define TIMER_ACCURACY USEC_PER_MSEC

struct loop {
    sd_event *event; /* owned */
};

struct loop_io {
    sd_event_source *source; /* owned */
    loop_io_fn fn;
    void *data; /* borrowed */
};

struct loop_timer {
    struct loop *loop;       /* borrowed */
    sd_event_source *source; /* owned */
    loop_timer_fn fn;
    void *data;   /* borrowed */
    usec_t armed; /* USEC_NEVER: is not */
};

struct loop_signal {
    sd_event_source *source; /* owned */
    loop_signal_fn fn;
    void *data; /* borrowed */
};

int loop_new(struct loop **ret)
{
    cleanup(freep) struct loop *l = calloc(1, sizeof(*l));
    int r;

    if (!l)
        return -ENOMEM;
    r = sd_event_new(&l->event);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(l);
    return 0;
}

struct loop *loop_free(struct loop *l)
{
    if (l) {
        sd_event_unref(l->event);
        free(l);
    }
    return NULL;
}

sd_event *loop_event(struct loop *l)
{
    return l->event;
}

usec_t loop_now(struct loop *l)
{
    uint64_t now = 0;

    (void)sd_event_now(l->event, CLOCK_BOOTTIME, &now); /* the clock itself before the first turn */
    return now;
}

usec_t loop_wall(struct loop *l)
{
    uint64_t now = 0;

    (void)sd_event_now(l->event, CLOCK_REALTIME, &now);
    return now;
}

int loop_run(struct loop *l)
{
    return sd_event_loop(l->event);
}

void loop_stop(struct loop *l, int status)
{
    (void)sd_event_exit(l->event, status);
}

int loop_turn(struct loop *l, usec_t timeout)
{
    return sd_event_run(l->event, timeout);
}

int loop_watchdog(struct loop *l)
{
    int r = sd_event_set_watchdog(l->event, true);

    return r < 0 ? r : 0;
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *data)
{
    struct loop_io *io = data;

    (void)s;
    io->fn(io->data, fd, revents);
    return 0;
}

int loop_io_new(struct loop *l, int fd, uint32_t events, loop_io_fn fn, void *data, struct loop_io **ret)
{
    cleanup(freep) struct loop_io *io = calloc(1, sizeof(*io));
    int r;

    if (!io)
        return -ENOMEM;
    io->fn = fn;
    io->data = data;
    r = sd_event_add_io(l->event, &io->source, fd, events, on_io, io);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(io);
    return 0;
}

int loop_io_events(struct loop_io *io, uint32_t events)
{
    return sd_event_source_set_io_events(io->source, events);
}

struct loop_io *loop_io_free(struct loop_io *io)
{
    if (io) {
        sd_event_source_disable_unref(io->source);
        free(io);
    }
    return NULL;
}

static int on_time(sd_event_source *s, uint64_t usec, void *data)
{
    struct loop_timer *t = data;

    (void)s;
    (void)usec;
    t->armed = USEC_NEVER;
    t->fn(t->data, loop_now(t->loop)); /* one-shot: sd-event has disarmed it */
    return 0;
}

int loop_timer_new(struct loop *l, loop_timer_fn fn, void *data, struct loop_timer **ret)
{
    cleanup(freep) struct loop_timer *t = calloc(1, sizeof(*t));
    int r;

    if (!t)
        return -ENOMEM;
    t->loop = l;
    t->fn = fn;
    t->data = data;
    t->armed = USEC_NEVER;
    r = sd_event_add_time(l->event, &t->source, CLOCK_BOOTTIME, USEC_NEVER, TIMER_ACCURACY, on_time, t);
    if (r < 0)
        return r;
    r = sd_event_source_set_enabled(t->source, SD_EVENT_OFF);
    if (r < 0) {
        sd_event_source_disable_unref(t->source);
        return r;
    }
    *ret = TAKE_PTR(t);
    return 0;
}

void loop_timer_at(struct loop_timer *t, usec_t when)
{
    usec_t now = loop_now(t->loop);

    /* One that is due keeps its place in the queue: armed anew with every packet, it would never come to its turn. */
    if (t->armed <= now && when <= now)
        return;
    t->armed = when;
    /* sd-event takes 0 for "now"; neither call can fail for a source of ours. */
    (void)sd_event_source_set_time(t->source, when);
    (void)sd_event_source_set_enabled(t->source, when == USEC_NEVER ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

void loop_timer_in(struct loop_timer *t, usec_t span)
{
    loop_timer_at(t, clock_add(loop_now(t->loop), span));
}

void loop_timer_stop(struct loop_timer *t)
{
    loop_timer_at(t, USEC_NEVER);
}

struct loop_timer *loop_timer_free(struct loop_timer *t)
{
    if (t) {
        sd_event_source_disable_unref(t->source);
        free(t);
    }
    return NULL;
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *data)
{
    struct loop_signal *g = data;

    (void)s;
    g->fn(g->data, (int)si->ssi_signo);
    return 0;
}

int loop_signal_new(struct loop *l, int signo, loop_signal_fn fn, void *data, struct loop_signal **ret)
{
    cleanup(freep) struct loop_signal *g = calloc(1, sizeof(*g));
    sigset_t set;
    int r;

    if (!g)
        return -ENOMEM;
    g->fn = fn;
    g->data = data;
    if (sigemptyset(&set) < 0 || sigaddset(&set, signo) < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    r = sd_event_add_signal(l->event, &g->source, signo, on_signal, g);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(g);
    return 0;
}

struct loop_signal *loop_signal_free(struct loop_signal *s)
{
    if (s) {
        sd_event_source_disable_unref(s->source);
        free(s);
    }
    return NULL;
}
