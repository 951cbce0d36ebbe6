/* The bodies of the payloads but for SA and TS, against bytes written by hand from RFC 7296 3.4 to 3.15. */
#include "engine/wire/payload.h"
#include "tests/unit/wire_bytes.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_bytes(struct wire_bytes b, const char *hex)
{
    uint8_t expected[512];
    size_t len = unhex(hex, expected, sizeof(expected));

    assert_int_equal(b.len, len);
    assert_memory_equal(b.data, expected, len);
}

/* The one payload in CW: its type and all its bytes. */
static void assert_written(const struct chain_writer *cw, enum ike_payload type, const char *hex)
{
    assert_true(chain_ok(cw));
    assert_int_equal(cw->first, type);
    assert_bytes((struct wire_bytes){cw->w.start, wr_len(&cw->w)}, hex);
}

static void test_ke(void **state)
{
    uint8_t buf[64];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct ke_payload ke = {.group = 99};

    (void)state;
    assert_int_equal(payload_read_ke(body(PAYLOAD_KE, "0013 0000 aabbccdd"), &ke), 0);
    assert_int_equal(ke.group, 19);
    assert_bytes(ke.value, "aabbccdd");
    assert_int_equal(payload_read_ke(body(PAYLOAD_KE, "001f ffff aa"), &ke), 0); /* reserved, ignored */
    assert_int_equal(ke.group, 31);
    assert_int_equal(payload_read_ke(body(PAYLOAD_KE, "0013 0000"), &ke), -EBADMSG);
    assert_int_equal(payload_read_ke(body(PAYLOAD_KE, "0013 00"), &ke), -EBADMSG);
    assert_int_equal(payload_read_ke(body(PAYLOAD_KE, ""), &ke), -EBADMSG);
    assert_int_equal(ke.group, 31);

    payload_write_ke(&cw, 19, "\xaa\xbb\xcc\xdd", 4);
    assert_written(&cw, PAYLOAD_KE, "00 00 000c 0013 0000 aabbccdd");
}

static void test_id(void **state)
{
    uint8_t buf[64];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct id_payload id = {.type = 99};

    (void)state;
    assert_int_equal(payload_read_id(body(PAYLOAD_IDI, "01 000000 c0000201"), &id), 0);
    assert_int_equal(id.type, ID_IPV4_ADDR);
    assert_bytes(id.data, "c0000201");
    assert_bytes(id.body, "01000000c0000201");
    /* RFC 7296 2.15: AUTH covers the reserved bytes as they came */
    assert_int_equal(payload_read_id(body(PAYLOAD_IDR, "02 010203 7a"), &id), 0);
    assert_int_equal(id.type, ID_FQDN);
    assert_bytes(id.body, "020102037a");
    assert_int_equal(payload_read_id(body(PAYLOAD_IDR, "02 000000"), &id), -EBADMSG);
    assert_int_equal(payload_read_id(body(PAYLOAD_IDR, "02 0000"), &id), -EBADMSG);
    assert_int_equal(payload_read_id(body(PAYLOAD_IDR, ""), &id), -EBADMSG);
    assert_int_equal(id.type, ID_FQDN);

    payload_write_id(&cw, PAYLOAD_IDR, ID_FQDN, "moon", 4);
    assert_written(&cw, PAYLOAD_IDR, "00 00 000c 02 000000 6d6f6f6e");
}

static void test_cert(void **state)
{
    uint8_t buf[64];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct cert_payload cert;

    (void)state;
    assert_int_equal(payload_read_cert(body(PAYLOAD_CERT, "04 3082"), &cert), 0);
    assert_int_equal(cert.encoding, CERT_X509_SIGNATURE);
    assert_bytes(cert.data, "3082");
    assert_int_equal(payload_read_cert(body(PAYLOAD_CERTREQ, "04"), &cert), 0); /* RFC 7296 3.7: any authority */
    assert_bytes(cert.data, "");
    assert_int_equal(payload_read_cert(body(PAYLOAD_CERT, ""), &cert), -EBADMSG);

    payload_write_cert(&cw, PAYLOAD_CERTREQ, CERT_X509_SIGNATURE, "\x01\x02", 2);
    assert_written(&cw, PAYLOAD_CERTREQ, "00 00 0007 04 0102");
}

