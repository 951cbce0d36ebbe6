/*
 * Messages that we write are taken apart by scapy to the same fields, those that scapy makes are read by us to the same
 * fields, and what one side encrypts the other opens (oracle_wire.py). A message is described as text, a line for its
 * header and one for each payload; values come from seeds.
 */
#include "engine/ike/fragments.h"
#include "engine/ike/message.h"

#include "base/array.h"
#include "base/reader.h"
#include "base/strbuf.h"
#include "tests/unit/oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES     220 /* of each test */
#define PAYLOADS_MAX 8
#define BYTES_MAX    300 /* of a value */
#define CHAIN_MAX    4096

static uint64_t seed;

/* splitmix64 */
static uint64_t draw(uint64_t below)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (z ^ z >> 31) % below;
}

static uint8_t draw_of(const uint8_t *list, size_t n)
{
    return list[draw(n)];
}

/* Drawn bytes; valid until PAYLOADS_MAX more were drawn. */
static struct wire_bytes draw_bytes(size_t least, size_t most)
{
    static uint8_t bufs[2 * PAYLOADS_MAX][BYTES_MAX];
    static unsigned next;
    uint8_t *buf = bufs[next++ % ARRAY_LEN(bufs)];
    struct wire_bytes b = {.data = buf, .len = least + draw(most - least + 1)};

    assert_true(b.len <= BYTES_MAX);
    for (size_t i = 0; i < b.len; i++)
        buf[i] = (uint8_t)draw(256);
    return b;
}

/* What is said of a payload ---------------------------------------------------------------------------------------- */

static void say_hex(struct strbuf *d, const uint8_t *data, size_t len)
{
    strbuf_puts(d, len == 0 ? " -" : " ");
    for (size_t i = 0; i < len; i++)
        strbuf_printf(d, "%02x", data[i]);
}

static void say_bytes(struct strbuf *d, const struct wire_bytes *b)
{
    say_hex(d, b->data, b->len);
}

static void say_sa(struct strbuf *d, const struct proposals *ps)
{
    for (size_t i = 0; i < ps->n; i++) {
        const struct proposal *p = &ps->p[i];

        strbuf_printf(d, " [%u %u", p->number, p->protocol);
        say_hex(d, p->spi, p->spi_len);
        strbuf_printf(d, " %zu", p->n_transforms);
        for (size_t k = 0; k < p->n_transforms; k++)
            strbuf_printf(d, " %u/%u/%u", p->transforms[k].type, p->transforms[k].id, p->transforms[k].key_bits);
        strbuf_putc(d, ']');
    }
}

static void say_ts(struct strbuf *d, const struct selectors *ss)
{
    strbuf_printf(d, " %zu", ss->n);
    for (size_t i = 0; i < ss->n; i++) {
        const struct selector *s = &ss->s[i];
        size_t len = s->type == TS_IPV4_ADDR_RANGE ? 4 : 16;

        strbuf_printf(d, " [%u %u %u %u", s->type, s->protocol, s->port_first, s->port_last);
        say_hex(d, s->first, len);
        say_hex(d, s->last, len);
        strbuf_putc(d, ']');
    }
}

static void say_notify(struct strbuf *d, const struct notify_payload *n)
{
    strbuf_printf(d, " %u %u", n->protocol, n->type);
    say_bytes(d, &n->spi);
    say_bytes(d, &n->data);
}

static void say_config(struct strbuf *d, const struct config_payload *c)
{
    strbuf_printf(d, " %u", c->type);
    for (size_t i = 0; i < c->n; i++) {
        strbuf_printf(d, " [%u", c->attrs[i].type);
        say_bytes(d, &c->attrs[i].value);
        strbuf_putc(d, ']');
    }
}

/* A number and bytes. */
static void say_numbered(struct strbuf *d, unsigned number, const struct wire_bytes *b)
{
    strbuf_printf(d, " %u", number);
    say_bytes(d, b);
}

