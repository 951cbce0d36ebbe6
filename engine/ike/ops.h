/* What the control plane asks of its surroundings, as a table, and how it is set. */
#pragma once

#include "engine/ike/path.h"

#define ENGINE_SECRET_LEN 32

struct ike_sa;
struct child_sa;

enum engine_event_type {
    ENGINE_IKE_UP,
    ENGINE_IKE_DOWN,
    ENGINE_CHILD_UP,
    ENGINE_CHILD_DOWN,
    ENGINE_IKE_REKEYED,   /* new_ike */
    ENGINE_CHILD_REKEYED, /* new_child */
    ENGINE_IKE_MOVED,     /* its addresses changed */
};

struct engine_event {
    enum engine_event_type type;
    const struct ike_sa *ike, *new_ike; /* valid during the call */
    const struct child_sa *child, *new_child;
};

enum engine_group { /* as charon's */
                    ENGINE_LOG_IKE,
                    ENGINE_LOG_CHD,
                    ENGINE_LOG_CFG,
                    ENGINE_LOG_NET,
                    ENGINE_LOG_ENC,
};

struct engine_log {
    enum engine_group group;
    int level;            /* 0 always, 1 what happens, 2 details */
    uint32_t ike_unique;  /* 0: no IKE_SA */
    const char *ike_name; /* NULL */
    const char *text;
};

struct engine_ops {
    void (*random)(void *data, void *buf, size_t len);
    usec_t (*wall)(void *data);                                                 /* to judge certificates, to print */
    int (*source)(void *data, const struct addr *peer, struct addr *ret_local); /* the address that we leave from */
    void (*event)(void *data, const struct engine_event *ev);
    void (*log)(void *data, const struct engine_log *l);
    /* What was asked under TICKET is done, or cannot be: ERROR is a sentence, NULL for success. */
    void (*done)(void *data, uint32_t ticket, const char *error);
    struct path_ops path;
    void *path_data; /* given to the functions of PATH */
};

struct engine_settings { /* engine_settings_default() */
    uint16_t port, natt_port;
    bool raw_esp;           /* the data path can send ESP without UDP */
    usec_t retransmit;      /* first timeout: 4 s */
    double retransmit_base; /* 1.8 */
    unsigned retransmit_tries;
    usec_t half_open_timeout;          /* 30 s */
    unsigned cookie_threshold;         /* half-open IKE_SAs from which on a COOKIE is asked for; 0: always */
    unsigned half_open_per_peer;       /* from which on a COOKIE is asked for, and takes the place of an older one */
    usec_t keepalive;                  /* RFC 3948 4: 20 s; 0: off */
    usec_t retry;                      /* between keyingtries that failed otherwise than by silence; grows */
    size_t fragment_size;              /* of an IP datagram: 1280 */
    uint8_t secret[ENGINE_SECRET_LEN]; /* for QCD tokens (RFC 6290 5): the same after a restart; all zero: no QCD */
};

void engine_settings_default(struct engine_settings *ret);
