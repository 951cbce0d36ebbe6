#include "engine/wire/payload.h"

#include "base/reader.h"

#include <errno.h>

#define ESP_SPI 4
#define IKE_SPI 8

static struct wire_bytes rest_of(struct rd *r)
{
    struct wire_bytes b;

    b.data = rd_rest(r, &b.len);
    return b;
}

int payload_read_ke(const struct payload *p, struct ke_payload *ret)
{
    struct rd r = rd_of(p->body, p->len);
    struct ke_payload ke = {.group = rd_be16(&r)};

    rd_skip(&r, 2);
    ke.value = rest_of(&r);
    if (!rd_done(&r) || ke.value.len == 0)
        return -EBADMSG;
    *ret = ke;
    return 0;
}

int payload_read_id(const struct payload *p, struct id_payload *ret)
{
    struct rd r = rd_of(p->body, p->len);
    struct id_payload id = {.type = rd_u8(&r), .body = {p->body, p->len}};

    rd_skip(&r, 3);
    id.data = rest_of(&r);
    if (!rd_done(&r) || id.data.len == 0)
        return -EBADMSG;
    *ret = id;
    return 0;
}

int payload_read_cert(const struct payload *p, struct cert_payload *ret)
{
    struct rd r = rd_of(p->body, p->len);
    struct cert_payload cert = {.encoding = rd_u8(&r)};

    cert.data = rest_of(&r);
    if (!rd_done(&r))
        return -EBADMSG;
    *ret = cert;
    return 0;
}

int payload_read_auth(const struct payload *p, struct auth_payload *ret)
{
    struct rd r = rd_of(p->body, p->len);
    struct auth_payload auth = {.method = rd_u8(&r)};

    rd_skip(&r, 3);
    auth.data = rest_of(&r);
    if (!rd_done(&r) || auth.data.len == 0)
        return -EBADMSG;
    *ret = auth;
    return 0;
}

int payload_read_nonce(const struct payload *p, struct wire_bytes *ret)
{
    if (p->len < NONCE_MIN || p->len > NONCE_MAX)
        return -EBADMSG;
    *ret = (struct wire_bytes){p->body, p->len};
    return 0;
}

int payload_read_notify(const struct payload *p, struct notify_payload *ret)
{
    struct rd r = rd_of(p->body, p->len);
    struct notify_payload n = {.protocol = rd_u8(&r)};

    n.spi.len = rd_u8(&r);
    n.type = rd_be16(&r);
    if (n.spi.len > NOTIFY_SPI_MAX)
        return -EBADMSG;
    n.spi.data = rd_take(&r, n.spi.len);
    n.data = rest_of(&r);
    if (!rd_done(&r))
        return -EBADMSG;
    *ret = n;
    return 0;
}

/* 3.11: the IKE_SA is named by the header alone. */
static bool is_spi_len(uint8_t protocol, uint8_t len)
{
    switch (protocol) {
    case PROTO_IKE:
        return len == 0;
    case PROTO_AH:
    case PROTO_ESP:
        return len == ESP_SPI;
    default:
        return len <= IKE_SPI;
    }
}

int payload_read_delete(const struct payload *p, struct delete_payload *ret)
{
    struct rd r = rd_of(p->body, p->len);
    struct delete_payload d = {.protocol = rd_u8(&r), .spi_len = rd_u8(&r)};

    d.n = rd_be16(&r);
    if (!rd_ok(&r) || !is_spi_len(d.protocol, d.spi_len))
        return -EBADMSG;
    if (d.n > DELETE_SPIS_MAX)
        return -ENOSPC;
    d.spis.len = d.n * d.spi_len;
    d.spis.data = rd_take(&r, d.spis.len);
    if (!rd_done(&r))
        return -EBADMSG;
    *ret = d;
    return 0;
}

