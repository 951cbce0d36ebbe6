/* IKE_AUTH between two engines: PSKs, identities, certificates, PPKs, childless IKE_SAs, what is told beside. */
#include "engine/crypto/sign.h"
#include "engine/ike/auth.h"
#include "tests/exchange/pair_pki.h"

#include "base/array.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WALL PAIR_WALL
#define YEAR INT64_C(31536000)

/* What a case asks of both sides; change() reads it. */
static struct {
    void (*conf)(int node, struct ike_conf *c);
    struct pki_party *root, *ca, *own[2]; /* CA: an intermediate one */
} the;

static void quiet(int node, struct engine_settings *s)
{
    (void)node;
    s->cookie_threshold = 1000;
}

static bool is_done(struct pair *p)
{
    return p->node[PAIR_A].done[1][0] != '\0';
}

static void set_psk(struct pair *p, int node, const char *unique, const char *owner, const char *text)
{
    struct identity id;

    if (owner)
        assert_int_equal(identity_parse(owner, &id), 0);
    assert_int_equal(
        creds_take_shared(p->node[node].creds, CREDS_IKE, unique, &id, owner ? 1 : 0, secret_new(text, strlen(text))),
        0);
}

/* A begins; whether both are up. Otherwise nobody has an IKE_SA or a CHILD_SA left. */
static bool comes_up(struct pair *p)
{
    pair_initiate(p, PAIR_A, 1);
    if (pair_until(p, pair_is_up, 10 * USEC_PER_SEC)) {
        assert_string_equal(p->node[PAIR_A].done[1], "ok");
        return true;
    }
    assert_true(pair_until(p, is_done, USEC_PER_HOUR));
    pair_run(p, USEC_PER_MIN);
    for (int node = 0; node < 2; node++) {
        assert_null(pair_sa(p, node));
        assert_int_equal(pair_count_events(p, node, ENGINE_CHILD_UP), 0);
    }
    return false;
}

static bool said(struct pair *p, const char *what)
{
    if (strstr(p->node[PAIR_A].done[1], what))
        return true;
    print_error("\"%s\" is not in \"%s\"\n", what, p->node[PAIR_A].done[1]);
    return false;
}

static struct pair *loaded(void (*conf)(int node, struct ike_conf *c))
{
    struct pair *p = pair_new(1, quiet);

    pair_load(p, PAIR_A, conf);
    pair_load(p, PAIR_B, conf);
    return p;
}

/* PSK and identities ---------------------------------------------------------------------------------------------- */

static void test_psk(void **state)
{
    struct pair *p = loaded(NULL);
    char text[IDENTITY_TEXT_MAX];

    (void)state;
    assert_true(comes_up(p));
    assert_string_equal(identity_text(&pair_sa(p, PAIR_A)->peer, text), "b.example");
    assert_string_equal(identity_text(&pair_sa(p, PAIR_B)->peer, text), "a.example");
    assert_string_equal(identity_text(&pair_sa(p, PAIR_B)->me, text), "b.example");
    assert_int_equal(pair_sa(p, PAIR_A)->peer_auth, CONF_AUTH_PSK);
    (void)pair_free(p);
}

static void test_wrong_psk(void **state)
{
    struct pair *p = loaded(NULL);

    (void)state;
    set_psk(p, PAIR_B, "psk", NULL, "another key");
    assert_false(comes_up(p));
    assert_true(said(p, "AUTHENTICATION_FAILED"));
    (void)pair_free(p);
}

static void test_no_psk(void **state)
{
    struct pair *p = loaded(NULL);

    (void)state;
    creds_clear(p->node[PAIR_A].creds);
    assert_false(comes_up(p));
    assert_true(said(p, "no shared key found for 'a.example' - 'b.example'"));
    (void)pair_free(p);
}

/* The owner of a secret counts; that of the peer more than anybody's. */
static void test_psk_of_owner(void **state)
{
    struct pair *p = loaded(NULL);

    (void)state;
    set_psk(p, PAIR_A, "one", "b.example", "only for b");
    set_psk(p, PAIR_B, "one", "a.example", "only for b");
    assert_true(comes_up(p));
    (void)pair_free(p);
}

static void stranger(int node, struct ike_conf *c)
{
    if (node == PAIR_A)
        assert_int_equal(identity_parse("c.example", &c->local.id), 0);
}

