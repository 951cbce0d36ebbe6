/* The HTTP client against a server on loopback that the test plays on the same loop. */
#include "base/http.h"

#include "base/array.h"
#include "base/str.h"
#include "base/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define PATIENCE  (10 * USEC_PER_SEC)
#define CLIENTS   80
#define INPUT_MAX (4 * 1024 * 1024)
#define TOKEN     "s3cr3t-token"

struct client {
    struct server *server;
    struct loop_io *io;
    struct strbuf input;
    int fd;
};

/* Sends ANSWER to every whole request but those for ".../silent", and hangs up behind it where told so. */
struct server {
    struct loop *loop;
    struct loop_io *io;
    int fd;
    struct client clients[CLIENTS];
    size_t n_clients, n_requests;
    const char *answer;
    size_t answer_len;
    bool hang_up;
    char request[INPUT_MAX]; /* the last one */
};

struct answer {
    int n, error;
    char error_text[HTTP_ERROR_MAX];
    long status;
    char body[256];
    size_t body_len;
    usec_t date, retry_after;
};

static struct server server;
static struct loop *loop;
static struct http *http;
static char url[128];
static struct answer answer;

static void client_close(struct client *c)
{
    c->io = loop_io_free(c->io);
    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
    strbuf_done(&c->input);
}

static bool is_whole(const char *text, size_t len)
{
    const char *head = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "\r\nContent-Length: ");
    size_t body = 0;

    if (!head)
        return false;
    for (const char *p = length ? length + strlen("\r\nContent-Length: ") : ""; *p >= '0' && *p <= '9'; p++)
        body = body * 10 + (size_t)(*p - '0');
    return len >= (size_t)(head - text) + 4 + body;
}

static void on_client(void *data, int fd, uint32_t revents)
{
    struct client *c = data;
    struct server *s = c->server;
    char buf[65536];
    ssize_t n = read(fd, buf, sizeof(buf));

    (void)revents;
    if (n <= 0) {
        client_close(c);
        return;
    }
    strbuf_add(&c->input, buf, (size_t)n);
    if (!is_whole(strbuf_text(&c->input), c->input.len))
        return;
    s->n_requests++;
    (void)str_copy(s->request, sizeof(s->request), strbuf_text(&c->input));
    strbuf_reset(&c->input);
    if (s->answer && !strstr(s->request, "/silent"))
        (void)send(fd, s->answer, s->answer_len, MSG_NOSIGNAL);
    if (s->hang_up)
        client_close(c);
}

static void on_connection(void *data, int fd, uint32_t revents)
{
    struct server *s = data;
    struct client *c = &s->clients[s->n_clients];

    (void)revents;
    assert_true(s->n_clients < CLIENTS);
    c->server = s;
    c->fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(c->fd >= 0);
    strbuf_init(&c->input, INPUT_MAX);
    assert_int_equal(loop_io_new(s->loop, c->fd, EPOLLIN, on_client, c, &c->io), 0);
    s->n_clients++;
}

static void server_listen(int family, const struct sockaddr *sa, socklen_t len)
{
    server.loop = loop;
    server.fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server.fd >= 0);
    assert_int_equal(bind(server.fd, sa, len), 0);
    assert_int_equal(listen(server.fd, CLIENTS), 0);
    assert_int_equal(loop_io_new(loop, server.fd, EPOLLIN, on_connection, &server, &server.io), 0);
}

static void server_stop(void)
{
    for (size_t i = 0; i < server.n_clients; i++)
        client_close(&server.clients[i]);
    server.n_clients = 0;
    server.io = loop_io_free(server.io);
    if (server.fd >= 0)
        (void)close(server.fd);
    server.fd = -1;
}

static void says(const char *text)
{
    server.answer = text;
    server.answer_len = text ? strlen(text) : 0;
}

static int set_up(void **state)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);

    (void)state;
    memset(&server, 0, sizeof(server));
    memset(&answer, 0, sizeof(answer));
    (void)unsetenv("http_proxy");
    (void)unsetenv("all_proxy");
    (void)unsetenv("ALL_PROXY");
    if (loop_new(&loop) < 0 || http_new(loop, &http) < 0)
        return -1;
    server_listen(AF_INET, (const struct sockaddr *)&in, sizeof(in));
    if (getsockname(server.fd, (struct sockaddr *)&in, &len) < 0)
        return -1;
    (void)str_format(url, sizeof(url), "http://127.0.0.1:%u/" TOKEN "/x", ntohs(in.sin_port));
    says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http = http_free(http);
    server_stop();
    loop = loop_free(loop);
    return 0;
}

