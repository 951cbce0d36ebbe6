/*
 * A small EC2 endpoint on the loop of a test: answers requests with what was queued, one after the other, verifies
 * their signatures and remembers their forms. Its clock may be wrong.
 */
#pragma once

#include "base/array.h"
#include "base/cleanup.h"
#include "base/http.h"
#include "base/loop.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "clients/aws/ec2.h"
#include "clients/aws/sigv4.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

#define FAKE_QUEUE_MAX   32
#define FAKE_PEERS_MAX   8
#define FAKE_REQUEST_MAX 65536
#define FAKE_PATIENCE    (20 * USEC_PER_SEC)
#define FAKE_SECRET      "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define FAKE_OUTSIDE     "203.0.113.10"
#define FAKE_OTHER       "203.0.113.20"

struct fake_answer {
    int status; /* 0: hangs up instead */
    char *body; /* owned */
};

struct fake_peer {
    struct fake_ec2 *fake;
    int fd;
    struct loop_io *io; /* NULL where free */
    struct strbuf in;
};

struct fake_ec2 {
    struct loop *loop;
    struct http *http;
    struct ec2 *ec2;
    int fd;
    struct loop_io *io;
    struct fake_peer peers[FAKE_PEERS_MAX];
    struct fake_answer answers[FAKE_QUEUE_MAX];
    size_t n_answers, next_answer;
    char *forms[FAKE_QUEUE_MAX]; /* owned; what was asked */
    char *tokens[FAKE_QUEUE_MAX];
    size_t n_requests;
    int64_t clock_offset; /* of its clock to ours, microseconds */
    bool strict_clock;    /* refuses times more than five minutes off, as AWS does */
};

static inline void fake_queue(struct fake_ec2 *f, int status, const char *body)
{
    assert_true(f->n_answers < FAKE_QUEUE_MAX);
    f->answers[f->n_answers++] = (struct fake_answer){status, strdup(body)};
}

static inline void fake_queue_error(struct fake_ec2 *f, int status, const char *code)
{
    char body[512];

    assert_true(
        str_format(body, sizeof body,
                   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>%s</Code><Message>As "
                   "the code says.</Message></Error></Errors><RequestID>r</RequestID></Response>",
                   code));
    fake_queue(f, status, body);
}

struct fake_tunnel {
    const char *state;
    const char *dpd;     /* NULL: omitted */
    const char *startup; /* NULL: omitted */
    const char *ike;     /* NULL: omitted */
};

static inline void fake_add_connection(struct strbuf *b, const char *element, const char *id,
                                       const struct fake_tunnel *t)
{
    strbuf_printf(b, "<%s><vpnConnectionId>%s</vpnConnectionId><state>%s</state><options><tunnelOptionSet><item>",
                  element, id, t->state);
    strbuf_puts(b, "<outsideIpAddress>" FAKE_OTHER "</outsideIpAddress></item><item>");
    if (t->dpd)
        strbuf_printf(b, "<dpdTimeoutAction>%s</dpdTimeoutAction>", t->dpd);
    if (t->startup)
        strbuf_printf(b, "<startupAction>%s</startupAction>", t->startup);
    if (t->ike)
        strbuf_printf(b, "<ikeVersionSet><item><value>%s</value></item></ikeVersionSet>", t->ike);
    strbuf_printf(b,
                  "<outsideIpAddress>" FAKE_OUTSIDE "</outsideIpAddress></item></tunnelOptionSet></options>"
                  "<vgwTelemetry><item><outsideIpAddress>" FAKE_OUTSIDE "</outsideIpAddress><status>UP</status></item>"
                  "</vgwTelemetry></%s>",
                  element);
}

static inline void fake_queue_described(struct fake_ec2 *f, const char *const *ids, size_t n, struct fake_tunnel t)
{
    cleanup(strbuf_done) struct strbuf b;

    strbuf_init(&b, FAKE_REQUEST_MAX);
    strbuf_puts(
        &b, "<DescribeVpnConnectionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><vpnConnectionSet>");
    for (size_t i = 0; i < n; i++)
        fake_add_connection(&b, "item", ids[i], &t);
    strbuf_puts(&b, "</vpnConnectionSet></DescribeVpnConnectionsResponse>");
    fake_queue(f, 200, strbuf_text(&b));
}

static inline void fake_queue_described_one(struct fake_ec2 *f, struct fake_tunnel t)
{
    fake_queue_described(f, (const char *const[]){"vpn-1"}, 1, t);
}

static inline void fake_queue_modified(struct fake_ec2 *f, struct fake_tunnel t)
{
    cleanup(strbuf_done) struct strbuf b;

    strbuf_init(&b, FAKE_REQUEST_MAX);
    strbuf_puts(&b, "<ModifyVpnTunnelOptionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">");
    fake_add_connection(&b, "vpnConnection", "vpn-1", &t);
    strbuf_puts(&b, "</ModifyVpnTunnelOptionsResponse>");
    fake_queue(f, 200, strbuf_text(&b));
}

static inline size_t fake_count(const struct fake_ec2 *f, const char *in_form)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n_requests; i++)
        n += strstr(f->forms[i], in_form) != NULL;
    return n;
}

