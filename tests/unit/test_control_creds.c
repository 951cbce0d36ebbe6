/* Certificates, keys, policies, counters over VICI, and what is refused. The engine is played. */
#include "base/array.h"
#include "tests/unit/control_host.h"
#include "tests/unit/pki.h"

#include <openssl/pem.h>

#define YEAR (365 * 24 * 3600)

struct pair {
    struct pki_party *ca, *own;
};

static void pair_done(struct pair *p)
{
    p->own = pki_free(p->own);
    p->ca = pki_free(p->ca);
}

static struct pair pair_make(void)
{
    struct pair p;

    p.ca = pki_make(&(struct pki_spec){.cn = "CA", .ca = true, .from = 0, .until = 100LL * YEAR});
    p.own = pki_make(&(struct pki_spec){
        .cn = "gateway", .issuer = p.ca, .sans = "DNS:gw.example", .from = 0, .until = 100LL * YEAR});
    return p;
}

/* A request of which one value is bytes. */
static const char *ask_data(struct host *h, const char *command, const char *spec, const void *data, size_t len)
{
    cleanup(strbuf_done) struct strbuf m, b;

    strbuf_init(&m, VICI_MESSAGE_MAX);
    strbuf_init(&b, VICI_PACKET_MAX);
    client_build(&m, spec);
    vici_put_bytes(&m, "data", data, len);
    vici_put_packet(&b, VICI_CMD_REQUEST, command, m.data, m.len);
    session_input(h->session, b.data, b.len);
    return host_next(h);
}

static const char *load_cert(struct host *h, const char *spec, const struct pki_party *p)
{
    size_t len;
    const uint8_t *der = cert_der(pki_cert(p), &len);

    return ask_data(h, "load-cert", spec, der, len);
}

static const char *load_key(struct host *h, const char *spec, const struct pki_party *p)
{
    BIO *bio = BIO_new(BIO_s_mem());
    const char *text;
    char *pem;
    long len;

    assert_int_equal(PEM_write_bio_PrivateKey(bio, pkey_evp(pki_key(p)), NULL, NULL, 0, NULL, NULL), 1);
    len = BIO_get_mem_data(bio, &pem);
    text = ask_data(h, "load-key", spec, pem, (size_t)len);
    BIO_free(bio);
    return text;
}

static void test_certificates_are_kept_and_listed(void **state)
{
    struct host *h = *state;
    cleanup(pair_done) struct pair p = pair_make();
    const char *text;

    assert_string_equal(load_cert(h, "type=X509 flag=NONE", p.own), "1 success=yes");
    assert_string_equal(load_cert(h, "type=X509 flag=CA", p.ca), "1 success=yes");
    assert_non_null(strstr(load_cert(h, "type=X509 flag=CA", p.own), "success=no errmsg=the certificate is none"));
    assert_string_equal(ask_data(h, "load-cert", "type=X509 flag=NONE", "junk", 4),
                        "1 success=no errmsg=parsing X509 certificate failed");
    assert_non_null(strstr(load_cert(h, "type=X509_AC flag=NONE", p.own), "'X509_AC' with this flag are not supp"));
    host_hear(h, "list-cert");
    text = host_ask(h, "list-certs", "type=ANY flag=ANY");
    assert_non_null(strstr(text, "7 list-cert type=X509 flag=NONE data="));
    assert_non_null(strstr(host_next(h), "7 list-cert type=X509 flag=CA data="));
    assert_string_equal(host_next(h), "1 ");
    assert_non_null(strstr(host_ask(h, "list-certs", "type=x509ca"), "flag=CA"));
    assert_string_equal(host_next(h), "1 ");
    assert_non_null(strstr(host_ask(h, "list-certs", "subject=gw.example"), "flag=NONE"));
    assert_string_equal(host_next(h), "1 ");
    assert_string_equal(host_ask(h, "list-certs", "type=X509_AC"), "1 ");
    assert_string_equal(host_ask(h, "clear-creds", ""), "1 success=yes");
    assert_string_equal(host_ask(h, "list-certs", ""), "1 ");
    assert_string_equal(host_ask(h, "flush-certs", "type=X509"), "1 success=yes");
}

