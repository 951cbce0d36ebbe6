/* Requests to the control API and their answers: raw sockets, libcurl and the command's own client. */
#include "tests/unit/api_host.h"

#include "base/array.h"
#include "base/http.h"
#include "base/str.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define LONG_TEXT (2 * 1024 * 1024)

static void test_answers_json(void **state)
{
    struct talk t;

    (void)state;
    talk_ask(&t, "GET /v1/status HTTP/1.1\r\n" END);
    talk_must_hear(&t, "HTTP/1.1 200 OK\r\n");
    talk_must_hear(&t, "Content-Type: application/json\r\n");
    talk_must_hear(&t, "Cache-Control: no-store\r\n");
    talk_must_hear(&t, "X-Content-Type-Options: nosniff\r\n");
    talk_must_hear(&t, "\r\n\r\n{\"schema\":\"rekindle.status/1\",\"path\":\"/a/b\"}\n");
    assert_false(talk_heard(&t, "Access-Control"));
    talk_end(&t);
}

static void test_answers_text_as_it_is(void **state)
{
    struct talk t;

    (void)state;
    talk_ask(&t, "GET /healthz HTTP/1.1\r\n" END);
    talk_must_hear(&t, "Content-Type: text/plain; charset=utf-8\r\n");
    talk_must_hear(&t, "\r\n\r\nok\n");
    talk_end(&t);
}

static void test_unknown_path_and_method(void **state)
{
    static const char *const cases[][3] = {
        {"GET /", "404", "\r\n\r\n{\"error\":\"There is no /.\"}\n"},
        {"GET /v1/status/", "404", "There is no /v1/status/"},
        {"GET /v1/pause", "405", "Allow: POST\r\n"},
        {"DELETE /healthz", "405", "Allow: GET, HEAD\r\n"},
        {"OPTIONS /v1/status", "405", "Allow: GET, HEAD, POST\r\n"},
        {"get /v1/status", "405", "Allow: GET, HEAD, POST\r\n"},
        {"GET http://evil.example/v1/status", "404", "error"},
        {"GET /%1b%ff%00", "404", "There is no /??"},
        {"POST /v1/repair", "404", "{\"error\":\"No such tunnel: \\\"a??\\\".\"}\n"},
    };
    struct talk t;
    char text[256];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        (void)str_format(text, sizeof(text), "%s HTTP/1.1\r\n" END, cases[i][0]);
        talk_ask(&t, text);
        (void)str_format(text, sizeof(text), "HTTP/1.1 %s ", cases[i][1]);
        talk_must_hear(&t, text);
        talk_must_hear(&t, cases[i][2]);
        talk_must_hear(&t, "Content-Type: application/json\r\n");
        talk_end(&t);
    }
    assert_int_equal(host.calls + host.changes, 0);
}

static void test_head_has_no_body(void **state)
{
    struct talk t;

    (void)state;
    talk_ask(&t, "HEAD /v1/status HTTP/1.1\r\n" END);
    talk_must_hear(&t, "200 OK");
    talk_must_hear(&t, "Content-Length: ");
    assert_false(talk_heard(&t, "schema"));
    assert_int_equal(host.calls, 1);
    talk_end(&t);
}

static void post(struct talk *t, const char *body, size_t len)
{
    char head[256];

    (void)str_format(head, sizeof(head), "POST /v1/pause HTTP/1.1\r\nContent-Length: %zu\r\n" END, len);
    talk_open(t);
    talk_say(t, head);
    talk_say_bytes(t, body, len);
    turn_until(t->closed);
}

static void test_body_gets_to_the_route(void **state)
{
    static const char *const cases[][2] = {
        {"", "{}"},
        {"{}", "{}"},
        {"{\"scope\":\"a/1\",\"for_seconds\":60}", "{\"scope\":\"a\\/1\",\"for_seconds\":60}"},
        {" \r\n{\"a\" : [1, true, null]}\n\t ", "{\"a\":[1,true,null]}"},
        {"{\"a\":\"\xc3\xa4\"}", "{\"a\":\"\xc3\xa4\"}"},
    };
    struct talk t;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        post(&t, cases[i][0], strlen(cases[i][0]));
        talk_must_hear(&t, "200 OK");
        assert_string_equal(host.body, cases[i][1]);
        talk_end(&t);
    }
}