static inline const char *fake_header(const struct sigv4_header *h, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcasecmp(h[i].name, name))
            return h[i].value;
    return "";
}

/* Checks the Authorization header as AWS does. */
static inline void fake_verify(const struct sigv4_header *h, size_t n, const char *path, const char *body)
{
    cleanup(strbuf_done) struct strbuf canonical;
    cleanup(strbuf_done) struct strbuf to_sign;
    cleanup(secret_freep) struct secret *key = secret_new(FAKE_SECRET, strlen(FAKE_SECRET));
    char hash[SIGV4_HEX_MAX], signature[SIGV4_HEX_MAX], names[256];
    const char *authorization = fake_header(h, n, "Authorization");
    const char *list = strstr(authorization, "SignedHeaders=");
    const struct sigv4_scope scope = {fake_header(h, n, "X-Amz-Date"), "eu-west-1", "ec2"};
    struct sigv4_request r = {.method = "POST", .path = path, .headers = h, .n_headers = n, .payload_hash = hash};

    strbuf_init(&canonical, SIGV4_TEXT_MAX);
    strbuf_init(&to_sign, SIGV4_TEXT_MAX);
    assert_non_null(list);
    list += strlen("SignedHeaders=");
    assert_true(str_format(names, sizeof names, "%.*s", (int)strcspn(list, ","), list));
    r.signed_headers = names;
    assert_int_equal(sigv4_hash(body, strlen(body), hash), 0);
    assert_int_equal(sigv4_canonical_request(&r, &canonical), 0);
    assert_int_equal(sigv4_string_to_sign(&scope, strbuf_text(&canonical), &to_sign), 0);
    assert_int_equal(sigv4_signature(key, &scope, strbuf_text(&to_sign), signature), 0);
    assert_non_null(strstr(authorization, signature));
    assert_non_null(strstr(names, "host"));
    assert_string_equal(fake_header(h, n, "Connection"), "close");
}

static inline usec_t fake_wall(const struct fake_ec2 *f)
{
    return (usec_t)((int64_t)loop_wall(f->loop) + f->clock_offset);
}

/* Whether DATE ("20150830T123600Z") is within five minutes of the server's clock. */
static inline bool fake_date_is_near(const struct fake_ec2 *f, const char *date)
{
    char early[SIGV4_DATE_MAX], late[SIGV4_DATE_MAX];

    return strcmp(date, sigv4_date(fake_wall(f) - 5 * USEC_PER_MIN, early)) >= 0 &&
           strcmp(date, sigv4_date(fake_wall(f) + 5 * USEC_PER_MIN, late)) <= 0;
}

static inline void fake_write(struct fake_ec2 *f, int fd, const struct fake_answer *a)
{
    cleanup(strbuf_done) struct strbuf b;
    time_t t = (time_t)(fake_wall(f) / USEC_PER_SEC);
    char date[64];
    struct tm tm;

    strbuf_init(&b, FAKE_REQUEST_MAX);
    assert_true(strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&t, &tm)) > 0);
    strbuf_printf(&b, "HTTP/1.1 %d Because\r\nDate: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                  a->status, date, strlen(a->body), a->body);
    assert_false(b.bad);
    assert_int_equal(send(fd, b.data, b.len, MSG_NOSIGNAL), b.len);
}

static inline void fake_close(struct fake_peer *p)
{
    p->io = loop_io_free(p->io);
    close(p->fd);
    strbuf_done(&p->in);
}

static inline void fake_answer_request(struct fake_peer *p, const char *body, const char *token, const char *date)
{
    struct fake_ec2 *f = p->fake;
    struct fake_answer skewed = {
        401, (char[]){"<Response><Errors><Error><Code>AuthFailure</Code><Message>AWS was not able to "
                      "validate the provided access credentials</Message></Error></Errors></Response>"}};

    assert_true(f->n_requests < FAKE_QUEUE_MAX);
    f->tokens[f->n_requests] = strdup(token);
    f->forms[f->n_requests++] = strdup(body);
    if (f->strict_clock && !fake_date_is_near(f, date)) {
        fake_write(f, p->fd, &skewed);
        return;
    }
    assert_true(f->next_answer < f->n_answers);
    if (f->answers[f->next_answer].status > 0)
        fake_write(f, p->fd, &f->answers[f->next_answer]);
    f->next_answer++;
}

/* Ends the line at AT and returns the next one; NULL at the end. */
static inline char *fake_next_line(char *at)
{
    char *end = strstr(at, "\r\n");

    if (!end)
        return NULL;
    *end = '\0';
    return end + 2;
}

static inline size_t fake_body_length(const char *headers)
{
    const char *at = strcasestr(headers, "content-length: ");
    char digits[16];
    uint32_t len;

    assert_non_null(at);
    at += strlen("content-length: ");
    assert_true(str_format(digits, sizeof digits, "%.*s", (int)strspn(at, "0123456789"), at));
    assert_int_equal(parse_u32(digits, FAKE_REQUEST_MAX, &len), 0);
    return len;
}

