#include "engine/ike/packets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int packets_add(struct packets *ps, const void *data, size_t len)
{
    if (ps->n >= PACKETS_MAX)
        return -ENOSPC;
    if (len == 0 || len > PACKET_SIZE_MAX)
        return -EMSGSIZE;
    struct packet *grown = reallocarray(ps->p, ps->n + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    ps->p = grown;
    uint8_t *copy = malloc(len);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, data, len);
    ps->p[ps->n++] = (struct packet){.data = copy, .len = len};
    return 0;
}

void packets_clear(struct packets *ps)
{
    for (size_t i = 0; i < ps->n; i++)
        free(ps->p[i].data);
    free(ps->p);
    *ps = (struct packets){0};
}

void packets_move(struct packets *to, struct packets *from)
{
    packets_clear(to);
    *to = *from;
    *from = (struct packets){0};
}
