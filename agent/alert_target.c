#include "agent/alert_target.h"

#include "agent/agent.h"
#include "base/log.h"
#include "base/random.h"
#include "base/str.h"
#include "base/version.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define ANSWER_MAX   (1024 * 1024) /* of a receiver; nobody reads it, but some send a whole page with their 200 */
#define HEADER_MAX   128
#define FAILURES_MAX 16 /* more do not make the back-off any longer */

/* An alert that waits for one target. */
struct item {
    struct item *next;
    struct alert_target *target; /* borrowed */
    struct alert *alert;         /* one of its references */
    unsigned attempts;
    bool ready; /* the store has it, or said that it cannot */
};

struct alert_target {
    struct alert_context *context; /* borrowed */
    const struct conf_alert *conf; /* borrowed until the next reload */
    struct item *first, *last;     /* owned; in the order of events */
    size_t n;
    struct loop_timer *timer; /* owned; runs while backing off */
    struct http_call *call;   /* of FIRST; NULL: none is under way */
    bool backing_off;
    unsigned failures; /* in a row */
};

struct alert *alert_unref(struct alert *a)
{
    if (a && --a->refs == 0) {
        free(a->body);
        free(a);
    }
    return NULL;
}

int alert_new(const char *id, usec_t wall, const char *body, struct alert **ret)
{
    struct alert *a = calloc(1, sizeof(*a));

    if (!a)
        return -ENOMEM;
    a->refs = 1;
    a->wall = wall;
    (void)str_copy(a->id, sizeof(a->id), id);
    a->body = strdup(body);
    if (!a->body) {
        (void)alert_unref(a);
        return -ENOMEM;
    }
    *ret = a;
    return 0;
}

/* Takes the item behind BEFORE (NULL: the first) out of its queue and forgets it; the spool is the caller's. */
static void item_remove(struct alert_target *t, struct item *before)
{
    struct item *i = before ? before->next : t->first;

    if (before)
        before->next = i->next;
    else
        t->first = i->next;
    if (t->last == i)
        t->last = before;
    t->n--;
    t->context->status.waiting--;
    if (!i->ready)
        store_forget(t->context->store, i);
    (void)alert_unref(i->alert);
    free(i);
}

static struct item *item_add(struct alert_target *t, struct alert *a)
{
    struct item *i = calloc(1, sizeof(*i));

    if (!i)
        return NULL;
    i->target = t;
    i->alert = a;
    a->refs++;
    if (t->last)
        t->last->next = i;
    else
        t->first = i;
    t->last = i;
    t->n++;
    t->context->status.waiting++;
    return i;
}

static void on_answer(void *data, const struct http_response *r);

static void back_off(struct alert_target *t, usec_t at_least)
{
    unsigned doublings = t->failures > 0 ? t->failures - 1 : 0;
    usec_t span = ALERTER_BACKOFF_MIN << (doublings < FAILURES_MAX ? doublings : FAILURES_MAX);

    if (span > ALERTER_BACKOFF_MAX)
        span = ALERTER_BACKOFF_MAX;
    span = span / 2 + random_below(span / 2 + 1);
    if (at_least > ALERTER_RETRY_AFTER_MAX)
        at_least = ALERTER_RETRY_AFTER_MAX;
    t->backing_off = true;
    loop_timer_in(t->timer, span > at_least ? span : at_least);
}

static int post(struct alert_target *t, const struct alert *a)
{
    char id[HEADER_MAX], timestamp[HEADER_MAX];
    const char *const headers[] = {"Content-Type: application/json", "User-Agent: Rekindle/" REKINDLE_VERSION, id,
                                   timestamp, NULL};
    const struct http_request req = {
        .method = "POST",
        .url = secret_text(t->conf->url),
        .headers = headers,
        .body = a->body,
        .body_len = strlen(a->body),
        .source = t->conf->source,
        .timeout = ALERTER_TIMEOUT,
        .max_body = ANSWER_MAX,
    };

    (void)str_format(id, sizeof(id), "webhook-id: %s", a->id);
    (void)str_format(timestamp, sizeof(timestamp), "webhook-timestamp: %" PRIu64,
                     loop_wall(t->context->loop) / USEC_PER_SEC);
    return http_send(t->context->http, &req, on_answer, t, &t->call);
}

void alert_target_deliver(struct alert_target *t)
{
    if (t->call || t->backing_off || !t->first || !t->first->ready)
        return;
    if (post(t, t->first->alert) < 0)
        back_off(t, 0); /* too many requests are under way, or no memory: no fault of the target */
}

