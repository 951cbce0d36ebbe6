/* What list-sas and list-conns answer, as data. Unknown keys are skipped; what does not parse is an error, never a
 * guess. */
#pragma once

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VICI_IKE_SAS_MAX       8192
#define VICI_CHILD_SAS_MAX     1024 /* of one IKE_SA; another VPN of the same daemon may have many */
#define VICI_CONNS_MAX         4096
#define VICI_CONN_ADDRS_MAX    8  /* further ones are left out, and so are names too long to be an address */
#define VICI_CONN_CHILDREN_MAX 16 /* further ones are left out */
#define VICI_SA_NAME_MAX       128

enum vici_ike_state {
    VICI_IKE_OTHER, /* a state we do not know: healthy is not assumed */
    VICI_IKE_CREATED,
    VICI_IKE_CONNECTING,
    VICI_IKE_ESTABLISHED,
    VICI_IKE_PASSIVE,
    VICI_IKE_REKEYING, /* healthy */
    VICI_IKE_REKEYED,
    VICI_IKE_DELETING,
    VICI_IKE_DESTROYING,
};

enum vici_child_state {
    VICI_CHILD_OTHER,
    VICI_CHILD_CREATED,
    VICI_CHILD_ROUTED,
    VICI_CHILD_INSTALLING,
    VICI_CHILD_INSTALLED,
    VICI_CHILD_UPDATING,
    VICI_CHILD_REKEYING, /* healthy */
    VICI_CHILD_REKEYED,
    VICI_CHILD_RETRYING,
    VICI_CHILD_DELETING,
    VICI_CHILD_DELETED,
    VICI_CHILD_DESTROYING,
};

struct vici_child_sa {
    char name[VICI_SA_NAME_MAX];
    uint32_t unique_id;
    enum vici_child_state state;
    uint64_t bytes_in, packets_in, bytes_out, packets_out;
    uint64_t installed; /* seconds since */
    char spi_in[17], spi_out[17];
};

struct vici_ike_sa {
    char name[VICI_SA_NAME_MAX]; /* the connection's */
    uint32_t unique_id;
    unsigned version; /* 1 or 2 */
    enum vici_ike_state state;
    struct addr local, remote; /* with ports; unset while the daemon does not know it ("%any") */
    bool initiator;
    uint64_t established;           /* seconds since; 0 where it is not */
    bool tasks_active;              /* an exchange is waiting for its answer (tasks-active) */
    struct vici_child_sa *children; /* owned */
    size_t n_children;
};

struct vici_sas {
    struct vici_ike_sa *sas; /* owned */
    size_t n;
};

struct vici_conn {
    char name[VICI_SA_NAME_MAX];
    char remote_addrs[VICI_CONN_ADDRS_MAX][ADDR_TEXT_MAX]; /* as the daemon prints them */
    size_t n_remote_addrs;
    char children[VICI_CONN_CHILDREN_MAX][VICI_SA_NAME_MAX];
    size_t n_children;
    unsigned version; /* 0: both, 1, 2 */
};

struct vici_conns {
    struct vici_conn *conns; /* owned */
    size_t n;
};

/* Adds what one list-sa (list-conn) event says, all of it or nothing. -EBADMSG, -ENOSPC over the maximum, -ENOMEM. */
int vici_sas_add(struct vici_sas *sas, struct rd message);
int vici_conns_add(struct vici_conns *conns, struct rd message);

void vici_sas_done(struct vici_sas *sas); /* gives the memory back, leaves it empty */
void vici_conns_done(struct vici_conns *conns);

const char *vici_ike_state_name(enum vici_ike_state s);     /* charon's own: "ESTABLISHED" */
const char *vici_child_state_name(enum vici_child_state s); /* "INSTALLED" */

/* IKE_SA is up: ESTABLISHED or REKEYING. CHILD_SA passes traffic: INSTALLED, UPDATING, REKEYING (REKEYED lingers). */
bool vici_ike_is_up(const struct vici_ike_sa *sa);
bool vici_child_is_up(const struct vici_child_sa *c);
