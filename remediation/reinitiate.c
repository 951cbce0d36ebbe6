#include "remediation/reinitiate.h"

#include "base/str.h"
#include "clients/vici/client.h"
#include "remediation/ike_reason.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_MAX 1024
#define LINE_MAX    512          /* of charon's log; a longer one is cut */
#define MARGIN      USEC_PER_SEC /* charon gives up so much earlier than we do, and then tells us */

struct reinitiate {
    struct loop *loop;          /* borrowed */
    struct vici_client *client; /* owned */
    char ike[VICI_SA_NAME_MAX];
    char child[VICI_SA_NAME_MAX];
    uint32_t terminate[REINITIATE_TERMINATE_MAX];
    size_t n_terminate, n_terminated;
    usec_t ends;
    enum outcome_ike reason;
    char line[LINE_MAX]; /* the last one that told a reason */
    reinitiate_done_fn fn;
    void *data; /* borrowed for fn */
};

/* The callback comes last: it may free R. */
static void finish(struct reinitiate *r, enum outcome_result result, const char *text)
{
    struct outcome o = {.result = result, .ike = result == OUTCOME_FAILED ? r->reason : OUTCOME_IKE_NONE};
    char all[OUTCOME_TEXT_MAX + LINE_MAX];

    /* charon's words hold names from its configuration and from the peer, so any bytes. */
    (void)str_format(all, sizeof(all), "%s%s%s", text, r->line[0] && o.ike != OUTCOME_IKE_NONE ? ": " : "",
                     o.ike != OUTCOME_IKE_NONE ? r->line : "");
    str_printable(o.text, sizeof(o.text), all, strlen(all));
    r->client = vici_client_free(r->client);
    r->fn(r->data, &o);
}

/* The command was not carried out, or we do not know whether it was. */
static void finish_unanswered(struct reinitiate *r, int error)
{
    switch (error) {
    case -ECONNREFUSED:
        finish(r, OUTCOME_FAILED, "the IKE daemon does not run");
        return;
    case -EACCES:
        finish(r, OUTCOME_FAILED, "the IKE daemon's socket may not be opened");
        return;
    case -EAGAIN:
        finish(r, OUTCOME_FAILED, "the IKE daemon accepts no connections");
        return;
    case -EOPNOTSUPP:
        finish(r, OUTCOME_FAILED, "the IKE daemon does not know the command");
        return;
    case -ETIMEDOUT:
        finish(r, OUTCOME_UNKNOWN, "the IKE daemon did not answer in time");
        return;
    default:
        finish(r, OUTCOME_UNKNOWN, strerrordesc_np(-error));
    }
}

static void on_log(void *data, const char *name, struct rd message)
{
    struct reinitiate *r = data;
    struct vici_walk w = vici_walk_of(message);
    struct vici_item it;
    char line[LINE_MAX];
    enum outcome_ike reason;

    (void)name;
    while (vici_walk_next(&w, &it) != VICI_END) {
        if (it.type != VICI_KEY_VALUE || !vici_item_is(&it, "msg"))
            continue;
        str_printable(line, sizeof(line), it.value, it.value_len);
        reason = ike_reason(line);
        if (reason != OUTCOME_IKE_NONE) {
            r->reason = reason;
            (void)str_copy(r->line, sizeof(r->line), line);
        }
    }
}

static void on_initiated(void *data, int error, struct rd message)
{
    struct reinitiate *r = data;
    char success[4] = "", text[OUTCOME_TEXT_MAX] = "the IKE daemon does not say why";

    if (error < 0) {
        finish_unanswered(r, error);
        return;
    }
    if (!vici_message_get(message, "success", success, sizeof(success))) {
        finish(r, OUTCOME_UNKNOWN, "the IKE daemon's answer makes no sense");
        return;
    }
    if (str_eq(success, "yes")) {
        finish(r, OUTCOME_DONE, "the CHILD_SA is up");
        return;
    }
    (void)vici_message_get(message, "errmsg", text, sizeof(text));
    if (r->reason == OUTCOME_IKE_NONE)
        r->reason = ike_reason(text);
    finish(r, OUTCOME_FAILED, text);
}

static int initiate(struct reinitiate *r)
{
    usec_t left = clock_since(loop_now(r->loop), r->ends);
    cleanup(strbuf_done) struct strbuf b;

    strbuf_init(&b, REQUEST_MAX);
    vici_put_value(&b, "child", r->child);
    vici_put_value(&b, "ike", r->ike);
    vici_put_valuef(&b, "timeout", "%llu", (unsigned long long)(clock_since(MARGIN, left) / USEC_PER_MSEC));
    vici_put_value(&b, "loglevel", "1");
    if (b.bad)
        return -ENOMEM;
    return vici_call(r->client, "initiate", b.data, b.len, "control-log", on_log, on_initiated, r, left, NULL);
}

static int go_on(struct reinitiate *r);

/* That it is gone already, or cannot be terminated, is no reason not to initiate. */
static void on_terminated(void *data, int error, struct rd message)
{
    struct reinitiate *r = data;

    (void)message;
    r->n_terminated++;
    if (error == 0)
        error = go_on(r);
    if (error < 0)
        finish_unanswered(r, error);
}

/* By force: without waiting for the peer, which may be gone. It is sent a DELETE all the same. */
static int terminate(struct reinitiate *r, uint32_t id)
{
    cleanup(strbuf_done) struct strbuf b;

    strbuf_init(&b, REQUEST_MAX);
    vici_put_valuef(&b, "ike-id", "%u", id);
    vici_put_value(&b, "force", "yes");
    vici_put_value(&b, "timeout", "-1"); /* no log either */
    if (b.bad)
        return -ENOMEM;
    return vici_call(r->client, "terminate", b.data, b.len, NULL, NULL, on_terminated, r, VICI_DEADLINE, NULL);
}

static int go_on(struct reinitiate *r)
{
    return r->n_terminated < r->n_terminate ? terminate(r, r->terminate[r->n_terminated]) : initiate(r);
}

int reinitiate_start(struct loop *l, const struct reinitiate_args *args, reinitiate_done_fn fn, void *data,
                     struct reinitiate **ret)
{
    cleanup(reinitiate_freep) struct reinitiate *r = calloc(1, sizeof(*r));
    int error;

    assert(args->n_terminate <= REINITIATE_TERMINATE_MAX);
    if (!r)
        return -ENOMEM;
    r->loop = l;
    memcpy(r->ike, args->ike, sizeof(r->ike));
    memcpy(r->child, args->child, sizeof(r->child));
    memcpy(r->terminate, args->terminate, sizeof(r->terminate));
    r->n_terminate = args->n_terminate;
    r->ends = clock_add(loop_now(l), REINITIATE_DEADLINE);
    r->fn = fn;
    r->data = data;
    error = vici_client_new(l, args->socket, NULL, NULL, NULL, &r->client);
    if (error == 0)
        error = go_on(r);
    if (error < 0)
        return error;
    *ret = TAKE_PTR(r);
    return 0;
}

struct reinitiate *reinitiate_free(struct reinitiate *r)
{
    if (!r)
        return NULL;
    r->client = vici_client_free(r->client);
    free(r);
    return NULL;
}
