/* IKE_SA_INIT as initiator. Nobody vouches for what comes back: an answer that does not fit is passed over, and what
 * refuses us is remembered (init_refused()). */
#include "base/reader.h"
#include "engine/crypto/dh.h"
#include "engine/ike/first_state.h"
#include "engine/wire/names.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Where there is no memory. */
static int give_up(struct ike_sa *sa, const char *reason, usec_t now)
{
    core_attempt_failed(sa, false, reason, now);
    return -ECANCELED;
}

static int begin(struct ike_sa *sa, usec_t now)
{
    char text[ADDR_TEXT_MAX];

    if (!sa->first) {
        sa->first = first_new(sa->engine);
        if (!sa->first)
            return -ENOMEM;
        sa->first->group = proposals_first_dh(&sa->conf->proposals);
    }
    if (!sa->first->group)
        return -EINVAL;
    if (sa->state == IKE_CREATED) {
        ike_sa_log(sa, ENGINE_LOG_IKE, 0, "initiating IKE_SA %s[%u] to %s", sa->conf->name, sa->unique,
                   addr_text(&sa->remote, text));
        ike_sa_become(sa, IKE_CONNECTING, "initiated", now);
    }
    return sa->first->dh ? 0 : dh_new(sa->first->group, &sa->first->dh);
}

static int build(struct ike_sa *sa, struct task *t, struct chain_writer *cw, usec_t now)
{
    static const uint8_t no_spi[IKE_SPI_LEN];
    const struct ike_conf *c = sa->conf;
    int r = begin(sa, now);
    struct first *f = sa->first;

    (void)t;
    if (r < 0)
        return give_up(sa, r == -ENOMEM ? "there is no memory" : "no proposal has a key exchange that is known", now);
    if (f->cookie_len > 0) /* RFC 7296 2.6: as the first payload */
        payload_write_notify(cw, NOTIFY_COOKIE, PROTO_NONE, NULL, 0, f->cookie, f->cookie_len);
    payload_write_sa(cw, &c->proposals);
    payload_write_ke(cw, f->group->id, dh_public(f->dh), dh_public_len(f->group));
    payload_write_nonce(cw, f->nonce, sizeof(f->nonce));
    natd_write(cw, sa->spi_i, no_spi, &sa->local, &sa->remote, first_forces_encap(sa->engine, c));
    if (c->fragmentation != CONF_FRAGMENTATION_NO)
        first_write_fragmentation(cw);
    first_write_hashes(cw);
    if (c->has_ppk)
        payload_write_notify(cw, NOTIFY_USE_PPK, PROTO_NONE, NULL, 0, NULL, 0);
    return 0;
}

/* What refuses us ------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static enum task_result refuse(struct ike_sa *sa, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(sa->first->refused, sizeof(sa->first->refused), fmt, ap);
    va_end(ap);
    ike_sa_log(sa, ENGINE_LOG_IKE, 1, "%s; waiting whether another response comes", sa->first->refused);
    return TASK_WAIT;
}

const char *init_refused(const struct ike_sa *sa)
{
    return sa->first && sa->first->refused[0] != '\0' ? sa->first->refused : NULL;
}

static bool may_retry(struct ike_sa *sa)
{
    if (sa->first->retries == FIRST_RETRIES_MAX) {
        ike_sa_log(sa, ENGINE_LOG_IKE, 1, "ignored: IKE_SA_INIT was begun anew %d times already", FIRST_RETRIES_MAX);
        return false;
    }
    sa->first->retries++;
    return true;
}

/* RFC 7296 2.6: echoed; one that is in the request already is a duplicate. */
static enum task_result take_cookie(struct ike_sa *sa, const struct notify_payload *n)
{
    struct first *f = sa->first;

    if (n->data.len == 0 || n->data.len > FIRST_COOKIE_MAX)
        return TASK_WAIT;
    if (n->data.len == f->cookie_len && memcmp(n->data.data, f->cookie, f->cookie_len) == 0)
        return TASK_WAIT;
    if (!may_retry(sa))
        return TASK_WAIT;
    memcpy(f->cookie, n->data.data, n->data.len);
    f->cookie_len = n->data.len;
    ike_sa_log(sa, ENGINE_LOG_IKE, 1, "the peer asks for a COOKIE, sending it");
    return TASK_AGAIN;
}

