/*
 * The states of IKE_SAs and CHILD_SAs, with charon's names, and the changes between them that exist. One function for
 * each kind of SA changes its state (and tells why); it asserts that the change stands in the table.
 *
 *   IKE_SA   CREATED -> CONNECTING -> ESTABLISHED -> REKEYING -> REKEYED -> DELETING -> DESTROYING
 *   CHILD_SA CREATED -> INSTALLING -> INSTALLED -> REKEYING -> REKEYED -> DELETING -> DELETED
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum ike_state {
    IKE_CREATED,
    IKE_CONNECTING,
    IKE_ESTABLISHED,
    IKE_REKEYING,
    IKE_REKEYED,
    IKE_DELETING,
    IKE_DESTROYING,
};
#define IKE_STATES 7

enum child_state {
    CHILD_CREATED,
    CHILD_INSTALLING,
    CHILD_INSTALLED,
    CHILD_UPDATING, /* the peer's address changed */
    CHILD_REKEYING,
    CHILD_REKEYED,
    CHILD_DELETING,
    CHILD_DELETED, /* its inbound half lingers for packets under way */
    CHILD_DESTROYING,
};
#define CHILD_STATES 9

const char *ike_state_name(enum ike_state s);
const char *child_state_name(enum child_state s);

bool ike_state_may(enum ike_state from, enum ike_state to);
bool child_state_may(enum child_state from, enum child_state to);

/* One row of a table: what leads from a state to another, for docs/engine.md. False at the end. */
struct state_row {
    const char *from;
    const char *to;
    const char *when;
};
bool ike_state_row(size_t i, struct state_row *ret);
bool child_state_row(size_t i, struct state_row *ret);
