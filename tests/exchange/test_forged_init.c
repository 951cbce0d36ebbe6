/*
 * Attempts that somebody on the path spoils as well as can be done without the peer's secrets: forged answers to
 * IKE_SA_INIT of all kinds come before the real one, which may be lost the first time (RFC 7296 2.4, 2.6, 2.21.1); and
 * hints from nowhere (RFC 7296 1.5, RFC 6290).
 */
#include "engine/ike/engine_state.h"
#include "engine/ike/first.h"
#include "tests/exchange/forged.h"

#include "base/array.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#ifdef __SANITIZE_ADDRESS__
#define STEP 23
#else
#define STEP 1
#endif

static struct {
    unsigned drop_requests, drop_responses; /* IKE_SA_INIT messages that are lost, from the first on */
    uint8_t request[2048], response[2048];  /* the last ones */
    size_t request_len, response_len;
    unsigned n_other; /* that are not of IKE_SA_INIT, from A */
} net;

static bool watch(void *data, struct pair *p, int from, uint8_t *bytes, size_t len)
{
    unsigned *drop = from == PAIR_A ? &net.drop_requests : &net.drop_responses;

    (void)data;
    (void)p;
    if (bytes[18] != IKE_SA_INIT) {
        net.n_other += from == PAIR_A;
        return true;
    }
    assert_in_range(len, 1, sizeof(net.request));
    memcpy(from == PAIR_A ? net.request : net.response, bytes, len);
    *(from == PAIR_A ? &net.request_len : &net.response_len) = len;
    if (*drop == 0)
        return true;
    (*drop)--;
    return false;
}

static void settings(int node, struct engine_settings *s)
{
    memset(s->secret, 1 + node, sizeof(s->secret));
}

static void set_proposals(struct ike_conf *c, const char *text)
{
    char error[128];

    c->proposals.n = 0;
    assert_int_equal(proposals_parse(PROTO_IKE, text, false, &c->proposals, error, sizeof(error)), 0);
}

static void quiet(int node, struct ike_conf *c)
{
    (void)node;
    c->dpd_delay = 0;
}

/* A begins with Curve25519, B takes P-256 alone. */
static void other_group(int node, struct ike_conf *c)
{
    quiet(node, c);
    set_proposals(c, node == PAIR_A ? "aes128gcm16-prfsha256-x25519-ecp256" : "aes128gcm16-prfsha256-ecp256");
}

/* A can both and begins with Curve25519, which B takes alone. */
static void same_group(int node, struct ike_conf *c)
{
    quiet(node, c);
    set_proposals(c, node == PAIR_A ? "aes128gcm16-prfsha256-x25519-ecp256" : "aes128gcm16-prfsha256-x25519");
}

static struct pair *begun(void (*conf)(int node, struct ike_conf *c), unsigned drop_requests)
{
    struct pair *p = pair_new(1, settings);

    memset(&net, 0, sizeof(net));
    net.drop_requests = drop_requests;
    p->filter = watch;
    pair_load(p, PAIR_A, conf);
    pair_load(p, PAIR_B, conf);
    pair_initiate(p, PAIR_A, 1);
    (void)pair_until(p, pair_is_up, 0);
    assert_true(net.request_len > 0);
    return p;
}

static void assert_comes_up(struct pair *p)
{
    if (!pair_until(p, pair_is_up, 2 * USEC_PER_MIN))
        fail_msg("it does not come up: %s", p->node[PAIR_A].done[1]);
    assert_string_equal(p->node[PAIR_A].done[1], "ok");
    (void)pair_free(p);
}

/* A refusal by nobody, and the request that it refuses is lost. */
static void test_refused_and_lost(void **state)
{
    static const uint16_t types[] = {NOTIFY_NO_PROPOSAL_CHOSEN, NOTIFY_AUTHENTICATION_FAILED, NOTIFY_INVALID_SYNTAX,
                                     NOTIFY_INVALID_IKE_SPI,    NOTIFY_INVALID_MAJOR_VERSION, 8191};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct pair *p = begun(quiet, 1);

        forged_notify(p, types[i], NULL, 0);
        assert_comes_up(p);
    }
}

/* More COOKIEs and groups than an attempt takes at a time, before the peer asks for both. */
static void flood(struct pair *p)
{
    for (unsigned i = 0; i < 1000; i++) {
        char cookie[16];

        (void)str_format(cookie, sizeof(cookie), "forged %u", i);
        forged_notify(p, NOTIFY_COOKIE, cookie, strlen(cookie));
        forged_notify(p, NOTIFY_INVALID_KE_PAYLOAD, i % 2 ? "\0\23" : "\0\37", 2);
    }
}

