/*
 * Attempts that cross: both sides made an IKE_SA of the same connection at once, and there are two. The RFC lets both
 * stand; then each side may use, rekey and delete another one for ever. One is enough: that which the side with the
 * lower identity began stays, on both sides, once it has proven alive; the other one is deleted by the side that began
 * it, a bit later by the other side, whose peer may not know of this rule.
 */
#pragma once

#include "engine/ike/core.h"

/* Whether the attempts to make OLD and SA, which was authenticated just now, overlapped in time, one of each side. Then
 * an INITIAL_CONTACT of one says nothing about the other (RFC 7296 2.4). */
bool crossed(const struct ike_sa *old, const struct ike_sa *sa);

/* One of the two is to go; it has crossed_at from now on. */
void crossed_settle(struct ike_sa *old, struct ike_sa *sa, usec_t now);

/*
 * SA lost and is to be deleted. 0: it may go, and what only it had is asked of the other one; -EAGAIN: the other one
 * has not proven alive, asked again at *RET; -ECANCELED: there is no other one any more, SA stays.
 */
int crossed_leave(struct ike_sa *sa, usec_t now, usec_t *ret);