/* Cuts the request at its lines, in place. Returns false while it is not complete. */
static inline bool fake_take_request(struct fake_peer *p)
{
    struct sigv4_header h[SIGV4_HEADERS_MAX];
    char *text = p->in.data, *end = strstr(text, "\r\n\r\n"), *path = text + strlen("POST ");
    const char *body;
    size_t n = 0;

    if (!end || strlen(end + 4) < fake_body_length(text))
        return false;
    body = end + 4;
    *end = '\0';
    assert_true(str_starts(text, "POST "));
    for (char *line = fake_next_line(text); line;) {
        char *next = fake_next_line(line), *colon = strchr(line, ':');
        assert_true(colon && n < SIGV4_HEADERS_MAX);
        *colon = '\0';
        h[n++] = (struct sigv4_header){line, colon + 1 + (colon[1] == ' ')};
        line = next;
    }
    path[strcspn(path, " ")] = '\0';
    fake_verify(h, n, path, body);
    fake_answer_request(p, body, fake_header(h, n, "X-Amz-Security-Token"), fake_header(h, n, "X-Amz-Date"));
    return true;
}

static inline void fake_on_peer(void *data, int fd, uint32_t revents)
{
    struct fake_peer *p = data;
    char buf[4096];
    ssize_t n = recv(fd, buf, sizeof buf, 0);

    (void)revents;
    if (n > 0) {
        strbuf_add(&p->in, buf, (size_t)n);
        assert_false(p->in.bad);
    }
    if (n <= 0 || fake_take_request(p))
        fake_close(p);
}

static inline void fake_on_connect(void *data, int fd, uint32_t revents)
{
    struct fake_ec2 *f = data;

    (void)revents;
    for (size_t i = 0; i < FAKE_PEERS_MAX; i++) {
        struct fake_peer *p = &f->peers[i];
        if (p->io)
            continue;
        p->fake = f;
        p->fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        assert_true(p->fd >= 0);
        strbuf_init(&p->in, FAKE_REQUEST_MAX);
        assert_int_equal(loop_io_new(f->loop, p->fd, EPOLLIN, fake_on_peer, p, &p->io), 0);
        return;
    }
    fail_msg("too many connections");
}

static inline void fake_listen(struct fake_ec2 *f)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sin;
    char url[64];

    f->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(f->fd >= 0);
    assert_int_equal(bind(f->fd, (struct sockaddr *)&sin, sizeof sin), 0);
    assert_int_equal(listen(f->fd, 8), 0);
    assert_int_equal(getsockname(f->fd, (struct sockaddr *)&sin, &len), 0);
    assert_int_equal(loop_io_new(f->loop, f->fd, EPOLLIN, fake_on_connect, f, &f->io), 0);
    assert_true(str_format(url, sizeof url, "http://127.0.0.1:%u/", ntohs(sin.sin_port)));
    setenv("AWS_ENDPOINT_URL_EC2", url, 1);
}

/* A test's setup: *STATE becomes the endpoint, with a client that talks to it. */
static inline int fake_set_up(void **state)
{
    struct fake_ec2 *f = calloc(1, sizeof *f);

    assert_non_null(f);
    assert_int_equal(loop_new(&f->loop), 0);
    assert_int_equal(http_new(f->loop, &f->http), 0);
    fake_listen(f);
    setenv("AWS_CONFIG_FILE", "/nonexistent", 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
    setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", FAKE_SECRET, 1);
    unsetenv("AWS_SESSION_TOKEN");
    assert_int_equal(ec2_new(f->loop, f->http, "eu-west-1", &f->ec2), 0);
    *state = f;
    return 0;
}

static inline void fake_stop_listening(struct fake_ec2 *f)
{
    f->io = loop_io_free(f->io);
    close(f->fd);
    f->fd = -1;
}

static inline int fake_tear_down(void **state)
{
    struct fake_ec2 *f = *state;

    (void)ec2_free(f->ec2);
    (void)http_free(f->http);
    for (size_t i = 0; i < FAKE_PEERS_MAX; i++)
        if (f->peers[i].io)
            fake_close(&f->peers[i]);
    if (f->fd >= 0)
        fake_stop_listening(f);
    for (size_t i = 0; i < f->n_answers; i++)
        free(f->answers[i].body);
    for (size_t i = 0; i < f->n_requests; i++) {
        free(f->forms[i]);
        free(f->tokens[i]);
    }
    (void)loop_free(f->loop);
    free(f);
    return 0;
}

/* Runs the loop until *DONE. */
static inline void fake_wait(struct fake_ec2 *f, const bool *done)
{
    usec_t start = loop_now(f->loop);

    while (!*done) {
        assert_true(loop_turn(f->loop, USEC_PER_SEC) >= 0);
        assert_true(clock_since(start, loop_now(f->loop)) < FAKE_PATIENCE);
    }
}