static void test_flood_of_notifications(void **state)
{
    struct pair *p = begun(other_group, 100);

    (void)state;
    flood(p);
    net.drop_requests = 0;
    assert_comes_up(p);
    p = begun(same_group, 100);
    flood(p);
    net.drop_requests = 0;
    assert_comes_up(p);
}

/* Another group than the peer's, while the real answer is under way. */
static void test_other_group(void **state)
{
    struct pair *p = begun(same_group, 0);

    (void)state;
    forged_notify(p, NOTIFY_INVALID_KE_PAYLOAD, "\0\23", 2);
    assert_comes_up(p);
}

/* The real answer with another key, with each bit changed, and cut, comes before it. */
static void test_changed_answers(void **state)
{
    struct pair *p = begun(quiet, 0);
    struct ike_sa *sa = pair_sa(p, PAIR_A);
    uint8_t real[2048], bytes[2048];
    size_t len;

    (void)state;
    net.drop_responses = 1;
    pair_run(p, 10 * USEC_PER_MSEC);
    len = net.response_len;
    assert_true(len > 0);
    memcpy(real, net.response, len);
    for (size_t n = 0; n < len; n++) {
        memcpy(bytes, real, n);
        if (n >= IKE_HEADER_LEN) {
            bytes[26] = (uint8_t)(n >> 8);
            bytes[27] = (uint8_t)n;
        }
        pair_inject(p, PAIR_A, &sa->local, &sa->remote, bytes, n);
    }
    assert_int_equal(net.n_other, 0);
    for (size_t bit = 0; bit < 8 * len; bit += 7) {
        memcpy(bytes, real, len);
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        pair_inject(p, PAIR_A, &p->node[PAIR_A].addr, &p->node[PAIR_B].addr, bytes, len);
    }
    pair_inject(p, PAIR_A, &p->node[PAIR_A].addr, &p->node[PAIR_B].addr, real, len);
    assert_comes_up(p);
}

/* Somebody else's engine ------------------------------------------------------------------------------------------ */

static struct {
    uint8_t bytes[4096];
    size_t len;
} stranger_said;

static bool overhear(void *data, struct pair *p, int from, uint8_t *bytes, size_t len)
{
    (void)data;
    (void)p;
    assert_int_equal(from, PAIR_B);
    assert_in_range(len, 1, sizeof(stranger_said.bytes));
    memcpy(stranger_said.bytes, bytes, len);
    stranger_said.len = len;
    return false;
}

/* What A said last goes to the stranger Q, whose answer comes to A. */
static void stranger_answers(struct pair *q, struct pair *p, const uint8_t *bytes, size_t len)
{
    const struct ike_sa *sa = pair_sa(p, PAIR_A);
    struct addr local = sa->local, remote = sa->remote;

    stranger_said.len = 0;
    pair_inject(q, PAIR_B, &remote, &local, bytes, len);
    assert_true(stranger_said.len > 0);
    pair_inject(p, PAIR_A, &local, &remote, stranger_said.bytes, stranger_said.len);
}

static uint8_t auth[4096];
static size_t auth_len;

static bool catch_auth(void *data, struct pair *p, int from, uint8_t *bytes, size_t len)
{
    if (from == PAIR_A && bytes[18] == IKE_AUTH && auth_len == 0) {
        assert_in_range(len, 1, sizeof(auth));
        memcpy(auth, bytes, len);
        auth_len = len;
        return false;
    }
    return watch(data, p, from, bytes, len);
}

/* A faster stranger, without the PSK, does the whole key exchange and says under those keys that A is none: that is no
 * word of the peer's, whose answer comes half a second later. */
static void test_faster_stranger(void **state)
{
    struct pair *p, *q = pair_new(77, NULL);

    (void)state;
    assert_int_equal(creds_take_shared(q->node[PAIR_B].creds, CREDS_IKE, "psk", NULL, 0, secret_new("another", 7)), 0);
    pair_load(q, PAIR_B, quiet);
    q->filter = overhear;
    p = begun(quiet, 1);
    p->filter = catch_auth;
    auth_len = 0;
    stranger_answers(q, p, net.request, net.request_len);
    assert_true(auth_len > 0);
    stranger_answers(q, p, auth, auth_len);
    assert_string_equal(p->node[PAIR_A].done[1], "");
    pair_run(p, USEC_PER_SEC / 2);
    pair_inject(p, PAIR_B, &p->node[PAIR_B].addr, &p->node[PAIR_A].addr, net.request, net.request_len);
    (void)pair_free(q);
    assert_comes_up(p);
}

/* Everything ------------------------------------------------------------------------------------------------------ */

