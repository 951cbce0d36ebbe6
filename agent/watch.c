#include "agent/watch.h"

#include "agent/judge.h"
#include "base/log.h"
#include "base/random.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

static bool in_trouble(const struct tunnel *t)
{
    return t->trouble_since != 0 && !t->conf->expected_down;
}

static bool connection_in_trouble(const struct connection *c)
{
    for (size_t i = 0; i < c->conf->n_tunnels; i++)
        if (in_trouble(&c->tunnels[i]))
            return true;
    return false;
}

static bool is_fast(const struct tunnel *t, usec_t now)
{
    return in_trouble(t) && (t->verdict.suspect || now < t->fast_until);
}

static bool has_icmp(const struct tunnel *t)
{
    for (size_t i = 0; i < t->conf->n_targets; i++)
        if (!t->targets[i].is_tcp)
            return true;
    return false;
}

/* When what was last done at LAST is due again; at once where it was never done. */
static usec_t due_after(usec_t last, usec_t interval, usec_t now)
{
    return last == 0 ? now : clock_add(last, interval);
}

static usec_t echo_due(const struct tunnel *t, usec_t now)
{
    const struct conf_timing *timing = &t->connection->fleet->conf->timing;

    if (t->conf->expected_down || !has_icmp(t))
        return USEC_NEVER;
    return due_after(t->last_echo, is_fast(t, now) ? timing->suspect_interval : timing->probe_interval, now);
}

static usec_t tcp_due(const struct tunnel *t, usec_t now)
{
    usec_t interval = has_icmp(t) ? WATCH_TCP_INTERVAL : WATCH_TCP_TIMEOUT;

    if (is_fast(t, now))
        interval = WATCH_TCP_FAST;
    for (size_t i = 0; i < t->conf->n_targets; i++)
        if (t->targets[i].is_tcp && !t->conf->expected_down)
            return due_after(t->last_tcp, interval, now);
    return USEC_NEVER;
}

/* The endpoint of a tunnel that is expected to be down is a witness for its sibling: it is pinged with it. */
static usec_t ping_due(const struct tunnel *t, usec_t now)
{
    const struct conf_timing *timing = &t->connection->fleet->conf->timing;

    if (!t->ike_ping)
        return USEC_NEVER;
    return due_after(t->last_ping,
                     connection_in_trouble(t->connection) ? timing->ike_ping_interval : timing->ike_ping_calibration,
                     now);
}

static usec_t refresh_due(const struct tunnel *t, usec_t now)
{
    if (!t->connection->daemon || !in_trouble(t))
        return USEC_NEVER;
    return due_after(t->last_refresh, is_fast(t, now) ? WATCH_REFRESH_FAST : WATCH_REFRESH_SLOW, now);
}

static usec_t expiry_due(const struct tunnel *t)
{
    usec_t due = t->ping_pending ? t->ping_pending + WATCH_PING_LATE : USEC_NEVER;

    for (size_t i = 0; i < t->conf->n_targets; i++) {
        usec_t next = window_next_expiry(&t->targets[i].window);

        if (next < due)
            due = next;
    }
    return due;
}