/* RFC 7296 1.2, 2.6.1: the COOKIE stays. Only a group that we propose is taken. */
static enum task_result take_group(struct ike_sa *sa, const struct notify_payload *n)
{
    struct first *f = sa->first;
    struct rd r = rd_of(n->data.data, n->data.len);
    uint16_t id = rd_be16(&r);
    const struct alg *group = alg_find(ALG_DH, id, 0);

    if (!rd_done(&r) || id == f->group->id)
        return TASK_WAIT;
    if (!group || !proposals_have_dh(&sa->conf->proposals, id))
        return refuse(sa, "received INVALID_KE_PAYLOAD: the peer wants group %u, which we do not propose", id);
    if (!may_retry(sa))
        return TASK_WAIT;
    ike_sa_log(sa, ENGINE_LOG_IKE, 1, "the peer did not accept group %s, it wants %s", f->group->name, group->name);
    f->group = group;
    f->dh = dh_free(f->dh);
    return TASK_AGAIN;
}

static enum task_result take_error(struct ike_sa *sa, const struct notify_payload *n)
{
    const char *name = name_notify(n->type);

    if (n->type == NOTIFY_NO_PROPOSAL_CHOSEN)
        return refuse(sa, "received NO_PROPOSAL_CHOSEN: the peer accepts none of our proposals, or knows us not");
    if (name)
        return refuse(sa, "received %s in answer to IKE_SA_INIT", name);
    return refuse(sa, "received error %u in answer to IKE_SA_INIT", n->type);
}

/* The answer ------------------------------------------------------------------------------------------------------ */

struct answer {
    struct suite suite;
    struct proposal chosen;
    struct ke_payload ke;
    struct wire_bytes nonce;
};

/* NULL, or why it cannot be. */
static const char *read_answer(const struct ike_sa *sa, const struct message *in, struct answer *ret)
{
    static const uint8_t no_spi[IKE_SPI_LEN];
    const struct chain *c = &in->chain;
    struct notify_payload n;
    struct proposals ps;

    if (memcmp(in->h.spi_r, no_spi, IKE_SPI_LEN) == 0)
        return "it has no SPI";
    if (payload_read_sa(chain_find(c, PAYLOAD_SA, NULL), &ps) < 0 ||
        payload_read_ke(chain_find(c, PAYLOAD_KE, NULL), &ret->ke) < 0 ||
        payload_read_nonce(chain_find(c, PAYLOAD_NONCE, NULL), &ret->nonce) < 0)
        return "a payload is malformed";
    if (!proposals_accept(&ps, &sa->conf->proposals, &ret->suite) || !ret->suite.dh)
        return "its proposal is none of ours";
    if (ret->ke.group != sa->first->group->id || ret->suite.dh->id != ret->ke.group)
        return "its key exchange is of another group than ours";
    if (sa->conf->ppk_required && !chain_notify(c, NOTIFY_USE_PPK, &n))
        return "the peer does not know PPKs, but one is required";
    if (in->raw_len > FIRST_INIT_MAX)
        return "it is too long";
    ret->chosen = ps.p[0];
    return NULL;
}

