#include "clients/aws/query.h"

#include "base/random.h"
#include "base/str.h"
#include "clients/aws/credentials.h"
#include "clients/aws/retry.h"
#include "clients/aws/sigv4.h"

#include <errno.h>
#include <string.h>

#define CONTENT_TYPE "application/x-www-form-urlencoded; charset=utf-8"
#define HEADER_MAX   (SECRET_MAX + 64)
#define HEADERS      6
#define ACTION_MAX   128

struct call {
    struct query_client *client; /* borrowed */
    struct call *next;           /* owned by the client's list */
    struct query query;
    struct strbuf form; /* owned; query.form points here */
    struct loop_timer *timer;
    struct http_call *http; /* borrowed from the client's http; NULL while none is under way */
    unsigned tries;
    bool skew_corrected;
    bool keys_renewed;
};

struct query_client {
    struct loop *loop;                 /* borrowed */
    struct http *http;                 /* borrowed */
    const struct aws_service *service; /* borrowed */
    char region[AWS_REGION_MAX];
    int64_t skew; /* microseconds to add to our clock to have AWS's */
    struct retry_quota quota;
    struct call *calls;
    size_t n_calls;
};

void query_form_start(struct strbuf *form, const struct aws_service *s, const char *action)
{
    strbuf_reset(form);
    query_form_add(form, "Action", action);
    query_form_add(form, "Version", s->version);
}

void query_form_add(struct strbuf *form, const char *name, const char *value)
{
    if (form->len > 0)
        strbuf_putc(form, '&');
    sigv4_encode(form, name);
    strbuf_putc(form, '=');
    sigv4_encode(form, value);
}

void query_form_add_nth(struct strbuf *form, const char *name, size_t n, const char *value)
{
    strbuf_putc(form, '&');
    sigv4_encode(form, name);
    strbuf_printf(form, ".%zu=", n);
    sigv4_encode(form, value);
}

int query_client_new(struct loop *l, struct http *h, const struct aws_service *s, const char *region,
                     struct query_client **ret)
{
    struct query_client *c = calloc(1, sizeof *c);

    if (!c)
        return -ENOMEM;
    c->loop = l;
    c->http = h;
    c->service = s;
    c->quota.tokens = RETRY_QUOTA_MAX;
    (void)str_copy(c->region, sizeof c->region, region);
    *ret = c;
    return 0;
}

static struct call *call_free(struct call *c)
{
    http_cancel(c->http);
    c->timer = loop_timer_free(c->timer);
    strbuf_done(&c->form);
    free(c);
    return NULL;
}
DEFINE_CLEANUP(struct call *, call_free)

static void drop_call(struct call *c)
{
    if (c->query.destroy)
        c->query.destroy(c->query.data);
    (void)call_free(c);
}

static void unlink_call(struct call *c)
{
    struct call **at = &c->client->calls;

    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    c->client->n_calls--;
}

struct query_client *query_client_free(struct query_client *c)
{
    if (!c)
        return NULL;
    while (c->calls) {
        struct call *first = c->calls;
        unlink_call(first);
        drop_call(first);
    }
    free(c);
    return NULL;
}

void query_cancel(struct query_client *c, bool (*match)(const void *data, const void *wanted), const void *wanted)
{
    struct call *next;

    for (struct call *at = c->calls; at; at = next) {
        next = at->next;
        if (!match(at->query.data, wanted))
            continue;
        unlink_call(at);
        drop_call(at);
    }
}

/* The call leaves the list first: the callback may free the client. */
static void finish(struct call *c, const struct aws_failure *f, const char *body, size_t len)
{
    unlink_call(c);
    c->query.fn(c->query.data, f, body, len);
    drop_call(c);
}

static void finish_with(struct call *c, enum aws_error error, const char *text)
{
    struct aws_failure f;

    aws_failure_set(&f, error, "%s", text);
    finish(c, &f, NULL, 0);
}

static usec_t signing_time(const struct query_client *c)
{
    return (usec_t)((int64_t)loop_wall(c->loop) + c->skew);
}

struct headers {
    struct strbuf lines[HEADERS];
    const char *texts[HEADERS + 1]; /* borrowed from the lines, NULL-ended */
    size_t n;
};

static void headers_add(struct headers *h, const char *name, const char *value)
{
    struct strbuf *line = &h->lines[h->n];

    strbuf_init_secret(line, HEADER_MAX);
    strbuf_printf(line, "%s: %s", name, value);
    h->texts[h->n++] = strbuf_text(line);
}

static void headers_done(struct headers *h)
{
    for (size_t i = 0; i < h->n; i++)
        strbuf_done(&h->lines[i]);
}

/* Fills *RET with the headers of one try, the signature over them included. */
static int sign(struct call *c, const struct aws_endpoint *e, const struct aws_credentials *keys, struct headers *ret)
{
    cleanup(strbuf_done) struct strbuf authorization;
    char date[SIGV4_DATE_MAX], hash[SIGV4_HEX_MAX];
    struct sigv4_header signed_headers[HEADERS] = {
        {"Host", e->host},
        {"Content-Type", CONTENT_TYPE},
        {"X-Amz-Date", sigv4_date(signing_time(c->client), date)},
        {"X-Amz-Security-Token", secret_text(keys->session_token)},
    };
    const struct sigv4_request request = {
        .method = "POST",
        .path = e->path,
        .headers = signed_headers,
        .n_headers = keys->session_token ? 4 : 3,
        .payload_hash = hash,
    };
    const struct sigv4_scope scope = {date, c->client->region, c->client->service->signing};
    int r = sigv4_hash(c->form.data, c->form.len, hash);

    strbuf_init(&authorization, HEADER_MAX);
    if (r == 0)
        r = sigv4_authorization(&request, &scope, keys->access_key_id, keys->secret_key, &authorization);
    if (r < 0)
        return r;
    for (size_t i = 0; i < request.n_headers; i++)
        headers_add(ret, signed_headers[i].name, signed_headers[i].value);
    headers_add(ret, "Authorization", strbuf_text(&authorization));
    /* On a connection that is used again libcurl repeats a request by itself when the server hangs up. */
    headers_add(ret, "Connection", "close");
    return 0;
}