static void test_unknown_initiator(void **state)
{
    struct pair *p = loaded(stranger);

    (void)state;
    assert_false(comes_up(p));
    assert_true(said(p, "AUTHENTICATION_FAILED"));
    (void)pair_free(p);
}

static void other_responder(int node, struct ike_conf *c)
{
    if (node == PAIR_A)
        assert_int_equal(identity_parse("c.example", &c->remote.id), 0);
}

static void test_responder_is_not_asked_for(void **state)
{
    struct pair *p = loaded(other_responder);

    (void)state;
    assert_false(comes_up(p));
    assert_true(said(p, "AUTHENTICATION_FAILED"));
    (void)pair_free(p);
}

/* No IDr with a wildcard: the responder shows itself, is refused, and is told so (RFC 7296 2.21.2). */
static void wildcard_responder(int node, struct ike_conf *c)
{
    if (node == PAIR_A)
        assert_int_equal(identity_parse("*.elsewhere", &c->remote.id), 0);
}

static void test_responder_is_refused(void **state)
{
    struct pair *p = loaded(wildcard_responder);

    (void)state;
    pair_initiate(p, PAIR_A, 1);
    pair_run(p, 10 * USEC_PER_SEC);
    assert_true(said(p, "'*.elsewhere' is required"));
    assert_null(pair_sa(p, PAIR_A));
    assert_null(pair_sa(p, PAIR_B));
    assert_int_equal(pair_count_events(p, PAIR_A, ENGINE_IKE_UP), 0);
    (void)pair_free(p);
}

static void anybody(int node, struct ike_conf *c)
{
    (void)node;
    c->local.id = c->remote.id = identity_any();
}

/* Without identities they are the addresses. */
static void test_addresses_as_identities(void **state)
{
    struct pair *p = loaded(anybody);
    char text[IDENTITY_TEXT_MAX];

    (void)state;
    assert_true(comes_up(p));
    assert_string_equal(identity_text(&pair_sa(p, PAIR_A)->peer, text), "203.0.113.2");
    assert_string_equal(identity_text(&pair_sa(p, PAIR_B)->peer, text), "198.51.100.2");
    (void)pair_free(p);
}

/* The responder's connections ------------------------------------------------------------------------------------- */

static void named_other(int node, struct ike_conf *c)
{
    (void)node;
    (void)str_copy(c->name, sizeof(c->name), "other");
    assert_int_equal(identity_parse("x.example", &c->remote.id), 0);
}

static void named_wild(int node, struct ike_conf *c)
{
    (void)node;
    (void)str_copy(c->name, sizeof(c->name), "wild");
    assert_int_equal(identity_parse("*.example", &c->remote.id), 0);
}

/* Three connections of the same addresses: the identity chooses, and a pattern gives way to a name. */
static void test_connection_by_identity(void **state)
{
    struct pair *p = pair_new(1, quiet);

    (void)state;
    pair_load(p, PAIR_A, NULL);
    pair_load(p, PAIR_B, named_other);
    pair_load(p, PAIR_B, named_wild);
    pair_load(p, PAIR_B, NULL);
    assert_true(comes_up(p));
    assert_string_equal(pair_sa(p, PAIR_B)->conf->name, "peer");
    (void)pair_free(p);
}

static void wants_pubkey(int node, struct ike_conf *c)
{
    named_wild(node, c);
    (void)identity_parse("a.example", &c->remote.id);
    c->remote.auth = CONF_AUTH_PUBKEY;
}

/* Of two that fit by name the one counts that the proof is for. */
static void test_connection_by_method(void **state)
{
    struct pair *p = pair_new(1, quiet);

    (void)state;
    pair_load(p, PAIR_A, NULL);
    pair_load(p, PAIR_B, wants_pubkey);
    pair_load(p, PAIR_B, NULL);
    assert_true(comes_up(p));
    assert_string_equal(pair_sa(p, PAIR_B)->conf->name, "peer");
    (void)pair_free(p);
}

/* Certificates ---------------------------------------------------------------------------------------------------- */

struct pki_case {
    const char *key, *sans[2];
    int64_t until; /* of A's certificate; 0: a year */
    int64_t from;
};