static void say_header(struct strbuf *d, const struct ike_header *h, size_t len)
{
    for (size_t i = 0; i < IKE_SPI_LEN; i++)
        strbuf_printf(d, "%02x", h->spi_i[i]);
    say_hex(d, h->spi_r, IKE_SPI_LEN);
    strbuf_printf(d, " %u %u %u %u %u %zu\n", h->next_payload, h->version, h->exchange, h->flags, h->message_id, len);
}

/* Reading ---------------------------------------------------------------------------------------------------------- */

static void read_payload(const struct payload *p, struct strbuf *d)
{
    static union {
        struct proposals sa;
        struct selectors ts;
        struct config_payload config;
        struct ke_payload ke;
        struct id_payload id;
        struct cert_payload cert;
        struct auth_payload auth;
        struct wire_bytes nonce;
        struct notify_payload notify;
        struct delete_payload delete;
    } u;
    const struct wire_bytes body = {p->body, p->len};

    strbuf_printf(d, "%s%u", p->critical ? "!" : "", p->type);
    switch (p->type) {
    case PAYLOAD_SA:
        assert_int_equal(payload_read_sa(p, &u.sa), 0);
        say_sa(d, &u.sa);
        break;
    case PAYLOAD_KE:
        assert_int_equal(payload_read_ke(p, &u.ke), 0);
        say_numbered(d, u.ke.group, &u.ke.value);
        break;
    case PAYLOAD_IDI:
    case PAYLOAD_IDR:
        assert_int_equal(payload_read_id(p, &u.id), 0);
        say_numbered(d, u.id.type, &u.id.data);
        break;
    case PAYLOAD_CERT:
    case PAYLOAD_CERTREQ:
        assert_int_equal(payload_read_cert(p, &u.cert), 0);
        say_numbered(d, u.cert.encoding, &u.cert.data);
        break;
    case PAYLOAD_AUTH:
        assert_int_equal(payload_read_auth(p, &u.auth), 0);
        say_numbered(d, u.auth.method, &u.auth.data);
        break;
    case PAYLOAD_NONCE:
        assert_int_equal(payload_read_nonce(p, &u.nonce), 0);
        say_bytes(d, &u.nonce);
        break;
    case PAYLOAD_NOTIFY:
        assert_int_equal(payload_read_notify(p, &u.notify), 0);
        say_notify(d, &u.notify);
        break;
    case PAYLOAD_DELETE:
        assert_int_equal(payload_read_delete(p, &u.delete), 0);
        strbuf_printf(d, " %u %u %zu", u.delete.protocol, u.delete.spi_len, u.delete.n);
        say_bytes(d, &u.delete.spis);
        break;
    case PAYLOAD_TSI:
    case PAYLOAD_TSR:
        assert_int_equal(payload_read_ts(p, &u.ts), 0);
        say_ts(d, &u.ts);
        break;
    case PAYLOAD_CP:
        assert_int_equal(payload_read_config(p, &u.config), 0);
        say_config(d, &u.config);
        break;
    default:
        say_bytes(d, &body);
    }
    strbuf_putc(d, '\n');
}

static void read_chain(uint8_t first, const uint8_t *data, size_t len, struct strbuf *d)
{
    struct chain c;

    assert_int_equal(chain_read(first, data, len, &c), 0);
    for (size_t i = 0; i < c.n; i++)
        read_payload(&c.p[i], d);
}

/* Writing: each adds a payload of drawn values and says which -------------------------------------------------------
 */

static void put_sa(struct chain_writer *cw, struct strbuf *d)
{
    static struct proposals ps;

    memset(&ps, 0, sizeof(ps));
    ps.n = 1 + draw(3);
    for (size_t i = 0; i < ps.n; i++) {
        struct proposal *p = &ps.p[i];
        struct wire_bytes spi = draw_bytes(sizeof(p->spi), sizeof(p->spi));

        p->number = (uint8_t)(i + 1);
        p->protocol = draw(2) ? PROTO_IKE : PROTO_ESP;
        p->spi_len = p->protocol == PROTO_ESP ? 4 : draw(2) ? 8 : 0;
        memcpy(p->spi, spi.data, p->spi_len);
        p->n_transforms = 1 + draw(8);
        for (size_t k = 0; k < p->n_transforms; k++)
            p->transforms[k] =
                (struct transform){(uint8_t)(1 + draw(5)), (uint16_t)draw(41), (uint16_t)(draw(2) ? 0 : 1 + draw(512))};
    }
    payload_write_sa(cw, &ps);
    say_sa(d, &ps);
}

