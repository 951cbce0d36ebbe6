/*
 * Re-initiation over VICI: terminates given IKE_SAs (stale, or hopelessly waiting for a far retransmission) and
 * initiates the CHILD_SA once, on a connection of its own so that the status connection never waits. charon hangs when
 * it is asked to initiate again and again: the caller keeps one pending per AWS connection, and this object is that
 * one. The daemon's log of the attempt is read for the reason of a failure.
 *
 * An attempt that is freed before its end goes on in charon and keeps one of its (usually 16) threads until the
 * deadline, unless its IKE_SA is terminated: the next attempt has to do that.
 */
#pragma once

#include "base/cleanup.h"
#include "base/loop.h"
#include "clients/vici/sas.h"
#include "remediation/outcome.h"

#define REINITIATE_TERMINATE_MAX 8
#define REINITIATE_DEADLINE      (20 * USEC_PER_SEC)

struct reinitiate;

struct reinitiate_args {
    const char *socket;         /* copied, like all texts here */
    char ike[VICI_SA_NAME_MAX]; /* connection to initiate */
    char child[VICI_SA_NAME_MAX];
    uint32_t terminate[REINITIATE_TERMINATE_MAX]; /* unique ids of IKE_SAs to remove first, by force */
    size_t n_terminate;
};

/* Once, never from within reinitiate_start(). O is borrowed. After it the object is of no more use and may be freed. */
typedef void (*reinitiate_done_fn)(void *data, const struct outcome *o);

int reinitiate_start(struct loop *l, const struct reinitiate_args *args, reinitiate_done_fn fn, void *data,
                     struct reinitiate **ret);
struct reinitiate *reinitiate_free(struct reinitiate *r); /* accepts NULL; no callback afterwards */
DEFINE_CLEANUP(struct reinitiate *, reinitiate_free)
