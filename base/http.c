#include "base/http.h"

#include "base/array.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strbuf.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

#define CONNECTIONS_KEPT 4

/*
 * A path that is dead is found out soon, and told from a server that is slow: a SYN that two more after it could not
 * get answered, and data that nobody acknowledged.
 */
#define CONNECT_TIMEOUT_MS 4000L
#define UNACKED_TIMEOUT_MS 5000U

/* A socket that libcurl wants watched. */
struct http_socket {
    struct http_socket *next;
    struct loop_io *io;
    struct http *http;
};

struct http {
    struct loop *loop; /* borrowed */
    CURLM *multi;      /* owned, like all below */
    struct loop_timer *timer;
    struct http_call *calls;     /* list */
    struct http_socket *sockets; /* list */
    size_t n_calls;
};

struct http_call {
    struct http_call *next;
    struct http *http; /* borrowed */
    CURL *easy;        /* owned, like the two below */
    struct curl_slist *headers;
    struct strbuf body;
    http_done_fn fn;
    void *data; /* borrowed */
    usec_t retry_after, date;
};

/* What libcurl's codes mean as an errno; its own texts could name the host, ours do not. */
static int error_of(CURLcode code, const char **ret_text)
{
    static const struct {
        CURLcode code;
        int error;
        const char *text;
    } table[] = {
        {CURLE_COULDNT_RESOLVE_HOST, -EHOSTUNREACH, "the name of the host cannot be resolved"},
        {CURLE_COULDNT_RESOLVE_PROXY, -EHOSTUNREACH, "the name of the proxy cannot be resolved"},
        {CURLE_COULDNT_CONNECT, -ECONNREFUSED, "no connection could be made"},
        {CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT, "no answer in time"},
        {CURLE_FILESIZE_EXCEEDED, -EFBIG, "the answer is too long"},
        {CURLE_WRITE_ERROR, -EFBIG, "the answer is too long"},
        {CURLE_PEER_FAILED_VERIFICATION, -EPROTO, "the server's TLS certificate is not trusted"},
        {CURLE_SSL_CONNECT_ERROR, -EPROTO, "TLS could not be agreed on"},
        {CURLE_SSL_CACERT_BADFILE, -EPROTO, "the file of trusted certificates cannot be read"},
        {CURLE_GOT_NOTHING, -ECONNRESET, "the server closed the connection without an answer"},
        {CURLE_RECV_ERROR, -ECONNRESET, "the connection broke while receiving"},
        {CURLE_SEND_ERROR, -ECONNRESET, "the connection broke while sending"},
        {CURLE_INTERFACE_FAILED, -EADDRNOTAVAIL, "the source address or interface cannot be used"},
        {CURLE_URL_MALFORMAT, -EINVAL, "the URL is malformed"},
        {CURLE_UNSUPPORTED_PROTOCOL, -EINVAL, "the URL is neither http nor https"},
        {CURLE_OUT_OF_MEMORY, -ENOMEM, "out of memory"},
    };

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (table[i].code == code) {
            *ret_text = table[i].text;
            return table[i].error;
        }
    }
    *ret_text = curl_easy_strerror(code);
    return -EIO;
}

static void call_release(struct http_call *c)
{
    struct http *h = c->http;

    for (struct http_call **p = &h->calls; *p; p = &(*p)->next) {
        if (*p == c) {
            *p = c->next;
            h->n_calls--;
            break;
        }
    }
    if (c->easy) {
        (void)curl_multi_remove_handle(h->multi, c->easy);
        curl_easy_cleanup(c->easy);
    }
    curl_slist_free_all(c->headers);
    strbuf_done(&c->body);
    free(c);
}

static void call_finish(struct http_call *c, CURLcode code)
{
    struct http_response r = {
        .body = strbuf_text(&c->body), .body_len = c->body.len, .date = c->date, .retry_after = c->retry_after};
    const char *text = "";
    long os_error = 0;

    if (code != CURLE_OK) {
        r.error = error_of(code, &text);
        (void)curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &os_error);
        if (code == CURLE_COULDNT_CONNECT && (os_error == EHOSTUNREACH || os_error == ENETUNREACH)) {
            r.error = -EHOSTUNREACH;
            text = "there is no route to the host";
        }
        (void)str_copy(r.error_text, sizeof(r.error_text), text);
    } else {
        (void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &r.status);
    }
    c->fn(c->data, &r);
    call_release(c);
}