static void make_pki(const struct pki_case *c)
{
    static const char *const names[2] = {"a", "b"};

    the.root = pki_make(&(struct pki_spec){.cn = "root", .ca = true, .from = WALL - YEAR, .until = WALL + YEAR});
    the.ca = pki_make(&(struct pki_spec){
        .cn = "intermediate", .issuer = the.root, .ca = true, .from = WALL - YEAR, .until = WALL + YEAR});
    for (int node = 0; node < 2; node++)
        the.own[node] = pki_make(&(struct pki_spec){.cn = names[node],
                                                    .issuer = the.ca,
                                                    .sans = c->sans[node],
                                                    .key = c->key,
                                                    .from = node == PAIR_A && c->from ? c->from : WALL - YEAR,
                                                    .until = node == PAIR_A && c->until ? c->until : WALL + YEAR});
}

static void free_pki(void)
{
    for (int node = 0; node < 2; node++)
        the.own[node] = pki_free(the.own[node]);
    the.ca = pki_free(the.ca);
    the.root = pki_free(the.root);
}

/* Each side has the root, its own certificate and key, and the intermediate CA of its own chain. */
static void give_pki(struct pair *p, int node, bool intermediate)
{
    pair_certify(p, node, the.root, the.own[node]);
    if (intermediate)
        assert_int_equal(creds_add_cert(p->node[node].creds, pki_cert(the.ca), CREDS_CERT_CA), 0);
}

static void pubkey(int node, struct ike_conf *c)
{
    c->local.auth = c->remote.auth = CONF_AUTH_PUBKEY;
    c->local.certs[c->local.n_certs++] = cert_ref(pki_cert(the.own[node]));
    if (the.conf)
        the.conf(node, c);
}

static const struct pki_case names = {.sans = {"DNS:a.example", "DNS:b.example"}};

static struct pair *with_pki(const struct pki_case *c, void (*conf)(int node, struct ike_conf *c))
{
    struct pair *p = pair_new(1, quiet);

    make_pki(c);
    the.conf = conf;
    for (int node = 0; node < 2; node++) {
        give_pki(p, node, true);
        pair_load(p, node, pubkey);
    }
    return p;
}

static void done(struct pair *p)
{
    (void)pair_free(p);
    free_pki();
}

/* Every kind of key; the intermediate CA comes with the message where the peer lacks it (RFC 7296 3.6). */
static void test_certificates(void **state)
{
    static const char *const keys[] = {"RSA", "P-256", "P-384", "P-521"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct pki_case c = names;
        struct pair *p = pair_new(1, quiet);

        c.key = keys[i];
        make_pki(&c);
        the.conf = NULL;
        give_pki(p, PAIR_A, true);
        give_pki(p, PAIR_B, true);
        pair_load(p, PAIR_A, pubkey);
        pair_load(p, PAIR_B, pubkey);
        assert_true(comes_up(p));
        assert_int_equal(pair_sa(p, PAIR_A)->peer_auth, CONF_AUTH_PUBKEY);
        done(p);
    }
}

static bool no_hashes(void *data, struct pair *p, int from, uint8_t *bytes, size_t len)
{
    static const uint8_t type[2] = {NOTIFY_SIGNATURE_HASH_ALGORITHMS >> 8, NOTIFY_SIGNATURE_HASH_ALGORITHMS & 0xff};
    struct ike_header h;

    (void)data;
    (void)p;
    (void)from;
    if (header_read(bytes, len, &h) == 0 && h.exchange == IKE_SA_INIT)
        for (size_t i = IKE_HEADER_LEN; i + 2 <= len; i++)
            if (bytes[i] == type[0] && bytes[i + 1] == type[1])
                bytes[i] = 0xff; /* a private status type */
    return true;
}

/* What was changed on the way is found out, since AUTH covers the messages as they were sent (RFC 7296 2.15). */
static void test_changed_on_the_way(void **state)
{
    struct pair *p = loaded(NULL);

    (void)state;
    p->filter = no_hashes;
    assert_false(comes_up(p));
    assert_true(said(p, "AUTHENTICATION_FAILED"));
    (void)pair_free(p);
}

