#include "clients/vici/requests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct vici_request *request_free(struct vici_request *r)
{
    strbuf_done(&r->packet);
    free(r);
    return NULL;
}
DEFINE_CLEANUP(struct vici_request *, request_free)

static void append(struct vici_requests *q, struct vici_request *r)
{
    struct vici_request **at = &q->first;

    while (*at)
        at = &(*at)->next;
    *at = r;
    q->n++;
    r->id = ++q->last_id;
}

int vici_requests_add(struct vici_requests *q, const char *command, const void *message, size_t len,
                      struct vici_request **ret)
{
    cleanup(request_freep) struct vici_request *r = NULL;

    if (q->n == VICI_QUEUE_MAX)
        return -ENOSPC;
    if (strlen(command) > VICI_NAME_MAX || len > VICI_MESSAGE_MAX - 2 - strlen(command))
        return -EMSGSIZE;
    r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    strbuf_init_secret(&r->packet, VICI_PACKET_MAX);
    vici_put_packet(&r->packet, VICI_CMD_REQUEST, command, message, len);
    if (r->packet.bad)
        return -ENOMEM;
    append(q, r);
    *ret = TAKE_PTR(r);
    return 0;
}

void vici_requests_remove(struct vici_requests *q, struct vici_request *r)
{
    struct vici_request **at = &q->first;

    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    q->n--;
    (void)request_free(r);
}

usec_t vici_requests_first_deadline(const struct vici_requests *q)
{
    usec_t first = USEC_NEVER;

    for (const struct vici_request *r = q->first; r; r = r->next)
        if (r->deadline < first)
            first = r->deadline;
    return first;
}

void vici_requests_done(struct vici_requests *q)
{
    while (q->first)
        vici_requests_remove(q, q->first);
}
