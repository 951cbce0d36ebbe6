/* The end of CHILD_SAs and IKE_SAs, whoever asks for it (RFC 7296 1.4.1, 2.25): tasks, the peer's requests, and after.
 */
#pragma once

#include "engine/ike/core.h"

#define DELETE_LINGER (5 * USEC_PER_SEC) /* inbound half of a CHILD_SA that was replaced: for packets under way */
#define DELETE_WAIT                                                                                                    \
    (180 * USEC_PER_SEC) /* for the peer's DELETE of what it rekeyed: its retransmissions have ended by then */

/* Both sides have closed C: it goes at once, or lingers where another one has taken its place and is used then. */
void delete_child_ended(struct child_sa *c, const char *reason, usec_t now);

/* The peer deletes C. Whether our SPI belongs in the answer (RFC 7296 1.4.1). Its close action follows. */
bool delete_child_by_peer(struct child_sa *c, usec_t now);

/* Our own deletion of SA is over; what is to be begun anew is. */
void delete_ike_ended(struct ike_sa *sa, const char *reason, usec_t now);

/* The peer deletes SA, or calls it failed; close actions follow. */
void delete_ike_by_peer(struct ike_sa *sa, const char *reason, usec_t now);
