/*
 * Messages in and out of IKE_SAs: what verified under the keys of one is put together, checked against the tables of
 * legal contents, and given to the handler of a request or the task of a response. Nothing else changes an IKE_SA.
 */
#include "base/secret.h"
#include "base/str.h"
#include "engine/ike/auth.h"
#include "engine/ike/delete.h"
#include "engine/ike/engine_state.h"
#include "engine/ike/first.h"
#include "engine/ike/retransmit.h"
#include "engine/ike/task.h"
#include "engine/wire/names.h"
#include "engine/wire/rules.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define EXCHANGES     4
#define LIMIT_IP_UDP6 48U /* headers around a message: IPv6 and UDP */
#define LIMIT_IP_UDP  28U
#define LIMIT_MARKER  4U

static const struct {
    enum rules_message request, response;
    enum engine_counter in_request, in_response, out_request, out_response;
} exchanges[EXCHANGES] = {
    [IKE_SA_INIT - IKE_SA_INIT] = {RULES_SA_INIT_REQUEST, RULES_SA_INIT_RESPONSE, ENGINE_IN_INIT_REQ,
                                   ENGINE_IN_INIT_RSP, ENGINE_OUT_INIT_REQ, ENGINE_OUT_INIT_RSP},
    [IKE_AUTH - IKE_SA_INIT] = {RULES_AUTH_REQUEST, RULES_AUTH_RESPONSE, ENGINE_IN_AUTH_REQ, ENGINE_IN_AUTH_RSP,
                                ENGINE_OUT_AUTH_REQ, ENGINE_OUT_AUTH_RSP},
    [CREATE_CHILD_SA - IKE_SA_INIT] = {RULES_CHILD_REQUEST, RULES_CHILD_RESPONSE, ENGINE_IN_CHILD_REQ,
                                       ENGINE_IN_CHILD_RSP, ENGINE_OUT_CHILD_REQ, ENGINE_OUT_CHILD_RSP},
    [INFORMATIONAL - IKE_SA_INIT] = {RULES_INFORMATIONAL, RULES_INFORMATIONAL, ENGINE_IN_INFO_REQ, ENGINE_IN_INFO_RSP,
                                     ENGINE_OUT_INFO_REQ, ENGINE_OUT_INFO_RSP},
};

static bool is_known(uint8_t exchange)
{
    return exchange >= IKE_SA_INIT && exchange <= INFORMATIONAL;
}

/* Out -------------------------------------------------------------------------------------------------------------- */

static size_t limit_of(const struct ike_sa *sa)
{
    size_t around =
        (addr_family(&sa->remote) == AF_INET6 ? LIMIT_IP_UDP6 : LIMIT_IP_UDP) + (sa->natt ? LIMIT_MARKER : 0);
    size_t size = core_settings(sa->engine)->fragment_size;

    return sa->fragmentation && size > around ? size - around : 0;
}

static struct ike_header header_of(const struct ike_sa *sa, uint8_t exchange, bool response, uint32_t id)
{
    struct ike_header h = {.version = IKE_VERSION, .exchange = exchange, .message_id = id};

    memcpy(h.spi_i, sa->spi_i, sizeof(h.spi_i));
    memcpy(h.spi_r, sa->spi_r, sizeof(h.spi_r));
    h.flags = (uint8_t)((sa->initiator ? IKE_FLAG_INITIATOR : 0) | (response ? IKE_FLAG_RESPONSE : 0));
    return h;
}

int exchange_send_request(struct ike_sa *sa, uint8_t exchange, const struct chain_writer *cw, usec_t now)
{
    struct ike_header h = header_of(sa, exchange, false, sa->ids.next);
    struct packets ps = {0};
    int r = exchange == IKE_SA_INIT ? message_plain(&h, cw, &ps)
                                    : message_seal(sa->seal_out, &sa->seal_counter, &h, cw, limit_of(sa), &ps);

    if (r < 0) {
        packets_clear(&ps);
        return r;
    }
    message_ids_request_out(&sa->ids, &ps);
    fragments_clear(&sa->response_in); /* RFC 7296 2.4: of who answered before */
    core_send(sa->engine, &sa->local, &sa->remote, sa->natt, &sa->ids.request);
    ike_sa_count(sa, exchanges[exchange - IKE_SA_INIT].out_request);
    ike_sa_log(sa, ENGINE_LOG_ENC, 2, "%s request %u sent", name_exchange(exchange), h.message_id);
    sa->last_out = sa->sent_at = now;
    sa->tries = 0;
    sa->retransmit_at = retransmit_at(core_settings(sa->engine), 0, now, sa->sent_at, sa->conf->dpd_timeout);
    engine_wake(sa->engine, sa->retransmit_at);
    return 0;
}