static void on_done(void *data, const struct http_response *r)
{
    struct answer *a = data;

    a->n++;
    a->error = r->error;
    (void)str_copy(a->error_text, sizeof(a->error_text), r->error_text);
    a->status = r->status;
    a->body_len = r->body_len;
    (void)str_copy(a->body, sizeof(a->body), r->body);
    a->date = r->date;
    a->retry_after = r->retry_after;
}

static struct http_request get(void)
{
    return (struct http_request){.method = "GET", .url = url, .timeout = PATIENCE, .max_body = 65536};
}

static struct http_call *start(const struct http_request *req)
{
    struct http_call *call = NULL;

    assert_int_equal(http_send(http, req, on_done, &answer, &call), 0);
    return call;
}

static void turn_until(const int *n, int wanted)
{
    usec_t end = clock_now(clock_system()) + PATIENCE;

    while (*n < wanted) {
        assert_true(clock_now(clock_system()) < end);
        assert_true(loop_turn(loop, PATIENCE) >= 0);
    }
}

static void ask(const struct http_request *req)
{
    int wanted = answer.n + 1;

    (void)start(req);
    assert_int_equal(answer.n, wanted - 1); /* never from within http_send() */
    turn_until(&answer.n, wanted);
    assert_null(strstr(answer.error_text, TOKEN));
    assert_null(strstr(answer.error_text, "127.0.0.1"));
    assert_int_equal(answer.error == 0, answer.error_text[0] == '\0');
}

static void test_get(void **state)
{
    const char *const headers[] = {"X-Test: yes", NULL};
    struct http_request req = get();

    (void)state;
    req.headers = headers;
    ask(&req);
    assert_int_equal(answer.error, 0);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "hello");
    assert_true(str_starts(server.request, "GET /" TOKEN "/x HTTP/1.1\r\n"));
    assert_non_null(strstr(server.request, "\r\nX-Test: yes\r\n"));
}

static void test_post_body_is_copied(void **state)
{
    struct http_request req = get();
    char body[] = "{\"a\": 1}";

    (void)state;
    req.method = "POST";
    req.body = body;
    req.body_len = strlen(body);
    (void)start(&req);
    memset(body, 'x', sizeof(body) - 1);
    turn_until(&answer.n, 1);
    assert_true(str_starts(server.request, "POST "));
    assert_non_null(strstr(server.request, "\r\n\r\n{\"a\": 1}"));
}

static void test_long_post_does_not_wait_for_continue(void **state)
{
    static char body[2 * 1024 * 1024]; /* libcurl would ask first over a megabyte */
    struct http_request req = get();
    usec_t from = clock_now(clock_system());

    (void)state;
    memset(body, 'b', sizeof(body));
    req.method = "POST";
    req.body = body;
    req.body_len = sizeof(body);
    ask(&req);
    assert_int_equal(answer.status, 200);
    assert_null(strcasestr(server.request, "\r\nExpect:"));
    assert_int_equal(strlen(strstr(server.request, "\r\n\r\n") + 4), sizeof(body));
    assert_true(clock_now(clock_system()) - from < 900 * USEC_PER_MSEC);
}

static void test_error_status_is_an_answer(void **state)
{
    struct http_request req = get();

    (void)state;
    says("HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nDate: Tue, 24 Nov 2026 08:25:00 GMT\r\nContent-Length: "
         "4\r\n\r\nbusy");
    ask(&req);
    assert_int_equal(answer.error, 0);
    assert_int_equal(answer.status, 503);
    assert_string_equal(answer.body, "busy");
    assert_true(answer.retry_after == 120 * USEC_PER_SEC);
    assert_true(answer.date == UINT64_C(1795508700) * USEC_PER_SEC);
}

static void test_retry_after_as_a_date(void **state)
{
    struct http_request req = get();

    (void)state;
    says("HTTP/1.1 429 Slow\r\nRetry-After: Fri, 31 Dec 2100 23:59:59 GMT\r\nContent-Length: 0\r\n\r\n");
    ask(&req);
    assert_true(answer.retry_after > 365 * 24 * USEC_PER_HOUR);
    says("HTTP/1.1 429 Slow\r\nRetry-After: Sat, 01 Jan 2000 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n");
    ask(&req);
    assert_true(answer.retry_after == 0);
    says("HTTP/1.1 429 Slow\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n");
    ask(&req);
    assert_true(answer.retry_after == 0 && answer.date == 0);
}

