#include "agent/alerter.h"

#include "agent/alert.h"
#include "agent/alert_target.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strbuf.h"

#include <errno.h>
#include <string.h>

struct alerter {
    struct alert_context context;
    struct alert_target *targets[CONF_ALERTS_MAX]; /* owned; as in the configuration */
    size_t n_targets;
};

static struct alert_target *target_find(const struct alerter *a, const char *name)
{
    for (size_t i = 0; i < a->n_targets; i++)
        if (str_eq(alert_target_name(a->targets[i]), name))
            return a->targets[i];
    return NULL;
}

static int add_target(struct alerter *a, const struct conf_alert *conf)
{
    int r = alert_target_new(&a->context, conf, &a->targets[a->n_targets]);

    if (r >= 0)
        a->n_targets++;
    return r;
}

/* Makes room where it is needed: the target with the most gives. */
static void make_room(struct alerter *a)
{
    struct alert_target *longest = a->targets[0];

    if (a->context.status.waiting < ALERTER_QUEUE_MAX)
        return;
    for (size_t i = 1; i < a->n_targets; i++)
        if (alert_target_waiting(a->targets[i]) > alert_target_waiting(longest))
            longest = a->targets[i];
    alert_target_drop_oldest(longest);
}

void alerter_send(struct alerter *a, const struct event *e)
{
    struct alert *alert = NULL;
    struct strbuf body;

    strbuf_init(&body, STORE_BODY_MAX - 2 * STORE_ID_MAX);
    alert_format_webhook(e, &body);
    if (body.bad || alert_new(e->id, e->wall, strbuf_text(&body), &alert) < 0)
        log_error("out of memory: an alert is lost");
    for (size_t i = 0; i < a->n_targets && alert; i++) {
        make_room(a);
        alert_target_add(a->targets[i], alert);
    }
    (void)alert_unref(alert);
    strbuf_done(&body);
}

struct spool {
    struct alerter *alerter;
    struct alert *last; /* rows of one alert often stand together; a reference */
    size_t unknown;     /* rows for targets that are not there */
};

static void on_spool_row(void *data, const struct store_alert *row)
{
    struct spool *s = data;
    struct alerter *a = s->alerter;
    struct alert_target *t = target_find(a, row->target);

    if (!t) {
        s->unknown++;
        a->context.status.dropped++;
        (void)store_spool_remove(a->context.store, row->id, row->target);
        return;
    }
    if (!s->last || !str_eq(s->last->id, row->id)) {
        s->last = alert_unref(s->last);
        if (alert_new(row->id, row->wall, row->body, &s->last) < 0)
            return; /* stays in the spool: the next start takes it up */
    }
    alert_target_take_up(t, s->last, row->attempts);
}

static void tell_unknown(size_t n)
{
    if (n > 0)
        log_warning("%zu alert%s waited for targets that are no longer configured, and %s dropped", n,
                    n == 1 ? "" : "s", n == 1 ? "is" : "are");
}

static void take_up_spool(struct alerter *a)
{
    struct spool s = {.alerter = a};
    int r = store_each_alert(a->context.store, on_spool_row, &s);

    if (r < 0)
        log_error("alerts that waited when the agent ended cannot be read: %s", strerrordesc_np(-r));
    (void)alert_unref(s.last);
    tell_unknown(s.unknown);
    for (size_t i = 0; i < a->n_targets; i++)
        alert_target_deliver(a->targets[i]);
}

int alerter_new(struct loop *l, struct http *h, struct store *s, const struct conf *conf, struct alerter **ret)
{
    cleanup(alerter_freep) struct alerter *a = calloc(1, sizeof(*a));
    int r = a ? 0 : -ENOMEM;

    if (r < 0)
        return r;
    a->context = (struct alert_context){.loop = l, .http = h, .store = s};
    for (size_t i = 0; i < conf->n_alerts && r >= 0; i++)
        r = add_target(a, &conf->alerts[i]);
    if (r < 0)
        return r;
    take_up_spool(a);
    *ret = TAKE_PTR(a);
    return 0;
}

struct alerter *alerter_free(struct alerter *a)
{
    if (a) {
        for (size_t i = 0; i < a->n_targets; i++)
            (void)alert_target_free(a->targets[i]);
        free(a);
    }
    return NULL;
}

/* The target of this name in OLD, which no longer has it; NULL where there is none. */
static struct alert_target *take_target(struct alert_target **old, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (old[i] && str_eq(alert_target_name(old[i]), name))
            return TAKE_PTR(old[i]);
    return NULL;
}

void alerter_reload(struct alerter *a, const struct conf *conf)
{
    struct alert_target *old[CONF_ALERTS_MAX];
    size_t n_old = a->n_targets, dropped = 0;

    memcpy(old, a->targets, sizeof(old));
    a->n_targets = 0;
    for (size_t i = 0; i < conf->n_alerts; i++) {
        const struct conf_alert *c = &conf->alerts[i];
        struct alert_target *t = take_target(old, n_old, c->name);

        if (t) {
            alert_target_reload(t, c);
            a->targets[a->n_targets++] = t;
        } else if (add_target(a, c) < 0) {
            log_error("out of memory: alert target \"%s\" gets nothing", c->name);
        }
    }
    for (size_t i = 0; i < n_old; i++) {
        if (!old[i])
            continue;
        dropped += alert_target_waiting(old[i]);
        alert_target_drop_all(old[i]);
        (void)alert_target_free(old[i]);
    }
    tell_unknown(dropped);
}

struct alerter_status alerter_status(const struct alerter *a)
{
    return a->context.status;
}
