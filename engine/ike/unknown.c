/*
 * Messages without protection, which change nothing: an SPI that is none of ours is answered with a hint (RFC 7296 1.5,
 * 2.21.4), a few times a second at most; a hint to us makes us ask the peer, and is believed only with its token of
 * quick crash detection (RFC 6290).
 */
#include "engine/ike/engine_state.h"
#include "engine/ike/task.h"

#include "engine/crypto/prf.h"

#include <string.h>

#define HINTS_MAX  20 /* in a second */
#define PRF_SHA256 5

bool core_qcd_token(const struct engine *e, const uint8_t *spi_i, const uint8_t *spi_r,
                    uint8_t ret[static CORE_QCD_LEN])
{
    static const uint8_t none[ENGINE_SECRET_LEN];
    const struct prf_part parts[] = {{spi_i, IKE_SPI_LEN}, {spi_r, IKE_SPI_LEN}};

    if (memcmp(e->settings.secret, none, sizeof(none)) == 0)
        return false;
    return prf(alg_find(ALG_PRF, PRF_SHA256, 0), e->settings.secret, ENGINE_SECRET_LEN, parts, 2, ret) == 0;
}

static bool may_hint(struct engine *e, usec_t now)
{
    if (clock_since(e->hint_at, now) >= USEC_PER_SEC) {
        e->hint_at = now;
        e->hints = 0;
    }
    return e->hints++ < HINTS_MAX;
}

/* To whom is not known: the header is the request's own, answered. */
static void send_hint(struct engine *e, const struct message *in, const struct chain_writer *cw)
{
    struct ike_header h = in->h;
    struct packets ps = {0};

    h.version = IKE_VERSION;
    h.flags = (uint8_t)(IKE_FLAG_RESPONSE | (header_from_initiator(&in->h) ? 0 : IKE_FLAG_INITIATOR));
    if (message_plain(&h, cw, &ps) == 0)
        core_send(e, &in->local, &in->remote, addr_port(&in->local) == e->settings.natt_port, &ps);
    packets_clear(&ps);
}

void unknown_input(struct engine *e, const struct message *in, usec_t now)
{
    uint8_t token[CORE_QCD_LEN], buf[128];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));

    core_count(e, ENGINE_IN_INVALID_SPI);
    if (header_is_response(&in->h) || !may_hint(e, now))
        return;
    if (core_qcd_token(e, in->h.spi_i, in->h.spi_r, token))
        payload_write_notify(&cw, NOTIFY_QUICK_CRASH_DETECTION, PROTO_NONE, NULL, 0, token, sizeof(token));
    payload_write_notify(&cw, NOTIFY_INVALID_IKE_SPI, PROTO_NONE, NULL, 0, NULL, 0);
    send_hint(e, in, &cw);
}

void unknown_version(struct engine *e, const struct message *in, usec_t now)
{
    uint8_t buf[64];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));

    if (header_is_response(&in->h) || !may_hint(e, now))
        return;
    payload_write_notify(&cw, NOTIFY_INVALID_MAJOR_VERSION, PROTO_NONE, NULL, 0, NULL, 0);
    send_hint(e, in, &cw);
}

static bool has_token(const struct ike_sa *sa, const struct notify_payload *n)
{
    uint8_t different = 0;

    if (sa->qcd_token_len == 0 || n->data.len != sa->qcd_token_len)
        return false;
    for (size_t i = 0; i < sa->qcd_token_len; i++)
        different |= (uint8_t)(n->data.data[i] ^ sa->qcd_token[i]);
    return different == 0;
}

void unknown_hint(struct ike_sa *sa, const struct message *in, usec_t now)
{
    struct notify_payload n;

    if (sa->state != IKE_ESTABLISHED && sa->state != IKE_REKEYING)
        return;
    if (chain_notify(&in->chain, NOTIFY_QUICK_CRASH_DETECTION, &n) && has_token(sa, &n)) {
        core_peer_lost(sa, "the peer was restarted, as its token says", now);
    } else if (chain_notify(&in->chain, NOTIFY_INVALID_IKE_SPI, &n) && !sa->tasks && may_hint(sa->engine, now)) {
        ike_sa_log(sa, ENGINE_LOG_IKE, 1, "somebody says that the peer does not know this IKE_SA: asking it");
        (void)task_add(sa, TASK_DPD, NULL, NULL, 0, 0);
    }
}