static void test_redirect_is_not_followed(void **state)
{
    struct http_request req = get();

    (void)state;
    says("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    ask(&req);
    assert_int_equal(answer.status, 302);
    assert_int_equal(server.n_requests, 1);
}

static void test_body_of_the_maximum_and_over(void **state)
{
    struct http_request req = get();

    (void)state;
    req.max_body = 5;
    ask(&req);
    assert_int_equal(answer.error, 0);
    assert_int_equal(answer.body_len, 5);
    req.max_body = 4;
    ask(&req);
    assert_int_equal(answer.error, -EFBIG);
    assert_int_equal(answer.status, 0);
}

static void test_endless_body_ends(void **state)
{
    static char text[300000];
    struct http_request req = get();
    int head = snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n\r\n");

    (void)state;
    memset(text + head, 'z', sizeof(text) - 1 - (size_t)head);
    says(text);
    ask(&req); /* the server never closes: only the limit ends it */
    assert_int_equal(answer.error, -EFBIG);
}

static void test_silence_is_a_timeout(void **state)
{
    struct http_request req = get();
    usec_t from = clock_now(clock_system());

    (void)state;
    says(NULL);
    req.timeout = 100 * USEC_PER_MSEC;
    ask(&req);
    assert_int_equal(answer.error, -ETIMEDOUT);
    assert_true(clock_now(clock_system()) - from >= 99 * USEC_PER_MSEC);
    req.timeout = 1; /* less than libcurl can tell from "for ever" */
    ask(&req);
    assert_int_equal(answer.error, -ETIMEDOUT);
}

static void test_half_an_answer_is_a_timeout(void **state)
{
    struct http_request req = get();

    (void)state;
    says("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhel");
    req.timeout = 100 * USEC_PER_MSEC;
    ask(&req);
    assert_int_equal(answer.error, -ETIMEDOUT);
    assert_int_equal(answer.status, 0);
}

static void test_hanging_up_is_an_error(void **state)
{
    struct http_request req = get();

    (void)state;
    server.hang_up = true;
    says(NULL);
    ask(&req);
    assert_true(answer.error < 0);
    says("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhel");
    ask(&req);
    assert_true(answer.error < 0);
}

static void test_nobody_listens(void **state)
{
    struct http_request req = get();

    (void)state;
    server_stop();
    ask(&req);
    assert_int_equal(answer.error, -ECONNREFUSED);
}

static void test_what_is_no_url(void **state)
{
    static const char *const urls[] = {("ftp://127.0.0.1/" TOKEN), "file:///etc/hostname", "http://", "http://[::1"};
    struct http_request req = get();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        req.url = urls[i];
        ask(&req);
        assert_int_equal(answer.error, -EINVAL);
    }
}

static void test_name_that_cannot_be_resolved(void **state)
{
    struct http_request req = get();

    (void)state;
    req.url = "http://" TOKEN ".invalid/";
    req.timeout = 3 * USEC_PER_SEC;
    ask(&req);
    assert_true(answer.error == -EHOSTUNREACH || answer.error == -ETIMEDOUT); /* a resolver may be silent */
}

/* A network of our own in which the only name server never answers. False where that is not allowed. */
static bool enter_silent_network(const char *resolv_conf)
{
    const struct sockaddr_in dns = {
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd;

    if (unshare(CLONE_NEWNET | CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER)) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount(resolv_conf, "/etc/resolv.conf", NULL, MS_BIND, NULL) < 0)
        return false;
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* stays open and unread */
    return fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0 && bind(fd, (const struct sockaddr *)&dns, sizeof(dns)) == 0;
}

/* The longest turn of the loop while a name is not resolved, and a call cancelled meanwhile. */
static usec_t longest_turn(void)
{
    struct http_request req = get();
    struct http_call *call;
    usec_t longest = 0;

    req.url = "http://name.test/";
    call = start(&req);
    req.timeout = 200 * USEC_PER_MSEC;
    (void)start(&req);
    for (int turn = 0; answer.n < 1 && turn < 1000; turn++) {
        usec_t from = clock_now(clock_system()), span;

        (void)loop_turn(loop, 10 * USEC_PER_MSEC);
        if (turn == 5)
            http_cancel(call);
        span = clock_now(clock_system()) - from;
        longest = span > longest ? span : longest;
    }
    return answer.n == 1 && answer.error == -ETIMEDOUT ? longest : USEC_NEVER;
}

static void test_silent_name_server_does_not_block(void **state)
{
    char resolv_conf[] = "/tmp/test-http-XXXXXX";
    int fd = mkstemp(resolv_conf), status;
    pid_t child;

    (void)state;
    assert_int_equal(write(fd, "nameserver 127.0.0.1\n", 21), 21);
    (void)close(fd);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!enter_silent_network(resolv_conf) || set_up(NULL) < 0) /* a loop is of one process */
            _exit(77);
        _exit(longest_turn() < USEC_PER_SEC ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)unlink(resolv_conf);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

static void test_source_address(void **state)
{
    struct http_request req = get();

    (void)state;
    req.source = "127.0.0.9";
    ask(&req);
    assert_int_equal(answer.status, 200);
    req.source = "198.51.100.77"; /* not ours */
    ask(&req);
    assert_int_equal(answer.error, -EADDRNOTAVAIL);
}

