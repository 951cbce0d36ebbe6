/* A VICI server that a test plays by hand, on one connection: nothing is answered by itself. */
#pragma once

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "clients/vici/message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define FAKE_LIMIT (10 * USEC_PER_SEC) /* for what must happen */
#define FAKE_TEXT  64

struct fake_vici {
    struct loop *loop;
    char dir[FAKE_TEXT], path[FAKE_TEXT];
    int listener, fd; /* the socket; the accepted connection */
    unsigned n_accepted;
    struct strbuf wire; /* what the client sent and nobody has looked at */
};

/* Turns the loop of F until CONDITION holds; fails where it never does. */
#define fake_until(f, condition)                                                                                       \
    do {                                                                                                               \
        usec_t end_ = clock_now(clock_system()) + FAKE_LIMIT;                                                          \
        while (!(condition)) {                                                                                         \
            assert_true(clock_now(clock_system()) < end_);                                                             \
            assert_true(loop_turn((f)->loop, USEC_PER_MSEC) >= 0);                                                     \
        }                                                                                                              \
    } while (0)

/* All that can happen without waiting. */
static inline void fake_settle(struct fake_vici *f)
{
    while (loop_turn(f->loop, 0) > 0)
        continue;
}

/* A loop and a path to listen at. */
static inline void fake_new(struct fake_vici *f)
{
    *f = (struct fake_vici){.dir = "/tmp/test-vici-XXXXXX", .listener = -1, .fd = -1};
    strbuf_init(&f->wire, 2 * VICI_PACKET_MAX);
    assert_non_null(mkdtemp(f->dir));
    assert_true(str_format(f->path, sizeof(f->path), "%s/vici", f->dir));
    assert_int_equal(loop_new(&f->loop), 0);
}

static inline void fake_listen(struct fake_vici *f, int backlog)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};

    assert_true(str_copy(to.sun_path, sizeof(to.sun_path), f->path));
    f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(f->listener >= 0);
    assert_int_equal(bind(f->listener, (const struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(listen(f->listener, backlog), 0);
}

/* Stops listening; the socket's file stays, as when a daemon dies. */
static inline void fake_stop_listening(struct fake_vici *f)
{
    closep(&f->listener);
    f->listener = -1;
}

static inline void fake_hang_up(struct fake_vici *f)
{
    closep(&f->fd);
    f->fd = -1;
}

/* False where nobody has connected. */
static inline bool fake_accept(struct fake_vici *f)
{
    int fd = accept4(f->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return false;
    fake_hang_up(f);
    f->fd = fd;
    f->n_accepted++;
    strbuf_reset(&f->wire);
    return true;
}

/* The loop's sources must have gone before. */
static inline void fake_done(struct fake_vici *f)
{
    fake_hang_up(f);
    fake_stop_listening(f);
    f->loop = loop_free(f->loop);
    strbuf_done(&f->wire);
    (void)unlink(f->path);
    (void)rmdir(f->dir);
}

/* Whether the client has closed its end; what it sent before is kept. */
static inline bool fake_has_left(struct fake_vici *f)
{
    char bytes[4096];
    ssize_t n = recv(f->fd, bytes, sizeof(bytes), 0);

    if (n > 0)
        strbuf_add(&f->wire, bytes, (size_t)n);
    return n == 0;
}

/* The client's next packet as "TYPE NAME" or "TYPE NAME k=VALUE". False where it is not there yet. */
static inline bool fake_next(struct fake_vici *f, char text[static FAKE_TEXT])
{
    char value[FAKE_TEXT] = "";
    struct rd rd, packet, name;
    const uint8_t *p;
    uint8_t type;
    size_t len;

    (void)fake_has_left(f);
    rd = rd_of(f->wire.data, f->wire.len);
    packet = rd_sub(&rd, rd_be32(&rd));
    if (!rd_ok(&rd))
        return false;
    type = rd_u8(&packet);
    name = rd_sub(&packet, rd_u8(&packet));
    p = rd_rest(&name, &len);
    assert_non_null(p);
    assert_true(vici_message_valid(packet));
    (void)vici_message_get(packet, "k", value, sizeof(value));
    assert_true(
        str_format(text, FAKE_TEXT, "%d %.*s%s%s", type, (int)len, (const char *)p, value[0] ? " k=" : "", value));
    strbuf_consume(&f->wire, f->wire.len - rd_left(&rd));
    return true;
}

/* The client's next packet is TEXT. */
static inline void fake_expect(struct fake_vici *f, const char *text)
{
    char got[FAKE_TEXT];

    fake_until(f, fake_next(f, got));
    assert_string_equal(got, text);
}

static inline void fake_expect_silence(struct fake_vici *f)
{
    fake_settle(f);
    (void)fake_has_left(f);
    assert_int_equal(f->wire.len, 0);
}

static inline void fake_send(struct fake_vici *f, const void *data, size_t len)
{
    const char *p = data;

    while (len > 0) {
        ssize_t n = send(f->fd, p, len, MSG_NOSIGNAL);

        if (n < 0) {
            assert_int_equal(errno, EAGAIN);
            assert_true(loop_turn(f->loop, USEC_PER_MSEC) >= 0);
            continue;
        }
        p += n;
        len -= (size_t)n;
    }
}

/* A packet with k = VALUE, or an empty message where VALUE is NULL. */
static inline void fake_reply(struct fake_vici *f, enum vici_packet type, const char *name, const char *value)
{
    cleanup(strbuf_done) struct strbuf m, b;

    strbuf_init(&m, VICI_MESSAGE_MAX);
    strbuf_init(&b, VICI_PACKET_MAX);
    if (value)
        vici_put_value(&m, "k", value);
    vici_put_packet(&b, type, name, m.data, m.len);
    assert_false(b.bad);
    fake_send(f, b.data, b.len);
}