static void test_takes_crls(void **state)
{
    struct host *h = *state;
    cleanup(pair_done) struct pair p = pair_make();
    uint8_t crl[4096];
    size_t len = pki_crl(p.ca, p.own, 0, 100LL * YEAR, crl, sizeof(crl));

    assert_string_equal(load_cert(h, "type=X509 flag=CA", p.ca), "1 success=yes");
    assert_string_equal(ask_data(h, "load-cert", "type=X509_CRL flag=NONE", crl, len), "1 success=yes");
    assert_int_equal(
        trust_verify(creds_trust(h->creds), pki_cert(p.own), NULL, 0, loop_wall(h->loop), TRUST_REVOCATION_RELAXED),
        TRUST_REVOKED);
    assert_string_equal(ask_data(h, "load-cert", "type=X509_CRL", "junk", 4),
                        "1 success=no errmsg=parsing X509_CRL certificate failed");
}

static void test_keys_are_kept_and_named(void **state)
{
    struct host *h = *state;
    cleanup(pair_done) struct pair p = pair_make();
    char id[2 * PKEY_ID_LEN + 1], expected[128];

    str_hex(id, pkey_id(pki_key(p.own)), PKEY_ID_LEN);
    assert_true(str_format(expected, sizeof(expected), "1 success=yes id=%s", id));
    assert_string_equal(load_key(h, "type=any", p.own), expected);
    assert_string_equal(load_key(h, "type=ecdsa", p.own), expected);
    assert_string_equal(load_key(h, "type=rsa", p.own), "1 success=no errmsg=parsing rsa private key failed");
    assert_true(str_format(expected, sizeof(expected), "1 keys[%s]", id));
    assert_string_equal(host_ask(h, "get-keys", ""), expected);
    assert_string_equal(load_cert(h, "type=X509 flag=NONE", p.own), "1 success=yes");
    host_hear(h, "list-cert");
    assert_non_null(strstr(host_ask(h, "list-certs", ""), "has_privkey=yes"));
    assert_string_equal(host_next(h), "1 ");
    assert_true(str_format(expected, sizeof(expected), "id=%s", id));
    assert_string_equal(host_ask(h, "unload-key", expected), "1 success=yes");
    assert_string_equal(host_ask(h, "unload-key", expected), "1 success=no errmsg=key not found");
    assert_string_equal(host_ask(h, "unload-key", "id=zz"), "1 success=no errmsg=failed to parse key id");
    assert_string_equal(host_ask(h, "get-keys", ""), "1 keys[]");
}

static void test_policies_are_installed_and_listed(void **state)
{
    struct host *h = *state;

    host_load(h, CONN("aws"));
    host_hear(h, "list-policy");
    assert_string_equal(host_ask(h, "uninstall", "child=net"), "1 success=no errmsg=policy 'net' not found");
    assert_string_equal(host_ask(h, "install", "child=no"), "1 success=no errmsg=configuration name not found");
    assert_string_equal(host_ask(h, "install", ""), "1 success=no errmsg=missing configuration name");
    assert_string_equal(host_ask(h, "list-policies", "trap=yes"), "1 ");
    assert_string_equal(host_ask(h, "install", "child=net"), "1 success=yes");
    assert_string_equal(host_ask(h, "list-policies", "trap=yes drop=yes pass=yes"),
                        "7 list-policy aws/net{child=net ike=aws mode=TUNNEL local-ts[10.0.0.0/16] "
                        "remote-ts[10.1.0.0/16]}");
    assert_string_equal(host_next(h), "1 ");
    assert_string_equal(host_ask(h, "list-policies", "drop=yes"), "1 ");
    assert_string_equal(host_ask(h, "list-policies", "trap=yes child=other"), "1 ");
    assert_string_equal(host_ask(h, "uninstall", "child=net ike=aws"), "1 success=yes");
    assert_string_equal(host_ask(h, "list-policies", "trap=yes"), "1 ");
}

static void test_counters(void **state)
{
    struct host *h = *state;
    struct counters *cs = h->engine.counters;
    const char *text;

    assert_string_equal(host_ask(h, "get-counters", "all=yes"), "1 counters{} success=yes");
    counters_add(cs, NULL, ENGINE_IKE_REKEY_INIT);
    counters_add(cs, "aws", ENGINE_IKE_REKEY_INIT);
    counters_add(cs, "other", ENGINE_IKE_REKEY_RESP);
    assert_non_null(strstr(host_ask(h, "get-counters", ""), "1 counters{{ike-rekey-init=2 ike-rekey-resp=1 "));
    assert_non_null(
        strstr(host_ask(h, "get-counters", "name=aws"), "1 counters{aws{ike-rekey-init=1 ike-rekey-resp=0 "));
    text = host_ask(h, "get-counters", "all=yes name=aws");
    assert_non_null(strstr(text, "aws{ike-rekey-init=1 "));
    assert_non_null(strstr(text, "other{ike-rekey-init=0 ike-rekey-resp=1 "));
    assert_string_equal(host_ask(h, "get-counters", "name=nope"),
                        "1 counters{} success=no errmsg=no counters found for this connection");
}

