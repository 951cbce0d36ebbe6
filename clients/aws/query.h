/*
 * The AWS Query protocol: a form in a signed POST. One client per service; what a service means by its answers is the
 * business of the file that carries its name. Retries as the SDKs' standard mode: at most QUERY_TRIES, full jitter, a
 * quota. https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */
#pragma once

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/http.h"
#include "base/loop.h"
#include "base/strbuf.h"
#include "clients/aws/endpoint.h"
#include "clients/aws/error.h"

#include <stdbool.h>
#include <stddef.h>

#define QUERY_TRIES     3
#define QUERY_CALLS_MAX 32           /* under way at once, of one client */
#define QUERY_FORM_MAX  (256 * 1024) /* give strbufs for a form this maximum */
#define QUERY_TIMEOUT   (20 * USEC_PER_SEC)
#define QUERY_SKEW_MIN                                                                                                 \
    (4 * USEC_PER_MIN) /* a smaller difference of the clocks is not why AWS refuses: it allows 5 min */

/* A form: starts it with the action and the service's version, then one parameter at a time. */
void query_form_start(struct strbuf *form, const struct aws_service *s, const char *action);
void query_form_add(struct strbuf *form, const char *name, const char *value);
void query_form_add_nth(struct strbuf *form, const char *name, size_t n, const char *value); /* "Name.N", N from 1 */

/* F->error is AWS_OK and BODY the answer, or BODY is NULL. A passed dry run has the code "DryRunOperation" and no body.
 */
typedef void (*query_done_fn)(void *data, const struct aws_failure *f, const char *body, size_t len);

struct query_client;

/* L, H and S are borrowed; REGION is copied. */
int query_client_new(struct loop *l, struct http *h, const struct aws_service *s, const char *region,
                     struct query_client **ret);
struct query_client *query_client_free(struct query_client *c); /* cancels all; accepts NULL */
DEFINE_CLEANUP(struct query_client *, query_client_free)

struct query {
    const char *action;        /* "DescribeVpnConnections", for error texts; must live as long as the program */
    const struct strbuf *form; /* copied */
    size_t answer_max;
    bool mutating;               /* is sent again only where AWS surely did not act on it */
    query_done_fn fn;            /* once, never from within query_send() */
    void *data;                  /* borrowed by fn, or owned where DESTROY is given */
    void (*destroy)(void *data); /* called after fn, or instead of it where the call is cancelled; may be NULL */
};

/* -EBUSY over QUERY_CALLS_MAX, -ENOBUFS where the form is bad, -ENOMEM; DATA is then still the caller's. */
int query_send(struct query_client *c, const struct query *q);

/* Ends the calls for which MATCH says yes, without their fn. */
void query_cancel(struct query_client *c, bool (*match)(const void *data, const void *wanted), const void *wanted);
