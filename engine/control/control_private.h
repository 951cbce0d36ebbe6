/* What the files of engine/control share. */
#pragma once

#include "engine/control/control.h"
#include "engine/control/session.h"

#define CONTROL_TEXT_MAX 512 /* a sentence for a client */

struct server;

struct control {
    struct control_config config;
    struct loop *loop;
    struct loop_timer *timer; /* of those who wait */
    struct server *server;    /* NULL without a path */
    struct session *sessions;
    unsigned n_sessions;
    uint32_t last_ticket;
    usec_t started_at;
};

/* A command that is being carried out. The reply is filled in before it returns, unless it lists or waits. */
struct call {
    struct control *control;
    struct session *session;
    struct rd message; /* valid */
    struct strbuf *reply;
    usec_t now;
};

struct command {
    const char *name;
    void (*run)(struct call *c);
};

const struct command *command_find(const char *name); /* NULL */

void call_succeed(struct call *c); /* success=yes; more may follow */
void call_fail(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A line of the log. Nothing secret: names and ids. */
void call_log(const struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void call_log_args(const struct call *c, const char *what, const struct args *a); /* "vici WHAT CHILD_SA 'net'" */
bool call_args(struct call *c, struct args *ret);                                 /* false: answered */
/* Goes through STEP as the client reads, then answers with nothing. IDS is taken. */
void call_list(struct call *c, enum session_event e,
               bool (*step)(struct session *s, struct listing *l, struct strbuf *event), uint32_t *ids, size_t n,
               const struct args *a);
/* From now on the session waits for the end of the ticket that is returned, whose ANSWER replies. */
uint32_t call_wait(struct call *c, const struct args *a,
                   bool (*concerns)(const struct control *c, const struct waiting *w, const struct engine_log *l),
                   void (*answer)(struct control *c, const struct waiting *w, const char *error, bool late,
                                  struct strbuf *reply));
void call_wait_not(struct call *c); /* takes it back: it is answered at once */

/* Whether anybody hears E; tells all who do. */
bool control_heard(const struct control *c, enum session_event e);
void control_raise(struct control *c, enum session_event e, const struct strbuf *message);
void control_arm(struct control *c);           /* the timer, after a change of who waits */
void control_changed(const struct control *c); /* the engine was asked for something */