static void test_counters_begin_anew(void **state)
{
    struct host *h = *state;
    struct counters *cs = h->engine.counters;

    counters_add(cs, "aws", ENGINE_IKE_REKEY_INIT);
    counters_add(cs, "other", ENGINE_IKE_REKEY_INIT);
    assert_string_equal(host_ask(h, "reset-counters", "name=nope"), "1 success=yes");
    assert_string_equal(host_ask(h, "reset-counters", "name=aws"), "1 success=yes");
    assert_non_null(strstr(host_ask(h, "get-counters", "name=aws"), "success=no"));
    assert_non_null(strstr(host_ask(h, "get-counters", "name=other"), "success=yes"));
    assert_string_equal(host_ask(h, "reset-counters", "all=yes"), "1 success=yes");
    assert_string_equal(host_ask(h, "get-counters", "all=yes"), "1 counters{} success=yes");
    assert_non_null(strstr(host_ask(h, "get-counters", ""), "1 counters{{ike-rekey-init=2 "));
    assert_string_equal(host_ask(h, "reset-counters", ""), "1 success=yes");
    assert_non_null(strstr(host_ask(h, "get-counters", ""), "1 counters{{ike-rekey-init=0 "));
}

static void test_says_what_there_is(void **state)
{
    struct host *h = *state;
    const char *text = host_ask(h, "get-algorithms", "");

    assert_non_null(strstr(text, "encryption{AES_CBC=openssl}"));
    assert_non_null(strstr(text, "aead{AES_GCM_16=openssl CHACHA20_POLY1305=openssl}"));
    assert_non_null(strstr(text, "MODP_2048=openssl"));
    assert_null(strstr(text, "MODP_1024="));
    assert_non_null(strstr(text, "HASH_IDENTITY=openssl} prf{"));
    assert_non_null(strstr(text, "xof{} kdf{KDF_PRF=engine KDF_PRF_PLUS=engine} drbg{} dh{"));
    assert_non_null(strstr(text, "rng{RNG_WEAK=kernel RNG_STRONG=kernel RNG_TRUE=kernel} nonce-gen{NONCE_GEN=kernel}"));
    assert_string_equal(host_ask(h, "get-pools", "leases=yes"), "1 ");
    assert_string_equal(host_ask(h, "get-authorities", ""), "1 authorities[]");
    assert_string_equal(host_ask(h, "reload-settings", ""), "1 success=yes");
}

static void test_refuses_by_name(void **state)
{
    static const struct {
        const char *command, *spec, *says;
    } cases[] = {
        {"load-pool", "rw{addrs=10.3.0.0/24}", "errmsg=pool 'rw': pools are not supported"},
        {"unload-pool", "name=rw", "errmsg=unload: pool 'rw' not found"},
        {"load-authority", "x{cacert=abc}", "errmsg=certification authority section 'x'"},
        {"unload-authority", "name=x", "errmsg=unload: authority 'x' not found"},
        {"load-token",
         "handle=01 pin="
         "1234",
         "errmsg=private keys on tokens are not supported"},
        {"redirect", "ike=aws gateway=192.0.2.9", "errmsg=redirecting (RFC 5685) is not supported"},
    };
    struct host *h = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *text = host_ask(h, cases[i].command, cases[i].spec);

        assert_non_null(strstr(text, "1 success=no "));
        assert_non_null(strstr(text, cases[i].says));
        assert_null(strstr(text, "1234"));
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, host_setup, host_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_certificates_are_kept_and_listed),
        T(test_takes_crls),
        T(test_keys_are_kept_and_named),
        T(test_policies_are_installed_and_listed),
        T(test_counters),
        T(test_counters_begin_anew),
        T(test_says_what_there_is),
        T(test_refuses_by_name),
    };

    return cmocka_run_group_tests_name("control_creds", tests, NULL, NULL);
}
