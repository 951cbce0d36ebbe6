/*
 * IKE_AUTH of a peer that agreed on the keys of the IKE_SA and then lies: proofs that are none, of somebody else, seen
 * before or of another method, identities and certificates out of the ordinary. Nobody is let in who has not proven
 * that he is who he says (RFC 7296 2.15), what is only odd does no harm, and the next honest attempt succeeds.
 */
#include "engine/ike/auth.h"
#include "engine/ike/message.h"
#include "tests/exchange/pair.h"
#include "tests/unit/pki.h"

#include "base/array.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNTER_FREE 0x80000000 /* no sender of a test gets as far */
#define LOG_MAX      16384
#define WALL         INT64_C(1764000000) /* of the pair */
#define YEAR         INT64_C(31536000)
#define UNKNOWN_TYPE 200 /* of a payload */

/* What FROM sends instead: WRITE is asked for each payload of the message, and with NULL before the first. It writes
 * what it likes and says whether P is done with; otherwise it goes as it was. */
struct lie {
    const char *name;
    int from;
    bool (*write)(struct chain_writer *cw, const struct payload *p);
    const char *said; /* in the other side's log; NULL: it is let in */
};

struct seen { /* of A's last request */
    uint8_t id[256], auth[1024];
    size_t id_len, auth_len;
};

static uint8_t buf[CHAIN_BYTES_MAX];

static struct {
    const struct lie *lie;
    unsigned told;
    uint64_t counter;
    struct seen seen, earlier;
    char log[LOG_MAX];
    size_t log_len;
    struct pki_party *root, *own[2];
} run;

/* What can be written ---------------------------------------------------------------------------------------------- */

static void copy(struct chain_writer *cw, const struct payload *p)
{
    chain_open(cw, (enum ike_payload)p->type);
    wr_bytes(&cw->w, p->body, p->len);
    chain_close(cw);
}

static bool is(const struct payload *p, enum ike_payload type)
{
    return p && p->type == type;
}

/* A payload whose body is HEAD, then the rest of P's from FROM on, LEN bytes of it. */
static bool put(struct chain_writer *cw, enum ike_payload type, const void *head, size_t head_len, const uint8_t *rest,
                size_t len)
{
    chain_open(cw, type);
    if (head_len > 0)
        wr_bytes(&cw->w, head, head_len);
    if (len > 0)
        wr_bytes(&cw->w, rest, len);
    chain_close(cw);
    return true;
}

static bool put_auth(struct chain_writer *cw, const struct payload *p, uint8_t method, size_t len)
{
    const uint8_t head[4] = {method};

    return put(cw, PAYLOAD_AUTH, head, sizeof(head), p->body + 4, len);
}

static bool put_notify(struct chain_writer *cw, uint16_t type, size_t len)
{
    static const uint8_t zeros[2048];

    payload_write_notify(cw, type, PROTO_NONE, NULL, 0, zeros, len);
    return false;
}

/* Proofs ----------------------------------------------------------------------------------------------------------- */

static bool auth_nothing(struct chain_writer *cw, const struct payload *p)
{
    return is(p, PAYLOAD_AUTH) && put(cw, PAYLOAD_AUTH, NULL, 0, NULL, 0);
}

static bool auth_empty(struct chain_writer *cw, const struct payload *p)
{
    return is(p, PAYLOAD_AUTH) && put_auth(cw, p, p->body[0], 0);
}

static bool auth_short(struct chain_writer *cw, const struct payload *p)
{
    return is(p, PAYLOAD_AUTH) && put_auth(cw, p, p->body[0], p->len - 5);
}

static bool auth_long(struct chain_writer *cw, const struct payload *p)
{
    static uint8_t longer[1024];

    if (!is(p, PAYLOAD_AUTH))
        return false;
    memcpy(longer, p->body, p->len);
    longer[p->len] = 0;
    return put(cw, PAYLOAD_AUTH, longer, p->len + 1, NULL, 0);
}

