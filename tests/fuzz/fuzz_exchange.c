/*
 * What a peer sends to an engine, plain or sealed with the right keys: the engine takes or refuses it, keeps to its
 * bounds, and goes on. The first byte says where in the life of an IKE_SA it comes.
 */
#include "tests/exchange/pair.c" /* fuzz targets are linked with the library alone */

#include "engine/ike/task.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool only_init(void *data, struct pair *p, int from, uint8_t *bytes, size_t len)
{
    struct ike_header h;

    (void)data;
    (void)p;
    (void)from;
    return header_read(bytes, len, &h) == 0 && h.exchange == IKE_SA_INIT;
}

static void quiet(int node, struct engine_settings *s)
{
    (void)node;
    s->cookie_threshold = 100;
    s->raw_esp = true;
}

/* DATA[0] is the first payload of a chain. */
static void send_sealed(struct pair *p, int from, uint8_t exchange, bool response, const uint8_t *data, size_t size)
{
    struct ike_sa *a = pair_sa(p, from), *b = pair_sa(p, !from);
    struct ike_header h = {.version = IKE_VERSION, .exchange = exchange};
    static uint8_t buf[CHAIN_BYTES_MAX];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct packets ps = {0};

    if (!a || !b || size == 0)
        return;
    memcpy(h.spi_i, a->spi_i, IKE_SPI_LEN);
    memcpy(h.spi_r, a->spi_r, IKE_SPI_LEN);
    h.flags = (uint8_t)((a->initiator ? IKE_FLAG_INITIATOR : 0) | (response ? IKE_FLAG_RESPONSE : 0));
    h.message_id = response ? b->ids.next - 1 : b->ids.expected;
    cw.first = data[0];
    wr_bytes(&cw.w, data + 1, size - 1);
    if (chain_ok(&cw) && message_seal(a->seal_out, &a->seal_counter, &h, &cw, 0, &ps) == 0)
        pair_inject(p, !from, &b->local, &b->remote, ps.p[0].data, ps.p[0].len);
    packets_clear(&ps);
}

/* An answer to the IKE_SA_INIT of A, whose SPI is put in. */
static void answer_init(struct pair *p, const uint8_t *data, size_t size)
{
    const struct ike_sa *sa = pair_sa(p, PAIR_A);
    uint8_t copy[4096];

    if (size < IKE_HEADER_LEN || size > sizeof(copy))
        return;
    memcpy(copy, data, size);
    memcpy(copy, sa->spi_i, IKE_SPI_LEN);
    pair_inject(p, PAIR_A, &sa->local, &sa->remote, copy, size);
}

static void play(struct pair *p, const uint8_t *data, size_t size)
{
    enum { PLAIN, INIT_ANSWER, AUTH_REQUEST, AUTH_RESPONSE, REQUEST, REKEY_RESPONSE, KINDS };
    unsigned kind = data[0] % KINDS, done;
    struct addr a = p->node[PAIR_A].addr, b = p->node[PAIR_B].addr;

    addr_set_port(&a, IKE_PORT);
    addr_set_port(&b, IKE_PORT);
    p->filter = kind == REQUEST || kind == REKEY_RESPONSE ? NULL : only_init;
    if (kind != PLAIN)
        pair_initiate(p, PAIR_A, 1);
    if (kind > INIT_ANSWER)
        pair_run(p, USEC_PER_SEC);
    switch (kind) {
    case PLAIN:
        pair_inject(p, PAIR_B, &b, &a, data + 1, size - 1);
        break;
    case INIT_ANSWER:
        answer_init(p, data + 1, size - 1);
        break;
    case AUTH_REQUEST:
        send_sealed(p, PAIR_A, IKE_AUTH, false, data + 1, size - 1);
        break;
    case AUTH_RESPONSE:
        send_sealed(p, PAIR_B, IKE_AUTH, true, data + 1, size - 1);
        break;
    case REQUEST:
        if (size > 2)
            send_sealed(p, PAIR_A, data[1], false, data + 2, size - 2);
        break;
    case REKEY_RESPONSE:
        p->filter = only_init;
        (void)engine_rekey(p->node[PAIR_A].engine, p->now, &(struct engine_filter){.ike_id = size & 1}, false, &done);
        pair_run(p, USEC_PER_MSEC);
        send_sealed(p, PAIR_B, CREATE_CHILD_SA, true, data + 1, size - 1);
        break;
    default:
        break;
    }
    p->filter = NULL;
    pair_run(p, 10 * USEC_PER_SEC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pair *p;

    if (size < 2)
        return 0;
    p = pair_new(1, quiet);
    pair_load(p, PAIR_A, NULL);
    pair_load(p, PAIR_B, NULL);
    play(p, data, size);
    assert(engine_half_open(p->node[PAIR_B].engine) <= 2);
    (void)pair_free(p);
    return 0;
}
