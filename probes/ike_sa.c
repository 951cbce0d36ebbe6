#include "probes/ike_sa.h"

#include "base/array.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GAP              (50 * USEC_PER_MSEC) /* between the beginnings of two questions at least: events come in storms */
#define REST             4 /* times as long as it took for an answer, the daemon is left alone; RETRY at most */
#define RETRY            (500 * USEC_PER_MSEC) /* the same after one that was not answered well */
#define CONNS_AGE        USEC_PER_SEC /* an order to refresh reads connections again that are older than this */

#define VERSION_PART_MAX 64

/* Asked in this order, one at a time: whoever sees the SAs has the connections that belong to them. */
enum question {
    ASK_VERSION,
    ASK_CONNS,
    ASK_SAS,
    ASK_NOTHING,
};

struct ike_sa_probe {
    struct loop *loop;          /* borrowed */
    struct vici_client *client; /* owned */
    struct loop_timer *timer;   /* owned; armed while no question is under way */
    usec_t poll_interval;
    ike_sa_news_fn fn;
    void *data; /* borrowed for fn */

    enum ike_daemon_state state;
    usec_t when, rtt;
    char version[2 * VERSION_PART_MAX];
    struct vici_sas sas; /* owned, like the next three */
    struct vici_conns conns;
    usec_t conns_when;

    enum question asking;
    usec_t asked;            /* when */
    struct vici_sas new_sas; /* what has come of the answer */
    struct vici_conns new_conns;
    int bad; /* why the answer is of no use */

    bool wanted[ASK_NOTHING];
    usec_t planned; /* what the timer is armed for */
    usec_t poll_at;
    usec_t not_before; /* the next question */
    bool was_reset;    /* the last question ended with the connection */
};

static enum question next_question(const struct ike_sa_probe *p)
{
    enum question q = ASK_VERSION;

    while (q < ASK_NOTHING && !p->wanted[q])
        q++;
    return q;
}

/*
 * Questions are asked by the timer only, so that a caller of refresh() is never called back from within. A timer that
 * is due and armed anew goes to the end of the queue: in a storm of events its turn would never come.
 */
static void plan(struct ike_sa_probe *p)
{
    usec_t when = p->poll_at;

    if (p->asking != ASK_NOTHING)
        when = USEC_NEVER;
    else if (next_question(p) != ASK_NOTHING && p->not_before < when)
        when = p->not_before;
    if (when == p->planned)
        return;
    p->planned = when;
    loop_timer_at(p->timer, when);
}

/* What a failed question tells of the daemon. */
static enum ike_daemon_state state_after(const struct ike_sa_probe *p, int error)
{
    switch (error) {
    case -ETIMEDOUT:
    case -EAGAIN:
        return IKE_DAEMON_HUNG;
    case -ECONNREFUSED:
        return IKE_DAEMON_DEAD;
    case -EACCES:
        return IKE_DAEMON_DENIED;
    case -ECONNRESET: /* it may have ended: the next attempt to connect tells. Twice: it accepts and does not answer */
        return p->was_reset ? IKE_DAEMON_HUNG : p->state;
    default:
        return IKE_DAEMON_UNKNOWN; /* our own trouble, or nothing that we understand */
    }
}

/* The news come last: they may free P. */
static void fail(struct ike_sa_probe *p, enum question q, int error)
{
    enum ike_daemon_state state = state_after(p, error);
    bool changed = state != p->state;

    p->state = state;
    p->was_reset = error == -ECONNRESET;
    p->wanted[q] = true;
    p->not_before = clock_add(loop_now(p->loop), RETRY);
    plan(p);
    if (changed)
        p->fn(p->data, p);
}

/* Ends the question that is under way; what remains to be done is the caller's. */
static enum question end_question(struct ike_sa_probe *p)
{
    enum question q = p->asking;
    usec_t now = loop_now(p->loop);
    usec_t rest = REST * clock_since(p->asked, now);

    p->asking = ASK_NOTHING;
    p->not_before = clock_add(now, rest < RETRY ? rest : RETRY);
    if (p->not_before < p->asked + GAP)
        p->not_before = p->asked + GAP;
    return q;
}

