#include "engine/control/control.h"

#include "base/str.h"
#include "engine/control/control_private.h"
#include "engine/control/server.h"
#include "engine/control/tree.h"
#include "engine/ike/sa.h"

#include <errno.h>

#define LOG_LEVEL 1 /* of the event `log`, charon's */

static void on_timer(void *data, usec_t now)
{
    struct control *c = data;

    for (struct session *s = c->sessions; s; s = s->next)
        if (s->waiting.ticket && s->waiting.deadline <= now)
            session_end_waiting(s, NULL, true);
    control_arm(c);
}

int control_new(struct loop *l, const struct control_config *config, struct control **ret)
{
    cleanup(control_freep) struct control *c = calloc(1, sizeof(*c));
    int r;

    if (!c)
        return -ENOMEM;
    c->config = *config;
    c->config.path = NULL;
    c->loop = l;
    c->started_at = loop_now(l);
    r = loop_timer_new(l, on_timer, c, &c->timer);
    if (r == 0 && config->path)
        r = server_new(c, config->path, config->mode ? config->mode : 0600, &c->server);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(c);
    return 0;
}

struct control *control_free(struct control *c)
{
    if (!c)
        return NULL;
    c->server = server_free(c->server);
    while (c->sessions)
        (void)session_free(c->sessions);
    if (c->timer)
        (void)loop_timer_free(c->timer);
    free(c);
    return NULL;
}

void control_arm(struct control *c)
{
    usec_t next = USEC_NEVER;

    for (const struct session *s = c->sessions; s; s = s->next)
        if (s->waiting.deadline < next)
            next = s->waiting.deadline;
    loop_timer_at(c->timer, next);
}

void control_changed(const struct control *c)
{
    if (c->config.after)
        c->config.after(c->config.data);
}

bool control_heard(const struct control *c, enum session_event e)
{
    for (const struct session *s = c->sessions; s; s = s->next)
        if (!s->dead && session_hears(s, e))
            return true;
    return false;
}

void control_raise(struct control *c, enum session_event e, const struct strbuf *message)
{
    for (struct session *s = c->sessions; s; s = s->next)
        session_tell(s, e, message);
}

void control_done(struct control *c, uint32_t ticket, const char *error)
{
    for (struct session *s = c->sessions; s; s = s->next)
        if (ticket != 0 && s->waiting.ticket == ticket) {
            session_end_waiting(s, error, false);
            return;
        }
}

/* What happens to SAs --------------------------------------------------------------------------------------------- */

static enum session_event event_of(enum engine_event_type t)
{
    switch (t) {
    case ENGINE_IKE_UP:
    case ENGINE_IKE_DOWN:
        return SESSION_IKE_UPDOWN;
    case ENGINE_CHILD_UP:
    case ENGINE_CHILD_DOWN:
        return SESSION_CHILD_UPDOWN;
    case ENGINE_IKE_REKEYED:
        return SESSION_IKE_REKEY;
    case ENGINE_CHILD_REKEYED:
        return SESSION_CHILD_REKEY;
    case ENGINE_IKE_MOVED:
        break;
    }
    return SESSION_IKE_UPDATE;
}

static void put_event(const struct control *c, struct strbuf *b, const struct engine_event *ev)
{
    usec_t now = loop_now(c->loop);

    if (ev->type == ENGINE_IKE_UP || ev->type == ENGINE_CHILD_UP)
        vici_put_value(b, "up", "yes");
    vici_put_section(b, ev->ike->conf->name);
    switch (ev->type) {
    case ENGINE_IKE_UP:
    case ENGINE_IKE_DOWN:
    case ENGINE_IKE_MOVED:
        tree_put_ike(b, ev->ike, now);
        break;
    case ENGINE_IKE_REKEYED:
        vici_put_section(b, "old");
        tree_put_ike(b, ev->ike, now);
        vici_put_section_end(b);
        vici_put_section(b, "new");
        tree_put_ike(b, ev->new_ike, now);
        vici_put_section_end(b);
        break;
    case ENGINE_CHILD_UP:
    case ENGINE_CHILD_DOWN:
        tree_put_ike(b, ev->ike, now);
        vici_put_section(b, "child-sas");
        tree_put_child(b, ev->child, now);
        vici_put_section_end(b);
        break;
    case ENGINE_CHILD_REKEYED:
        tree_put_ike(b, ev->ike, now);
        vici_put_section(b, "child-sas");
        tree_put_child_rekeyed(b, ev->child, ev->new_child, now);
        vici_put_section_end(b);
        break;
    }
    vici_put_section_end(b);
}

void control_event(struct control *c, const struct engine_event *ev)
{
    cleanup(strbuf_done) struct strbuf b;
    enum session_event e = event_of(ev->type);

    strbuf_init(&b, VICI_MESSAGE_MAX);
    if (!control_heard(c, e))
        return;
    put_event(c, &b, ev);
    control_raise(c, e, &b);
}

/* The log --------------------------------------------------------------------------------------------------------- */

static const char *group_name(enum engine_group g)
{
    switch (g) {
    case ENGINE_LOG_IKE:
        return "IKE";
    case ENGINE_LOG_CHD:
        return "CHD";
    case ENGINE_LOG_CFG:
        return "CFG";
    case ENGINE_LOG_NET:
        return "NET";
    case ENGINE_LOG_ENC:
        return "ENC";
    }
    return "LIB";
}

static void put_log(struct strbuf *b, const struct engine_log *l, bool thread)
{
    vici_put_value(b, "group", group_name(l->group));
    vici_put_valuef(b, "level", "%d", l->level);
    if (thread)
        vici_put_value(b, "thread", "1");
    if (l->ike_name) {
        vici_put_value(b, "ikesa-name", l->ike_name);
        vici_put_valuef(b, "ikesa-uniqueid", "%u", l->ike_unique);
    }
    vici_put_value(b, "msg", l->text);
}

/* Whether L is about the IKE_SA that is worked on for S. */
static bool concerns(const struct control *c, const struct session *s, const struct engine_log *l)
{
    const struct waiting *w = &s->waiting;

    return w->ticket != 0 && l->level <= w->level && l->ike_unique != 0 && w->concerns(c, w, l);
}

void control_log(struct control *c, const struct engine_log *l)
{
    cleanup(strbuf_done) struct strbuf to_all, to_those_who_wait;

    strbuf_init(&to_all, VICI_MESSAGE_MAX);
    strbuf_init(&to_those_who_wait, VICI_MESSAGE_MAX);
    if (l->level <= LOG_LEVEL && control_heard(c, SESSION_LOG)) {
        put_log(&to_all, l, true);
        control_raise(c, SESSION_LOG, &to_all);
    }
    if (!control_heard(c, SESSION_CONTROL_LOG))
        return;
    put_log(&to_those_who_wait, l, false);
    for (struct session *s = c->sessions; s; s = s->next)
        if (concerns(c, s, l))
            session_tell(s, SESSION_CONTROL_LOG, &to_those_who_wait);
}
