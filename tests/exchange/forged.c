#include "tests/exchange/forged.h"

#include "base/array.h"
#include "base/str.h"
#include "engine/ike/engine_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WHAT_MAX 256

/* What must not change ------------------------------------------------------------------------------------------- */

/* Of those that a forged request began there may be any number. */
static struct ike_sa *next_sa(const struct forged *f, struct ike_sa *sa)
{
    while (sa && sa != f->sa && !sa->initiator && sa->state == IKE_CONNECTING)
        sa = sa->next;
    return sa;
}

static void look(struct forged *f)
{
    const struct pair_node *n = &f->p->node[f->node];
    struct forged_view *v = &f->view;

    for (struct ike_sa *sa = next_sa(f, n->engine->sas); sa; sa = next_sa(f, sa->next)) {
        size_t k = 0;

        assert_in_range(v->n, 0, FORGED_SAS_MAX - 1);
        for (struct child_sa *c = sa->children; c; c = c->next) {
            assert_in_range(k, 0, FORGED_CHILDREN_MAX - 1);
            memcpy(&v->children[v->n][k++], c, sizeof(*c));
        }
        v->sa[v->n] = sa;
        memcpy(&v->sas[v->n++], sa, sizeof(*sa));
    }
    v->n_events = n->n_events;
    v->n_path = n->n_children;
    assert_in_range(v->n_path, 0, FORGED_PATH_MAX);
    memcpy(v->path, n->children, v->n_path * sizeof(v->path[0]));
}

/* Byte by byte, but for the links to IKE_SAs that come and go. */
static const char *difference_of(const struct ike_sa *a, const struct ike_sa *b, const struct child_sa *children)
{
    const size_t links = offsetof(struct ike_sa, engine);

    if (a->state != b->state)
        return "the state of an IKE_SA";
    if (memcmp(&a->ids, &b->ids, sizeof(a->ids)) != 0)
        return "message ids";
    if (memcmp(&a->remote, &b->remote, sizeof(a->remote)) != 0 || memcmp(&a->local, &b->local, sizeof(a->local)) != 0)
        return "an address";
    if (a->last_in != b->last_in)
        return "when the peer was heard";
    if (memcmp((const uint8_t *)a + links, (const uint8_t *)b + links, sizeof(*a) - links) != 0)
        return "an IKE_SA";
    for (const struct child_sa *c = a->children; c; c = c->next)
        if (memcmp(c, children++, sizeof(*c)) != 0)
            return "a CHILD_SA";
    return NULL;
}

static const char *difference(const struct forged *f)
{
    const struct pair_node *n = &f->p->node[f->node];
    const struct forged_view *was = &f->view;
    size_t i = 0;

    for (struct ike_sa *sa = next_sa(f, n->engine->sas); sa; sa = next_sa(f, sa->next), i++) {
        const char *what =
            i < was->n && was->sa[i] == sa ? difference_of(sa, &was->sas[i], was->children[i]) : "another IKE_SA";

        if (what)
            return what;
    }
    if (i != was->n)
        return "an IKE_SA is gone";
    if (n->n_children != was->n_path || memcmp(n->children, was->path, was->n_path * sizeof(was->path[0])) != 0)
        return "the data path";
    return n->n_events != was->n_events ? "an event" : NULL;
}

/* Sending --------------------------------------------------------------------------------------------------------- */

/* Those of a second are counted: here each message shall get its answer. */
static void forget_answers(struct engine *e)
{
    memset(e->answers, 0, sizeof(e->answers));
}

static const char *token_in(const struct forged *f, const uint8_t *bytes, size_t len)
{
    const struct engine *e = f->p->node[f->node].engine;
    uint8_t token[CORE_QCD_LEN];

    for (size_t i = 0; i < f->view.n; i++)
        if (core_qcd_token(e, f->view.sas[i].spi_i, f->view.sas[i].spi_r, token) &&
            memmem(bytes, len, token, sizeof(token)))
            return "the token of an IKE_SA that lives";
    return NULL;
}

