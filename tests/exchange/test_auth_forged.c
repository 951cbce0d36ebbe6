/*
 * IKE_AUTH of a peer that agreed on the keys of the IKE_SA and then lies: proofs that are none, of somebody else, seen
 * before or of another method, identities and certificates out of the ordinary. Nobody is let in who has not proven
 * that he is who he says (RFC 7296 2.15), what is only odd does no harm, and the next honest attempt succeeds.
 */
#include "engine/ike/auth.h"
#include "tests/exchange/pair_pki.h"
#include "tests/exchange/sealed.h"

#include "base/array.h"
#include "base/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define YEAR         INT64_C(31536000)
#define LOG_MAX      16384
#define UNKNOWN_TYPE 200 /* of a payload */
#define NULL_AUTH    13  /* method, and type of an identity (RFC 7619) */
#define HEAD         4   /* bytes of ID and AUTH before what they are about: type or method, and reserved ones */

/* What FROM sends instead: WRITE writes by NUMBER and BYTES. */
struct lie {
    const char *name;
    int from;
    sealed_write_fn write;
    const char *said; /* in the other side's log; NULL: it is let in */
    uint16_t number;  /* a method, type or encoding, or how many */
    const char *bytes;
    size_t len;
};

#define BYTES(text) .bytes = (text), .len = sizeof(text) - 1

struct seen { /* of A's last request */
    uint8_t id[256], auth[1024];
    size_t id_len, auth_len;
};

static const uint8_t zeros[60000];

static struct {
    const struct lie *lie;
    unsigned told;
    struct seen seen, earlier;
    struct strbuf log;
    struct pki_party *root, *own[2];
} run;

/* What can be written ---------------------------------------------------------------------------------------------- */

static bool is(const struct payload *p, enum ike_payload type)
{
    return p && p->type == type;
}

/* A payload whose body is two parts. */
static bool put(struct chain_writer *cw, uint8_t type, const void *head, size_t head_len, const void *rest, size_t len)
{
    chain_open(cw, (enum ike_payload)type);
    if (head_len > 0)
        wr_bytes(&cw->w, head, head_len);
    if (len > 0)
        wr_bytes(&cw->w, rest, len);
    chain_close(cw);
    return true;
}

static bool put_auth(struct chain_writer *cw, uint8_t method, const void *data, size_t len)
{
    const uint8_t head[HEAD] = {method};

    return put(cw, PAYLOAD_AUTH, head, sizeof(head), data, len);
}

static void put_notify(struct chain_writer *cw, uint16_t type, size_t len)
{
    payload_write_notify(cw, type, PROTO_NONE, NULL, 0, zeros, len);
}

/* Proofs ----------------------------------------------------------------------------------------------------------- */

static bool auth_nothing(struct chain_writer *cw, const struct payload *p)
{
    return is(p, PAYLOAD_AUTH) && put(cw, PAYLOAD_AUTH, NULL, 0, NULL, 0);
}

static bool auth_empty(struct chain_writer *cw, const struct payload *p)
{
    return is(p, PAYLOAD_AUTH) && put(cw, PAYLOAD_AUTH, p->body, HEAD, NULL, 0);
}

static bool auth_short(struct chain_writer *cw, const struct payload *p)
{
    return is(p, PAYLOAD_AUTH) && put(cw, PAYLOAD_AUTH, p->body, p->len - 1, NULL, 0);
}

static bool auth_long(struct chain_writer *cw, const struct payload *p)
{
    return is(p, PAYLOAD_AUTH) && put(cw, PAYLOAD_AUTH, p->body, p->len, zeros, 1);
}

static bool auth_zeros(struct chain_writer *cw, const struct payload *p)
{
    return is(p, PAYLOAD_AUTH) && put(cw, PAYLOAD_AUTH, p->body, HEAD, zeros, p->len - HEAD);
}

static bool auth_huge(struct chain_writer *cw, const struct payload *p)
{
    return is(p, PAYLOAD_AUTH) && put(cw, PAYLOAD_AUTH, p->body, HEAD, zeros, sizeof(zeros));
}