static bool auth_zeros(struct chain_writer *cw, const struct payload *p)
{
    static const uint8_t zeros[65];

    return is(p, PAYLOAD_AUTH) && put(cw, PAYLOAD_AUTH, p->body, 4, zeros, p->len - 4 < 65 ? p->len - 4 : 65);
}

static bool auth_huge(struct chain_writer *cw, const struct payload *p)
{
    static const uint8_t zeros[60000];

    return is(p, PAYLOAD_AUTH) && put(cw, PAYLOAD_AUTH, p->body, 4, zeros, sizeof(zeros));
}

static bool auth_other_bit(struct chain_writer *cw, const struct payload *p)
{
    if (!is(p, PAYLOAD_AUTH))
        return false;
    copy(cw, p);
    buf[wr_len(&cw->w) - 1] ^= 1;
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
        copy(cw, p);
    return false;
}

static bool method_rsa(struct chain_writer *cw, const struct payload *p)
{
    return is(p, PAYLOAD_AUTH) && put_auth(cw, p, AUTH_RSA, p->len - 4);
}

static bool method_psk(struct chain_writer *cw, const struct payload *p)
{
    return is(p, PAYLOAD_AUTH) && put_auth(cw, p, AUTH_PSK, p->len - 4);
}

static bool method_signature(struct chain_writer *cw, const struct payload *p)
{
    return is(p, PAYLOAD_AUTH) && put_auth(cw, p, AUTH_DIGITAL_SIGNATURE, p->len - 4);
}

static bool method_null(struct chain_writer *cw, const struct payload *p) /* RFC 7619 */
{
    return is(p, PAYLOAD_AUTH) && put_auth(cw, p, 13, p->len - 4);
}

static bool method_zero(struct chain_writer *cw, const struct payload *p)
{
    return is(p, PAYLOAD_AUTH) && put_auth(cw, p, 0, p->len - 4);
}

