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

const char *init_refused(struct ike_sa *sa)
{
    struct first *f = sa->first;

    if (!f)
        return NULL;
    f->retries = 0;
    if (f->refused[0] == '\0')
        return NULL;
    if (++f->refusals >= FIRST_REFUSALS)
        return f->refused;
    f->refused[0] = '\0';
    return NULL;
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

static enum task_result process(struct ike_sa *sa, struct task *t, const struct message *in, usec_t now)
{
    const struct chain *c = &in->chain;
    const char *wrong = NULL;
    struct notify_payload n;
    int r;

    (void)t;
    if (chain_find(c, PAYLOAD_SA, NULL)) {
        r = init_take_answer(sa, in, now, &wrong);
        if (r == -EBADMSG)
            return refuse(sa, "the peer's IKE_SA_INIT response is not acceptable: %s", wrong);
        if (r < 0)
            (void)give_up(sa, "there is no memory", now);
        return TASK_DONE;
    }
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
