/*
 * TCP connect to the application that matters behind the tunnel. One attempt at a time; the connection is closed as
 * soon as it is established or refused. A refusal is an answer: the path works.
 */
#pragma once

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "probes/sample.h"

struct tcp_probe;

/* The outcome of the attempt begun at S->when: OK (also for ECONNREFUSED, with the reason set), LOST, or FAILED. */
typedef void (*tcp_done_fn)(void *data, const struct sample *s);

/* A probe of TO (with port), or of the name HOST and PORT where TO is not set. SOURCE may be unset. */
int tcp_probe_new(struct loop *l, const struct addr *to, const char *host, uint16_t port, const struct addr *source,
                  tcp_done_fn fn, void *data, struct tcp_probe **ret);
struct tcp_probe *tcp_probe_free(struct tcp_probe *p); /* accepts NULL; no callback afterwards */
DEFINE_CLEANUP(struct tcp_probe *, tcp_probe_free)

void tcp_probe_set_data(struct tcp_probe *p, void *data); /* the callback is given it from now on */

/*
 * Starts an attempt that is LOST after TIMEOUT. -EBUSY while one is under way; another -errno where it cannot begin
 * (-EADDRNOTAVAIL: the source address is gone; -ENETUNREACH): the sample FAILED. The callback never comes from within.
 * A name is looked up beside attempts at the address that was found last; until one is found there is none to attempt.
 */
int tcp_probe_start(struct tcp_probe *p, usec_t timeout);
