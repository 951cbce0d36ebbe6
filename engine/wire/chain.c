#include "engine/wire/chain.h"

#include "base/reader.h"

#include <errno.h>

#define CRITICAL 0x80

static bool ends_chain(uint8_t type)
{
    return type == PAYLOAD_SK || type == PAYLOAD_SKF;
}

int chain_read(uint8_t first, const void *data, size_t len, struct chain *ret)
{
    struct rd r = rd_of(data, len);
    uint8_t type = first;
    struct chain c;

    c.n = 0;
    c.inner = PAYLOAD_NONE;
    while (type != PAYLOAD_NONE) {
        uint8_t next = rd_u8(&r), flags = rd_u8(&r);
        uint16_t length = rd_be16(&r);
        struct payload p = {.type = type, .critical = flags & CRITICAL};

        if (!rd_ok(&r) || length < PAYLOAD_HEADER_LEN)
            return -EBADMSG;
        p.len = length - PAYLOAD_HEADER_LEN;
        p.body = rd_take(&r, p.len);
        if (!p.body)
            return -EBADMSG;
        if (c.n == CHAIN_PAYLOADS_MAX)
            return -ENOSPC;
        c.p[c.n++] = p;
        if (ends_chain(type)) {
            c.inner = next;
            break;
        }
        type = next;
    }
    if (!rd_done(&r))
        return -EBADMSG;
    *ret = c;
    return 0;
}

bool chain_is_sealed(const struct chain *c)
{
    return c->n > 0 && ends_chain(c->p[c->n - 1].type);
}

const struct payload *chain_find(const struct chain *c, enum ike_payload type, const struct payload *after)
{
    for (size_t i = after ? (size_t)(after - c->p) + 1 : 0; i < c->n; i++)
        if (c->p[i].type == (uint8_t)type)
            return &c->p[i];
    return NULL;
}

struct chain_writer chain_writer_of(void *buf, size_t size)
{
    return (struct chain_writer){.w = wr_of(buf, size)};
}

void chain_open(struct chain_writer *cw, enum ike_payload type)
{
    cw->start = (size_t)(cw->w.p - cw->w.start);
    if (cw->first == PAYLOAD_NONE)
        cw->first = (uint8_t)type;
    else
        wr_patch_u8(&cw->w, cw->next_at, (uint8_t)type);
    cw->next_at = cw->start;
    wr_zero(&cw->w, PAYLOAD_HEADER_LEN);
}

void chain_close(struct chain_writer *cw)
{
    size_t len = (size_t)(cw->w.p - cw->w.start) - cw->start;

    if (len > UINT16_MAX)
        cw->w.bad = true;
    wr_patch_be16(&cw->w, cw->start + 2, (uint16_t)len);
}

bool chain_ok(const struct chain_writer *cw)
{
    return wr_ok(&cw->w);
}