static void test_subject_as_identity(void **state)
{
    static const struct pki_case none = {0};
    struct pair *p = with_pki(&none, anybody);
    char text[IDENTITY_TEXT_MAX];

    (void)state;
    assert_true(comes_up(p));
    assert_string_equal(identity_text(&pair_sa(p, PAIR_A)->peer, text), "C=CH, O=Test, CN=b");
    done(p);
}

/* Who calls itself what its certificate does not say is not believed. */
static void test_identity_not_in_certificate(void **state)
{
    static const struct pki_case wrong = {.sans = {"DNS:x.example", "DNS:b.example"}};
    struct pair *p = with_pki(&wrong, NULL);

    (void)state;
    assert_false(comes_up(p));
    assert_true(said(p, "AUTHENTICATION_FAILED"));
    done(p);
}

/* A peer of the test's own making ---------------------------------------------------------------------------------- */

static bool stop_at_auth(void *data, struct pair *p, int from, uint8_t *bytes, size_t len)
{
    struct ike_header h;

    (void)data;
    (void)p;
    (void)from;
    return header_read(bytes, len, &h) == 0 && h.exchange == IKE_SA_INIT;
}

/* Whether B believes A, which shows ID with the certificate of OWN and signs with the key of SIGNER. */
static bool believes(struct pair *p, const char *id, const struct pki_party *own, const struct pki_party *signer,
                     char error[static AUTH_ERROR_MAX])
{
    const struct ike_sa *a = pair_sa(p, PAIR_A), *b = pair_sa(p, PAIR_B);
    struct auth_own mine = {
        .auth = CONF_AUTH_PUBKEY, .cert = pki_cert(own), .key = pki_key(signer), .hashes = sign_hashes_all()};
    static uint8_t buf[8192];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct auth_claim claim;
    struct auth_data data;
    struct chain c;
    size_t len;
    const uint8_t *der = cert_der(mine.cert, &len);

    assert_int_equal(identity_parse(id, &mine.id), 0);
    assert_true(auth_make(a, &a->keys, &mine, NULL, &data, error));
    auth_write_id(&cw, PAYLOAD_IDI, &mine.id);
    payload_write_cert(&cw, PAYLOAD_CERT, CERT_X509_SIGNATURE, der, len);
    payload_write_auth(&cw, data.method, data.data, data.len);
    assert_int_equal(chain_read(cw.first, buf, wr_len(&cw.w), &c), 0);
    assert_true(auth_read_claim(&c, PAYLOAD_IDI, &claim));
    return auth_check(b, &b->keys, b->conf, &b->conf->local.id, &claim, error);
}

/* Who calls itself what its certificate does not say, and who shows somebody else's, is not believed. */
static void test_liars(void **state)
{
    struct pair *p = with_pki(&names, NULL);
    char error[AUTH_ERROR_MAX];

    (void)state;
    p->filter = stop_at_auth;
    pair_initiate(p, PAIR_A, 1);
    pair_run(p, USEC_PER_SEC);
    assert_true(believes(p, "a.example", the.own[PAIR_A], the.own[PAIR_A], error));
    assert_false(believes(p, "a.example", the.own[PAIR_B], the.own[PAIR_B], error));
    assert_non_null(strstr(error, "does not say that"));
    assert_false(believes(p, "a.example", the.own[PAIR_A], the.own[PAIR_B], error));
    assert_non_null(strstr(error, "signature validation"));
    assert_false(believes(p, "b.example", the.own[PAIR_B], the.own[PAIR_B], error));
    assert_non_null(strstr(error, "'a.example' is required"));
    done(p);
}

static void test_expired(void **state)
{
    struct pki_case c = names;
    struct pair *p;

    (void)state;
    c.until = WALL - 10;
    p = with_pki(&c, NULL);
    assert_false(comes_up(p));
    assert_true(said(p, "AUTHENTICATION_FAILED"));
    done(p);
}

static void test_not_yet_valid(void **state)
{
    struct pki_case c = names;
    struct pair *p;

    (void)state;
    c.from = WALL + YEAR / 2;
    p = with_pki(&c, NULL);
    assert_false(comes_up(p));
    done(p);
}

static void list_as_revoked(struct pair *p, int node, const struct pki_party *whom)
{
    uint8_t crl[4096];
    size_t len = pki_crl(the.ca, whom, WALL - YEAR, WALL + YEAR, crl, sizeof(crl));

    assert_int_equal(trust_add_crl(creds_trust(p->node[node].creds), crl, len), 0);
}

