#include "clients/vici/reading.h"

#include "base/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_TEXT_MAX 24

struct reading reading_of(struct rd message)
{
    return (struct reading){.walk = vici_walk_of(message)};
}

void reading_fail(struct reading *r, int error)
{
    if (r->error == 0)
        r->error = error;
}

enum vici_element reading_next(struct reading *r, struct vici_item *ret)
{
    enum vici_element type = r->error < 0 ? VICI_END : vici_walk_next(&r->walk, ret);

    if (r->walk.bad)
        reading_fail(r, -EBADMSG);
    return type;
}

void reading_skip_section(struct reading *r)
{
    unsigned depth = r->walk.depth;
    struct vici_item it;

    while (r->walk.depth >= depth && reading_next(r, &it) != VICI_END)
        continue;
}

uint64_t reading_number(struct reading *r, const struct vici_item *it, uint64_t max)
{
    char text[NUMBER_TEXT_MAX];
    uint64_t v = 0;

    if (!vici_item_text(it, text, sizeof(text)) || parse_u64(text, max, &v) < 0)
        reading_fail(r, -EBADMSG);
    return v;
}

void reading_text(struct reading *r, const struct vici_item *it, char *buf, size_t size)
{
    if (!vici_item_text(it, buf, size))
        reading_fail(r, -EBADMSG);
}

void reading_name(struct reading *r, const struct vici_item *it, char *buf, size_t size)
{
    if (it->name_len == 0 || it->name_len >= size) {
        reading_fail(r, -EBADMSG);
        return;
    }
    memcpy(buf, it->name, it->name_len);
    buf[it->name_len] = '\0';
}

void *reading_grow(struct reading *r, void *items, size_t n, size_t size)
{
    if (n & (n - 1))
        return items;
    items = reallocarray(items, n > 0 ? 2 * n : 1, size);
    if (!items)
        reading_fail(r, -ENOMEM);
    return items;
}