/* An IKE_SA_INIT that makes a half-open IKE_SA, and the token for one that is not known, need more. */
static bool may_be_longer(const struct engine_output *o, const uint8_t *bytes, size_t len)
{
    return bytes[18] == IKE_SA_INIT || (o->len <= 76 && len >= UNKNOWN_SEALED_MIN);
}

static const char *send_from(struct forged *f, const struct addr *remote, const uint8_t *bytes, size_t len)
{
    struct engine *e = f->p->node[f->node].engine;
    const struct addr local = f->sa->local;
    const char *wrong = NULL;
    struct engine_output o;
    unsigned n = 0;

    forget_answers(e);
    engine_input(e, f->p->now, &local, remote, bytes, len);
    f->sent++;
    while (engine_next_output(e, &o)) {
        n++;
        f->answers++;
        if (!addr_equal(&o.remote, remote) || addr_port(&o.remote) != addr_port(remote))
            wrong = "an answer to somebody else";
        else if (o.len > len && !f->again && !may_be_longer(&o, bytes, len))
            wrong = "an answer that is longer";
        else if (token_in(f, o.data, o.len))
            wrong = token_in(f, o.data, o.len);
    }
    if (f->init)
        return NULL;
    if (n > 1)
        return "several answers";
    return wrong ? wrong : difference(f);
}

#define PLACES 4

static const char *const place_names[PLACES] = {"the peer", "the peer's address, another port", "another address",
                                                "our own address"};

static struct addr place(const struct forged *f, size_t i)
{
    struct addr a = f->sa->remote;

    if (i == 1)
        addr_set_port(&a, 40000);
    if (i == 2)
        assert_int_equal(addr_parse_port("192.0.2.77:500", &a), 0);
    return i == 3 ? f->sa->local : a;
}

void forged_send(struct forged *f, const uint8_t *bytes, size_t len, const char *what)
{
    for (size_t i = 0; i < PLACES; i++) {
        struct addr from = place(f, i);
        const char *wrong = send_from(f, &from, bytes, len);

        if (wrong)
            fail_msg("%s from %s: %s", what, place_names[i], wrong);
    }
}

/* Bodies ---------------------------------------------------------------------------------------------------------- */

static struct forged_body *add(struct forged *f, const char *name, uint8_t first)
{
    struct forged_body *b = &f->bodies[f->n_bodies++];

    assert_true(f->n_bodies <= FORGED_BODIES_MAX);
    b->name = name;
    b->first = first;
    return b;
}

static void add_raw(struct forged *f, const char *name, uint8_t first, size_t len)
{
    struct forged_body *b = add(f, name, first);

    for (b->len = 0; b->len < len; b->len++)
        b->bytes[b->len] = (uint8_t)pair_random(f->p, 0);
}

/* One payload of LEN random bytes. */
static void add_payload(struct forged *f, const char *name, uint8_t first, uint8_t inside, uint8_t flags, size_t len)
{
    struct forged_body *b;

    add_raw(f, name, first, len + PAYLOAD_HEADER_LEN);
    b = &f->bodies[f->n_bodies - 1];
    b->bytes[0] = inside;
    b->bytes[1] = flags;
    b->bytes[2] = (uint8_t)((len + PAYLOAD_HEADER_LEN) >> 8);
    b->bytes[3] = (uint8_t)(len + PAYLOAD_HEADER_LEN);
}

static void add_notify(struct forged *f, const char *name, uint16_t type, const void *data, size_t len)
{
    struct forged_body *b = add(f, name, PAYLOAD_NOTIFY);
    struct chain_writer cw = chain_writer_of(b->bytes, sizeof(b->bytes));

    payload_write_notify(&cw, type, PROTO_NONE, NULL, 0, data, len);
    b->len = wr_len(&cw.w);
}

