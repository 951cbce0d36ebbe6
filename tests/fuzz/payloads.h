/* The readers of all payloads for fuzz targets: the output is untouched on failure, and what is read lies in the
 * payload. */
#pragma once

#include "engine/wire/payload.h"
#include "tests/fuzz/wire.h"

static inline void check_inside(const struct wire_bytes *b, const struct payload *p)
{
    assert(b->len == 0 || (b->data >= p->body && b->len <= p->len && (size_t)(b->data - p->body) <= p->len - b->len));
}

/* READ_INTO(ke, p, ret): reads P into *RET, poisoned before, and checks what may be said of the result. */
#define READ_INTO(what, p, ret)                                                                                        \
    __extension__({                                                                                                    \
        memset((ret), POISON, sizeof(*(ret)));                                                                         \
        int read_ = payload_read_##what((p), (ret));                                                                   \
        assert(read_ == 0 || read_ == -EBADMSG || read_ == -ENOSPC);                                                   \
        if (read_ < 0)                                                                                                 \
            check_untouched((ret), sizeof(*(ret)));                                                                    \
        read_ == 0;                                                                                                    \
    })

static inline bool read_ke(const struct payload *p, struct ke_payload *ret)
{
    if (!READ_INTO(ke, p, ret))
        return false;
    check_inside(&ret->value, p);
    assert(ret->value.len > 0);
    return true;
}

static inline bool read_id(const struct payload *p, struct id_payload *ret)
{
    if (!READ_INTO(id, p, ret))
        return false;
    check_inside(&ret->data, p);
    assert(ret->data.len > 0 && ret->body.data == p->body && ret->body.len == p->len);
    return true;
}

static inline bool read_cert(const struct payload *p, struct cert_payload *ret)
{
    if (!READ_INTO(cert, p, ret))
        return false;
    check_inside(&ret->data, p);
    return true;
}

static inline bool read_auth(const struct payload *p, struct auth_payload *ret)
{
    if (!READ_INTO(auth, p, ret))
        return false;
    check_inside(&ret->data, p);
    assert(ret->data.len > 0);
    return true;
}

static inline bool read_nonce(const struct payload *p, struct wire_bytes *ret)
{
    if (!READ_INTO(nonce, p, ret))
        return false;
    assert(ret->data == p->body && ret->len == p->len && p->len >= NONCE_MIN && p->len <= NONCE_MAX);
    return true;
}

static inline bool read_notify(const struct payload *p, struct notify_payload *ret)
{
    if (!READ_INTO(notify, p, ret))
        return false;
    check_inside(&ret->spi, p);
    check_inside(&ret->data, p);
    assert(4 + ret->spi.len + ret->data.len == p->len && ret->spi.len <= NOTIFY_SPI_MAX);
    return true;
}

static inline bool read_delete(const struct payload *p, struct delete_payload *ret)
{
    if (!READ_INTO(delete, p, ret))
        return false;
    check_inside(&ret->spis, p);
    assert(ret->n <= DELETE_SPIS_MAX && ret->spis.len == ret->n * ret->spi_len && 4 + ret->spis.len == p->len);
    return true;
}

static inline bool read_config(const struct payload *p, struct config_payload *ret)
{
    if (!READ_INTO(config, p, ret))
        return false;
    assert(ret->n <= CONFIG_ATTRS_MAX);
    for (size_t i = 0; i < ret->n; i++)
        check_inside(&ret->attrs[i].value, p);
    return true;
}

static inline bool read_ts(const struct payload *p, struct selectors *ret)
{
    if (!READ_INTO(ts, p, ret))
        return false;
    assert(ret->n <= TS_MAX && ret->n <= p->body[0]);
    return true;
}

static inline bool read_sa(const struct payload *p, struct proposals *ret)
{
    if (!READ_INTO(sa, p, ret))
        return false;
    assert(ret->n <= PROPOSALS_MAX);
    for (size_t i = 0; i < ret->n; i++)
        assert(ret->p[i].n_transforms <= TRANSFORMS_MAX && ret->p[i].spi_len <= sizeof(ret->p[i].spi));
    return true;
}
