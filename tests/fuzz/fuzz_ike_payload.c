/*
 * The body of one payload; the first byte says of which (the table at the end). It is read or refused whole; what was
 * read and is written again reads the same; and those who take it first (identities, certificates, signatures,
 * selectors, proposals) keep to their bounds.
 */
#include "tests/fuzz/payloads.h"

#include "base/array.h"
#include "engine/crypto/cert.h"
#include "engine/crypto/sign.h"
#include "engine/ike/identity.h"
#include "engine/ike/message.h"
#include "engine/ike/proposals.h"
#include "engine/ike/selectors.h"

#define BODY_MAX 8192
#define TEXT_MAX 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t buf[2][BODY_MAX + 256];

/* The one payload of a chain that was written into buf[I]. */
static struct payload only_of(const struct chain_writer *cw, unsigned i)
{
    struct chain c;

    assert(chain_ok(cw));
    assert(chain_read(cw->first, buf[i], wr_len(&cw->w), &c) == 0 && c.n == 1);
    return c.p[0];
}

static struct chain_writer writer(unsigned i)
{
    return chain_writer_of(buf[i], sizeof(buf[i]));
}

/* Ours is theirs but for reserved bytes, which are zero in ours. */
static void check_same(const struct payload *ours, const struct payload *theirs)
{
    assert(ours->len == theirs->len);
    for (size_t i = 0; i < ours->len; i++)
        assert(ours->body[i] == theirs->body[i] || ours->body[i] == 0);
}

