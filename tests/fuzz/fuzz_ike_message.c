/*
 * A message as it arrives, from anybody. Header and chain are read as RFC 7296 3.1 and 3.2 say, nothing in it verifies,
 * and two engines with an IKE_SA between them are as they were afterwards: data[0] tells which of them gets it, from
 * where, and whether it names their IKE_SA.
 */
#include "tests/exchange/pair.c" /* fuzz targets are linked with the library alone */
#include "tests/fuzz/wire.h"

#include "base/writer.h"

enum how {
    TO_B = 1,
    NAMED = 2,     /* the SPIs of the IKE_SA are put in */
    OFF_PATH = 4,  /* not from the address of the peer */
    NATT = 8,      /* to the NAT-T port */
    FITTED = 16,   /* the length is put in */
    COOKIE = 32,   /* the engines ask for one */
    NEXT_ID = 64,  /* the message id of the next request is put in */
    CURRENT = 128, /* the version is put in */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void never_ask(int node, struct engine_settings *s)
{
    (void)node;
    s->cookie_threshold = 100;
}

static void always_ask(int node, struct engine_settings *s)
{
    (void)node;
    s->cookie_threshold = 0;
}

/* Nothing happens by itself. */
static void for_ever(int node, struct ike_conf *c)
{
    (void)node;
    c->rekey_time = c->reauth_time = c->over_time = c->rand_time = c->dpd_delay = 0;
    c->children[0].time = c->children[0].bytes = c->children[0].packets = (struct conf_limit){0};
}

/* Made once: no input may change it. */
static struct pair *pair_of(uint8_t how)
{
    static struct pair *pairs[2];
    struct pair **p = &pairs[(how & COOKIE) != 0];

    if (*p)
        return *p;
    *p = pair_new(1, how & COOKIE ? always_ask : never_ask);
    pair_load(*p, PAIR_A, for_ever);
    pair_load(*p, PAIR_B, for_ever);
    pair_initiate(*p, PAIR_A, 1);
    assert(pair_until(*p, pair_is_up, USEC_PER_SEC));
    return *p;
}

static void fit(struct pair *p, uint8_t how, uint8_t *m, size_t size)
{
    enum { SPI_R = 8, VERSION = 17, FLAGS = 19, ID = 20, LENGTH = 24 };
    const struct ike_sa *sa = pair_sa(p, how & TO_B ? PAIR_B : PAIR_A);
    uint8_t numbers[8];
    struct wr w = wr_of(numbers, sizeof(numbers));

    if (size < IKE_HEADER_LEN)
        return;
    wr_be32(&w, m[FLAGS] & IKE_FLAG_RESPONSE ? sa->ids.next - 1 : sa->ids.expected);
    wr_be32(&w, (uint32_t)size);
    if (how & NAMED) {
        memcpy(m, sa->spi_i, IKE_SPI_LEN);
        memcpy(m + SPI_R, sa->spi_r, IKE_SPI_LEN);
        m[FLAGS] = (uint8_t)((m[FLAGS] & ~IKE_FLAG_INITIATOR) | (how & TO_B ? IKE_FLAG_INITIATOR : 0));
    }
    if (how & CURRENT)
        m[VERSION] = IKE_VERSION;
    if (how & NEXT_ID)
        memcpy(m + ID, numbers, 4);
    if (how & FITTED)
        memcpy(m + LENGTH, numbers + 4, 4);
}

static void check_read(const uint8_t *m, size_t size)
{
    uint8_t written[IKE_HEADER_LEN];
    struct ike_header h;
    struct chain c;
    int r;

    memset(&h, POISON, sizeof(h));
    r = header_read(m, size, &h);
    if (r == -EBADMSG) {
        check_untouched(&h, sizeof(h));
        return;
    }
    assert(size >= IKE_HEADER_LEN && h.length == size && r == (h.version >= 0x30 ? -EPROTONOSUPPORT : 0));
    header_write(&h, written);
    assert(memcmp(written, m, sizeof(written)) == 0);
    if (r == 0)
        (void)check_chain(h.next_payload, m + IKE_HEADER_LEN, size - IKE_HEADER_LEN, &c);
}

static void check_node(struct pair *p, int node, const struct ike_sa *before, uint32_t child)
{
    const struct ike_sa *sa = pair_sa(p, node);

    assert(sa && sa->unique == before->unique && sa->state == IKE_ESTABLISHED && !sa->tasks && !sa->ids.pending);
    assert(addr_equal(&sa->local, &before->local) && addr_equal(&sa->remote, &before->remote));
    assert(addr_port(&sa->remote) == addr_port(&before->remote) && sa->natt == before->natt);
    assert(sa->seal_in == before->seal_in && sa->seal_out == before->seal_out);
    assert(sa->ids.next - before->ids.next <= 1 && sa->ids.expected - before->ids.expected <= 1); /* DPD after a hint */
    assert(!sa->request_in.active && !sa->response_in.active);
    assert(sa->n_children == 1 && sa->children->unique == child && sa->children->state == CHILD_INSTALLED);
    assert(engine_half_open(p->node[node].engine) == 0 && !sa->next);
}

static void deliver(struct pair *p, uint8_t how, const uint8_t *m, size_t size)
{
    enum { ANSWERS_MAX = 8, HALF_OPEN = 31 };
    int to = how & TO_B ? PAIR_B : PAIR_A;
    struct addr local = p->node[to].addr, remote = p->node[!to].addr;
    struct ike_sa before[2] = {*pair_sa(p, PAIR_A), *pair_sa(p, PAIR_B)};
    uint32_t child[2] = {before[PAIR_A].children->unique, before[PAIR_B].children->unique};
    size_t events[2] = {p->node[PAIR_A].n_events, p->node[PAIR_B].n_events};
    uint64_t sent = p->sent;

    if (how & OFF_PATH)
        assert(addr_parse("192.0.2.7", &remote) == 0);
    addr_set_port(&local, how & NATT ? IKE_PORT_NATT : IKE_PORT);
    addr_set_port(&remote, IKE_PORT);
    pair_inject(p, to, &local, &remote, m, size);
    pair_run(p, HALF_OPEN * USEC_PER_SEC);
    assert(p->sent - sent <= ANSWERS_MAX && p->n_under_way == 0);
    for (int i = 0; i < 2; i++) {
        check_node(p, i, &before[i], child[i]);
        assert(p->node[i].n_events == events[i] && p->node[i].n_children == 1);
    }
    assert(pair_packet(p, PAIR_A) && pair_packet(p, PAIR_B));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pair *p;
    uint8_t *copy;

    if (size == 0)
        return 0;
    p = pair_of(data[0]);
    copy = copy_of(data + 1, size - 1);
    fit(p, data[0], copy, size - 1);
    check_read(copy, size - 1);
    deliver(p, data[0], copy, size - 1);
    free(copy);
    return 0;
}
