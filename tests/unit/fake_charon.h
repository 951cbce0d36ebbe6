/*
 * A small IKE daemon on the loop of a test: listens like charon, confirms the events that clients register for, and
 * hands every command to the test, which answers it, or does not. It can be stopped (SIGSTOP) and go on, and die.
 */
#pragma once

#include "base/array.h"
#include "base/loop.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "clients/vici/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define CHARON_PEERS_MAX  8
#define CHARON_EVENTS_MAX 16
#define CHARON_ASKED_MAX  256
#define CHARON_NAME_MAX   32
#define CHARON_LIMIT      (20 * USEC_PER_SEC) /* for what must happen */

struct fake_charon;

struct charon_peer {
    struct fake_charon *charon;
    int fd;
    struct loop_io *io; /* NULL where free */
    struct strbuf in;
    char events[CHARON_EVENTS_MAX][CHARON_NAME_MAX];
    size_t n_events;
};

/* A client asks for COMMAND. */
typedef void (*charon_fn)(struct charon_peer *p, const char *command, struct rd message);

struct fake_charon {
    struct loop *loop;
    charon_fn fn;
    char dir[32], path[64];
    int fd;
    struct loop_io *io; /* NULL while it does not run */
    struct charon_peer peers[CHARON_PEERS_MAX];
    bool stopped;
    unsigned n_accepted;
    char asked[CHARON_ASKED_MAX][CHARON_NAME_MAX]; /* the commands */
    size_t n_asked;
};

/* Turns the loop of C until CONDITION holds; fails where it never does. */
#define charon_until(c, condition)                                                                                     \
    do {                                                                                                               \
        usec_t end_ = clock_now(clock_system()) + CHARON_LIMIT;                                                        \
        while (!(condition)) {                                                                                         \
            assert_true(clock_now(clock_system()) < end_);                                                             \
            assert_true(loop_turn((c)->loop, 10 * USEC_PER_MSEC) >= 0);                                                \
        }                                                                                                              \
    } while (0)

/* Lets SPAN pass, for what must not happen. */
static inline void charon_pass(struct fake_charon *c, usec_t span)
{
    usec_t end = clock_now(clock_system()) + span;

    while (clock_now(clock_system()) < end)
        assert_true(loop_turn(c->loop, USEC_PER_MSEC) >= 0);
}

static inline size_t charon_count(const struct fake_charon *c, const char *command)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n_asked; i++)
        n += str_eq(c->asked[i], command);
    return n;
}

static inline size_t charon_n_peers(const struct fake_charon *c)
{
    size_t n = 0;

    for (size_t i = 0; i < CHARON_PEERS_MAX; i++)
        n += c->peers[i].io != NULL;
    return n;
}

/* M may be NULL: an empty message. */
static inline void charon_send(struct charon_peer *p, enum vici_packet type, const char *name, const struct strbuf *m)
{
    cleanup(strbuf_done) struct strbuf b;

    strbuf_init(&b, VICI_MESSAGE_MAX + 4);
    vici_put_packet(&b, type, name, m ? m->data : NULL, m ? m->len : 0);
    assert_false(b.bad || (m && m->bad));
    assert_int_equal(send(p->fd, b.data, b.len, MSG_NOSIGNAL), b.len);
}

static inline void charon_answer(struct charon_peer *p, const struct strbuf *m)
{
    charon_send(p, VICI_CMD_RESPONSE, NULL, m);
}

static inline void charon_answer_failed(struct charon_peer *p, const char *errmsg)
{
    cleanup(strbuf_done) struct strbuf m;

    strbuf_init(&m, VICI_MESSAGE_MAX);
    vici_put_value(&m, "success", "no");
    vici_put_value(&m, "errmsg", errmsg);
    charon_answer(p, &m);
}

/* Tells those who registered for it. */
static inline void charon_raise(struct fake_charon *c, const char *event)
{
    for (size_t i = 0; i < CHARON_PEERS_MAX; i++)
        for (size_t k = 0; c->peers[i].io && k < c->peers[i].n_events; k++)
            if (str_eq(c->peers[i].events[k], event))
                charon_send(&c->peers[i], VICI_EVENT, event, NULL);
}

static inline void charon_drop(struct charon_peer *p)
{
    p->io = loop_io_free(p->io);
    close(p->fd);
    strbuf_done(&p->in);
    p->n_events = 0;
}