static bool same_bytes(const struct wire_bytes *a, const struct wire_bytes *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static void fuzz_ke(const struct payload *p)
{
    struct chain_writer cw = writer(0);
    struct ke_payload ke, again;
    struct payload ours;

    if (!read_ke(p, &ke))
        return;
    payload_write_ke(&cw, ke.group, ke.value.data, ke.value.len);
    ours = only_of(&cw, 0);
    assert(read_ke(&ours, &again) && again.group == ke.group && same_bytes(&again.value, &ke.value));
    check_same(&ours, p);
}

static void fuzz_id(const struct payload *p)
{
    struct chain_writer cw = writer(0);
    char text[IDENTITY_TEXT_MAX];
    struct id_payload id;
    struct identity i;
    struct payload ours;
    int r;

    if (!read_id(p, &id))
        return;
    payload_write_id(&cw, (enum ike_payload)p->type, id.type, id.data.data, id.data.len);
    ours = only_of(&cw, 0);
    check_same(&ours, p);
    memset(&i, POISON, sizeof(i));
    r = identity_from_wire(id.type, id.data.data, id.data.len, &i);
    if (r < 0) {
        check_untouched(&i, sizeof(i));
        return;
    }
    assert(i.len == id.data.len && memcmp(i.data, id.data.data, i.len) == 0 && (uint8_t)i.type == id.type);
    assert(identity_equal(&i, &i) && strlen(identity_text(&i, text)) < sizeof(text));
}

static void fuzz_cert(const struct payload *p)
{
    cleanup(cert_unrefp) struct cert *c = NULL;
    struct chain_writer cw = writer(0);
    struct cert_payload cert;
    struct payload ours;
    struct identity id;
    const uint8_t *der;
    size_t len;

    if (!read_cert(p, &cert))
        return;
    payload_write_cert(&cw, (enum ike_payload)p->type, cert.encoding, cert.data.data, cert.data.len);
    ours = only_of(&cw, 0);
    assert(ours.len == p->len && memcmp(ours.body, p->body, p->len) == 0);
    if (cert_parse(cert.data.data, cert.data.len, &c) < 0) {
        assert(!c);
        return;
    }
    der = cert_der(c, &len);
    assert(der && len <= CERT_FILE_MAX && cert_key(c) && cert_sans(c) <= CERT_SANS_MAX);
    if (identity_of_subject(c, &id) == 0)
        assert(id.len <= IDENTITY_MAX && identity_in_cert(&id, c));
    for (size_t i = 0; i < cert_sans(c); i++) {
        struct cert_san s = cert_san(c, i);

        if (identity_from_wire(s.type, s.data, s.len, &id) == 0)
            (void)identity_in_cert(&id, c);
    }
}

/* Ed25519 as PKCS#8 and P-256 as SEC1: keys of nobody. */
static const struct pkey *key_of(uint8_t method)
{
    static const uint8_t ed[] = {0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20, [47] = 7};
    static const uint8_t ec[51] = {0x30, 0x31, 2,    1,    1,    4,    0x20, [38] = 7, 0xa0, 0x0a,
                                   6,    8,    0x2a, 0x86, 0x48, 0xce, 0x3d, 3,        1,    7};
    static struct pkey *keys[2];

    if (!keys[0])
        assert(pkey_parse(ed, sizeof(ed), &keys[0]) == 0 && pkey_parse(ec, sizeof(ec), &keys[1]) == 0);
    return keys[method != AUTH_DIGITAL_SIGNATURE];
}

/* Nobody signed these octets. */
static void fuzz_auth(const struct payload *p)
{
    static const char octets[] = "what the peer would have signed";
    struct chain_writer cw = writer(0);
    struct auth_payload auth;
    struct payload ours;

    if (!read_auth(p, &auth))
        return;
    payload_write_auth(&cw, auth.method, auth.data.data, auth.data.len);
    ours = only_of(&cw, 0);
    check_same(&ours, p);
    assert(sign_verify(key_of(auth.method), auth.method, sign_hashes_all() | SIGN_HASH(HASH_SHA1), octets,
                       sizeof(octets), auth.data.data, auth.data.len) < 0);
}

static void fuzz_nonce(const struct payload *p)
{
    struct chain_writer cw = writer(0);
    struct wire_bytes n;
    struct payload ours;

    if (!read_nonce(p, &n))
        return;
    payload_write_nonce(&cw, n.data, n.len);
    ours = only_of(&cw, 0);
    assert(ours.len == p->len && memcmp(ours.body, p->body, p->len) == 0);
}

static void fuzz_notify(const struct payload *p)
{
    struct chain_writer cw = writer(0);
    struct notify_payload n;
    struct payload ours;
    unsigned hashes = 0;

    if (!read_notify(p, &n))
        return;
    payload_write_notify(&cw, n.type, n.protocol, n.spi.data, n.spi.len, n.data.data, n.data.len);
    ours = only_of(&cw, 0);
    assert(ours.len == p->len && memcmp(ours.body, p->body, p->len) == 0);
    assert(sign_hashes_read(n.data.data, n.data.len, &hashes) == (n.data.len % 2 == 0 ? 0 : -EINVAL));
    assert((hashes & ~(sign_hashes_all() | SIGN_HASH(HASH_SHA1))) == 0);
}

static void fuzz_delete(const struct payload *p)
{
    struct chain_writer cw = writer(0);
    uint32_t spis[DELETE_SPIS_MAX];
    struct delete_payload d;
    struct payload ours;

    if (!read_delete(p, &d))
        return;
    for (size_t i = 0; i < d.n && d.spi_len == ESP_SPI_LEN; i++)
        spis[i] = (uint32_t)d.spis.data[4 * i] << 24 | (uint32_t)d.spis.data[4 * i + 1] << 16 |
                  (uint32_t)d.spis.data[4 * i + 2] << 8 | d.spis.data[4 * i + 3];
    if (d.protocol == PROTO_ESP)
        payload_write_delete_esp(&cw, spis, d.n);
    else if (d.protocol == PROTO_IKE && d.n == 0)
        payload_write_delete_ike(&cw);
    else
        return;
    ours = only_of(&cw, 0);
    assert(ours.len == p->len && memcmp(ours.body, p->body, p->len) == 0);
}

static void narrow(const struct selectors *theirs)
{
    static const struct selectors all = {
        .n = 2,
        .s = {{.type = TS_IPV4_ADDR_RANGE, .port_last = UINT16_MAX, .last = {255, 255, 255, 255}},
              {.type = TS_IPV6_ADDR_RANGE,
               .port_last = UINT16_MAX,
               .last = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}}}};
    static const struct selectors some = {.n = 1,
                                          .s = {{TS_IPV4_ADDR_RANGE, 6, 80, 443, {10, 1, 2, 3}, {10, 200, 0, 0}}}};
    char text[SELECTOR_TEXT_MAX];
    struct selectors both;

    for (size_t i = 0; i < theirs->n; i++)
        assert(strlen(selector_text(&theirs->s[i], text)) < sizeof(text));
    selectors_narrow(theirs, &some, &both);
    assert(both.n <= TS_MAX && selectors_within(&both, &some) && selectors_within(&both, theirs));
    selectors_narrow(theirs, &all, &both);
    assert(both.n <= TS_MAX && selectors_within(&both, &all) && selectors_within(&both, theirs));
}

