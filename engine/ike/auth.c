/* IKE_AUTH as initiator. */
#include "engine/ike/auth.h"

#include "base/secret.h"
#include "base/str.h"
#include "engine/ike/life.h"
#include "engine/ike/task.h"
#include "engine/wire/names.h"

#include <errno.h>
#include <string.h>

static int give_up(struct ike_sa *sa, const char *reason, usec_t now)
{
    core_attempt_failed(sa, false, reason, now);
    return -ECANCELED;
}

/* The request ----------------------------------------------------------------------------------------------------- */

/* RFC 6023: whether the IKE_SA begins without a CHILD_SA. -EOPNOTSUPP where it must and the peer does not know that. */
static int is_childless(const struct ike_sa *sa, const struct task *t)
{
    if (!sa->childless)
        return t->conf && sa->conf->childless != CONF_CHILDLESS_FORCE ? 0 : -EOPNOTSUPP;
    return !t->conf || sa->conf->childless == CONF_CHILDLESS_PREFER || sa->conf->childless == CONF_CHILDLESS_FORCE;
}

static bool is_of_same_peer(const struct ike_sa *sa, const struct ike_sa *other)
{
    const struct identity *peer = &sa->conf->remote.id;

    return identity_equal(&other->me, &sa->me) &&
           (identity_has_wildcards(peer) ? addr_equal(&other->remote, &sa->remote)
                                         : identity_equal(&other->peer, peer));
}

/* RFC 7296 2.4: no other IKE_SA between the two stands. */
static bool is_first_contact(const struct ike_sa *sa)
{
    const struct ike_sa *other = NULL;

    if (sa->conf->unique == CONF_UNIQUE_NEVER)
        return false;
    while ((other = engine_next_sa(sa->engine, other)))
        if (other != sa && other->established_at != 0 && other->state != IKE_DESTROYING && is_of_same_peer(sa, other))
            return false;
    return true;
}

/* RFC 8784 3: AUTH is made with the PPK, and once more without, for a responder that has none. */
static bool write_auth(struct ike_sa *sa, const struct auth_own *own, const struct identity *peer,
                       struct chain_writer *cw, char error[static AUTH_ERROR_MAX])
{
    struct first *f = sa->first;
    struct auth_data a;

    f->ppk_offered = f->ppk && auth_ppk_mix(sa, &sa->conf->ppk_id, &f->ppk_keys) == 0;
    if (!f->ppk_offered && sa->conf->ppk_required) {
        (void)str_format(error, AUTH_ERROR_MAX, "no PPK found, but one is required");
        return false;
    }
    if (!auth_make(sa, f->ppk_offered ? &f->ppk_keys : &sa->keys, own, peer, &a, error))
        return false;
    payload_write_auth(cw, a.method, a.data, a.len);
    if (!f->ppk_offered)
        return true;
    auth_ppk_write_id(cw, &sa->conf->ppk_id);
    if (sa->conf->ppk_required)
        return true;
    if (!auth_make(sa, &sa->keys, own, peer, &a, error))
        return false;
    payload_write_notify(cw, NOTIFY_NO_PPK_AUTH, PROTO_NONE, NULL, 0, a.data, a.len);
    return true;
}

void auth_write_qcd(const struct ike_sa *sa, struct chain_writer *cw)
{
    uint8_t token[CORE_QCD_LEN];

    if (core_qcd_token(sa->engine, sa->spi_i, sa->spi_r, token))
        payload_write_notify(cw, NOTIFY_QUICK_CRASH_DETECTION, PROTO_NONE, NULL, 0, token, sizeof(token));
}

static bool write_identity(struct ike_sa *sa, struct chain_writer *cw, char error[static AUTH_ERROR_MAX])
{
    const struct identity *remote = &sa->conf->remote.id;
    bool known = !identity_has_wildcards(remote);
    struct auth_own own;

    auth_own(sa, sa->conf, NULL, &own);
    sa->me = own.id;
    auth_write_id(cw, PAYLOAD_IDI, &own.id);
    auth_write_certs(sa, &own, cw);
    first_write_certreq(sa->engine, sa->conf, cw);
    if (known)
        auth_write_id(cw, PAYLOAD_IDR, remote);
    return write_auth(sa, &own, known ? remote : NULL, cw, error);
}

