/*
 * The message ids of one IKE_SA (RFC 7296 2.1 to 2.3), with a window of one in each direction: our request that waits
 * for its response, and the response that the peer's retransmission gets again. What stands in a header is only
 * compared here; a window moves when the caller says that the message was verified.
 */
#pragma once

#include "engine/ike/packets.h"

#include <stdbool.h>
#include <stdint.h>

struct message_ids {
    uint32_t next;           /* message id of our next request */
    bool pending;            /* request NEXT - 1 has no response yet */
    struct packets request;  /* it, for retransmission */
    uint32_t expected;       /* message id of the peer's next request */
    struct packets response; /* ours to request EXPECTED - 1; empty where there was none yet */
};

/* What a message id means. */
enum message_id_meaning {
    MESSAGE_ID_NEW,       /* the one awaited: verify it, then message_ids_request_in() or message_ids_response_in() */
    MESSAGE_ID_REPEATED,  /* request: retransmitted, its response is at hand */
    MESSAGE_ID_OUTSIDE,   /* old, ahead, or a response that nobody awaits: dropped */
    MESSAGE_ID_EXHAUSTED, /* the ids are used up: the IKE_SA must not live on (RFC 7296 2.2) */
};

enum message_id_meaning message_ids_of_request(const struct message_ids *m, uint32_t id);
enum message_id_meaning message_ids_of_response(const struct message_ids *m, uint32_t id);

/* The peer's request EXPECTED was verified and RESPONSE answers it: taken, RESPONSE is empty afterwards. */
void message_ids_request_in(struct message_ids *m, struct packets *response);

/* Whether a request may be sent now. */
bool message_ids_idle(const struct message_ids *m);
bool message_ids_exhausted(const struct message_ids *m);

/* REQUEST goes out under the id m->next, which it bears already: taken, REQUEST is empty afterwards. */
void message_ids_request_out(struct message_ids *m, struct packets *request);

/* Its response was verified, or the attempt is given up together with the IKE_SA. */
void message_ids_response_in(struct message_ids *m);

/* IKE_SA_INIT once more, with a COOKIE or another group: still message id 0 (RFC 7296 2.6). */
void message_ids_restart(struct message_ids *m);

/* The request that went out last is not the right one: the next one has its id. */
void message_ids_repeat(struct message_ids *m);

void message_ids_done(struct message_ids *m);