/* RFC 7296 2.23: the ports change where a NAT is between, or shall seem to be. */
static void take_natd(struct ike_sa *sa, const struct message *in)
{
    uint16_t port = core_settings(sa->engine)->port, natt_port = core_settings(sa->engine)->natt_port;
    bool forced = first_forces_encap(sa->engine, sa->conf);

    if (!natd_read(in, &sa->nat_local, &sa->nat_remote)) {
        if (forced)
            ike_sa_log(sa, ENGINE_LOG_IKE, 0, "the peer does not know NAT traversal: no UDP encapsulation");
        return;
    }
    if (sa->nat_local)
        ike_sa_log(sa, ENGINE_LOG_IKE, 1, "local host is behind NAT, sending keep alives");
    if (sa->nat_remote)
        ike_sa_log(sa, ENGINE_LOG_IKE, 1, "remote host is behind NAT");
    if (forced)
        ike_sa_log(sa, ENGINE_LOG_IKE, 2, "faking NAT situation to enforce UDP encapsulation");
    sa->encap = sa->nat_local || sa->nat_remote || forced;
    if (!sa->encap || sa->natt)
        return;
    if (addr_port(&sa->local) == port)
        addr_set_port(&sa->local, natt_port);
    if (addr_port(&sa->remote) == IKE_PORT)
        addr_set_port(&sa->remote, IKE_PORT_NATT);
    sa->natt = true;
}

/* The messages that AUTH covers, and the seals. -ENOMEM */
static int keep(struct ike_sa *sa, const struct message *in)
{
    struct first *f = sa->first;
    const struct packet *mine = &sa->ids.request.p[0];
    int r = first_keep(&f->my_init, &f->my_init_len, mine->data, mine->len);

    if (r == 0)
        r = first_keep(&f->peer_init, &f->peer_init_len, in->raw, in->raw_len);
    return r == 0 ? ike_sa_keyed(sa) : r;
}

static void take_answer(struct ike_sa *sa, const struct message *in, const struct answer *a)
{
    char text[PROPOSALS_TEXT_MAX];
    struct notify_payload n;

    sa->suite = a->suite;
    sa->first->chosen = a->chosen;
    sa->first->dh = dh_free(sa->first->dh);
    sa->first->refused[0] = '\0';
    sa->first->certreq = chain_find(&in->chain, PAYLOAD_CERTREQ, NULL) != NULL;
    sa->childless = chain_notify(&in->chain, NOTIFY_CHILDLESS_IKEV2_SUPPORTED, &n);
    first_read_abilities(sa, &in->chain);
    take_natd(sa, in);
    ike_sa_log(sa, ENGINE_LOG_CFG, 1, "selected proposal: %s", proposal_text(&a->chosen, text));
}

static enum task_result process_answer(struct ike_sa *sa, const struct message *in, usec_t now)
{
    struct first *f = sa->first;
    struct answer a;
    const char *wrong = read_answer(sa, in, &a);
    int r;

    if (wrong)
        return refuse(sa, "the peer's IKE_SA_INIT response is not acceptable: %s", wrong);
    memcpy(f->peer_nonce, a.nonce.data, a.nonce.len);
    f->peer_nonce_len = a.nonce.len;
    memcpy(sa->spi_r, in->h.spi_r, IKE_SPI_LEN);
    r = first_keys(sa, &a.suite, f->dh, &a.ke.value, &sa->keys);
    if (r == -EBADMSG) {
        memset(sa->spi_r, 0, IKE_SPI_LEN);
        return refuse(sa, "the peer's IKE_SA_INIT response is not acceptable: its public value is none of %s",
                      f->group->name);
    }
    if (r == 0) {
        take_answer(sa, in, &a);
        r = keep(sa, in);
    }
    if (r < 0)
        (void)give_up(sa, "there is no memory", now);
    return TASK_DONE;
}

static enum task_result process(struct ike_sa *sa, struct task *t, const struct message *in, usec_t now)
{
    const struct chain *c = &in->chain;
    struct notify_payload n;

    (void)t;
    if (chain_find(c, PAYLOAD_SA, NULL))
        return process_answer(sa, in, now);
    if (chain_notify(c, NOTIFY_COOKIE, &n))
        return take_cookie(sa, &n);
    if (chain_notify(c, NOTIFY_INVALID_KE_PAYLOAD, &n))
        return take_group(sa, &n);
    if (chain_error(c, &n))
        return take_error(sa, &n);
    return TASK_WAIT;
}

const struct task_ops task_init_ops = {
    .name = "IKE_SA_INIT",
    .exchange = IKE_SA_INIT,
    .build = build,
    .process = process,
};