static usec_t earlier(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

void watch_plan(struct tunnel *t, usec_t now)
{
    usec_t due = earlier(echo_due(t, now), tcp_due(t, now));

    due = earlier(due, earlier(ping_due(t, now), refresh_due(t, now)));
    due = earlier(due, earlier(expiry_due(t), t->decision.again));
    due = earlier(due, judge_again(t));
    if (due < now)
        due = now;
    t->due = due;
    loop_timer_at(t->timer, due);
}

void watch_hurry(struct tunnel *t, usec_t now)
{
    t->fast_until = now + WATCH_FAST_SPAN;
    watch_plan(t, now);
}

static void send_echoes(struct tunnel *t, usec_t now)
{
    t->last_echo = now;
    for (size_t i = 0; i < t->conf->n_targets; i++) {
        struct target *g = &t->targets[i];
        int r;

        if (g->is_tcp)
            continue;
        r = g->icmp ? icmp_send(g->icmp, now) : -ENOTCONN;
        if (r < 0)
            window_failed(&g->window, now, -r);
        else
            window_sent(&g->window, now);
    }
}

static usec_t connect_timeout(const struct tunnel *t, const struct target *g, usec_t now)
{
    return is_fast(t, now) && g->window.srtt != 0 ? window_late_after(&g->window) : WATCH_TCP_TIMEOUT;
}

static void start_connects(struct tunnel *t, usec_t now)
{
    t->last_tcp = now;
    for (size_t i = 0; i < t->conf->n_targets; i++) {
        struct target *g = &t->targets[i];
        int r;

        if (!g->is_tcp)
            continue;
        r = g->tcp ? tcp_probe_start(g->tcp, connect_timeout(t, g, now)) : -ENOTCONN;
        if (r < 0 && r != -EBUSY)
            window_failed(&g->window, now, -r);
    }
}

/* Keeps count of the endpoints that are silent although they answered before. */
static void count_endpoint(struct tunnel *t)
{
    bool known = t->ping.last_answer != 0;
    bool silent = known && t->ping.unanswered >= FACT_SILENT_PINGS;

    t->connection->fleet->n_known += (size_t)known - (size_t)t->known_endpoint;
    t->connection->fleet->n_silent += (size_t)silent - (size_t)t->silent_endpoint;
    t->known_endpoint = known;
    t->silent_endpoint = silent;
}

static void send_ping(struct tunnel *t, usec_t now)
{
    int r = ike_ping_send(t->ike_ping, now);

    t->last_ping = now;
    t->ping.failed = r < 0 ? -r : 0;
    t->ping_pending = r < 0 ? 0 : now;
}

static void expire_ping(struct tunnel *t, usec_t now)
{
    if (t->ping_pending == 0 || now < t->ping_pending + WATCH_PING_LATE)
        return;
    if (t->ping.unanswered++ == 0)
        t->ping.first_sent = t->ping_pending;
    t->ping_pending = 0;
    count_endpoint(t);
    /* One that an up tunnel's endpoint did not answer is asked again soon rather than in ten minutes. */
    if (t->ping.last_answer != 0 && t->ping.unanswered < FACT_SILENT_PINGS)
        t->last_ping = 0;
}

/* We were stopped (a suspended host, SIGSTOP): nobody knows what became of the packets of that time. */
static void discard_stall(struct tunnel *t, usec_t now)
{
    for (size_t i = 0; i < t->conf->n_targets; i++)
        window_discard(&t->targets[i].window, clock_since(2 * USEC_PER_SEC, t->due), now);
    t->ping_pending = 0;
}

static void on_timer(void *data, usec_t now)
{
    struct tunnel *t = data;

    if (now > t->due + WATCH_STALL)
        discard_stall(t, now);
    for (size_t i = 0; i < t->conf->n_targets; i++)
        (void)window_expire(&t->targets[i].window, now);
    expire_ping(t, now);
    judge_tunnel(t, now);
    if (now >= echo_due(t, now))
        send_echoes(t, now);
    if (now >= tcp_due(t, now))
        start_connects(t, now);
    if (now >= ping_due(t, now))
        send_ping(t, now);
    if (now >= refresh_due(t, now)) {
        t->last_refresh = now;
        ike_sa_probe_refresh(t->connection->daemon->probe);
    }
    watch_plan(t, now);
}

static void on_echo(void *data, usec_t sent, usec_t rtt)
{
    struct target *g = data;
    usec_t now = loop_now(g->tunnel->agent->loop);

    if (window_reply(&g->window, sent, rtt)) {
        judge_tunnel(g->tunnel, now);
        watch_plan(g->tunnel, now);
    }
}

static void on_connect(void *data, const struct sample *s)
{
    struct target *g = data;
    usec_t now = loop_now(g->tunnel->agent->loop);

    if (s->outcome != SAMPLE_FAILED)
        window_sent(&g->window, s->when);
    switch (s->outcome) {
    case SAMPLE_OK:
        (void)window_reply(&g->window, s->when, s->value);
        break;
    case SAMPLE_FAILED:
        window_failed(&g->window, s->when, s->reason);
        break;
    case SAMPLE_LOST:
    case SAMPLE_PENDING:
        window_lose(&g->window, s->when, s->reason);
        break;
    }
    judge_tunnel(g->tunnel, now);
    watch_plan(g->tunnel, now);
}

static void on_ping(void *data, usec_t sent, usec_t rtt, uint16_t notify)
{
    struct tunnel *t = data;
    usec_t now = loop_now(t->agent->loop);

    (void)rtt;
    (void)notify; /* any well-formed answer shows that somebody is there */
    if (sent == t->ping_pending)
        t->ping_pending = 0;
    if (t->ping.unanswered >= FACT_SILENT_PINGS) {
        t->ping.came_back = now;
        t->fast_until = now + WATCH_FAST_SPAN;
    }
    t->ping.unanswered = 0;
    t->ping.first_sent = 0;
    t->ping.last_answer = sent;
    count_endpoint(t);
    judge_tunnel(t, now);
    watch_plan(t, now);
}

void watch_host(struct tunnel *t)
{
    struct agent *a = t->agent;
    usec_t error_at = 0;
    const struct aws_failure *error = a->fleet->aws_status ? aws_status_error(a->fleet->aws_status, &error_at) : NULL;
    bool fresh = error && error_at > t->trouble_since && t->trouble_since != 0;

    t->host.uplink = a->uplink ? uplink_look(a->uplink, &t->conf->outside).state : UPLINK_UNKNOWN;
    t->host.all_silent =
        t->connection->fleet->n_known >= 2 && t->connection->fleet->n_silent == t->connection->fleet->n_known;
    t->host.api_unreachable = fresh && error->error == AWS_UNREACHABLE;
    /* What AWS did not answer, such as credentials that are missing here, tells nothing of the way to it. */
    t->host.api_reachable = fresh && (error->error == AWS_OK || error->code[0] != '\0');
    t->host.api_pending = t->aws.configured && error && !fresh && t->trouble_since != 0;
}

static int make_target(struct tunnel *t, struct target *g, const struct conf_target *c)
{
    struct agent *a = t->agent;

    g->tunnel = t;
    g->is_tcp = c->kind == CONF_TARGET_TCP;
    g->is_endpoint = !g->is_tcp && tunnel_is_endpoint(&c->addr, &t->conf->inside);
    if (g->is_tcp)
        return tcp_probe_new(a->loop, &c->addr, c->host, c->port, &t->conf->inside, on_connect, g, &g->tcp);
    return icmp_target_new(a->icmp, &c->addr, &t->conf->inside, on_echo, g, &g->icmp);
}

int watch_start(struct tunnel *t, usec_t now)
{
    struct agent *a = t->agent;
    int r = loop_timer_new(a->loop, on_timer, t, &t->timer);

    if (r < 0)
        return r;
    for (size_t i = 0; i < t->conf->n_targets; i++) {
        r = make_target(t, &t->targets[i], &t->conf->targets[i]);
        if (r < 0)
            log_warning("%s/%s: cannot probe %s: %s", t->connection->conf->name, t->conf->name,
                        t->conf->targets[i].text, strerror(-r));
    }
    r = addr_is_set(&t->conf->outside)
            ? ike_ping_new(a->loop, &t->conf->outside, IKE_PING_PORT, on_ping, t, &t->ike_ping)
            : 0;
    if (r < 0) {
        t->ping.failed = -r;
        log_warning("%s/%s: cannot send IKE pings to %s: %s", t->connection->conf->name, t->conf->name, t->outside,
                    strerror(-r));
    }
    /* Tunnels start at random phases, so that the probes of many do not come in bursts. */
    t->due = now + random_below(a->fleet->conf->timing.probe_interval + 1);
    loop_timer_at(t->timer, t->due);
    return 0;
}

/* Whether the samples of OLD are those of NEW: the same targets from the same address. */
static bool same_probes(const struct conf_tunnel *old, const struct conf_tunnel *new)
{
    if (old->n_targets != new->n_targets || addr_is_set(&old->inside) != addr_is_set(&new->inside) ||
        (addr_is_set(&old->inside) && !addr_equal(&old->inside, &new->inside)))
        return false;
    for (size_t i = 0; i < old->n_targets; i++)
        if (!str_eq(old->targets[i].text, new->targets[i].text))
            return false;
    return true;
}

static void adopt_target(struct target *g, struct target *from)
{
    g->window = from->window;
    if (from->icmp) {
        g->icmp = icmp_target_free(g->icmp);
        g->icmp = TAKE_PTR(from->icmp);
        icmp_target_set_data(g->icmp, g);
    }
    if (from->tcp) {
        g->tcp = tcp_probe_free(g->tcp);
        g->tcp = TAKE_PTR(from->tcp);
        tcp_probe_set_data(g->tcp, g);
    }
}

void watch_adopt(struct tunnel *t, struct tunnel *from, usec_t now)
{
    if (from->ike_ping) {
        t->ike_ping = ike_ping_free(t->ike_ping);
        t->ike_ping = TAKE_PTR(from->ike_ping);
        ike_ping_set_data(t->ike_ping, t);
    }
    t->last_ping = from->last_ping;
    t->ping_pending = from->ping_pending;
    if (same_probes(from->conf, t->conf)) {
        for (size_t i = 0; i < t->conf->n_targets; i++)
            adopt_target(&t->targets[i], &from->targets[i]);
        t->last_echo = from->last_echo;
        t->last_tcp = from->last_tcp;
    }
    watch_plan(t, now);
}

void watch_stop(struct tunnel *t)
{
    for (size_t i = 0; t->targets && i < t->conf->n_targets; i++) {
        t->targets[i].tcp = tcp_probe_free(t->targets[i].tcp);
        t->targets[i].icmp = icmp_target_free(t->targets[i].icmp);
    }
    t->ike_ping = ike_ping_free(t->ike_ping);
    t->timer = loop_timer_free(t->timer);
}