static void test_revoked_initiator(void **state)
{
    struct pair *p = with_pki(&names, NULL);

    (void)state;
    list_as_revoked(p, PAIR_B, the.own[PAIR_A]);
    assert_false(comes_up(p));
    assert_true(said(p, "AUTHENTICATION_FAILED"));
    done(p);
}

/* The responder is up for a moment: it is told. */
static void test_revoked_responder(void **state)
{
    struct pair *p = with_pki(&names, NULL);

    (void)state;
    list_as_revoked(p, PAIR_A, the.own[PAIR_B]);
    pair_initiate(p, PAIR_A, 1);
    pair_run(p, 10 * USEC_PER_SEC);
    assert_true(said(p, "revoked"));
    assert_null(pair_sa(p, PAIR_A));
    assert_null(pair_sa(p, PAIR_B));
    done(p);
}

static void strict(int node, struct ike_conf *c)
{
    (void)node;
    c->remote.revocation = TRUST_REVOCATION_STRICT;
}

static void test_strict_revocation(void **state)
{
    struct pair *p = with_pki(&names, strict);

    (void)state;
    assert_false(comes_up(p));
    done(p);
}

/* Pinned, and without a CA ---------------------------------------------------------------------------------------- */

static void pinned(int node, struct ike_conf *c)
{
    c->remote.certs[c->remote.n_certs++] = cert_ref(pki_cert(the.own[!node]));
    c->send_cert = CONF_SEND_CERT_NEVER;
}

/* The peer's certificate is configured: it need not be sent, and needs no CA. */
static void test_pinned(void **state)
{
    struct pair *p = pair_new(1, quiet);

    (void)state;
    make_pki(&names);
    the.conf = pinned;
    for (int node = 0; node < 2; node++) {
        struct pkey *key = NULL;

        assert_int_equal(pkey_of_evp(pkey_evp(pki_key(the.own[node])), &key), 0);
        assert_int_equal(creds_take_key(p->node[node].creds, key), 0);
        pair_load(p, node, pubkey);
    }
    assert_true(comes_up(p));
    done(p);
}

static void pinned_wrongly(int node, struct ike_conf *c)
{
    if (node == PAIR_B)
        c->remote.certs[c->remote.n_certs++] = cert_ref(pki_cert(the.own[PAIR_B]));
}

static void test_not_the_pinned_one(void **state)
{
    struct pair *p = with_pki(&names, pinned_wrongly);

    (void)state;
    assert_false(comes_up(p));
    assert_true(said(p, "AUTHENTICATION_FAILED"));
    done(p);
}

static void under_the_ca(int node, struct ike_conf *c)
{
    if (node == PAIR_B)
        c->remote.cas[c->remote.n_cas++] = cert_ref(pki_cert(the.ca));
}

static void under_another_ca(int node, struct ike_conf *c)
{
    struct pki_party *other;

    if (node != PAIR_B)
        return;
    other = pki_make(&(struct pki_spec){.cn = "other", .ca = true, .from = WALL - YEAR, .until = WALL + YEAR});
    c->remote.cas[c->remote.n_cas++] = cert_ref(pki_cert(other));
    (void)pki_free(other);
}

static void test_ca_of_the_connection(void **state)
{
    struct pair *p = with_pki(&names, under_the_ca);

    (void)state;
    assert_true(comes_up(p));
    done(p);
    p = with_pki(&names, under_another_ca);
    assert_false(comes_up(p));
    assert_true(said(p, "AUTHENTICATION_FAILED"));
    done(p);
}

static void never_sent(int node, struct ike_conf *c)
{
    (void)node;
    c->send_cert = CONF_SEND_CERT_NEVER;
}

static void test_certificate_never_sent(void **state)
{
    struct pair *p = with_pki(&names, never_sent);

    (void)state;
    assert_false(comes_up(p));
    done(p);
}

static void not_asked_for(int node, struct ike_conf *c)
{
    (void)node;
    c->send_certreq = false;
}

static void always_sent(int node, struct ike_conf *c)
{
    (void)node;
    c->send_certreq = false;
    c->send_cert = CONF_SEND_CERT_ALWAYS;
}