static int build(struct ike_sa *sa, struct task *t, struct chain_writer *cw, usec_t now)
{
    int childless = is_childless(sa, t);
    char error[AUTH_ERROR_MAX];

    if (sa->first->refused[0] != '\0') { /* no other response came */
        (void)str_copy(error, sizeof(error), sa->first->refused);
        return give_up(sa, error, now);
    }
    if (childless < 0)
        return give_up(sa, "the peer does not know childless IKE_SAs (RFC 6023)", now);
    if (!write_identity(sa, cw, error)) {
        ike_sa_log(sa, ENGINE_LOG_IKE, 0, "%s", error);
        return give_up(sa, error, now);
    }
    if (is_first_contact(sa)) {
        payload_write_notify(cw, NOTIFY_INITIAL_CONTACT, PROTO_NONE, NULL, 0, NULL, 0);
        sa->told_initial_contact = true;
    }
    auth_write_qcd(sa, cw);
    if (childless) {
        t->create = create_free(t->create);
        return 0;
    }
    if (!t->create) /* built anew it asks for the same CHILD_SA: the peer may have answered */
        t->create = create_new(sa);
    return t->create ? create_auth_write(sa, t->create, t->ike_conf, t->conf, cw)
                     : give_up(sa, "there is no memory", now);
}

/* The response ---------------------------------------------------------------------------------------------------- */

void auth_tell_failed(struct ike_sa *sa, uint16_t notify)
{
    struct ike_header h = {.version = IKE_VERSION, .exchange = INFORMATIONAL, .flags = IKE_FLAG_INITIATOR};
    uint8_t buf[128];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct packets ps = {0};

    memcpy(h.spi_i, sa->spi_i, IKE_SPI_LEN);
    memcpy(h.spi_r, sa->spi_r, IKE_SPI_LEN);
    h.message_id = sa->ids.next;
    payload_write_notify(&cw, notify, PROTO_NONE, NULL, 0, NULL, 0);
    payload_write_delete_ike(&cw);
    if (message_seal(sa->seal_out, &sa->seal_counter, &h, &cw, 0, &ps) == 0)
        core_send(sa->engine, &sa->local, &sa->remote, sa->natt, &ps);
    packets_clear(&ps);
}

/* Perhaps not the peer failed, but somebody whose response to IKE_SA_INIT came first. */
static enum task_result failed(struct ike_sa *sa, const char *reason, usec_t now)
{
    ike_sa_log(sa, ENGINE_LOG_IKE, 0, "%s", reason);
    if (init_answer_failed(sa, reason, now))
        return TASK_AGAIN;
    core_attempt_failed(sa, false, reason, now);
    return TASK_DONE;
}

/* Without IDr and AUTH the exchange has failed (RFC 7296 1.2). */
static enum task_result refused(struct ike_sa *sa, const struct chain *c, usec_t now)
{
    struct notify_payload n;
    char reason[AUTH_ERROR_MAX] = "the peer's IKE_AUTH response is empty";

    if (chain_error(c, &n) && n.type == NOTIFY_AUTHENTICATION_FAILED)
        (void)str_format(reason, sizeof(reason),
                         "received AUTHENTICATION_FAILED: the peer does not accept our identity or our proof of it");
    else if (chain_error(c, &n))
        (void)str_format(reason, sizeof(reason), "received %s in answer to IKE_AUTH",
                         str_or(name_notify(n.type), "an unknown error"));
    return failed(sa, reason, now);
}

/* RFC 8784 3: the responder says whether it used the PPK. */
static bool take_ppk(struct ike_sa *sa, const struct chain *c, char error[static AUTH_ERROR_MAX])
{
    struct first *f = sa->first;
    struct notify_payload n;

    sa->ppk_used = f->ppk_offered && chain_notify(c, NOTIFY_PPK_IDENTITY, &n);
    if (sa->ppk_used) {
        sa->keys = f->ppk_keys;
    } else if (sa->conf->ppk_required) {
        (void)str_format(error, AUTH_ERROR_MAX, "the peer did not use the PPK, but one is required");
        return false;
    }
    return true;
}