/* Hands over what is done. A callback may cancel other calls and send new ones. */
static void reap(struct http *h)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(h->multi, &left))) {
        struct http_call *c = NULL;
        CURLcode code = m->data.result;

        if (m->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
        assert(c);
        call_finish(c, code);
    }
}

static void on_socket_ready(void *data, int fd, uint32_t revents)
{
    struct http_socket *s = data;
    struct http *h = s->http; /* S may be gone after the next line */
    int what = 0, running;

    if (revents & (EPOLLIN | EPOLLHUP))
        what |= CURL_CSELECT_IN;
    if (revents & EPOLLOUT)
        what |= CURL_CSELECT_OUT;
    if (revents & EPOLLERR)
        what |= CURL_CSELECT_ERR;
    (void)curl_multi_socket_action(h->multi, fd, what, &running);
    reap(h);
}

static void socket_forget(struct http *h, struct http_socket *s)
{
    for (struct http_socket **p = &h->sockets; *p; p = &(*p)->next) {
        if (*p == s) {
            *p = s->next;
            break;
        }
    }
    loop_io_free(s->io);
    free(s);
}

static struct http_socket *socket_watch(struct http *h, curl_socket_t fd, uint32_t events)
{
    struct http_socket *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->http = h;
    if (loop_io_new(h->loop, fd, events, on_socket_ready, s, &s->io) < 0) {
        free(s);
        return NULL;
    }
    s->next = h->sockets;
    h->sockets = s;
    (void)curl_multi_assign(h->multi, fd, s);
    return s;
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    struct http *h = data;
    struct http_socket *s = socket_data;
    uint32_t events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (s)
            socket_forget(h, s);
        return 0;
    }
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= EPOLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= EPOLLOUT;
    if (s)
        return loop_io_events(s->io, events) < 0 ? -1 : 0;
    return socket_watch(h, fd, events) ? 0 : -1;
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *data)
{
    struct http *h = data;

    (void)multi;
    if (timeout_ms < 0)
        loop_timer_stop(h->timer);
    else
        loop_timer_in(h->timer, (usec_t)timeout_ms * USEC_PER_MSEC);
    return 0;
}

static void on_timer(void *data, usec_t now)
{
    struct http *h = data;
    int running;

    (void)now;
    (void)curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    reap(h);
}

int http_new(struct loop *l, struct http **ret)
{
    static bool initialised;
    cleanup(http_freep) struct http *h = NULL;
    int r;

    if (!initialised && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return -EIO;
    initialised = true;
    h = calloc(1, sizeof(*h));
    if (!h)
        return -ENOMEM;
    h->loop = l;
    r = loop_timer_new(l, on_timer, h, &h->timer);
    if (r < 0)
        return r;
    h->multi = curl_multi_init();
    if (!h->multi)
        return -ENOMEM;
    (void)curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    (void)curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    (void)curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    (void)curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    (void)curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    *ret = TAKE_PTR(h);
    return 0;
}

struct http *http_free(struct http *h)
{
    if (!h)
        return NULL;
    while (h->calls)
        call_release(h->calls);
    if (h->multi)
        (void)curl_multi_cleanup(h->multi);
    while (h->sockets)
        socket_forget(h, h->sockets);
    loop_timer_free(h->timer);
    free(h);
    return NULL;
}

static int on_socket(void *data, curl_socket_t fd, curlsocktype purpose)
{
    unsigned ms = UNACKED_TIMEOUT_MS;

    (void)data;
    (void)purpose;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms)); /* not for a Unix socket, which needs none */
    return CURL_SOCKOPT_OK;
}

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
    struct http_call *c = user;

    strbuf_add(&c->body, data, size * n);
    return c->body.bad ? 0 : size * n;
}