/* RFC 7296 3.7: who does not ask gets none, unless it is always sent. */
static void test_certificate_if_asked(void **state)
{
    struct pair *p = with_pki(&names, not_asked_for);

    (void)state;
    assert_false(comes_up(p));
    done(p);
    p = with_pki(&names, always_sent);
    assert_true(comes_up(p));
    done(p);
}

/* Policies on algorithms ------------------------------------------------------------------------------------------ */

static void sha512_only(int node, struct ike_conf *c)
{
    (void)node;
    c->local.hashes = c->remote.hashes = SIGN_HASH(HASH_SHA2_512);
}

static void other_hashes(int node, struct ike_conf *c)
{
    if (node == PAIR_A)
        c->local.hashes = SIGN_HASH(HASH_SHA2_256);
    else
        c->remote.hashes = SIGN_HASH(HASH_SHA2_384);
}

/* Without a common hash of RFC 7427 it is method 9, whose hash is SHA-256 always. */
static void old_method(int node, struct ike_conf *c)
{
    if (node == PAIR_A)
        c->local.hashes = SIGN_HASH(HASH_SHA1);
    else
        c->remote.hashes = SIGN_HASH(HASH_SHA2_256);
}

static void old_method_refused(int node, struct ike_conf *c)
{
    old_method(node, c);
    if (node == PAIR_B)
        c->remote.hashes = SIGN_HASH(HASH_SHA2_384);
}

static void rsa_only(int node, struct ike_conf *c)
{
    if (node == PAIR_B)
        c->remote.keys = CONF_KEY(PKEY_RSA);
}

static void test_policies(void **state)
{
    struct pair *p = with_pki(&names, sha512_only);

    (void)state;
    assert_true(comes_up(p));
    done(p);
    p = with_pki(&names, other_hashes);
    assert_false(comes_up(p));
    done(p);
    p = with_pki(&names, old_method);
    assert_true(comes_up(p));
    done(p);
    p = with_pki(&names, old_method_refused);
    assert_false(comes_up(p));
    done(p);
    p = with_pki(&names, rsa_only);
    assert_false(comes_up(p));
    done(p);
}

static void psk_against_pubkey(int node, struct ike_conf *c)
{
    if (node == PAIR_B)
        c->remote.auth = CONF_AUTH_PUBKEY;
}

static void test_wrong_method(void **state)
{
    struct pair *p = loaded(psk_against_pubkey);

    (void)state;
    assert_false(comes_up(p));
    assert_true(said(p, "AUTHENTICATION_FAILED"));
    (void)pair_free(p);
}

/* RFC 7383: long messages in small datagrams, some of which are lost. */
static void test_fragments_and_loss(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct pki_case c = names;
        struct pair *p = pair_new(seed, quiet);

        c.key = "RSA";
        make_pki(&c);
        the.conf = NULL;
        for (int node = 0; node < 2; node++) {
            give_pki(p, node, true);
            pair_load(p, node, pubkey);
        }
        p->net = (struct pair_net){.loss = 10, .twice = 10, .delay = USEC_PER_MSEC, .jitter = USEC_PER_MSEC};
        pair_initiate(p, PAIR_A, 1);
        assert_true(pair_until(p, pair_is_up, 10 * USEC_PER_MIN));
        done(p);
    }
}

/* PPK (RFC 8784) -------------------------------------------------------------------------------------------------- */

static struct {
    bool has[2], required[2];
    const char *secret[2]; /* NULL: none */
} ppk;

static void with_ppk(int node, struct ike_conf *c)
{
    c->has_ppk = ppk.has[node];
    c->ppk_required = ppk.required[node];
    assert_int_equal(identity_parse("ppk.example", &c->ppk_id), 0);
}

static struct pair *ppk_pair(void)
{
    struct pair *p = loaded(with_ppk);
    struct identity id;

    assert_int_equal(identity_parse("ppk.example", &id), 0);
    for (int node = 0; node < 2; node++)
        if (ppk.secret[node])
            assert_int_equal(creds_take_shared(p->node[node].creds, CREDS_PPK, NULL, &id, 1,
                                               secret_new(ppk.secret[node], strlen(ppk.secret[node]))),
                             0);
    return p;
}