/* 3.15 */
int payload_read_config(const struct payload *p, struct config_payload *ret)
{
    struct rd r = rd_of(p->body, p->len);
    struct config_payload c = {.type = rd_u8(&r)};

    rd_skip(&r, 3);
    while (rd_left(&r) > 0) {
        struct config_attr a = {.type = rd_be16(&r) & 0x7fff};

        a.value.len = rd_be16(&r);
        a.value.data = rd_take(&r, a.value.len);
        if (!rd_ok(&r))
            return -EBADMSG;
        if (c.n == CONFIG_ATTRS_MAX)
            return -ENOSPC;
        c.attrs[c.n++] = a;
    }
    if (!rd_done(&r))
        return -EBADMSG;
    *ret = c;
    return 0;
}

void payload_write_ke(struct chain_writer *cw, uint16_t group, const void *value, size_t len)
{
    chain_open(cw, PAYLOAD_KE);
    wr_be16(&cw->w, group);
    wr_zero(&cw->w, 2);
    wr_bytes(&cw->w, value, len);
    chain_close(cw);
}

void payload_write_id(struct chain_writer *cw, enum ike_payload which, uint8_t type, const void *data, size_t len)
{
    chain_open(cw, which);
    wr_u8(&cw->w, type);
    wr_zero(&cw->w, 3);
    wr_bytes(&cw->w, data, len);
    chain_close(cw);
}

void payload_write_cert(struct chain_writer *cw, enum ike_payload which, uint8_t encoding, const void *data, size_t len)
{
    chain_open(cw, which);
    wr_u8(&cw->w, encoding);
    wr_bytes(&cw->w, data, len);
    chain_close(cw);
}

void payload_write_auth(struct chain_writer *cw, uint8_t method, const void *data, size_t len)
{
    chain_open(cw, PAYLOAD_AUTH);
    wr_u8(&cw->w, method);
    wr_zero(&cw->w, 3);
    wr_bytes(&cw->w, data, len);
    chain_close(cw);
}

void payload_write_nonce(struct chain_writer *cw, const void *nonce, size_t len)
{
    chain_open(cw, PAYLOAD_NONCE);
    wr_bytes(&cw->w, nonce, len);
    chain_close(cw);
}

void payload_write_notify(struct chain_writer *cw, uint16_t type, uint8_t protocol, const void *spi, size_t spi_len,
                          const void *data, size_t len)
{
    chain_open(cw, PAYLOAD_NOTIFY);
    wr_u8(&cw->w, protocol);
    wr_u8(&cw->w, (uint8_t)spi_len);
    wr_be16(&cw->w, type);
    wr_bytes(&cw->w, spi, spi_len);
    wr_bytes(&cw->w, data, len);
    chain_close(cw);
}

void payload_write_delete_ike(struct chain_writer *cw)
{
    chain_open(cw, PAYLOAD_DELETE);
    wr_u8(&cw->w, PROTO_IKE);
    wr_zero(&cw->w, 3);
    chain_close(cw);
}

void payload_write_delete_esp(struct chain_writer *cw, const uint32_t *spis, size_t n)
{
    chain_open(cw, PAYLOAD_DELETE);
    wr_u8(&cw->w, PROTO_ESP);
    wr_u8(&cw->w, ESP_SPI);
    wr_be16(&cw->w, (uint16_t)n);
    for (size_t i = 0; i < n; i++)
        wr_be32(&cw->w, spis[i]);
    chain_close(cw);
}

bool chain_notify(const struct chain *c, uint16_t type, struct notify_payload *ret)
{
    struct notify_payload n;

    for (const struct payload *p = chain_find(c, PAYLOAD_NOTIFY, NULL); p; p = chain_find(c, PAYLOAD_NOTIFY, p))
        if (payload_read_notify(p, &n) == 0 && n.type == type) {
            *ret = n;
            return true;
        }
    return false;
}

bool chain_error(const struct chain *c, struct notify_payload *ret)
{
    struct notify_payload n;

    for (const struct payload *p = chain_find(c, PAYLOAD_NOTIFY, NULL); p; p = chain_find(c, PAYLOAD_NOTIFY, p))
        if (payload_read_notify(p, &n) == 0 && n.type <= NOTIFY_ERROR_MAX) {
            *ret = n;
            return true;
        }
    return false;
}