static void give_up(struct ike_sa *sa, usec_t now)
{
    ike_sa_log(sa, ENGINE_LOG_IKE, 1, "giving up after %u retransmits", sa->tries);
    switch (sa->state) {
    case IKE_CREATED:
    case IKE_CONNECTING:
        core_attempt_failed(sa, true, "the peer does not answer", now);
        break;
    case IKE_DELETING:
        delete_ike_ended(sa, "the peer does not answer our DELETE", now);
        break;
    case IKE_ESTABLISHED:
    case IKE_REKEYING:
    case IKE_REKEYED:
        core_peer_lost(sa, "the peer does not answer", now);
        break;
    case IKE_DESTROYING:
        break;
    }
}

/* RFC 7296 2.4: IKE_AUTH goes to another of those who answered IKE_SA_INIT; a round of them is one try,
 * without growing pauses, as long as half-open IKE_SAs live. */
static bool try_other_answer(struct ike_sa *sa, usec_t now)
{
    unsigned tries = sa->tries;
    bool round;

    if (sa->state != IKE_CONNECTING || sa->tasks->kind != TASK_AUTH || !init_next_answer(sa, &round))
        return false;
    task_run(sa, now);
    if (sa->state == IKE_CONNECTING && sa->ids.pending) {
        sa->tries = tries + round;
        sa->retransmit_at = round ? retransmit_at(core_settings(sa->engine), sa->tries, now, sa->sent_at, 0)
                                  : clock_add(now, core_settings(sa->engine)->retransmit);
    }
    return true;
}

void exchange_retransmit(struct ike_sa *sa, usec_t now)
{
    const struct engine_settings *s = core_settings(sa->engine);
    usec_t timeout = sa->state == IKE_CONNECTING ? 0 : sa->conf->dpd_timeout;
    const char *refused = sa->tasks->kind == TASK_INIT ? init_refused(sa) : NULL;

    assert(sa->ids.pending);
    sa->retransmit_at = USEC_NEVER;
    if (refused) {
        core_attempt_failed(sa, false, refused, now);
        return;
    }
    if (sa->tries >= s->retransmit_tries || (timeout != 0 && clock_since(sa->sent_at, now) >= timeout)) {
        give_up(sa, now);
        return;
    }
    if (try_other_answer(sa, now))
        return;
    sa->tries++;
    core_send(sa->engine, &sa->local, &sa->remote, sa->natt, &sa->ids.request);
    sa->last_out = now;
    sa->retransmit_at = retransmit_at(s, sa->tries, now, sa->sent_at, timeout);
    ike_sa_log(sa, ENGINE_LOG_IKE, 1, "retransmit %u of request with message ID %u", sa->tries, sa->ids.next - 1);
}

static void send_response(struct ike_sa *sa, const struct message *in, const struct chain_writer *cw, usec_t now)
{
    struct ike_header h = header_of(sa, in->h.exchange, true, in->h.message_id);
    struct packets ps = {0};

    if (message_seal(sa->seal_out, &sa->seal_counter, &h, cw, limit_of(sa), &ps) < 0) {
        /* Without memory for the answer the request counts as not received. */
        packets_clear(&ps);
        return;
    }
    message_ids_request_in(&sa->ids, &ps);
    core_send(sa->engine, &in->local, &in->remote, addr_port(&in->local) == core_settings(sa->engine)->natt_port,
              &sa->ids.response);
    ike_sa_count(sa, exchanges[in->h.exchange - IKE_SA_INIT].out_response);
    sa->last_out = now;
}

/* In: payloads ----------------------------------------------------------------------------------------------------- */

struct fault {
    uint8_t type;     /* of the payload that it is about */
    const char *what; /* RULES_SYNTAX: its name, or what is wrong with all of them */
};

static enum rules_verdict read_payloads(struct message *in, enum rules_message m, uint8_t first, const uint8_t *data,
                                        size_t len, struct fault *ret)
{
    enum rules_verdict v;

    *ret = (struct fault){.type = PAYLOAD_NONE, .what = "its payloads do not fit"};
    if (chain_read(first, data, len, &in->chain) < 0)
        return RULES_SYNTAX;
    v = rules_check(m, &in->chain, &ret->type);
    if (v == RULES_SYNTAX)
        ret->what = name_payload(ret->type);
    return v;
}