static void test_ppk(void **state)
{
    static const struct {
        bool has[2], required[2];
        const char *secret[2];
        bool up, used;
    } rows[] = {
        {{true, true}, {true, true}, {"quantum", "quantum"}, true, true},
        {{true, true}, {false, false}, {"quantum", "quantum"}, true, true},
        {{true, false}, {false, false}, {"quantum", NULL}, true, false},
        {{false, true}, {false, false}, {NULL, "quantum"}, true, false},
        {{true, true}, {false, false}, {"quantum", NULL}, true, false}, /* NO_PPK_AUTH */
        {{true, true}, {false, false}, {NULL, "quantum"}, true, false},
        {{true, true}, {true, false}, {"quantum", NULL}, false, false},
        {{true, false}, {true, false}, {"quantum", NULL}, false, false},
        {{false, true}, {false, true}, {NULL, "quantum"}, false, false},
        {{true, true}, {true, false}, {NULL, "quantum"}, false, false},
        {{true, true}, {false, true}, {"quantum", NULL}, false, false},
        {{true, true}, {false, false}, {"quantum", "another"}, false, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pair *p;

        memcpy(ppk.has, rows[i].has, sizeof(ppk.has));
        memcpy(ppk.required, rows[i].required, sizeof(ppk.required));
        memcpy(ppk.secret, rows[i].secret, sizeof(ppk.secret));
        p = ppk_pair();
        if (comes_up(p) != rows[i].up)
            fail_msg("row %zu", i);
        for (int node = 0; rows[i].up && node < 2; node++)
            assert_int_equal(pair_sa(p, node)->ppk_used, rows[i].used);
        (void)pair_free(p);
    }
}

/* Childless (RFC 6023) -------------------------------------------------------------------------------------------- */

static enum conf_childless childless[2];

static void set_childless(int node, struct ike_conf *c)
{
    c->childless = childless[node];
}

static void test_childless(void **state)
{
    static const struct {
        enum conf_childless mode[2];
        bool up;
    } rows[] = {
        {{CONF_CHILDLESS_PREFER, CONF_CHILDLESS_ALLOW}, true}, {{CONF_CHILDLESS_PREFER, CONF_CHILDLESS_NEVER}, true},
        {{CONF_CHILDLESS_FORCE, CONF_CHILDLESS_FORCE}, true},  {{CONF_CHILDLESS_FORCE, CONF_CHILDLESS_NEVER}, false},
        {{CONF_CHILDLESS_ALLOW, CONF_CHILDLESS_FORCE}, false}, {{CONF_CHILDLESS_NEVER, CONF_CHILDLESS_PREFER}, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pair *p;

        memcpy(childless, rows[i].mode, sizeof(childless));
        p = loaded(set_childless);
        if (comes_up(p) != rows[i].up)
            fail_msg("row %zu: %s", i, p->node[PAIR_A].done[1]);
        (void)pair_free(p);
    }
}

static bool ike_is_up(struct pair *p)
{
    return pair_count_sas(p, PAIR_A) == 1 && pair_count_sas(p, PAIR_B) == 1 && p->n_under_way == 0;
}

static void test_no_child_wanted(void **state)
{
    struct pair *p = loaded(NULL);

    (void)state;
    assert_int_equal(engine_initiate(p->node[PAIR_A].engine, p->now, "peer", NULL, 1), 0);
    assert_true(pair_until(p, ike_is_up, USEC_PER_SEC));
    assert_string_equal(p->node[PAIR_A].done[1], "ok");
    assert_int_equal(pair_count_children(p, PAIR_A), 0);
    (void)pair_free(p);
}

/* The CHILD_SA fails, the IKE_SA stands --------------------------------------------------------------------------- */

static void other_selectors(int node, struct ike_conf *c)
{
    if (node == PAIR_B)
        assert_int_equal(selector_parse("192.0.2.0/24", &c->children[0].local_ts.s[0]), 0);
}

/* RFC 7296 1.3.1 */
static void test_child_refused(void **state)
{
    struct pair *p = loaded(other_selectors);

    (void)state;
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, ike_is_up, USEC_PER_SEC));
    assert_true(said(p, "TS_UNACCEPTABLE"));
    assert_int_equal(pair_count_children(p, PAIR_A), 0);
    (void)pair_free(p);
}

/* Beside ---------------------------------------------------------------------------------------------------------- */

