#include "engine/ike/message.h"

#include "base/reader.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define SKF_HEADER   4 /* fragment number and total, RFC 7383 2.5 */
#define DATAGRAM_MAX PACKET_SIZE_MAX
#define FRAGMENT_MIN 256 /* bytes of a chain in a fragment, whatever the limit */
#define PAD_LENGTH   1

int message_plain(const struct ike_header *h, const struct chain_writer *cw, struct packets *ret)
{
    struct ike_header head = *h;
    size_t len = wr_len(&cw->w);
    uint8_t *buf;
    int r;

    if (!chain_ok(cw))
        return -EMSGSIZE;
    buf = malloc(IKE_HEADER_LEN + len);
    if (!buf)
        return -ENOMEM;
    head.next_payload = cw->first;
    head.length = (uint32_t)(IKE_HEADER_LEN + len);
    header_write(&head, buf);
    if (len > 0)
        memcpy(buf + IKE_HEADER_LEN, cw->w.start, len);
    r = packets_add(ret, buf, IKE_HEADER_LEN + len);
    free(buf);
    return r;
}

/* Bytes of padding and its length byte behind LEN bytes of text (RFC 7296 3.14). */
static size_t pad_of(const struct seal *s, size_t len)
{
    size_t over = (len + PAD_LENGTH) % seal_block(s);

    return PAD_LENGTH + (over == 0 ? 0 : seal_block(s) - over);
}

/* One part of a chain in a datagram of its own: SK, or with TOTAL > 0 fragment NUMBER of TOTAL. */
static int seal_part(struct seal *s, uint64_t *counter, const struct ike_header *h, uint8_t first, const uint8_t *text,
                     size_t len, uint16_t number, uint16_t total, struct packets *ret)
{
    static uint8_t buf[DATAGRAM_MAX];
    struct wr w = wr_of(buf, sizeof(buf));
    struct ike_header head = *h;
    size_t pad = pad_of(s, len), iv = seal_iv_len(s), icv = seal_icv_len(s), aad;
    size_t body = (total > 0 ? SKF_HEADER : 0) + iv + len + pad + icv;
    struct seal_text t;

    if (IKE_HEADER_LEN + PAYLOAD_HEADER_LEN + body > sizeof(buf))
        return -EMSGSIZE;
    head.next_payload = total > 0 ? PAYLOAD_SKF : PAYLOAD_SK;
    head.length = (uint32_t)(IKE_HEADER_LEN + PAYLOAD_HEADER_LEN + body);
    (void)wr_reserve(&w, IKE_HEADER_LEN);
    header_write(&head, buf);
    wr_u8(&w, first);
    wr_zero(&w, 1);
    wr_be16(&w, (uint16_t)(PAYLOAD_HEADER_LEN + body));
    if (total > 0) {
        wr_be16(&w, number);
        wr_be16(&w, total);
    }
    aad = wr_len(&w);
    wr_zero(&w, iv);
    wr_bytes(&w, text, len);
    wr_zero(&w, pad - PAD_LENGTH);
    wr_u8(&w, (uint8_t)(pad - PAD_LENGTH));
    wr_zero(&w, icv);
    assert(wr_ok(&w) && wr_len(&w) == head.length);
    t = (struct seal_text){.aad = buf,
                           .aad_len = aad,
                           .iv = buf + aad,
                           .text = buf + aad + iv,
                           .text_len = len + pad,
                           .icv = buf + aad + iv + len + pad};
    seal_encrypt(s, (*counter)++, &t);
    return packets_add(ret, buf, head.length);
}

int message_seal(struct seal *s, uint64_t *counter, const struct ike_header *h, const struct chain_writer *cw,
                 size_t limit, struct packets *ret)
{
    size_t len = wr_len(&cw->w), overhead, part, total;
    int r = 0;

    if (!chain_ok(cw))
        return -EMSGSIZE;
    overhead = IKE_HEADER_LEN + PAYLOAD_HEADER_LEN + SKF_HEADER + seal_iv_len(s) + seal_icv_len(s) + seal_block(s);
    assert(overhead <= MESSAGE_SK_OVERHEAD);
    if (limit == 0 || len + overhead <= limit)
        return seal_part(s, counter, h, cw->first, cw->w.start, len, 0, 0, ret);
    part = limit > overhead + FRAGMENT_MIN ? limit - overhead : FRAGMENT_MIN;
    total = (len + part - 1) / part;
    if (total > PACKETS_MAX)
        return -EMSGSIZE;
    for (size_t i = 0; i < total && r == 0; i++) {
        size_t n = i + 1 < total ? part : len - i * part;

        r = seal_part(s, counter, h, i == 0 ? cw->first : (uint8_t)PAYLOAD_NONE, cw->w.start + i * part, n,
                      (uint16_t)(i + 1), (uint16_t)total, ret);
    }
    return r;
}

int message_open(struct seal *s, uint8_t *data, size_t len, const struct chain *c, struct message_opened *ret)
{
    const struct payload *p = c->n > 0 ? &c->p[c->n - 1] : NULL;
    size_t iv = seal_iv_len(s), icv = seal_icv_len(s), at, text_len;
    struct message_opened o = {.inner = c->inner};
    struct seal_text t;

    if (!p || (p->type != PAYLOAD_SK && p->type != PAYLOAD_SKF))
        return -EBADMSG;
    at = (size_t)(p->body - data);
    assert(at + p->len == len); /* chain_read() leaves nothing behind SK */
    if (p->type == PAYLOAD_SKF) {
        struct rd r = rd_of(p->body, p->len);

        o.number = rd_be16(&r);
        o.total = rd_be16(&r);
        if (!rd_ok(&r))
            return -EBADMSG;
        at += SKF_HEADER;
    }
    if (len - at < iv + icv + PAD_LENGTH || (len - at - iv - icv) % seal_block(s) != 0)
        return -EBADMSG;
    text_len = len - at - iv - icv;
    t = (struct seal_text){.aad = data,
                           .aad_len = at,
                           .iv = data + at,
                           .text = data + at + iv,
                           .text_len = text_len,
                           .icv = data + len - icv};
    if (seal_decrypt(s, &t) < 0 || (size_t)t.text[text_len - 1] + PAD_LENGTH > text_len)
        return -EBADMSG;
    o.data = t.text;
    o.len = text_len - PAD_LENGTH - t.text[text_len - 1];
    *ret = o;
    return 0;
}