static bool auth_other_bit(struct chain_writer *cw, const struct payload *p)
{
    if (!is(p, PAYLOAD_AUTH))
        return false;
    sealed_copy(cw, p);
    cw->w.p[-1] ^= 1;
    return true;
}

static bool auth_missing(struct chain_writer *cw, const struct payload *p)
{
    (void)cw;
    return is(p, PAYLOAD_AUTH);
}

static bool auth_twice(struct chain_writer *cw, const struct payload *p)
{
    if (is(p, PAYLOAD_AUTH))
        sealed_copy(cw, p);
    return false;
}

static bool method(struct chain_writer *cw, const struct payload *p)
{
    return is(p, PAYLOAD_AUTH) && put_auth(cw, (uint8_t)run.lie->number, p->body + HEAD, p->len - HEAD);
}

/* What A just proved, sent back to it as B's proof. */
static bool reflect(struct chain_writer *cw, const struct payload *p)
{
    if (is(p, PAYLOAD_IDR))
        return put(cw, PAYLOAD_IDR, run.seen.id, run.seen.id_len, NULL, 0);
    return is(p, PAYLOAD_AUTH) && put(cw, PAYLOAD_AUTH, run.seen.auth, run.seen.auth_len, NULL, 0);
}

/* A's proof of its IKE_SA before this one. */
static bool replay(struct chain_writer *cw, const struct payload *p)
{
    return is(p, PAYLOAD_AUTH) && put(cw, PAYLOAD_AUTH, run.earlier.auth, run.earlier.auth_len, NULL, 0);
}

/* Identities ------------------------------------------------------------------------------------------------------- */

static bool is_id(const struct payload *p)
{
    return is(p, PAYLOAD_IDI) || (is(p, PAYLOAD_IDR) && run.lie->from == PAIR_B);
}

static bool id_missing(struct chain_writer *cw, const struct payload *p)
{
    (void)cw;
    return is_id(p);
}

static bool id_twice(struct chain_writer *cw, const struct payload *p)
{
    if (is_id(p))
        sealed_copy(cw, p);
    return false;
}

static bool id_nothing(struct chain_writer *cw, const struct payload *p)
{
    return is_id(p) && put(cw, p->type, NULL, 0, NULL, 0);
}

static bool id(struct chain_writer *cw, const struct payload *p)
{
    const uint8_t head[HEAD] = {(uint8_t)run.lie->number};

    return is_id(p) && put(cw, p->type, head, sizeof(head), run.lie->bytes, run.lie->len);
}

/* RFC 7296 2.15: the reserved bytes are proven too. */
static bool id_reserved(struct chain_writer *cw, const struct payload *p)
{
    const uint8_t head[HEAD] = {p ? p->body[0] : 0, 1, 2, 3};

    return is_id(p) && put(cw, p->type, head, sizeof(head), p->body + HEAD, p->len - HEAD);
}

/* What is only odd ------------------------------------------------------------------------------------------------- */

static bool notifies_first(struct chain_writer *cw, const struct payload *p)
{
    if (!p) {
        put_notify(cw, 40000, 100);
        put_notify(cw, NOTIFY_INITIAL_CONTACT, 0);
    }
    return false;
}

/* In a request it says nothing (RFC 7296 3.10.1: of no type known, it is passed over). */
static bool error_in_request(struct chain_writer *cw, const struct payload *p)
{
    if (!p)
        put_notify(cw, 8191, 4);
    return false;
}

static bool long_notify(struct chain_writer *cw, const struct payload *p)
{
    if (!p)
        put_notify(cw, NOTIFY_QUICK_CRASH_DETECTION, 2048);
    return false;
}

static bool unknown_payload(struct chain_writer *cw, const struct payload *p)
{
    if (!p)
        (void)put(cw, UNKNOWN_TYPE, "x", 1, NULL, 0);
    return false;
}

