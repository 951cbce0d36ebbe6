#include "agent/api_private.h"
#include "base/str.h"

#include <json-c/json_tokener.h>
#include <string.h>

#define DEPTH_MAX 16 /* of a JSON body */

struct hosts {
    unsigned n;
    bool ok;
};

static enum MHD_Result on_header(void *data, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct hosts *h = data;

    (void)kind;
    if (strcasecmp(key, "Host") != 0)
        return MHD_YES;
    h->n++;
    h->ok = value && api_socket_host_ok(value);
    return MHD_YES;
}

/*
 * A page of somebody else's in a browser of this machine may ask us under a name of its own that it has made point here
 * (DNS rebinding). Such a request carries that name.
 */
static bool host_ok(struct api_request *r)
{
    struct hosts h = {0};

    (void)MHD_get_connection_values(r->connection, MHD_HEADER_KIND, on_header, &h);
    return h.n == 1 && h.ok;
}

static bool may_change(struct api_request *r)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    return !r->listener->tcp && info && api_socket_may_change(info->connect_fd, r->listener->api->socket.group);
}

static enum MHD_Result on_query(void *data, enum MHD_ValueKind kind, const char *key, size_t key_len, const char *value,
                                size_t len)
{
    bool *ok = data;

    (void)kind;
    if (key_len > API_QUERY_MAX || strlen(key) != key_len || (value && (len > API_QUERY_MAX || strlen(value) != len)))
        *ok = false;
    return MHD_YES;
}

static bool query_ok(struct api_request *r)
{
    bool ok = true;

    (void)MHD_get_connection_values_n(r->connection, MHD_GET_ARGUMENT_KIND, on_query, &ok);
    return ok;
}

/* HEAD is GET whose body is not sent: libmicrohttpd sees to that. */
static bool serves(const struct api_route *route, const char *method)
{
    return str_eq(route->method, method) || (str_eq(method, "HEAD") && str_eq(route->method, "GET"));
}

static const struct api_route *find_route(const struct api_route *routes, const char *path, const char *method)
{
    for (; routes->path; routes++)
        if (str_eq(routes->path, path) && serves(routes, method))
            return routes;
    return NULL;
}

/* The methods of PATH as the Allow header wants them; "" where there is no such path. */
static void list_methods(const struct api_route *routes, const char *path, char methods[static API_METHODS_MAX])
{
    char before[API_METHODS_MAX];

    methods[0] = '\0';
    for (; routes->path; routes++) {
        if (!str_eq(routes->path, path))
            continue;
        (void)str_copy(before, sizeof(before), methods);
        (void)str_format(methods, API_METHODS_MAX, "%s%s%s%s", before, before[0] ? ", " : "", routes->method,
                         str_eq(routes->method, "GET") ? ", HEAD" : "");
    }
}

static void refuse_route(struct api_request *r, const char *path, const char *method)
{
    list_methods(r->listener->api->routes, path, r->allow);
    if (r->allow[0])
        api_reply_error(r, MHD_HTTP_METHOD_NOT_ALLOWED, "%s takes %s, not %s.", path, r->allow, method);
    else
        api_reply_error(r, MHD_HTTP_NOT_FOUND, "There is no %s.", path);
}

void api_check_head(struct api_request *r, const char *path, const char *method)
{
    if (r->listener->tcp && !host_ok(r)) {
        api_reply_error(r, MHD_HTTP_FORBIDDEN, "Host: only localhost and loopback addresses are served.");
        return;
    }
    r->route = find_route(r->listener->api->routes, path, method);
    if (!r->route)
        refuse_route(r, path, method);
    else if (r->route->changes && r->listener->tcp)
        api_reply_error(r, MHD_HTTP_FORBIDDEN, "Nothing can be changed over TCP. Use the socket %s.",
                        r->listener->api->socket.address.sun_path);
    else if (r->route->changes && !may_change(r))
        api_reply_error(r, MHD_HTTP_FORBIDDEN,
                        "You may read, but not change anything. Use sudo, or become a member of the socket's group.");
    else if (!query_ok(r))
        api_reply_error(r, MHD_HTTP_BAD_REQUEST, "A query argument is longer than %d bytes, or holds a NUL.",
                        API_QUERY_MAX);
}

struct json_object *api_check_body(const struct strbuf *body)
{
    struct json_tokener *t;
    struct json_object *o;

    if (body->len == 0)
        return json_object_new_object();
    if (body->bad || memchr(strbuf_text(body), '\0', body->len)) /* json-c would stop at a NUL */
        return NULL;
    t = json_tokener_new_ex(DEPTH_MAX);
    if (!t)
        return NULL;
    json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    o = json_tokener_parse_ex(t, strbuf_text(body), (int)body->len);
    if (json_tokener_get_error(t) != json_tokener_success || json_tokener_get_parse_end(t) != body->len ||
        !json_object_is_type(o, json_type_object)) {
        (void)json_object_put(o);
        o = NULL;
    }
    json_tokener_free(t);
    return o;
}