static void test_unix_socket(void **state)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct http_request req = get();
    char dir[] = "/tmp/test-http-XXXXXX";

    (void)state;
    server_stop();
    assert_non_null(mkdtemp(dir));
    (void)str_format(un.sun_path, sizeof(un.sun_path), "%s/s", dir);
    server_listen(AF_UNIX, (const struct sockaddr *)&un, sizeof(un));
    req.unix_socket = un.sun_path;
    req.url = "http://localhost/v1/status";
    ask(&req);
    assert_int_equal(answer.status, 200);
    assert_true(str_starts(server.request, "GET /v1/status "));
    (void)unlink(un.sun_path);
    req.unix_socket = "/nonexistent/s";
    ask(&req);
    assert_true(answer.error < 0);
    (void)rmdir(dir);
}

static void test_cancelled_call_says_nothing(void **state)
{
    struct http_request req = get();
    struct http_call *call = start(&req);

    (void)state;
    http_cancel(call);
    http_cancel(NULL);
    call = start(&req);
    while (server.n_requests == 0)
        assert_true(loop_turn(loop, PATIENCE) > 0);
    http_cancel(call); /* the answer is on its way */
    for (int i = 0; i < 5; i++)
        assert_true(loop_turn(loop, 5 * USEC_PER_MSEC) >= 0);
    assert_int_equal(answer.n, 0);
    ask(&req); /* others are not disturbed */
    assert_int_equal(answer.status, 200);
}

static void test_many_at_once(void **state)
{
    struct http_request req = get();

    (void)state;
    for (int i = 0; i < HTTP_CALLS_MAX; i++)
        (void)start(&req);
    assert_int_equal(http_send(http, &req, on_done, &answer, NULL), -EBUSY);
    turn_until(&answer.n, HTTP_CALLS_MAX);
    assert_int_equal(answer.status, 200);
    ask(&req);
    assert_int_equal(server.n_requests, HTTP_CALLS_MAX + 1);
}

static void test_connection_is_used_again(void **state)
{
    struct http_request req = get();

    (void)state;
    ask(&req);
    ask(&req);
    ask(&req);
    assert_int_equal(server.n_requests, 3);
    assert_int_equal(server.n_clients, 1);
}

static struct http_call *other_call;

static void send_and_cancel(void *data, const struct http_response *r)
{
    struct http_request req = get();

    (void)data;
    assert_int_equal(r->status, 200);
    http_cancel(other_call);
    assert_int_equal(http_send(http, &req, on_done, &answer, NULL), 0);
}

static void test_callback_sends_and_cancels(void **state)
{
    struct http_request req = get();
    char silent[160];

    (void)state;
    (void)str_format(silent, sizeof(silent), "%s/silent", url);
    assert_int_equal(http_send(http, &req, send_and_cancel, NULL, NULL), 0);
    req.url = silent;
    other_call = start(&req);
    turn_until(&answer.n, 1);
    assert_int_equal(answer.status, 200);
    assert_int_equal(loop_turn(loop, 0), 0);
    assert_int_equal(answer.n, 1); /* of the call that the callback sent */
}

static void test_free_with_calls_under_way(void **state)
{
    struct http_request req = get();

    (void)state;
    says(NULL);
    (void)start(&req);
    (void)start(&req);
    while (server.n_requests < 2)
        assert_true(loop_turn(loop, PATIENCE) > 0);
    http = http_free(http);
    for (int i = 0; i < 3; i++)
        assert_true(loop_turn(loop, USEC_PER_MSEC) >= 0);
    assert_int_equal(answer.n, 0);
}

#define http_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        http_test(test_get),
        http_test(test_post_body_is_copied),
        http_test(test_long_post_does_not_wait_for_continue),
        http_test(test_error_status_is_an_answer),
        http_test(test_retry_after_as_a_date),
        http_test(test_redirect_is_not_followed),
        http_test(test_body_of_the_maximum_and_over),
        http_test(test_endless_body_ends),
        http_test(test_silence_is_a_timeout),
        http_test(test_half_an_answer_is_a_timeout),
        http_test(test_hanging_up_is_an_error),
        http_test(test_nobody_listens),
        http_test(test_what_is_no_url),
        http_test(test_name_that_cannot_be_resolved),
        http_test(test_silent_name_server_does_not_block),
        http_test(test_source_address),
        http_test(test_unix_socket),
        http_test(test_cancelled_call_says_nothing),
        http_test(test_many_at_once),
        http_test(test_connection_is_used_again),
        http_test(test_callback_sends_and_cancels),
        http_test(test_free_with_calls_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
