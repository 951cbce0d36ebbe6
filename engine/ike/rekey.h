/* Rekeying (RFC 7296 1.3.2, 1.3.3, 2.8), and what others must know of two rekeyings that cross (2.8.1, 2.8.2, 2.25). */
#pragma once

#include "engine/ike/create_parts.h"

#define REKEY_CONFIRM USEC_PER_SEC /* between looks whether the peer has ended its rekeying */

/* Responder ------------------------------------------------------------------------------------------------------- */
void rekey_child_respond(struct ike_sa *sa, const struct create_wish *w, const struct notify_payload *rekey,
                         struct chain_writer *cw, usec_t now);
void rekey_ike_respond(struct ike_sa *sa, const struct chain *request, const struct create_wish *w,
                       struct chain_writer *cw, usec_t now);

/* The CHILD_SA that the peer made in place of C while our rekeying of C is out; NULL. */
struct child_sa *rekey_child_rival(const struct child_sa *c);

/* C came out of a rekeying of the peer's that it has not ended by its DELETE: whether it has our answer we do not know,
 * so that nothing is begun on C yet. */
bool rekey_child_unconfirmed(const struct child_sa *c);

/* The peer has decided while our rekeying of SA is out: where it rekeyed SA too, its new IKE_SA takes over. */
void rekey_ike_adopt_rival(struct ike_sa *sa, usec_t now);

/*
 * The peer begins an exchange on SA, which is not the DELETE of it: where SA came out of the peer's rekeying and ours
 * of the same IKE_SA is still out, it has taken SA as the one that stays.
 */
void rekey_ike_peer_uses(struct ike_sa *sa, usec_t now);

/* That is not known yet: nothing is begun on SA. */
bool rekey_ike_undecided(const struct ike_sa *sa);

/* The peer deletes SA: it may have lost such a collision, then it is no end of anything. */
void rekey_ike_taken_back(struct ike_sa *sa);