static void fuzz_ts(const struct payload *p)
{
    struct chain_writer cw = writer(0);
    struct selectors ss, again;
    struct payload ours;

    if (!read_ts(p, &ss))
        return;
    for (size_t i = 0; i < ss.n; i++)
        assert(ss.s[i].type == TS_IPV4_ADDR_RANGE || ss.s[i].type == TS_IPV6_ADDR_RANGE);
    narrow(&ss);
    if (ss.n == 0)
        return;
    payload_write_ts(&cw, (enum ike_payload)p->type, &ss);
    ours = only_of(&cw, 0);
    assert(read_ts(&ours, &again) && again.n == ss.n && ours.len <= p->len);
    for (size_t i = 0; i < ss.n; i++)
        assert(memcmp(&again.s[i], &ss.s[i], sizeof(ss.s[i])) == 0);
    if (ours.len == p->len)
        check_same(&ours, p);
}

static void check_proposal(const struct proposal *a, const struct proposal *b)
{
    assert(a->number == b->number && a->protocol == b->protocol && a->spi_len == b->spi_len);
    assert(memcmp(a->spi, b->spi, sizeof(a->spi)) == 0 && a->n_transforms == b->n_transforms);
    for (size_t i = 0; i < a->n_transforms; i++)
        assert(a->transforms[i].type == b->transforms[i].type && a->transforms[i].id == b->transforms[i].id &&
               a->transforms[i].key_bits == b->transforms[i].key_bits);
}

static void choose(const struct proposals *theirs)
{
    static const uint8_t protocols[] = {PROTO_IKE, PROTO_ESP};
    char text[PROPOSALS_TEXT_MAX];
    struct proposals ours, answer = {.n = 1};
    struct suite suite, again;

    for (size_t i = 0; i < theirs->n; i++)
        assert(strlen(proposal_text(&theirs->p[i], text)) < sizeof(text));
    for (unsigned i = 0; i < 2; i++) {
        proposals_default(protocols[i], &ours);
        if (!proposals_choose(theirs, &ours, NULL, &suite, &answer.p[0]))
            continue;
        assert(answer.p[0].protocol == protocols[i] && suite.encr && !suite.integ == suite.encr->aead);
        assert(proposals_accept(&answer, &ours, &again) && memcmp(&suite, &again, sizeof(suite)) == 0);
    }
}

static void fuzz_sa(const struct payload *p)
{
    static struct proposals ps, again;
    struct chain_writer cw = writer(0), twice = writer(1);
    struct payload ours;

    if (!read_sa(p, &ps))
        return;
    choose(&ps);
    if (ps.n == 0)
        return;
    payload_write_sa(&cw, &ps);
    ours = only_of(&cw, 0);
    assert(read_sa(&ours, &again) && again.n == ps.n && ours.len <= p->len);
    for (size_t i = 0; i < ps.n; i++)
        check_proposal(&again.p[i], &ps.p[i]);
    if (ours.len == p->len)
        check_same(&ours, p);
    payload_write_sa(&twice, &again);
    assert(wr_len(&twice.w) == wr_len(&cw.w) && memcmp(buf[0], buf[1], wr_len(&cw.w)) == 0);
}

static void fuzz_config(const struct payload *p)
{
    struct config_payload c;

    (void)read_config(p, &c);
}

static struct seal *new_seal(bool aead)
{
    static const uint8_t key[ALG_KEY_MAX + ALG_SALT_MAX];
    struct seal *s = NULL;

    assert(seal_new(alg_find(ALG_ENCR, aead ? 20 : 12, 128), key, aead ? NULL : alg_find(ALG_INTEG, 12, 0),
                    aead ? NULL : key, &s) == 0);
    return s;
}