static bool unknown_critical(struct chain_writer *cw, const struct payload *p)
{
    (void)unknown_payload(cw, p);
    if (!p)
        wr_patch_u8(&cw->w, cw->start + 1, 0x80);
    return false;
}

/* RFC 7296 3.6 */
static void put_certs(struct chain_writer *cw, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        payload_write_cert(cw, PAYLOAD_CERT, i % 2 == 0 ? CERT_X509_SIGNATURE : CERT_HASH_URL, "no certificate", 14);
}

static bool certs_first(struct chain_writer *cw, const struct payload *p)
{
    if (!p)
        put_certs(cw, run.lie->number);
    return false;
}

/* Signatures and certificates -------------------------------------------------------------------------------------- */

/* RFC 7427 3: length and AlgorithmIdentifier, then the signature, of which there is no more than MOST. */
static bool put_signature(struct chain_writer *cw, const struct payload *p, const void *algorithm, size_t len,
                          size_t most)
{
    const uint8_t *signature = p->body + HEAD + 1 + p->body[HEAD];
    size_t signature_len = p->len - (size_t)(signature - p->body);

    chain_open(cw, PAYLOAD_AUTH);
    wr_bytes(&cw->w, p->body, HEAD);
    wr_bytes(&cw->w, algorithm, len);
    wr_bytes(&cw->w, signature, signature_len < most ? signature_len : most);
    chain_close(cw);
    return true;
}

static bool algorithm(struct chain_writer *cw, const struct payload *p)
{
    return is(p, PAYLOAD_AUTH) && put_signature(cw, p, run.lie->bytes, run.lie->len, SIZE_MAX);
}

static bool signature_cut(struct chain_writer *cw, const struct payload *p)
{
    return is(p, PAYLOAD_AUTH) && put_signature(cw, p, p->body + HEAD, 1U + p->body[HEAD], run.lie->number);
}

static bool put_cert(struct chain_writer *cw, const struct payload *p, uint8_t encoding, const void *data, size_t len)
{
    if (!is(p, PAYLOAD_CERT))
        return false;
    payload_write_cert(cw, PAYLOAD_CERT, encoding, data, len);
    return true;
}

static bool cert_nothing(struct chain_writer *cw, const struct payload *p)
{
    return is(p, PAYLOAD_CERT) && put(cw, PAYLOAD_CERT, NULL, 0, NULL, 0);
}

static bool cert(struct chain_writer *cw, const struct payload *p)
{
    return put_cert(cw, p, (uint8_t)run.lie->number, run.lie->bytes, run.lie->len);
}

static bool cert_missing(struct chain_writer *cw, const struct payload *p)
{
    (void)cw;
    return is(p, PAYLOAD_CERT);
}

static bool cert_of_other(struct chain_writer *cw, const struct payload *p)
{
    size_t len;
    const uint8_t *der = cert_der(pki_cert(run.own[!run.lie->from]), &len);

    return put_cert(cw, p, CERT_X509_SIGNATURE, der, len);
}

/* Its own first, and then what nobody asked for. */
static bool certs_behind(struct chain_writer *cw, const struct payload *p)
{
    if (!is(p, PAYLOAD_CERT))
        return false;
    sealed_copy(cw, p);
    put_certs(cw, run.lie->number);
    return true;
}

/* PPKs (RFC 8784 3) ------------------------------------------------------------------------------------------------ */

static bool notifies(const struct payload *p, uint16_t type, struct notify_payload *ret)
{
    return is(p, PAYLOAD_NOTIFY) && payload_read_notify(p, ret) == 0 && ret->type == type;
}

static bool ppk_not_named(struct chain_writer *cw, const struct payload *p)
{
    struct notify_payload n;

    (void)cw;
    return notifies(p, NOTIFY_PPK_IDENTITY, &n);
}

/* AUTH without the PPK where that with it belongs: NO_PPK_AUTH stands behind it. */
static bool ppk_not_used(struct chain_writer *cw, const struct payload *p)
{
    struct notify_payload n;

    if (notifies(p, NOTIFY_NO_PPK_AUTH, &n))
        return put_auth(cw, AUTH_PSK, n.data.data, n.data.len);
    return is(p, PAYLOAD_AUTH);
}

