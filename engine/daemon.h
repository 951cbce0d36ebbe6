/*
 * The engine on its host: sockets, tunnels, control socket and clock around the control plane of engine/ike. Everything
 * runs on one loop; after each event what waits to be sent is sent, and the timer set to the next deadline.
 */
#pragma once

#include "base/cleanup.h"
#include "base/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct daemon;

struct daemon_config {
    const char *vici_path; /* of the control socket */
    const char *state_dir; /* holds the secret of QCD tokens; made where it is missing */
    bool allow_legacy;     /* MODP groups 2 and 5 */
    bool has_cookie_threshold;
    uint32_t cookie_threshold; /* half-open IKE_SAs from which on initiators must echo a COOKIE */
};

/* Binds, opens and makes all that needs a privilege; those that it does not need any more are dropped by the caller.
 * What fails is logged. */
int daemon_new(struct loop *l, const struct daemon_config *config, struct daemon **ret);

/* Tells the peers (DELETE). The routes of tunnels stay, unreachable, so that nothing leaves in clear. */
struct daemon *daemon_free(struct daemon *d); /* accepts NULL */
DEFINE_CLEANUP(struct daemon *, daemon_free)

/* Removes routes and rules that an engine left on the host, which must not run. */
int daemon_flush(void);
