#include "agent/cli/request.h"

#include "agent/cli/field.h"
#include "agent/cli/style.h"
#include "agent/cli/wrap.h"
#include "base/cleanup.h"
#include "base/str.h"

#include <curl/curl.h>
#include <errno.h>
#include <json-c/json_tokener.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define SOCKET_PATH_MAX 4096
#define URL_MAX         512
#define JSON_DEPTH_MAX  16

void reply_done(struct reply *r)
{
    strbuf_done(&r->text);
    (void)json_object_put(r->body);
    *r = (struct reply){0};
}

static size_t on_data(char *data, size_t size, size_t n, void *user)
{
    struct strbuf *b = user;

    strbuf_add(b, data, size * n);
    return b->bad ? 0 : size * n;
}

/* What a person can do about a connection that failed with ERRNO_. */
static void explain_connect(const struct cli *cli, const char *socket, long errno_,
                            char error[static REQUEST_ERROR_MAX])
{
    bool standard = str_eq(cli->runtime_dir, CLI_RUNTIME_DIR);
    const char *start = standard ? "systemctl start rekindled" : "rekindled --runtime-dir ";
    const char *dir = standard ? "" : cli->runtime_dir;

    if (errno_ == EACCES || errno_ == EPERM)
        (void)str_format(
            error, REQUEST_ERROR_MAX,
            "You may not speak with rekindled over %s. Use sudo, or become a member of the socket's group.", socket);
    else if (errno_ == ENOENT)
        (void)str_format(error, REQUEST_ERROR_MAX, "rekindled is not running: there is no %s. Start it: %s%s", socket,
                         start, dir);
    else if (errno_ == ECONNREFUSED)
        (void)str_format(error, REQUEST_ERROR_MAX,
                         "rekindled is not running: %s is there, but nobody listens. Start it: %s%s", socket, start,
                         dir);
    else
        (void)str_format(error, REQUEST_ERROR_MAX, "rekindled cannot be asked over %s: %s.", socket,
                         errno_ ? strerror((int)errno_) : "the path is too long");
}

static int explain(CURLcode code, CURL *curl, const struct cli *cli, const char *socket,
                   char error[static REQUEST_ERROR_MAX])
{
    long errno_ = 0;

    if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST) {
        (void)curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &errno_);
        explain_connect(cli, socket, errno_, error);
        return -ENOTCONN;
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        (void)str_format(error, REQUEST_ERROR_MAX,
                         "rekindled did not answer within %d seconds. Look at its log: journalctl -u rekindled",
                         REQUEST_TIMEOUT);
        return -ETIMEDOUT;
    }
    if (code == CURLE_ABORTED_BY_CALLBACK) {
        (void)str_copy(error, REQUEST_ERROR_MAX, "Interrupted.");
        return -EINTR;
    }
    (void)str_format(error, REQUEST_ERROR_MAX, "The conversation with rekindled broke off (%s). Try again.",
                     curl_easy_strerror(code));
    return -EPROTO;
}

/* A signal that is blocked, as in a watch, is awaited between two questions and must not wait for an answer. */
static int on_progress(void *data, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
    sigset_t pending;

    (void)data;
    (void)down_all;
    (void)down;
    (void)up_all;
    (void)up;
    return sigpending(&pending) == 0 && (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
                                         sigismember(&pending, SIGHUP) == 1);
}

static void set_options(CURL *curl, const char *socket, const char *url, struct json_object *body, struct strbuf *text)
{
    (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)REQUEST_TIMEOUT);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, text);
    if (body)
        (void)curl_easy_setopt(
            curl, CURLOPT_COPYPOSTFIELDS,
            json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

static struct json_object *parse_body(const struct strbuf *text)
{
    struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
    struct json_object *o;

    if (!tokener || text->len > INT32_MAX) {
        if (tokener)
            json_tokener_free(tokener);
        return NULL;
    }
    o = json_tokener_parse_ex(tokener, strbuf_text(text), (int)text->len);
    if (json_tokener_get_error(tokener) != json_tokener_success || !json_object_is_type(o, json_type_object)) {
        (void)json_object_put(o);
        o = NULL;
    }
    json_tokener_free(tokener);
    return o;
}

int request_send(const struct cli *cli, const char *path, struct json_object *body, struct reply *ret,
                 char error[static REQUEST_ERROR_MAX])
{
    char socket[SOCKET_PATH_MAX], url[URL_MAX];
    struct reply reply cleanup(reply_done) = {0};
    struct curl_slist *headers = NULL;
    CURL *curl = curl_easy_init();
    int r = 0;

    if (!curl || !str_format(socket, sizeof(socket), "%s/rekindle.sock", cli->runtime_dir) ||
        !str_format(url, sizeof(url), "http://rekindle%s", path)) {
        curl_easy_cleanup(curl);
        (void)str_copy(error, REQUEST_ERROR_MAX, "rekindled cannot be asked: out of memory, or the path is too long.");
        return -ENOMEM;
    }
    strbuf_init(&reply.text, REQUEST_ANSWER_MAX);
    set_options(curl, socket, url, body, &reply.text);
    headers = curl_slist_append(headers, "Content-Type: application/json");
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);

    CURLcode code = curl_easy_perform(curl);

    if (code != CURLE_OK)
        r = explain(code, curl, cli, socket, error);
    else
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (r < 0)
        return r;
    reply.body = parse_body(&reply.text);
    if (!reply.body) {
        (void)str_format(error, REQUEST_ERROR_MAX,
                         "rekindled's answer (%ld) is no JSON object: is %s another program's?", reply.status, socket);
        return -EPROTO;
    }
    *ret = reply;
    reply = (struct reply){0};
    return 0;
}

enum cli_exit request_refused(const struct reply *r)
{
    char text[FIELD_MAX];

    (void)fprintf(stderr, "%s\n", field_text(r->body, "error", "rekindled refused and did not say why.", text));
    if (r->status == 400) /* what was typed made no sense to the daemon */
        return CLI_USAGE;
    return r->status == 401 || r->status == 403 || r->status == 503 ? CLI_UNKNOWN : CLI_FAILED;
}

static void print_sentence(const char *text)
{
    struct strbuf line cleanup(strbuf_done);
    const struct style s = style_of_stdout();
    const struct wrap w = {"", 0, s.width};

    strbuf_init(&line, 2 * FIELD_MAX);
    wrap_put(&line, &w, text);
    (void)puts(strbuf_text(&line));
}

enum cli_exit request_order(const struct cli *cli, const char *path, struct json_object *body,
                            const struct request_words *words)
{
    struct reply reply cleanup(reply_done) = {0};
    char error[REQUEST_ERROR_MAX], text[FIELD_MAX], sentence[2 * FIELD_MAX];
    bool accepted;
    int r = request_send(cli, path, body, &reply, error);

    (void)json_object_put(body);
    if (r < 0) {
        (void)fprintf(stderr, "%s\n", error);
        return CLI_UNKNOWN;
    }
    if (reply.status != 200)
        return request_refused(&reply);
    accepted = field_flag(reply.body, "accepted", true);
    (void)str_format(sentence, sizeof(sentence), "%s%s", words ? accepted ? words->accepted : words->refused : "",
                     field_text(reply.body, "text", "Done.", text));
    print_sentence(sentence);
    return accepted ? CLI_FINE : CLI_WARNING;
}