static void test_auth(void **state)
{
    uint8_t buf[64];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct auth_payload auth = {.method = 99};

    (void)state;
    assert_int_equal(payload_read_auth(body(PAYLOAD_AUTH, "02 00ff00 0102"), &auth), 0);
    assert_int_equal(auth.method, AUTH_PSK);
    assert_bytes(auth.data, "0102");
    assert_int_equal(payload_read_auth(body(PAYLOAD_AUTH, "0e 000000"), &auth), -EBADMSG);
    assert_int_equal(payload_read_auth(body(PAYLOAD_AUTH, "0e"), &auth), -EBADMSG);
    assert_int_equal(auth.method, AUTH_PSK);

    payload_write_auth(&cw, AUTH_DIGITAL_SIGNATURE, "\xfe", 1);
    assert_written(&cw, PAYLOAD_AUTH, "00 00 0009 0e 000000 fe");
}

/* RFC 7296 3.9: 16 to 256 bytes. */
static void test_nonce(void **state)
{
    static const uint8_t bytes[NONCE_MAX + 1] = {[0] = 7};
    uint8_t buf[64];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct wire_bytes nonce;

    (void)state;
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        const struct payload p = {.type = PAYLOAD_NONCE, .body = bytes, .len = len};
        int r = payload_read_nonce(&p, &nonce);

        assert_int_equal(r, len >= 16 && len <= 256 ? 0 : -EBADMSG);
        if (r == 0)
            assert_int_equal(nonce.len, len);
    }
    payload_write_nonce(&cw, bytes, NONCE_MIN);
    assert_written(&cw, PAYLOAD_NONCE, "00 00 0014 07000000000000000000000000000000");
}

static void test_notify(void **state)
{
    uint8_t buf[64];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct notify_payload n = {.type = 99};

    (void)state;
    assert_int_equal(payload_read_notify(body(PAYLOAD_NOTIFY, "00 00 0011 0013"), &n), 0);
    assert_int_equal(n.type, NOTIFY_INVALID_KE_PAYLOAD);
    assert_int_equal(n.spi.len, 0);
    assert_bytes(n.data, "0013");
    assert_int_equal(payload_read_notify(body(PAYLOAD_NOTIFY, "03 04 4009 c0ffee01"), &n), 0);
    assert_int_equal(n.protocol, PROTO_ESP);
    assert_int_equal(n.type, NOTIFY_REKEY_SA);
    assert_bytes(n.spi, "c0ffee01");
    assert_bytes(n.data, "");
    assert_int_equal(payload_read_notify(body(PAYLOAD_NOTIFY, "01 08 4009 0001020304050607 ff"), &n), 0);
    assert_bytes(n.spi, "0001020304050607");
    assert_bytes(n.data, "ff");
    assert_int_equal(payload_read_notify(body(PAYLOAD_NOTIFY, "03 04 4009 c0ffee"), &n), -EBADMSG);
    assert_int_equal(payload_read_notify(body(PAYLOAD_NOTIFY, "03 09 4009 000102030405060708"), &n), -EBADMSG);
    assert_int_equal(payload_read_notify(body(PAYLOAD_NOTIFY, "03 ff 4009 000102"), &n), -EBADMSG);
    assert_int_equal(payload_read_notify(body(PAYLOAD_NOTIFY, "00 00 40"), &n), -EBADMSG);
    assert_int_equal(n.protocol, PROTO_IKE);

    payload_write_notify(&cw, NOTIFY_REKEY_SA, PROTO_ESP, "\xc0\xff\xee\x01", 4, "\x05", 1);
    assert_written(&cw, PAYLOAD_NOTIFY, "00 00 000d 03 04 4009 c0ffee01 05");
    cw = chain_writer_of(buf, sizeof(buf));
    payload_write_notify(&cw, NOTIFY_INITIAL_CONTACT, PROTO_NONE, NULL, 0, NULL, 0);
    assert_written(&cw, PAYLOAD_NOTIFY, "00 00 0008 00 00 4000");
}

