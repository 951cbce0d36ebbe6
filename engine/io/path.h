/*
 * The data path on the loop: packets between tunnels and peers, one at a time. Each child configuration that is loaded
 * has a tunnel of its own, closed until a CHILD_SA of it is used. A packet that the host sends into it is sealed with
 * the one used last whose selectors match, or dropped. What a peer sends is opened, checked against the selectors of
 * its CHILD_SA (RFC 4301 5.2) and given to the host. Where packets go to only the control plane decides: an
 * authenticated packet from elsewhere does not change it.
 */
#pragma once

#include "base/loop.h"
#include "engine/ike/path.h"
#include "engine/io/route.h"
#include "engine/io/udp.h"

#define PATH_TUNNELS_MAX      1024
#define PATH_SAS_MAX          16384
#define PATH_ACQUIRE_INTERVAL USEC_PER_SEC          /* of one trap */
#define PATH_SPI_INTERVAL     (100 * USEC_PER_MSEC) /* of what is told of unknown SPIs */
#define PATH_NUMBERS_SOFT     (UINT64_C(1) << 28)   /* sequence numbers that are left when rekeying must begin */
#define PATH_OUTER_MTU        1500

struct path;

/* Called from the loop, not from within a function of path_ops(), all of which they may call. */
struct path_callbacks {
    /* A packet came to a trap and was dropped without a word: an ICMP error would end the connection that a program
     * just wants to open, while the next packet of it finds a CHILD_SA. */
    void (*acquire)(void *data, const char *ike, const char *child);
    /* A limit of bytes, packets or sequence numbers was reached: the soft one, jitter and all, or the HARD one. Once
     * each. */
    void (*limit)(void *data, uint32_t unique, bool hard);
    /* An ESP packet with an SPI that is none of ours (RFC 7296 1.5); REMOTE is not authenticated. */
    void (*invalid_spi)(void *data, const struct addr *remote, uint32_t spi);
    /* A tunnel could not be opened, ERROR is -errno: its networks stay unreachable until its next CHILD_SA is used. To
     * be logged; this one may come from within a function of path_ops(). */
    void (*open_failed)(void *data, const char *ike, const char *child, int error);
    /* Remote_ts has all addresses and there are no `networks`: no route was made of it into DEVICE. To be logged, once
     * for each device; from within conf_load() and child_install(). */
    void (*unrouted)(void *data, const char *ike, const char *child, const char *device);
};

struct path_config {
    struct loop *loop; /* all three are borrowed until path_free() */
    struct route *route;
    struct udp *udp; /* its function for ESP calls path_input() */
    struct path_callbacks callbacks;
    void *data; /* borrowed for them */
};

/* Opens raw sockets for ESP where that is allowed. -ENOMEM and the like. */
int path_new(const struct path_config *config, struct path **ret);

/* Wipes all CHILD_SAs. The tunnels go; their networks stay unreachable. */
struct path *path_free(struct path *p); /* accepts NULL */
DEFINE_CLEANUP(struct path *, path_free)

/* The functions for the control plane; their DATA is the path. */
struct path_ops path_ops(void);

/* Whether ESP can be sent without UDP. Where it cannot, encapsulation must be forced. */
bool path_can_raw(const struct path *p);

/* An ESP packet came over UDP. */
void path_input(struct path *p, const struct udp_path *from, const uint8_t *packet, size_t len);
