#include "remediation/tunnel_options.h"

#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * How often in a row AWS must show an available connection with the old options before the change counts as not made:
 * its answers may be older than the call.
 */
#define LOOKS_UNKNOWN  3  /* after a call without answer */
#define LOOKS_ACCEPTED 12 /* after a call that it accepted */

/* What is waited for. */
enum phase {
    PHASE_COMPARE, /* the first describe */
    PHASE_INTENT,  /* tunnel_options_proceed() */
    PHASE_MODIFY,  /* the answer of the call that changes */
    PHASE_UNKNOWN, /* that call had no answer: AWS's state tells whether it acted */
    PHASE_APPLY,   /* AWS accepted; `available` and the new options */
    PHASE_ENDED,
};

struct tunnel_options {
    struct tunnel_options_args args; /* connection_id is NULL here */
    char connection_id[EC2_ID_MAX];
    enum phase phase;
    struct tunnel_options_intent intent;
    struct loop_timer *poll;     /* owned */
    struct loop_timer *deadline; /* owned */
    bool asking;                 /* a describe is under way */
    unsigned unchanged;          /* looks in a row that showed the old options */
    char reason[AWS_TEXT_MAX];   /* why PHASE_UNKNOWN */
};

struct ec2_tunnel_change tunnel_options_diff(const struct ec2_tunnel *t)
{
    return (struct ec2_tunnel_change){
        .set_dpd_action = t->dpd_action != EC2_DPD_RESTART,
        .dpd_action = EC2_DPD_RESTART,
        .set_startup_action = t->startup_action != EC2_STARTUP_START,
        .startup_action = EC2_STARTUP_START,
    };
}

static bool is_empty(const struct ec2_tunnel_change *c)
{
    return !c->set_dpd_action && !c->set_startup_action;
}

