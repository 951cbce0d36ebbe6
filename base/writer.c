#include "base/writer.h"

#include <assert.h>
#include <string.h>

struct wr wr_of(void *buf, size_t size)
{
    return (struct wr){.start = buf, .p = buf, .end = (uint8_t *)buf + size};
}

/* Room for LEN bytes, or NULL. */
static uint8_t *room(struct wr *w, size_t len)
{
    uint8_t *p = w->p;

    if (w->bad || len > (size_t)(w->end - w->p)) {
        w->bad = true;
        return NULL;
    }
    w->p += len;
    return p;
}

static void store_be(uint8_t *p, uint64_t v, size_t len)
{
    for (size_t i = len; i > 0; i--) {
        p[i - 1] = (uint8_t)v;
        v >>= 8;
    }
}

static void put_be(struct wr *w, uint64_t v, size_t len)
{
    uint8_t *p = room(w, len);

    if (p)
        store_be(p, v, len);
}

void wr_u8(struct wr *w, uint8_t v)
{
    put_be(w, v, 1);
}

void wr_be16(struct wr *w, uint16_t v)
{
    put_be(w, v, 2);
}

void wr_be32(struct wr *w, uint32_t v)
{
    put_be(w, v, 4);
}

void wr_be64(struct wr *w, uint64_t v)
{
    put_be(w, v, 8);
}

void wr_bytes(struct wr *w, const void *data, size_t len)
{
    uint8_t *p = room(w, len);

    if (p && len > 0)
        memcpy(p, data, len);
}

void wr_zero(struct wr *w, size_t len)
{
    uint8_t *p = room(w, len);

    if (p && len > 0)
        memset(p, 0, len);
}

size_t wr_reserve(struct wr *w, size_t len)
{
    size_t at = (size_t)(w->p - w->start);

    wr_zero(w, len);
    return at;
}

static void patch(struct wr *w, size_t at, uint64_t v, size_t len)
{
    if (w->bad)
        return;
    assert(at + len <= (size_t)(w->p - w->start)); /* only what was written is patched */
    store_be(w->start + at, v, len);
}

void wr_patch_u8(struct wr *w, size_t at, uint8_t v)
{
    patch(w, at, v, 1);
}

void wr_patch_be16(struct wr *w, size_t at, uint16_t v)
{
    patch(w, at, v, 2);
}

void wr_patch_be32(struct wr *w, size_t at, uint32_t v)
{
    patch(w, at, v, 4);
}

bool wr_ok(const struct wr *w)
{
    return !w->bad;
}

size_t wr_len(const struct wr *w)
{
    return w->bad ? 0 : (size_t)(w->p - w->start);
}
