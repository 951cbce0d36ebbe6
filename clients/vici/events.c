#include "clients/vici/events.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>

struct vici_event *vici_events_find(struct vici_events *e, struct rd name)
{
    size_t len;
    const uint8_t *text = rd_rest(&name, &len);

    for (size_t i = 0; text && i < e->n; i++)
        if (strlen(e->all[i].name) == len && memcmp(e->all[i].name, text, len) == 0)
            return &e->all[i];
    return NULL;
}

int vici_events_get(struct vici_events *e, const char *name, struct vici_event **ret)
{
    struct vici_event *found = vici_events_find(e, rd_of(name, strlen(name)));

    if (!found) {
        if (e->n == VICI_EVENTS_MAX)
            return -ENOSPC;
        found = &e->all[e->n];
        if (!str_copy(found->name, sizeof(found->name), name))
            return -ENAMETOOLONG;
        e->n++;
    }
    *ret = found;
    return 0;
}

struct vici_event *vici_events_unasked(struct vici_events *e)
{
    for (size_t i = 0; i < e->n; i++)
        if (e->all[i].wanted && e->all[i].state == VICI_EVENT_NEW)
            return &e->all[i];
    return NULL;
}

void vici_events_reset(struct vici_events *e)
{
    for (size_t i = 0; i < e->n; i++)
        e->all[i].state = VICI_EVENT_NEW;
}