/* One without PPK, as the peer itself would be that has none. */
static bool ppk_never(struct chain_writer *cw, const struct payload *p)
{
    return ppk_not_named(cw, p) || ppk_not_used(cw, p);
}

static bool ppk(struct chain_writer *cw, const struct payload *p)
{
    if (!ppk_not_named(cw, p))
        return false;
    payload_write_notify(cw, NOTIFY_PPK_IDENTITY, PROTO_NONE, NULL, 0, run.lie->bytes, run.lie->len);
    return true;
}

static bool ppk_without(struct chain_writer *cw, const struct payload *p)
{
    struct notify_payload n;

    return ppk(cw, p) || notifies(p, NOTIFY_NO_PPK_AUTH, &n);
}

/* The other side of the test --------------------------------------------------------------------------------------- */

static void take_log(void *data, int from, const struct engine_log *l)
{
    (void)data;
    if (from == !run.lie->from)
        strbuf_printf(&run.log, "%s\n", l->text);
}

static void see(const struct chain *c)
{
    const struct payload *id = chain_find(c, PAYLOAD_IDI, NULL), *auth = chain_find(c, PAYLOAD_AUTH, NULL);

    if (!id || !auth)
        return;
    assert_true(id->len <= sizeof(run.seen.id) && auth->len <= sizeof(run.seen.auth));
    run.seen.id_len = id->len;
    run.seen.auth_len = auth->len;
    memcpy(run.seen.id, id->body, id->len);
    memcpy(run.seen.auth, auth->body, auth->len);
}

static bool overhear(void *data, struct pair *p, int from, uint8_t *bytes, size_t len)
{
    struct ike_header h;
    struct chain c;

    (void)data;
    if (!sealed_open(p, from, bytes, len, &h, &c) || h.exchange != IKE_AUTH)
        return true;
    if (from == PAIR_A)
        see(&c);
    if (from != run.lie->from)
        return true;
    run.told++;
    sealed_send(p, from, &h, &c, run.lie->write);
    return false;
}

static bool is_done(struct pair *p)
{
    return p->node[PAIR_A].done[1][0] != '\0';
}

static bool was_up(const struct pair *p, int node)
{
    return pair_count_events(p, node, ENGINE_IKE_UP) + pair_count_events(p, node, ENGINE_CHILD_UP) > 0;
}

static void assert_up(struct pair *p, unsigned ticket)
{
    if (!pair_until(p, pair_is_up, USEC_PER_MIN))
        fail_msg("%s: attempt %u: %s: %s", run.lie->name, ticket, p->node[PAIR_A].done[ticket], strbuf_text(&run.log));
    assert_true(pair_packet(p, PAIR_A));
    assert_true(pair_packet(p, PAIR_B));
}

static void assert_refused(struct pair *p)
{
    const struct lie *l = run.lie;

    assert_true(pair_until(p, is_done, USEC_PER_HOUR));
    pair_run(p, USEC_PER_MIN);
    if (was_up(p, !l->from) || strcmp(p->node[PAIR_A].done[1], "ok") == 0)
        fail_msg("%s: let in: %s", l->name, strbuf_text(&run.log));
    if (!strstr(strbuf_text(&run.log), l->said))
        fail_msg("%s: \"%s\" was not said: %s", l->name, l->said, strbuf_text(&run.log));
    for (int node = 0; node < 2; node++)
        if (pair_sa(p, node))
            fail_msg("%s: %c keeps an IKE_SA", l->name, 'A' + node);
}

