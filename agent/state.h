/*
 * What the agent holds of connections and tunnels while it runs: the pure state of judging and deciding beside the
 * probes that feed it. Internal to agent/. Everything here is owned by struct agent and lives on its loop.
 */
#pragma once

#include "agent/alerter.h"
#include "agent/api.h"
#include "agent/diagnosis.h"
#include "agent/event.h"
#include "agent/incident.h"
#include "agent/policy.h"
#include "agent/store.h"
#include "base/http.h"
#include "base/loop.h"
#include "base/map.h"
#include "clients/aws/ec2.h"
#include "conf/conf.h"
#include "probes/aws_status.h"
#include "probes/icmp.h"
#include "probes/ike_ping.h"
#include "probes/ike_sa.h"
#include "probes/tcp.h"
#include "probes/uplink.h"

#include <stdbool.h>
#include <stddef.h>

struct repair;

/* One probe target of a tunnel. */
struct target {
    struct tunnel *tunnel;
    struct window window;
    struct icmp_target *icmp; /* one of the two; NULL where it could not be made */
    struct tcp_probe *tcp;
    bool is_tcp;
    bool is_endpoint; /* the endpoint's own inside address */
};

struct tunnel {
    struct agent *agent;
    struct connection *connection;
    const struct conf_tunnel *conf; /* borrowed from the fleet's conf */
    char outside[ADDR_TEXT_MAX];
    struct target *targets; /* owned, conf->n_targets of them */
    struct ike_ping *ike_ping;
    struct loop_timer *timer; /* the one timer of a tunnel: see watch_plan() */
    usec_t due;               /* when the timer should fire; later means that we were stalled */
    usec_t last_echo, last_tcp, last_ping, last_refresh; /* 0: never */
    usec_t fast_until;          /* something happened that may bring the tunnel back: probe fast */
    usec_t ping_pending;        /* sending time of the ping that is neither answered nor late; 0 */
    usec_t connecting_id_since; /* the oldest IKE_SA that is CONNECTING was first seen */
    uint32_t connecting_id;
    uint32_t oldest_connecting; /* unique id, while a list of SAs is read */
    uint64_t sum_in, sum_out;   /* packets, while a list of SAs is read */

    struct ike_view ike;
    struct ping_view ping;
    struct aws_view aws;
    struct host_view host;
    struct verdict_state verdict;
    struct diagnosis diagnosis;
    struct incident incident;
    struct policy_state policy;
    struct decision decision;
    usec_t decided_wall; /* of the decision that is shown */

    usec_t trouble_since;                 /* suspect, or not UP, since; 0: calm */
    usec_t offline_at;                    /* the host was last seen offline from here; 0: never */
    bool known_endpoint, silent_endpoint; /* how this tunnel is counted in the agent's n_known and n_silent */
    enum action verifying;                /* carried out, and its effect is awaited; ACTION_HOLD: nothing */
    usec_t verify_since, verify_until;
    usec_t compare_at;     /* an action that disturbed left things better or worse: seen then; 0: nothing */
    bool other_was_up;     /* ... the connection's other tunnel, when it began */
    bool told;             /* people know of NOTIFIED, or it was good from the start and no news */
    enum verdict notified; /* what people were told last; kept in the store */
    enum cause told_cause; /* of the present incident, like the next */
    char told_decision[POLICY_TEXT_MAX];
};

struct connection {
    struct agent *agent;
    struct fleet *fleet;
    const struct conf_connection *conf; /* borrowed from the fleet's conf */
    struct daemon *daemon;              /* NULL: the gateway's side cannot be asked or touched */
    struct tunnel *tunnels;             /* owned, conf->n_tunnels of them */
    struct repair *repair;              /* the one action in flight; NULL */
};

/* One IKE daemon. */
struct daemon {
    struct agent *agent;
    const struct conf_ike *conf; /* borrowed from the fleet's conf */
    struct ike_sa_probe *probe;
    struct map *by_outside; /* outside address -> struct tunnel */
    enum ike_daemon_state state;
    usec_t since;
};

/* All that hangs on one configuration; a reload builds a new one and swaps. */
struct fleet {
    struct agent *agent;
    struct conf *conf; /* owned */
    struct ec2 *ec2;   /* NULL without AWS, like the next */
    struct aws_status *aws_status;
    struct daemon *daemons; /* owned */
    size_t n_daemons;
    struct connection *connections; /* owned */
    size_t n_connections;
    size_t n_known, n_silent; /* endpoints that ever answered an IKE ping, and those of them that are silent now */
};

struct agent {
    struct loop *loop; /* borrowed */
    char *config_path; /* owned, like the two below */
    char *state_dir;
    char *runtime_dir;
    struct http *http;
    struct store *store;
    struct alerter *alerter;
    struct api *api;
    struct icmp *icmp;
    struct uplink *uplink; /* NULL where netlink cannot be had */
    struct fleet *fleet;
    bool offline;        /* the host's uplink is down; people were told; kept in the store */
    bool intents_lost;   /* what a former process left open could not be read yet */
    usec_t paused_until; /* CLOCK_BOOTTIME; 0: not paused */
    usec_t started_wall;
    struct guard_past *past; /* actions of all tunnels in the last hour, for the brake */
    size_t n_past;
};

/* Whether TARGET is the endpoint's own inside address: AWS takes the first host of the /30 (/126), the gateway the
 * second. */
bool tunnel_is_endpoint(const struct addr *target, const struct addr *inside);

/* Walks all tunnels: for (T = tunnel_first(f); T; T = tunnel_next(T)). */
struct tunnel *tunnel_first(const struct fleet *f);
struct tunnel *tunnel_next(struct tunnel *t);

struct tunnel *tunnel_other(const struct tunnel *t); /* the other one of its connection; NULL where there is none */

/* "aurora-backup/1", an outside address, or the name of a connection with one watched tunnel; NULL where none fits. */
struct tunnel *tunnel_find(const struct fleet *f, const char *name);
