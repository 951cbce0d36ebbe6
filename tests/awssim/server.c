#include "tests/awssim/server.h"

#include "base/str.h"
#include "tests/awssim/actions.h"
#include "tests/awssim/calls.h"
#include "tests/awssim/simctl.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HTTP_DATE_MAX 64

struct server {
    struct MHD_Daemon *http; /* owned */
    struct sim *sim;         /* borrowed */
};

/* One request while it comes in. */
struct request {
    char *target; /* owned; as in the request line, with the query */
    struct strbuf body;
    bool started;
};

struct header_list {
    struct sigv4_header headers[SIGV4_HEADERS_MAX];
    size_t n;
};

static void *open_request(void *data, const char *uri, struct MHD_Connection *connection)
{
    struct request *r = calloc(1, sizeof *r);

    (void)data;
    (void)connection;
    if (!r)
        return NULL;
    r->target = strdup(uri);
    strbuf_init(&r->body, FORM_BODY_MAX);
    return r;
}

static void close_request(void *data, struct MHD_Connection *connection, void **context,
                          enum MHD_RequestTerminationCode reason)
{
    struct request *r = *context;

    (void)data;
    (void)connection;
    (void)reason;
    if (!r)
        return;
    free(r->target);
    strbuf_done(&r->body);
    free(r);
    *context = NULL;
}

static enum MHD_Result add_header(void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct header_list *list = data;

    (void)kind;
    if (list->n == SIGV4_HEADERS_MAX)
        return MHD_NO;
    list->headers[list->n++] = (struct sigv4_header){name, str_or(value, "")};
    return MHD_YES;
}

/* The Date header follows the simulated clock: a client corrects its own by it (RFC 9110 section 5.6.7). */
static void add_date(struct MHD_Response *response, usec_t wall)
{
    time_t t = (time_t)(wall / USEC_PER_SEC);
    char text[HTTP_DATE_MAX];
    struct tm tm;

    if (gmtime_r(&t, &tm) && strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm))
        (void)MHD_add_response_header(response, "Date", text);
}

static enum MHD_Result reply(const struct sim *s, struct MHD_Connection *connection, unsigned status, const char *type,
                             const struct strbuf *body, const char *request_id)
{
    struct MHD_Response *response;
    enum MHD_Result done;

    response = MHD_create_response_from_buffer(body->len, (void *)(uintptr_t)strbuf_text(body), MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    (void)MHD_add_response_header(response, "Content-Type", type);
    if (request_id)
        (void)MHD_add_response_header(response, "x-amzn-RequestId", request_id);
    add_date(response, sim_wall(s));
    done = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return done;
}

static enum MHD_Result answer_control(struct sim *s, struct MHD_Connection *connection, const char *path,
                                      const struct form *f)
{
    cleanup(strbuf_done) struct strbuf out;
    unsigned status;

    strbuf_init(&out, SIMCTL_ANSWER_MAX);
    status = simctl_run(s, path, f, &out);
    return reply(s, connection, status, "application/json", &out, NULL);
}

static const char *refusal(const struct sim *s, struct MHD_Connection *connection, const char *method,
                           const struct request *r, const char **ret_message)
{
    struct header_list list = {.n = 0};
    char *query = strchr(r->target, '?');
    struct verify_request v = {
        .method = method,
        .query = query ? query + 1 : "",
        .headers = list.headers,
        .body = strbuf_text(&r->body),
        .body_len = r->body.len,
    };

    if (query)
        *query = '\0';
    v.path = r->target;
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, add_header, &list);
    v.n_headers = list.n;
    return verify_signature(&v, &s->account, sim_wall(s), ret_message);
}

static enum MHD_Result answer_ec2(struct sim *s, struct MHD_Connection *connection, const char *method,
                                  const struct request *r, const struct form *f)
{
    cleanup(answer_done) struct answer a;
    const char *code, *message;

    answer_init(&a);
    code = refusal(s, connection, method, r, &message);
    if (code)
        answer_error(&a, code, message);
    else
        actions_run(s, f, clock_now(clock_system()), &a);
    if (s->calls >= 0 && calls_write(s->calls, f, &a) < 0)
        fprintf(stderr, "awssim: a call could not be recorded\n");
    return a.hang_up ? MHD_NO : reply(s, connection, a.status, "text/xml;charset=UTF-8", &a.body, a.id);
}

static enum MHD_Result answer_request(struct sim *s, struct MHD_Connection *connection, const char *url,
                                      const char *method, const struct request *r)
{
    cleanup(form_done) struct form f = {.text = NULL};
    cleanup(answer_done) struct answer a;

    answer_init(&a);
    if (r->body.bad || !r->target || form_parse(strbuf_text(&r->body), &f) < 0) {
        answer_error(&a, "MalformedQueryString", "The body is not a form that can be read");
        return reply(s, connection, a.status, "text/xml;charset=UTF-8", &a.body, a.id);
    }
    if (str_starts(url, SIMCTL_PREFIX))
        return answer_control(s, connection, &url[strlen(SIMCTL_PREFIX)], &f);
    return answer_ec2(s, connection, method, r, &f);
}

/* libmicrohttpd calls this once for the headers, once for each part of the body, and once more at its end. */
static enum MHD_Result take(void *data, struct MHD_Connection *connection, const char *url, const char *method,
                            const char *version, const char *part, size_t *part_len, void **context)
{
    struct server *server = data;
    struct request *r = *context;

    (void)version;
    if (!r)
        return MHD_NO;
    if (!r->started) {
        r->started = true;
        return MHD_YES;
    }
    if (*part_len > 0) {
        strbuf_add(&r->body, part, *part_len);
        *part_len = 0;
        return MHD_YES;
    }
    return answer_request(server->sim, connection, url, method, r);
}

int server_new(struct sim *s, const struct addr *a, struct server **ret)
{
    cleanup(server_freep) struct server *server = calloc(1, sizeof *server);

    if (!server)
        return -ENOMEM;
    server->sim = s;
    server->http = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_SUPPRESS_DATE_NO_CLOCK, 0, NULL, NULL, take, server,
                                    MHD_OPTION_SOCK_ADDR, &a->sa, MHD_OPTION_URI_LOG_CALLBACK, open_request, NULL,
                                    MHD_OPTION_NOTIFY_COMPLETED, close_request, NULL,
                                    MHD_OPTION_LISTENING_ADDRESS_REUSE, 1U, MHD_OPTION_END);
    if (!server->http)
        return -EIO;
    *ret = TAKE_PTR(server);
    return 0;
}

struct server *server_free(struct server *server)
{
    if (!server)
        return NULL;
    if (server->http)
        MHD_stop_daemon(server->http);
    free(server);
    return NULL;
}

int server_turn(struct server *server, usec_t limit)
{
    return MHD_run_wait(server->http, (int32_t)(limit / USEC_PER_MSEC)) == MHD_YES ? 0 : -EIO;
}
