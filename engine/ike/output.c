#include "engine/ike/output.h"

#include <stdlib.h>
#include <string.h>

static struct output_item *append(struct output *o)
{
    struct output_item *item;

    if (o->n == ENGINE_OUTPUT_MAX) {
        free(o->items[o->first].data);
        o->first = (o->first + 1) % ENGINE_OUTPUT_MAX;
        o->n--;
    }
    item = &o->items[(o->first + o->n++) % ENGINE_OUTPUT_MAX];
    memset(item, 0, sizeof(*item));
    return item;
}

void output_add(struct output *o, const struct addr *local, const struct addr *remote, bool natt,
                const struct packets *ps)
{
    for (size_t i = 0; i < ps->n; i++) {
        uint8_t *copy = malloc(ps->p[i].len);
        struct output_item *item;

        if (!copy)
            return;
        memcpy(copy, ps->p[i].data, ps->p[i].len);
        item = append(o);
        item->local = *local;
        item->remote = *remote;
        item->natt = natt;
        item->data = copy;
        item->len = ps->p[i].len;
    }
}

void output_keepalive(struct output *o, const struct addr *local, const struct addr *remote)
{
    struct output_item *item = append(o);

    item->local = *local;
    item->remote = *remote;
    item->natt = true;
    item->keepalive = true;
}

bool output_next(struct output *o, struct engine_output *ret)
{
    struct output_item *item = &o->items[o->first];

    free(o->given);
    o->given = NULL;
    if (o->n == 0)
        return false;
    *ret = (struct engine_output){.local = item->local,
                                  .remote = item->remote,
                                  .natt = item->natt,
                                  .keepalive = item->keepalive,
                                  .data = item->data,
                                  .len = item->len};
    o->given = item->data;
    o->first = (o->first + 1) % ENGINE_OUTPUT_MAX;
    o->n--;
    return true;
}

void output_done(struct output *o)
{
    struct engine_output unused;

    while (output_next(o, &unused))
        ;
}