/* In: requests ----------------------------------------------------------------------------------------------------- */

typedef void (*respond_fn)(struct ike_sa *sa, const struct message *in, struct chain_writer *cw, usec_t now);

/* What the peer may ask for in the state of the IKE_SA; NULL: nothing. */
static respond_fn handler_of(const struct ike_sa *sa, uint8_t exchange)
{
    switch (sa->state) {
    case IKE_CONNECTING:
        return exchange == IKE_AUTH && !sa->initiator ? respond_auth : NULL;
    case IKE_ESTABLISHED:
    case IKE_REKEYING:
    case IKE_REKEYED:
    case IKE_DELETING:
        return exchange == CREATE_CHILD_SA ? respond_create_child
               : exchange == INFORMATIONAL ? respond_informational
                                           : NULL;
    case IKE_CREATED:
    case IKE_DESTROYING:
        break;
    }
    return NULL;
}

/* RFC 7296 2.21.3: whoever sends what cannot be read must not go on. */
static void refuse_syntax(struct ike_sa *sa, struct chain_writer *cw, const char *what, usec_t now)
{
    payload_write_notify(cw, NOTIFY_INVALID_SYNTAX, PROTO_NONE, NULL, 0, NULL, 0);
    ike_sa_log(sa, ENGINE_LOG_ENC, 0, "the peer's request is malformed: %s", what);
    if (sa->state == IKE_CONNECTING)
        ike_sa_destroy(sa, "malformed request", now);
    else
        core_peer_lost(sa, "malformed request", now);
}

static void take_request(struct ike_sa *sa, struct message *in, uint8_t first, const uint8_t *data, size_t len,
                         usec_t now)
{
    respond_fn respond = handler_of(sa, in->h.exchange);
    struct engine *e = sa->engine;
    struct chain_writer cw = chain_writer_of(e->chain, sizeof(e->chain));
    struct fault f;

    if (!respond)
        return;
    ike_sa_count(sa, exchanges[in->h.exchange - IKE_SA_INIT].in_request);
    switch (read_payloads(in, exchanges[in->h.exchange - IKE_SA_INIT].request, first, data, len, &f)) {
    case RULES_FINE:
        sa->request = in;
        respond(sa, in, &cw, now);
        sa->request = NULL;
        break;
    case RULES_CRITICAL: /* RFC 7296 2.5 */
        payload_write_notify(&cw, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD, PROTO_NONE, NULL, 0, &f.type, 1);
        ike_sa_log(sa, ENGINE_LOG_ENC, 0, "the peer insists on payload %u, which is not known", f.type);
        if (sa->state == IKE_CONNECTING)
            ike_sa_destroy(sa, "unknown critical payload", now);
        break;
    case RULES_SYNTAX:
        refuse_syntax(sa, &cw, f.what, now);
        break;
    }
    send_response(sa, in, &cw, now);
}

/* In: responses ---------------------------------------------------------------------------------------------------- */

static void finish_task(struct ike_sa *sa, struct task *t, enum task_result result)
{
    switch (result) {
    case TASK_DONE:
        task_free(sa, t, t->error[0] ? t->error : NULL);
        break;
    case TASK_AGAIN:
    case TASK_WAIT:
        break;
    }
}

/* RFC 7296 2.21.2, 2.21.3 */
static void lose(struct ike_sa *sa, const char *reason, usec_t now)
{
    if (sa->state != IKE_CONNECTING) {
        core_peer_lost(sa, reason, now);
        return;
    }
    auth_tell_failed(sa, NOTIFY_INVALID_SYNTAX);
    if (!init_answer_failed(sa, reason, now))
        core_attempt_failed(sa, false, reason, now);
}

static void take_response(struct ike_sa *sa, struct message *in, uint8_t first, const uint8_t *data, size_t len,
                          usec_t now)
{
    struct task *t = sa->tasks;
    enum task_result result;
    enum rules_verdict v;
    char reason[64];
    struct fault f;

    ike_sa_count(sa, exchanges[in->h.exchange - IKE_SA_INIT].in_response);
    message_ids_response_in(&sa->ids);
    sa->retransmit_at = USEC_NEVER;
    v = read_payloads(in, exchanges[in->h.exchange - IKE_SA_INIT].response, first, data, len, &f);
    if (v != RULES_FINE) {
        if (v == RULES_CRITICAL)
            (void)str_format(reason, sizeof(reason), "the peer insists on payload %u, which is not known", f.type);
        else
            (void)str_format(reason, sizeof(reason), "the peer's response is malformed: %s", f.what);
        lose(sa, reason, now);
        return;
    }
    result = task_ops(t->kind)->process(sa, t, in, now);
    if (sa->state != IKE_DESTROYING)
        finish_task(sa, t, result);
}

