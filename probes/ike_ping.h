/*
 * IKE ping: an IKE_SA_INIT request (RFC 7296 1.2, 3.1) with a proposal that nobody accepts, so that a responder answers
 * NO_PROPOSAL_CHOSEN (or INVALID_KE_PAYLOAD, or COOKIE) and keeps no state. Tells "the endpoint is gone" from "the
 * endpoint is there and nobody initiates". Sent from a port of its own to UDP 500, and to UDP 4500 behind the non-ESP
 * marker (RFC 3948 2.2) where asked. Any well-formed IKE answer with our SPI counts.
 */
#pragma once

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "probes/sample.h"

#include <stdint.h>

#define IKE_PING_OUTSTANDING_MAX 32
#define IKE_PING_PORT 500
#define IKE_PING_NATT_PORT 4500

struct ike_ping;

/*
 * An answer came: SENT is the time of the request, RTT the round-trip, NOTIFY the notify type of the answer (14:
 * NO_PROPOSAL_CHOSEN, 17: INVALID_KE_PAYLOAD, 16390: COOKIE), or 0 where it had none.
 */
typedef void (*ike_ping_reply_fn)(void *data, usec_t sent, usec_t rtt, uint16_t notify);

/* OUTSIDE is the endpoint's address (its port is ignored); PORT is IKE_PING_PORT or IKE_PING_NATT_PORT. */
int ike_ping_new(struct loop *l, const struct addr *outside, uint16_t port, ike_ping_reply_fn fn, void *data,
                 struct ike_ping **ret);
struct ike_ping *ike_ping_free(struct ike_ping *p); /* accepts NULL */
DEFINE_CLEANUP(struct ike_ping *, ike_ping_free)

/* Sends one request NOW; 0 or -errno (the measurement FAILED). The caller keeps to one a second at most. */
int ike_ping_send(struct ike_ping *p, usec_t now);