static void on_response(void *data, const struct http_response *response);

static int send_signed(struct call *c, const struct aws_endpoint *e, const struct aws_credentials *keys)
{
    struct headers headers = {0};
    const struct http_request request = {
        .method = "POST",
        .url = e->url,
        .headers = headers.texts,
        .body = c->form.data,
        .body_len = c->form.len,
        .ca_file = e->ca_file[0] ? e->ca_file : NULL,
        .timeout = QUERY_TIMEOUT,
        .max_body = c->query.answer_max,
    };
    int r = sign(c, e, keys, &headers);

    if (r == 0)
        r = http_send(c->client->http, &request, on_response, c, &c->http);
    headers_done(&headers);
    return r;
}

/* One try; keys and endpoint are looked up anew. */
static void try_call(struct call *c)
{
    struct aws_credentials keys;
    struct aws_endpoint endpoint;
    char why[AWS_TEXT_MAX] = "";
    int r;

    c->tries++;
    if (aws_endpoint_find(c->client->service, c->client->region, &endpoint, why, sizeof why) < 0) {
        finish_with(c, AWS_INVALID, why);
        return;
    }
    if (aws_credentials_find(&keys, why, sizeof why) < 0) {
        finish_with(c, AWS_CREDENTIALS, why);
        return;
    }
    r = send_signed(c, &endpoint, &keys);
    aws_credentials_done(&keys);
    if (r < 0) {
        (void)str_format(why, sizeof why, "%s could not be sent: %s", c->query.action, strerrordesc_np(-r));
        finish_with(c, AWS_UNREACHABLE, why);
    }
}

static void on_timer(void *data, usec_t now)
{
    (void)now;
    try_call(data);
}

/*
 * Where AWS refused a signature and its Date shows that our time is off, the difference is kept for all later calls.
 * Returns false where the clocks agree, or where the correction did not help.
 */
static bool correct_skew(struct call *c, const struct aws_failure *f, const struct http_response *response)
{
    usec_t ours = signing_time(c->client), theirs = response->date;

    if (c->skew_corrected || !aws_error_may_be_skew(f->code) || theirs == 0)
        return false;
    if (clock_since(ours, theirs) < QUERY_SKEW_MIN && clock_since(theirs, ours) < QUERY_SKEW_MIN)
        return false;
    c->client->skew = (int64_t)theirs - (int64_t)loop_wall(c->client->loop);
    c->skew_corrected = true;
    return true;
}

/* A request with expired keys was not acted on; the next try looks the keys up anew, once. */
static bool renew_keys(struct call *c, const struct aws_failure *f)
{
    if (c->keys_renewed || !aws_error_is_expiry(f->code))
        return false;
    c->keys_renewed = true;
    return true;
}

static void read_failure(const struct call *c, const struct http_response *response, struct aws_failure *ret)
{
    char action[ACTION_MAX];

    if (response->error < 0) {
        aws_failure_set(ret, response->error == -EFBIG ? AWS_PROTOCOL : AWS_UNREACHABLE, "%s: %s", c->query.action,
                        response->error_text);
        return;
    }
    (void)str_format(action, sizeof action, "%s:%s", c->client->service->signing, c->query.action);
    aws_failure_read(response->body, response->body_len, response->status, action, ret);
}

static void on_response(void *data, const struct http_response *response)
{
    struct call *c = data;
    struct aws_failure f = {.error = AWS_OK};
    struct retry_end end = {.transport = response->error, .mutating = c->query.mutating, .tries_max = QUERY_TRIES};

    c->http = NULL;
    if (response->error == 0 && response->status == 200) {
        retry_success(&c->client->quota);
        finish(c, &f, response->body, response->body_len);
        return;
    }
    read_failure(c, response, &f);
    end.error = f.error;
    end.tries = c->tries;
    if (c->tries < QUERY_TRIES && (correct_skew(c, &f, response) || renew_keys(c, &f)))
        loop_timer_in(c->timer, 0);
    else if (retry_allowed(&end, &c->client->quota))
        loop_timer_in(c->timer, retry_delay(c->tries, response->retry_after, random_u64()));
    else
        finish(c, &f, NULL, 0);
}

int query_send(struct query_client *client, const struct query *q)
{
    cleanup(call_freep) struct call *c = NULL;
    int r;

    if (q->form->bad)
        return -ENOBUFS;
    if (client->n_calls == QUERY_CALLS_MAX)
        return -EBUSY;
    c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    c->client = client;
    c->query = *q;
    strbuf_init(&c->form, QUERY_FORM_MAX);
    strbuf_add(&c->form, q->form->data, q->form->len);
    c->query.form = &c->form;
    if (c->form.bad)
        return -ENOMEM;
    r = loop_timer_new(client->loop, on_timer, c, &c->timer);
    if (r < 0)
        return r;
    /* Everything happens on the loop, so that the callback never comes from within this function. */
    loop_timer_in(c->timer, 0);
    c->next = client->calls;
    client->calls = TAKE_PTR(c);
    client->n_calls++;
    return 0;
}