static void add_deletes(struct forged *f)
{
    struct forged_body *b = add(f, "DELETE of the IKE_SA", PAYLOAD_DELETE);
    struct chain_writer cw = chain_writer_of(b->bytes, sizeof(b->bytes));
    uint32_t spi = f->sa->children ? f->sa->children->spi_out : 1;

    payload_write_delete_ike(&cw);
    b->len = wr_len(&cw.w);
    b = add(f, "DELETE of the CHILD_SA", PAYLOAD_DELETE);
    cw = chain_writer_of(b->bytes, sizeof(b->bytes));
    payload_write_delete_esp(&cw, &spi, 1);
    b->len = wr_len(&cw.w);
}

static void add_init(struct forged *f)
{
    struct forged_body *b = add(f, "SA, KE, nonce", PAYLOAD_SA);
    struct chain_writer cw = chain_writer_of(b->bytes, sizeof(b->bytes));
    uint8_t value[32] = {9}, nonce[32] = {1};

    payload_write_sa(&cw, &f->sa->conf->proposals);
    payload_write_ke(&cw, 31, value, sizeof(value));
    payload_write_nonce(&cw, nonce, sizeof(nonce));
    b->len = wr_len(&cw.w);
}

static void make_bodies(struct forged *f)
{
    add_raw(f, "nothing", PAYLOAD_NONE, 0);
    add_raw(f, "garbage behind no payload", PAYLOAD_NONE, 40);
    add_raw(f, "garbage as SA", PAYLOAD_SA, 40);
    add_raw(f, "garbage as SK", PAYLOAD_SK, 40);
    add_payload(f, "SK, random", PAYLOAD_SK, PAYLOAD_DELETE, 0, 48);
    add_payload(f, "SK, empty", PAYLOAD_SK, PAYLOAD_NONE, 0, 0);
    add_payload(f, "SK, random and long", PAYLOAD_SK, PAYLOAD_NOTIFY, 0, 600);
    add_payload(f, "SKF, random", PAYLOAD_SKF, PAYLOAD_DELETE, 0, 52);
    add_payload(f, "unknown and critical", 200, PAYLOAD_NONE, 0x80, 16);
    add_notify(f, "INVALID_SPI", NOTIFY_INVALID_SPI, "\1\2\3\4", 4);
    add_notify(f, "NO_PROPOSAL_CHOSEN", NOTIFY_NO_PROPOSAL_CHOSEN, NULL, 0);
    add_notify(f, "AUTHENTICATION_FAILED", NOTIFY_AUTHENTICATION_FAILED, NULL, 0);
    add_notify(f, "INVALID_IKE_SPI", NOTIFY_INVALID_IKE_SPI, NULL, 0);
    add_notify(f, "COOKIE", NOTIFY_COOKIE, "12345678", 8);
    add_notify(f, "INVALID_KE_PAYLOAD", NOTIFY_INVALID_KE_PAYLOAD, "\0\23", 2);
    add_notify(f, "REDIRECT", 16407, "\1\4\300\0\2\1", 6);
    add_notify(f, "UPDATE_SA_ADDRESSES", NOTIFY_UPDATE_SA_ADDRESSES, NULL, 0);
    add_notify(f, "a wrong token", NOTIFY_QUICK_CRASH_DETECTION, "0123456789abcdef0123456789abcdef", 32);
    add_deletes(f);
    add_init(f);
}

/* Headers --------------------------------------------------------------------------------------------------------- */

static const uint8_t versions[] = {0x10, 0x20, 0x21, 0x30};
static const uint8_t flag_sets[] = {0x00, 0x08, 0x20, 0x28, 0x10, 0x18, 0x30, 0x38};
static const uint8_t exchange_types[] = {IKE_SA_INIT, IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL, 43, 0, 255};
static const char *const spi_names[] = {"right", "wrong", "zero", "swapped"};

#define IDS 7

static uint32_t id_of(const struct ike_sa *sa, size_t i)
{
    const uint32_t ids[IDS] = {
        0, sa->ids.expected, sa->ids.expected - 1, sa->ids.expected + 1, sa->ids.next - 1, sa->ids.next, UINT32_MAX};

    return ids[i];
}

