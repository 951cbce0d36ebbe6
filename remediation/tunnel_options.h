/*
 * Sets DPDTimeoutAction=restart and StartupAction=start of one tunnel, by its outside address: AWS then dials by
 * itself. Reads the connection first and sends only what differs; waits until the connection is `available` again.
 * https://docs.aws.amazon.com/vpn/latest/s2svpn/initiate-vpn-tunnels.html
 */
#pragma once

#include "base/cleanup.h"
#include "base/loop.h"
#include "clients/aws/ec2.h"
#include "remediation/outcome.h"

#define TUNNEL_OPTIONS_POLL     (5 * USEC_PER_SEC)  /* between two looks while AWS modifies */
#define TUNNEL_OPTIONS_DEADLINE (30 * USEC_PER_MIN) /* AWS's own cap of a modification */

struct tunnel_options;

/* What comes before the mutating call. */
struct tunnel_options_intent {
    struct ec2_tunnel_change change;
    enum ec2_dpd dpd_before;
    enum ec2_startup startup_before;
};

/*
 * Called after the comparison and before the call that changes: the caller stores the intention durably and then calls
 * tunnel_options_proceed() (or frees the object). Not called where nothing differs.
 */
typedef void (*tunnel_options_intend_fn)(void *data, struct tunnel_options *t, const struct tunnel_options_intent *i);

/* AWS accepted the change; it is being applied. The end comes with the done callback. */
typedef void (*tunnel_options_accepted_fn)(void *data);
typedef void (*tunnel_options_done_fn)(void *data, const struct outcome *o);

struct tunnel_options_args {
    struct ec2 *ec2;           /* borrowed */
    const char *connection_id; /* copied */
    struct addr outside;
    tunnel_options_intend_fn intend;
    tunnel_options_accepted_fn accepted; /* may be NULL */
    tunnel_options_done_fn done;
    void *data;
    usec_t poll;     /* 0: TUNNEL_OPTIONS_POLL */
    usec_t deadline; /* over all; 0: TUNNEL_OPTIONS_DEADLINE */
};

/* The callbacks come once each at most, never from within tunnel_options_start() or tunnel_options_proceed(). */
int tunnel_options_start(struct loop *l, const struct tunnel_options_args *args, struct tunnel_options **ret);
void tunnel_options_proceed(struct tunnel_options *t);
struct tunnel_options *tunnel_options_free(struct tunnel_options *t); /* accepts NULL; no callback afterwards */
DEFINE_CLEANUP(struct tunnel_options *, tunnel_options_free)

/* What has to change so that AWS dials; nothing set where all is as wanted. Pure. */
struct ec2_tunnel_change tunnel_options_diff(const struct ec2_tunnel *t);
