/*
 * Messages without protection, which change nothing: an SPI that is none of ours is answered with a hint (RFC 7296 1.5,
 * 2.21.4), a few times a second at most and with no more bytes than it has; a hint to us makes us ask the peer, and is
 * believed only with its token of quick crash detection (RFC 6290).
 */
#include "engine/ike/engine_state.h"
#include "engine/ike/task.h"

#include "engine/crypto/prf.h"

#include <string.h>

#define ANSWERS_MAX 20             /* of a kind, in a second */
#define HINT_PAUSE  (USEC_PER_SEC) /* after a verified message: it was there a moment ago */
#define PRF_SHA256  5

bool core_qcd_token(const struct engine *e, const uint8_t *spi_i, const uint8_t *spi_r,
                    uint8_t ret[static CORE_QCD_LEN])
{
    static const uint8_t none[ENGINE_SECRET_LEN];
    const struct prf_part parts[] = {{spi_i, IKE_SPI_LEN}, {spi_r, IKE_SPI_LEN}};

    if (memcmp(e->settings.secret, none, sizeof(none)) == 0)
        return false;
    return prf(alg_find(ALG_PRF, PRF_SHA256, 0), e->settings.secret, ENGINE_SECRET_LEN, parts, 2, ret) == 0;
}

bool core_may_answer(struct engine *e, enum core_answer a, usec_t now)
{
    struct answers *done = &e->answers[a];

    if (clock_since(done->since, now) >= USEC_PER_SEC)
        *done = (struct answers){.since = now};
    if (done->n == ANSWERS_MAX)
        return false;
    done->n++;
    return true;
}

/* To whom is not known: the header is the request's own, answered. */
static void send_hint(struct engine *e, const struct message *in, const struct chain_writer *cw, size_t most)
{
    struct ike_header h = in->h;
    struct packets ps = {0};

    h.version = IKE_VERSION;
    h.flags = (uint8_t)(IKE_FLAG_RESPONSE | (header_from_initiator(&in->h) ? 0 : IKE_FLAG_INITIATOR));
    if (message_plain(&h, cw, &ps) == 0 && ps.p[0].len <= most)
        core_send(e, &in->local, &in->remote, addr_port(&in->local) == e->settings.natt_port, &ps);
    packets_clear(&ps);
}

/* RFC 6290 4.2: nobody may be told the token of an IKE_SA that lives: whoever turns the flags of a message round, or
 * sends us our own, asks for nothing else. */
static bool is_ours(const struct engine *e, const struct ike_header *h)
{
    return core_sa_by_spi(e, h->spi_i) || core_sa_by_spi(e, h->spi_r);
}

/* Only for a request that may be the peer's. The answer has 76 bytes, 19 more than the smallest of them. */
static bool add_token(const struct engine *e, const struct message *in, struct chain_writer *cw)
{
    uint8_t token[CORE_QCD_LEN];

    if (in->raw_len < UNKNOWN_SEALED_MIN || !chain_is_sealed(&in->chain) ||
        !core_qcd_token(e, in->h.spi_i, in->h.spi_r, token))
        return false;
    payload_write_notify(cw, NOTIFY_QUICK_CRASH_DETECTION, PROTO_NONE, NULL, 0, token, sizeof(token));
    return true;
}

void unknown_input(struct engine *e, const struct message *in, usec_t now)
{
    uint8_t buf[128];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    size_t most = in->raw_len;

    core_count(e, ENGINE_IN_INVALID_SPI);
    if (header_is_response(&in->h) || is_ours(e, &in->h) || !core_may_answer(e, CORE_ANSWER_HINT, now))
        return;
    if (add_token(e, in, &cw))
        most = SIZE_MAX;
    payload_write_notify(&cw, NOTIFY_INVALID_IKE_SPI, PROTO_NONE, NULL, 0, NULL, 0);
    send_hint(e, in, &cw, most);
}

void unknown_version(struct engine *e, const struct message *in, usec_t now)
{
    uint8_t buf[64];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));

    if (header_is_response(&in->h) || !core_may_answer(e, CORE_ANSWER_HINT, now))
        return;
    payload_write_notify(&cw, NOTIFY_INVALID_MAJOR_VERSION, PROTO_NONE, NULL, 0, NULL, 0);
    send_hint(e, in, &cw, in->raw_len);
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
    } else if (chain_notify(&in->chain, NOTIFY_INVALID_IKE_SPI, &n) && !sa->tasks &&
               clock_since(sa->last_in, now) >= HINT_PAUSE) {
        ike_sa_log(sa, ENGINE_LOG_IKE, 1, "somebody says that the peer does not know this IKE_SA: asking it");
        (void)task_add(sa, TASK_DPD, NULL, NULL, 0, 0);
    }
}
