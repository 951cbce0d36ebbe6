#include "tests/exchange/sealed.h"

#include <assert.h>
#include <string.h>

#define COUNTER_FREE 0x80000000 /* no sender of a test gets as far */

bool sealed_open(struct pair *p, int from, const uint8_t *bytes, size_t len, struct ike_header *ret_h,
                 struct chain *ret)
{
    static uint8_t opened[65536];
    struct ike_sa *to = pair_sa(p, !from);
    struct message_opened o;

    assert(len <= sizeof(opened));
    memcpy(opened, bytes, len);
    assert(header_read(opened, len, ret_h) == 0);
    assert(chain_read(ret_h->next_payload, opened + IKE_HEADER_LEN, len - IKE_HEADER_LEN, ret) == 0);
    if (!chain_is_sealed(ret) || !to)
        return false;
    assert(message_open(to->seal_in, opened, len, ret, &o) == 0);
    assert(chain_read(o.inner, o.data, o.len, ret) == 0);
    return true;
}

void sealed_copy(struct chain_writer *cw, const struct payload *p)
{
    chain_open(cw, (enum ike_payload)p->type);
    wr_bytes(&cw->w, p->body, p->len);
    chain_close(cw);
}

void sealed_send(struct pair *p, int from, const struct ike_header *h, const struct chain *c, sealed_write_fn write)
{
    static uint8_t buf[CHAIN_BYTES_MAX];
    static uint64_t sent;
    struct ike_sa *sender = pair_sa(p, from), *to = pair_sa(p, !from);
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    uint64_t counter = COUNTER_FREE + sent++;
    struct packets ps = {0};

    (void)write(&cw, NULL);
    for (size_t i = 0; i < c->n; i++)
        if (!write(&cw, &c->p[i]))
            sealed_copy(&cw, &c->p[i]);
    assert(chain_ok(&cw));
    assert(message_seal(sender->seal_out, &counter, h, &cw, 0, &ps) == 0);
    assert(ps.n == 1);
    pair_inject(p, !from, &to->local, &to->remote, ps.p[0].data, ps.p[0].len);
    packets_clear(&ps);
}
