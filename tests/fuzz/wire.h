/*
 * What the targets of engine/wire share: memory of just the size, so that the sanitizer sees each byte that is read
 * behind it; outputs that must be untouched on failure; and chains, checked against a straight reading.
 */
#pragma once

#include "engine/wire/chain.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define POISON 0xa5

static inline uint8_t *copy_of(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + !size);

    assert(copy);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

static inline void check_untouched(const void *p, size_t len)
{
    const uint8_t *bytes = p;

    for (size_t i = 0; i < len; i++)
        assert(bytes[i] == POISON);
}

/* A straight reading of RFC 7296 3.2. */
static inline int chain_model(uint8_t type, const uint8_t *data, size_t size)
{
    size_t at = 0, n = 0;
    bool sealed = false;

    for (; type != PAYLOAD_NONE && !sealed; n++) {
        size_t len = size - at < 4 ? 0 : (size_t)data[at + 2] << 8 | data[at + 3];

        if (len < 4 || len > size - at)
            return -EBADMSG;
        if (n == CHAIN_PAYLOADS_MAX)
            return -ENOSPC;
        sealed = type == PAYLOAD_SK || type == PAYLOAD_SKF;
        type = data[at];
        at += len;
    }
    return at == size ? 0 : -EBADMSG;
}

static inline bool check_chain(uint8_t first, const uint8_t *data, size_t size, struct chain *ret)
{
    size_t at = 0;
    int r;

    memset(ret, POISON, sizeof(*ret));
    r = chain_read(first, data, size, ret);
    assert(r == chain_model(first, data, size));
    if (r < 0) {
        check_untouched(ret, sizeof(*ret));
        return false;
    }
    for (size_t i = 0; i < ret->n; i++) {
        const struct payload *p = &ret->p[i];

        assert(p->type == first && p->critical == (data[at + 1] >> 7) && p->body == data + at + 4);
        assert(p == chain_find(ret, (enum ike_payload)first, NULL) ||
               chain_find(ret, (enum ike_payload)first, NULL) < p);
        first = data[at];
        at += 4 + p->len;
    }
    assert(at == size && ret->inner == first);
    return true;
}

/* C written again by CW: its bytes but for flags, which are ours to set. */
static inline void check_rewritten(const struct chain *c, uint8_t first, const uint8_t *data, size_t size,
                                   struct chain_writer *cw)
{
    const uint8_t *ours = cw->w.start;
    size_t at = 0;

    for (size_t i = 0; i < c->n; i++) {
        chain_open(cw, (enum ike_payload)c->p[i].type);
        wr_bytes(&cw->w, c->p[i].body, c->p[i].len);
        chain_close(cw);
    }
    assert(chain_ok(cw) && wr_len(&cw->w) == size && cw->first == first);
    for (size_t i = 0; i < c->n; at += 4 + c->p[i++].len) {
        assert(ours[at] == (i + 1 < c->n ? data[at] : PAYLOAD_NONE) && ours[at + 1] == 0);
        assert(memcmp(ours + at + 2, data + at + 2, 2 + c->p[i].len) == 0);
    }
}
