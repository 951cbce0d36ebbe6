/* The replay window of an inbound ESP SA (RFC 4303 3.4.3, appendix A), with extended sequence numbers. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define REPLAY_WINDOW_MIN 32   /* packets; RFC 4303 3.4.3 */
#define REPLAY_WINDOW_MAX 4096 /* packets */

/* Zeroed and with SIZE set, nothing was received yet. */
struct replay {
    uint32_t size; /* 0: off; else REPLAY_WINDOW_MIN to REPLAY_WINDOW_MAX */
    bool esn;
    uint64_t last; /* highest number that was received; 0: none */
    uint64_t seen[REPLAY_WINDOW_MAX / 64 + 1];
};

/*
 * Whether the packet with SEQ on the wire may be new; *RET is its whole number, which the ICV covers with ESN. False:
 * it was seen or is older than the window (or 0, or past the last number). A window that is off takes all that can be.
 * Changes nothing: anybody may send it.
 */
bool replay_check(const struct replay *r, uint32_t seq, uint64_t *ret);

/* The packet was verified: it counts as seen. */
void replay_mark(struct replay *r, uint64_t seq);
