#include "engine/control/control_private.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

void call_succeed(struct call *c)
{
    vici_put_value(c->reply, "success", "yes");
}

void call_fail(struct call *c, const char *fmt, ...)
{
    char text[CONTROL_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    vici_put_value(c->reply, "success", "no");
    vici_put_value(c->reply, "errmsg", text);
}

void call_log(const struct call *c, const char *fmt, ...)
{
    const struct control_config *config = &c->control->config;
    char text[CONTROL_TEXT_MAX], line[CONTROL_TEXT_MAX];
    va_list ap;

    if (!config->log)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    str_printable(line, sizeof(line), text, strlen(text)); /* names are whatever the client says */
    config->log(config->data, &(struct engine_log){.group = ENGINE_LOG_CFG, .level = 1, .text = line});
}

void call_log_args(const struct call *c, const char *what, const struct args *a)
{
    if (a->ike_id)
        call_log(c, "vici %s IKE_SA #%u", what, a->ike_id);
    if (a->child_id)
        call_log(c, "vici %s CHILD_SA #%u", what, a->child_id);
    if (a->child[0])
        call_log(c, "vici %s CHILD_SA '%s'", what, a->child);
    else if (a->ike[0])
        call_log(c, "vici %s IKE_SA '%s'", what, a->ike);
}

bool call_args(struct call *c, struct args *ret)
{
    char error[CONTROL_TEXT_MAX];

    if (args_read(c->message, ret, error, sizeof(error)))
        return true;
    call_fail(c, "%s", error);
    return false;
}

void call_list(struct call *c, enum session_event e,
               bool (*step)(struct session *s, struct listing *l, struct strbuf *event), uint32_t *ids, size_t n,
               const struct args *a)
{
    if (!session_hears(c->session, e)) {
        free(ids);
        return; /* nobody listens: the answer alone, as charon */
    }
    c->session->listing = (struct listing){.event = e, .step = step, .ids = ids, .n = n, .args = *a};
}

static uint32_t next_ticket(struct control *c)
{
    if (++c->last_ticket == 0)
        c->last_ticket = 1;
    return c->last_ticket;
}

uint32_t call_wait(struct call *c, const struct args *a,
                   bool (*concerns)(const struct control *c, const struct waiting *w, const struct engine_log *l),
                   void (*answer)(struct control *c, const struct waiting *w, const char *error, bool late,
                                  struct strbuf *reply))
{
    struct waiting *w = &c->session->waiting;

    *w = (struct waiting){.ticket = next_ticket(c->control),
                          .deadline = USEC_NEVER,
                          .level = a->level,
                          .concerns = concerns,
                          .args = *a,
                          .answer = answer};
    if (a->timeout != ARGS_WAIT_FOREVER)
        w->deadline = clock_add(c->now, (usec_t)a->timeout * USEC_PER_MSEC);
    control_arm(c->control);
    return w->ticket;
}

void call_wait_not(struct call *c)
{
    c->session->waiting = (struct waiting){.deadline = USEC_NEVER};
    control_arm(c->control);
}