/* A list that is refused is not an empty one. */
static int read_refusal(struct rd message)
{
    char success[4];

    return vici_message_get(message, "success", success, sizeof(success)) && !str_eq(success, "yes") ? -EBADMSG : 0;
}

static void take_version(struct ike_sa_probe *p, struct rd message)
{
    char daemon[VERSION_PART_MAX], version[VERSION_PART_MAX], text[sizeof(p->version)];

    p->version[0] = '\0';
    if (!vici_message_get(message, "daemon", daemon, sizeof(daemon)) ||
        !vici_message_get(message, "version", version, sizeof(version)))
        return;
    (void)str_format(text, sizeof(text), "%s %s", daemon, version);
    str_printable(p->version, sizeof(p->version), text, strlen(text));
}

static void on_list_conn(void *data, const char *name, struct rd message)
{
    struct ike_sa_probe *p = data;
    int r = vici_conns_add(&p->new_conns, message);

    (void)name;
    if (r < 0)
        p->bad = r;
}

static void take_conns(struct ike_sa_probe *p)
{
    vici_conns_done(&p->conns);
    p->conns = p->new_conns;
    p->new_conns = (struct vici_conns){0};
    p->conns_when = loop_now(p->loop);
    p->wanted[ASK_SAS] = true; /* whose news tell of the connections too */
}

static void on_list_sa(void *data, const char *name, struct rd message)
{
    struct ike_sa_probe *p = data;
    int r = vici_sas_add(&p->new_sas, message);

    (void)name;
    if (r < 0)
        p->bad = r;
}

static void take_sas(struct ike_sa_probe *p)
{
    vici_sas_done(&p->sas);
    p->sas = p->new_sas;
    p->new_sas = (struct vici_sas){0};
    p->state = IKE_DAEMON_OK;
    p->was_reset = false;
    p->when = loop_now(p->loop);
    p->rtt = clock_since(p->asked, p->when);
}

static void on_answer(void *data, int error, struct rd message)
{
    struct ike_sa_probe *p = data;
    enum question q = end_question(p);

    if (error == 0)
        error = p->bad < 0 ? p->bad : read_refusal(message);
    if (error < 0 && !(q == ASK_VERSION && error == -EOPNOTSUPP)) {
        fail(p, q, error);
        return;
    }
    if (q == ASK_VERSION)
        take_version(p, message);
    else if (q == ASK_CONNS)
        take_conns(p);
    else
        take_sas(p);
    if (q != ASK_SAS)
        p->not_before = 0; /* the SAs belong to it */
    plan(p);
    if (q == ASK_SAS)
        p->fn(p->data, p);
}

static void ask(struct ike_sa_probe *p, enum question q, usec_t now)
{
    static const struct {
        const char *command, *stream;
        vici_event_fn on_stream;
    } calls[] = {
        [ASK_VERSION] = {"version", NULL, NULL},
        [ASK_CONNS] = {"list-conns", "list-conn", on_list_conn},
        [ASK_SAS] = {"list-sas", "list-sa", on_list_sa},
    };
    int r;

    p->asking = q;
    p->asked = now;
    p->wanted[q] = false;
    p->bad = 0;
    vici_sas_done(&p->new_sas);
    vici_conns_done(&p->new_conns);
    r = vici_call(p->client, calls[q].command, NULL, 0, calls[q].stream, calls[q].on_stream, on_answer, p,
                  VICI_DEADLINE, NULL);
    if (r < 0)
        fail(p, end_question(p), r);
    else
        plan(p);
}

static void on_timer(void *data, usec_t now)
{
    struct ike_sa_probe *p = data;
    enum question q;

    p->planned = USEC_NEVER;
    if (now >= p->poll_at) {
        p->poll_at = clock_add(now, p->poll_interval);
        p->wanted[ASK_CONNS] = p->wanted[ASK_SAS] = true;
    }
    q = next_question(p);
    if (q != ASK_NOTHING && now >= p->not_before)
        ask(p, q, now);
    else
        plan(p);
}

static void on_event(void *data, const char *name, struct rd message)
{
    struct ike_sa_probe *p = data;

    (void)name;
    (void)message;
    p->wanted[ASK_SAS] = true;
    plan(p);
}

