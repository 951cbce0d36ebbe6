/* The events that a client has ever named, and what the daemon says of them on the present connection. */
#pragma once

#include "base/reader.h"
#include "clients/vici/client.h"

#include <stdbool.h>
#include <stddef.h>

enum vici_registration {
    VICI_EVENT_NEW, /* not asked on this connection */
    VICI_EVENT_REGISTERED,
    VICI_EVENT_REFUSED, /* the daemon does not know it */
};

struct vici_event {
    char name[VICI_EVENT_NAME_MAX];
    bool wanted; /* for itself, not only as the stream of a call */
    enum vici_registration state;
};

struct vici_events {
    struct vici_event all[VICI_EVENTS_MAX];
    size_t n;
};

/* The entry for NAME, which is made where there is none. It stays where it is. -ENOSPC, -ENAMETOOLONG. */
int vici_events_get(struct vici_events *e, const char *name, struct vici_event **ret);
struct vici_event *vici_events_find(struct vici_events *e, struct rd name); /* NULL where it was never named */
struct vici_event *vici_events_unasked(struct vici_events *e);              /* the next that is wanted, or NULL */
void vici_events_reset(struct vici_events *e);                              /* the connection is a new one */
