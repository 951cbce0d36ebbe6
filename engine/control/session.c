#include "engine/control/session.h"

#include "base/str.h"
#include "engine/control/control_private.h"

#include <assert.h>
#include <string.h>

static const char *const event_names[SESSION_EVENTS] = {
    [SESSION_LOG] = "log",
    [SESSION_CONTROL_LOG] = "control-log",
    [SESSION_LIST_SA] = "list-sa",
    [SESSION_LIST_POLICY] = "list-policy",
    [SESSION_LIST_CONN] = "list-conn",
    [SESSION_LIST_CERT] = "list-cert",
    [SESSION_LIST_AUTHORITY] = "list-authority",
    [SESSION_IKE_UPDOWN] = "ike-updown",
    [SESSION_IKE_REKEY] = "ike-rekey",
    [SESSION_IKE_UPDATE] = "ike-update",
    [SESSION_CHILD_UPDOWN] = "child-updown",
    [SESSION_CHILD_REKEY] = "child-rekey",
};

const char *session_event_name(enum session_event e)
{
    return event_names[e];
}

struct session *session_new(struct control *c, void (*ready)(void *data), void *data)
{
    struct session *s;

    if (c->n_sessions == CONTROL_SESSIONS_MAX)
        return NULL;
    s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    *s = (struct session){.next = c->sessions, .control = c, .ready = ready, .data = data};
    s->waiting.deadline = USEC_NEVER;
    strbuf_init_secret(&s->in, VICI_PACKET_MAX + SESSION_READ); /* load-shared and load-key */
    strbuf_init(&s->out, SESSION_OUT_MAX);
    c->sessions = s;
    c->n_sessions++;
    return s;
}

struct session *session_free(struct session *s)
{
    struct session **at;

    if (!s)
        return NULL;
    for (at = &s->control->sessions; *at != s; at = &(*at)->next)
        continue;
    *at = s->next;
    s->control->n_sessions--;
    control_arm(s->control);
    free(s->listing.ids);
    strbuf_done(&s->in);
    strbuf_done(&s->out);
    free(s);
    return NULL;
}

static void ready(struct session *s)
{
    if (s->ready)
        s->ready(s->data);
}

static void die(struct session *s)
{
    if (s->dead)
        return;
    s->dead = true;
    ready(s);
}

static void send_packet(struct session *s, enum vici_packet type, const char *name, const struct strbuf *message)
{
    if (s->dead)
        return;
    vici_put_packet(&s->out, type, name, message ? message->data : NULL, message ? message->len : 0);
    if (s->out.bad || (message && message->bad))
        die(s); /* it does not read, or there is no memory */
    else
        ready(s);
}

static void respond(struct session *s, const struct strbuf *reply)
{
    s->answered = true;
    send_packet(s, VICI_CMD_RESPONSE, NULL, reply);
}

bool session_hears(const struct session *s, enum session_event e)
{
    return s->events >> e & 1;
}

void session_tell(struct session *s, enum session_event e, const struct strbuf *message)
{
    if (session_hears(s, e))
        send_packet(s, VICI_EVENT, session_event_name(e), message);
}

/* Registration ---------------------------------------------------------------------------------------------------- */

static bool event_find(const char *name, enum session_event *ret)
{
    for (size_t i = 0; i < SESSION_EVENTS; i++)
        if (str_eq(event_names[i], name)) {
            *ret = (enum session_event)i;
            return true;
        }
    return false;
}

/* The confirmation is queued before the registration takes effect: clients expect it to come first. */
static void registration(struct session *s, const char *name, bool on)
{
    enum session_event e;

    if (!event_find(name, &e) || (!on && !session_hears(s, e))) {
        send_packet(s, VICI_EVENT_UNKNOWN, NULL, NULL);
        return;
    }
    send_packet(s, VICI_EVENT_CONFIRM, NULL, NULL);
    if (on)
        s->events |= 1U << e;
    else
        s->events &= ~(1U << e);
}

/* Commands -------------------------------------------------------------------------------------------------------- */