static void check(struct pair *p, const struct lie *l)
{
    run.lie = l;
    run.told = 0;
    strbuf_init(&run.log, LOG_MAX);
    p->filter = overhear;
    p->log = take_log;
    pair_initiate(p, PAIR_A, 1);
    if (l->said) {
        assert_refused(p);
        p->filter = NULL;
        pair_initiate(p, PAIR_A, 2);
        assert_up(p, 2);
    } else {
        assert_up(p, 1);
    }
    assert_true(run.told > 0);
    assert_false(run.log.bad);
    p->log = NULL; /* the engines have more to say at their end */
    strbuf_done(&run.log);
}

/* Tests ------------------------------------------------------------------------------------------------------------ */

static const struct lie psk_lies[] = {
    {"no AUTH body", PAIR_A, auth_nothing, .said = "the proof of it is malformed"},
    {"empty proof", PAIR_A, auth_empty, .said = "the proof of it is malformed"},
    {"short proof", PAIR_A, auth_short, .said = "MAC mismatch"},
    {"long proof", PAIR_A, auth_long, .said = "MAC mismatch"},
    {"zeros", PAIR_A, auth_zeros, .said = "MAC mismatch"},
    {"huge proof", PAIR_A, auth_huge, .said = "MAC mismatch"},
    {"one bit", PAIR_A, auth_other_bit, .said = "MAC mismatch"},
    {"no proof", PAIR_A, auth_missing, .said = "asks for EAP, which is not supported"},
    {"two proofs", PAIR_A, auth_twice, .said = "malformed: AUTH"},
    {"RSA", PAIR_A, method, .said = "with RSA signature, which is not configured for it", .number = AUTH_RSA},
    {"a signature", PAIR_A, method, .said = "with digital signature, which is not configured for it",
     .number = AUTH_DIGITAL_SIGNATURE},
    {"NULL authentication", PAIR_A, method, .said = "an unknown method", .number = NULL_AUTH},
    {"method 0", PAIR_A, method, .said = "an unknown method", .number = 0},
    {"method 255", PAIR_A, method, .said = "an unknown method", .number = 255},
    {"no proof", PAIR_B, auth_missing, .said = "malformed: AUTH"},
    {"no AUTH body", PAIR_B, auth_nothing, .said = "response is malformed"},
    {"empty proof", PAIR_B, auth_empty, .said = "response is malformed"},
    {"short proof", PAIR_B, auth_short, .said = "MAC mismatch"},
    {"long proof", PAIR_B, auth_long, .said = "MAC mismatch"},
    {"zeros", PAIR_B, auth_zeros, .said = "MAC mismatch"},
    {"huge proof", PAIR_B, auth_huge, .said = "MAC mismatch"},
    {"one bit", PAIR_B, auth_other_bit, .said = "MAC mismatch"},
    {"two proofs", PAIR_B, auth_twice, .said = "malformed: AUTH"},
    {"RSA", PAIR_B, method, .said = "with RSA signature, which is not configured for it", .number = AUTH_RSA},
    {"a signature", PAIR_B, method, .said = "with digital signature, which is not configured for it",
     .number = AUTH_DIGITAL_SIGNATURE},
    {"NULL authentication", PAIR_B, method, .said = "an unknown method", .number = NULL_AUTH},
    {"reflected", PAIR_B, reflect, .said = "MAC mismatch"},
    {"no identity", PAIR_A, id_missing, .said = "malformed: IDi"},
    {"two identities", PAIR_A, id_twice, .said = "malformed: IDi"},
    {"no identity body", PAIR_A, id_nothing, .said = "the proof of it is malformed"},
    {"empty name", PAIR_A, id, .said = "the proof of it is malformed", .number = ID_FQDN, BYTES("")},
    {"other identity", PAIR_A, id, .said = "'somebody.example' is not ours", .number = ID_FQDN,
     BYTES("somebody.example")},
    {"short address", PAIR_A, id, .said = "the proof of it is malformed", .number = ID_IPV4_ADDR,
     BYTES("\xC6\x33\x64")},
    {"long address", PAIR_A, id, .said = "the proof of it is malformed", .number = ID_IPV4_ADDR,
     BYTES("\xC6\x33\x64\x02\0")},
    {"broken DN", PAIR_A, id, .said = "the proof of it is malformed", .number = ID_DER_ASN1_DN,
     BYTES("\x30\x84\xFF\xFF\xFF\xFF")},
    {"ID_NULL", PAIR_A, id, .said = "the proof of it is malformed", .number = NULL_AUTH, BYTES("")},
    {"identity of type 0", PAIR_A, id, .said = "the proof of it is malformed", .number = 0, BYTES("a")},
    {"long key id", PAIR_A, id, .said = "the proof of it is malformed", .number = ID_KEY_ID,
     .bytes = (const char *)zeros, .len = 2000},
    {"name with NUL", PAIR_A, id, .said = "the proof of it is malformed", .number = ID_FQDN, BYTES("a.example\0.evil")},
    {"reserved bytes", PAIR_A, id_reserved, .said = "MAC mismatch"},
    {"no identity", PAIR_B, id_missing, .said = "malformed: IDr"},
    {"two identities", PAIR_B, id_twice, .said = "malformed: IDr"},
    {"other identity", PAIR_B, id, .said = "'somebody.example' is not ours", .number = ID_FQDN,
     BYTES("somebody.example")},
    {"broken DN", PAIR_B, id, .said = "response is malformed", .number = ID_DER_ASN1_DN,
     BYTES("\x30\x84\xFF\xFF\xFF\xFF")},
    {"reserved bytes", PAIR_B, id_reserved, .said = "MAC mismatch"},
    {"unknown critical payload", PAIR_A, unknown_critical, .said = "insists on payload 200"},
    {"unknown critical payload", PAIR_B, unknown_critical, .said = "insists on payload 200"},
    {"too many payloads", PAIR_A, certs_first, .said = "its payloads do not fit", .number = CHAIN_PAYLOADS_MAX},
    {"too many payloads", PAIR_B, certs_first, .said = "its payloads do not fit", .number = CHAIN_PAYLOADS_MAX},
    {"notifications first", PAIR_A, notifies_first, .said = NULL},
    {"notifications first", PAIR_B, notifies_first, .said = NULL},
    {"an error in a request", PAIR_A, error_in_request, .said = NULL},
    {"a long token", PAIR_A, long_notify, .said = NULL},
    {"a long token", PAIR_B, long_notify, .said = NULL},
    {"unknown payload", PAIR_A, unknown_payload, .said = NULL},
    {"unknown payload", PAIR_B, unknown_payload, .said = NULL},
    {"certificates", PAIR_A, certs_first, .said = NULL, .number = 64},
    {"certificates", PAIR_B, certs_first, .said = NULL, .number = 64},
};

