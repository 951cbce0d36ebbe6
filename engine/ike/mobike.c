#include "engine/ike/mobike.h"

#include "engine/ike/child_path.h"
#include "engine/ike/first.h"
#include "engine/ike/task.h"

#include <string.h>

void ike_sa_move(struct ike_sa *sa, const struct addr *local, const struct addr *remote, bool nat_local,
                 bool nat_remote, usec_t now)
{
    char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];

    ike_sa_log(sa, ENGINE_LOG_IKE, 1, "the peer moves from %s to %s", addr_port_text(&sa->remote, from),
               addr_port_text(remote, to));
    sa->local = *local;
    sa->remote = *remote;
    sa->natt = addr_port(local) == core_settings(sa->engine)->natt_port;
    sa->nat_local = nat_local;
    sa->nat_remote = nat_remote;
    sa->encap = nat_local || nat_remote || sa->conf->encap || !core_settings(sa->engine)->raw_esp;
    for (struct child_sa *c = sa->children; c; c = c->next) {
        bool live = c->state == CHILD_INSTALLED;

        if (live)
            child_sa_become(c, CHILD_UPDATING, "the peer's address changed", now);
        child_path_update(c);
        if (live)
            child_sa_become(c, CHILD_INSTALLED, "the data path knows the new address", now);
    }
    if (sa->state != IKE_CONNECTING)
        core_event(sa->engine, &(struct engine_event){.type = ENGINE_IKE_MOVED, .ike = sa});
}

/* Whether one of the notifications of TYPE has HASH; *RET_ANY: whether there is one. */
static bool has_hash(const struct chain *c, uint16_t type, const uint8_t hash[static NATD_LEN], bool *ret_any)
{
    const struct payload *p = NULL;
    struct notify_payload n;

    *ret_any = false;
    while ((p = chain_find(c, PAYLOAD_NOTIFY, p))) {
        if (payload_read_notify(p, &n) < 0 || n.type != type)
            continue;
        *ret_any = true;
        if (n.data.len == NATD_LEN && memcmp(n.data.data, hash, NATD_LEN) == 0)
            return true;
    }
    return false;
}

/* RFC 7296 2.23, with the SPIs of the message. */
static bool is_translated(const struct message *in, uint16_t type, const struct addr *a)
{
    uint8_t hash[NATD_LEN];
    bool any;

    natd_hash(in->h.spi_i, in->h.spi_r, a, hash);
    return !has_hash(&in->chain, type, hash, &any) && any;
}

static void write_natd(struct ike_sa *sa, const struct message *in, struct chain_writer *cw)
{
    uint8_t hash[NATD_LEN];

    natd_hash(in->h.spi_i, in->h.spi_r, &in->local, hash);
    if (sa->conf->encap || !core_settings(sa->engine)->raw_esp) /* forced: the peer is to see a NAT */
        core_random(sa->engine, hash, sizeof(hash));
    payload_write_notify(cw, NOTIFY_NAT_DETECTION_SOURCE_IP, PROTO_NONE, NULL, 0, hash, sizeof(hash));
    natd_hash(in->h.spi_i, in->h.spi_r, &in->remote, hash);
    payload_write_notify(cw, NOTIFY_NAT_DETECTION_DESTINATION_IP, PROTO_NONE, NULL, 0, hash, sizeof(hash));
}

/* RFC 4555 3.9: the addresses that the peer sees are those that we see: IP addresses and ports of both. */
static bool sees_the_same(const struct notify_payload *n, const struct message *in)
{
    const void *remote = addr_family(&in->remote) == AF_INET ? (const void *)&in->remote.in.sin_addr
                                                             : (const void *)&in->remote.in6.sin6_addr;
    const void *local = addr_family(&in->local) == AF_INET ? (const void *)&in->local.in.sin_addr
                                                           : (const void *)&in->local.in6.sin6_addr;
    size_t len = addr_family(&in->remote) == AF_INET ? 4 : 16;
    uint8_t ports[4] = {(uint8_t)(addr_port(&in->remote) >> 8), (uint8_t)addr_port(&in->remote),
                        (uint8_t)(addr_port(&in->local) >> 8), (uint8_t)addr_port(&in->local)};

    return n->data.len == 2 * len + sizeof(ports) && memcmp(n->data.data, remote, len) == 0 &&
           memcmp(n->data.data + len, local, len) == 0 && memcmp(n->data.data + 2 * len, ports, sizeof(ports)) == 0;
}

/* RFC 4555 3.5. The window is one, so that no older request can come after a newer one. */
static void update(struct ike_sa *sa, const struct message *in, struct chain_writer *cw, usec_t now)
{
    struct notify_payload n;

    if (chain_notify(&in->chain, NOTIFY_NO_NATS_ALLOWED, &n) && !sees_the_same(&n, in)) {
        ike_sa_log(sa, ENGINE_LOG_IKE, 1, "the peer wants no NAT and there is one, sending UNEXPECTED_NAT_DETECTED");
        payload_write_notify(cw, NOTIFY_UNEXPECTED_NAT_DETECTED, PROTO_NONE, NULL, 0, NULL, 0);
        return;
    }
    /* Where the connection names its peer by an address, the peer is nowhere else. */
    if (ike_conf_match(sa->conf, &in->local, &in->remote) == 0) {
        ike_sa_log(sa, ENGINE_LOG_IKE, 1, "the connection allows no such address, sending UNACCEPTABLE_ADDRESSES");
        payload_write_notify(cw, NOTIFY_UNACCEPTABLE_ADDRESSES, PROTO_NONE, NULL, 0, NULL, 0);
        return;
    }
    ike_sa_move(sa, &in->local, &in->remote, is_translated(in, NOTIFY_NAT_DETECTION_DESTINATION_IP, &in->local),
                is_translated(in, NOTIFY_NAT_DETECTION_SOURCE_IP, &in->remote), now);
    /* 3.7: whether the peer is really there; where no answer comes, it is lost. */
    (void)task_add(sa, TASK_DPD, NULL, NULL, 0, 0);
}

void mobike_respond(struct ike_sa *sa, const struct message *in, struct chain_writer *cw, usec_t now)
{
    struct notify_payload n;

    if (chain_notify(&in->chain, NOTIFY_UPDATE_SA_ADDRESSES, &n) && !sa->initiator)
        update(sa, in, cw, now);
    if (chain_notify(&in->chain, NOTIFY_NAT_DETECTION_SOURCE_IP, &n))
        write_natd(sa, in, cw);
    /* 3.7: back as it came */
    if (chain_notify(&in->chain, NOTIFY_COOKIE2, &n))
        payload_write_notify(cw, NOTIFY_COOKIE2, PROTO_NONE, NULL, 0, n.data.data, n.data.len);
}