static void put_ke(struct chain_writer *cw, struct strbuf *d)
{
    struct wire_bytes value = draw_bytes(1, BYTES_MAX);
    uint16_t group = (uint16_t)draw(65536);

    payload_write_ke(cw, group, value.data, value.len);
    say_numbered(d, group, &value);
}

static void put_some_id(struct chain_writer *cw, struct strbuf *d, enum ike_payload which)
{
    static const uint8_t types[] = {ID_IPV4_ADDR,   ID_FQDN,        ID_RFC822_ADDR, ID_IPV6_ADDR,
                                    ID_DER_ASN1_DN, ID_DER_ASN1_GN, ID_KEY_ID};
    uint8_t type = draw_of(types, ARRAY_LEN(types));
    size_t len = type == ID_IPV4_ADDR ? 4 : type == ID_IPV6_ADDR ? 16 : 1 + draw(60);
    struct wire_bytes data = draw_bytes(len, len);

    payload_write_id(cw, which, type, data.data, data.len);
    say_numbered(d, type, &data);
}

static void put_idi(struct chain_writer *cw, struct strbuf *d)
{
    put_some_id(cw, d, PAYLOAD_IDI);
}

static void put_idr(struct chain_writer *cw, struct strbuf *d)
{
    put_some_id(cw, d, PAYLOAD_IDR);
}

static void put_cert(struct chain_writer *cw, struct strbuf *d)
{
    static const uint8_t encodings[] = {1, 4, 11, 12};
    struct wire_bytes data = draw_bytes(0, BYTES_MAX);
    uint8_t encoding = draw_of(encodings, ARRAY_LEN(encodings));

    payload_write_cert(cw, PAYLOAD_CERT, encoding, data.data, data.len);
    say_numbered(d, encoding, &data);
}

static void put_certreq(struct chain_writer *cw, struct strbuf *d)
{
    struct wire_bytes data = draw_bytes(0, 80);

    payload_write_cert(cw, PAYLOAD_CERTREQ, CERT_X509_SIGNATURE, data.data, data.len);
    say_numbered(d, CERT_X509_SIGNATURE, &data);
}

static void put_auth(struct chain_writer *cw, struct strbuf *d)
{
    struct wire_bytes data = draw_bytes(1, BYTES_MAX);
    uint8_t method = (uint8_t)draw(256);

    payload_write_auth(cw, method, data.data, data.len);
    say_numbered(d, method, &data);
}

static void put_nonce(struct chain_writer *cw, struct strbuf *d)
{
    struct wire_bytes data = draw_bytes(NONCE_MIN, NONCE_MAX);

    payload_write_nonce(cw, data.data, data.len);
    say_bytes(d, &data);
}

static void put_notify(struct chain_writer *cw, struct strbuf *d)
{
    static const uint8_t spi_len[] = {[PROTO_NONE] = 0, [PROTO_IKE] = 8, [PROTO_AH] = 4, [PROTO_ESP] = 4};
    struct notify_payload n = {.protocol = (uint8_t)draw(4), .type = (uint16_t)draw(65536)};

    n.spi = draw_bytes(spi_len[n.protocol], spi_len[n.protocol]);
    n.data = draw_bytes(0, 40);
    payload_write_notify(cw, n.type, n.protocol, n.spi.data, n.spi.len, n.data.data, n.data.len);
    say_notify(d, &n);
}

static void put_delete(struct chain_writer *cw, struct strbuf *d)
{
    uint32_t spis[5];
    size_t n = draw(ARRAY_LEN(spis) + 1);

    if (draw(4) == 0) {
        payload_write_delete_ike(cw);
        strbuf_puts(d, " 1 0 0 -");
        return;
    }
    strbuf_printf(d, " 3 4 %zu %s", n, n == 0 ? "-" : "");
    for (size_t i = 0; i < n; i++) {
        spis[i] = (uint32_t)draw(UINT64_C(1) << 32);
        strbuf_printf(d, "%08x", spis[i]);
    }
    payload_write_delete_esp(cw, spis, n);
}

