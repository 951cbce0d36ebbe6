/*
 * The configuration of a connection, as load-conn brought it (swanctl.conf(5) has its keys and their defaults).
 * Immutable once it is loaded: IKE_SAs hold a reference, so that a reload does not change what is under way. Times are
 * microseconds, 0 means never or off.
 */
#pragma once

#include "base/clock.h"
#include "engine/crypto/trust.h"
#include "engine/ike/identity.h"
#include "engine/ike/selectors.h"
#include "engine/wire/proposal.h"

#define CONF_NAME_MAX     128 /* with the NUL; of a connection or a child */
#define CONF_CHILDREN_MAX 32  /* of a connection */
#define CONF_ADDRS_MAX    16
#define CONF_CERTS_MAX    8
#define CONF_NETWORKS_MAX 64

enum conf_auth {
    CONF_AUTH_PSK,
    CONF_AUTH_PUBKEY,
};

#define CONF_KEY(kind) (1U << (kind)) /* of enum pkey_kind */

/* How one side shows who it is: `local` and `remote` of swanctl.conf, one round. */
struct conf_side {
    enum conf_auth auth;
    struct identity id; /* %any: of ours the address or the certificate's subject, of the peer's anybody */
    unsigned hashes;    /* SIGN_HASH() bits that `auth` allows (ike:pubkey-sha384...); 0: all */
    unsigned keys;      /* CONF_KEY() bits that `auth` allows (rsa, ecdsa); 0: all */
    unsigned key_bits;  /* their least size (rsa-3072); 0: any */
    struct cert *certs[CONF_CERTS_MAX]; /* owned references; ours to show, or the only ones of the peer's to accept */
    size_t n_certs;
    struct cert *cas[CONF_CERTS_MAX]; /* owned references; remote: one of them must be in the chain */
    size_t n_cas;
    enum trust_revocation revocation;
};

/* An address, a network, or anything (%any), of local_addrs and remote_addrs. */
struct conf_addr {
    struct addr addr; /* not set: %any */
    uint8_t bits;     /* of the prefix; 32 or 128 for a host */
};

enum conf_action { /* start_action, close_action, dpd_action as bits; 0: none (or clear) */
                   CONF_ACTION_TRAP = 1,
                   CONF_ACTION_START = 2, /* or restart */
};

enum conf_fragmentation { /* RFC 7383 */
                          CONF_FRAGMENTATION_NO,
                          CONF_FRAGMENTATION_ACCEPT,
                          CONF_FRAGMENTATION_YES,
                          CONF_FRAGMENTATION_FORCE,
};

enum conf_childless { /* RFC 6023 */
                      CONF_CHILDLESS_ALLOW,
                      CONF_CHILDLESS_PREFER,
                      CONF_CHILDLESS_FORCE,
                      CONF_CHILDLESS_NEVER,
};

enum conf_unique {
    CONF_UNIQUE_NO,
    CONF_UNIQUE_NEVER,
    CONF_UNIQUE_KEEP,
    CONF_UNIQUE_REPLACE,
};

enum conf_send_cert {
    CONF_SEND_CERT_IFASKED,
    CONF_SEND_CERT_ALWAYS,
    CONF_SEND_CERT_NEVER,
};

struct conf_limit {               /* soft and hard limit of a CHILD_SA; rekeying starts at rekey minus up to random */
    uint64_t rekey, life, random; /* microseconds, bytes or packets; 0: none */
};

struct child_conf {
    char name[CONF_NAME_MAX];
    struct proposals proposals; /* of ESP, with the groups that rekeying uses */
    struct selectors_conf local_ts, remote_ts;
    struct conf_limit time, bytes, packets;
    unsigned start_action, close_action, dpd_action; /* enum conf_action bits */
    uint32_t replay_window;                          /* packets: 0, or 32 to ESP's maximum */
    usec_t inactivity;
    uint32_t reqid; /* 0: given by the engine */
    bool copy_ecn;
    uint32_t mtu;         /* of the TUN device; 0: worked out */
    struct network_conf { /* ours, beyond swanctl.conf(5) */
        struct addr addr;
        uint8_t bits;
    } inside[CONF_ADDRS_MAX],        /* `inside_addrs`: addresses of the TUN device */
        networks[CONF_NETWORKS_MAX]; /* `networks`: what is routed into it; none: remote_ts */
    size_t n_inside, n_networks;
};

struct ike_conf {
    unsigned refs;
    char name[CONF_NAME_MAX];
    struct conf_addr local_addrs[CONF_ADDRS_MAX], remote_addrs[CONF_ADDRS_MAX];
    size_t n_local_addrs, n_remote_addrs;
    uint16_t local_port, remote_port; /* 500 unless given; whatever it is, one other than 500 is asked from 4500 */
    struct proposals proposals;
    struct conf_side local, remote;
    enum conf_fragmentation fragmentation;
    enum conf_childless childless;
    enum conf_unique unique;
    enum conf_send_cert send_cert;
    bool send_certreq;
    bool mobike; /* taken as responder: the peer's UPDATE_SA_ADDRESSES */
    bool encap;  /* forced UDP encapsulation */
    usec_t dpd_delay, dpd_timeout;
    unsigned keyingtries; /* 0: for ever */
    usec_t rekey_time, reauth_time, over_time, rand_time;
    bool has_ppk; /* RFC 8784 */
    bool ppk_required;
    struct identity ppk_id;
    struct child_conf *children; /* owned, sorted by nothing: as they came */
    size_t n_children;
};

struct ike_conf *ike_conf_new(void); /* one reference and the defaults of swanctl.conf(5), no child; NULL: no memory */
struct ike_conf *ike_conf_ref(struct ike_conf *c);
struct ike_conf *ike_conf_unref(struct ike_conf *c); /* accepts NULL; returns NULL */
DEFINE_CLEANUP(struct ike_conf *, ike_conf_unref)

/* A child with the defaults, borrowed until the next one is added. -ENOSPC at CONF_CHILDREN_MAX, -ENOMEM. */
int ike_conf_add_child(struct ike_conf *c, struct child_conf **ret);
const struct child_conf *ike_conf_child(const struct ike_conf *c, const char *name); /* NULL */

/* Whether S may be shown, or may show itself, with K. */
bool conf_side_allows_key(const struct conf_side *s, const struct pkey *k);

/* How well C fits a peer at REMOTE that talks to LOCAL: 0 not at all; exact addresses count more than networks, those
 * more than %any. */
unsigned ike_conf_match(const struct ike_conf *c, const struct addr *local, const struct addr *remote);
