/*
 * The message ids of one IKE_SA (RFC 7296 2.1 to 2.3), with a window of one in each direction: our request that waits
 * for its response, and the response that the peer's retransmission gets again. What stands in a header is only
 * compared here; a window moves when the caller says that the message was verified.
 */
#pragma once

#include "engine/ike/packets.h"

#include <stdbool.h>
#include <stdint.h>

struct window {
    uint32_t next;           /* message id of our next request */
    bool pending;            /* request NEXT - 1 has no response yet */
    struct packets request;  /* it, for retransmission */
    uint32_t expected;       /* message id of the peer's next request */
    struct packets response; /* ours to request EXPECTED - 1; empty where there was none yet */
};

/* What a message id means. */
enum window_meaning {
    WINDOW_NEW,       /* the one awaited: verify it, then window_request_in() or window_response_in() */
    WINDOW_REPEATED,  /* request: retransmitted, its response is at hand */
    WINDOW_OUTSIDE,   /* old, ahead, or a response that nobody awaits: dropped */
    WINDOW_EXHAUSTED, /* the ids are used up: the IKE_SA must not live on (RFC 7296 2.2) */
};

enum window_meaning window_of_request(const struct window *w, uint32_t id);
enum window_meaning window_of_response(const struct window *w, uint32_t id);

/* The peer's request EXPECTED was verified and RESPONSE answers it: taken, RESPONSE is empty afterwards. */
void window_request_in(struct window *w, struct packets *response);

/* Whether a request may be sent now. */
bool window_idle(const struct window *w);
bool window_exhausted(const struct window *w);

/* REQUEST goes out under the id w->next, which it bears already: taken, REQUEST is empty afterwards. */
void window_request_out(struct window *w, struct packets *request);

/* Its response was verified, or the attempt is given up together with the IKE_SA. */
void window_response_in(struct window *w);

/* IKE_SA_INIT once more, with a COOKIE or another group: still message id 0 (RFC 7296 2.6). */
void window_restart(struct window *w);

void window_done(struct window *w);
