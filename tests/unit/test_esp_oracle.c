/* What ours seals scapy opens, and the other way round (oracle_esp.py). */
#include "engine/esp/sa.h"
#include "engine/esp/sa_state.h"

#include "base/random.h"
#include "tests/unit/esp_packet.h"
#include "tests/unit/oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define LEN_MAX 1400
#define STEP    97

static int start(void **state)
{
    (void)state;
    return oracle_start("tests/unit/oracle_esp.py");
}

static int stop(void **state)
{
    (void)state;
    return oracle_stop();
}

static void order(const char *what, const struct esp_config *c, uint64_t seq, const uint8_t *packet, size_t len)
{
    oracle_say("%s %u %d", what, c->spi, c->encr->id);
    oracle_say_bytes(c->key_encr, (size_t)c->encr->key_len + c->encr->salt_len);
    oracle_say(" %d", c->integ ? c->integ->id : 0);
    oracle_say_bytes(c->key_integ, c->integ ? c->integ->key_len : 0);
    oracle_say(" %d %llu", c->esn, (unsigned long long)seq);
    oracle_say_bytes(packet, len);
}

static void check_packet(const struct esp_config *c, struct esp_sa *out, struct esp_sa *in, const uint8_t *packet,
                         size_t len)
{
    uint8_t sealed[LEN_MAX + ESP_OVERHEAD], answer[ORACLE_ANSWER_MAX], *got = NULL;
    size_t n = 0, got_len = 0;

    assert_int_equal(esp_seal(out, packet, len, sealed, sizeof(sealed), &n), ESP_OK);
    order("open", c, out->sent, sealed, n);
    assert_int_equal(oracle_answer(answer), len);
    assert_memory_equal(answer, packet, len);

    order("seal", c, out->sent, packet, len);
    assert_int_equal(oracle_answer(answer), n);
    assert_int_equal(esp_open(in, answer, n, &got, &got_len), ESP_OK);
    assert_int_equal(got_len, len);
    assert_memory_equal(got, packet, len);
}

static void check_suite(const struct alg *encr, const struct alg *integ, bool esn)
{
    uint8_t key[ALG_KEY_MAX + ALG_SALT_MAX], key_integ[ALG_KEY_MAX], packet[LEN_MAX];
    const struct esp_config c = {.spi = 0xC0FFEE01,
                                 .encr = encr,
                                 .integ = integ,
                                 .key_encr = key,
                                 .key_integ = integ ? key_integ : NULL,
                                 .esn = esn,
                                 .window = 64};
    cleanup(esp_sa_freep) struct esp_sa *out = NULL, *in = NULL;

    random_bytes(key, sizeof(key));
    random_bytes(key_integ, sizeof(key_integ));
    assert_int_equal(esp_sa_new(&c, &out), 0);
    assert_int_equal(esp_sa_new(&c, &in), 0);
    if (esn) /* over the edge of the lower half */
        out->sent = in->replay.last = (UINT64_C(5) << 32) - 4;
    for (size_t len = PACKET_MIN6; len < LEN_MAX; len += STEP) {
        packet_ipv4(packet, len);
        check_packet(&c, out, in, packet, len);
        packet_ipv6(packet, len + 1);
        check_packet(&c, out, in, packet, len + 1);
    }
}

static void check_both(const struct alg *encr, const struct alg *integ)
{
    check_suite(encr, integ, false);
    check_suite(encr, integ, true);
}

static void test_all_suites(void **state)
{
    const struct alg *encr, *integ;
    size_t i = 0;

    (void)state;
    if (!oracle_is_there())
        skip();
    while ((encr = alg_next(&i))) {
        size_t k = 0;

        if (encr->type == ALG_ENCR && encr->aead)
            check_both(encr, NULL);
        while (encr->type == ALG_ENCR && !encr->aead && (integ = alg_next(&k)))
            if (integ->type == ALG_INTEG)
                check_both(encr, integ);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_suites),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
