/*
 * The event loop of a process: sd-event with small typed sources. Nothing on it blocks or sleeps. `now` is
 * CLOCK_BOOTTIME, read once per turn. A source belongs to who created it and must be freed before the loop.
 * A callback may free its own source.
 */
#pragma once

#include "base/cleanup.h"
#include "base/clock.h"

#include <stdint.h>

struct loop;
struct loop_io;
struct loop_timer;
struct loop_signal;
typedef struct sd_event sd_event;

int loop_new(struct loop **ret);
struct loop *loop_free(struct loop *l); /* accepts NULL */
DEFINE_CLEANUP(struct loop *, loop_free)

usec_t loop_now(struct loop *l);
usec_t loop_wall(struct loop *l); /* to print and to sign */
sd_event *loop_event(struct loop *l);

/* Runs until loop_stop(). Returns the status given there, or -errno where the loop itself failed. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int status);

/* One turn: dispatches what is ready within TIMEOUT (0: does not wait). >0 where something was dispatched, -errno. For
 * tests. */
int loop_turn(struct loop *l, usec_t timeout);

/* Feeds systemd's watchdog from the loop where WATCHDOG_USEC is set, so that a stuck loop is noticed. */
int loop_watchdog(struct loop *l);

/* EVENTS and REVENTS are epoll's. */
typedef void (*loop_io_fn)(void *data, int fd, uint32_t revents);
int loop_io_new(struct loop *l, int fd, uint32_t events, loop_io_fn fn, void *data,
                struct loop_io **ret); /* FD is borrowed */
int loop_io_events(struct loop_io *io, uint32_t events);
struct loop_io *loop_io_free(struct loop_io *io);

/* A timer that is re-armed by hand and starts unarmed. ACCURACY is 1 ms. */
typedef void (*loop_timer_fn)(void *data, usec_t now);
int loop_timer_new(struct loop *l, loop_timer_fn fn, void *data, struct loop_timer **ret);
void loop_timer_at(struct loop_timer *t, usec_t when); /* USEC_NEVER disarms */
void loop_timer_in(struct loop_timer *t, usec_t span);
void loop_timer_stop(struct loop_timer *t);
struct loop_timer *loop_timer_free(struct loop_timer *t);

/* SIGNO is blocked for the whole process and handled on the loop. */
typedef void (*loop_signal_fn)(void *data, int signo);
int loop_signal_new(struct loop *l, int signo, loop_signal_fn fn, void *data, struct loop_signal **ret);
struct loop_signal *loop_signal_free(struct loop_signal *s);

DEFINE_CLEANUP(struct loop_io *, loop_io_free)
DEFINE_CLEANUP(struct loop_timer *, loop_timer_free)
DEFINE_CLEANUP(struct loop_signal *, loop_signal_free)
