/*
 * The one VPN connection of the simulator: its two tunnels, their options, their telemetry and the state of the
 * connection. A modification replaces the endpoint through the hook, as in AWS.
 */
#pragma once

#include "base/clock.h"
#include "base/secret.h"
#include "tests/awssim/hook.h"

#include <stdbool.h>
#include <stddef.h>

#define VPN_TUNNELS_MAX 2
#define VPN_TEXT_MAX    64

/* What AWS takes when nothing is said, and then does not tell. */
#define VPN_DPD_DEFAULT     "clear"
#define VPN_STARTUP_DEFAULT "add"

struct vpn_options {
    char dpd[VPN_TEXT_MAX];     /* clear, none, restart */
    char startup[VPN_TEXT_MAX]; /* add, start */
    unsigned dpd_seconds;       /* 0: the default */
};

struct vpn_tunnel {
    char outside[VPN_TEXT_MAX];
    char inside_aws[VPN_TEXT_MAX];
    char inside_gateway[VPN_TEXT_MAX];
    struct secret *psk; /* owned */
    struct vpn_options options;
    struct vpn_options before; /* the last modification */
    bool up;
    usec_t changed;    /* wall clock */
    bool fixed;        /* telemetry was set by a test: the endpoint is not asked */
    struct hook act;   /* apply or replace */
    struct hook watch; /* telemetry */
};

struct vpn {
    char id[VPN_TEXT_MAX];
    char gateway[VPN_TEXT_MAX]; /* outside address of the customer gateway */
    struct vpn_tunnel tunnels[VPN_TUNNELS_MAX];
    size_t n_tunnels;
    const char *hook;   /* path; borrowed; NULL: no endpoint is touched */
    usec_t modify_time; /* a modification takes at least that long */
    usec_t tell_lag;    /* DescribeVpnConnections shows a modification so much later: EC2 is eventually consistent */
    usec_t tell_from;
    usec_t watch_period; /* between two looks at an endpoint; 0: never */
    bool modifying;
    usec_t modify_until;
    usec_t next_watch;
};

void vpn_done(struct vpn *v);

/* NULL where no tunnel has that outside address. */
struct vpn_tunnel *vpn_tunnel(struct vpn *v, const char *outside);

bool vpn_dpd_is_legal(const char *text);
bool vpn_startup_is_legal(const char *text);

/* Takes OPTIONS and replaces the endpoint; the connection is `modifying` until both the time and the hook are over. */
int vpn_modify(struct vpn *v, struct vpn_tunnel *t, const struct vpn_options *options, usec_t now);

/* V as DescribeVpnConnections tells it NOW. What it points to is V's. */
struct vpn vpn_told(const struct vpn *v, usec_t now);

/* Replaces the endpoint; AWS tells nobody. HOW: "delete" or "silent". SECONDS: decimal. */
int vpn_replace(struct vpn *v, struct vpn_tunnel *t, const char *how, const char *seconds);

void vpn_set_status(struct vpn_tunnel *t, bool up, usec_t wall);

/* To be called often: collects hooks that ended, looks at the endpoints, ends modifications. */
void vpn_tick(struct vpn *v, usec_t now, usec_t wall);
