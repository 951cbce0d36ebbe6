/* The delivery of alerts to receivers on loopback that the test plays on the same loop. */
#include "agent/alerter.h"

#include "base/array.h"
#include "base/file.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/random.h"
#include "base/str.h"
#include "base/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define PATIENCE     (30 * USEC_PER_SEC)
#define TOKEN        "s3cr3t-token"
#define LOG_MAX      (1024 * 1024)
#define CALLS        64
#define CLIENTS      16

#define OK_ANSWER    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define ERROR_ANSWER "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"

/* One request as the receiver got it. */
struct call {
    char id[64], type[32];
    uint64_t timestamp;
    usec_t at;
    bool spooled; /* its row was in the store's file by then */
};

struct client {
    struct receiver *receiver;
    struct loop_io *io;
    struct strbuf input;
    int fd;
};

/* Answers the first requests with ANSWERS, all others with 200; "" is no answer at all. */
struct receiver {
    const char *name; /* of the target */
    struct loop_io *io;
    int fd;
    uint16_t port;
    struct client clients[CLIENTS];
    size_t n_clients;
    const char *answers[8];
    struct call calls[CALLS];
    size_t n_calls;
    char request[8192]; /* the last one */
};

static struct loop *loop;
static struct http *http;
static struct store *store;
static struct alerter *alerter;
static struct conf conf, other_conf;
static struct conf_alert alerts[2], other_alerts[2];
static struct receiver ops, chat;
static char dir[64], log_path[96];
static int real_stderr = -1;

/* ---------------------------------------------------------------------------------------------------- receivers */

static void client_close(struct client *c)
{
    c->io = loop_io_free(c->io);
    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
    strbuf_done(&c->input);
}

static void header(const char *request, const char *name, char *value, size_t size)
{
    char line[64];
    const char *p;

    (void)str_format(line, sizeof(line), "\r\n%s: ", name);
    p = strcasestr(request, line);
    assert_non_null(p);
    p += strlen(line);
    (void)str_format(value, size, "%.*s", (int)strcspn(p, "\r"), p);
}

static bool is_spooled(const char *id, const char *target)
{
    char path[96];
    sqlite3 *db;
    sqlite3_stmt *stmt = NULL;
    bool found;

    (void)str_format(path, sizeof(path), "%s/rekindle.db", dir);
    /* Where the disk is full the file cannot even be read. */
    (void)sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL);
    (void)sqlite3_prepare_v2(db, "SELECT 1 FROM spool WHERE id = ?1 AND target = ?2", -1, &stmt, NULL);
    (void)sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(stmt, 2, target, -1, SQLITE_STATIC);
    found = sqlite3_step(stmt) == SQLITE_ROW;
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
    return found;
}

static void note(struct receiver *r, const char *request)
{
    struct call *c = &r->calls[r->n_calls];
    char timestamp[32];
    const char *type = strstr(request, "\"type\":\"");

    assert_true(r->n_calls < CALLS);
    assert_non_null(type);
    type += strlen("\"type\":\"");
    (void)str_format(c->type, sizeof(c->type), "%.*s", (int)strcspn(type, "\""), type);
    header(request, "webhook-id", c->id, sizeof(c->id));
    header(request, "webhook-timestamp", timestamp, sizeof(timestamp));
    assert_int_equal(parse_u64(timestamp, UINT64_MAX, &c->timestamp), 0);
    c->at = clock_now(clock_system());
    c->spooled = is_spooled(c->id, r->name);
    (void)str_copy(r->request, sizeof(r->request), request);
}

static bool is_whole(const char *text, size_t len)
{
    const char *head = strstr(text, "\r\n\r\n");
    char length[32];
    uint64_t body;

    if (!head)
        return false;
    header(text, "Content-Length", length, sizeof(length));
    assert_int_equal(parse_u64(length, 65536, &body), 0);
    return len >= (size_t)(head - text) + 4 + body;
}

