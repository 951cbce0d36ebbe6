/* Something that people, the journal or the audit trail should know. One struct, passed by value; formatting is
 * elsewhere. */
#pragma once

#include "agent/cause.h"
#include "agent/incident.h"
#include "agent/verdict.h"
#include "base/addr.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "remediation/ladder.h"

#define EVENT_TEXT_MAX 384
#define EVENT_ID_MAX   40
#define EVENT_HOST_MAX 65 /* Linux takes names of 64 bytes */

enum event_kind {
    EVENT_VERDICT,  /* the verdict of a tunnel changed */
    EVENT_CAUSE,    /* the cause became another one; not alerted */
    EVENT_DECISION, /* what is held back, or proposed and why; alerted only where it waits for approval */
    EVENT_ACTION,   /* an action was begun */
    EVENT_OUTCOME,  /* ... and ended */
    EVENT_UPLINK,   /* the host is offline, or back */
    EVENT_TEST,     /* `rekindle test-alert` */
    EVENT_KIND_MAX_,
};

struct event {
    enum event_kind kind;
    char id[EVENT_ID_MAX]; /* stable: the same on every retry and after a restart */
    usec_t wall;
    char host[EVENT_HOST_MAX]; /* this host's name, as it was then; "" where it has none */
    char connection[CONF_NAME_MAX];
    char tunnel[CONF_NAME_MAX];
    struct addr outside; /* unset for events of the host */
    char incident[INCIDENT_ID_MAX];
    enum verdict verdict, previous;
    usec_t lasted; /* span of the previous verdict */
    enum cause cause;
    enum action action;
    bool good;                 /* outcome: it worked; uplink: it is back */
    char text[EVENT_TEXT_MAX]; /* one or two sentences for a person */
};

const char *event_kind_name(enum event_kind k);  /* "verdict" */
const char *event_message_id(enum event_kind k); /* journal MESSAGE_ID, 32 hex digits */