static void anybody(int node, struct ike_conf *c)
{
    (void)node;
    c->remote.id = identity_any();
}

static void check_psk(const struct lie *l, uint64_t seed)
{
    struct pair *p = pair_new(seed, NULL);

    pair_load(p, PAIR_A, anybody);
    pair_load(p, PAIR_B, anybody);
    check(p, l);
    (void)pair_free(p);
}

static void test_psk(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(psk_lies); i++)
        check_psk(&psk_lies[i], 1);
}

/* A's proof of before, in an IKE_SA with the same identities. */
static void test_replay(void **state)
{
    static const struct lie odd = {"an honest one", PAIR_A, unknown_payload, .said = NULL};
    static const struct lie again = {"replayed", PAIR_A, replay, .said = "MAC mismatch"};

    (void)state;
    check_psk(&odd, 1);
    run.earlier = run.seen;
    check_psk(&again, 2);
}

static const struct lie signature_lies[] = {
    {"PSK", PAIR_A, method, .said = "with pre-shared key, which is not configured", .number = AUTH_PSK},
    {"ECDSA of RFC 4754", PAIR_A, method, .said = "signature validation", .number = AUTH_ECDSA_256},
    {"RSA", PAIR_A, method, .said = "signs with an algorithm that is not accepted", .number = AUTH_RSA},
    {"NULL authentication", PAIR_A, method, .said = "an unknown method", .number = NULL_AUTH},
    {"empty proof", PAIR_A, auth_empty, .said = "the proof of it is malformed"},
    {"zeros", PAIR_A, auth_zeros, .said = "signature validation"},
    {"huge proof", PAIR_A, auth_huge, .said = "signature validation"},
    {"one bit", PAIR_A, auth_other_bit, .said = "signature validation"},
    {"long proof", PAIR_A, auth_long, .said = "signature validation"},
    {"no algorithm", PAIR_A, algorithm, .said = "signature validation", BYTES("\0")},
    {"algorithm of all", PAIR_A, algorithm, .said = "signature validation", BYTES("\xFF")},
    {"algorithm cut", PAIR_A, algorithm, .said = "signature validation", BYTES("\x06\x30\x0A\x06\x08\x2A\x86")},
    {"unknown algorithm", PAIR_A, algorithm, .said = "signs with an algorithm that is not accepted",
     BYTES("\x06\x30\x04\x06\x02\x2A\x03")},
    {"long algorithm", PAIR_A, algorithm, .said = "signature validation", BYTES("\x06\x30\x84\xFF\xFF\xFF\xFF")},
    {"SHA-1", PAIR_A, algorithm, .said = "signs with an algorithm that is not accepted",
     BYTES("\x0B\x30\x09\x06\x07\x2A\x86\x48\xCE\x3D\x04\x01")},
    {"RSA for ECDSA", PAIR_A, algorithm, .said = "signs with an algorithm that is not accepted",
     BYTES("\x0F\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B\x05\x00")},
    {"no signature", PAIR_A, signature_cut, .said = "signature validation", .number = 0},
    {"half a signature", PAIR_A, signature_cut, .said = "signature validation", .number = 20},
    {"other identity", PAIR_A, id, .said = "the certificate does not say that", .number = ID_FQDN,
     BYTES("somebody.example")},
    {"reserved bytes", PAIR_A, id_reserved, .said = "signature validation"},
    {"no certificate body", PAIR_A, cert_nothing, .said = "no trusted public key found"},
    {"empty certificate", PAIR_A, cert, .said = "no trusted public key found", .number = CERT_X509_SIGNATURE,
     BYTES("")},
    {"broken certificate", PAIR_A, cert, .said = "no trusted public key found", .number = CERT_X509_SIGNATURE,
     BYTES("\x30\x84\xFF\xFF\xFF\xFF")},
    {"certificate by URL", PAIR_A, cert, .said = "by URL", .number = CERT_HASH_URL,
     BYTES("01234567890123456789http://evil.example/")},
    {"no certificate", PAIR_A, cert_missing, .said = "no trusted public key found"},
    {"the other's certificate", PAIR_A, cert_of_other, .said = "the certificate does not say that"},
    {"other certificates first", PAIR_A, certs_first, .said = "no trusted public key found", .number = 64},
    {"PSK", PAIR_B, method, .said = "with pre-shared key, which is not configured", .number = AUTH_PSK},
    {"one bit", PAIR_B, auth_other_bit, .said = "signature validation"},
    {"reflected", PAIR_B, reflect, .said = "the certificate does not say that"},
    {"no algorithm", PAIR_B, algorithm, .said = "signature validation", BYTES("\0")},
    {"SHA-1", PAIR_B, algorithm, .said = "signs with an algorithm that is not accepted",
     BYTES("\x0B\x30\x09\x06\x07\x2A\x86\x48\xCE\x3D\x04\x01")},
    {"no certificate", PAIR_B, cert_missing, .said = "no trusted public key found"},
    {"the other's certificate", PAIR_B, cert_of_other, .said = "the certificate does not say that"},
    {"other certificates behind", PAIR_A, certs_behind, .said = NULL, .number = 64},
    {"other certificates behind", PAIR_B, certs_behind, .said = NULL, .number = 64},
};

