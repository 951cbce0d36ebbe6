#include "clients/vici/client.h"

#include "base/str.h"
#include "clients/vici/events.h"
#include "clients/vici/link.h"
#include "clients/vici/requests.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* What the daemon owes us. It answers in order, and we ask for one thing at a time. */
enum debt {
    DEBT_NONE,
    DEBT_EVENT,  /* the registration of an event */
    DEBT_CALL,   /* the answer to the first request */
    DEBT_NOBODY, /* the answer to a request that has ended */
};

struct vici_client {
    struct loop *loop; /* borrowed */
    struct sockaddr_un socket;
    vici_state_fn on_state;
    vici_event_fn on_event;
    void *data;               /* borrowed for both */
    struct loop_timer *timer; /* owned */
    struct vici_link link;
    enum vici_state state;
    usec_t retry_at, back_off; /* while there is no connection */
    enum debt debt;
    struct vici_event *asked; /* DEBT_EVENT */
    usec_t patience_ends;     /* DEBT_EVENT, DEBT_NOBODY */
    struct vici_events events;
    struct vici_requests requests;
    bool busy; /* callbacks may be under way */
    bool dead; /* freed by one of them */
};

static void set_state(struct vici_client *c, enum vici_state state)
{
    if (c->dead || c->state == state)
        return;
    c->state = state;
    if (c->on_state)
        c->on_state(c->data, state);
}

static void be_patient(struct vici_client *c, enum debt debt)
{
    c->debt = debt;
    c->patience_ends = clock_add(loop_now(c->loop), VICI_PATIENCE);
}

/* Takes R out. What the daemon still answers to it is for nobody. */
static void drop_request(struct vici_client *c, struct vici_request *r)
{
    if (r == c->requests.first && c->debt == DEBT_CALL)
        be_patient(c, DEBT_NOBODY);
    vici_requests_remove(&c->requests, r);
}

/* R leaves the list first: the callback may make room for another call, or free the client. */
static void end_request(struct vici_client *c, struct vici_request *r, int error, struct rd message)
{
    vici_done_fn on_done = r->on_done;
    void *data = r->data;

    drop_request(c, r);
    on_done(data, error, message);
}

/* The first request whose deadline is not after DUE, of those up to LAST. */
static struct vici_request *next_due(const struct vici_client *c, usec_t due, uint64_t last)
{
    for (struct vici_request *r = c->requests.first; r && r->id <= last; r = r->next)
        if (r->deadline <= due)
            return r;
    return NULL;
}

/* Ends all requests that are due, but none that a callback makes meanwhile. */
static void end_requests(struct vici_client *c, usec_t due, int error)
{
    uint64_t last = c->requests.last_id;
    struct vici_request *r;

    while (!c->dead && (r = next_due(c, due, last)))
        end_request(c, r, error, rd_of(NULL, 0));
}

static void retry_later(struct vici_client *c)
{
    c->retry_at = clock_add(loop_now(c->loop), c->back_off);
    c->back_off = 2 * c->back_off < VICI_RECONNECT_MAX ? 2 * c->back_off : VICI_RECONNECT_MAX;
}

/* The connection is of no more use. Requests that were not sent yet wait for the next one. */
static void lose_connection(struct vici_client *c, int error)
{
    bool owed = c->debt == DEBT_CALL;

    vici_link_close(&c->link);
    vici_events_reset(&c->events);
    c->debt = DEBT_NONE;
    retry_later(c);
    if (owed)
        end_request(c, c->requests.first, error, rd_of(NULL, 0));
    set_state(c, VICI_CONNECTING);
}

static void try_connect(struct vici_client *c, loop_io_fn on_io)
{
    int r = vici_link_open(&c->link, c->loop, &c->socket, on_io, c);
    enum vici_state state = VICI_CONNECTING; /* our own trouble, such as -EMFILE, says nothing of the daemon */

    if (r == 0) {
        set_state(c, VICI_CONNECTED);
        return;
    }
    if (r == -EAGAIN) {
        state = VICI_BUSY;
    } else if (r == -EACCES || r == -EPERM) {
        state = VICI_DENIED;
        r = -EACCES;
    } else if (r == -ENOENT || r == -ENOTDIR || r == -ECONNREFUSED) {
        state = VICI_REFUSED;
        r = -ECONNREFUSED;
    }
    retry_later(c);
    set_state(c, state);
    end_requests(c, USEC_NEVER, r);
}

