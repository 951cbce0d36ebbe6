/* From the daemon's list of SAs to the views of its tunnels. Pure but for the tunnels it fills. */
#pragma once

#include "agent/state.h"

/* Fills the ike view of every tunnel of D from what its probe knows NOW. */
void ike_view_update(struct daemon *d, usec_t now);

/* The view of one tunnel that no daemon speaks for. */
void ike_view_absent(struct ike_view *v);