static void pubkey(int node, struct ike_conf *c)
{
    anybody(node, c);
    c->local.auth = c->remote.auth = CONF_AUTH_PUBKEY;
    c->local.certs[c->local.n_certs++] = cert_ref(pki_cert(run.own[node]));
}

static void test_signature(void **state)
{
    static const char *const names[2] = {"a", "b"}, *const sans[2] = {"DNS:a.example", "DNS:b.example"};

    (void)state;
    run.root =
        pki_make(&(struct pki_spec){.cn = "root", .ca = true, .from = PAIR_WALL - YEAR, .until = PAIR_WALL + YEAR});
    for (int node = 0; node < 2; node++)
        run.own[node] = pki_make(&(struct pki_spec){.cn = names[node],
                                                    .issuer = run.root,
                                                    .sans = sans[node],
                                                    .key = "P-256",
                                                    .from = PAIR_WALL - YEAR,
                                                    .until = PAIR_WALL + YEAR});
    for (size_t i = 0; i < ARRAY_LEN(signature_lies); i++) {
        struct pair *p = pair_new(1, NULL);

        for (int node = 0; node < 2; node++) {
            pair_certify(p, node, run.root, run.own[node]);
            pair_load(p, node, pubkey);
        }
        check(p, &signature_lies[i]);
        (void)pair_free(p);
    }
    for (int node = 0; node < 2; node++)
        run.own[node] = pki_free(run.own[node]);
    run.root = pki_free(run.root);
}