static void delivered(struct alert_target *t)
{
    struct alert_context *c = t->context;

    c->status.delivered++;
    if (t->failures > 0)
        log_notice("alert target \"%s\" takes alerts again, after %u failed attempt%s", t->conf->name, t->failures,
                   t->failures == 1 ? "" : "s");
    t->failures = 0;
    (void)store_spool_remove(c->store, t->first->alert->id, t->conf->name);
    item_remove(t, NULL);
    alert_target_deliver(t);
}

static void failed(struct alert_target *t, const struct http_response *r)
{
    struct alert_context *c = t->context;
    struct item *i = t->first;

    c->status.failed_attempts++;
    i->attempts++;
    (void)store_spool_attempted(c->store, i->alert->id, t->conf->name, i->attempts);
    if (t->failures == 0 && r->error < 0)
        log_warning("alert target \"%s\" takes no alerts: %s; trying again until it does", t->conf->name,
                    r->error_text);
    else if (t->failures == 0)
        log_warning("alert target \"%s\" takes no alerts: status %ld; trying again until it does", t->conf->name,
                    r->status);
    if (t->failures < UINT32_MAX)
        t->failures++;
    /* "Gone" may be a mistake of the receiver's: it is asked again, but rarely. */
    back_off(t, r->status == 410 ? ALERTER_BACKOFF_MAX : r->retry_after);
}

static void on_answer(void *data, const struct http_response *r)
{
    struct alert_target *t = data;

    assert(t->first);
    t->call = NULL;
    if (r->error == 0 && r->status >= 200 && r->status <= 299)
        delivered(t);
    else
        failed(t, r);
}

static void on_timer(void *data, usec_t now)
{
    struct alert_target *t = data;

    (void)now;
    t->backing_off = false;
    alert_target_deliver(t);
}

int alert_target_new(struct alert_context *c, const struct conf_alert *conf, struct alert_target **ret)
{
    struct alert_target *t = calloc(1, sizeof(*t));
    int r;

    if (!t)
        return -ENOMEM;
    t->context = c;
    t->conf = conf;
    r = loop_timer_new(c->loop, on_timer, t, &t->timer);
    if (r < 0) {
        free(t);
        return r;
    }
    *ret = t;
    return 0;
}

struct alert_target *alert_target_free(struct alert_target *t)
{
    if (!t)
        return NULL;
    http_cancel(t->call);
    while (t->first)
        item_remove(t, NULL);
    loop_timer_free(t->timer);
    free(t);
    return NULL;
}

const char *alert_target_name(const struct alert_target *t)
{
    return t->conf->name;
}

size_t alert_target_waiting(const struct alert_target *t)
{
    return t->n;
}

static void on_spooled(void *data, int error)
{
    struct item *i = data;

    (void)error; /* where it could not be stored it is sent all the same: people must hear */
    i->ready = true;
    alert_target_deliver(i->target);
}

void alert_target_add(struct alert_target *t, struct alert *a)
{
    struct store_alert row = {.body = a->body, .wall = a->wall};
    struct item *i = item_add(t, a);

    if (!i) {
        t->context->status.dropped++;
        return;
    }
    (void)str_copy(row.id, sizeof(row.id), a->id);
    (void)str_copy(row.target, sizeof(row.target), t->conf->name);
    if (store_spool_add(t->context->store, &row, on_spooled, i) < 0)
        on_spooled(i, -ENOBUFS);
}

void alert_target_take_up(struct alert_target *t, struct alert *a, unsigned attempts)
{
    struct item *i = item_add(t, a);

    if (!i)
        return; /* stays in the spool: the next start takes it up */
    i->attempts = attempts;
    i->ready = true;
}

/* Drops the item behind BEFORE (NULL: the first). */
static void drop(struct alert_target *t, struct item *before)
{
    const struct item *i = before ? before->next : t->first;

    (void)store_spool_remove(t->context->store, i->alert->id, t->conf->name);
    t->context->status.dropped++;
    item_remove(t, before);
}

void alert_target_drop_oldest(struct alert_target *t)
{
    struct item *under_way = t->call ? t->first : NULL;

    if (under_way ? under_way->next : t->first)
        drop(t, under_way);
}

void alert_target_drop_all(struct alert_target *t)
{
    http_cancel(t->call);
    t->call = NULL;
    while (t->first)
        drop(t, NULL);
}

void alert_target_reload(struct alert_target *t, const struct conf_alert *conf)
{
    bool same = secret_equal(t->conf->url, conf->url) && str_eq(t->conf->source, conf->source);

    t->conf = conf;
    if (same || !t->backing_off)
        return;
    t->backing_off = false;
    loop_timer_stop(t->timer);
    alert_target_deliver(t);
}
