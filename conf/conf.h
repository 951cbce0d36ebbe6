/*
 * The configuration, as plain data. It is parsed into a new object, checked as a whole and then swapped in, so that a
 * reload that fails leaves the running one in force. Never changed once loaded. Strings and arrays are owned by the
 * conf.
 */
#pragma once

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/secret.h"

#include <stdbool.h>
#include <stddef.h>

#define CONF_FILE_MAX        (1024 * 1024) /* bytes of a configuration file */
#define CONF_CONNECTIONS_MAX 2048
#define CONF_TUNNELS_MAX     2 /* of a connection: AWS gives two */
#define CONF_TARGETS_MAX     8 /* probe targets of a tunnel */
#define CONF_IKES_MAX        16
#define CONF_ALERTS_MAX      16
#define CONF_NETWORKS_MAX    64 /* networks behind AWS, for each connection */
#define CONF_NAME_MAX        64 /* bytes of a connection, tunnel, ike or alert name */
#define CONF_ERROR_MAX       512

enum conf_mode {
    CONF_MODE_OBSERVE, /* watch, diagnose, alert; never act */
    CONF_MODE_APPROVE, /* act only when a person approves (`rekindle approve`) */
    CONF_MODE_REPAIR,  /* act within the guards */
};

enum conf_ike_type {
    CONF_IKE_VICI,
    CONF_IKE_NONE, /* the gateway cannot be touched or asked */
};

enum conf_target_kind {
    CONF_TARGET_ICMP,
    CONF_TARGET_TCP,
};

struct conf_target {
    enum conf_target_kind kind;
    char *text;       /* as written: "169.254.10.1", "tcp:10.0.1.25:3306" */
    char *host;       /* a name to resolve, for tcp only; NULL where ADDR is set */
    struct addr addr; /* with the port for tcp */
    unsigned short port;
};

struct conf_ike {
    char *name;
    enum conf_ike_type type;
    char *socket; /* path of the VICI socket; NULL for none */
};

struct conf_tunnel {
    char *name;          /* "1" */
    struct addr outside; /* the endpoint's outside address: the tunnel's key */
    struct addr inside;  /* ours; may be unset */
    struct conf_target targets[CONF_TARGETS_MAX];
    size_t n_targets;
    char *ike_connection; /* NULL: found in the daemon by the outside address */
    char *ike_child;      /* NULL likewise */
    char *psk_file;       /* NULL where not given; existence is checked */
    bool expected_down;
};

struct conf_connection {
    char *name;
    char *vpn_connection_id;    /* "vpn-…"; NULL without AWS */
    const struct conf_ike *ike; /* borrowed from the conf; NULL where none is named */
    struct conf_tunnel tunnels[CONF_TUNNELS_MAX];
    size_t n_tunnels;
};

struct conf_alert {
    char *name;
    struct secret *url; /* a webhook URL is a secret */
    char *source;       /* address or interface to send from; NULL: the kernel's choice */
};

/* Timing of probes, judging and repairing. Every value has a default in the options table. */
struct conf_timing {
    usec_t probe_interval;       /* between echoes of a healthy tunnel: 500 ms */
    usec_t suspect_interval;     /* between echoes of a suspect or down tunnel: 100 ms */
    usec_t ike_ping_interval;    /* while suspect or down: 1 s, never less */
    usec_t ike_ping_calibration; /* while up: 10 min */
    usec_t ike_poll_interval;    /* list-sas of a healthy daemon: 10 s (events come at once anyway) */
    usec_t aws_poll_interval;    /* DescribeVpnConnections while healthy: 5 min */
    usec_t aws_down_interval;    /* ... while a tunnel is down: 10 s */
    usec_t aws_repair_after;     /* DOWN for so long before tunnel options are changed: 30 s */
    usec_t settle;               /* after an action, before the next one: 10 s */
    usec_t healthy_after;        /* UP for so long closes an incident for good and resets back-off: 5 min */
    usec_t hold;                 /* between actions on the two tunnels of a connection: 60 s */
};

/* Limits of repairing. */
struct conf_limits {
    unsigned actions_per_incident; /* 10 */
    unsigned actions_per_hour;     /* over all connections, the global brake: 30 */
};

struct conf {
    enum conf_mode mode;
    char *aws_region; /* NULL: from the environment or ~/.aws/config */
    bool aws;         /* an aws section is there */
    char *listen;     /* "127.0.0.1:9469" where enabled, else NULL */
    struct conf_ike *ikes;
    size_t n_ikes;
    struct conf_connection *connections;
    size_t n_connections;
    struct conf_alert *alerts;
    size_t n_alerts;
    struct conf_timing timing;
    struct conf_limits limits;
};

/*
 * Loads PATH. On failure *RET is untouched, -EINVAL (or the errno of open) is returned, and ERROR holds every mistake
 * that was found, one a line, each "FILE:LINE: sentence and what to do", at most CONF_ERROR_MAX bytes a line.
 * Warnings (strange but legal) go the same way to WARNINGS.
 */
struct strbuf;
int conf_load(const char *path, struct conf **ret, struct strbuf *errors, struct strbuf *warnings);

/* The same for a text in memory. NAME stands for the file in what is said. TEXT is LEN bytes and NUL-ended. */
int conf_load_text(const char *name, const char *text, size_t len, struct conf **ret, struct strbuf *errors,
                   struct strbuf *warnings);

struct conf *conf_free(struct conf *c); /* accepts NULL */
DEFINE_CLEANUP(struct conf *, conf_free)

const char *conf_mode_name(enum conf_mode mode); /* "observe" */

/* Writes a commented sample file with every option, its default and its meaning. */
void conf_sample(struct strbuf *out);