static void on_client(void *data, int fd, uint32_t revents)
{
    struct client *c = data;
    struct receiver *r = c->receiver;
    const char *answer;
    char buf[8192];
    ssize_t n = read(fd, buf, sizeof(buf));

    (void)revents;
    if (n <= 0) {
        client_close(c);
        return;
    }
    strbuf_add(&c->input, buf, (size_t)n);
    if (!is_whole(strbuf_text(&c->input), c->input.len))
        return;
    note(r, strbuf_text(&c->input));
    strbuf_reset(&c->input);
    answer = r->n_calls < ARRAY_LEN(r->answers) ? r->answers[r->n_calls] : NULL;
    r->n_calls++;
    answer = answer ? answer : OK_ANSWER;
    (void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
}

static void on_connection(void *data, int fd, uint32_t revents)
{
    struct receiver *r = data;
    struct client *c = &r->clients[r->n_clients++];

    (void)revents;
    assert_true(r->n_clients <= CLIENTS);
    c->receiver = r;
    strbuf_init(&c->input, 65536);
    c->fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(c->fd >= 0);
    assert_int_equal(loop_io_new(loop, c->fd, EPOLLIN, on_client, c, &c->io), 0);
}

static void receiver_start(struct receiver *r)
{
    struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons(r->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);
    int one = 1;

    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(r->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    assert_int_equal(bind(r->fd, (const struct sockaddr *)&in, len), 0);
    assert_int_equal(listen(r->fd, 16), 0);
    assert_int_equal(getsockname(r->fd, (struct sockaddr *)&in, &len), 0);
    r->port = ntohs(in.sin_port);
    assert_int_equal(loop_io_new(loop, r->fd, EPOLLIN, on_connection, r, &r->io), 0);
}

static void receiver_stop(struct receiver *r)
{
    r->io = loop_io_free(r->io);
    if (r->fd >= 0)
        (void)close(r->fd);
    r->fd = -1;
    for (size_t i = 0; i < r->n_clients; i++)
        client_close(&r->clients[i]);
    r->n_clients = 0;
}

static struct secret *url_of(const struct receiver *r)
{
    char url[96];

    (void)str_format(url, sizeof(url), "http://127.0.0.1:%u/" TOKEN, r->port);
    return secret_new(url, strlen(url));
}

/* --------------------------------------------------------------------------------------------------- set up */

static void open_all(void)
{
    assert_int_equal(store_open(loop, dir, &store), 0);
    assert_int_equal(alerter_new(loop, http, store, &conf, &alerter), 0);
}

static void close_all(void)
{
    alerter = alerter_free(alerter);
    store = store_close(store);
}

/* The log goes to a file, so that what it says can be looked at. */
static int catch_log(void)
{
    int fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    real_stderr = dup(STDERR_FILENO);
    if (fd < 0 || real_stderr < 0 || dup2(fd, STDERR_FILENO) < 0)
        return -1;
    (void)close(fd);
    log_open("test_alerter", LOG_DEBUG);
    return 0;
}

static int set_up(void **state)
{
    static char ops_name[] = "ops", chat_name[] = "chat";

    (void)state;
    (void)unsetenv("http_proxy");
    (void)unsetenv("all_proxy");
    (void)unsetenv("ALL_PROXY");
    (void)str_copy(dir, sizeof(dir), "/tmp/test-alerter-XXXXXX");
    if (!mkdtemp(dir) || loop_new(&loop) < 0 || http_new(loop, &http) < 0)
        return -1;
    (void)str_format(log_path, sizeof(log_path), "%s/log", dir);
    if (catch_log() < 0)
        return -1;
    ops = (struct receiver){.name = ops_name, .fd = -1};
    chat = (struct receiver){.name = chat_name, .fd = -1};
    receiver_start(&ops);
    receiver_start(&chat);
    alerts[0] = (struct conf_alert){.name = ops_name, .url = url_of(&ops)};
    alerts[1] = (struct conf_alert){.name = chat_name, .url = url_of(&chat)};
    conf = (struct conf){.alerts = alerts, .n_alerts = 1};
    open_all();
    return 0;
}

static void remove_dir(void)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    char name[512];

    while (d && (e = readdir(d)))
        if (str_format(name, sizeof(name), "%s/%s", dir, e->d_name))
            (void)unlink(name);
    if (d)
        (void)closedir(d);
    (void)rmdir(dir);
}

static void set_file_size(rlim_t max)
{
    struct rlimit limit;

    (void)getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = max < limit.rlim_max ? max : limit.rlim_max;
    (void)setrlimit(RLIMIT_FSIZE, &limit);
}

static int tear_down(void **state)
{
    (void)state;
    set_file_size(RLIM_INFINITY);
    close_all();
    receiver_stop(&ops);
    receiver_stop(&chat);
    for (size_t i = 0; i < ARRAY_LEN(alerts); i++) {
        alerts[i].url = secret_free(alerts[i].url);
        other_alerts[i].url = secret_free(other_alerts[i].url);
    }
    http = http_free(http);
    loop = loop_free(loop);
    (void)dup2(real_stderr, STDERR_FILENO);
    (void)close(real_stderr);
    remove_dir();
    return 0;
}

static char log_text[LOG_MAX];

static unsigned count_in_log(const char *part)
{
    struct strbuf b;
    unsigned n = 0;

    strbuf_init(&b, LOG_MAX - 1);
    assert_int_equal(file_read(log_path, &b), 0);
    (void)str_copy(log_text, sizeof(log_text), strbuf_text(&b));
    strbuf_done(&b);
    for (const char *p = log_text; (p = strstr(p, part)); p++)
        n++;
    return n;
}

/* No URL is told to anybody, whatever goes wrong. */
static void assert_no_url_in_log(void)
{
    assert_int_equal(count_in_log(TOKEN), 0);
    assert_int_equal(count_in_log("127.0.0.1"), 0);
    assert_int_equal(count_in_log("http://"), 0);
}

static struct event event(enum verdict v)
{
    struct event e = {
        .kind = EVENT_VERDICT, .wall = 1, .verdict = v, .connection = "aurora", .tunnel = "1", .text = "So."};
    char uuid[37];

    random_uuid(uuid);
    (void)str_copy(e.id, sizeof(e.id), uuid);
    return e;
}

static struct event send_one(enum verdict v)
{
    struct event e = event(v);

    alerter_send(alerter, &e);
    return e;
}

#define turn_until(condition)                                                                                          \
    do {                                                                                                               \
        usec_t end_ = clock_now(clock_system()) + PATIENCE;                                                            \
        while (!(condition)) {                                                                                         \
            assert_true(clock_now(clock_system()) < end_);                                                             \
            assert_true(loop_turn(loop, USEC_PER_SEC) >= 0);                                                           \
        }                                                                                                              \
    } while (0)

struct spooled {
    size_t n;
    unsigned attempts;
};

static void on_row(void *data, const struct store_alert *a)
{
    struct spooled *s = data;

    s->n++;
    s->attempts = a->attempts;
}

static struct spooled spooled(void)
{
    struct spooled s = {0};

    assert_int_equal(store_each_alert(store, on_row, &s), 0);
    return s;
}

/* ------------------------------------------------------------------------------------------------------- tests */

static void test_delivered_once_and_taken_from_the_spool(void **state)
{
    struct event e = send_one(VERDICT_DOWN);
    uint64_t now = clock_wall(clock_system()) / USEC_PER_SEC;

    (void)state;
    assert_int_equal(alerter_status(alerter).waiting, 1);
    turn_until(alerter_status(alerter).delivered == 1);
    assert_int_equal(ops.n_calls, 1);
    assert_string_equal(ops.calls[0].id, e.id);
    assert_string_equal(ops.calls[0].type, "tunnel.down");
    assert_true(ops.calls[0].spooled); /* before the first attempt */
    assert_true(ops.calls[0].timestamp >= now && ops.calls[0].timestamp <= now + 60);
    assert_true(str_starts(ops.request, "POST /" TOKEN " HTTP/1.1\r\n"));
    assert_non_null(strstr(ops.request, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(ops.request, "\r\nUser-Agent: Rekindle/"));
    assert_non_null(strstr(ops.request, "\"text\":\"So.\""));
    assert_int_equal(alerter_status(alerter).waiting, 0);
    turn_until(spooled().n == 0);
    close_all();
    open_all();
    assert_int_equal(alerter_status(alerter).waiting, 0);
    assert_int_equal(ops.n_calls, 1);
    assert_no_url_in_log();
}

static void test_failure_is_retried_with_the_same_id(void **state)
{
    struct event e;

    (void)state;
    ops.answers[0] = ERROR_ANSWER;
    ops.answers[1] = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n";
    e = send_one(VERDICT_DOWN);
    turn_until(spooled().attempts == 1); /* recorded */
    turn_until(alerter_status(alerter).delivered == 1);
    assert_int_equal(ops.n_calls, 3);
    for (size_t i = 0; i < ops.n_calls; i++)
        assert_string_equal(ops.calls[i].id, e.id);
    assert_int_equal(alerter_status(alerter).failed_attempts, 2);
    assert_int_equal(count_in_log("warning: alert target \"ops\" takes no alerts: status 500"), 1);
    assert_int_equal(count_in_log("takes no alerts"), 1); /* not each attempt */
    assert_int_equal(count_in_log("alert target \"ops\" takes alerts again, after 2 failed attempts"), 1);
    assert_no_url_in_log();
}

static void test_retry_after_is_honoured(void **state)
{
    (void)state;
    ops.answers[0] = "HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n";
    (void)send_one(VERDICT_DOWN);
    turn_until(alerter_status(alerter).delivered == 1);
    assert_true(ops.calls[1].at - ops.calls[0].at >= 2900 * USEC_PER_MSEC); /* by itself it would be one second */
}

static void test_redirect_is_a_failure(void **state)
{
    static char redirect[160];

    (void)state;
    (void)str_format(redirect, sizeof(redirect),
                     "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%u/\r\nContent-Length: 0\r\n\r\n", chat.port);
    ops.answers[0] = redirect;
    (void)send_one(VERDICT_DOWN);
    turn_until(alerter_status(alerter).delivered == 1);
    assert_int_equal(ops.n_calls, 2);
    assert_int_equal(chat.n_calls, 0);
}

static void test_any_2xx_will_do(void **state)
{
    (void)state;
    ops.answers[0] = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
    ops.answers[1] = "HTTP/1.1 204 Nothing\r\n\r\n";
    (void)send_one(VERDICT_DOWN);
    (void)send_one(VERDICT_UP);
    turn_until(alerter_status(alerter).delivered == 2);
    assert_int_equal(ops.n_calls, 2);
}

/* A slow disk, played by whoever holds the file's write lock. */
static void test_nothing_is_sent_before_it_is_spooled(void **state)
{
    char path[96];
    sqlite3 *db;

    (void)state;
    ops.answers[0] = "";
    (void)send_one(VERDICT_DOWN);
    turn_until(ops.n_calls == 1);
    (void)str_format(path, sizeof(path), "%s/rekindle.db", dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    (void)send_one(VERDICT_UP);
    assert_int_equal(send(ops.clients[0].fd, OK_ANSWER, strlen(OK_ANSWER), MSG_NOSIGNAL), strlen(OK_ANSWER));
    turn_until(alerter_status(alerter).delivered == 1);
    while (loop_turn(loop, 100 * USEC_PER_MSEC) > 0)
        ;
    assert_int_equal(ops.n_calls, 1);
    (void)sqlite3_close(db);
    turn_until(alerter_status(alerter).delivered == 2);
    assert_true(ops.calls[1].spooled);
}

static void test_order_holds_over_failures(void **state)
{
    static const char *const wanted[] = {"tunnel.down", "tunnel.down", "tunnel.degraded", "tunnel.up"};

    (void)state;
    ops.answers[0] = ERROR_ANSWER;
    (void)send_one(VERDICT_DOWN);
    (void)send_one(VERDICT_DEGRADED);
    (void)send_one(VERDICT_UP);
    turn_until(alerter_status(alerter).delivered == 3);
    assert_int_equal(ops.n_calls, ARRAY_LEN(wanted));
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        assert_string_equal(ops.calls[i].type, wanted[i]);
}

static void test_restart_takes_up_what_waits(void **state)
{
    struct event down, up;

    (void)state;
    ops.answers[0] = ERROR_ANSWER;
    down = send_one(VERDICT_DOWN);
    up = send_one(VERDICT_UP);
    turn_until(alerter_status(alerter).failed_attempts == 1);
    close_all();
    open_all();
    assert_int_equal(alerter_status(alerter).waiting, 2);
    turn_until(alerter_status(alerter).delivered == 2);
    assert_int_equal(ops.n_calls, 3);
    assert_string_equal(ops.calls[0].id, down.id);
    assert_string_equal(ops.calls[1].id, down.id);
    assert_string_equal(ops.calls[2].id, up.id);
    turn_until(spooled().n == 0);
}

static void test_restart_before_the_store_answered(void **state)
{
    struct event e = send_one(VERDICT_DOWN);

    (void)state;
    close_all(); /* the loop never turned */
    assert_int_equal(ops.n_calls, 0);
    open_all();
    turn_until(alerter_status(alerter).delivered == 1);
    assert_string_equal(ops.calls[0].id, e.id);
    assert_int_equal(ops.n_calls, 1);
}

static void test_alerter_may_go_before_the_store_answers(void **state)
{
    (void)state;
    (void)send_one(VERDICT_DOWN);
    alerter = alerter_free(alerter);
    turn_until(spooled().n == 1);
    for (int i = 0; i < 3; i++)
        assert_true(loop_turn(loop, USEC_PER_MSEC) >= 0);
    assert_int_equal(ops.n_calls, 0);
}

static void test_target_that_is_away_does_not_delay_another(void **state)
{
    (void)state;
    alerter = alerter_free(alerter);
    conf.n_alerts = 2;
    assert_int_equal(alerter_new(loop, http, store, &conf, &alerter), 0);
    receiver_stop(&ops);
    for (int i = 0; i < 5; i++)
        (void)send_one(i % 2 == 0 ? VERDICT_DOWN : VERDICT_UP);
    turn_until(alerter_status(alerter).delivered == 5);
    assert_int_equal(chat.n_calls, 5);
    turn_until(alerter_status(alerter).failed_attempts >= 2);
    assert_int_equal(alerter_status(alerter).waiting, 5);
    assert_int_equal(count_in_log("alert target \"ops\" takes no alerts: no connection could be made"), 1);
    assert_int_equal(count_in_log("chat"), 0);
    receiver_start(&ops);
    turn_until(alerter_status(alerter).delivered == 10);
    assert_int_equal(ops.n_calls, 5);
    assert_string_equal(ops.calls[4].id, chat.calls[4].id);
    assert_no_url_in_log();
}

static void test_receiver_that_hangs_does_not_delay_another(void **state)
{
    (void)state;
    alerter = alerter_free(alerter);
    conf.n_alerts = 2;
    assert_int_equal(alerter_new(loop, http, store, &conf, &alerter), 0);
    ops.answers[0] = "";
    (void)send_one(VERDICT_DOWN);
    turn_until(ops.n_calls == 1);
    (void)send_one(VERDICT_UP);
    turn_until(alerter_status(alerter).delivered == 2);
    assert_int_equal(chat.n_calls, 2);
    assert_int_equal(ops.n_calls, 1);                   /* one at a time */
    turn_until(alerter_status(alerter).delivered == 4); /* after ALERTER_TIMEOUT */
    assert_string_equal(ops.calls[1].id, ops.calls[0].id);
    assert_int_equal(count_in_log("takes no alerts: no answer in time"), 1);
    assert_no_url_in_log();
}

static void test_full_disk_does_not_silence(void **state)
{
    (void)state;
    set_file_size(0); /* every write to a file fails */
    (void)send_one(VERDICT_DOWN);
    (void)send_one(VERDICT_UP);
    turn_until(alerter_status(alerter).delivered == 2);
    set_file_size(RLIM_INFINITY);
    assert_false(ops.calls[0].spooled);
    assert_string_equal(ops.calls[1].type, "tunnel.up");
    turn_until(store_works(store));
    assert_int_equal(spooled().n, 0);
}

static void reload_other(void)
{
    for (size_t i = 0; i < ARRAY_LEN(alerts); i++) {
        secret_free(alerts[i].url);
        alerts[i] = (struct conf_alert){0}; /* nothing of the old configuration is used any more */
    }
    conf.n_alerts = 0;
}

static void test_reload_with_another_url_is_tried_at_once(void **state)
{
    (void)state;
    ops.answers[0] = "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n";
    (void)send_one(VERDICT_DOWN);
    turn_until(alerter_status(alerter).failed_attempts == 1); /* minutes until the next attempt */
    other_alerts[0] = (struct conf_alert){.name = alerts[0].name, .url = url_of(&chat)};
    other_conf = (struct conf){.alerts = other_alerts, .n_alerts = 1};
    alerter_reload(alerter, &other_conf);
    reload_other();
    turn_until(alerter_status(alerter).delivered == 1);
    assert_int_equal(chat.n_calls, 1);
    assert_string_equal(chat.calls[0].id, ops.calls[0].id);
}

static void test_reload_drops_what_waits_for_nobody(void **state)
{
    (void)state;
    ops.answers[0] = "";
    (void)send_one(VERDICT_DOWN);
    (void)send_one(VERDICT_UP);
    turn_until(ops.n_calls == 1);
    other_alerts[0] = (struct conf_alert){.name = alerts[1].name, .url = url_of(&chat)};
    other_conf = (struct conf){.alerts = other_alerts, .n_alerts = 1};
    alerter_reload(alerter, &other_conf);
    reload_other();
    assert_int_equal(alerter_status(alerter).waiting, 0);
    assert_int_equal(alerter_status(alerter).dropped, 2);
    assert_int_equal(count_in_log("2 alerts waited for targets that are no longer configured, and are dropped"), 1);
    turn_until(spooled().n == 0);
    (void)send_one(VERDICT_DEGRADED);
    turn_until(alerter_status(alerter).delivered == 1);
    assert_string_equal(chat.calls[0].type, "tunnel.degraded");
}

static void test_start_without_the_target_drops_its_alerts(void **state)
{
    (void)state;
    ops.answers[0] = ERROR_ANSWER;
    (void)send_one(VERDICT_DOWN);
    turn_until(alerter_status(alerter).failed_attempts == 1);
    close_all();
    conf.n_alerts = 0;
    open_all();
    assert_int_equal(alerter_status(alerter).waiting, 0);
    assert_int_equal(alerter_status(alerter).dropped, 1);
    assert_int_equal(count_in_log("1 alert waited for targets that are no longer configured, and is dropped"), 1);
    turn_until(spooled().n == 0);
}

static void test_queue_has_an_end(void **state)
{
    const size_t more = 10, burst = 32;
    struct event first = {0};

    (void)state;
    alerter = alerter_free(alerter);
    conf.n_alerts = 2;
    assert_int_equal(alerter_new(loop, http, store, &conf, &alerter), 0);
    ops.answers[0] = "";
    first = send_one(VERDICT_DOWN);
    turn_until(ops.n_calls == 1 && alerter_status(alerter).delivered == 1);
    for (size_t i = 1; i < ALERTER_QUEUE_MAX + more; i++) {
        (void)send_one(VERDICT_DEGRADED);
        if (i % burst == 0) { /* CHAT takes its own meanwhile */
            chat.n_calls = 0;
            turn_until(alerter_status(alerter).delivered == i + 1);
        }
    }
    chat.n_calls = 0;
    turn_until(alerter_status(alerter).delivered == ALERTER_QUEUE_MAX + more);
    /* What CHAT had not taken yet counted too. */
    assert_in_range(alerter_status(alerter).waiting, ALERTER_QUEUE_MAX - burst, ALERTER_QUEUE_MAX);
    assert_in_range(alerter_status(alerter).dropped, more, more + burst); /* all of OPS's: CHAT got every one */
    assert_string_equal(ops.calls[0].id, first.id);                       /* what is under way is not dropped */
    turn_until(spooled().n == alerter_status(alerter).waiting);
}

static void test_without_targets_nothing_waits(void **state)
{
    (void)state;
    close_all();
    conf.n_alerts = 0;
    open_all();
    (void)send_one(VERDICT_DOWN);
    assert_int_equal(alerter_status(alerter).waiting, 0);
}

#define alerter_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        alerter_test(test_delivered_once_and_taken_from_the_spool),
        alerter_test(test_failure_is_retried_with_the_same_id),
        alerter_test(test_retry_after_is_honoured),
        alerter_test(test_redirect_is_a_failure),
        alerter_test(test_any_2xx_will_do),
        alerter_test(test_nothing_is_sent_before_it_is_spooled),
        alerter_test(test_order_holds_over_failures),
        alerter_test(test_restart_takes_up_what_waits),
        alerter_test(test_restart_before_the_store_answered),
        alerter_test(test_alerter_may_go_before_the_store_answers),
        alerter_test(test_target_that_is_away_does_not_delay_another),
        alerter_test(test_receiver_that_hangs_does_not_delay_another),
        alerter_test(test_full_disk_does_not_silence),
        alerter_test(test_reload_with_another_url_is_tried_at_once),
        alerter_test(test_reload_drops_what_waits_for_nobody),
        alerter_test(test_start_without_the_target_drops_its_alerts),
        alerter_test(test_queue_has_an_end),
        alerter_test(test_without_targets_nothing_waits),
    };
    const struct sigaction ignore = {.sa_handler = SIG_IGN};

    (void)sigaction(SIGXFSZ, &ignore, NULL); /* a write over RLIMIT_FSIZE fails instead */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
