/*
 * Delivers alerts: spooled in the store before the first attempt, then posted to every target, retried with jittered
 * back-off (and Retry-After) until delivered. Where the store says that it cannot, they are sent from memory alone. One
 * delivery at a time for each target, in the order of events; targets do not wait for one another. The id is stable, so
 * that a receiver can drop repetitions. A URL is never logged; a target is called by its name.
 */
#pragma once

#include "agent/event.h"
#include "agent/store.h"
#include "base/cleanup.h"
#include "base/http.h"
#include "base/loop.h"
#include "conf/conf.h"

#define ALERTER_TIMEOUT         (15 * USEC_PER_SEC)
#define ALERTER_BACKOFF_MIN     (1 * USEC_PER_SEC)
#define ALERTER_BACKOFF_MAX     (5 * USEC_PER_MIN)
#define ALERTER_RETRY_AFTER_MAX (1 * USEC_PER_HOUR) /* longer is not believed: people must hear */
#define ALERTER_QUEUE_MAX       4096

struct alerter;

struct alerter_status {
    size_t waiting; /* over all targets */
    uint64_t delivered, failed_attempts, dropped;
};

/* CONF, H and S are borrowed. What the spool holds from before is taken up. */
int alerter_new(struct loop *l, struct http *h, struct store *s, const struct conf *conf, struct alerter **ret);
struct alerter *alerter_free(struct alerter *a); /* accepts NULL */
DEFINE_CLEANUP(struct alerter *, alerter_free)

void alerter_send(struct alerter *a, const struct event *e); /* to every target; never fails for the caller */
/* What waits for a target that is gone is dropped and logged. */
void alerter_reload(struct alerter *a, const struct conf *conf);
struct alerter_status alerter_status(const struct alerter *a);
