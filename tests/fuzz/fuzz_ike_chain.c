/*
 * The decrypted chain of payloads and the rules of its message. data[0] tells the message and how it is sealed, data[1]
 * the first payload. The chain is what a straight reading of RFC 7296 3.2 says, and so is the verdict; all payloads are
 * read; and sealed by one side, whole or in fragments in any order, it is the same on the other.
 */
#include "tests/fuzz/payloads.h"

#include "base/array.h"
#include "engine/ike/fragments.h"
#include "engine/ike/message.h"
#include "engine/wire/names.h"
#include "engine/wire/rules.h"

#define HEAD     2
#define MESSAGES 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const messages[MESSAGES] = {
    [RULES_SA_INIT_REQUEST] = "IKE_SA_INIT request",   [RULES_SA_INIT_RESPONSE] = "IKE_SA_INIT response",
    [RULES_AUTH_REQUEST] = "IKE_AUTH request",         [RULES_AUTH_RESPONSE] = "IKE_AUTH response",
    [RULES_CHILD_REQUEST] = "CREATE_CHILD_SA request", [RULES_CHILD_RESPONSE] = "CREATE_CHILD_SA response",
    [RULES_INFORMATIONAL] = "INFORMATIONAL",
};

static bool read_any(const struct payload *p)
{
    union {
        struct ke_payload ke;
        struct id_payload id;
        struct cert_payload cert;
        struct auth_payload auth;
        struct wire_bytes nonce;
        struct notify_payload notify;
        struct delete_payload delete;
        struct config_payload config;
        struct selectors ts;
        struct proposals sa;
    } u;

    switch (p->type) {
    case PAYLOAD_SA:
        return read_sa(p, &u.sa);
    case PAYLOAD_KE:
        return read_ke(p, &u.ke);
    case PAYLOAD_IDI:
    case PAYLOAD_IDR:
        return read_id(p, &u.id);
    case PAYLOAD_CERT:
    case PAYLOAD_CERTREQ:
        return read_cert(p, &u.cert);
    case PAYLOAD_AUTH:
        return read_auth(p, &u.auth);
    case PAYLOAD_NONCE:
        return read_nonce(p, &u.nonce);
    case PAYLOAD_NOTIFY:
        return read_notify(p, &u.notify);
    case PAYLOAD_DELETE:
        return read_delete(p, &u.delete);
    case PAYLOAD_TSI:
    case PAYLOAD_TSR:
        return read_ts(p, &u.ts);
    case PAYLOAD_CP:
        return read_config(p, &u.config);
    default:
        return false;
    }
}

static unsigned count(const struct chain *c, uint8_t type)
{
    unsigned n = 0;

    for (size_t i = 0; i < c->n; i++)
        n += c->p[i].type == type;
    return n;
}

static uint8_t number_of(const char *payload)
{
    for (unsigned t = 1; t <= UINT8_MAX; t++)
        if (name_payload((uint8_t)t) && strcmp(name_payload((uint8_t)t), payload) == 0)
            return (uint8_t)t;
    assert(false);
    return 0;
}

/* What the printed table says of C. */
static enum rules_verdict verdict_of(enum rules_message m, const struct chain *c)
{
    bool required = false, broken = count(c, PAYLOAD_TSI) != count(c, PAYLOAD_TSR);
    bool response = strstr(messages[m], "response") != NULL;
    struct rules_row row;

    for (size_t i = 0; i < c->n; i++)
        if (c->p[i].critical && !name_payload(c->p[i].type))
            return RULES_CRITICAL;
    for (size_t i = 0; rules_row(i, &row); i++) {
        unsigned n = strcmp(row.message, messages[m]) == 0 ? count(c, number_of(row.payload)) : 0;

        if (strcmp(row.message, messages[m]) != 0)
            continue;
        broken = broken || n < row.min || n > row.max;
        required = required || (row.min > 0 && n > 0);
    }
    if (response && !required && count(c, PAYLOAD_NOTIFY) > 0) /* it says no */
        return RULES_FINE;
    return broken ? RULES_SYNTAX : RULES_FINE;
}

static void check_rules(const struct chain *c)
{
    for (unsigned m = 0; m < MESSAGES; m++) {
        uint8_t type = POISON;
        enum rules_verdict v = rules_check((enum rules_message)m, c, &type);

        assert(v == verdict_of((enum rules_message)m, c));
        assert(v != RULES_FINE || type == POISON);
        assert(v != RULES_CRITICAL || (!name_payload(type) && count(c, type) > 0));
        assert(v != RULES_SYNTAX || name_payload(type));
    }
}

