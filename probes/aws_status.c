#include "probes/aws_status.h"

#include "base/random.h"
#include "base/str.h"
#include "base/strbuf.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GAP    USEC_PER_SEC /* at least, between two calls: refreshes in a row must not have us throttled */
#define SPREAD 10           /* one part of the interval by which calls of many agents are spread */

struct aws_status {
    struct loop *loop;        /* borrowed */
    struct ec2 *ec2;          /* borrowed */
    char (*ids)[EC2_ID_MAX];  /* owned */
    const char **id_pointers; /* owned; into IDS */
    size_t n_ids;
    usec_t interval;
    aws_status_news_fn fn;
    void *data;               /* borrowed for fn */
    struct loop_timer *timer; /* owned; armed while no call is under way */
    usec_t next;              /* what it is armed for */
    bool asking;
    bool again;       /* a refresh came while a call was under way */
    bool ask_for_all; /* one of the ids is unknown to AWS, which then says nothing of the others either */
    usec_t started;   /* the last call */
    usec_t when;
    struct aws_failure failure;
    usec_t failure_at;
    struct ec2_connection *connections; /* owned; room for n_ids */
    size_t n_connections;
};

static void ask_at(struct aws_status *s, usec_t when)
{
    s->next = when;
    loop_timer_at(s->timer, when);
}

static bool is_watched(const struct aws_status *s, const char *id)
{
    for (size_t i = 0; i < s->n_ids; i++)
        if (str_eq(s->ids[i], id))
            return true;
    return false;
}

static void keep(struct aws_status *s, const struct ec2_connections *c)
{
    s->n_connections = 0;
    for (size_t i = 0; i < c->n && s->n_connections < s->n_ids; i++)
        if (is_watched(s, c->connections[i].id))
            s->connections[s->n_connections++] = c->connections[i];
}

static usec_t next_time(const struct aws_status *s, usec_t now)
{
    if (s->again)
        return clock_add(s->started, GAP);
    return clock_add(now, s->interval + random_below(s->interval / SPREAD + 1));
}

/* The news come last: they may free S. */
static void end_call(struct aws_status *s, const struct aws_failure *f)
{
    s->failure = *f;
    s->failure_at = loop_now(s->loop);
    ask_at(s, next_time(s, s->failure_at));
    s->again = false;
    s->fn(s->data, s);
}

static void on_described(void *data, const struct aws_failure *f, const struct ec2_connections *c)
{
    struct aws_status *s = data;

    s->asking = false;
    if (f->error == AWS_NOT_FOUND && s->n_ids > 1 && !s->ask_for_all) {
        s->ask_for_all = true;
        ask_at(s, loop_now(s->loop));
        return;
    }
    if (c) {
        keep(s, c);
        s->when = loop_now(s->loop);
    }
    end_call(s, f);
}

static void on_timer(void *data, usec_t now)
{
    struct aws_status *s = data;
    struct aws_failure f;
    int r;

    s->started = now;
    r = ec2_describe_vpn_connections(s->ec2, s->id_pointers, s->ask_for_all ? 0 : s->n_ids, on_described, s);
    s->asking = r == 0;
    if (r == 0)
        return;
    aws_failure_set(&f, AWS_UNREACHABLE, "DescribeVpnConnections could not be sent: %s", strerrordesc_np(-r));
    end_call(s, &f);
}

static int copy_ids(struct aws_status *s, const char *const *ids, size_t n)
{
    s->ids = calloc(n, sizeof *s->ids);
    s->id_pointers = calloc(n, sizeof *s->id_pointers);
    s->connections = calloc(n, sizeof *s->connections);
    if (!s->ids || !s->id_pointers || !s->connections)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (!str_copy(s->ids[i], sizeof s->ids[i], ids[i]))
            return -EINVAL;
        s->id_pointers[i] = s->ids[i];
    }
    s->n_ids = n;
    return 0;
}

int aws_status_new(struct loop *l, struct ec2 *e, const char *const *ids, size_t n, usec_t interval,
                   aws_status_news_fn fn, void *data, struct aws_status **ret)
{
    cleanup(aws_status_freep) struct aws_status *s = NULL;
    int r;

    assert(n > 0);
    if (n > EC2_CONNECTIONS_MAX)
        return -E2BIG;
    s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->loop = l;
    s->ec2 = e;
    s->interval = interval;
    s->fn = fn;
    s->data = data;
    r = copy_ids(s, ids, n);
    if (r < 0)
        return r;
    r = loop_timer_new(l, on_timer, s, &s->timer);
    if (r < 0)
        return r;
    ask_at(s, loop_now(l));
    *ret = TAKE_PTR(s);
    return 0;
}

struct aws_status *aws_status_free(struct aws_status *s)
{
    if (!s)
        return NULL;
    ec2_cancel(s->ec2, s);
    s->timer = loop_timer_free(s->timer);
    free(s->ids);
    free(s->id_pointers);
    free(s->connections);
    free(s);
    return NULL;
}

void aws_status_set_interval(struct aws_status *s, usec_t interval)
{
    usec_t when = clock_add(s->started, interval);

    s->interval = interval;
    if (!s->asking && when < s->next)
        ask_at(s, when);
}

void aws_status_refresh(struct aws_status *s)
{
    usec_t when = s->started ? clock_add(s->started, GAP) : loop_now(s->loop);

    if (s->asking)
        s->again = true;
    else if (when < s->next)
        ask_at(s, when);
}

usec_t aws_status_when(const struct aws_status *s)
{
    return s->when;
}

const struct aws_failure *aws_status_error(const struct aws_status *s, usec_t *ret_at)
{
    *ret_at = s->failure_at;
    return &s->failure;
}

const struct ec2_connection *aws_status_connection(const struct aws_status *s, const char *id)
{
    for (size_t i = 0; i < s->n_connections; i++)
        if (str_eq(s->connections[i].id, id))
            return &s->connections[i];
    return NULL;
}
