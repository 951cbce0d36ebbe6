/*
 * What a peer sends to an engine, plain or sealed with the right keys: the engine takes or refuses it, keeps to its
 * bounds, and goes on. The first byte says where in the life of an IKE_SA it comes.
 */
#include "tests/exchange/pair.c" /* fuzz targets are linked with the library alone */

#include "engine/ike/task.h"

#define SEED   1
#define TICKET 1

enum kind {
    PLAIN,
    INIT_ANSWER,
    AUTH_REQUEST,
    AUTH_RESPONSE,
    REQUEST,
    REKEY_RESPONSE,
    CERTIFIED_REQUEST, /* the connections are of certificates, not of PSKs */
    CERTIFIED_RESPONSE,
    KINDS
};

/* A CA and what it says of both sides, a.example and b.example; the private key is that of either. */
static const char ca_pem[] = "-----BEGIN CERTIFICATE-----\n"
                             "MIIBGzCBwqADAgECAgEBMAoGCCqGSM49BAMCMA0xCzAJBgNVBAMMAmNhMB4XDTI1\n"
                             "MDEwMTAwMDAwMFoXDTQ5MTIzMTAwMDAwMFowDTELMAkGA1UEAwwCY2EwWTATBgcq\n"
                             "hkjOPQIBBggqhkjOPQMBBwNCAASOUztvoL97RiW7MGZ8Aftgfvn4uKgP71swBihw\n"
                             "MYeyo3PrHb3gMxg2bQafg6b1kABTxzYzywQbIcVeGobB9AC0oxMwETAPBgNVHRMB\n"
                             "Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIAdo89ikWYCzlsRhd9Ez84zwI5OI\n"
                             "ZFJC63TUqSEvoR/8AiEAkfhaR2bKoE5H0m6t7esEk+19Ect59KBhXPFEya44GO8=\n"
                             "-----END CERTIFICATE-----\n";
static const char both_pem[] = "-----BEGIN CERTIFICATE-----\n"
                               "MIIBPDCB4qADAgECAgECMAoGCCqGSM49BAMCMA0xCzAJBgNVBAMMAmNhMB4XDTI1\n"
                               "MDEwMTAwMDAwMFoXDTQ5MTIzMTAwMDAwMFowDzENMAsGA1UEAwwEYm90aDBZMBMG\n"
                               "ByqGSM49AgEGCCqGSM49AwEHA0IABI5TO2+gv3tGJbswZnwB+2B++fi4qA/vWzAG\n"
                               "KHAxh7Kjc+sdveAzGDZtBp+DpvWQAFPHNjPLBBshxV4ahsH0ALSjMTAvMAwGA1Ud\n"
                               "EwEB/wQCMAAwHwYDVR0RBBgwFoIJYS5leGFtcGxlggliLmV4YW1wbGUwCgYIKoZI\n"
                               "zj0EAwIDSQAwRgIhAOWgU4fqEBb80UmlBUR5X8hbazEOLdm4SXXG26WfgDd8AiEA\n"
                               "7TapFPwX5Qi9OMKWoJToZ/eBeKoDrHAfPwfYeKj8iuA=\n"
                               "-----END CERTIFICATE-----\n";
static const uint8_t key_der[51] = {0x30, 0x31, 2,    1,    1,    4,    0x20, [38] = 7, 0xa0, 0x0a,
                                    6,    8,    0x2a, 0x86, 0x48, 0xce, 0x3d, 3,        1,    7};

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

/* Nobody has authenticated: the keys of each run are fresh, so that no AUTH of the input is right. */
static void check_nobody(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        assert(pair_count_events(p, i, ENGINE_IKE_UP) == 0 && pair_count_events(p, i, ENGINE_CHILD_UP) == 0);
        assert(p->node[i].n_children == 0);
    }
}

/* What is in the data path is what the engine has there. */
static void check_path(struct pair *p, int node)
{
    size_t has = 0, is = 0;

    for (const struct ike_sa *sa = engine_next_sa(p->node[node].engine, NULL); sa;
         sa = engine_next_sa(p->node[node].engine, sa))
        for (const struct child_sa *c = sa->children; c; c = c->next) {
            assert(!c->in_path || find_child(&p->node[node], c->unique)->installed);
            has += c->in_path;
        }
    for (size_t i = 0; i < p->node[node].n_children; i++)
        is += p->node[node].children[i].installed;
    assert(has == is);
}

static void play(struct pair *p, const uint8_t *data, size_t size)
{
    enum kind kind = (enum kind)(data[0] % KINDS);
    unsigned done;
    struct addr a = p->node[PAIR_A].addr, b = p->node[PAIR_B].addr;

    addr_set_port(&a, IKE_PORT);
    addr_set_port(&b, IKE_PORT);
    p->filter = kind == REQUEST || kind == REKEY_RESPONSE ? NULL : only_init;
    if (kind != PLAIN)
        pair_initiate(p, PAIR_A, TICKET);
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
    case CERTIFIED_REQUEST:
        send_sealed(p, PAIR_A, IKE_AUTH, false, data + 1, size - 1);
        break;
    case AUTH_RESPONSE:
    case CERTIFIED_RESPONSE:
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
    case KINDS:
        break;
    }
    if (kind != REQUEST && kind != REKEY_RESPONSE)
        check_nobody(p);
    p->filter = NULL;
    pair_run(p, 10 * USEC_PER_SEC);
    check_path(p, PAIR_A);
    check_path(p, PAIR_B);
}

static struct cert *both;

static struct pair *make(void)
{
    struct pair *p = pair_new(SEED, quiet);
    struct cert *ca = NULL;

    assert(cert_parse(ca_pem, sizeof(ca_pem) - 1, &ca) == 0);
    assert(cert_parse(both_pem, sizeof(both_pem) - 1, &both) == 0);
    for (int i = 0; i < 2; i++) {
        struct pkey *key = NULL;

        assert(pkey_parse(key_der, sizeof(key_der), &key) == 0);
        assert(creds_add_cert(p->node[i].creds, ca, CREDS_CERT_CA) == 0);
        assert(creds_add_cert(p->node[i].creds, both, CREDS_CERT_NONE) == 0);
        assert(creds_take_key(p->node[i].creds, key) == 0);
    }
    (void)cert_unref(ca);
    return p;
}

static void certified(int node, struct ike_conf *c)
{
    (void)node;
    c->local.auth = c->remote.auth = CONF_AUTH_PUBKEY;
    c->local.certs[c->local.n_certs++] = cert_ref(both);
}

/* As pair_new(), without the cost of its memory. */
static struct pair *fresh(enum kind kind)
{
    bool certs = kind == CERTIFIED_REQUEST || kind == CERTIFIED_RESPONSE;
    static struct pair *p;

    p = p ? p : make();
    p->random = SEED;
    p->now = USEC_PER_HOUR;
    for (int i = 0; i < 2; i++) {
        pair_restart(p, i);
        p->node[i].n_events = 0;
        p->node[i].done[TICKET][0] = '\0';
        pair_load(p, i, certs ? certified : NULL);
    }
    return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pair *p;

    if (size < 2)
        return 0;
    p = fresh((enum kind)(data[0] % KINDS));
    play(p, data, size);
    assert(engine_half_open(p->node[PAIR_B].engine) <= 2);
    while (p->n_under_way > 0)
        free(p->under_way[--p->n_under_way].bytes);
    return 0;
}