/* The notifications that are found are those that a walk finds. */
static void check_notify(const struct chain *c)
{
    const struct payload *first_error = NULL;
    struct notify_payload n, found;

    for (size_t i = 0; i < c->n; i++) {
        if (c->p[i].type != PAYLOAD_NOTIFY || payload_read_notify(&c->p[i], &n) < 0)
            continue;
        assert(chain_notify(c, n.type, &found) && found.type == n.type);
        if (n.type <= NOTIFY_ERROR_MAX && !first_error) {
            first_error = &c->p[i];
            assert(chain_error(c, &found) && found.type == n.type && found.data.data == n.data.data);
        }
    }
    assert(chain_error(c, &found) == (first_error != NULL));
}

static struct seal *seal_of(unsigned i)
{
    static const uint16_t encr[] = {20, 12, 28}, bits[] = {128, 256, 0};
    static const uint8_t key[ALG_KEY_MAX + ALG_SALT_MAX] = {1, 2, 3};
    static struct seal *seals[ARRAY_LEN(encr)];

    i %= ARRAY_LEN(encr);
    if (!seals[i]) {
        const struct alg *integ = encr[i] == 12 ? alg_find(ALG_INTEG, 14, 0) : NULL;

        assert(seal_new(alg_find(ALG_ENCR, encr[i], bits[i]), key, integ, integ ? key : NULL, &seals[i]) == 0);
    }
    return seals[i];
}

/* One datagram on the other side; whether it completes the message. */
static bool receive(struct seal *s, const struct packet *p, struct fragments *fs, const struct chain_writer *sent)
{
    uint8_t *copy = copy_of(p->data, p->len), *whole = NULL, first = 0;
    struct message_opened o;
    struct ike_header h;
    struct chain c;
    size_t len = 0;
    int r = 1;

    assert(header_read(copy, p->len, &h) == 0 && h.message_id == 7);
    assert(chain_read(h.next_payload, copy + IKE_HEADER_LEN, p->len - IKE_HEADER_LEN, &c) == 0 && c.n == 1);
    assert(message_open(s, copy, p->len, &c, &o) == 0);
    if (o.total > 0) {
        const struct fragment f = {o.number, o.total, o.inner, o.data, o.len};

        r = fragments_add(fs, h.message_id, &f, &first, &whole, &len);
        assert(r >= 0);
        o.inner = first;
        o.data = whole;
        o.len = len;
    }
    if (r == 1)
        assert(o.inner == sent->first && o.len == wr_len(&sent->w) && memcmp(o.data, sent->w.start, o.len) == 0);
    free(whole);
    free(copy);
    return r == 1;
}

static void round_trip(const struct chain_writer *cw, unsigned how)
{
    struct seal *s = seal_of(how);
    struct ike_header h = {.version = IKE_VERSION, .exchange = IKE_AUTH, .message_id = 7};
    size_t limit = how & 8 ? 0 : 200 + 16 * (how >> 4);
    uint64_t counter = 1;
    struct packets ps = {0};
    struct fragments fs = {0};
    bool done = false;
    int r = message_seal(s, &counter, &h, cw, limit, &ps);

    assert(r == 0 || (r == -EMSGSIZE && (limit == 0 ? wr_len(&cw->w) > 65000 : wr_len(&cw->w) > 64 * 256)));
    for (size_t i = 0; i < ps.n && r == 0; i++) {
        assert(!done && (limit == 0 || ps.p[i].len <= limit || ps.p[i].len <= MESSAGE_SK_OVERHEAD + 256));
        done = receive(s, &ps.p[how & 4 ? ps.n - 1 - i : i], &fs, cw);
    }
    assert(done == (r == 0));
    fragments_clear(&fs);
    packets_clear(&ps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t buf[CHAIN_BYTES_MAX];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct chain c;
    uint8_t *copy;

    if (size < HEAD || size - HEAD > CHAIN_BYTES_MAX)
        return 0;
    copy = copy_of(data + HEAD, size - HEAD);
    if (check_chain(data[1], copy, size - HEAD, &c)) {
        for (size_t i = 0; i < c.n; i++)
            (void)read_any(&c.p[i]);
        check_rules(&c);
        check_notify(&c);
        check_rewritten(&c, data[1], copy, size - HEAD, &cw);
        round_trip(&cw, data[0]);
    }
    free(copy);
    return 0;
}