/* The callback comes last: it may free T. */
static void finish(struct tunnel_options *t, enum outcome_result result, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void finish(struct tunnel_options *t, enum outcome_result result, const char *fmt, ...)
{
    struct outcome o = {.result = result};
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(o.text, sizeof o.text, fmt, ap);
    va_end(ap);
    t->phase = PHASE_ENDED;
    ec2_cancel(t->args.ec2, t);
    loop_timer_stop(t->poll);
    loop_timer_stop(t->deadline);
    t->args.done(t->args.data, &o);
}

/* "DPDTimeoutAction clear -> restart, StartupAction add -> start" */
static void finish_done(struct tunnel_options *t)
{
    const struct tunnel_options_intent *i = &t->intent;
    char dpd[64] = "", startup[64] = "";

    if (i->change.set_dpd_action)
        (void)str_format(dpd, sizeof dpd, "DPDTimeoutAction %s -> %s", ec2_dpd_name(i->dpd_before),
                         ec2_dpd_name(i->change.dpd_action));
    if (i->change.set_startup_action)
        (void)str_format(startup, sizeof startup, "StartupAction %s -> %s", ec2_startup_name(i->startup_before),
                         ec2_startup_name(i->change.startup_action));
    finish(t, OUTCOME_DONE, "%s%s%s", dpd, dpd[0] && startup[0] ? ", " : "", startup);
}

static void look(struct tunnel_options *t);

static void look_later(struct tunnel_options *t)
{
    loop_timer_in(t->poll, t->args.poll);
}

static const struct ec2_connection *find_connection(const struct tunnel_options *t, const struct ec2_connections *all)
{
    for (size_t i = 0; i < all->n; i++)
        if (str_eq(all->connections[i].id, t->connection_id))
            return &all->connections[i];
    return NULL;
}

static const struct ec2_tunnel *find_tunnel(const struct tunnel_options *t, const struct ec2_connection *c)
{
    for (size_t i = 0; i < c->n_tunnels; i++)
        if (addr_equal(&c->tunnels[i].outside, &t->args.outside))
            return &c->tunnels[i];
    return NULL;
}

/* The first look: whether something has to be changed, and whether it may be. */
static void compare(struct tunnel_options *t, const struct ec2_connection *c, const struct ec2_tunnel *tunnel)
{
    struct tunnel_options_intent i;

    if (c->state == EC2_STATE_MODIFYING || c->state == EC2_STATE_PENDING) {
        finish(t, OUTCOME_FAILED, "AWS is modifying the connection (state %s)", ec2_state_name(c->state));
        return;
    }
    if (c->state != EC2_STATE_AVAILABLE) {
        finish(t, OUTCOME_FAILED, "the connection is %s", ec2_state_name(c->state));
        return;
    }
    i = (struct tunnel_options_intent){tunnel_options_diff(tunnel), tunnel->dpd_action, tunnel->startup_action};
    if (is_empty(&i.change)) {
        finish(t, OUTCOME_NOTHING, "DPDTimeoutAction is restart and StartupAction is start already");
        return;
    }
    if (!tunnel->ikev2_allowed) {
        finish(t, OUTCOME_FAILED, "the tunnel does not allow IKEv2, and AWS initiates with IKEv2 only");
        return;
    }
    t->intent = i;
    t->phase = PHASE_INTENT;
    t->args.intend(t->args.data, t, &i);
}

static void start_applying(struct tunnel_options *t)
{
    t->phase = PHASE_APPLY;
    t->unchanged = 0;
    look_later(t);
    if (t->args.accepted)
        t->args.accepted(t->args.data);
}

/* AWS did not tell what became of the call: the connection's state and options do. */
static void find_out(struct tunnel_options *t, const struct ec2_connection *c, const struct ec2_tunnel *tunnel)
{
    const struct ec2_tunnel_change left = tunnel_options_diff(tunnel);

    if (c->state == EC2_STATE_MODIFYING || is_empty(&left))
        start_applying(t);
    else if (++t->unchanged < LOOKS_UNKNOWN)
        look_later(t);
    else
        finish(t, OUTCOME_FAILED, "AWS did not change the options: %s", t->reason);
}

static void confirm(struct tunnel_options *t, const struct ec2_connection *c, const struct ec2_tunnel *tunnel)
{
    const struct ec2_tunnel_change left = tunnel_options_diff(tunnel);

    if (c->state != EC2_STATE_AVAILABLE)
        t->unchanged = 0;
    else if (is_empty(&left)) {
        finish_done(t);
        return;
    } else if (++t->unchanged == LOOKS_ACCEPTED) {
        finish(t, OUTCOME_FAILED, "AWS accepted the change, and the connection is available without it");
        return;
    }
    look_later(t);
}

static void on_look_failed(struct tunnel_options *t, const char *text)
{
    if (t->phase == PHASE_COMPARE)
        finish(t, OUTCOME_FAILED, "%s", text);
    else
        look_later(t);
}

static void on_described(void *data, const struct aws_failure *f, const struct ec2_connections *all)
{
    struct tunnel_options *t = data;
    const struct ec2_connection *c = all ? find_connection(t, all) : NULL;
    const struct ec2_tunnel *tunnel = c ? find_tunnel(t, c) : NULL;

    t->asking = false;
    if (!all)
        on_look_failed(t, f->text);
    else if (!c)
        on_look_failed(t, "AWS does not know the connection");
    else if (!tunnel)
        on_look_failed(t, "the connection has no tunnel with this outside address and options that can be read");
    else if (t->phase == PHASE_COMPARE)
        compare(t, c, tunnel);
    else if (t->phase == PHASE_UNKNOWN)
        find_out(t, c, tunnel);
    else if (t->phase == PHASE_APPLY)
        confirm(t, c, tunnel);
}

static void look(struct tunnel_options *t)
{
    const char *id = t->connection_id;

    if (t->asking)
        return;
    if (ec2_describe_vpn_connections(t->args.ec2, &id, 1, on_described, t) < 0)
        look_later(t);
    else
        t->asking = true;
}

static bool may_have_acted(enum aws_error e)
{
    switch (e) {
    case AWS_UNAVAILABLE:
    case AWS_UNREACHABLE:
    case AWS_PROTOCOL:
        return true;
    case AWS_OK:
    case AWS_PERMISSION:
    case AWS_CREDENTIALS:
    case AWS_CLOCK_SKEW:
    case AWS_NOT_FOUND:
    case AWS_STATE:
    case AWS_INVALID:
    case AWS_NOT_OFFERED:
    case AWS_THROTTLED:
        return false;
    }
    return true;
}

static void on_modified(void *data, const struct aws_failure *f, const struct ec2_connection *c)
{
    struct tunnel_options *t = data;

    (void)c;
    if (f->error == AWS_OK) {
        start_applying(t);
    } else if (may_have_acted(f->error)) {
        (void)str_copy(t->reason, sizeof t->reason, f->text);
        t->phase = PHASE_UNKNOWN;
        look_later(t);
    } else {
        finish(t, OUTCOME_FAILED, "%s", f->text);
    }
}

static void modify(struct tunnel_options *t)
{
    int r = ec2_modify_vpn_tunnel_options(t->args.ec2, t->connection_id, &t->args.outside, &t->intent.change, false,
                                          on_modified, t);

    if (r < 0)
        finish(t, OUTCOME_FAILED, "the change could not be sent: %s", strerrordesc_np(-r));
}

static void on_poll(void *data, usec_t now)
{
    struct tunnel_options *t = data;

    (void)now;
    if (t->phase == PHASE_MODIFY)
        modify(t);
    else
        look(t);
}

static void on_deadline(void *data, usec_t now)
{
    struct tunnel_options *t = data;

    (void)now;
    switch (t->phase) {
    case PHASE_COMPARE:
        finish(t, OUTCOME_FAILED, "AWS did not show the connection in time");
        return;
    case PHASE_INTENT:
        finish(t, OUTCOME_FAILED, "the intention was not stored in time; nothing was changed");
        return;
    case PHASE_MODIFY:
    case PHASE_UNKNOWN:
        finish(t, OUTCOME_UNKNOWN, "AWS did not tell in time whether it changed the options");
        return;
    case PHASE_APPLY:
        finish(t, OUTCOME_UNKNOWN, "AWS accepted the change and did not finish it in time");
        return;
    case PHASE_ENDED:
        return;
    }
}

void tunnel_options_proceed(struct tunnel_options *t)
{
    if (t->phase != PHASE_INTENT)
        return;
    t->phase = PHASE_MODIFY;
    loop_timer_in(t->poll, 0);
}

int tunnel_options_start(struct loop *l, const struct tunnel_options_args *args, struct tunnel_options **ret)
{
    cleanup(tunnel_options_freep) struct tunnel_options *t = calloc(1, sizeof *t);
    int r;

    if (!t)
        return -ENOMEM;
    t->args = *args;
    t->args.connection_id = NULL;
    if (t->args.poll == 0)
        t->args.poll = TUNNEL_OPTIONS_POLL;
    if (t->args.deadline == 0)
        t->args.deadline = TUNNEL_OPTIONS_DEADLINE;
    if (!str_copy(t->connection_id, sizeof t->connection_id, args->connection_id))
        return -EINVAL;
    r = loop_timer_new(l, on_poll, t, &t->poll);
    if (r < 0)
        return r;
    r = loop_timer_new(l, on_deadline, t, &t->deadline);
    if (r < 0)
        return r;
    loop_timer_in(t->deadline, t->args.deadline);
    loop_timer_in(t->poll, 0);
    *ret = TAKE_PTR(t);
    return 0;
}

struct tunnel_options *tunnel_options_free(struct tunnel_options *t)
{
    if (!t)
        return NULL;
    ec2_cancel(t->args.ec2, t);
    t->poll = loop_timer_free(t->poll);
    t->deadline = loop_timer_free(t->deadline);
    free(t);
    return NULL;
}
