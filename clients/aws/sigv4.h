/*
 * Signature Version 4: canonical request, string to sign, signature. Pure: the time is given. A signer builds the
 * headers that it sends and asks for sigv4_authorization(); a verifier calls the steps with what it received and
 * compares. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
#pragma once

#include "base/clock.h"
#include "base/secret.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

#define SIGV4_HEX_MAX      65    /* a SHA-256 in hexadecimal and the NUL */
#define SIGV4_DATE_MAX     17    /* "20150830T123600Z" and the NUL */
#define SIGV4_HEADERS_MAX  64    /* in one request */
#define SIGV4_PARAMS_MAX   128   /* in one query string */
#define SIGV4_SEGMENTS_MAX 64    /* in one path */
#define SIGV4_TEXT_MAX     65536 /* canonical request: give strbufs at least that much */

struct sigv4_header {
    const char *name;  /* in any case */
    const char *value; /* as sent: white space is trimmed and folded here */
};

/* All texts are borrowed for the time of the call. */
struct sigv4_request {
    const char *method;                 /* "POST" */
    const char *path;                   /* as in the request line, without the query; "" is "/" */
    const char *query;                  /* what follows the '?', percent-encoded or not, in any order; may be NULL */
    const struct sigv4_header *headers; /* may hold more than is signed; equal names are joined in this order */
    size_t n_headers;
    const char *signed_headers; /* "host;x-amz-date": the ones to sign; NULL: all of HEADERS */
    const char *payload_hash;   /* sigv4_hash() of the body */
    bool keep_path;             /* leave dots and empty segments in the path (S3) */
};

struct sigv4_scope {
    const char *date; /* the value of x-amz-date: "20150830T123600Z" */
    const char *region;
    const char *service; /* signing name: "ec2", "monitoring", "sts" */
};

/* The value of x-amz-date for WALL. Returns BUF. */
const char *sigv4_date(usec_t wall, char buf[static SIGV4_DATE_MAX]);

/* SHA-256 in lowercase hexadecimal. -EIO where OpenSSL fails. */
int sigv4_hash(const void *data, size_t len, char ret[static SIGV4_HEX_MAX]);

/*
 * Appends the canonical request. -EBADMSG where SIGNED_HEADERS names a header that is not there, -E2BIG over one of the
 * maxima above, -ENOBUFS where OUT is too small.
 */
int sigv4_canonical_request(const struct sigv4_request *r, struct strbuf *out);

/* Appends the string to sign. -EINVAL where the date has another form, -ENOBUFS, -EIO. */
int sigv4_string_to_sign(const struct sigv4_scope *s, const char *canonical_request, struct strbuf *out);

/* -EINVAL where the date has another form, -EIO, -ENOMEM. */
int sigv4_signature(const struct secret *secret_key, const struct sigv4_scope *s, const char *string_to_sign,
                    char ret[static SIGV4_HEX_MAX]);

/*
 * All steps: appends the value of the Authorization header. The request's headers must hold host and x-amz-date (equal
 * to the scope's), and x-amz-security-token for temporary credentials.
 */
int sigv4_authorization(const struct sigv4_request *r, const struct sigv4_scope *s, const char *access_key_id,
                        const struct secret *secret_key, struct strbuf *out);

/* Appends TEXT with all but the unreserved characters of RFC 3986 percent-encoded. */
void sigv4_encode(struct strbuf *out, const char *text);