static inline void charon_take(struct charon_peer *p, struct rd packet)
{
    struct fake_charon *c = p->charon;
    uint8_t type = rd_u8(&packet);
    struct rd name = rd_sub(&packet, rd_u8(&packet));
    char text[CHARON_NAME_MAX];
    const uint8_t *at;
    size_t len;

    at = rd_rest(&name, &len);
    assert_non_null(at);
    assert_true(str_format(text, sizeof(text), "%.*s", (int)len, (const char *)at));
    if (type == VICI_EVENT_REGISTER) {
        assert_true(p->n_events < CHARON_EVENTS_MAX);
        (void)str_copy(p->events[p->n_events++], CHARON_NAME_MAX, text);
        charon_send(p, VICI_EVENT_CONFIRM, NULL, NULL);
    } else {
        assert_int_equal(type, VICI_CMD_REQUEST);
        assert_true(vici_message_valid(packet));
        assert_true(c->n_asked < CHARON_ASKED_MAX);
        (void)str_copy(c->asked[c->n_asked++], CHARON_NAME_MAX, text);
        c->fn(p, text, packet);
    }
}

static inline void charon_on_peer(void *data, int fd, uint32_t revents)
{
    struct charon_peer *p = data;
    char bytes[4096];
    ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

    (void)revents;
    if (n <= 0) {
        charon_drop(p);
        return;
    }
    strbuf_add(&p->in, bytes, (size_t)n);
    while (p->io && p->in.len > 0) {
        struct rd rd = rd_of(p->in.data, p->in.len);
        struct rd packet = rd_sub(&rd, rd_be32(&rd));

        if (!rd_ok(&rd))
            return;
        charon_take(p, packet);
        if (p->io)
            strbuf_consume(&p->in, p->in.len - rd_left(&rd));
    }
}

static inline void charon_on_connect(void *data, int fd, uint32_t revents)
{
    struct fake_charon *c = data;

    (void)revents;
    for (size_t i = 0; i < CHARON_PEERS_MAX; i++) {
        struct charon_peer *p = &c->peers[i];

        if (p->io)
            continue;
        p->charon = c;
        p->fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        assert_true(p->fd >= 0);
        strbuf_init(&p->in, VICI_MESSAGE_MAX);
        assert_int_equal(loop_io_new(c->loop, p->fd, EPOLLIN, charon_on_peer, p, &p->io), 0);
        c->n_accepted++;
        return;
    }
    fail_msg("too many connections");
}

static inline int charon_socket(const struct fake_charon *c, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    assert_true(str_copy(ret->sun_path, sizeof(ret->sun_path), c->path));
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static inline void charon_start(struct fake_charon *c, int backlog)
{
    struct sockaddr_un to;

    c->fd = charon_socket(c, &to);
    assert_true(c->fd >= 0);
    (void)unlink(c->path);
    assert_int_equal(bind(c->fd, (const struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(listen(c->fd, backlog), 0);
    assert_int_equal(loop_io_new(c->loop, c->fd, EPOLLIN, charon_on_connect, c, &c->io), 0);
}

/* As with kill -9: the socket's file stays. */
static inline void charon_die(struct fake_charon *c)
{
    for (size_t i = 0; i < CHARON_PEERS_MAX; i++)
        if (c->peers[i].io)
            charon_drop(&c->peers[i]);
    if (!c->io)
        return;
    c->io = loop_io_free(c->io);
    close(c->fd);
}

/* SIGSTOP and SIGCONT. */
static inline void charon_set_stopped(struct fake_charon *c, bool stopped)
{
    const uint32_t events = stopped ? 0 : EPOLLIN;

    c->stopped = stopped;
    for (size_t i = 0; i < CHARON_PEERS_MAX; i++)
        if (c->peers[i].io)
            assert_int_equal(loop_io_events(c->peers[i].io, events), 0);
    assert_int_equal(loop_io_events(c->io, events), 0);
}

/* A loop and a path; it does not run yet. */
static inline void charon_new(struct fake_charon *c, charon_fn fn)
{
    *c = (struct fake_charon){.fn = fn, .dir = "/tmp/test-charon-XXXXXX"};
    assert_non_null(mkdtemp(c->dir));
    assert_true(str_format(c->path, sizeof(c->path), "%s/vici", c->dir));
    assert_int_equal(loop_new(&c->loop), 0);
}

/* The loop's other sources must have gone before. */
static inline void charon_done(struct fake_charon *c)
{
    charon_die(c);
    c->loop = loop_free(c->loop);
    (void)unlink(c->path);
    (void)rmdir(c->dir);
}
