/* What a certificate says of itself. */
#include "base/array.h"
#include "base/strbuf.h"
#include "engine/crypto/cert.h"
#include "tests/unit/pki.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define FROM  1700000000
#define UNTIL 1800000000

static struct pki_party *leaf_of(const char *sans)
{
    return pki_make(&(struct pki_spec){.cn = "leaf", .sans = sans, .from = FROM, .until = UNTIL});
}

static void test_reads_the_fields(void **state)
{
    static const uint8_t subject[] = {0x30, 0x2b, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03,
                                      0x55, 0x04, 0x06, 0x13, 0x02, 'C',  'H'};
    cleanup(pki_freep) struct pki_party *p = leaf_of(NULL);
    const struct cert *c = pki_cert(p);
    const uint8_t *data;
    size_t len = 0;

    (void)state;
    assert_int_equal(cert_not_before(c), FROM * USEC_PER_SEC);
    assert_int_equal(cert_not_after(c), UNTIL * USEC_PER_SEC);
    assert_false(cert_is_ca(c));
    assert_true(pkey_same(cert_key(c), pki_key(p)));
    assert_int_equal(cert_sans(c), 0);
    data = cert_subject(c, &len);
    assert_int_equal(len, 45);
    assert_memory_equal(data + 2, subject + 2, sizeof(subject) - 2);
    data = cert_issuer(c, &len);
    assert_memory_equal(data, cert_subject(c, &len), len);
}

static void test_reads_the_names(void **state)
{
    static const struct {
        uint8_t type;
        const char *data;
        size_t len;
    } want[] = {
        {2, "a.example", 9},
        {3, "u@b.example", 11},
        {1, "\xc0\x00\x02\x01", 4},
        {5, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16},
    };
    cleanup(pki_freep) struct pki_party *p =
        leaf_of("DNS:a.example, email:u@b.example, URI:http://x.example, IP:192.0.2.1, IP:2001:db8::1");
    const struct cert *c = pki_cert(p);

    (void)state;
    assert_int_equal(cert_sans(c), ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        assert_int_equal(cert_san(c, i).type, want[i].type);
        assert_int_equal(cert_san(c, i).len, want[i].len);
        assert_memory_equal(cert_san(c, i).data, want[i].data, want[i].len);
    }
}

static void test_looks_at_so_many_names_only(void **state)
{
    cleanup(strbuf_done) struct strbuf sans;
    struct pki_party *p;

    (void)state;
    strbuf_init(&sans, 1024);
    strbuf_puts(&sans, "DNS:x");
    for (int i = 0; i < CERT_SANS_MAX + 8; i++)
        strbuf_puts(&sans, ",DNS:y");
    p = leaf_of(strbuf_text(&sans));
    assert_int_equal(cert_sans(pki_cert(p)), CERT_SANS_MAX);
    pki_free(p);
}

static void test_reads_pem_as_der(void **state)
{
    cleanup(pki_freep) struct pki_party *p = leaf_of(NULL);
    cleanup(cert_unrefp) struct cert *again = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;
    long len;

    (void)state;
    assert_int_equal(PEM_write_bio_X509(bio, cert_x509(pki_cert(p))), 1);
    len = BIO_get_mem_data(bio, &pem);
    assert_int_equal(cert_parse(pem, (size_t)len, &again), 0);
    assert_true(cert_equal(again, pki_cert(p)));
    BIO_free(bio);
}

static void test_refuses_what_is_no_certificate(void **state)
{
    cleanup(pki_freep) struct pki_party *p = leaf_of("DNS:a.example");
    uint8_t copy[CERT_FILE_MAX + 1] = {0};
    struct cert *c = NULL;
    size_t len;
    const uint8_t *der = cert_der(pki_cert(p), &len);

    (void)state;
    assert_int_equal(cert_parse(copy, sizeof(copy), &c), -EFBIG);
    memcpy(copy, der, len);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(cert_parse(copy, cut, &c), -EBADMSG);
    assert_int_equal(cert_parse(copy, len + 1, &c), -EBADMSG); /* a byte too many */
    /* Any byte may be wrong: it is read or refused, and never more than that. */
    for (size_t i = 0; i < len; i++) {
        copy[i] ^= 0xff;
        if (cert_parse(copy, len, &c) == 0)
            c = cert_unref(c);
        copy[i] ^= 0xff;
    }
    assert_null(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_the_fields),
        cmocka_unit_test(test_reads_the_names),
        cmocka_unit_test(test_looks_at_so_many_names_only),
        cmocka_unit_test(test_reads_pem_as_der),
        cmocka_unit_test(test_refuses_what_is_no_certificate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
