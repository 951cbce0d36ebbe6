/* The SA payload: proposals, transforms, attributes (RFC 7296 3.3). */
#include "engine/wire/payload.h"

#include "base/reader.h"

#include <errno.h>
#include <string.h>

#define LAST               0
#define MORE_PROPOSALS     2
#define MORE_TRANSFORMS    3
#define TRANSFORM_HEADER   8
#define PROPOSAL_HEADER    8
#define ATTRIBUTE_SHORT    0x8000 /* its value is two bytes long */
#define ATTRIBUTE_KEY_BITS 14

/* False where one of the attributes is not known or not legal (3.3.6). */
static bool read_attributes(struct rd *r, struct transform *t)
{
    while (rd_left(r) > 0) {
        uint16_t type = rd_be16(r), value = rd_be16(r);

        if (type != (ATTRIBUTE_SHORT | ATTRIBUTE_KEY_BITS) || t->key_bits != 0 || value == 0) {
            if (!(type & ATTRIBUTE_SHORT))
                rd_skip(r, value);
            rd_skip(r, rd_left(r));
            return false;
        }
        t->key_bits = value;
    }
    return true;
}

/* 1 where it can be chosen, 0 where it must be passed over. */
static int read_transform(struct rd *r, bool last, struct transform *ret)
{
    uint8_t more = rd_u8(r);
    uint16_t length;
    struct rd body;
    struct transform t = {0};
    bool fine;

    rd_skip(r, 1);
    length = rd_be16(r);
    if (!rd_ok(r) || length < TRANSFORM_HEADER || more != (last ? LAST : MORE_TRANSFORMS))
        return -EBADMSG;
    body = rd_sub(r, length - 4U);
    t.type = rd_u8(&body);
    rd_skip(&body, 1);
    t.id = rd_be16(&body);
    fine = read_attributes(&body, &t);
    if (!rd_done(&body))
        return -EBADMSG;
    *ret = t;
    return fine;
}

static bool has_type(const struct proposal *p, uint8_t type)
{
    for (size_t i = 0; i < p->n_transforms; i++)
        if (p->transforms[i].type == type)
            return true;
    return false;
}

/* 1 where it can be chosen, 0 where a type of transform is left without one. */
static int read_transforms(struct rd *r, unsigned count, struct proposal *p)
{
    uint8_t refused[UINT8_MAX];
    size_t n_refused = 0;

    for (unsigned i = 0; i < count; i++) {
        struct transform t;
        int k = read_transform(r, i + 1 == count, &t);

        if (k < 0)
            return k;
        if (k == 0) {
            refused[n_refused++] = t.type;
            continue;
        }
        if (p->n_transforms == TRANSFORMS_MAX)
            return -ENOSPC;
        p->transforms[p->n_transforms++] = t;
    }
    for (size_t i = 0; i < n_refused; i++)
        if (!has_type(p, refused[i]))
            return 0;
    return 1;
}

static int read_proposal(struct rd *r, struct proposal *p, bool *ret_last)
{
    uint8_t more = rd_u8(r), count;
    uint16_t length;
    struct rd body;
    int k;

    rd_skip(r, 1);
    length = rd_be16(r);
    if (!rd_ok(r) || length < PROPOSAL_HEADER || (more != LAST && more != MORE_PROPOSALS))
        return -EBADMSG;
    body = rd_sub(r, length - 4U);
    memset(p, 0, sizeof(*p));
    p->number = rd_u8(&body);
    p->protocol = rd_u8(&body);
    p->spi_len = rd_u8(&body);
    count = rd_u8(&body);
    if (p->spi_len > sizeof(p->spi) || !rd_copy(&body, p->spi, p->spi_len))
        return -EBADMSG;
    k = read_transforms(&body, count, p);
    if (k < 0 || !rd_done(&body))
        return k < 0 ? k : -EBADMSG;
    *ret_last = more == LAST;
    return k;
}

int payload_read_sa(const struct payload *p, struct proposals *ret)
{
    struct rd r = rd_of(p->body, p->len);
    struct proposals all;
    bool last = false;

    all.n = 0;
    while (!last) {
        struct proposal one;
        int k = read_proposal(&r, &one, &last);

        if (k < 0)
            return k;
        if (k == 0)
            continue;
        if (all.n == PROPOSALS_MAX)
            return -ENOSPC;
        all.p[all.n++] = one;
    }
    if (!rd_done(&r))
        return -EBADMSG;
    *ret = all;
    return 0;
}

static void write_transform(struct wr *w, const struct transform *t, bool last)
{
    wr_u8(w, last ? LAST : MORE_TRANSFORMS);
    wr_zero(w, 1);
    wr_be16(w, TRANSFORM_HEADER + (t->key_bits != 0 ? 4 : 0));
    wr_u8(w, t->type);
    wr_zero(w, 1);
    wr_be16(w, t->id);
    if (t->key_bits != 0) {
        wr_be16(w, ATTRIBUTE_SHORT | ATTRIBUTE_KEY_BITS);
        wr_be16(w, t->key_bits);
    }
}

static void write_proposal(struct wr *w, const struct proposal *p, bool last)
{
    size_t start = wr_reserve(w, 4);

    wr_patch_u8(w, start, last ? LAST : MORE_PROPOSALS);
    wr_u8(w, p->number);
    wr_u8(w, p->protocol);
    wr_u8(w, p->spi_len);
    wr_u8(w, (uint8_t)p->n_transforms);
    wr_bytes(w, p->spi, p->spi_len);
    for (size_t i = 0; i < p->n_transforms; i++)
        write_transform(w, &p->transforms[i], i + 1 == p->n_transforms);
    if (wr_ok(w))
        wr_patch_be16(w, start + 2, (uint16_t)(wr_len(w) - start));
}

void payload_write_sa(struct chain_writer *cw, const struct proposals *ps)
{
    chain_open(cw, PAYLOAD_SA);
    for (size_t i = 0; i < ps->n; i++)
        write_proposal(&cw->w, &ps->p[i], i + 1 == ps->n);
    chain_close(cw);
}