/* The answer to IKE_SA_INIT: nothing vouches for it, so that one that does not help is as if it had not come. */
static void take_init_response(struct ike_sa *sa, struct message *in, usec_t now)
{
    struct task *t = sa->tasks;
    enum task_result result;
    uint8_t type;

    if (rules_check(RULES_SA_INIT_RESPONSE, &in->chain, &type) != RULES_FINE)
        return;
    ike_sa_count(sa, ENGINE_IN_INIT_RSP);
    result = task_ops(t->kind)->process(sa, t, in, now);
    if (sa->state == IKE_DESTROYING || result == TASK_WAIT)
        return;
    sa->retransmit_at = USEC_NEVER;
    if (result == TASK_AGAIN)
        message_ids_restart(&sa->ids);
    else
        message_ids_response_in(&sa->ids);
    finish_task(sa, t, result);
}

/* In: protection --------------------------------------------------------------------------------------------------- */

static bool is_where_it_was(const struct ike_sa *sa, const struct message *in)
{
    return addr_equal(&sa->remote, &in->remote) && addr_port(&sa->remote) == addr_port(&in->remote);
}

/* RFC 7296 2.23: a NAT before the peer may move it, which only what verified tells. Where the NAT is before us, the
 * peer stays where it is. It may go over to the ports of NAT-T at any time, where it is answered; not back. */
static void follow_peer(struct ike_sa *sa, const struct message *in, usec_t now)
{
    uint16_t natt_port = core_settings(sa->engine)->natt_port;
    struct addr local = sa->local;

    if (!sa->nat_remote || sa->nat_local || (sa->natt && addr_port(&in->local) != natt_port))
        return;
    addr_set_port(&local, addr_port(&in->local));
    if (addr_port(&sa->local) != addr_port(&local) || !is_where_it_was(sa, in))
        ike_sa_move(sa, &local, &in->remote, sa->nat_local, sa->nat_remote, now);
}

static void take_whole(struct ike_sa *sa, struct message *in, uint8_t first, const uint8_t *data, size_t len,
                       usec_t now)
{
    sa->last_in = now; /* RFC 7296 2.4: a fresh one. Anybody can send one again */
    follow_peer(sa, in, now);
    if (header_is_response(&in->h))
        take_response(sa, in, first, data, len, now);
    else
        take_request(sa, in, first, data, len, now);
}

static void take_fragment(struct ike_sa *sa, struct message *in, const struct message_opened *o, usec_t now)
{
    const struct fragment f = {o->number, o->total, o->inner, o->data, o->len};
    struct fragments *fs = header_is_response(&in->h) ? &sa->response_in : &sa->request_in;
    uint8_t first, *whole;
    size_t len;

    if (fragments_add(fs, in->h.message_id, &f, &first, &whole, &len) != 1)
        return;
    take_whole(sa, in, first, whole, len, now);
    secret_wipe(whole, len);
    free(whole);
}

static enum message_id_meaning meaning_of(const struct ike_sa *sa, const struct ike_header *h)
{
    return header_is_response(h) ? message_ids_of_response(&sa->ids, h->message_id)
                                 : message_ids_of_request(&sa->ids, h->message_id);
}

/* The response to a task is of its exchange. */
static bool is_awaited(const struct ike_sa *sa, const struct ike_header *h)
{
    return !header_is_response(h) || task_ops(sa->tasks->kind)->exchange == h->exchange;
}

static void take_protected(struct ike_sa *sa, struct message *in, uint8_t *data, size_t len, usec_t now)
{
    enum message_id_meaning meaning = meaning_of(sa, &in->h);
    struct message_opened o;

    if ((meaning != MESSAGE_ID_NEW && meaning != MESSAGE_ID_REPEATED) || !is_awaited(sa, &in->h))
        return;
    if (message_open(sa->seal_in, data, len, &in->chain, &o) < 0) {
        ike_sa_count(sa, ENGINE_IN_INVALID);
        ike_sa_log(sa, ENGINE_LOG_ENC, 1, "a message does not verify, ignored");
        return;
    }
    if (meaning == MESSAGE_ID_REPEATED) {
        /* RFC 7383 2.6.1: the first fragment stands for all. */
        if ((o.total == 0 || o.number == 1) &&
            (is_where_it_was(sa, in) || core_may_answer(sa->engine, CORE_ANSWER_REPEAT, now)))
            core_send(sa->engine, &in->local, &in->remote,
                      addr_port(&in->local) == core_settings(sa->engine)->natt_port, &sa->ids.response);
    } else if (o.total > 0) {
        take_fragment(sa, in, &o, now);
    } else {
        take_whole(sa, in, o.inner, o.data, o.len, now);
    }
}