/* RFC 7296 3.11: an SPI has four bytes for ESP and AH, and the IKE_SA is named by the header alone. */
static void test_delete(void **state)
{
    uint8_t buf[64];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct delete_payload d = {.protocol = 99};

    (void)state;
    assert_int_equal(payload_read_delete(body(PAYLOAD_DELETE, "01 00 0000"), &d), 0);
    assert_int_equal(d.protocol, PROTO_IKE);
    assert_int_equal(d.n, 0);
    assert_int_equal(payload_read_delete(body(PAYLOAD_DELETE, "03 04 0002 c0ffee01 c0ffee02"), &d), 0);
    assert_int_equal(d.protocol, PROTO_ESP);
    assert_int_equal(d.n, 2);
    assert_bytes(d.spis, "c0ffee01c0ffee02");
    assert_int_equal(payload_read_delete(body(PAYLOAD_DELETE, "01 08 0001 0001020304050607"), &d), -EBADMSG);
    assert_int_equal(payload_read_delete(body(PAYLOAD_DELETE, "03 08 0001 0001020304050607"), &d), -EBADMSG);
    assert_int_equal(payload_read_delete(body(PAYLOAD_DELETE, "02 00 0001"), &d), -EBADMSG);
    assert_int_equal(payload_read_delete(body(PAYLOAD_DELETE, "03 04 0002 c0ffee01"), &d), -EBADMSG);
    assert_int_equal(payload_read_delete(body(PAYLOAD_DELETE, "03 04 0001 c0ffee01 00"), &d), -EBADMSG);
    assert_int_equal(payload_read_delete(body(PAYLOAD_DELETE, "03 04 ffff"), &d), -ENOSPC);
    assert_int_equal(payload_read_delete(body(PAYLOAD_DELETE, "03 04 00"), &d), -EBADMSG);
    assert_int_equal(payload_read_delete(body(PAYLOAD_DELETE, "09 09 0001 000102030405060708"), &d), -EBADMSG);
    assert_int_equal(d.n, 2);

    payload_write_delete_esp(&cw, (const uint32_t[]){0xc0ffee01, 2}, 2);
    assert_written(&cw, PAYLOAD_DELETE, "00 00 0010 03 04 0002 c0ffee01 00000002");
    cw = chain_writer_of(buf, sizeof(buf));
    payload_write_delete_ike(&cw);
    assert_written(&cw, PAYLOAD_DELETE, "00 00 0008 01 00 0000");
}

static void test_delete_has_a_maximum(void **state)
{
    static uint32_t spis[DELETE_SPIS_MAX + 1];
    uint8_t buf[1024];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct delete_payload d;
    struct chain c;

    (void)state;
    payload_write_delete_esp(&cw, spis, DELETE_SPIS_MAX);
    payload_write_delete_esp(&cw, spis, DELETE_SPIS_MAX + 1);
    assert_int_equal(chain_read(cw.first, buf, wr_len(&cw.w), &c), 0);
    assert_int_equal(payload_read_delete(&c.p[0], &d), 0);
    assert_int_equal(d.n, DELETE_SPIS_MAX);
    assert_int_equal(payload_read_delete(&c.p[1], &d), -ENOSPC);
}

