#include "agent/api_private.h"
#include "base/parse.h"
#include "base/str.h"

#include <assert.h>
#include <json-c/json_object.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_MAX  (32 * 1024 * 1024) /* a thousand connections are some 2 MB */
#define ERROR_MAX   2048               /* bytes of a sentence */
#define SWALLOW_MAX (1024 * 1024)      /* read of a refused body, so that the client comes to read why */
#define JSON_TYPE   "application/json"

void api_request_wake(struct api_request *r)
{
    if (r->previous)
        r->previous->next = r->next;
    else
        r->listener->api->waiting = r->next;
    if (r->next)
        r->next->previous = r->previous;
    r->waiting = false;
    MHD_resume_connection(r->connection); /* api_request_on_data() is called once more, when the server runs: now */
    loop_timer_in(r->listener->timer, 0);
}

static void start_waiting(struct api_request *r)
{
    struct api *a = r->listener->api;

    r->next = a->waiting;
    if (r->next)
        r->next->previous = r;
    a->waiting = r;
    r->waiting = true;
    MHD_suspend_connection(r->connection);
}

/* What browsers are told: do not keep it, do not guess at its type. Other origins are never let in. */
static bool add_headers(struct MHD_Response *response, const char *content_type, const char *allow)
{
    return MHD_add_response_header(response, "Content-Type", content_type) == MHD_YES &&
           MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES &&
           MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES &&
           (!allow[0] || MHD_add_response_header(response, "Allow", allow) == MHD_YES);
}

/* Takes what is in BODY. */
static void answer(struct api_request *r, unsigned status, const char *content_type, struct strbuf *body)
{
    size_t len = body->len;
    char *text = strbuf_take(body);

    assert(r->status == 0);
    r->status = status;
    r->response = text ? MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE) : NULL;
    if (!r->response)
        free(text);
    else if (!add_headers(r->response, content_type, r->allow)) {
        MHD_destroy_response(r->response);
        r->response = NULL;
    }
    if (r->waiting)
        api_request_wake(r);
}

void api_reply(struct api_request *r, unsigned status, struct json_object *body)
{
    const char *text = json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    struct strbuf b;

    strbuf_init(&b, ANSWER_MAX);
    if (text)
        strbuf_puts(&b, text);
    else
        b.bad = true;
    strbuf_putc(&b, '\n');
    answer(r, status, JSON_TYPE, &b);
    (void)json_object_put(body);
}

void api_reply_error(struct api_request *r, unsigned status, const char *fmt, ...)
{
    struct json_object *o = json_object_new_object();
    char raw[ERROR_MAX], text[ERROR_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(raw, sizeof(raw), fmt, ap);
    va_end(ap);
    str_printable(text, sizeof(text), raw, strlen(raw)); /* it may quote the request, and be cut within a character */
    json_object_object_add(o, "error", json_object_new_string(text));
    api_reply(r, status, o);
}

void api_reply_text(struct api_request *r, unsigned status, const char *content_type, const char *text)
{
    struct strbuf b;

    strbuf_init(&b, ANSWER_MAX);
    strbuf_puts(&b, text);
    answer(r, status, content_type, &b);
}

static size_t announced_length(struct MHD_Connection *connection)
{
    const char *text = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
    uint64_t len;

    return text && parse_u64(text, SIZE_MAX, &len) == 0 ? (size_t)len : 0;
}

static enum MHD_Result send_answer(struct api_request *r)
{
    return r->response ? MHD_queue_response(r->connection, r->status, r->response) : MHD_NO;
}

static enum MHD_Result begin(struct api_listener *l, struct MHD_Connection *connection, const char *path,
                             const char *method, void **state)
{
    struct api_request *r = calloc(1, sizeof(*r));

    if (!r)
        return MHD_NO;
    *state = r;
    r->listener = l;
    r->connection = connection;
    strbuf_init(&r->body, API_BODY_MAX);
    api_check_head(r, path, method);
    if (announced_length(connection) <= SWALLOW_MAX)
        return MHD_YES;
    if (r->status == 0)
        api_reply_error(r, MHD_HTTP_CONTENT_TOO_LARGE, "The body is longer than %d bytes.", API_BODY_MAX);
    return send_answer(r); /* and libmicrohttpd closes the connection behind it */
}

/* A refused request's body is read too, or the client could meet a closed connection before it reads the answer. */
static enum MHD_Result take(struct api_request *r, const char *data, size_t len)
{
    r->received += len;
    if (r->received > SWALLOW_MAX)
        return MHD_NO;
    if (r->status != 0)
        return MHD_YES;
    strbuf_add(&r->body, data, len);
    if (r->received > API_BODY_MAX)
        api_reply_error(r, MHD_HTTP_CONTENT_TOO_LARGE, "The body is longer than %d bytes.", API_BODY_MAX);
    return MHD_YES;
}

static void call_route(struct api_request *r)
{
    r->json = api_check_body(&r->body);
    if (r->json)
        r->route->fn(r->listener->api->data, r);
    else
        api_reply_error(r, MHD_HTTP_BAD_REQUEST, "The body is not a JSON object.");
}

/* Comes twice where the answer was deferred. */
static enum MHD_Result finish(struct api_request *r)
{
    if (r->status == 0)
        call_route(r);
    if (r->status != 0)
        return send_answer(r);
    start_waiting(r);
    return MHD_YES;
}

enum MHD_Result api_request_on_data(void *data, struct MHD_Connection *connection, const char *url, const char *method,
                                    const char *version, const char *upload, size_t *upload_len, void **state)
{
    size_t len = *upload_len;

    (void)version;
    if (!*state)
        return begin(data, connection, url, method, state);
    if (len == 0)
        return finish(*state);
    *upload_len = 0;
    return take(*state, upload, len);
}

void api_request_on_end(void *data, struct MHD_Connection *connection, void **state,
                        enum MHD_RequestTerminationCode code)
{
    struct api_request *r = *state;

    (void)data;
    (void)connection;
    (void)code;
    if (!r)
        return;
    assert(!r->waiting);
    if (r->response)
        MHD_destroy_response(r->response);
    strbuf_done(&r->body);
    (void)json_object_put(r->json);
    free(r);
    *state = NULL;
}

struct json_object *api_request_body(const struct api_request *r)
{
    return r->json;
}

const char *api_request_query(const struct api_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}