static void with_secret(int node, struct engine_settings *s)
{
    quiet(node, s);
    memset(s->secret, 1 + node, sizeof(s->secret));
}

/* RFC 6290 4.1: each side learns the other's token. */
static void test_quick_crash_detection(void **state)
{
    struct pair *p = pair_new(1, with_secret);

    (void)state;
    pair_load(p, PAIR_A, NULL);
    pair_load(p, PAIR_B, NULL);
    assert_true(comes_up(p));
    for (int node = 0; node < 2; node++) {
        const struct ike_sa *sa = pair_sa(p, node);
        uint8_t token[CORE_QCD_LEN];

        assert_true(core_qcd_token(p->node[!node].engine, sa->spi_i, sa->spi_r, token));
        assert_int_equal(sa->qcd_token_len, sizeof(token));
        assert_memory_equal(sa->qcd_token, token, sizeof(token));
    }
    (void)pair_free(p);
}

/* RFC 7296 2.4: the first IKE_SA of an initiator that lost its memory takes the place of the old one. */
static void test_initial_contact(void **state)
{
    struct pair *p = loaded(NULL);
    uint32_t old;

    (void)state;
    assert_true(comes_up(p));
    old = pair_sa(p, PAIR_B)->unique;
    assert_true(pair_sa(p, PAIR_A)->told_initial_contact);
    ike_sa_destroy(pair_sa(p, PAIR_A), "it forgot all", p->now);
    engine_tick(p->node[PAIR_A].engine, p->now);
    pair_initiate(p, PAIR_A, 2);
    assert_true(pair_until(p, pair_is_up, 10 * USEC_PER_SEC));
    assert_int_not_equal(pair_sa(p, PAIR_B)->unique, old);
    (void)pair_free(p);
}

/* Retransmission of IKE_AUTH (RFC 7296 2.1) ------------------------------------------------------------------------ */

static unsigned dropped;

static bool drop_auth_response(void *data, struct pair *p, int from, uint8_t *bytes, size_t len)
{
    struct ike_header h;

    (void)data;
    (void)p;
    if (from != PAIR_B || header_read(bytes, len, &h) < 0 || h.exchange != IKE_AUTH || dropped == 3)
        return true;
    dropped++;
    return false;
}

static void test_lost_auth_response(void **state)
{
    struct pair *p = loaded(NULL);

    (void)state;
    dropped = 0;
    p->filter = drop_auth_response;
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, pair_is_up, 2 * USEC_PER_MIN));
    assert_int_equal(dropped, 3);
    assert_int_equal(pair_count_events(p, PAIR_B, ENGINE_CHILD_UP), 1);
    (void)pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_psk),
        cmocka_unit_test(test_wrong_psk),
        cmocka_unit_test(test_no_psk),
        cmocka_unit_test(test_psk_of_owner),
        cmocka_unit_test(test_unknown_initiator),
        cmocka_unit_test(test_responder_is_not_asked_for),
        cmocka_unit_test(test_responder_is_refused),
        cmocka_unit_test(test_addresses_as_identities),
        cmocka_unit_test(test_connection_by_identity),
        cmocka_unit_test(test_connection_by_method),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_changed_on_the_way),
        cmocka_unit_test(test_subject_as_identity),
        cmocka_unit_test(test_identity_not_in_certificate),
        cmocka_unit_test(test_liars),
        cmocka_unit_test(test_expired),
        cmocka_unit_test(test_not_yet_valid),
        cmocka_unit_test(test_revoked_initiator),
        cmocka_unit_test(test_revoked_responder),
        cmocka_unit_test(test_strict_revocation),
        cmocka_unit_test(test_pinned),
        cmocka_unit_test(test_not_the_pinned_one),
        cmocka_unit_test(test_ca_of_the_connection),
        cmocka_unit_test(test_certificate_never_sent),
        cmocka_unit_test(test_certificate_if_asked),
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_wrong_method),
        cmocka_unit_test(test_fragments_and_loss),
        cmocka_unit_test(test_ppk),
        cmocka_unit_test(test_childless),
        cmocka_unit_test(test_no_child_wanted),
        cmocka_unit_test(test_child_refused),
        cmocka_unit_test(test_quick_crash_detection),
        cmocka_unit_test(test_initial_contact),
        cmocka_unit_test(test_lost_auth_response),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
