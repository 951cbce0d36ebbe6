/* The server's side of Signature Version 4, strict: what is not signed as it should be is refused with EC2's own codes.
 */
#pragma once

#include "base/clock.h"
#include "base/secret.h"
#include "clients/aws/sigv4.h"

#include <stddef.h>

#define VERIFY_SKEW_MAX (5 * USEC_PER_MIN)

struct verify_account {
    const char *key_id;    /* borrowed */
    const char *region;    /* borrowed */
    struct secret *secret; /* owned */
};

/* A request as it came; everything is borrowed. */
struct verify_request {
    const char *method;
    const char *path;
    const char *query; /* "" where there is none */
    const struct sigv4_header *headers;
    size_t n_headers;
    const void *body;
    size_t body_len;
};

/* NULL where the signature holds at WALL; else the error code, and a sentence in *RET_MESSAGE. Both are static. */
const char *verify_signature(const struct verify_request *r, const struct verify_account *a, usec_t wall,
                             const char **ret_message);