static void put_some_ts(struct chain_writer *cw, struct strbuf *d, enum ike_payload which)
{
    struct selectors ss = {.n = 1 + draw(5)};

    for (size_t i = 0; i < ss.n; i++) {
        bool ipv6 = draw(2);
        size_t len = ipv6 ? 16 : 4;

        ss.s[i] = (struct selector){.type = ipv6 ? TS_IPV6_ADDR_RANGE : TS_IPV4_ADDR_RANGE,
                                    .protocol = (uint8_t)draw(256),
                                    .port_first = (uint16_t)draw(65536),
                                    .port_last = (uint16_t)draw(65536)};
        memcpy(ss.s[i].first, draw_bytes(len, len).data, len);
        memcpy(ss.s[i].last, draw_bytes(len, len).data, len);
    }
    payload_write_ts(cw, which, &ss);
    say_ts(d, &ss);
}

static void put_tsi(struct chain_writer *cw, struct strbuf *d)
{
    put_some_ts(cw, d, PAYLOAD_TSI);
}

static void put_tsr(struct chain_writer *cw, struct strbuf *d)
{
    put_some_ts(cw, d, PAYLOAD_TSR);
}

static void put_vendor(struct chain_writer *cw, struct strbuf *d)
{
    struct wire_bytes data = draw_bytes(0, 40);

    chain_open(cw, PAYLOAD_VENDOR);
    wr_bytes(&cw->w, data.data, data.len);
    chain_close(cw);
    say_bytes(d, &data);
}

static const struct {
    enum ike_payload type;
    void (*put)(struct chain_writer *cw, struct strbuf *d);
} writers[] = {
    {PAYLOAD_SA, put_sa},         {PAYLOAD_KE, put_ke},           {PAYLOAD_IDI, put_idi},   {PAYLOAD_IDR, put_idr},
    {PAYLOAD_CERT, put_cert},     {PAYLOAD_CERTREQ, put_certreq}, {PAYLOAD_AUTH, put_auth}, {PAYLOAD_NONCE, put_nonce},
    {PAYLOAD_NOTIFY, put_notify}, {PAYLOAD_DELETE, put_delete},   {PAYLOAD_TSI, put_tsi},   {PAYLOAD_TSR, put_tsr},
    {PAYLOAD_VENDOR, put_vendor},
};

static struct chain_writer draw_chain(uint8_t buf[static CHAIN_MAX], struct strbuf *d)
{
    struct chain_writer cw = chain_writer_of(buf, CHAIN_MAX);

    for (size_t n = 1 + draw(PAYLOADS_MAX); n > 0; n--) {
        size_t i = draw(ARRAY_LEN(writers));

        strbuf_printf(d, "%u", (unsigned)writers[i].type);
        writers[i].put(&cw, d);
        strbuf_putc(d, '\n');
    }
    assert_true(chain_ok(&cw));
    return cw;
}

static struct ike_header draw_header(void)
{
    static const uint8_t flags[] = {0, IKE_FLAG_INITIATOR, IKE_FLAG_RESPONSE, IKE_FLAG_INITIATOR | IKE_FLAG_RESPONSE};
    struct ike_header h = {.version = IKE_VERSION,
                           .exchange = (uint8_t)(IKE_SA_INIT + draw(4)),
                           .flags = draw_of(flags, ARRAY_LEN(flags)),
                           .message_id = (uint32_t)draw(UINT64_C(1) << 32)};

    memcpy(h.spi_i, draw_bytes(IKE_SPI_LEN, IKE_SPI_LEN).data, IKE_SPI_LEN);
    memcpy(h.spi_r, draw_bytes(IKE_SPI_LEN, IKE_SPI_LEN).data, IKE_SPI_LEN);
    return h;
}

/* Tests ------------------------------------------------------------------------------------------------------------ */

static struct strbuf ours, theirs;

