/* The payloads TSi and TSr: traffic selectors (RFC 7296 3.13). */
#include "engine/wire/payload.h"

#include "base/reader.h"

#include <errno.h>
#include <string.h>

#define SELECTOR_HEADER 8

static size_t address_len(uint8_t type)
{
    switch (type) {
    case TS_IPV4_ADDR_RANGE:
        return 4;
    case TS_IPV6_ADDR_RANGE:
        return 16;
    default:
        return 0;
    }
}

/* 1, or 0 where its type is not known. */
static int read_selector(struct rd *r, struct selector *ret)
{
    struct selector s = {.type = rd_u8(r), .protocol = rd_u8(r)};
    uint16_t length = rd_be16(r);
    size_t len = address_len(s.type);
    struct rd body;

    if (!rd_ok(r) || length < SELECTOR_HEADER)
        return -EBADMSG;
    body = rd_sub(r, length - 4U);
    s.port_first = rd_be16(&body);
    s.port_last = rd_be16(&body);
    if (!rd_ok(&body))
        return -EBADMSG;
    if (len == 0)
        return 0;
    if (!rd_copy(&body, s.first, len) || !rd_copy(&body, s.last, len) || !rd_done(&body))
        return -EBADMSG;
    *ret = s;
    return 1;
}

int payload_read_ts(const struct payload *p, struct selectors *ret)
{
    struct rd r = rd_of(p->body, p->len);
    uint8_t count = rd_u8(&r);
    struct selectors all;

    rd_skip(&r, 3);
    if (count == 0)
        return -EBADMSG;
    all.n = 0;
    for (unsigned i = 0; i < count; i++) {
        struct selector s;
        int k = read_selector(&r, &s);

        if (k < 0)
            return k;
        if (k == 0)
            continue;
        if (all.n == TS_MAX)
            return -ENOSPC;
        all.s[all.n++] = s;
    }
    if (!rd_done(&r))
        return -EBADMSG;
    *ret = all;
    return 0;
}

void payload_write_ts(struct chain_writer *cw, enum ike_payload which, const struct selectors *ss)
{
    chain_open(cw, which);
    wr_u8(&cw->w, (uint8_t)ss->n);
    wr_zero(&cw->w, 3);
    for (size_t i = 0; i < ss->n; i++) {
        const struct selector *s = &ss->s[i];
        size_t len = address_len(s->type);

        wr_u8(&cw->w, s->type);
        wr_u8(&cw->w, s->protocol);
        wr_be16(&cw->w, (uint16_t)(SELECTOR_HEADER + 2 * len));
        wr_be16(&cw->w, s->port_first);
        wr_be16(&cw->w, s->port_last);
        wr_bytes(&cw->w, s->first, len);
        wr_bytes(&cw->w, s->last, len);
    }
    chain_close(cw);
}
