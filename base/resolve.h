/*
 * The address of a host's name, without blocking: glibc's getaddrinfo_a(), so /etc/hosts, DNS and whatever else the
 * host is set up for. glibc asks in helper threads that touch nothing of ours but the request, and the loop looks after
 * it.
 */
#pragma once

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/loop.h"

/* Lookups under way in the process, also those that were cancelled but that glibc has not ended yet. */
#define RESOLVE_MAX 16

struct resolve;

/* ERROR is 0 and A the address found, without a port, or -EHOSTUNREACH where there is none. */
typedef void (*resolve_fn)(void *data, int error, const struct addr *a);

/*
 * Looks HOST up for an address of FAMILY (AF_UNSPEC: any). *RET is valid until the callback, which never comes from
 * within. -EBUSY over RESOLVE_MAX.
 */
int resolve_start(struct loop *l, const char *host, int family, resolve_fn fn, void *data, struct resolve **ret);
struct resolve *resolve_cancel(struct resolve *r); /* accepts NULL; no callback afterwards */
DEFINE_CLEANUP(struct resolve *, resolve_cancel)