/* A connection may lead to another daemon than the last one did. */
static void on_connected(struct ike_sa_probe *p)
{
    p->asked = loop_now(p->loop); /* if a question was waiting for it */
    p->wanted[ASK_VERSION] = p->asking != ASK_VERSION;
    p->wanted[ASK_CONNS] = p->asking != ASK_CONNS;
    p->wanted[ASK_SAS] = true;
    p->not_before = 0;
    plan(p);
}

static void on_state(void *data, enum vici_state state)
{
    struct ike_sa_probe *p = data;
    int error = 0;

    switch (state) {
    case VICI_CONNECTING:
        return;
    case VICI_CONNECTED:
        on_connected(p);
        return;
    case VICI_REFUSED:
        error = -ECONNREFUSED;
        break;
    case VICI_DENIED:
        error = -EACCES;
        break;
    case VICI_BUSY:
        error = -EAGAIN;
        break;
    }
    if (p->asking == ASK_NOTHING) /* else the question ends with this error, too */
        fail(p, ASK_SAS, error);
}

static int register_events(struct ike_sa_probe *p)
{
    static const char *const events[] = {"ike-updown", "child-updown", "ike-rekey", "child-rekey"};
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(events); i++)
        r = vici_client_register(p->client, events[i]);
    return r;
}

int ike_sa_probe_new(struct loop *l, const char *socket, usec_t poll_interval, ike_sa_news_fn fn, void *data,
                     struct ike_sa_probe **ret)
{
    cleanup(ike_sa_probe_freep) struct ike_sa_probe *p = calloc(1, sizeof(*p));
    int r;

    if (!p)
        return -ENOMEM;
    p->loop = l;
    p->poll_interval = poll_interval;
    p->fn = fn;
    p->data = data;
    p->asking = ASK_NOTHING;
    p->wanted[ASK_VERSION] = true;
    p->planned = USEC_NEVER;
    p->poll_at = loop_now(l);
    r = loop_timer_new(l, on_timer, p, &p->timer);
    if (r == 0)
        r = vici_client_new(l, socket, on_state, on_event, p, &p->client);
    if (r == 0)
        r = register_events(p);
    if (r < 0)
        return r;
    plan(p);
    *ret = TAKE_PTR(p);
    return 0;
}

struct ike_sa_probe *ike_sa_probe_free(struct ike_sa_probe *p)
{
    if (!p)
        return NULL;
    p->client = vici_client_free(p->client);
    p->timer = loop_timer_free(p->timer);
    vici_sas_done(&p->sas);
    vici_sas_done(&p->new_sas);
    vici_conns_done(&p->conns);
    vici_conns_done(&p->new_conns);
    free(p);
    return NULL;
}

void ike_sa_probe_refresh(struct ike_sa_probe *p)
{
    if (clock_since(p->conns_when, loop_now(p->loop)) >= CONNS_AGE && p->asking != ASK_CONNS)
        p->wanted[ASK_CONNS] = true;
    p->wanted[ASK_SAS] = true;
    plan(p);
}

enum ike_daemon_state ike_sa_probe_daemon(const struct ike_sa_probe *p)
{
    return p->state;
}

usec_t ike_sa_probe_when(const struct ike_sa_probe *p)
{
    return p->when;
}

usec_t ike_sa_probe_rtt(const struct ike_sa_probe *p)
{
    return p->rtt;
}

const char *ike_sa_probe_version(const struct ike_sa_probe *p)
{
    return p->version;
}

const struct vici_sas *ike_sa_probe_sas(const struct ike_sa_probe *p)
{
    return &p->sas;
}

const struct vici_conns *ike_sa_probe_conns(const struct ike_sa_probe *p)
{
    return &p->conns;
}

const char *ike_daemon_state_name(enum ike_daemon_state s)
{
    static const char *const names[] = {
        [IKE_DAEMON_UNKNOWN] = "unknown", [IKE_DAEMON_OK] = "ok",         [IKE_DAEMON_DEAD] = "dead",
        [IKE_DAEMON_HUNG] = "hung",       [IKE_DAEMON_DENIED] = "denied",
    };

    return names[s];
}