static int start(void **state)
{
    (void)state;
    strbuf_init(&ours, 65536);
    strbuf_init(&theirs, 65536);
    return oracle_start("tests/unit/oracle_wire.py");
}

static int stop(void **state)
{
    (void)state;
    strbuf_done(&ours);
    strbuf_done(&theirs);
    return oracle_stop();
}

static void begin(uint64_t number)
{
    seed = number;
    strbuf_reset(&ours);
    strbuf_reset(&theirs);
}

static void assert_said_the_same(uint64_t number)
{
    assert_false(ours.bad || theirs.bad);
    if (strcmp(strbuf_text(&ours), strbuf_text(&theirs)) != 0)
        fail_msg("seed %llu: ours\n%s\ntheirs\n%s", (unsigned long long)number, strbuf_text(&ours),
                 strbuf_text(&theirs));
}

/* The messages at the beginning of an answer; what follows is the description. */
static void take_answer(struct packets *ret)
{
    static uint8_t answer[ORACLE_ANSWER_MAX];
    struct rd r = rd_of(answer, oracle_answer(answer));
    size_t len = 0;
    const uint8_t *text;

    for (unsigned n = rd_be16(&r); n > 0; n--) {
        size_t size = rd_be16(&r);
        const uint8_t *m = rd_take(&r, size);

        assert_non_null(m);
        assert_int_equal(packets_add(ret, m, size), 0);
    }
    text = rd_rest(&r, &len);
    assert_true(rd_ok(&r));
    strbuf_add(&theirs, text, len);
}

static void take_text(void)
{
    static uint8_t answer[ORACLE_ANSWER_MAX];
    size_t len = oracle_answer(answer);

    strbuf_add(&theirs, answer, len);
}

static void test_we_write(void **state)
{
    (void)state;
    if (!oracle_is_there())
        skip();
    for (uint64_t number = 0; number < MESSAGES; number++) {
        cleanup(strbuf_done) struct strbuf chain;
        struct packets ps = {0};
        uint8_t buf[CHAIN_MAX];
        struct chain_writer cw;
        struct ike_header h;

        begin(number);
        strbuf_init(&chain, 65536);
        cw = draw_chain(buf, &chain);
        h = draw_header();
        assert_int_equal(message_plain(&h, &cw, &ps), 0);
        h.next_payload = cw.first;
        say_header(&ours, &h, IKE_HEADER_LEN + wr_len(&cw.w));
        strbuf_puts(&ours, strbuf_text(&chain));
        oracle_say("dissect");
        oracle_say_bytes(ps.p[0].data, ps.p[0].len);
        take_text();
        assert_said_the_same(number);
        packets_clear(&ps);
    }
}

static void test_we_read(void **state)
{
    (void)state;
    if (!oracle_is_there())
        skip();
    for (uint64_t number = 0; number < MESSAGES; number++) {
        struct packets ps = {0};
        struct ike_header h;

        begin(number);
        oracle_say("build %llu", (unsigned long long)number);
        take_answer(&ps);
        assert_int_equal(ps.n, 1);
        assert_int_equal(header_read(ps.p[0].data, ps.p[0].len, &h), 0);
        say_header(&ours, &h, h.length);
        read_chain(h.next_payload, ps.p[0].data + IKE_HEADER_LEN, ps.p[0].len - IKE_HEADER_LEN, &ours);
        assert_said_the_same(number);
        packets_clear(&ps);
    }
}

/* Keys of drawn bits. */
struct keys {
    const struct alg *encr, *integ;
    uint8_t key[ALG_KEY_MAX + ALG_SALT_MAX], key_integ[ALG_KEY_MAX];
};

/* Every encryption algorithm, with every integrity algorithm where it needs one; whether there is one of that NUMBER.
 */
static bool suite_at(uint64_t number, struct keys *ret)
{
    const struct alg *encr, *integ;
    size_t i = 0;

    while ((encr = alg_next(&i))) {
        size_t k = 0;

        *ret = (struct keys){.encr = encr};
        if (encr->type == ALG_ENCR && encr->aead && number-- == 0)
            return true;
        while (encr->type == ALG_ENCR && !encr->aead && (integ = alg_next(&k)))
            if (integ->type == ALG_INTEG && number-- == 0) {
                ret->integ = integ;
                return true;
            }
    }
    return false;
}

