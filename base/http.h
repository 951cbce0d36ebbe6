/*
 * The HTTP client: a libcurl multi handle on the loop. Redirects are not followed, TLS is verified, answers are
 * bounded, every request has a deadline. Error texts never contain the URL, which may be a secret.
 */
#pragma once

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/loop.h"

#include <stddef.h>

#define HTTP_CALLS_MAX   64 /* requests under way at once */
#define HTTP_ERROR_MAX   160
#define HTTP_HEADERS_MAX 16

struct http;
struct http_call;

struct http_request {
    const char *method; /* "GET", "POST" */
    const char *url;
    const char *const *headers; /* "name: value", NULL-ended; may be NULL */
    const char *body;           /* copied; may be NULL */
    size_t body_len;
    const char *source;      /* address or interface to leave from; NULL: the kernel's choice */
    const char *ca_file;     /* PEM bundle; NULL: the system's */
    const char *unix_socket; /* path; NULL: TCP */
    usec_t timeout;          /* over all; must be set */
    size_t max_body;         /* a longer answer is an error */
};

struct http_response {
    int error; /* 0, or -errno: -ETIMEDOUT, -ECONNREFUSED, -EHOSTUNREACH (names, routes), -EFBIG, -EPROTO, ... */
    char error_text[HTTP_ERROR_MAX]; /* a sentence without the URL; "" where error is 0 */
    long status;                     /* 0 where error */
    const char *body;                /* NUL-ended, borrowed for the time of the callback */
    size_t body_len;
    usec_t date;        /* the Date header, wall clock; 0 where missing */
    usec_t retry_after; /* span; 0 where missing */
};

/* Called once per request, never from within http_send(); not called after http_cancel(). */
typedef void (*http_done_fn)(void *data, const struct http_response *response);

int http_new(struct loop *l, struct http **ret); /* L is borrowed */
struct http *http_free(struct http *h);          /* cancels what is under way; accepts NULL */
DEFINE_CLEANUP(struct http *, http_free)

/* Starts a request; everything in REQ is copied. *RET (may be NULL) is valid until the callback. -EBUSY over
 * HTTP_CALLS_MAX. */
int http_send(struct http *h, const struct http_request *req, http_done_fn fn, void *data, struct http_call **ret);
void http_cancel(struct http_call *call); /* accepts NULL */