/* The value of header NAME in LINE, without blanks around it; false where it is another header. */
static bool header_value(const char *line, size_t len, const char *name, char *value, size_t size)
{
    size_t name_len = strlen(name);

    if (len <= name_len || line[name_len] != ':' || strncasecmp(line, name, name_len) != 0)
        return false;
    line += name_len + 1;
    len -= name_len + 1;
    while (len > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        len--;
    }
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n' || line[len - 1] == ' '))
        len--;
    if (len >= size)
        return false;
    memcpy(value, line, len);
    value[len] = '\0';
    return true;
}

static size_t on_header(char *data, size_t size, size_t n, void *user)
{
    struct http_call *c = user;
    size_t len = size * n;
    char value[64];
    uint64_t seconds;
    usec_t when;

    if (header_value(data, len, "date", value, sizeof(value)))
        (void)parse_http_date(value, &c->date);
    if (header_value(data, len, "retry-after", value, sizeof(value))) {
        if (parse_u64(value, UINT32_MAX, &seconds) >= 0)
            c->retry_after = seconds * USEC_PER_SEC;
        else if (parse_http_date(value, &when) >= 0)
            c->retry_after = clock_since(loop_wall(c->http->loop), when);
    }
    return len;
}

static int add_headers(struct http_call *c, const char *const *headers)
{
    /* Without this line libcurl waits a second for "100 Continue" before longer bodies. */
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");

    for (size_t i = 0; headers && headers[i] && list; i++) {
        struct curl_slist *longer;

        assert(i < HTTP_HEADERS_MAX);
        longer = curl_slist_append(list, headers[i]);
        if (!longer)
            curl_slist_free_all(list);
        list = longer;
    }
    if (!list)
        return -ENOMEM;
    c->headers = list;
    return curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, list) == CURLE_OK ? 0 : -ENOMEM;
}

static int add_body(struct http_call *c, const struct http_request *req)
{
    CURLcode e = CURLE_OK;

    if (req->body) {
        e = curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
        if (e == CURLE_OK)
            e = curl_easy_setopt(c->easy, CURLOPT_COPYPOSTFIELDS, req->body);
    }
    if (e == CURLE_OK)
        e = curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, req->method);
    return e == CURLE_OK ? 0 : -ENOMEM;
}

static int prepare(struct http_call *c, const struct http_request *req)
{
    CURL *e = c->easy;
    int r;

    (void)curl_easy_setopt(e, CURLOPT_PRIVATE, c);
    (void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    /* Where no name server answers, the end of a call must not wait for the resolver's thread. */
    (void)curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)((req->timeout + USEC_PER_MSEC - 1) / USEC_PER_MSEC));
    (void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, on_socket);
    (void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
    (void)curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(e, CURLOPT_HEADERDATA, c);
    (void)curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 16384L);
    if (curl_easy_setopt(e, CURLOPT_URL, req->url) != CURLE_OK ||
        (req->source && curl_easy_setopt(e, CURLOPT_INTERFACE, req->source) != CURLE_OK) ||
        (req->ca_file && curl_easy_setopt(e, CURLOPT_CAINFO, req->ca_file) != CURLE_OK) ||
        (req->unix_socket && curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, req->unix_socket) != CURLE_OK))
        return -ENOMEM;
    r = add_headers(c, req->headers);
    return r < 0 ? r : add_body(c, req);
}

int http_send(struct http *h, const struct http_request *req, http_done_fn fn, void *data, struct http_call **ret)
{
    struct http_call *c;
    int r = -ENOMEM;

    assert(req->timeout > 0 && req->max_body > 0);
    if (h->n_calls == HTTP_CALLS_MAX)
        return -EBUSY;
    c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->http = h;
    c->fn = fn;
    c->data = data;
    strbuf_init(&c->body, req->max_body);
    c->next = h->calls;
    h->calls = c;
    h->n_calls++;
    c->easy = curl_easy_init();
    if (c->easy)
        r = prepare(c, req);
    /* libcurl only arms its timer here; the work, and so the callback, comes from the loop. */
    if (r >= 0 && curl_multi_add_handle(h->multi, c->easy) != CURLM_OK)
        r = -ENOMEM;
    if (r < 0) {
        call_release(c);
        return r;
    }
    if (ret)
        *ret = c;
    return 0;
}

void http_cancel(struct http_call *call)
{
    if (call)
        call_release(call);
}
