/*
 * Messages that nobody vouches for: every combination of what a header can say with bodies of all kinds, against one
 * IKE_SA; and what must be as it was after each of them.
 */
#pragma once

#include "tests/exchange/pair.h"

#define FORGED_BODIES_MAX   32
#define FORGED_BODY_MAX     1024
#define FORGED_SAS_MAX      4
#define FORGED_CHILDREN_MAX 4
#define FORGED_PATH_MAX     8

struct forged_body {
    const char *name;
    uint8_t first; /* what the header's next payload says */
    uint8_t bytes[FORGED_BODY_MAX];
    size_t len;
};

/* All that a node has, as bytes: IKE_SAs, CHILD_SAs, the data path, events. */
struct forged_view {
    struct ike_sa *sa[FORGED_SAS_MAX]; /* where they are */
    struct ike_sa sas[FORGED_SAS_MAX];
    struct child_sa children[FORGED_SAS_MAX][FORGED_CHILDREN_MAX];
    size_t n;
    struct pair_child path[FORGED_PATH_MAX];
    size_t n_path, n_events;
};

struct forged {
    struct pair *p;
    int node;
    struct ike_sa *sa; /* that the headers name */
    struct forged_body bodies[FORGED_BODIES_MAX];
    size_t n_bodies;
    struct forged_view view;
    bool init;  /* IKE_SA_INIT is out: its IKE_SA may change, nothing else */
    bool again; /* it is sent what it has had: RFC 7296 2.1 demands the response that it gave */
    uint64_t sent, answers;
};

/* Against SA of NODE, as it is now. */
void forged_aim(struct forged *f, struct pair *p, int node, struct ike_sa *sa);

/* Each combination; of them every STEPth. Fails with the first one that changes something, or is answered with more
 * than it has, or elsewhere, or with a token of an IKE_SA that lives. */
void forged_barrage(struct forged *f, unsigned step);

/* One datagram from each of the places that one can come from: the peer, its address and another port, another address,
 * our own. */
void forged_send(struct forged *f, const uint8_t *bytes, size_t len, const char *what);

/* To A, whose IKE_SA_INIT is out: an answer from the peer's address with one notification, DATA of LEN bytes. */
void forged_notify(struct pair *p, uint16_t type, const void *data, size_t len);