/* RFC 7296 3.15 */
static void test_config(void **state)
{
    char many[16 + 8 * (CONFIG_ATTRS_MAX + 1)] = "01000000";
    struct config_payload cp = {.type = 99};

    (void)state;
    assert_int_equal(payload_read_config(body(PAYLOAD_CP, "01 000000  0001 0000  8003 0004 08080808"), &cp), 0);
    assert_int_equal(cp.type, 1);
    assert_int_equal(cp.n, 2);
    assert_int_equal(cp.attrs[0].type, 1);
    assert_int_equal(cp.attrs[0].value.len, 0);
    assert_int_equal(cp.attrs[1].type, 3); /* its reserved bit is ignored */
    assert_bytes(cp.attrs[1].value, "08080808");
    assert_int_equal(payload_read_config(body(PAYLOAD_CP, "02 000000"), &cp), 0);
    assert_int_equal(cp.n, 0);
    assert_int_equal(payload_read_config(body(PAYLOAD_CP, "01 000000 0001 0001"), &cp), -EBADMSG);
    assert_int_equal(payload_read_config(body(PAYLOAD_CP, "01 000000 0001"), &cp), -EBADMSG);
    assert_int_equal(payload_read_config(body(PAYLOAD_CP, "01 0000"), &cp), -EBADMSG);
    assert_int_equal(cp.type, 2);

    for (size_t i = 0; i < CONFIG_ATTRS_MAX; i++)
        memcpy(many + 8 + 8 * i, "00010000", 9);
    assert_int_equal(payload_read_config(body(PAYLOAD_CP, many), &cp), 0);
    assert_int_equal(cp.n, CONFIG_ATTRS_MAX);
    memcpy(many + 8 + 8 * CONFIG_ATTRS_MAX, "00010000", 9);
    assert_int_equal(payload_read_config(body(PAYLOAD_CP, many), &cp), -ENOSPC);
}

static void test_finds_notifications(void **state)
{
    uint8_t m[128];
    struct notify_payload n = {.type = 99};
    struct chain c;
    size_t len = unhex("29 00 0008 00 09 4006" /* malformed: passed over */
                       "29 00 0009 00 00 4006 aa"
                       "29 00 0009 00 00 4006 bb"
                       "29 00 0008 00 00 3fff" /* the last type of an error */
                       "00 00 0008 00 00 4000",
                       m, sizeof(m));

    (void)state;
    assert_int_equal(chain_read(PAYLOAD_NOTIFY, m, len, &c), 0);
    assert_true(chain_notify(&c, NOTIFY_COOKIE, &n));
    assert_bytes(n.data, "aa");
    assert_false(chain_notify(&c, NOTIFY_REKEY_SA, &n));
    assert_bytes(n.data, "aa");
    assert_true(chain_error(&c, &n));
    assert_int_equal(n.type, NOTIFY_ERROR_MAX);
    c.n = 3;
    assert_false(chain_error(&c, &n));
}

/* What does not fit into the buffer is seen in the end, whichever payload it is. */
static void test_writers_keep_to_the_buffer(void **state)
{
    static const struct selectors ss = {.n = 1, .s = {{.type = TS_IPV6_ADDR_RANGE}}};
    static const struct proposals ps = {.n = 1, .p = {{.spi_len = 4, .n_transforms = 1, .transforms = {{1, 12, 128}}}}};
    uint8_t buf[256];
    unsigned fitted = 0;

    (void)state;
    for (size_t size = 0; size < sizeof(buf); size++) {
        uint8_t *exact = malloc(size + !size);
        struct chain_writer cw = chain_writer_of(exact, size);

        assert_non_null(exact);
        payload_write_sa(&cw, &ps);
        payload_write_ke(&cw, 19, buf, 4);
        payload_write_nonce(&cw, buf, NONCE_MIN);
        payload_write_ts(&cw, PAYLOAD_TSI, &ss);
        payload_write_delete_esp(&cw, (const uint32_t[]){1}, 1);
        payload_write_notify(&cw, 1, 3, buf, 4, buf, 1);
        fitted += chain_ok(&cw);
        free(exact);
    }
    /* 28 + 12 + 20 + 48 + 12 + 13 bytes */
    assert_int_equal(fitted, sizeof(buf) - 133);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ke),
        cmocka_unit_test(test_id),
        cmocka_unit_test(test_cert),
        cmocka_unit_test(test_auth),
        cmocka_unit_test(test_nonce),
        cmocka_unit_test(test_notify),
        cmocka_unit_test(test_delete),
        cmocka_unit_test(test_delete_has_a_maximum),
        cmocka_unit_test(test_config),
        cmocka_unit_test(test_finds_notifications),
        cmocka_unit_test(test_writers_keep_to_the_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