static bool is_busy(const struct session *s)
{
    return s->listing.step || s->waiting.ticket;
}

static void run(struct session *s, const char *name, struct rd message)
{
    cleanup(strbuf_done) struct strbuf reply;
    const struct command *command = command_find(name);
    struct call call = {
        .control = s->control,
        .session = s,
        .message = message,
        .reply = &reply,
        .now = loop_now(s->control->loop),
    };

    strbuf_init(&reply, VICI_MESSAGE_MAX);
    if (!command) {
        send_packet(s, VICI_CMD_UNKNOWN, NULL, NULL);
        return;
    }
    s->answered = false;
    if (vici_message_valid(message))
        command->run(&call);
    else
        call_fail(&call, "the message is malformed");
    if (!s->answered && !is_busy(s))
        respond(s, &reply);
}

/* A packet whose type or name cannot be: nothing after it can be trusted either. */
static void handle(struct session *s, struct rd packet)
{
    uint8_t type = rd_u8(&packet);
    size_t len = rd_u8(&packet);
    const uint8_t *at = rd_take(&packet, len);
    char name[VICI_NAME_MAX + 1];

    if (!at || memchr(at, '\0', len)) {
        die(s);
        return;
    }
    memcpy(name, at, len);
    name[len] = '\0';
    if (type == VICI_CMD_REQUEST)
        run(s, name, packet);
    else if (type == VICI_EVENT_REGISTER || type == VICI_EVENT_UNREGISTER)
        registration(s, name, type == VICI_EVENT_REGISTER);
    else
        die(s);
}

/* Framing --------------------------------------------------------------------------------------------------------- */

bool session_reads(const struct session *s)
{
    return !s->dead && !is_busy(s) && s->out.len < SESSION_OUT_LOW;
}

/* False where there is no whole packet. */
static bool take_packet(struct session *s)
{
    struct rd rd = rd_of(s->in.data, s->in.len), packet;
    uint32_t size = rd_be32(&rd);

    if (!rd_ok(&rd))
        return false;
    if (size == 0 || size > VICI_MESSAGE_MAX) {
        die(s);
        return false;
    }
    packet = rd_sub(&rd, size);
    if (!rd_ok(&rd))
        return false;
    s->at_work = true;
    handle(s, packet);
    s->at_work = false;
    if (rd_left(&rd) == 0)
        strbuf_done(&s->in); /* wipes */
    else
        strbuf_consume(&s->in, s->in.len - rd_left(&rd));
    return true;
}

static void end_listing(struct session *s)
{
    free(s->listing.ids);
    s->listing = (struct listing){0};
    respond(s, NULL);
}

static void list(struct session *s)
{
    while (s->listing.step && !s->dead && s->out.len < SESSION_OUT_LOW) {
        cleanup(strbuf_done) struct strbuf event;

        strbuf_init(&event, VICI_MESSAGE_MAX);
        if (!s->listing.step(s, &s->listing, &event))
            end_listing(s);
        else if (event.len > 0 || event.bad)
            session_tell(s, s->listing.event, &event);
    }
}

static void go_on(struct session *s)
{
    do
        list(s);
    while (session_reads(s) && take_packet(s));
}

void session_input(struct session *s, const void *data, size_t len)
{
    assert(session_reads(s) && len <= SESSION_READ);
    strbuf_add(&s->in, data, len);
    if (s->in.bad)
        die(s);
    else
        go_on(s);
}

void session_sent(struct session *s, size_t len)
{
    if (len == s->out.len)
        strbuf_done(&s->out);
    else
        strbuf_consume(&s->out, len);
    if (!s->at_work)
        go_on(s);
}

void session_end_waiting(struct session *s, const char *error, bool late)
{
    cleanup(strbuf_done) struct strbuf reply;
    struct waiting w = s->waiting;

    strbuf_init(&reply, VICI_MESSAGE_MAX);
    s->waiting = (struct waiting){.deadline = USEC_NEVER};
    w.answer(s->control, &w, error, late, &reply);
    respond(s, &reply);
    control_arm(s->control);
    if (!s->at_work)
        go_on(s);
}
