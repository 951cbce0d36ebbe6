/* What the parts of the control API share: api.c serves, api_request.c answers, api_check.c refuses. */
#pragma once

#include "agent/api.h"
#include "agent/api_socket.h"
#include "base/strbuf.h"

#include <microhttpd.h>

#define API_METHODS_MAX 32 /* "GET, HEAD, POST" */

/* A libmicrohttpd daemon on our loop: its epoll descriptor is watched, its time-outs are a timer of ours. */
struct api_listener {
    struct api *api;          /* borrowed */
    struct MHD_Daemon *mhd;   /* owned */
    struct loop_io *io;       /* owned */
    struct loop_timer *timer; /* owned; armed only while a connection is open */
    bool tcp;
};

struct api {
    struct loop *loop;              /* borrowed */
    const struct api_route *routes; /* borrowed */
    void *data;                     /* borrowed */
    struct api_socket socket;
    bool socket_open;
    struct api_listener local, tcp;
    struct api_request *waiting; /* deferred requests, a list; each belongs to its connection */
};

struct api_request {
    struct api_listener *listener;     /* borrowed */
    struct MHD_Connection *connection; /* borrowed */
    const struct api_route *route;     /* NULL where refused */
    char allow[API_METHODS_MAX];       /* the Allow header; "" for none */
    struct strbuf body;
    size_t received; /* bytes of the body, also those that were not kept */
    struct json_object *json;
    unsigned status;               /* 0 until answered */
    struct MHD_Response *response; /* owned; NULL where there was no memory: the connection is closed */
    struct api_request *previous, *next;
    bool waiting; /* suspended, and in the list */
};

/* Checks all that can be checked before the body is there: sets R's route, or refuses R by answering it. */
void api_check_head(struct api_request *r, const char *path, const char *method);
/* The JSON object that BODY must be (an empty one where there is none), or NULL. Owned by the caller. */
struct json_object *api_check_body(const struct strbuf *body);

/* Called by libmicrohttpd; DATA is the listener. */
enum MHD_Result api_request_on_data(void *data, struct MHD_Connection *connection, const char *url, const char *method,
                                    const char *version, const char *upload, size_t *upload_len, void **state);
void api_request_on_end(void *data, struct MHD_Connection *connection, void **state,
                        enum MHD_RequestTerminationCode code);

/* Wakes the connection of a deferred request: it is finished, or closed where the server ends. */
void api_request_wake(struct api_request *r);