static bool method_private(struct chain_writer *cw, const struct payload *p)
{
    return is(p, PAYLOAD_AUTH) && put_auth(cw, p, 255, p->len - 4);
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

/* Identities --------------------------------------------------------------------------------------------------------
 */

static bool is_id(const struct payload *p)
{
    return is(p, PAYLOAD_IDI) || (is(p, PAYLOAD_IDR) && run.lie->from == PAIR_B);
}

static bool put_id(struct chain_writer *cw, const struct payload *p, uint8_t type, const void *data, size_t len)
{
    const uint8_t head[4] = {type};

    return is_id(p) && put(cw, (enum ike_payload)p->type, head, sizeof(head), data, len);
}

static bool id_missing(struct chain_writer *cw, const struct payload *p)
{
    (void)cw;
    return is_id(p);
}

static bool id_twice(struct chain_writer *cw, const struct payload *p)
{
    if (is_id(p))
        copy(cw, p);
    return false;
}

static bool id_nothing(struct chain_writer *cw, const struct payload *p)
{
    return is_id(p) && put(cw, (enum ike_payload)p->type, NULL, 0, NULL, 0);
}

static bool id_empty_name(struct chain_writer *cw, const struct payload *p)
{
    return put_id(cw, p, ID_FQDN, "", 0);
}

static bool id_of_other(struct chain_writer *cw, const struct payload *p)
{
    return put_id(cw, p, ID_FQDN, "somebody.example", 16);
}

static bool id_short_address(struct chain_writer *cw, const struct payload *p)
{
    return put_id(cw, p, ID_IPV4_ADDR, "\xC6\x33\x64", 3);
}

static bool id_long_address(struct chain_writer *cw, const struct payload *p)
{
    return put_id(cw, p, ID_IPV4_ADDR, "\xC6\x33\x64\x02", 5);
}

static bool id_no_dn(struct chain_writer *cw, const struct payload *p)
{
    return put_id(cw, p, ID_DER_ASN1_DN, "\x30\x84\xFF\xFF\xFF\xFF", 6);
}

static bool id_null(struct chain_writer *cw, const struct payload *p) /* RFC 7619 */
{
    return put_id(cw, p, 13, "", 0);
}

static bool id_type_zero(struct chain_writer *cw, const struct payload *p)
{
    return put_id(cw, p, 0, "a", 1);
}

static bool id_long_key(struct chain_writer *cw, const struct payload *p)
{
    static const uint8_t zeros[2000];

    return put_id(cw, p, ID_KEY_ID, zeros, sizeof(zeros));
}

static bool id_with_nul(struct chain_writer *cw, const struct payload *p)
{
    return put_id(cw, p, ID_FQDN, "a.example\0.evil", 15);
}

/* RFC 7296 2.15: the reserved bytes are proven too. */
static bool id_reserved(struct chain_writer *cw, const struct payload *p)
{
    const uint8_t head[4] = {p ? p->body[0] : 0, 1, 2, 3};

    return is_id(p) && put(cw, (enum ike_payload)p->type, head, sizeof(head), p->body + 4, p->len - 4);
}

/* What is only odd ------------------------------------------------------------------------------------------------- */

static bool notifies_first(struct chain_writer *cw, const struct payload *p)
{
    return p ? false : put_notify(cw, 40000, 100) || put_notify(cw, NOTIFY_INITIAL_CONTACT, 0);
}

/* In a request it says nothing (RFC 7296 3.10.1: of no type known, it is passed over). */
static bool error_in_request(struct chain_writer *cw, const struct payload *p)
{
    return p ? false : put_notify(cw, 8191, 4);
}

static bool long_notify(struct chain_writer *cw, const struct payload *p)
{
    return p ? false : put_notify(cw, NOTIFY_QUICK_CRASH_DETECTION, 2048);
}

static bool unknown_payload(struct chain_writer *cw, const struct payload *p)
{
    return p ? false : !put(cw, (enum ike_payload)UNKNOWN_TYPE, "x", 1, NULL, 0);
}

static bool unknown_critical(struct chain_writer *cw, const struct payload *p)
{
    if (p)
        return false;
    (void)put(cw, (enum ike_payload)UNKNOWN_TYPE, "x", 1, NULL, 0);
    buf[cw->start + 1] = 0x80;
    return false;
}

/* RFC 7296 3.6: certificates that PSKs have no use for. */
static bool certs(struct chain_writer *cw, const struct payload *p, unsigned n)
{
    for (unsigned i = 0; !p && i < n; i++)
        payload_write_cert(cw, PAYLOAD_CERT, i % 2 == 0 ? CERT_X509_SIGNATURE : CERT_HASH_URL, "no certificate", 14);
    return false;
}

static bool many_certs(struct chain_writer *cw, const struct payload *p)
{
    return certs(cw, p, 64);
}

static bool too_many_certs(struct chain_writer *cw, const struct payload *p)
{
    return certs(cw, p, CHAIN_PAYLOADS_MAX);
}

/* Signatures and certificates ----------------------------------------------------------------------------------------
 */

#define AUTH_HEAD 4 /* method and reserved bytes */

/* RFC 7427 3: length and AlgorithmIdentifier, then the signature. */
static bool put_signature(struct chain_writer *cw, const struct payload *p, const void *algorithm, size_t alg_len,
                          size_t signature_len)
{
    size_t own = 1U + (p ? p->body[AUTH_HEAD] : 0);

    if (!is(p, PAYLOAD_AUTH))
        return false;
    chain_open(cw, PAYLOAD_AUTH);
    wr_bytes(&cw->w, p->body, AUTH_HEAD);
    wr_bytes(&cw->w, algorithm, alg_len);
    wr_bytes(&cw->w, p->body + AUTH_HEAD + own,
             signature_len < p->len - AUTH_HEAD - own ? signature_len : p->len - AUTH_HEAD - own);
    chain_close(cw);
    return true;
}

static bool no_algorithm(struct chain_writer *cw, const struct payload *p)
{
    return put_signature(cw, p, "", 1, SIZE_MAX);
}

static bool algorithm_of_all(struct chain_writer *cw, const struct payload *p)
{
    return put_signature(cw, p, "\xFF", 1, SIZE_MAX);
}

static bool algorithm_cut(struct chain_writer *cw, const struct payload *p)
{
    return put_signature(cw, p, "\x06\x30\x0A\x06\x08\x2A\x86", 7, SIZE_MAX);
}

static bool algorithm_unknown(struct chain_writer *cw, const struct payload *p)
{
    return put_signature(cw, p, "\x06\x30\x04\x06\x02\x2A\x03", 7, SIZE_MAX);
}

static bool algorithm_long(struct chain_writer *cw, const struct payload *p) /* a length of 2^32 - 1 */
{
    return put_signature(cw, p, "\x06\x30\x84\xFF\xFF\xFF\xFF", 7, SIZE_MAX);
}

static bool algorithm_sha1(struct chain_writer *cw, const struct payload *p) /* ecdsa-with-SHA1 */
{
    return put_signature(cw, p, "\x0B\x30\x09\x06\x07\x2A\x86\x48\xCE\x3D\x04\x01", 12, SIZE_MAX);
}

static bool algorithm_of_rsa(struct chain_writer *cw, const struct payload *p) /* sha256WithRSAEncryption */
{
    return put_signature(cw, p, "\x0F\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B\x05\x00", 16, SIZE_MAX);
}

static bool no_signature(struct chain_writer *cw, const struct payload *p)
{
    return p && put_signature(cw, p, p->body + AUTH_HEAD, 1U + p->body[AUTH_HEAD], 0);
}

static bool half_signature(struct chain_writer *cw, const struct payload *p)
{
    return p && put_signature(cw, p, p->body + AUTH_HEAD, 1U + p->body[AUTH_HEAD], 20);
}

static bool method_ecdsa(struct chain_writer *cw, const struct payload *p)
{
    return is(p, PAYLOAD_AUTH) && put_auth(cw, p, AUTH_ECDSA_256, p->len - 4);
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

static bool cert_empty(struct chain_writer *cw, const struct payload *p)
{
    return put_cert(cw, p, CERT_X509_SIGNATURE, "", 0);
}

static bool cert_junk(struct chain_writer *cw, const struct payload *p)
{
    return put_cert(cw, p, CERT_X509_SIGNATURE, "\x30\x84\xFF\xFF\xFF\xFF", 6);
}

static bool cert_by_url(struct chain_writer *cw, const struct payload *p)
{
    return put_cert(cw, p, CERT_HASH_URL, "01234567890123456789http://evil.example/", 40);
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
    copy(cw, p);
    return !certs(cw, NULL, 64);
}

/* PPKs (RFC 8784 3) -------------------------------------------------------------------------------------------------
 */

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
    const uint8_t head[AUTH_HEAD] = {AUTH_PSK};
    struct notify_payload n;

    if (notifies(p, NOTIFY_NO_PPK_AUTH, &n))
        return put(cw, PAYLOAD_AUTH, head, sizeof(head), n.data.data, n.data.len);
    return is(p, PAYLOAD_AUTH);
}

/* One without PPK, as the peer itself would be that has none. */
static bool ppk_never(struct chain_writer *cw, const struct payload *p)
{
    return ppk_not_named(cw, p) || ppk_not_used(cw, p);
}

static bool ppk_of_other(struct chain_writer *cw, const struct payload *p)
{
    struct notify_payload n;

    if (!notifies(p, NOTIFY_PPK_IDENTITY, &n))
        return false;
    payload_write_notify(cw, NOTIFY_PPK_IDENTITY, PROTO_NONE, NULL, 0, "\x02other", 6);
    return true;
}

static bool ppk_of_nobody(struct chain_writer *cw, const struct payload *p)
{
    struct notify_payload n;

    if (!notifies(p, NOTIFY_PPK_IDENTITY, &n))
        return false;
    payload_write_notify(cw, NOTIFY_PPK_IDENTITY, PROTO_NONE, NULL, 0, NULL, 0);
    return true;
}

/* The other PPK's proof is wrong too. */
static bool ppk_of_other_without(struct chain_writer *cw, const struct payload *p)
{
    struct notify_payload n;

    return ppk_of_other(cw, p) || notifies(p, NOTIFY_NO_PPK_AUTH, &n);
}

/* The other side of the test ----------------------------------------------------------------------------------------
 */

static void take_log(void *data, int from, const struct engine_log *l)
{
    const char *end = run.log + sizeof(run.log);
    int n;

    (void)data;
    if (from != !run.lie->from)
        return;
    n = snprintf(run.log + run.log_len, (size_t)(end - run.log) - run.log_len, "%s\n", l->text);
    assert_true(n > 0 && run.log_len + (size_t)n < sizeof(run.log));
    run.log_len += (size_t)n;
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

/* The lie, sealed by FROM and sent in place of C. */
static void tell(struct pair *p, const struct ike_header *h, const struct chain *c)
{
    int from = run.lie->from;
    struct ike_sa *sender = pair_sa(p, from), *to = pair_sa(p, !from);
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct packets ps = {0};
    uint64_t counter = COUNTER_FREE + run.counter++;

    (void)run.lie->write(&cw, NULL);
    for (size_t i = 0; i < c->n; i++)
        if (!run.lie->write(&cw, &c->p[i]))
            copy(&cw, &c->p[i]);
    assert_true(chain_ok(&cw));
    assert_int_equal(message_seal(sender->seal_out, &counter, h, &cw, 0, &ps), 0);
    assert_int_equal(ps.n, 1);
    run.told++;
    pair_inject(p, !from, &to->local, &to->remote, ps.p[0].data, ps.p[0].len);
    packets_clear(&ps);
}

static bool overhear(void *data, struct pair *p, int from, uint8_t *bytes, size_t len)
{
    static uint8_t opened[65536];
    struct ike_sa *to = pair_sa(p, !from);
    struct message_opened o;
    struct ike_header h;
    struct chain c;

    (void)data;
    assert_int_equal(header_read(bytes, len, &h), 0);
    if (h.exchange != IKE_AUTH || !to)
        return true;
    assert_true(len <= sizeof(opened));
    memcpy(opened, bytes, len);
    assert_int_equal(chain_read(h.next_payload, opened + IKE_HEADER_LEN, len - IKE_HEADER_LEN, &c), 0);
    assert_int_equal(message_open(to->seal_in, opened, len, &c, &o), 0);
    assert_int_equal(chain_read(o.inner, o.data, o.len, &c), 0);
    if (from == PAIR_A)
        see(&c);
    if (from != run.lie->from)
        return true;
    tell(p, &h, &c);
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

static void assert_honest(struct pair *p)
{
    p->filter = NULL;
    pair_initiate(p, PAIR_A, 2);
    if (!pair_until(p, pair_is_up, USEC_PER_MIN))
        fail_msg("%s: the honest attempt: %s", run.lie->name, p->node[PAIR_A].done[2]);
    assert_true(pair_packet(p, PAIR_A));
    assert_true(pair_packet(p, PAIR_B));
}

static void check(struct pair *p, const struct lie *l)
{
    run.lie = l;
    run.told = 0;
    run.log_len = 0;
    run.log[0] = '\0';
    p->filter = overhear;
    p->log = take_log;
    pair_initiate(p, PAIR_A, 1);
    if (!l->said) {
        if (!pair_until(p, pair_is_up, USEC_PER_MIN))
            fail_msg("%s: not let in: %s", l->name, run.log);
        assert_true(pair_packet(p, PAIR_A));
        assert_true(pair_packet(p, PAIR_B));
        assert_true(run.told > 0);
        return;
    }
    assert_true(pair_until(p, is_done, USEC_PER_HOUR));
    pair_run(p, USEC_PER_MIN);
    assert_true(run.told > 0);
    if (was_up(p, !l->from) || strcmp(p->node[PAIR_A].done[1], "ok") == 0)
        fail_msg("%s: let in: %s", l->name, run.log);
    if (!strstr(run.log, l->said))
        fail_msg("%s: \"%s\" was not said: %s", l->name, l->said, run.log);
    for (int node = 0; node < 2; node++)
        if (pair_sa(p, node))
            fail_msg("%s: %c keeps an IKE_SA", l->name, 'A' + node);
    assert_honest(p);
}

/* Tests ------------------------------------------------------------------------------------------------------------ */

static const struct lie psk_lies[] = {
    {"no AUTH body", PAIR_A, auth_nothing, "the proof of it is malformed"},
    {"empty proof", PAIR_A, auth_empty, "the proof of it is malformed"},
    {"short proof", PAIR_A, auth_short, "MAC mismatch"},
    {"long proof", PAIR_A, auth_long, "MAC mismatch"},
    {"zeros", PAIR_A, auth_zeros, "MAC mismatch"},
    {"huge proof", PAIR_A, auth_huge, "MAC mismatch"},
    {"one bit", PAIR_A, auth_other_bit, "MAC mismatch"},
    {"no proof", PAIR_A, auth_missing, "asks for EAP, which is not supported"},
    {"two proofs", PAIR_A, auth_twice, "malformed: AUTH"},
    {"RSA", PAIR_A, method_rsa, "with RSA signature, which is not configured for it"},
    {"a signature", PAIR_A, method_signature, "with digital signature, which is not configured for it"},
    {"NULL authentication", PAIR_A, method_null, "an unknown method"},
    {"method 0", PAIR_A, method_zero, "an unknown method"},
    {"method 255", PAIR_A, method_private, "an unknown method"},
    {"no proof", PAIR_B, auth_missing, "malformed: AUTH"},
    {"no AUTH body", PAIR_B, auth_nothing, "response is malformed"},
    {"empty proof", PAIR_B, auth_empty, "response is malformed"},
    {"short proof", PAIR_B, auth_short, "MAC mismatch"},
    {"long proof", PAIR_B, auth_long, "MAC mismatch"},
    {"zeros", PAIR_B, auth_zeros, "MAC mismatch"},
    {"huge proof", PAIR_B, auth_huge, "MAC mismatch"},
    {"one bit", PAIR_B, auth_other_bit, "MAC mismatch"},
    {"two proofs", PAIR_B, auth_twice, "malformed: AUTH"},
    {"RSA", PAIR_B, method_rsa, "with RSA signature, which is not configured for it"},
    {"a signature", PAIR_B, method_signature, "with digital signature, which is not configured for it"},
    {"NULL authentication", PAIR_B, method_null, "an unknown method"},
    {"reflected", PAIR_B, reflect, "MAC mismatch"},
    {"no identity", PAIR_A, id_missing, "malformed: IDi"},
    {"two identities", PAIR_A, id_twice, "malformed: IDi"},
    {"no identity body", PAIR_A, id_nothing, "the proof of it is malformed"},
    {"empty name", PAIR_A, id_empty_name, "the proof of it is malformed"},
    {"other identity", PAIR_A, id_of_other, "'somebody.example' is not ours"},
    {"short address", PAIR_A, id_short_address, "the proof of it is malformed"},
    {"long address", PAIR_A, id_long_address, "the proof of it is malformed"},
    {"broken DN", PAIR_A, id_no_dn, "the proof of it is malformed"},
    {"ID_NULL", PAIR_A, id_null, "the proof of it is malformed"},
    {"identity of type 0", PAIR_A, id_type_zero, "the proof of it is malformed"},
    {"long key id", PAIR_A, id_long_key, "the proof of it is malformed"},
    {"name with NUL", PAIR_A, id_with_nul, "the proof of it is malformed"},
    {"reserved bytes", PAIR_A, id_reserved, "MAC mismatch"},
    {"no identity", PAIR_B, id_missing, "malformed: IDr"},
    {"two identities", PAIR_B, id_twice, "malformed: IDr"},
    {"other identity", PAIR_B, id_of_other, "'somebody.example' is not ours"},
    {"broken DN", PAIR_B, id_no_dn, "response is malformed"},
    {"reserved bytes", PAIR_B, id_reserved, "MAC mismatch"},
    {"unknown critical payload", PAIR_A, unknown_critical, "insists on payload 200"},
    {"unknown critical payload", PAIR_B, unknown_critical, "insists on payload 200"},
    {"too many payloads", PAIR_A, too_many_certs, "its payloads do not fit"},
    {"too many payloads", PAIR_B, too_many_certs, "its payloads do not fit"},
    {"notifications first", PAIR_A, notifies_first, NULL},
    {"notifications first", PAIR_B, notifies_first, NULL},
    {"an error in a request", PAIR_A, error_in_request, NULL},
    {"a long token", PAIR_A, long_notify, NULL},
    {"a long token", PAIR_B, long_notify, NULL},
    {"unknown payload", PAIR_A, unknown_payload, NULL},
    {"unknown payload", PAIR_B, unknown_payload, NULL},
    {"certificates", PAIR_A, many_certs, NULL},
    {"certificates", PAIR_B, many_certs, NULL},
};

static void anybody(int node, struct ike_conf *c)
{
    (void)node;
    c->remote.id = identity_any();
}

static void test_psk(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(psk_lies); i++) {
        struct pair *p = pair_new(1, NULL);

        pair_load(p, PAIR_A, anybody);
        pair_load(p, PAIR_B, anybody);
        check(p, &psk_lies[i]);
        (void)pair_free(p);
    }
}

/* A's proof of before, in an IKE_SA with the same identities. */
static void test_replay(void **state)
{
    static const struct lie odd = {"an honest one", PAIR_A, unknown_payload, NULL};
    static const struct lie again = {"replayed", PAIR_A, replay, "MAC mismatch"};
    struct pair *p = pair_new(1, NULL);

    (void)state;
    pair_load(p, PAIR_A, anybody);
    pair_load(p, PAIR_B, anybody);
    check(p, &odd);
    (void)pair_free(p);
    run.earlier = run.seen;
    p = pair_new(2, NULL);
    pair_load(p, PAIR_A, anybody);
    pair_load(p, PAIR_B, anybody);
    check(p, &again);
    (void)pair_free(p);
}

static const struct lie signature_lies[] = {
    {"PSK", PAIR_A, method_psk, "with pre-shared key, which is not configured"},
    {"ECDSA of RFC 4754", PAIR_A, method_ecdsa, "signature validation"},
    {"RSA", PAIR_A, method_rsa, "signs with an algorithm that is not accepted"},
    {"NULL authentication", PAIR_A, method_null, "an unknown method"},
    {"empty proof", PAIR_A, auth_empty, "the proof of it is malformed"},
    {"zeros", PAIR_A, auth_zeros, "signature validation"},
    {"huge proof", PAIR_A, auth_huge, "signature validation"},
    {"one bit", PAIR_A, auth_other_bit, "signature validation"},
    {"long proof", PAIR_A, auth_long, "signature validation"},
    {"no algorithm", PAIR_A, no_algorithm, "signature validation"},
    {"algorithm of all", PAIR_A, algorithm_of_all, "signature validation"},
    {"algorithm cut", PAIR_A, algorithm_cut, "signature validation"},
    {"unknown algorithm", PAIR_A, algorithm_unknown, "signs with an algorithm that is not accepted"},
    {"long algorithm", PAIR_A, algorithm_long, "signature validation"},
    {"SHA-1", PAIR_A, algorithm_sha1, "signs with an algorithm that is not accepted"},
    {"RSA for ECDSA", PAIR_A, algorithm_of_rsa, "signs with an algorithm that is not accepted"},
    {"no signature", PAIR_A, no_signature, "signature validation"},
    {"half a signature", PAIR_A, half_signature, "signature validation"},
    {"other identity", PAIR_A, id_of_other, "the certificate does not say that"},
    {"reserved bytes", PAIR_A, id_reserved, "signature validation"},
    {"no certificate body", PAIR_A, cert_nothing, "no trusted public key found"},
    {"empty certificate", PAIR_A, cert_empty, "no trusted public key found"},
    {"broken certificate", PAIR_A, cert_junk, "no trusted public key found"},
    {"certificate by URL", PAIR_A, cert_by_url, "by URL"},
    {"no certificate", PAIR_A, cert_missing, "no trusted public key found"},
    {"the other's certificate", PAIR_A, cert_of_other, "the certificate does not say that"},
    {"other certificates first", PAIR_A, many_certs, "no trusted public key found"},
    {"PSK", PAIR_B, method_psk, "with pre-shared key, which is not configured"},
    {"one bit", PAIR_B, auth_other_bit, "signature validation"},
    {"reflected", PAIR_B, reflect, "the certificate does not say that"},
    {"no algorithm", PAIR_B, no_algorithm, "signature validation"},
    {"SHA-1", PAIR_B, algorithm_sha1, "signs with an algorithm that is not accepted"},
    {"no certificate", PAIR_B, cert_missing, "no trusted public key found"},
    {"the other's certificate", PAIR_B, cert_of_other, "the certificate does not say that"},
    {"other certificates behind", PAIR_A, certs_behind, NULL},
    {"other certificates behind", PAIR_B, certs_behind, NULL},
};

static void pubkey(int node, struct ike_conf *c)
{
    anybody(node, c);
    c->local.auth = c->remote.auth = CONF_AUTH_PUBKEY;
    c->local.certs[c->local.n_certs++] = cert_ref(pki_cert(run.own[node]));
}

static void give_pki(struct pair *p, int node)
{
    struct creds *creds = p->node[node].creds;
    struct pkey *key = NULL;

    assert_int_equal(creds_add_cert(creds, pki_cert(run.root), CREDS_CERT_CA), 0);
    assert_int_equal(creds_add_cert(creds, pki_cert(run.own[node]), CREDS_CERT_NONE), 0);
    assert_int_equal(pkey_of_evp(pkey_evp(pki_key(run.own[node])), &key), 0);
    assert_int_equal(creds_take_key(creds, key), 0);
}

static void test_signature(void **state)
{
    static const char *const names[2] = {"a", "b"}, *const sans[2] = {"DNS:a.example", "DNS:b.example"};

    (void)state;
    run.root = pki_make(&(struct pki_spec){.cn = "root", .ca = true, .from = WALL - YEAR, .until = WALL + YEAR});
    for (int node = 0; node < 2; node++)
        run.own[node] = pki_make(&(struct pki_spec){.cn = names[node],
                                                    .issuer = run.root,
                                                    .sans = sans[node],
                                                    .key = "P-256",
                                                    .from = WALL - YEAR,
                                                    .until = WALL + YEAR});
    for (size_t i = 0; i < ARRAY_LEN(signature_lies); i++) {
        struct pair *p = pair_new(1, NULL);

        for (int node = 0; node < 2; node++) {
            give_pki(p, node);
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
    {"not named", PAIR_A, ppk_not_named, "MAC mismatch"},
    {"not used", PAIR_A, ppk_not_used, "MAC mismatch"},
    {"another, and none without", PAIR_A, ppk_of_other_without, "PPK is not known"},
    {"not named", PAIR_B, ppk_not_named, "MAC mismatch"},
    {"none", PAIR_A, ppk_never, NULL},
    {"another", PAIR_A, ppk_of_other, NULL},
    {"nobody's", PAIR_A, ppk_of_nobody, NULL},
};

/* A does not insist, so that it proves itself without too; who does insist is not put off. */
static const struct lie insisted[] = {
    {"insisted: not named", PAIR_A, ppk_not_named, "uses no PPK, but one is required"},
    {"insisted: not used", PAIR_A, ppk_not_used, "MAC mismatch"},
    {"insisted: none", PAIR_A, ppk_never, "uses no PPK, but one is required"},
    {"insisted: another", PAIR_A, ppk_of_other, "PPK is not known"},
    {"insisted: nobody's", PAIR_A, ppk_of_nobody, "PPK is not known"},
    {"insisted: not named", PAIR_B, ppk_not_named, "did not use the PPK, but one is required"},
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
