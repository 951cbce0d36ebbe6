/* IKE_SA_INIT as responder. */
#include "engine/crypto/dh.h"
#include "engine/ike/first_state.h"
#include "engine/wire/rules.h"

#include <errno.h>
#include <string.h>

struct request {
    struct proposals proposals;
    struct ke_payload ke;
    struct wire_bytes nonce;
};

/* Answers without an IKE_SA: the SPI of the responder stays zero (RFC 7296 2.6). */
static struct ike_sa *answer_error(const struct message *in, uint16_t type, const void *data, size_t len,
                                   struct packets *ret)
{
    struct ike_header h = {.version = IKE_VERSION, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_RESPONSE};
    uint8_t buf[128];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));

    memcpy(h.spi_i, in->h.spi_i, IKE_SPI_LEN);
    payload_write_notify(&cw, type, PROTO_NONE, NULL, 0, data, len);
    (void)message_plain(&h, &cw, ret); /* without memory: as if it was lost */
    return NULL;
}

static int read_request(const struct message *in, struct request *ret)
{
    const struct chain *c = &in->chain;

    if (payload_read_sa(chain_find(c, PAYLOAD_SA, NULL), &ret->proposals) < 0 ||
        payload_read_ke(chain_find(c, PAYLOAD_KE, NULL), &ret->ke) < 0 ||
        payload_read_nonce(chain_find(c, PAYLOAD_NONCE, NULL), &ret->nonce) < 0)
        return -EBADMSG;
    return 0;
}

/*
 * The connection whose addresses fit best among those that have a proposal in common; who the peer is shows later. The
 * group of its KE payload is preferred, which saves a round trip.
 */
static struct ike_conf *choose(const struct engine *e, const struct message *in, const struct request *req,
                               struct suite *ret_suite, struct proposal *ret_chosen, bool *ret_known)
{
    const struct alg *prefer = alg_find(ALG_DH, req->ke.group, 0);
    struct ike_conf *c, *found = NULL;
    unsigned best = 0;

    *ret_known = false;
    for (size_t i = 0; (c = engine_conf_at(e, i)); i++) {
        unsigned match = ike_conf_match(c, &in->local, &in->remote);
        struct proposal chosen;
        struct suite suite;

        *ret_known = *ret_known || match > 0;
        if (match <= best || !proposals_choose(&req->proposals, &c->proposals, prefer, &suite, &chosen) || !suite.dh)
            continue;
        best = match;
        found = c;
        *ret_suite = suite;
        *ret_chosen = chosen;
    }
    return found;
}

static void write_response(const struct ike_sa *sa, const struct message *in, const struct dh *dh, bool natd,
                           struct chain_writer *cw)
{
    const struct first *f = sa->first;
    const struct ike_conf *c = sa->conf;
    struct notify_payload n;

    payload_write_sa(cw, &(struct proposals){.n = 1, .p = {f->chosen}});
    payload_write_ke(cw, sa->suite.dh->id, dh_public(dh), dh_public_len(sa->suite.dh));
    payload_write_nonce(cw, f->nonce, sizeof(f->nonce));
    if (natd)
        natd_write(cw, sa->spi_i, sa->spi_r, &sa->local, &sa->remote, first_forces_encap(sa->engine, c));
    first_write_certreq(sa->engine, c, cw);
    if (sa->fragmentation)
        first_write_fragmentation(cw);
    if (chain_notify(&in->chain, NOTIFY_SIGNATURE_HASH_ALGORITHMS, &n))
        first_write_hashes(cw);
    if (sa->childless)
        payload_write_notify(cw, NOTIFY_CHILDLESS_IKEV2_SUPPORTED, PROTO_NONE, NULL, 0, NULL, 0);
    if (f->ppk)
        payload_write_notify(cw, NOTIFY_USE_PPK, PROTO_NONE, NULL, 0, NULL, 0);
}

/* The response as a packet, and a copy for AUTH. */
static int respond(struct ike_sa *sa, const struct message *in, const struct dh *dh, bool natd, struct packets *ret)
{
    struct ike_header h = {.version = IKE_VERSION, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_RESPONSE};
    uint8_t buf[FIRST_INIT_MAX];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    int r;

    memcpy(h.spi_i, sa->spi_i, IKE_SPI_LEN);
    memcpy(h.spi_r, sa->spi_r, IKE_SPI_LEN);
    write_response(sa, in, dh, natd, &cw);
    if (!chain_ok(&cw))
        return -EMSGSIZE;
    r = message_plain(&h, &cw, ret);
    return r < 0 ? r : first_keep(&sa->first->my_init, &sa->first->my_init_len, ret->p[0].data, ret->p[0].len);
}

static bool take_natd(struct ike_sa *sa, const struct message *in)
{
    bool known = natd_read(in, &sa->nat_local, &sa->nat_remote);
    bool forced = first_forces_encap(sa->engine, sa->conf);

    sa->encap = known && (sa->nat_local || sa->nat_remote || forced);
    if (forced && !known)
        ike_sa_log(sa, ENGINE_LOG_IKE, 0, "the peer does not know NAT traversal: no UDP encapsulation");
    if (sa->nat_local)
        ike_sa_log(sa, ENGINE_LOG_IKE, 1, "local host is behind NAT, sending keep alives");
    if (sa->nat_remote)
        ike_sa_log(sa, ENGINE_LOG_IKE, 1, "remote host is behind NAT");
    return known;
}

