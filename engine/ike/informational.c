/* The peer's INFORMATIONAL requests (RFC 7296 1.4): DELETE, notifications, or nothing, which asks whether we live. */
#include "base/reader.h"
#include "engine/ike/delete.h"
#include "engine/ike/mobike.h"
#include "engine/ike/rekey.h"
#include "engine/ike/task.h"
#include "engine/wire/names.h"

static bool deletes_ike(const struct chain *c)
{
    const struct payload *p = NULL;
    struct delete_payload d;

    while ((p = chain_find(c, PAYLOAD_DELETE, p)))
        if (payload_read_delete(p, &d) >= 0 && d.protocol == PROTO_IKE)
            return true;
    return false;
}

/* The SPIs that C deletes; those of ours that belong in the answer are added to MINE. */
static size_t delete_children(struct ike_sa *sa, const struct delete_payload *d, uint32_t mine[static SA_CHILDREN_MAX],
                              size_t n, usec_t now)
{
    struct rd r = rd_of(d->spis.data, d->spis.len);

    for (size_t i = 0; i < d->n; i++) {
        uint32_t spi = rd_be32(&r);
        struct child_sa *c = child_sa_by_spi_out(sa, spi);

        if (!c) {
            struct create *cr = create_pending(sa);

            ike_sa_log(sa, ENGINE_LOG_IKE, 1, "the peer deletes a CHILD_SA with SPI %08x, which does not exist", spi);
            if (cr && cr->n_gone < CREATE_GONE_MAX)
                cr->gone[cr->n_gone++] = spi;
            continue;
        }
        if (delete_child_by_peer(c, now) && n < SA_CHILDREN_MAX)
            mine[n++] = c->spi_in;
    }
    return n;
}

static void respond_delete(struct ike_sa *sa, const struct chain *c, struct chain_writer *cw, usec_t now)
{
    const struct payload *p = NULL;
    struct delete_payload d;
    uint32_t mine[SA_CHILDREN_MAX];
    size_t n = 0;

    while ((p = chain_find(c, PAYLOAD_DELETE, p)))
        if (payload_read_delete(p, &d) >= 0 && d.protocol == PROTO_ESP && d.spi_len == ESP_SPI_LEN)
            n = delete_children(sa, &d, mine, n, now);
    if (n > 0)
        payload_write_delete_esp(cw, mine, n);
}

/* What the peer complains of. It is verified, but what it says we cannot know better than it does. */
static void log_errors(struct ike_sa *sa, const struct chain *c)
{
    const struct payload *p = NULL;
    struct notify_payload n;

    while ((p = chain_find(c, PAYLOAD_NOTIFY, p))) {
        const char *name;

        if (payload_read_notify(p, &n) < 0 || n.type > NOTIFY_ERROR_MAX)
            continue;
        name = name_notify(n.type);
        ike_sa_log(sa, ENGINE_LOG_IKE, 1, "the peer tells of an error: %s (%u)", name ? name : "unknown", n.type);
    }
}

void respond_informational(struct ike_sa *sa, const struct message *in, struct chain_writer *cw, usec_t now)
{
    struct notify_payload n;

    if (chain_notify(&in->chain, NOTIFY_AUTHENTICATION_FAILED, &n)) { /* RFC 7296 2.21.2 */
        delete_ike_by_peer(sa, "received AUTHENTICATION_FAILED: the peer does not believe who we are", now);
        return;
    }
    if (deletes_ike(&in->chain)) { /* RFC 7296 1.4.1: the answer is empty */
        delete_ike_by_peer(sa, "received DELETE for the IKE_SA", now);
        return;
    }
    rekey_ike_peer_uses(sa, now);
    log_errors(sa, &in->chain);
    respond_delete(sa, &in->chain, cw, now);
    if (sa->mobike)
        mobike_respond(sa, in, cw, now);
}
