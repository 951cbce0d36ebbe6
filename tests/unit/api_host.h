/*
 * For tests of the control API: a server with routes like agent/control.c's in a directory of its own, clients of raw
 * bytes on the same loop, and children that may block.
 */
#pragma once

#include "agent/api.h"
#include "agent/cli/request.h"
#include "base/array.h"
#include "base/str.h"
#include "base/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <json-c/json_object.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define PATIENCE  (20 * USEC_PER_SEC) /* for what must happen */
#define HEARD_MAX (8 * 1024 * 1024)

/* The end of a request's head. */
#define END "Host: rekindle\r\nConnection: close\r\n\r\n"

struct host {
    char dir[64], path[128]; /* of the socket */
    struct loop *loop;
    struct api *api;
    char *long_text; /* what GET /long answers; owned */
    /* What the routes saw. */
    unsigned calls, changes;
    char body[128], limit[128];
    struct api_request *late[API_CONNECTIONS_MAX]; /* history waits for host_answer_late() */
    size_t n_late;
};

static struct host host;

static inline void on_status(void *data, struct api_request *r)
{
    struct json_object *o = json_object_new_object();

    assert_ptr_equal(data, &host);
    host.calls++;
    json_object_object_add(o, "schema", json_object_new_string("rekindle.status/1"));
    json_object_object_add(o, "path", json_object_new_string("/a/b"));
    api_reply(r, 200, o);
}

static inline void on_health(void *data, struct api_request *r)
{
    (void)data;
    api_reply_text(r, 200, "text/plain; charset=utf-8", "ok\n");
}

static inline void on_history(void *data, struct api_request *r)
{
    (void)data;
    (void)str_copy(host.limit, sizeof(host.limit), str_or(api_request_query(r, "limit"), "-"));
    assert_true(host.n_late < ARRAY_LEN(host.late));
    host.late[host.n_late++] = r;
}

static inline void on_pause(void *data, struct api_request *r)
{
    struct json_object *o = json_object_new_object();

    (void)data;
    host.changes++;
    (void)str_copy(host.body, sizeof(host.body),
                   json_object_to_json_string_ext(api_request_body(r), JSON_C_TO_STRING_PLAIN));
    json_object_object_add(o, "text", json_object_new_string("Repairs are paused."));
    api_reply(r, 200, o);
}

static inline void on_repair(void *data, struct api_request *r)
{
    (void)data;
    api_reply_error(r, 404, "No such tunnel: %s.", "\"a\x1b\xff\"");
}

static inline void on_long(void *data, struct api_request *r)
{
    (void)data;
    api_reply_text(r, 200, "text/plain", host.long_text);
}

static const struct api_route host_routes[] = {
    {"GET", "/v1/status", false, on_status},   {"GET", "/healthz", false, on_health},
    {"GET", "/v1/history", false, on_history}, {"POST", "/v1/pause", true, on_pause},
    {"POST", "/v1/repair", true, on_repair},   {"GET", "/long", false, on_long},
    {"POST", "/v1/status", true, on_pause},    {NULL, NULL, false, NULL},
};

static inline void host_answer_late(size_t i)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "schema", json_object_new_string("rekindle.history/1"));
    api_reply(host.late[i], 200, o);
}

static inline int host_set_up(void **state)
{
    (void)state;
    memset(&host, 0, sizeof(host));
    (void)str_copy(host.dir, sizeof(host.dir), "/tmp/rekindle-api-XXXXXX");
    assert_non_null(mkdtemp(host.dir));
    assert_int_equal(chmod(host.dir, 0755), 0);
    (void)str_format(host.path, sizeof(host.path), "%s/rekindle.sock", host.dir);
    if (loop_new(&host.loop) < 0)
        return -1;
    return api_new(host.loop, host.dir, NULL, host_routes, &host, &host.api);
}

static inline int host_tear_down(void **state)
{
    char lock[128];

    (void)state;
    host.api = api_free(host.api);
    host.loop = loop_free(host.loop);
    free(host.long_text);
    host.long_text = NULL;
    (void)str_format(lock, sizeof(lock), "%s/rekindle.lock", host.dir);
    (void)unlink(lock);
    (void)unlink(host.path);
    return rmdir(host.dir); /* nothing else is left there */
}

/* A client of raw bytes on the same host.loop. */
struct talk {
    int fd;
    struct loop_io *io;
    struct strbuf heard;
    bool closed;
};

