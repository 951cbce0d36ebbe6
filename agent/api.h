/*
 * The control socket: HTTP and JSON over RUNTIME_DIR/rekindle.sock, and the reading half of it on a loopback TCP
 * address where that is enabled. libmicrohttpd, driven by the loop. Over the socket, reading is for whoever may open it
 * (mode 0660); changing asks for root, our own user, or the socket's group (SO_PEERCRED). TCP never changes anything.
 */
#pragma once

#include "base/cleanup.h"
#include "base/loop.h"

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>

#define API_BODY_MAX        (64 * 1024)
#define API_CONNECTIONS_MAX 64
#define API_QUERY_MAX       64
#define API_TIMEOUT         30 /* seconds of an idle connection */

struct api;
struct api_request;

/* A route. FN answers at once with api_reply(), or later (the request stays valid until answered or api_free()). */
struct api_route {
    const char *method;
    const char *path;
    bool changes; /* needs the right to change */
    void (*fn)(void *data, struct api_request *r);
};

/* ROUTES ends with a NULL path and is borrowed, like DATA. LISTEN is "127.0.0.1:9469" or NULL. */
int api_new(struct loop *l, const char *runtime_dir, const char *listen, const struct api_route *routes, void *data,
            struct api **ret);
struct api *api_free(struct api *a); /* removes the socket file; accepts NULL */
DEFINE_CLEANUP(struct api *, api_free)

/* The request's JSON body (an empty object where there was none); borrowed. A malformed body never gets to a route. */
struct json_object *api_request_body(const struct api_request *r);
/* A query argument, or NULL. */
const char *api_request_query(const struct api_request *r, const char *name);

void api_reply(struct api_request *r, unsigned status, struct json_object *body); /* takes BODY */
void api_reply_error(struct api_request *r, unsigned status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void api_reply_text(struct api_request *r, unsigned status, const char *content_type, const char *text);
