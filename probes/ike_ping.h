/*
 * IKE ping: an IKE_SA_INIT request (RFC 7296 1.2, 3.1) with a proposal that nobody accepts, so that a responder answers
 * NO_PROPOSAL_CHOSEN (or INVALID_KE_PAYLOAD, or COOKIE) and keeps no state. Tells "the endpoint is gone" from "the
 * endpoint is there and nobody initiates". Sent from a port of its own to UDP 500, and to UDP 4500 behind the non-ESP
 * marker (RFC 3948 2.2) where asked. Any well-formed IKE answer with our SPI counts; an ICMP error is none.
 */
#pragma once

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/loop.h"

#include <stddef.h>
#include <stdint.h>

#define IKE_PING_OUTSTANDING_MAX 32   /* older pings can no longer be answered */
#define IKE_PING_REQUEST_MAX     256  /* bytes */
#define IKE_PING_ANSWER_MAX      2048 /* a longer datagram is no answer to what we ask */
#define IKE_PING_PORT            500
#define IKE_PING_NATT_PORT       4500

struct ike_ping;

/*
 * An answer came: SENT is the time of the request, RTT the round-trip, NOTIFY the notify type of the answer (14:
 * NO_PROPOSAL_CHOSEN, 17: INVALID_KE_PAYLOAD, 16390: COOKIE), or 0 where it had none. Comes at most once for a request,
 * and may come long after it.
 */
typedef void (*ike_ping_reply_fn)(void *data, usec_t sent, usec_t rtt, uint16_t notify);

/*
 * OUTSIDE is the endpoint's address (its port is ignored); PORT is IKE_PING_PORT, or IKE_PING_NATT_PORT, which alone
 * speaks with the marker. Needs no route yet: the kernel chooses the source address anew for each request.
 */
int ike_ping_new(struct loop *l, const struct addr *outside, uint16_t port, ike_ping_reply_fn fn, void *data,
                 struct ike_ping **ret);
struct ike_ping *ike_ping_free(struct ike_ping *p); /* accepts NULL; may be called from the callback */
DEFINE_CLEANUP(struct ike_ping *, ike_ping_free)

void ike_ping_set_data(struct ike_ping *p, void *data); /* the callback is given it from now on */

/* Sends one request NOW; 0 or -errno (the measurement FAILED). The caller keeps to one a second at most. */
int ike_ping_send(struct ike_ping *p, usec_t now);

struct ike_ping_answer {
    uint64_t spi; /* the initiator's: ours, if it answers us */
    uint16_t notify;
};

/* Pure: writes a request with initiator SPI to BUF, without marker, and returns its length. */
size_t ike_ping_request(uint64_t spi, uint8_t buf[static IKE_PING_REQUEST_MAX]);

/* Pure: reads a whole answer to an IKE_SA_INIT request, without marker. -EBADMSG where it is none. */
int ike_ping_parse(const void *data, size_t len, struct ike_ping_answer *ret);
