/*
 * One client: from bytes to commands and back to bytes, no I/O. Commands are carried out one at a time and in order,
 * events come between. A client that breaks the protocol, or does not read what it asked for, is dead: its owner frees
 * it.
 */
#pragma once

#include "base/strbuf.h"
#include "clients/vici/message.h"
#include "engine/control/args.h"
#include "engine/control/control.h"

#define SESSION_OUT_MAX (2 * VICI_PACKET_MAX) /* bytes that wait for the client */
#define SESSION_OUT_LOW (64 * 1024)           /* a list goes on below it */
#define SESSION_READ    16384                 /* bytes of one session_input(), at most */

enum session_event { /* session_event_name() */
                     SESSION_LOG,
                     SESSION_CONTROL_LOG,
                     SESSION_LIST_SA,
                     SESSION_LIST_POLICY,
                     SESSION_LIST_CONN,
                     SESSION_LIST_CERT,
                     SESSION_LIST_AUTHORITY, /* there are none */
                     SESSION_IKE_UPDOWN,
                     SESSION_IKE_REKEY,
                     SESSION_IKE_UPDATE,
                     SESSION_CHILD_UPDOWN,
                     SESSION_CHILD_REKEY,
                     SESSION_EVENTS,
};

struct session;

/* A list that is told event by event as the client reads. AT and IDS are the step's. */
struct listing {
    enum session_event event;
    bool (*step)(struct session *s, struct listing *l, struct strbuf *event); /* false: the end; empty: nothing here */
    size_t at, n;
    uint32_t *ids; /* owned; NULL */
    struct args args;
};

/* A wish that the engine was given and whose end is waited for. */
struct waiting {
    uint32_t ticket; /* 0: none */
    usec_t deadline; /* USEC_NEVER */
    int level;       /* of the log lines that the client is told: */
    bool (*concerns)(const struct control *c, const struct waiting *w, const struct engine_log *l);
    bool beginning;          /* initiate: the engine has not returned yet, */
    char ike[CONF_NAME_MAX]; /* and works on this connection */
    unsigned matches;        /* terminate */
    uint32_t last;           /* terminate: the newest of what was to be ended */
    struct args args;
    void (*answer)(struct control *c, const struct waiting *w, const char *error, bool late, struct strbuf *reply);
};

struct session {
    struct session *next;
    struct control *control;
    void (*ready)(void *data); /* there is output, or the session is dead */
    void *data;
    struct strbuf in, out;
    unsigned events; /* bits of enum session_event */
    bool dead;
    bool at_work;           /* a packet is being handled: what follows in IN waits */
    bool answered;          /* the command that is being handled */
    struct listing listing; /* step is NULL where there is none */
    struct waiting waiting;
};

/* READY may be NULL. NULL: CONTROL_SESSIONS_MAX, or no memory. */
struct session *session_new(struct control *c, void (*ready)(void *data), void *data);
struct session *session_free(struct session *s); /* what the engine was asked for goes on; accepts NULL */
DEFINE_CLEANUP(struct session *, session_free)

bool session_reads(const struct session *s); /* session_input() may be called: nothing is under way */
void session_input(struct session *s, const void *data, size_t len); /* at most SESSION_READ bytes */
void session_sent(struct session *s, size_t len);                    /* LEN bytes of OUT were taken */

bool session_hears(const struct session *s, enum session_event e);
void session_tell(struct session *s, enum session_event e, const struct strbuf *message); /* where it hears E */
void session_end_waiting(struct session *s, const char *error, bool late);                /* answers the command */

const char *session_event_name(enum session_event e);