/* Each combination while IKE_SA_INIT is out. */
static void test_barrage(void **state)
{
    static struct forged f;
    struct pair *p = begun(other_group, UINT32_MAX);

    (void)state;
    forged_aim(&f, p, PAIR_A, pair_sa(p, PAIR_A));
    f.init = true;
    forged_barrage(&f, STEP);
    print_message("# IKE_SA_INIT is out: %llu packets, %llu answers and requests\n", (unsigned long long)f.sent,
                  (unsigned long long)f.answers);
    net.drop_requests = 0;
    assert_comes_up(p);
}

/* Hints ----------------------------------------------------------------------------------------------------------- */

static struct pair *up(void)
{
    struct pair *p = begun(quiet, 0);

    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
    net.n_other = 0;
    return p;
}

/* To A, about its IKE_SA; from anywhere. */
static void hint(struct pair *p, uint16_t type, const void *data, size_t len)
{
    const struct ike_sa *sa = pair_sa(p, PAIR_A);
    struct ike_header h = {.version = IKE_VERSION, .exchange = INFORMATIONAL, .flags = IKE_FLAG_RESPONSE};
    struct addr remote;
    uint8_t buf[256];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct packets ps = {0};

    assert_int_equal(addr_parse_port("192.0.2.77:500", &remote), 0);
    memcpy(h.spi_i, sa->spi_i, IKE_SPI_LEN);
    memcpy(h.spi_r, sa->spi_r, IKE_SPI_LEN);
    payload_write_notify(&cw, type, PROTO_NONE, NULL, 0, data, len);
    assert_int_equal(message_plain(&h, &cw, &ps), 0);
    pair_inject(p, PAIR_A, &sa->local, &remote, ps.p[0].data, ps.p[0].len);
    packets_clear(&ps);
}

/* However many hints, the peer is asked once in a second at most. */
static void test_hints_are_bounded(void **state)
{
    struct pair *p = up();

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        hint(p, NOTIFY_INVALID_IKE_SPI, NULL, 0);
        pair_run(p, USEC_PER_MSEC);
    }
    assert_in_range(net.n_other, 5, 10);
    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
    assert_int_equal(pair_count_events(p, PAIR_A, ENGINE_IKE_UP), 1);
    assert_int_equal(pair_count_events(p, PAIR_A, ENGINE_IKE_DOWN), 0);
    (void)pair_free(p);
}

/* RFC 6290 4: only the right token counts. */
static void test_tokens(void **state)
{
    struct pair *p = up();
    uint8_t token[CORE_QCD_LEN];

    (void)state;
    assert_true(core_qcd_token(p->node[PAIR_B].engine, pair_sa(p, PAIR_A)->spi_i, pair_sa(p, PAIR_A)->spi_r, token));
    for (size_t bit = 0; bit < 8 * sizeof(token); bit++) {
        token[bit / 8] ^= (uint8_t)(1U << bit % 8);
        hint(p, NOTIFY_QUICK_CRASH_DETECTION, token, sizeof(token));
        token[bit / 8] ^= (uint8_t)(1U << bit % 8);
        hint(p, NOTIFY_QUICK_CRASH_DETECTION, token, bit / 8);
    }
    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
    assert_int_equal(pair_count_events(p, PAIR_A, ENGINE_IKE_DOWN), 0);
    hint(p, NOTIFY_QUICK_CRASH_DETECTION, token, sizeof(token));
    assert_int_equal(pair_count_events(p, PAIR_A, ENGINE_IKE_DOWN), 1);
    (void)pair_free(p);
}

/* RFC 6290: a restarted peer says so in answer to a request of an IKE_SA that it does not know, few times in a second.
 */
static void test_answers_are_bounded(void **state)
{
    struct pair *p = up();
    uint8_t bytes[57] = {
        [16] = PAYLOAD_SK, [17] = IKE_VERSION, [18] = INFORMATIONAL, [19] = IKE_FLAG_INITIATOR, [27] = 57, [31] = 29};
    uint64_t before = p->sent;

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        bytes[0] = bytes[8] = (uint8_t)(i >> 8);
        bytes[1] = bytes[9] = (uint8_t)i;
        pair_inject(p, PAIR_B, &p->node[PAIR_B].addr, &p->node[PAIR_A].addr, bytes, sizeof(bytes));
    }
    assert_int_equal(p->sent - before, 20);
    (void)pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_and_lost),    cmocka_unit_test(test_flood_of_notifications),
        cmocka_unit_test(test_other_group),         cmocka_unit_test(test_changed_answers),
        cmocka_unit_test(test_faster_stranger),     cmocka_unit_test(test_barrage),
        cmocka_unit_test(test_hints_are_bounded),   cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_answers_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
