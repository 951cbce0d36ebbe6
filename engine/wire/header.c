#include "engine/wire/header.h"

#include "base/reader.h"
#include "base/writer.h"

#include <assert.h>
#include <errno.h>

#define MAJOR(version) ((version) >> 4)
#define OUR_MAJOR      2

int header_read(const void *data, size_t len, struct ike_header *ret)
{
    struct rd r = rd_of(data, len);
    struct ike_header h;

    (void)rd_copy(&r, h.spi_i, sizeof(h.spi_i));
    (void)rd_copy(&r, h.spi_r, sizeof(h.spi_r));
    h.next_payload = rd_u8(&r);
    h.version = rd_u8(&r);
    h.exchange = rd_u8(&r);
    h.flags = rd_u8(&r);
    h.message_id = rd_be32(&r);
    h.length = rd_be32(&r);
    if (!rd_ok(&r) || h.length != len || MAJOR(h.version) < OUR_MAJOR)
        return -EBADMSG;
    *ret = h;
    return MAJOR(h.version) > OUR_MAJOR ? -EPROTONOSUPPORT : 0;
}

void header_write(const struct ike_header *h, uint8_t ret[static IKE_HEADER_LEN])
{
    struct wr w = wr_of(ret, IKE_HEADER_LEN);

    wr_bytes(&w, h->spi_i, sizeof(h->spi_i));
    wr_bytes(&w, h->spi_r, sizeof(h->spi_r));
    wr_u8(&w, h->next_payload);
    wr_u8(&w, h->version);
    wr_u8(&w, h->exchange);
    wr_u8(&w, h->flags);
    wr_be32(&w, h->message_id);
    wr_be32(&w, h->length);
    assert(wr_len(&w) == IKE_HEADER_LEN);
}

bool header_is_response(const struct ike_header *h)
{
    return h->flags & IKE_FLAG_RESPONSE;
}

bool header_from_initiator(const struct ike_header *h)
{
    return h->flags & IKE_FLAG_INITIATOR;
}
