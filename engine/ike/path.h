/*
 * What the control plane asks of the data path: a table of functions given at creation. A CHILD_SA is known there by
 * its unique id. None of the functions may call back into the engine; they return at once.
 */
#pragma once

#include "base/addr.h"
#include "engine/crypto/keymat.h"
#include "engine/esp/sa.h"
#include "engine/ike/conf.h"
#include "engine/ike/proposals.h"

struct path_child {
    uint32_t unique;
    struct ike_conf *ike;          /* borrowed; take a reference to keep it */
    const struct child_conf *conf; /* of IKE */
    uint32_t spi_in, spi_out;      /* host order */
    struct suite suite;
    bool initiator;                /* of the exchange that made the keys: whose half of KEYS is ours */
    const struct child_keys *keys; /* borrowed during the call */
    struct addr local, remote;     /* outside, with the ports of UDP encapsulation */
    bool encap;                    /* ESP in UDP (RFC 3948) */
    const struct selectors *local_ts, *remote_ts;
};

struct path_usage {
    struct esp_counters in, out;
    usec_t last_in, last_out; /* 0: never */
};

struct path_ops {
    /* A connection was loaded, or replaced: its tunnels exist from now on, closed, so that nothing leaves in clear. An
     * error refuses it. CONF_UNLOAD: they go once no CHILD_SA of theirs is left. */
    int (*conf_load)(void *data, struct ike_conf *ike);
    void (*conf_unload)(void *data, const char *ike);
    /* Receives with the new CHILD_SA from now on; does not send with it yet. */
    int (*child_install)(void *data, const struct path_child *child);
    /* Sends with it instead of with any other of the same child configuration; opens the tunnel. */
    void (*child_use)(void *data, uint32_t unique);
    /* The outside addresses or encapsulation changed. */
    void (*child_update)(void *data, uint32_t unique, const struct addr *local, const struct addr *remote, bool encap);
    /* Wipes it. The tunnel closes where no other CHILD_SA of the configuration is in use. */
    void (*child_remove)(void *data, uint32_t unique);
    bool (*child_usage)(void *data, uint32_t unique, struct path_usage *ret); /* false: not installed */
    /* A packet to the closed tunnel calls engine_acquire(). */
    int (*trap_install)(void *data, struct ike_conf *ike, const struct child_conf *conf);
    void (*trap_remove)(void *data, const char *ike, const char *child);
};
