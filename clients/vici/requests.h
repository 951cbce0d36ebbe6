/* The calls of a client that have not ended, in the order in which they are sent. */
#pragma once

#include "base/strbuf.h"
#include "clients/vici/client.h"
#include "clients/vici/events.h"

#include <stddef.h>
#include <stdint.h>

struct vici_request {
    struct vici_request *next; /* owned */
    uint64_t id;
    struct strbuf packet;
    struct vici_event *stream; /* borrowed from the client; NULL where the answer is not streamed */
    vici_event_fn on_stream;
    vici_done_fn on_done;
    void *data; /* borrowed for both */
    usec_t deadline;
};

struct vici_requests {
    struct vici_request *first; /* owned; ids grow along the list */
    size_t n;
    uint64_t last_id;
};

/* Appends a request with the packet for COMMAND. -ENOSPC, -EMSGSIZE, -ENOMEM. */
int vici_requests_add(struct vici_requests *q, const char *command, const void *message, size_t len,
                      struct vici_request **ret);
void vici_requests_remove(struct vici_requests *q, struct vici_request *r); /* frees it */
usec_t vici_requests_first_deadline(const struct vici_requests *q);         /* USEC_NEVER where there is none */
void vici_requests_done(struct vici_requests *q);
