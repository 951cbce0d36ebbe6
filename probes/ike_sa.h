/*
 * What the local IKE daemon says of its SAs, over VICI: polled with list-sas and told at once by ike-updown,
 * child-updown, ike-rekey and child-rekey events, after which only the affected view is asked for again. Measures; does
 * not judge. One of these for each daemon (`ike` section), shared by all tunnels that use it.
 */
#pragma once

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "clients/vici/client.h"
#include "clients/vici/sas.h"

struct ike_sa_probe;

enum ike_daemon_state {
    IKE_DAEMON_UNKNOWN, /* not asked yet, or the answer is of no use */
    IKE_DAEMON_OK,      /* answered within its deadline */
    IKE_DAEMON_DEAD,    /* no socket, or the connection is refused */
    IKE_DAEMON_HUNG,    /* accepts (or has a full backlog) and does not answer within the deadline */
    IKE_DAEMON_DENIED,  /* we may not open the socket */
};

/* The daemon's state or its list of SAs was read anew; both getters below have the news. */
typedef void (*ike_sa_news_fn)(void *data, struct ike_sa_probe *p);

int ike_sa_probe_new(struct loop *l, const char *socket, usec_t poll_interval, ike_sa_news_fn fn, void *data,
                     struct ike_sa_probe **ret);
struct ike_sa_probe *ike_sa_probe_free(struct ike_sa_probe *p); /* accepts NULL */
DEFINE_CLEANUP(struct ike_sa_probe *, ike_sa_probe_free)

enum ike_daemon_state ike_sa_probe_daemon(const struct ike_sa_probe *p);
usec_t ike_sa_probe_when(const struct ike_sa_probe *p);         /* of the last good answer; 0 before the first */
usec_t ike_sa_probe_rtt(const struct ike_sa_probe *p);          /* how long the daemon took for it */
const char *ike_sa_probe_version(const struct ike_sa_probe *p); /* "charon-systemd 5.9.8", "" where unknown */

/* Borrowed until the next news. Empty before the first answer. */
const struct vici_sas *ike_sa_probe_sas(const struct ike_sa_probe *p);
const struct vici_conns *ike_sa_probe_conns(const struct ike_sa_probe *p);

/* Asks again now (an action was taken, a tunnel became suspect). Coalesced with a request that is under way. */
void ike_sa_probe_refresh(struct ike_sa_probe *p);

const char *ike_daemon_state_name(enum ike_daemon_state s);
