/* Private to engine/io/path: its tables, and what its files share. */
#pragma once

#include "engine/esp/inner.h"
#include "engine/io/path.h"
#include "engine/io/raw_esp.h"
#include "engine/io/tunnel.h"

#define PATH_BUCKETS 4096 /* of each hash table of CHILD_SAs */

/* A tunnel as a child configuration wants it. */
struct path_layout {
    uint32_t mtu;
    struct network addresses[TUNNEL_ADDRESSES_MAX];
    size_t n_addresses;
    struct network networks[TUNNEL_NETWORKS_MAX];
    size_t n_networks;
    bool dynamic;               /* a CHILD_SA's remote selectors tell further networks */
    bool unrouted;              /* remote_ts has all addresses, which no route was made of */
    struct selectors local_ts;  /* as configured, without the dynamic ones: */
    struct selectors remote_ts; /* what may hit a trap */
    bool any_local, any_remote; /* there was a dynamic one */
};

/* -ENOSPC where there are more addresses or networks than a tunnel holds. */
int path_layout_read(const struct ike_conf *ike, const struct child_conf *child, struct path_layout *ret);
/* Whether the device and the routes are the same. */
bool path_layout_equal(const struct path_layout *a, const struct path_layout *b);
/* The networks that make up the ranges of SS are appended to the *N at TO. All addresses of a family make none: what a
 * route-based tunnel is for others decide, and a default route into it would cut the host off. -ENOSPC */
int path_networks(const struct selectors *ss, struct network *to, size_t max, size_t *n);
/* An address of the host of FAMILY that is within SS: those of the tunnel first. Unset where there is none, or where SS
 * leaves it to the host. */
struct addr path_source(struct route *route, const struct path_layout *l, const struct selectors *ss, int family);

/* The tunnel of a child configuration. */
struct path_tunnel {
    struct path *path; /* borrowed: the owner */
    char ike[CONF_NAME_MAX], child[CONF_NAME_MAX];
    struct path_layout layout;
    struct tunnel *tunnel; /* owned; NULL before its configuration was loaded whole */
    struct tunnel *old;    /* owned, closed: replaced in this turn */
    uint32_t metric;
    bool loaded;
    bool trapped;
    usec_t next_acquire;
    struct path_sa *used; /* borrowed; the one used last is first */
    size_t n_sas;         /* used or not */
    /* while a configuration is loaded */
    bool pending;
    struct tunnel *next; /* owned; NULL: nothing changes */
    struct path_layout next_layout;
    struct path_tunnel *next_dead;
};

struct path_sa { /* a CHILD_SA */
    uint32_t unique;
    struct path_tunnel *tunnel; /* borrowed */
    struct esp_sa *in, *out;    /* owned */
    struct selectors local_ts, remote_ts;
    struct addr local, remote;
    bool encap, copy_ecn;
    bool used;
    uint64_t soft_bytes, soft_packets, hard_bytes, hard_packets; /* 0: none */
    bool soft_told, hard_told;
    usec_t last_in, last_out;
    struct path_sa *next_by_spi, *next_by_unique, *next_used;
};

struct path {
    struct path_config config;
    struct raw_esp *raw; /* owned; NULL: not allowed */
    struct path_tunnel *tunnels[PATH_TUNNELS_MAX];
    size_t n_tunnels;
    struct path_tunnel *dead;  /* their devices may be in use in this turn */
    struct loop_timer *reaper; /* owned */
    struct path_sa *by_spi[PATH_BUCKETS], *by_unique[PATH_BUCKETS];
    size_t n_sas;
    usec_t next_invalid_spi;
    uint8_t in[ESP_PACKET_MAX], out[ESP_PACKET_MAX];
};

struct path_sa *path_find_spi(const struct path *p, uint32_t spi); /* NULL */

/* path_conf.c */
int path_conf_load(struct path *p, const struct ike_conf *ike);
void path_conf_unload(struct path *p, const char *ike);
struct path_tunnel *path_tunnel_find(const struct path *p, const char *ike, const char *child);
/* Found, or made for a CHILD_SA whose configuration was unloaded meanwhile. */
int path_tunnel_of(struct path *p, const struct ike_conf *ike, const struct child_conf *child,
                   struct path_tunnel **ret);
int path_tunnel_add_networks(struct path_tunnel *t, const struct selectors *ss); /* what a CHILD_SA tells. -ENOSPC */
void path_tunnel_refresh(struct path_tunnel *t);                                 /* opens or closes it */
void path_tunnel_release(struct path_tunnel *t); /* frees it, later, where nobody needs it any more */
/* Of the tunnels of IKE, NULL: of all. -ENOMEM */
int path_tunnels_networks(const struct path *p, const char *ike, struct network **ret, size_t *ret_n);
void path_bury(struct path *p); /* frees what is dead */
void path_tunnels_free(struct path *p);

/* path_packet.c */
void path_outbound(struct path_tunnel *t, const uint8_t *packet, size_t len);
void path_inbound(struct path *p, const struct datagram *from, const uint8_t *packet, size_t len);