static void ask_for_event(struct vici_client *c, struct vici_event *e)
{
    struct strbuf packet;

    strbuf_init(&packet, VICI_PACKET_MAX);
    vici_put_packet(&packet, VICI_EVENT_REGISTER, e->name, NULL, 0);
    c->asked = e;
    be_patient(c, DEBT_EVENT);
    vici_link_send(&c->link, &packet);
}

/* Sends what is next, if it is our turn. Calls nobody back. */
static void send_next(struct vici_client *c)
{
    struct vici_request *r = c->requests.first;
    struct vici_event *e = vici_events_unasked(&c->events);

    if (!vici_link_is_open(&c->link) || c->debt != DEBT_NONE)
        return;
    if (!e && r && r->stream && r->stream->state != VICI_EVENT_REGISTERED)
        e = r->stream;
    if (e) {
        ask_for_event(c, e);
    } else if (r) {
        c->debt = DEBT_CALL;
        vici_link_send(&c->link, &r->packet);
    }
}

static int take_event(struct vici_client *c, struct rd packet)
{
    struct rd name = rd_sub(&packet, rd_u8(&packet));
    const struct vici_event *e = vici_events_find(&c->events, name);
    const struct vici_request *r = c->debt == DEBT_CALL ? c->requests.first : NULL;

    if (!vici_message_valid(packet)) /* nor where the name went over the end */
        return -EBADMSG;
    if (e && r && r->stream == e)
        r->on_stream(r->data, e->name, packet);
    else if (e && e->wanted && c->on_event)
        c->on_event(c->data, e->name, packet);
    return 0;
}

static int take_answer(struct vici_client *c, int error, struct rd message)
{
    enum debt debt = c->debt;

    if ((debt != DEBT_CALL && debt != DEBT_NOBODY) || !vici_message_valid(message))
        return -EBADMSG;
    c->debt = DEBT_NONE;
    if (debt == DEBT_CALL)
        end_request(c, c->requests.first, error, message);
    return 0;
}

static int take_registration(struct vici_client *c, enum vici_registration state)
{
    struct vici_request *r = c->requests.first;

    if (c->debt != DEBT_EVENT)
        return -EBADMSG;
    c->debt = DEBT_NONE;
    c->asked->state = state;
    if (state == VICI_EVENT_REFUSED && r && r->stream == c->asked)
        end_request(c, r, -EOPNOTSUPP, rd_of(NULL, 0));
    return 0;
}

/* -EBADMSG where the packet cannot come from a server now. */
static int take_packet(struct vici_client *c, struct rd packet)
{
    switch (rd_u8(&packet)) {
    case VICI_EVENT:
        return take_event(c, packet);
    case VICI_CMD_RESPONSE:
        return take_answer(c, 0, packet);
    case VICI_CMD_UNKNOWN:
        return take_answer(c, -EOPNOTSUPP, packet);
    case VICI_EVENT_CONFIRM:
        return take_registration(c, VICI_EVENT_REGISTERED);
    case VICI_EVENT_UNKNOWN:
        return take_registration(c, VICI_EVENT_REFUSED);
    default:
        return -EBADMSG;
    }
}

static void receive(struct vici_client *c)
{
    struct rd packet;
    int r = vici_link_fill(&c->link);

    while (r == 0 && !c->dead && (r = vici_link_next(&c->link, &packet)) > 0) {
        r = take_packet(c, packet);
        if (r == 0)
            c->back_off = VICI_RECONNECT_FIRST;
        if (r == 0 && !c->dead)
            send_next(c);
    }
    if (r < 0 && !c->dead)
        lose_connection(c, r);
}

/* When patience with the connection ends. A request that is under way has its own deadline. */
static usec_t patience_end(const struct vici_client *c)
{
    return c->debt == DEBT_EVENT || c->debt == DEBT_NOBODY ? c->patience_ends : USEC_NEVER;
}

