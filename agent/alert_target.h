/*
 * One receiver of alerts: the queue of what waits for it, and their delivery, one at a time and in order. Internal to
 * the alerter.
 */
#pragma once

#include "agent/alerter.h"

/* What the targets of an alerter share. */
struct alert_context {
    struct loop *loop; /* borrowed, like the next two */
    struct http *http;
    struct store *store;
    struct alerter_status status;
};

/* An alert, shared by the targets that it waits for. */
struct alert {
    size_t refs;
    char id[STORE_ID_MAX];
    usec_t wall;
    char *body; /* owned */
};

int alert_new(const char *id, usec_t wall, const char *body, struct alert **ret); /* with one reference, the caller's */
struct alert *alert_unref(struct alert *a);                                       /* accepts NULL */

struct alert_target;

/* C and CONF are borrowed, CONF until alert_target_reload(). */
int alert_target_new(struct alert_context *c, const struct conf_alert *conf, struct alert_target **ret);
struct alert_target *alert_target_free(struct alert_target *t); /* what waits stays in the spool; accepts NULL */

const char *alert_target_name(const struct alert_target *t);
size_t alert_target_waiting(const struct alert_target *t);

/* Spools A and delivers it when its turn comes. Takes a reference of its own. */
void alert_target_add(struct alert_target *t, struct alert *a);
/* Takes up A from the spool; alert_target_deliver() begins with it. */
void alert_target_take_up(struct alert_target *t, struct alert *a, unsigned attempts);

/* Begins the next delivery where there is something to deliver and nothing is under way. */
void alert_target_deliver(struct alert_target *t);

/* Drops the oldest alert that is not under way, from the spool too, and counts it. */
void alert_target_drop_oldest(struct alert_target *t);
/* Drops all that waits. */
void alert_target_drop_all(struct alert_target *t);

/* CONF has the same name. A target that has changed is tried at once; what is under way ends where it was sent to. */
void alert_target_reload(struct alert_target *t, const struct conf_alert *conf);