/* The body of SK or SKF as it comes: nobody sealed it. */
static void fuzz_sealed(const struct payload *p)
{
    static struct seal *seals[2];
    struct message_opened o;

    for (unsigned i = 0; i < 2; i++) {
        uint8_t *whole = malloc(IKE_HEADER_LEN + PAYLOAD_HEADER_LEN + p->len);
        struct chain c = {.n = 1, .p = {*p}};

        assert(whole);
        if (!seals[i])
            seals[i] = new_seal(i == 0);
        memset(whole, 0, IKE_HEADER_LEN + PAYLOAD_HEADER_LEN);
        c.p[0].body = whole + IKE_HEADER_LEN + PAYLOAD_HEADER_LEN;
        if (p->len > 0)
            memcpy(whole + IKE_HEADER_LEN + PAYLOAD_HEADER_LEN, p->body, p->len);
        memset(&o, POISON, sizeof(o));
        assert(message_open(seals[i], whole, IKE_HEADER_LEN + PAYLOAD_HEADER_LEN + p->len, &c, &o) == -EBADMSG);
        check_untouched(&o, sizeof(o));
        free(whole);
    }
}

/* What a peer with the key encrypted, padding and all (RFC 7296 3.14). */
static void fuzz_text(const struct payload *p)
{
    static struct seal *s;
    uint8_t whole[IKE_HEADER_LEN + PAYLOAD_HEADER_LEN + ALG_IV_MAX + TEXT_MAX + ALG_ICV_MAX] = {0}, *body;
    struct seal_text t = {.aad = whole, .aad_len = IKE_HEADER_LEN + PAYLOAD_HEADER_LEN};
    struct message_opened o;
    struct chain c;
    size_t len, pad;

    if (p->len == 0 || p->len > TEXT_MAX)
        return;
    s = s ? s : new_seal(true);
    body = t.iv = whole + t.aad_len;
    t.text = body + seal_iv_len(s);
    t.text_len = p->len;
    t.icv = t.text + t.text_len;
    memcpy(t.text, p->body, p->len);
    seal_encrypt(s, 1, &t);
    len = seal_iv_len(s) + p->len + seal_icv_len(s);
    c = (struct chain){.n = 1, .p = {{.type = PAYLOAD_SK, .body = body, .len = len}}, .inner = PAYLOAD_NOTIFY};
    pad = p->body[p->len - 1];
    memset(&o, POISON, sizeof(o));
    if (message_open(s, whole, t.aad_len + len, &c, &o) < 0) {
        assert(pad + 1 > p->len);
        check_untouched(&o, sizeof(o));
        return;
    }
    assert(pad + 1 <= p->len && o.data == t.text && o.len == p->len - pad - 1 && o.total == 0);
    assert(o.inner == PAYLOAD_NOTIFY && memcmp(o.data, p->body, o.len) == 0);
}

static const struct {
    uint8_t type;
    void (*fuzz)(const struct payload *p);
} kinds[] = {
    {PAYLOAD_SA, fuzz_sa},         {PAYLOAD_KE, fuzz_ke},       {PAYLOAD_IDI, fuzz_id},
    {PAYLOAD_IDR, fuzz_id},        {PAYLOAD_CERT, fuzz_cert},   {PAYLOAD_CERTREQ, fuzz_cert},
    {PAYLOAD_AUTH, fuzz_auth},     {PAYLOAD_NONCE, fuzz_nonce}, {PAYLOAD_NOTIFY, fuzz_notify},
    {PAYLOAD_DELETE, fuzz_delete}, {PAYLOAD_TSI, fuzz_ts},      {PAYLOAD_TSR, fuzz_ts},
    {PAYLOAD_SK, fuzz_sealed},     {PAYLOAD_CP, fuzz_config},   {PAYLOAD_SKF, fuzz_sealed},
    {PAYLOAD_EAP, fuzz_text}, /* which has no reader: its number stands for the text inside SK */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t kind = size > 0 ? data[0] % ARRAY_LEN(kinds) : 0;
    uint8_t *copy;

    if (size == 0 || size > BODY_MAX)
        return 0;
    copy = copy_of(data + 1, size - 1);
    kinds[kind].fuzz(&(struct payload){.type = kinds[kind].type, .body = copy, .len = size - 1});
    free(copy);
    return 0;
}
