#include "base/reader.h"

#include <string.h>

struct rd rd_of(const void *data, size_t len)
{
    static const uint8_t nothing[1];
    const uint8_t *p = data ? data : nothing;

    return (struct rd){.p = p, .end = p + (data ? len : 0)};
}

const uint8_t *rd_take(struct rd *r, size_t len)
{
    const uint8_t *p = r->p;

    if (r->bad || len > (size_t)(r->end - r->p)) {
        r->bad = true;
        return NULL;
    }
    r->p += len;
    return p;
}

/* LEN bytes in network order, at most eight. */
static uint64_t take_be(struct rd *r, size_t len)
{
    const uint8_t *p = rd_take(r, len);
    uint64_t v = 0;

    for (size_t i = 0; p && i < len; i++)
        v = v << 8 | p[i];
    return v;
}

uint8_t rd_u8(struct rd *r)
{
    return (uint8_t)take_be(r, 1);
}

uint16_t rd_be16(struct rd *r)
{
    return (uint16_t)take_be(r, 2);
}

uint32_t rd_be32(struct rd *r)
{
    return (uint32_t)take_be(r, 4);
}

uint64_t rd_be64(struct rd *r)
{
    return take_be(r, 8);
}

struct rd rd_sub(struct rd *r, size_t len)
{
    const uint8_t *p = rd_take(r, len);
    struct rd sub = rd_of(p, p ? len : 0);

    sub.bad = !p;
    return sub;
}

const uint8_t *rd_rest(struct rd *r, size_t *ret_len)
{
    *ret_len = rd_left(r);
    return rd_take(r, *ret_len);
}

bool rd_copy(struct rd *r, void *dst, size_t len)
{
    const uint8_t *p = rd_take(r, len);

    if (p && len > 0)
        memcpy(dst, p, len);
    return p != NULL;
}

void rd_skip(struct rd *r, size_t len)
{
    (void)rd_take(r, len);
}

void rd_fail(struct rd *r)
{
    r->bad = true;
}

size_t rd_left(const struct rd *r)
{
    return r->bad ? 0 : (size_t)(r->end - r->p);
}

bool rd_ok(const struct rd *r)
{
    return !r->bad;
}

bool rd_done(const struct rd *r)
{
    return !r->bad && r->p == r->end;
}