static void write_spi(const uint8_t *right, const uint8_t *other, size_t which, uint8_t ret[static IKE_SPI_LEN])
{
    memset(ret, 0, IKE_SPI_LEN);
    if (which == 0 || which == 1)
        memcpy(ret, right, IKE_SPI_LEN);
    if (which == 1)
        ret[IKE_SPI_LEN - 1] ^= 1;
    if (which == 3)
        memcpy(ret, other, IKE_SPI_LEN);
}

struct combination {
    size_t spi_i, spi_r, version, flags, exchange, id, body, place;
};

static size_t take(uint64_t *i, size_t n)
{
    size_t digit = (size_t)(*i % n);

    *i /= n;
    return digit;
}

static struct combination combination(const struct forged *f, uint64_t i)
{
    struct combination c;

    c.place = take(&i, PLACES);
    c.body = take(&i, f->n_bodies);
    c.id = take(&i, IDS);
    c.exchange = take(&i, ARRAY_LEN(exchange_types));
    c.flags = take(&i, ARRAY_LEN(flag_sets));
    c.version = take(&i, ARRAY_LEN(versions));
    c.spi_r = take(&i, ARRAY_LEN(spi_names));
    c.spi_i = take(&i, ARRAY_LEN(spi_names));
    return c;
}

static void fail_combination(const struct forged *f, const struct combination *c, const char *wrong)
{
    fail_msg("SPIi %s, SPIr %s, version %#x, exchange %u, flags %#x, id %u, body \"%s\" from %s: %s",
             spi_names[c->spi_i], spi_names[c->spi_r], versions[c->version], exchange_types[c->exchange],
             flag_sets[c->flags], id_of(f->sa, c->id), f->bodies[c->body].name, place_names[c->place], wrong);
}

static void send_combination(struct forged *f, const struct combination *c)
{
    const struct forged_body *b = &f->bodies[c->body];
    struct ike_header h = {.next_payload = b->first,
                           .version = versions[c->version],
                           .exchange = exchange_types[c->exchange],
                           .flags = flag_sets[c->flags],
                           .message_id = id_of(f->sa, c->id),
                           .length = (uint32_t)(IKE_HEADER_LEN + b->len)};
    uint8_t bytes[IKE_HEADER_LEN + FORGED_BODY_MAX];
    struct addr from = place(f, c->place);
    const char *wrong;

    write_spi(f->sa->spi_i, f->sa->spi_r, c->spi_i, h.spi_i);
    write_spi(f->sa->spi_r, f->sa->spi_i, c->spi_r, h.spi_r);
    header_write(&h, bytes);
    memcpy(bytes + IKE_HEADER_LEN, b->bytes, b->len);
    wrong = send_from(f, &from, bytes, h.length);
    if (wrong)
        fail_combination(f, c, wrong);
}

void forged_aim(struct forged *f, struct pair *p, int node, struct ike_sa *sa)
{
    memset(f, 0, sizeof(*f));
    f->p = p;
    f->node = node;
    f->sa = sa;
    make_bodies(f);
    look(f);
}

void forged_barrage(struct forged *f, unsigned step)
{
    uint64_t n = (uint64_t)PLACES * f->n_bodies * IDS * ARRAY_LEN(exchange_types) * ARRAY_LEN(flag_sets) *
                 ARRAY_LEN(versions) * ARRAY_LEN(spi_names) * ARRAY_LEN(spi_names);

    for (uint64_t i = 0; i < n; i += step) {
        struct combination c = combination(f, i);

        send_combination(f, &c);
    }
}

void forged_notify(struct pair *p, uint16_t type, const void *data, size_t len)
{
    const struct ike_sa *sa = pair_sa(p, PAIR_A);
    struct ike_header h = {.version = IKE_VERSION, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_RESPONSE};
    uint8_t buf[256];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct packets ps = {0};

    memcpy(h.spi_i, sa->spi_i, IKE_SPI_LEN);
    payload_write_notify(&cw, type, PROTO_NONE, NULL, 0, data, len);
    assert_int_equal(message_plain(&h, &cw, &ps), 0);
    pair_inject(p, PAIR_A, &sa->local, &sa->remote, ps.p[0].data, ps.p[0].len);
    packets_clear(&ps);
}