/* The message of each NUMBER has the next suite. */
static struct seal *draw_seal(uint64_t number, struct keys *ret)
{
    struct seal *s = NULL;
    uint64_t suites = 0;

    while (suite_at(suites, ret))
        suites++;
    assert_true(suite_at(number % suites, ret));
    for (size_t i = 0; i < sizeof(ret->key); i++)
        ret->key[i] = (uint8_t)draw(256);
    for (size_t i = 0; i < sizeof(ret->key_integ); i++)
        ret->key_integ[i] = (uint8_t)draw(256);
    assert_int_equal(seal_new(ret->encr, ret->key, ret->integ, ret->integ ? ret->key_integ : NULL, &s), 0);
    return s;
}

static void say_keys(const struct keys *k)
{
    oracle_say(" %d", k->encr->id);
    oracle_say_bytes(k->key, (size_t)k->encr->key_len + k->encr->salt_len);
    oracle_say(" %d", k->integ ? k->integ->id : 0);
    oracle_say_bytes(k->key_integ, k->integ ? k->integ->key_len : 0);
}

/* RFC 7296 3.14, RFC 7383 2.5 */
static void test_we_encrypt(void **state)
{
    (void)state;
    if (!oracle_is_there())
        skip();
    for (uint64_t number = 0; number < MESSAGES; number++) {
        uint64_t counter = number;
        struct packets ps = {0};
        uint8_t buf[CHAIN_MAX];
        struct chain_writer cw;
        struct ike_header h;
        struct keys keys;
        struct seal *s;

        begin(number);
        cw = draw_chain(buf, &ours);
        h = draw_header();
        s = draw_seal(number, &keys);
        assert_int_equal(message_seal(s, &counter, &h, &cw, draw(2) ? 0 : 400 + draw(600), &ps), 0);
        oracle_say("open");
        say_keys(&keys);
        for (size_t i = 0; i < ps.n; i++)
            oracle_say_bytes(ps.p[i].data, ps.p[i].len);
        take_text();
        assert_said_the_same(number);
        packets_clear(&ps);
        (void)seal_free(s);
    }
}

static void open_one(struct seal *s, struct packet *p, struct fragments *fs)
{
    struct message_opened o;
    struct ike_header h;
    struct chain c;

    assert_int_equal(header_read(p->data, p->len, &h), 0);
    assert_int_equal(chain_read(h.next_payload, p->data + IKE_HEADER_LEN, p->len - IKE_HEADER_LEN, &c), 0);
    assert_int_equal(message_open(s, p->data, p->len, &c, &o), 0);
    if (o.total == 0) {
        read_chain(o.inner, o.data, o.len, &ours);
    } else {
        const struct fragment f = {o.number, o.total, o.inner, o.data, o.len};
        uint8_t first, *whole;
        size_t len;

        if (fragments_add(fs, h.message_id, &f, &first, &whole, &len) != 1)
            return;
        read_chain(first, whole, len, &ours);
        free(whole);
    }
}

static void test_we_open(void **state)
{
    (void)state;
    if (!oracle_is_there())
        skip();
    for (uint64_t number = 0; number < MESSAGES; number++) {
        struct fragments fs = {0};
        struct packets ps = {0};
        struct keys keys;
        struct seal *s;

        begin(number);
        s = draw_seal(number, &keys);
        oracle_say("seal %llu", (unsigned long long)number);
        say_keys(&keys);
        oracle_say(" %u", (unsigned)draw(5));
        take_answer(&ps);
        for (size_t i = ps.n; i > 0; i--) /* the last one first */
            open_one(s, &ps.p[i - 1], &fs);
        assert_said_the_same(number);
        packets_clear(&ps);
        (void)seal_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_we_write),
        cmocka_unit_test(test_we_read),
        cmocka_unit_test(test_we_encrypt),
        cmocka_unit_test(test_we_open),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