/* -EBADMSG where the peer's public value is none, -ENOMEM */
static int fill(struct ike_sa *sa, const struct message *in, const struct request *req, struct packets *ret)
{
    cleanup(dh_freep) struct dh *dh = NULL;
    struct first *f = sa->first;
    int r = dh_new(sa->suite.dh, &dh);

    sa->local = in->local;
    sa->remote = in->remote;
    sa->natt = addr_port(&in->local) == core_settings(sa->engine)->natt_port;
    memcpy(sa->spi_i, in->h.spi_i, IKE_SPI_LEN);
    memcpy(f->peer_nonce, req->nonce.data, req->nonce.len);
    f->peer_nonce_len = req->nonce.len;
    sa->childless = sa->conf->childless != CONF_CHILDLESS_NEVER;
    first_read_abilities(sa, &in->chain);
    if (r == 0)
        r = first_keys(sa, &sa->suite, dh, &req->ke.value, &sa->keys);
    if (r == 0)
        r = first_keep(&f->peer_init, &f->peer_init_len, in->raw, in->raw_len);
    if (r == 0)
        r = ike_sa_keyed(sa);
    return r == 0 ? respond(sa, in, dh, take_natd(sa, in), ret) : r;
}

static struct ike_sa *make(struct engine *e, struct ike_conf *c, const struct message *in, const struct request *req,
                           const struct suite *suite, const struct proposal *chosen, usec_t now, struct packets *ret)
{
    struct ike_sa *sa = ike_sa_new(e, c, false, now);
    char addr[ADDR_TEXT_MAX], text[PROPOSALS_TEXT_MAX];
    int r = -ENOMEM;

    if (!sa)
        return NULL;
    sa->suite = *suite;
    sa->first = first_new(e);
    if (sa->first) {
        sa->first->chosen = *chosen;
        r = fill(sa, in, req, ret);
    }
    if (r < 0) {
        packets_clear(ret);
        ike_sa_destroy(sa, r == -EBADMSG ? "the peer's public value is none of its group" : "there is no memory", now);
        return r == -EBADMSG ? answer_error(in, NOTIFY_INVALID_SYNTAX, NULL, 0, ret) : NULL;
    }
    ike_sa_log(sa, ENGINE_LOG_IKE, 0, "%s is initiating an IKE_SA", addr_text(&in->remote, addr));
    ike_sa_log(sa, ENGINE_LOG_CFG, 1, "selected proposal: %s", proposal_text(chosen, text));
    ike_sa_become(sa, IKE_CONNECTING, "begun by the peer", now);
    return sa;
}

/* RFC 7296 2.5, 2.21.1. False: *RET says no. */
static bool is_legal(struct engine *e, const struct message *in, struct request *req, usec_t now, struct packets *ret)
{
    char remote[ADDR_TEXT_MAX];
    uint8_t type = PAYLOAD_NONE;
    enum rules_verdict verdict = rules_check(RULES_SA_INIT_REQUEST, &in->chain, &type);

    if (verdict == RULES_FINE && read_request(in, req) == 0)
        return true;
    if (!core_may_answer(e, CORE_ANSWER_REFUSAL, now))
        return false;
    core_log(e, ENGINE_LOG_ENC, 1, "the IKE_SA_INIT request from %s is malformed", addr_text(&in->remote, remote));
    if (verdict == RULES_CRITICAL)
        (void)answer_error(in, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD, &type, 1, ret);
    else
        (void)answer_error(in, NOTIFY_INVALID_SYNTAX, NULL, 0, ret);
    return false;
}

struct ike_sa *init_respond(struct engine *e, const struct message *in, usec_t now, struct packets *ret)
{
    char local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];
    struct request req;
    struct proposal chosen;
    struct suite suite;
    struct ike_conf *c;
    bool known;

    addr_text(&in->local, local);
    addr_text(&in->remote, remote);
    if (in->raw_len > FIRST_INIT_MAX) {
        core_log(e, ENGINE_LOG_IKE, 1, "dropped an IKE_SA_INIT of %zu bytes from %s", in->raw_len, remote);
        return NULL;
    }
    if (!is_legal(e, in, &req, now, ret))
        return NULL;
    c = choose(e, in, &req, &suite, &chosen, &known);
    if (!c && !core_may_answer(e, CORE_ANSWER_REFUSAL, now))
        return NULL;
    if (!c) {
        core_log(e, ENGINE_LOG_IKE, 1,
                 known ? "%s and %s have no proposal in common, sending NO_PROPOSAL_CHOSEN"
                       : "no connection is configured for %s...%s, sending NO_PROPOSAL_CHOSEN",
                 local, remote);
        return answer_error(in, NOTIFY_NO_PROPOSAL_CHOSEN, NULL, 0, ret);
    }
    if (suite.dh->id != req.ke.group) { /* RFC 7296 1.2, 3.4 */
        const uint8_t group[2] = {(uint8_t)(suite.dh->id >> 8), (uint8_t)suite.dh->id};

        core_log(e, ENGINE_LOG_IKE, 1, "%s sent a key exchange of group %u, asking for %s", remote, req.ke.group,
                 suite.dh->name);
        return answer_error(in, NOTIFY_INVALID_KE_PAYLOAD, group, sizeof(group), ret);
    }
    return make(e, c, in, &req, &suite, &chosen, now, ret);
}

bool init_is_retransmission(const struct ike_sa *sa, const struct message *in)
{
    const struct first *f = sa->first;

    return f && f->peer_init_len == in->raw_len && memcmp(f->peer_init, in->raw, in->raw_len) == 0;
}