bool auth_read_claim(const struct chain *c, enum ike_payload which, struct auth_claim *ret)
{
    const struct payload *auth = chain_find(c, PAYLOAD_AUTH, NULL);
    struct id_payload id;
    struct auth_payload ap;

    if (payload_read_id(chain_find(c, which, NULL), &id) < 0 ||
        identity_from_wire(id.type, id.data.data, id.data.len, &ret->id) < 0)
        return false;
    ret->id_body = id.body;
    ret->chain = c;
    if (!auth || payload_read_auth(auth, &ap) < 0)
        return false;
    ret->method = ap.method;
    ret->data = ap.data;
    return true;
}

void auth_take_qcd(struct ike_sa *sa, const struct chain *c)
{
    struct notify_payload n;

    if (!chain_notify(c, NOTIFY_QUICK_CRASH_DETECTION, &n) || n.data.len < 16 ||
        n.data.len > sizeof(sa->qcd_token)) /* RFC 6290 4.2: 16 bytes at least */
        return;
    memcpy(sa->qcd_token, n.data.data, n.data.len);
    sa->qcd_token_len = n.data.len;
}

void auth_log_success(const struct ike_sa *sa, const struct auth_claim *claim)
{
    char who[IDENTITY_TEXT_MAX];

    ike_sa_log(sa, ENGINE_LOG_IKE, 1, "authentication of '%s' with %s successful", identity_text(&claim->id, who),
               str_or(name_auth_method(claim->method), "?"));
}

void auth_established(struct ike_sa *sa, bool initial_contact, usec_t now)
{
    char mine[IDENTITY_TEXT_MAX], theirs[IDENTITY_TEXT_MAX], local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];

    sa->my_auth = sa->conf->local.auth;
    sa->peer_auth = sa->conf->remote.auth;
    ike_sa_log(sa, ENGINE_LOG_IKE, 0, "IKE_SA %s[%u] established between %s[%s]...%s[%s]", sa->conf->name, sa->unique,
               addr_text(&sa->local, local), identity_text(&sa->me, mine), addr_text(&sa->remote, remote),
               identity_text(&sa->peer, theirs));
    life_of_ike(sa, now);
    sa->begun_by_us = sa->initiator;
    sa->authenticated_at = now;
    ike_sa_become(sa, IKE_ESTABLISHED, "authenticated", now);
    core_established(sa, initial_contact, now);
}

/* The CHILD_SA of the task: of this exchange, or to be asked for where the IKE_SA began without one. */
static void take_child(struct ike_sa *sa, struct task *t, const struct chain *c, usec_t now)
{
    struct wire_bytes ni, nr;

    first_nonces(sa, &ni, &nr);
    if (t->create) {
        (void)create_auth_accept(sa, t->create, t->ike_conf, t->conf, c, &ni, &nr, now, t->error, sizeof(t->error));
    } else if (t->conf) {
        if (task_add(sa, TASK_CHILD, t->ike_conf, t->conf, 0, t->ticket))
            t->ticket = 0;
        else
            (void)str_format(t->error, sizeof(t->error), "too much is under way");
    }
}

static bool believes(struct ike_sa *sa, const struct auth_claim *claim, char error[static AUTH_ERROR_MAX])
{
    do {
        if (take_ppk(sa, claim->chain, error) && auth_check(sa, &sa->keys, sa->conf, &sa->me, claim, error))
            return true;
    } while (init_next_version(sa));
    return false;
}

static enum task_result process(struct ike_sa *sa, struct task *t, const struct message *in, usec_t now)
{
    const struct chain *c = &in->chain;
    char error[AUTH_ERROR_MAX] = "the peer's IKE_AUTH response is malformed";
    struct auth_claim claim;

    if (!chain_find(c, PAYLOAD_IDR, NULL) || !chain_find(c, PAYLOAD_AUTH, NULL))
        return refused(sa, c, now);
    if (!auth_read_claim(c, PAYLOAD_IDR, &claim) || !believes(sa, &claim, error)) {
        auth_tell_failed(sa, NOTIFY_AUTHENTICATION_FAILED);
        return failed(sa, error, now);
    }
    sa->peer = claim.id;
    auth_log_success(sa, &claim);
    auth_take_qcd(sa, c);
    auth_established(sa, false, now);
    if (sa->state != IKE_ESTABLISHED)
        return TASK_DONE;
    take_child(sa, t, c, now);
    sa->first = first_free(sa->first);
    return TASK_DONE;
}

const struct task_ops task_auth_ops = {
    .name = "IKE_AUTH",
    .exchange = IKE_AUTH,
    .build = build,
    .process = process,
};