/* The IKE_SA of ours that the header names, whole. */
static struct ike_sa *find_sa(const struct engine *e, const struct ike_header *h)
{
    static const uint8_t none[IKE_SPI_LEN];
    bool ours_is_r = header_from_initiator(h);
    struct ike_sa *sa = core_sa_by_spi(e, ours_is_r ? h->spi_r : h->spi_i);

    if (!sa || sa->initiator == ours_is_r)
        return NULL;
    /* We do not know the responder's before its first answer. */
    if (memcmp(ike_sa_peer_spi(sa), none, IKE_SPI_LEN) == 0 && h->exchange == IKE_SA_INIT)
        return sa;
    return memcmp(ike_sa_peer_spi(sa), ours_is_r ? h->spi_i : h->spi_r, IKE_SPI_LEN) == 0 ? sa : NULL;
}

static bool awaits_init(const struct ike_sa *sa)
{
    return sa->state == IKE_CONNECTING && sa->ids.pending && sa->tasks->kind == TASK_INIT;
}

/* Another answer to an IKE_SA_INIT that has one: RFC 7296 2.4. */
static void take_late_init_response(const struct engine *e, const struct message *in, usec_t now)
{
    struct ike_sa *sa = core_sa_by_spi(e, in->h.spi_i);
    uint8_t type;

    if (sa && sa->initiator && sa->state == IKE_CONNECTING && sa->tasks && sa->tasks->kind == TASK_AUTH &&
        in->h.message_id == 0 && !header_from_initiator(&in->h) && chain_find(&in->chain, PAYLOAD_SA, NULL) &&
        rules_check(RULES_SA_INIT_RESPONSE, &in->chain, &type) == RULES_FINE) {
        init_late_answer(sa, in);
        task_run(sa, now);
    }
}

static void take_message(struct engine *e, struct message *in, uint8_t *data, size_t len, usec_t now)
{
    struct ike_sa *sa;
    int r = chain_read(in->h.next_payload, data + IKE_HEADER_LEN, len - IKE_HEADER_LEN, &in->chain);
    bool sealed;

    if (r < 0 || !is_known(in->h.exchange)) {
        core_count(e, ENGINE_IN_INVALID);
        return;
    }
    if (in->h.exchange == IKE_SA_INIT && !header_is_response(&in->h)) {
        half_open_input(e, in, now);
        return;
    }
    sealed = chain_is_sealed(&in->chain);
    if (in->h.exchange == IKE_SA_INIT)
        take_late_init_response(e, in, now);
    sa = find_sa(e, &in->h);
    if (!sa)
        unknown_input(e, in, now);
    else if (in->h.exchange == IKE_SA_INIT && awaits_init(sa) && in->h.message_id == 0)
        take_init_response(sa, in, now);
    else if (sealed && sa->seal_in && in->h.exchange != IKE_SA_INIT)
        take_protected(sa, in, data, len, now);
    else if (!sealed)
        unknown_hint(sa, in, now);
    if (sa)
        task_run(sa, now);
}

void engine_input(struct engine *e, usec_t now, const struct addr *local, const struct addr *remote,
                  const uint8_t *data, size_t len)
{
    static struct message in;
    uint8_t *copy;
    int r;

    memset(&in, 0, sizeof(in));
    in.local = *local;
    in.remote = *remote;
    in.raw = data;
    in.raw_len = len;
    r = header_read(data, len, &in.h);
    if (r == -EPROTONOSUPPORT)
        unknown_version(e, &in, now);
    if (r < 0) {
        core_count(e, ENGINE_IN_INVALID);
        return;
    }
    copy = malloc(len);
    if (!copy)
        return;
    memcpy(copy, data, len);
    in.raw = copy;
    take_message(e, &in, copy, len, now);
    secret_wipe(copy, len);
    free(copy);
    engine_reap(e);
}
