/*
 * What time does to an established IKE_SA and its CHILD_SAs: rekeying, reauthentication, the end of a life, DPD,
 * inactivity, the lingering of what was deleted. engine.c calls life_tick() at life_next() and after input.
 */
#pragma once

#include "engine/ike/sa.h"

usec_t life_next(const struct ike_sa *sa);
void life_tick(struct ike_sa *sa, usec_t now); /* queues tasks, destroys; SA may be IKE_DESTROYING afterwards */

/* Sets the times of what has become established or installed, with jitter of `rand_time`. */
void life_of_ike(struct ike_sa *sa, usec_t now);
void life_of_child(struct child_sa *c, usec_t now);

/* A CHILD_SA used up its bytes or packets: rekeyed; at the HARD limit it cannot go on. */
void life_limit(struct child_sa *c, bool hard, usec_t now);

/* Reauthentication: break before make, as charon does by default: the IKE_SA is deleted, then a new one is made for
 * the CHILD_SAs that it had. */
void life_reauth(struct ike_sa *sa, const char *reason, usec_t now);

/* A pause before something is tried again, which the peer refused for now (RFC 7296 2.25): jittered, longer with
 * TRIES. */
usec_t life_pause(const struct ike_sa *sa, unsigned tries);

/* Pure: the soft limit minus a random part: REKEY - RANDOM * X / 2^32; 0 stays 0. */
uint64_t life_jitter(uint64_t rekey, uint64_t random, uint32_t x);