#define turn_until(condition)                                                                                          \
    do {                                                                                                               \
        usec_t end_ = clock_now(clock_system()) + PATIENCE;                                                            \
        while (!(condition)) {                                                                                         \
            if (clock_now(clock_system()) > end_)                                                                      \
                fail_msg("waited in vain for: %s", #condition);                                                        \
            assert_true(loop_turn(host.loop, PATIENCE) >= 0);                                                          \
        }                                                                                                              \
    } while (false)

static inline void on_words(void *data, int fd, uint32_t revents)
{
    struct talk *t = data;
    char chunk[4096];
    ssize_t n = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);

    (void)revents;
    if (n > 0) {
        strbuf_add(&t->heard, chunk, (size_t)n);
    } else if (n == 0 || errno != EAGAIN) {
        t->closed = true;
        t->io = loop_io_free(t->io);
    }
}

static inline void talk_on(struct talk *t, int fd)
{
    *t = (struct talk){.fd = fd};
    strbuf_init(&t->heard, HEARD_MAX);
    assert_int_equal(loop_io_new(host.loop, fd, EPOLLIN, on_words, t, &t->io), 0);
}

static inline int connect_unix(const char *to)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_true(str_copy(address.sun_path, sizeof(address.sun_path), to));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        int r = -errno;

        (void)close(fd);
        return r;
    }
    return fd;
}

static inline void talk_open(struct talk *t)
{
    int fd = connect_unix(host.path);

    assert_true(fd >= 0);
    talk_on(t, fd);
}

static inline void talk_end(struct talk *t)
{
    t->io = loop_io_free(t->io);
    if (t->fd >= 0)
        (void)close(t->fd);
    t->fd = -1;
    strbuf_done(&t->heard);
}

/* Says LEN bytes, as many as the other side takes at a time. It may hang up on us. */
static inline void talk_say_bytes(struct talk *t, const char *text, size_t len)
{
    usec_t end = clock_now(clock_system()) + PATIENCE;

    while (len > 0) {
        ssize_t n = send(t->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno != EAGAIN)
            return;
        assert_true(clock_now(clock_system()) < end);
        assert_true(loop_turn(host.loop, 0) >= 0);
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        }
    }
}

static inline void talk_say(struct talk *t, const char *text)
{
    talk_say_bytes(t, text, strlen(text));
}

static inline unsigned talk_count(const struct strbuf *b, const char *phrase)
{
    unsigned n = 0;

    for (const char *p = strstr(strbuf_text(b), phrase); p; p = strstr(p + 1, phrase))
        n++;
    return n;
}

static inline bool talk_heard(const struct talk *t, const char *phrase)
{
    return talk_count(&t->heard, phrase) > 0;
}

static inline void talk_must_hear(const struct talk *t, const char *phrase)
{
    if (!talk_heard(t, phrase))
        fail_msg("\"%s\" is missing in:\n%s", phrase, strbuf_text(&t->heard));
}

/* One request on a connection of its own, to its end. */
static inline void talk_ask(struct talk *t, const char *text)
{
    talk_open(t);
    talk_say(t, text);
    turn_until(t->closed);
}

/* Children, which block as they like while we serve. */
static inline void on_child_end(void *data, int fd, uint32_t revents)
{
    (void)fd;
    (void)revents;
    *(bool *)data = true;
}

/* Forks; FN's result is the child's status. Serves until it has ended. */
static inline int host_serve_child(int (*fn)(void))
{
    cleanup(loop_io_freep) struct loop_io *io = NULL;
    bool ended = false;
    int ends[2], status;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    (void)fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends[0]);
        _exit(fn());
    }
    (void)close(ends[1]);
    assert_int_equal(loop_io_new(host.loop, ends[0], EPOLLIN, on_child_end, &ended, &io), 0);
    turn_until(ended);
    io = loop_io_free(io);
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* In a child, by the command's own client: the status (200 as 20, 404 as 44), 1 for no answer, 2 for one without
 * PHRASE. */
static inline int host_command_status(const char *order, struct json_object *body, const char *phrase)
{
    const struct cli cli = {.runtime_dir = host.dir};
    struct reply reply = {0};
    char error[REQUEST_ERROR_MAX];

    if (request_send(&cli, order, body, &reply, error) < 0)
        return 1;
    return strstr(strbuf_text(&reply.text), phrase) ? (int)(reply.status / 100 * 10 + reply.status % 10) : 2;
}