static const struct lie ppk_lies[] = {
    {"not named", PAIR_A, ppk_not_named, .said = "MAC mismatch"},
    {"not used", PAIR_A, ppk_not_used, .said = "MAC mismatch"},
    {"another, and none without", PAIR_A, ppk_without, .said = "PPK is not known", BYTES("\x02other")},
    {"not named", PAIR_B, ppk_not_named, .said = "MAC mismatch"},
    {"none", PAIR_A, ppk_never, .said = NULL},
    {"another", PAIR_A, ppk, .said = NULL, BYTES("\x02other")},
    {"nobody's", PAIR_A, ppk, .said = NULL, BYTES("")},
};

/* A does not insist, so that it proves itself without too; who does insist is not put off. */
static const struct lie insisted[] = {
    {"insisted: not named", PAIR_A, ppk_not_named, .said = "uses no PPK, but one is required"},
    {"insisted: not used", PAIR_A, ppk_not_used, .said = "MAC mismatch"},
    {"insisted: none", PAIR_A, ppk_never, .said = "uses no PPK, but one is required"},
    {"insisted: another", PAIR_A, ppk, .said = "PPK is not known", BYTES("\x02other")},
    {"insisted: nobody's", PAIR_A, ppk, .said = "PPK is not known", BYTES("")},
    {"insisted: not named", PAIR_B, ppk_not_named, .said = "did not use the PPK, but one is required"},
};

static void with_ppk(int node, struct ike_conf *c)
{
    anybody(node, c);
    c->has_ppk = true;
    assert_int_equal(identity_parse("ppk.example", &c->ppk_id), 0);
}

static void with_ppk_required(int node, struct ike_conf *c)
{
    with_ppk(node, c);
    c->ppk_required = node != run.lie->from;
}

static void check_ppk(const struct lie *l, void (*conf)(int node, struct ike_conf *c))
{
    struct pair *p = pair_new(1, NULL);
    struct identity id;

    run.lie = l;
    assert_int_equal(identity_parse("ppk.example", &id), 0);
    for (int node = 0; node < 2; node++) {
        pair_load(p, node, conf);
        assert_int_equal(
            creds_take_shared(p->node[node].creds, CREDS_PPK, NULL, &id, 1, secret_new("quantum", strlen("quantum"))),
            0);
    }
    check(p, l);
    (void)pair_free(p);
}

static void test_ppk(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ppk_lies); i++)
        check_ppk(&ppk_lies[i], with_ppk);
    for (size_t i = 0; i < ARRAY_LEN(insisted); i++)
        check_ppk(&insisted[i], with_ppk_required);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_psk),
        cmocka_unit_test(test_replay),
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_ppk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
