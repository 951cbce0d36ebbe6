/*
 * The EC2 Query API (Version 2016-11-15) as far as VPN needs it: requests signed with SigV4, answers read with expat,
 * errors mapped to what can be done about them. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/
 */
#pragma once

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/http.h"
#include "base/loop.h"
#include "clients/aws/error.h"

#include <stdbool.h>
#include <stddef.h>

#define EC2_ANSWER_MAX      (8 * 1024 * 1024)
#define EC2_CONNECTIONS_MAX 256 /* in one answer: five times the quota of a region */
#define EC2_TUNNELS_MAX     2
#define EC2_TEXT_MAX        256
#define EC2_ID_MAX          64

struct ec2;

/* AWS omits an option that stands at its default, the first of each. */
enum ec2_dpd {
    EC2_DPD_CLEAR,
    EC2_DPD_NONE,
    EC2_DPD_RESTART,
};

enum ec2_startup {
    EC2_STARTUP_ADD,
    EC2_STARTUP_START,
};

enum ec2_state {
    EC2_STATE_UNKNOWN,
    EC2_STATE_PENDING,
    EC2_STATE_AVAILABLE,
    EC2_STATE_MODIFYING, /* undocumented, and real */
    EC2_STATE_DELETING,
    EC2_STATE_DELETED,
};

struct ec2_telemetry {
    bool known;
    bool up;                    /* status: for BGP it is DOWN although IPsec is up while BGP is down */
    bool ipsec_up;              /* ... and this tells the two apart */
    char message[EC2_TEXT_MAX]; /* "IPSEC IS UP", "2 BGP ROUTES" */
    usec_t last_change;         /* wall clock; 0 where missing */
    unsigned accepted_routes;
};

struct ec2_tunnel {
    struct addr outside;          /* the key: never an index */
    char inside_cidr[EC2_ID_MAX]; /* "169.254.10.0/30" or "" */
    enum ec2_dpd dpd_action;
    enum ec2_startup startup_action;
    unsigned dpd_timeout;           /* seconds; 0 where omitted (default) */
    bool ikev2_allowed;             /* ikeVersionSet is absent or holds ikev2 */
    struct ec2_telemetry telemetry; /* joined by outside address */
};

struct ec2_connection {
    char id[EC2_ID_MAX];
    enum ec2_state state;
    char customer_gateway_id[EC2_ID_MAX];
    bool static_routes_only;
    struct ec2_tunnel tunnels[EC2_TUNNELS_MAX];
    size_t n_tunnels;
};

struct ec2_connections {
    struct ec2_connection *connections; /* owned by who is given the struct, or borrowed in a callback */
    size_t n;
};

/* E->error is AWS_OK or C is NULL. Both are borrowed for the time of the callback. Never from within the call. */
typedef void (*ec2_describe_fn)(void *data, const struct aws_failure *e, const struct ec2_connections *c);
typedef void (*ec2_modify_fn)(void *data, const struct aws_failure *e, const struct ec2_connection *c);

/*
 * REGION may be NULL: taken from AWS_REGION, AWS_DEFAULT_REGION or the profile; -ENOENT where none of them tells one,
 * -EINVAL where it is no name of a region. Credentials and endpoint are looked up at each call; where there are none,
 * the callback is told so.
 */
int ec2_new(struct loop *l, struct http *h, const char *region, struct ec2 **ret);
struct ec2 *ec2_free(struct ec2 *e); /* no callbacks afterwards; accepts NULL */
DEFINE_CLEANUP(struct ec2 *, ec2_free)

/* DescribeVpnConnections for N ids (0: all). Throttling, skew and transient errors are retried within, up to 3 tries.
 */
int ec2_describe_vpn_connections(struct ec2 *e, const char *const *ids, size_t n, ec2_describe_fn fn, void *data);

/* Forgets all calls that were made with DATA: their callbacks are not called. What was sent stays sent. */
void ec2_cancel(struct ec2 *e, const void *data);

/* What to send: only what is set. */
struct ec2_tunnel_change {
    bool set_dpd_action;
    enum ec2_dpd dpd_action;
    bool set_startup_action;
    enum ec2_startup startup_action;
};

/*
 * ModifyVpnTunnelOptions for the tunnel with this outside address. Interrupts that tunnel for minutes. Is sent once and
 * never repeated here, except where AWS surely did not act on it (throttled, clock skew): the caller reads AWS
 * before he asks again. With DRY_RUN nothing changes, AWS_OK means that it would have been allowed, and C is NULL.
 */
int ec2_modify_vpn_tunnel_options(struct ec2 *e, const char *connection_id, const struct addr *outside,
                                  const struct ec2_tunnel_change *change, bool dry_run, ec2_modify_fn fn, void *data);

const char *ec2_state_name(enum ec2_state s);
const char *ec2_dpd_name(enum ec2_dpd a);         /* "clear" */
const char *ec2_startup_name(enum ec2_startup a); /* "add" */