static void arm_timer(struct vici_client *c)
{
    usec_t deadline = vici_requests_first_deadline(&c->requests);
    usec_t other = vici_link_is_open(&c->link) ? patience_end(c) : c->retry_at;

    loop_timer_at(c->timer, deadline < other ? deadline : other);
}

/* Ends what the loop began. */
static void leave(struct vici_client *c)
{
    c->busy = false;
    if (c->dead) {
        (void)vici_client_free(c);
        return;
    }
    send_next(c);
    arm_timer(c);
}

static void on_io(void *data, int fd, uint32_t revents)
{
    struct vici_client *c = data;

    (void)fd;
    c->busy = true;
    if (revents & EPOLLOUT)
        vici_link_flush(&c->link);
    if (revents & ~(uint32_t)EPOLLOUT)
        receive(c);
    leave(c);
}

static void on_timer(void *data, usec_t now)
{
    struct vici_client *c = data;

    c->busy = true;
    /* We may be late ourselves: an answer that is there already counts. */
    if (vici_link_is_open(&c->link))
        receive(c);
    end_requests(c, now, -ETIMEDOUT);
    if (!c->dead && vici_link_is_open(&c->link) && now >= patience_end(c))
        lose_connection(c, -ECONNRESET);
    if (!c->dead && !vici_link_is_open(&c->link) && now >= c->retry_at)
        try_connect(c, on_io);
    leave(c);
}

int vici_client_new(struct loop *l, const char *socket, vici_state_fn on_state, vici_event_fn on_event, void *data,
                    struct vici_client **ret)
{
    cleanup(vici_client_freep) struct vici_client *c = calloc(1, sizeof(*c));
    int r;

    if (!c)
        return -ENOMEM;
    vici_link_init(&c->link);
    c->loop = l;
    c->on_state = on_state;
    c->on_event = on_event;
    c->data = data;
    c->back_off = VICI_RECONNECT_FIRST;
    c->socket.sun_family = AF_UNIX;
    if (!str_copy(c->socket.sun_path, sizeof(c->socket.sun_path), socket))
        return -ENAMETOOLONG;
    r = loop_timer_new(l, on_timer, c, &c->timer);
    if (r < 0)
        return r;
    arm_timer(c);
    *ret = TAKE_PTR(c);
    return 0;
}

struct vici_client *vici_client_free(struct vici_client *c)
{
    if (!c)
        return NULL;
    if (c->busy) {
        c->dead = true; /* the rest when the callback has returned: its message is ours */
        return NULL;
    }
    vici_requests_done(&c->requests);
    vici_link_close(&c->link);
    c->timer = loop_timer_free(c->timer);
    free(c);
    return NULL;
}

int vici_client_register(struct vici_client *c, const char *event)
{
    struct vici_event *e;
    int r = vici_events_get(&c->events, event, &e);

    if (r < 0)
        return r;
    e->wanted = true;
    send_next(c);
    arm_timer(c);
    return 0;
}

bool vici_client_knows(const struct vici_client *c, const char *event)
{
    for (size_t i = 0; i < c->events.n; i++)
        if (str_eq(c->events.all[i].name, event))
            return c->events.all[i].state == VICI_EVENT_REGISTERED;
    return false;
}

int vici_call(struct vici_client *c, const char *command, const void *message, size_t len, const char *stream,
              vici_event_fn on_stream, vici_done_fn on_done, void *data, usec_t deadline, uint64_t *ret_id)
{
    struct vici_event *e = NULL;
    struct vici_request *request = NULL;
    int r = stream ? vici_events_get(&c->events, stream, &e) : 0;

    if (r == 0)
        r = vici_requests_add(&c->requests, command, message, len, &request);
    if (!request)
        return r;
    request->stream = e;
    request->on_stream = on_stream;
    request->on_done = on_done;
    request->data = data;
    request->deadline = clock_add(loop_now(c->loop), deadline);
    if (ret_id)
        *ret_id = request->id;
    send_next(c);
    arm_timer(c);
    return 0;
}

void vici_call_cancel(struct vici_client *c, uint64_t id)
{
    for (struct vici_request *r = c->requests.first; r; r = r->next) {
        if (r->id == id) {
            drop_request(c, r);
            arm_timer(c);
            return;
        }
    }
}
