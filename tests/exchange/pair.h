/*
 * Two engines in one process over a simulated network, with a clock that is moved by hand: no socket, no sleep.
 * Datagrams may be lost, doubled, delayed and reordered, all by a seed. What the engines do to their data paths is
 * recorded, and a packet can be sent through them.
 */
#pragma once

#include "engine/ike/core.h"
#include "engine/ike/engine.h"
#include "engine/ike/task.h"

#define PAIR_A           0
#define PAIR_B           1
#define PAIR_NET_MAX     65536 /* datagrams under way */
#define PAIR_CHILDREN    4096  /* CHILD_SAs that a data path may see in a test */
#define PAIR_EVENTS_MAX  65536
#define PAIR_TICKETS_MAX 1024
#define PAIR_WALL        INT64_C(1764000000) /* seconds of the wall clock when it begins */
#define PAIR_PSK         "the test's own key"

struct pair;

struct pair_net {
    unsigned loss, twice; /* of a hundred datagrams */
    usec_t delay, jitter; /* DELAY and up to JITTER more */
};

struct pair_child { /* of a data path */
    uint32_t unique, spi_in, spi_out;
    bool installed, used;
    uint64_t order; /* of the last use; 0: never */
    bool initiator;
    char conf[CONF_NAME_MAX];
    struct child_keys keys;
    struct suite suite;
    struct path_usage usage;
    struct addr local, remote;
    bool encap;
};

struct pair_event {
    enum engine_event_type type;
    uint32_t ike, child, new_ike, new_child;
    enum ike_state ike_state;
    enum child_state child_state;
    enum task_kind task; /* what is under way: ours, or what the peer asks for */
    bool asked;          /* the peer */
};

struct pair_node {
    struct pair *pair;
    struct engine *engine;
    struct creds *creds;
    struct addr addr;
    void (*change)(int node, struct engine_settings *s);
    struct pair_child *children; /* owned */
    size_t n_children;
    uint64_t last_order;
    struct pair_event *events; /* owned */
    size_t n_events;
    char done[PAIR_TICKETS_MAX][128]; /* by ticket; "" where it is not done, "ok" for success */
};

/* Whether the datagram passes; it may be changed. To look at messages, to hold one back, to forge. */
typedef bool (*pair_filter_fn)(void *data, struct pair *p, int from, uint8_t *bytes, size_t len);

struct pair {
    struct pair_node node[2];
    usec_t now;
    usec_t wall;
    uint64_t random;
    struct pair_net net;
    pair_filter_fn filter;
    void *filter_data;
    struct pair_datagram *under_way; /* owned */
    size_t n_under_way;
    uint64_t sent; /* datagrams */
    bool verbose;
    void (*log)(void *data, int from, const struct engine_log *l); /* NULL */
    void *log_data;
};

/* Engines with the default settings but for what CHANGE does to those of each, and with a PSK for anybody. */
struct pair *pair_new(uint64_t seed, void (*change)(int node, struct engine_settings *s));
struct pair *pair_free(struct pair *p);

/* The engine of NODE is gone with all that it knew, and a new one is there, without a connection; the other side is not
 * told. Tickets that were not answered are not any more. */
void pair_restart(struct pair *p, int node);

/* A connection "peer" with a child "net" between the two, loaded after CHANGE was done to it; NODE's own. */
void pair_load(struct pair *p, int node, void (*change)(int node, struct ike_conf *c));

uint64_t pair_random(struct pair *p, uint64_t below);

/* Delivers and ticks in the order of time until COND is true of P, or for SPAN at most. Whether it became true; with
 * COND NULL until nothing happens any more within SPAN, and true. */
bool pair_until(struct pair *p, bool (*cond)(struct pair *p), usec_t span);
void pair_run(struct pair *p, usec_t span); /* exactly SPAN */

/* "net" of "peer" by NODE under TICKET. */
void pair_initiate(struct pair *p, int node, uint32_t ticket);
bool pair_is_up(struct pair *p); /* one IKE_SA and one CHILD_SA on each side, which fit, and nothing under way */

/* An inner packet from NODE to the other: whether it arrives, by the used CHILD_SA, its keys and its SPI. */
bool pair_packet(struct pair *p, int node);
bool pair_packet_of(struct pair *p, int node, const char *child); /* through that of CHILD; NULL: any */

unsigned pair_count_sas(const struct pair *p, int node);      /* ESTABLISHED and what else is not CONNECTING */
unsigned pair_count_children(const struct pair *p, int node); /* INSTALLED and the like */
unsigned pair_count_events(const struct pair *p, int node, enum engine_event_type type);
struct ike_sa *pair_sa(struct pair *p, int node); /* the first; NULL */
struct child_sa *pair_child(struct pair *p, int node);

/* A datagram as if it came from FROM's side. */
void pair_inject(struct pair *p, int to, const struct addr *local, const struct addr *remote, const void *bytes,
                 size_t len);