static void test_malformed_body_is_refused(void **state)
{
    static const char deep[] = "{\"a\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}";
    static const struct {
        const char *text;
        size_t len;
    } cases[] = {
        {"{", 1},
        {"{}}", 3},
        {"{}{}", 4},
        {"[]", 2},
        {"null", 4},
        {"1", 1},
        {"\"a\"", 3},
        {"{a:1}", 5},
        {"{\"a\":1,}", 8},
        {"{\"a\" 1}", 7},
        {"{\"a\":\"\xff\"}", 9},
        {"{}\0", 3},
        {"{\"a\":1\0}", 8},
        {"{} x", 4},
        {"a=b", 3},
        {"{\"a\":01}", 8},
        {"{}/**/", 6},
        {" ", 1},
        {"\xef\xbb\xbf{}", 5},
        {deep, sizeof(deep) - 1},
    };
    struct talk t;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        post(&t, cases[i].text, cases[i].len);
        if (!talk_heard(&t, "HTTP/1.1 400 "))
            fail_msg("taken: %s", cases[i].text);
        talk_must_hear(&t, "{\"error\":\"The body is not a JSON object.\"}\n");
        talk_end(&t);
    }
    assert_int_equal(host.changes, 0);
}

static void test_body_is_bounded(void **state)
{
    char *body = malloc(API_BODY_MAX + 1);
    struct talk t;

    (void)state;
    assert_non_null(body);
    memset(body, ' ', API_BODY_MAX + 1);
    body[0] = '{';
    body[API_BODY_MAX - 1] = '}';
    post(&t, body, API_BODY_MAX);
    talk_must_hear(&t, "200 OK");
    talk_end(&t);

    post(&t, body, API_BODY_MAX + 1);
    talk_must_hear(&t, "HTTP/1.1 413 ");
    talk_must_hear(&t, "{\"error\":\"The body is longer than 65536 bytes.\"}\n");
    talk_end(&t);

    talk_open(&t); /* in chunks, whose sum nobody announces */
    talk_say(&t, "POST /v1/pause HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END);
    for (int i = 0; i < 17; i++) {
        talk_say(&t, "1000\r\n");
        talk_say_bytes(&t, body, 4096);
        talk_say(&t, "\r\n");
    }
    talk_say(&t, "0\r\n\r\n");
    turn_until(t.closed);
    talk_must_hear(&t, "HTTP/1.1 413 ");
    talk_end(&t);
    assert_int_equal(host.changes, 1);
    free(body);
}

static void test_endless_body_is_not_read(void **state)
{
    char chunk[4096];
    struct talk t;

    (void)state;
    memset(chunk, 'x', sizeof(chunk));
    talk_open(&t); /* announced: refused before it is sent */
    talk_say(&t, "POST /v1/pause HTTP/1.1\r\nContent-Length: 10000000000\r\n" END);
    turn_until(t.closed);
    talk_must_hear(&t, "HTTP/1.1 413 ");
    talk_end(&t);

    talk_open(&t); /* not announced: closed after a while */
    talk_say(&t, "POST /v1/pause HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: a\r\n\r\n");
    for (int i = 0; i < 1024 && !t.closed; i++) {
        talk_say(&t, "1000\r\n");
        talk_say_bytes(&t, chunk, sizeof(chunk));
        talk_say(&t, "\r\n");
    }
    turn_until(t.closed);
    talk_end(&t);
    assert_int_equal(host.changes, 0);
}

static void test_refusal_reaches_a_client_that_still_sends(void **state)
{
    static char body[512 * 1024];
    char head[128];
    struct talk t;

    (void)state;
    memset(body, 'x', sizeof(body));
    (void)str_format(head, sizeof(head), "POST /nowhere HTTP/1.1\r\nContent-Length: %zu\r\n" END, sizeof(body));
    talk_open(&t);
    talk_say(&t, head);
    talk_say_bytes(&t, body, sizeof(body));
    turn_until(t.closed);
    talk_must_hear(&t, "HTTP/1.1 404 ");
    talk_end(&t);
}

static void test_query(void **state)
{
    char value[API_QUERY_MAX + 2], text[256];
    struct talk t;

    (void)state;
    memset(value, '7', sizeof(value));
    value[API_QUERY_MAX + 1] = '\0';
    (void)str_format(text, sizeof(text), "GET /v1/history?limit=%s HTTP/1.1\r\n" END, value);
    talk_ask(&t, text);
    talk_must_hear(&t, "HTTP/1.1 400 ");
    talk_end(&t);
    talk_ask(&t, "GET /v1/history?limit=1%002 HTTP/1.1\r\n" END);
    talk_must_hear(&t, "HTTP/1.1 400 ");
    talk_end(&t);
    assert_int_equal(host.n_late, 0);

    talk_open(&t);
    talk_say(&t, "GET /v1/history?a&b=1&limit=%37+7 HTTP/1.1\r\n" END);
    turn_until(host.n_late == 1);
    assert_string_equal(host.limit, "7 7");
    host_answer_late(0);
    turn_until(t.closed);
    talk_must_hear(&t, "200 OK");
    talk_end(&t);

    talk_open(&t);
    talk_say(&t, "GET /v1/history?limit HTTP/1.1\r\n" END);
    turn_until(host.n_late == 2);
    assert_string_equal(host.limit, "-");
    host_answer_late(1);
    turn_until(t.closed);
    talk_end(&t);
}

static void test_deferred_answer_holds_nobody_up(void **state)
{
    struct talk late, other;

    (void)state;
    talk_open(&late);
    talk_say(&late, "GET /v1/history HTTP/1.1\r\n" END);
    turn_until(host.n_late == 1);
    talk_ask(&other, "GET /v1/status HTTP/1.1\r\n" END);
    talk_must_hear(&other, "200 OK");
    talk_end(&other);
    assert_int_equal(loop_turn(host.loop, 10 * USEC_PER_MSEC), 0); /* and costs nothing meanwhile */
    assert_int_equal(late.heard.len, 0);
    host_answer_late(0);
    turn_until(late.closed);
    talk_must_hear(&late, "{\"schema\":\"rekindle.history/1\"}\n");
    talk_end(&late);
}

static void test_client_goes_away_before_its_answer(void **state)
{
    struct talk late, other;

    (void)state;
    for (int i = 0; i < 3; i++) {
        talk_open(&late);
        talk_say(&late, "GET /v1/history?limit=9 HTTP/1.1\r\n" END);
        turn_until(host.n_late == (size_t)i + 1);
        talk_end(&late);
    }
    talk_ask(&other, "GET /v1/status HTTP/1.1\r\n" END);
    talk_must_hear(&other, "200 OK");
    talk_end(&other);
    assert_string_equal(api_request_query(host.late[0], "limit"), "9"); /* they are still there */
    host_answer_late(1);
    host_answer_late(0);
    host_answer_late(2);
    talk_ask(&other, "GET /v1/status HTTP/1.1\r\n" END);
    talk_must_hear(&other, "200 OK");
    talk_end(&other);
}

static void test_ends_with_requests_under_way(void **state)
{
    struct talk waiting, answered, half, idle;

    (void)state;
    talk_open(&waiting);
    talk_say(&waiting, "GET /v1/history HTTP/1.1\r\n" END);
    talk_open(&answered);
    talk_say(&answered, "GET /v1/history HTTP/1.1\r\n" END);
    turn_until(host.n_late == 2);
    talk_open(&half);
    talk_say(&half, "POST /v1/pause HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{");
    talk_open(&idle);
    talk_say(&idle, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    turn_until(talk_heard(&idle, "ok\n"));
    host_answer_late(1); /* and it had no time to be sent */
    host.api = api_free(host.api);
    assert_int_equal(access(host.path, F_OK), -1);
    turn_until(waiting.closed && answered.closed && half.closed && idle.closed);
    assert_int_equal(waiting.heard.len, 0);
    talk_end(&waiting);
    talk_end(&answered);
    talk_end(&half);
    talk_end(&idle);
    assert_int_equal(api_new(host.loop, host.dir, NULL, host_routes, &host, &host.api), 0); /* and it may begin anew */
    talk_ask(&idle, "GET /healthz HTTP/1.1\r\n" END);
    talk_must_hear(&idle, "ok\n");
    talk_end(&idle);
    assert_null(api_free(NULL));
}

static void test_pipelining_and_keep_alive(void **state)
{
    struct talk t;

    (void)state;
    talk_open(&t);
    talk_say(&t, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
                 "POST /v1/pause HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n{\"a\":1}"
                 "GET /v1/history HTTP/1.1\r\nHost: a\r\n\r\n"
                 "GET /v1/status HTTP/1.1\r\nHost: a\r\n\r\n");
    turn_until(host.n_late == 1);
    turn_until(talk_count(&t.heard, "HTTP/1.1 200 OK") == 2);
    assert_int_equal(host.calls, 0); /* it is not its turn */
    host_answer_late(0);
    turn_until(talk_heard(&t, "status/1"));
    assert_int_equal(talk_count(&t.heard, "HTTP/1.1 200 OK"), 4);
    assert_string_equal(host.body, "{\"a\":1}");
    assert_true(strstr(strbuf_text(&t.heard), "history/1") < strstr(strbuf_text(&t.heard), "status/1"));
    talk_say(&t, "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
    turn_until(talk_heard(&t, "404"));
    talk_say(&t, "GET /healthz HTTP/1.1\r\n" END);
    turn_until(t.closed);
    assert_int_equal(talk_count(&t.heard, "HTTP/1.1 200 OK"), 5);
    talk_end(&t);
}

static void test_request_in_single_bytes(void **state)
{
    static const char text[] = "POST /v1/pause HTTP/1.1\r\nContent-Length: 7\r\n" END "{\"a\":1}";
    struct talk t;

    (void)state;
    talk_open(&t);
    for (size_t i = 0; i + 1 < sizeof(text); i++)
        talk_say_bytes(&t, &text[i], 1);
    turn_until(t.closed);
    talk_must_hear(&t, "200 OK");
    assert_string_equal(host.body, "{\"a\":1}");
    talk_end(&t);
}

/* Whatever is said: no route is called, nobody else waits, and a place is free again once the client has gone. */
static void test_junk(void **state)
{
    static const char *const cases[] = {
        "\r\n\r\n\r\n\r\n",
        "hello\r\n\r\n",
        "GET\r\n\r\n",
        "GET  HTTP/1.1\r\n\r\n",
        "GET /v1/status HTTP/9.9\r\nHost: a\r\n\r\n",
        "GET /v1/status HTTP/1.1\r\n\r\n", /* no Host */
        "GET /v1/status HTTP/1.1\r\nno colon\r\nHost: a\r\n\r\n",
        "POST /v1/pause HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST /v1/pause HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "POST /v1/pause HTTP/1.1\r\nHost: a\r\nContent-Length: 1x\r\n\r\n{",
        "POST /v1/pause HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST /v1/pause HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "POST /v1/pause HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n{}",
        "POST /v1/pause HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{}",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /%",
        "",
    };
    struct talk t;

    (void)state;
    for (size_t i = 0; i < 2 * API_CONNECTIONS_MAX; i++) {
        talk_open(&t);
        talk_say(&t, cases[i % ARRAY_LEN(cases)]);
        if (i < ARRAY_LEN(cases))
            while (loop_turn(host.loop, 5 * USEC_PER_MSEC) > 0)
                ; /* until it is through with it */
        if (talk_heard(&t, " 200 OK"))
            fail_msg("taken: %s", cases[i]);
        talk_end(&t);
    }
    assert_int_equal(host.calls, 0);
    assert_int_equal(host.changes, 0);
    talk_ask(&t, "GET /healthz HTTP/1.1\r\n" END);
    talk_must_hear(&t, "ok\n");
    talk_end(&t);
}

static void test_long_headers_are_refused(void **state)
{
    static char text[128 * 1024];
    struct talk t;

    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    talk_open(&t);
    talk_say(&t, "GET /v1/status HTTP/1.1\r\nHost: a\r\nX: ");
    talk_say(&t, text);
    turn_until(t.closed);
    assert_false(talk_heard(&t, "200 OK"));
    talk_end(&t);

    talk_open(&t);
    talk_say(&t, "GET /");
    talk_say(&t, text);
    turn_until(t.closed);
    assert_false(talk_heard(&t, "200 OK"));
    talk_end(&t);
}

static void test_slow_reader_holds_nobody_up(void **state)
{
    struct talk slow, other;

    (void)state;
    host.long_text = malloc(LONG_TEXT + 1);
    assert_non_null(host.long_text);
    memset(host.long_text, 'x', LONG_TEXT);
    host.long_text[LONG_TEXT] = '\0';
    talk_open(&slow);
    assert_int_equal(loop_io_events(slow.io, 0), 0); /* it does not read */
    talk_say(&slow, "GET /long HTTP/1.1\r\n" END);
    talk_ask(&other, "GET /v1/status HTTP/1.1\r\n" END);
    talk_must_hear(&other, "200 OK");
    talk_end(&other);
    while (loop_turn(host.loop, 10 * USEC_PER_MSEC) > 0)
        ; /* and at last there is nothing to do */
    assert_int_equal(loop_io_events(slow.io, EPOLLIN), 0);
    turn_until(slow.closed);
    assert_true(slow.heard.len > LONG_TEXT);
    talk_end(&slow);
}

static void test_connections_are_bounded_and_the_next_one_waits(void **state)
{
    struct talk held[API_CONNECTIONS_MAX], next;

    (void)state;
    for (size_t i = 0; i < API_CONNECTIONS_MAX; i++) {
        talk_open(&held[i]);
        talk_say(&held[i], "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        turn_until(talk_heard(&held[i], "ok\n"));
    }
    talk_open(&next);
    talk_say(&next, "GET /v1/status HTTP/1.1\r\n" END);
    while (loop_turn(host.loop, 10 * USEC_PER_MSEC) > 0)
        ; /* no spinning */
    assert_int_equal(host.calls, 0);
    talk_end(&held[0]);
    turn_until(next.closed);
    talk_must_hear(&next, "200 OK");
    talk_end(&next);
    for (size_t i = 1; i < API_CONNECTIONS_MAX; i++)
        talk_end(&held[i]);
}

static void test_idle_costs_nothing(void **state)
{
    struct talk t;

    (void)state;
    assert_int_equal(loop_turn(host.loop, 20 * USEC_PER_MSEC), 0);
    talk_ask(&t, "GET /healthz HTTP/1.1\r\n" END);
    talk_end(&t);
    while (loop_turn(host.loop, 0) > 0)
        ;
    assert_int_equal(loop_turn(host.loop, 100 * USEC_PER_MSEC), 0);
}

/* libcurl, as others use it. */
struct got {
    bool done;
    int error;
    long status;
    char body[256];
};

static void on_got(void *data, const struct http_response *r)
{
    struct got *g = data;

    g->done = true;
    g->error = r->error;
    g->status = r->status;
    (void)str_copy(g->body, sizeof(g->body), str_or(r->body, ""));
}

static void test_speaks_with_libcurl(void **state)
{
    cleanup(http_freep) struct http *http = NULL;
    struct http_request request = {.method = "GET",
                                   .url = "http://rekindle/v1/status",
                                   .unix_socket = host.path,
                                   .timeout = PATIENCE,
                                   .max_body = 4096};
    struct got got = {0};

    (void)state;
    assert_int_equal(http_new(host.loop, &http), 0);
    assert_int_equal(http_send(http, &request, on_got, &got, NULL), 0);
    turn_until(got.done);
    assert_int_equal(got.error, 0);
    assert_int_equal(got.status, 200);
    got.done = false;
    request.method = "POST";
    request.url = "http://rekindle/v1/pause";
    request.body = "{\"for_seconds\":60}";
    request.body_len = strlen(request.body);
    assert_int_equal(http_send(http, &request, on_got, &got, NULL), 0);
    turn_until(got.done);
    assert_int_equal(got.status, 200);
    assert_string_equal(host.body, request.body);
    assert_string_equal(got.body, "{\"text\":\"Repairs are paused.\"}\n");
}

static int command_reads(void)
{
    return host_command_status("/v1/status", NULL, "rekindle.status/1");
}

static int command_pauses(void)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "for_seconds", json_object_new_int(60));
    return host_command_status("/v1/pause", o, "Repairs are paused.");
}

static int command_repairs(void)
{
    return host_command_status("/v1/repair", json_object_new_object(), "No such tunnel");
}

static void test_speaks_with_the_command(void **state)
{
    (void)state;
    assert_int_equal(host_serve_child(command_reads), 20);
    assert_int_equal(host_serve_child(command_pauses), 20);
    assert_string_equal(host.body, "{\"for_seconds\":60}");
    assert_int_equal(host_serve_child(command_repairs), 44);
}

#define api_test(f) cmocka_unit_test_setup_teardown(f, host_set_up, host_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        api_test(test_answers_json),
        api_test(test_answers_text_as_it_is),
        api_test(test_unknown_path_and_method),
        api_test(test_head_has_no_body),
        api_test(test_body_gets_to_the_route),
        api_test(test_malformed_body_is_refused),
        api_test(test_body_is_bounded),
        api_test(test_endless_body_is_not_read),
        api_test(test_refusal_reaches_a_client_that_still_sends),
        api_test(test_query),
        api_test(test_deferred_answer_holds_nobody_up),
        api_test(test_client_goes_away_before_its_answer),
        api_test(test_ends_with_requests_under_way),
        api_test(test_pipelining_and_keep_alive),
        api_test(test_request_in_single_bytes),
        api_test(test_junk),
        api_test(test_long_headers_are_refused),
        api_test(test_slow_reader_holds_nobody_up),
        api_test(test_connections_are_bounded_and_the_next_one_waits),
        api_test(test_idle_costs_nothing),
        api_test(test_speaks_with_libcurl),
        api_test(test_speaks_with_the_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
