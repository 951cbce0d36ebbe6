/* MOBIKE as responder (RFC 4555): the peer moves, we follow. */
#pragma once

#include "engine/ike/core.h"

/* A request of a peer that can MOBIKE: UPDATE_SA_ADDRESSES, COOKIE2, NAT detection; writes what the response has. */
void mobike_respond(struct ike_sa *sa, const struct message *in, struct chain_writer *cw, usec_t now);
