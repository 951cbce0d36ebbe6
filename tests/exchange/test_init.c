/* IKE_SA_INIT: COOKIE, INVALID_KE_PAYLOAD and both, answers that nobody vouches for, NAT detection. */
#include "engine/ike/first.h"
#include "tests/exchange/forged.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define REQUESTS_MAX 64

/* The IKE_SA_INIT messages that pass, as they are seen on the way. */
struct seen {
    unsigned requests, responses;
    uint8_t request[REQUESTS_MAX][2048];
    size_t len[REQUESTS_MAX];
    unsigned drop_responses; /* the first ones */
    bool drop_all;
};

static bool watch(void *data, struct pair *p, int from, uint8_t *bytes, size_t len)
{
    struct seen *s = data;
    struct ike_header h;

    (void)p;
    if (header_read(bytes, len, &h) < 0 || h.exchange != IKE_SA_INIT)
        return true;
    if (from == PAIR_A && s->requests < REQUESTS_MAX && len <= sizeof(s->request[0])) {
        memcpy(s->request[s->requests], bytes, len);
        s->len[s->requests++] = len;
    }
    if (from == PAIR_B)
        s->responses++;
    return !s->drop_all && (from != PAIR_B || s->responses > s->drop_responses);
}

static void read_seen(const struct seen *s, unsigned i, struct ike_header *h, struct chain *ret)
{
    assert_true(i < s->requests);
    assert_int_equal(header_read(s->request[i], s->len[i], h), 0);
    assert_int_equal(chain_read(h->next_payload, s->request[i] + IKE_HEADER_LEN, s->len[i] - IKE_HEADER_LEN, ret), 0);
}

static bool has_cookie(const struct seen *s, unsigned i)
{
    struct ike_header h;
    struct chain c;
    struct notify_payload n;

    read_seen(s, i, &h, &c);
    return chain_notify(&c, NOTIFY_COOKIE, &n);
}

static uint16_t group_of(const struct seen *s, unsigned i)
{
    struct ike_header h;
    struct chain c;
    struct ke_payload ke;

    read_seen(s, i, &h, &c);
    assert_int_equal(payload_read_ke(chain_find(&c, PAYLOAD_KE, NULL), &ke), 0);
    return ke.group;
}

/* RFC 7296 2.6: what does not change between the requests of one attempt. */
static void assert_same_attempt(const struct seen *s)
{
    struct ike_header first, h;
    struct chain a, b;
    struct wire_bytes na, nb;

    read_seen(s, 0, &first, &a);
    assert_int_equal(payload_read_nonce(chain_find(&a, PAYLOAD_NONCE, NULL), &na), 0);
    for (unsigned i = 1; i < s->requests; i++) {
        read_seen(s, i, &h, &b);
        assert_int_equal(payload_read_nonce(chain_find(&b, PAYLOAD_NONCE, NULL), &nb), 0);
        assert_memory_equal(first.spi_i, h.spi_i, IKE_SPI_LEN);
        assert_int_equal(h.message_id, 0);
        assert_memory_equal(na.data, nb.data, na.len);
    }
}

static void ask_cookies(int node, struct engine_settings *s)
{
    if (node == PAIR_B)
        s->cookie_threshold = 0;
}

static void no_cookies(int node, struct engine_settings *s)
{
    (void)node;
    s->cookie_threshold = 1000;
    s->raw_esp = true;
}

static void set_proposals(struct ike_conf *c, const char *text)
{
    char error[128];

    c->proposals.n = 0;
    assert_int_equal(proposals_parse(PROTO_IKE, text, false, &c->proposals, error, sizeof(error)), 0);
}

/* A begins with Curve25519, B wants P-256. */
static void other_group(int node, struct ike_conf *c)
{
    set_proposals(c, node == PAIR_A ? "aes128gcm16-prfsha256-x25519-ecp256" : "aes128gcm16-prfsha256-ecp256");
}

static void nothing_common(int node, struct ike_conf *c)
{
    set_proposals(c, node == PAIR_A ? "aes128gcm16-prfsha256-x25519" : "aes256gcm16-prfsha256-x25519");
}

static struct pair *begun(struct seen *s, void (*settings)(int node, struct engine_settings *s),
                          void (*conf)(int node, struct ike_conf *c))
{
    struct pair *p = pair_new(1, settings);

    memset(s, 0, sizeof(*s));
    pair_load(p, PAIR_A, conf);
    pair_load(p, PAIR_B, conf);
    p->filter = watch;
    p->filter_data = s;
    return p;
}

static struct seen seen;

/* RFC 7296 2.6 */
static void test_cookie(void **state)
{
    struct pair *p = begun(&seen, ask_cookies, NULL);

    (void)state;
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
    assert_int_equal(seen.requests, 2);
    assert_false(has_cookie(&seen, 0));
    assert_true(has_cookie(&seen, 1));
    assert_same_attempt(&seen);
    (void)pair_free(p);
}

/* RFC 7296 1.2 */
static void test_invalid_ke(void **state)
{
    struct pair *p = begun(&seen, no_cookies, other_group);

    (void)state;
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
    assert_int_equal(seen.requests, 2);
    assert_int_equal(group_of(&seen, 0), 31);
    assert_int_equal(group_of(&seen, 1), 19);
    assert_same_attempt(&seen);
    assert_int_equal(pair_sa(p, PAIR_A)->suite.dh->id, 19);
    (void)pair_free(p);
}

/* RFC 7296 2.6.1: the COOKIE stays in the request with the other group, which saves a round trip. */
static void test_cookie_and_invalid_ke(void **state)
{
    struct pair *p = begun(&seen, ask_cookies, other_group);

    (void)state;
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
    assert_int_equal(seen.requests, 3);
    assert_true(has_cookie(&seen, 1));
    assert_int_equal(group_of(&seen, 1), 31);
    assert_true(has_cookie(&seen, 2));
    assert_int_equal(group_of(&seen, 2), 19);
    assert_same_attempt(&seen);
    (void)pair_free(p);
}

/* Retransmission ------------------------------------------------------------------------------------------------- */

/* RFC 7296 2.1: the response that was lost is sent again, and no second IKE_SA is made. */
static void test_lost_response(void **state)
{
    struct pair *p = begun(&seen, no_cookies, NULL);

    (void)state;
    seen.drop_responses = 2;
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, pair_is_up, USEC_PER_MIN));
    assert_int_equal(seen.requests, 3);
    assert_int_equal(seen.len[0], seen.len[2]);
    assert_memory_equal(seen.request[0], seen.request[2], seen.len[0]);
    assert_int_equal(pair_count_events(p, PAIR_B, ENGINE_IKE_UP), 1);
    assert_int_equal(engine_half_open(p->node[PAIR_B].engine), 0);
    (void)pair_free(p);
}

static void other_group_for_ever(int node, struct ike_conf *c)
{
    other_group(node, c);
    c->keyingtries = 0;
}

/* COOKIE and INVALID_KE_PAYLOAD, with datagrams that are lost, doubled and late. */
static void test_bad_network(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct pair *p = pair_new(seed, ask_cookies);

        pair_load(p, PAIR_A, other_group_for_ever);
        pair_load(p, PAIR_B, other_group_for_ever);
        p->net = (struct pair_net){.loss = 30, .twice = 30, .delay = 10 * USEC_PER_MSEC, .jitter = 5 * USEC_PER_SEC};
        pair_initiate(p, PAIR_A, 1);
        if (!pair_until(p, pair_is_up, USEC_PER_HOUR))
            fail_msg("seed %u", (unsigned)seed);
        (void)pair_free(p);
    }
}

/* Forged answers -------------------------------------------------------------------------------------------------- */

/* One that goes on, with PROPOSAL. */
static void forge_answer(struct pair *p, const char *proposal, uint8_t spi)
{
    const struct ike_sa *sa = pair_sa(p, PAIR_A);
    struct ike_header h = {.version = IKE_VERSION, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_RESPONSE, .spi_r = {spi}};
    struct proposals ps = {0};
    uint8_t buf[1024], value[32] = {9}, nonce[32] = {1};
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct packets out = {0};
    char error[128];

    memcpy(h.spi_i, sa->spi_i, IKE_SPI_LEN);
    assert_int_equal(proposals_parse(PROTO_IKE, proposal, false, &ps, error, sizeof(error)), 0);
    payload_write_sa(&cw, &ps);
    payload_write_ke(&cw, 31, value, sizeof(value));
    payload_write_nonce(&cw, nonce, sizeof(nonce));
    assert_int_equal(message_plain(&h, &cw, &out), 0);
    pair_inject(p, PAIR_A, &sa->local, &sa->remote, out.p[0].data, out.p[0].len);
    packets_clear(&out);
}

/* RFC 7296 2.21.1: what nobody vouches for does not end the attempt. */
static void test_forged_answers(void **state)
{
    static const uint16_t errors[] = {NOTIFY_NO_PROPOSAL_CHOSEN, NOTIFY_AUTHENTICATION_FAILED, NOTIFY_INVALID_SYNTAX,
                                      NOTIFY_INVALID_IKE_SPI,    NOTIFY_INVALID_MAJOR_VERSION, 8191};
    struct pair *p = begun(&seen, no_cookies, NULL);

    (void)state;
    pair_initiate(p, PAIR_A, 1);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        forged_notify(p, errors[i], NULL, 0);
    forge_answer(p, "aes128-sha1-x25519", 1);                                 /* not proposed */
    forged_notify(p, NOTIFY_INVALID_KE_PAYLOAD, (const uint8_t[]){0, 14}, 2); /* not proposed */
    forged_notify(p, NOTIFY_INVALID_KE_PAYLOAD, (const uint8_t[]){0}, 1);
    forged_notify(p, NOTIFY_COOKIE, NULL, 0);
    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
    assert_string_equal(p->node[PAIR_A].done[1], "ok");
    (void)pair_free(p);
}

/* RFC 7296 2.6: a COOKIE that nobody asked for changes the request; the responder takes both for what they are. */
static void test_forged_cookie(void **state)
{
    struct pair *p = begun(&seen, no_cookies, NULL);

    (void)state;
    pair_initiate(p, PAIR_A, 1);
    forged_notify(p, NOTIFY_COOKIE, "forged", 6);
    assert_true(pair_until(p, pair_is_up, USEC_PER_MIN));
    assert_string_equal(p->node[PAIR_A].done[1], "ok");
    assert_int_equal(pair_count_events(p, PAIR_A, ENGINE_IKE_UP), 1);
    (void)pair_free(p);
}

/* RFC 7296 2.4: a whole response, as the peer's could be, that somebody else sent first. */
static void test_forged_response(void **state)
{
    struct pair *p = begun(&seen, no_cookies, NULL);

    (void)state;
    for (uint8_t spi = 1; spi <= 3; spi++) {
        if (spi == 1)
            pair_initiate(p, PAIR_A, 1);
        forge_answer(p, "aes128gcm16-prfsha256-x25519", spi);
    }
    assert_true(pair_until(p, pair_is_up, USEC_PER_MIN));
    assert_string_equal(p->node[PAIR_A].done[1], "ok");
    assert_int_equal(pair_count_events(p, PAIR_A, ENGINE_IKE_UP), 1);
    assert_int_equal(pair_count_events(p, PAIR_A, ENGINE_CHILD_UP), 1);
    (void)pair_free(p);
}

/* Somebody on the path is faster than both: a changed copy of each IKE_SA_INIT message arrives before it. */
static bool outrun(void *data, struct pair *p, int from, uint8_t *bytes, size_t len)
{
    struct ike_header h;
    uint8_t copy[2048];

    (void)data;
    if (header_read(bytes, len, &h) < 0 || h.exchange != IKE_SA_INIT || len > sizeof(copy))
        return true;
    memcpy(copy, bytes, len);
    copy[IKE_SPI_LEN + pair_random(p, len - IKE_SPI_LEN)] ^= (uint8_t)(1U << pair_random(p, 8));
    pair_inject(p, !from, &p->node[!from].addr, &p->node[from].addr, copy, len);
    return true;
}

static void test_outrun(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct pair *p = pair_new(seed, no_cookies);

        pair_load(p, PAIR_A, NULL);
        pair_load(p, PAIR_B, NULL);
        for (int node = 0; node < 2; node++)
            addr_set_port(&p->node[node].addr, IKE_PORT);
        p->filter = outrun;
        pair_initiate(p, PAIR_A, 1);
        if (!pair_until(p, pair_is_up, 10 * USEC_PER_MIN))
            fail_msg("seed %u: %s", (unsigned)seed, p->node[PAIR_A].done[1]);
        (void)pair_free(p);
    }
}

/* However many COOKIEs are asked for, the number of requests is bounded. */
static void test_endless_cookies(void **state)
{
    struct pair *p = begun(&seen, no_cookies, NULL);
    unsigned before;

    (void)state;
    seen.drop_all = true;
    pair_initiate(p, PAIR_A, 1);
    for (unsigned i = 0; i < 100; i++) {
        char cookie[8];

        (void)str_format(cookie, sizeof(cookie), "c%u", i);
        forged_notify(p, NOTIFY_COOKIE, cookie, strlen(cookie));
    }
    before = seen.requests;
    assert_true(before <= 1 + FIRST_RETRIES_MAX);
    seen.drop_all = false;
    assert_true(pair_until(p, pair_is_up, USEC_PER_MIN));
    (void)pair_free(p);
}

/* Refusals -------------------------------------------------------------------------------------------------------- */

static bool is_done(struct pair *p)
{
    return p->node[PAIR_A].done[1][0] != '\0';
}

/* What refuses us counts once no other answer came. */
static void test_no_proposal_chosen(void **state)
{
    struct pair *p = begun(&seen, no_cookies, nothing_common);

    (void)state;
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, is_done, 15 * USEC_PER_SEC));
    assert_non_null(strstr(p->node[PAIR_A].done[1], "NO_PROPOSAL_CHOSEN"));
    assert_int_equal(seen.requests, 2);
    assert_null(pair_sa(p, PAIR_A));
    assert_null(pair_sa(p, PAIR_B));
    (void)pair_free(p);
}

static void from_elsewhere(int node, struct ike_conf *c)
{
    if (node == PAIR_B)
        assert_int_equal(addr_parse("192.0.2.99", &c->remote_addrs[0].addr), 0);
}

static void test_unknown_address(void **state)
{
    struct pair *p = begun(&seen, no_cookies, from_elsewhere);

    (void)state;
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, is_done, 15 * USEC_PER_SEC));
    assert_non_null(strstr(p->node[PAIR_A].done[1], "NO_PROPOSAL_CHOSEN"));
    assert_null(pair_sa(p, PAIR_B));
    (void)pair_free(p);
}

/* RFC 7748 6.1: a public value that makes the shared secret zero. */
static bool spoil_ke(void *data, struct pair *p, int from, uint8_t *bytes, size_t len)
{
    struct ike_header h;
    struct chain c;
    struct ke_payload ke;

    (void)data;
    (void)p;
    if (from != PAIR_A || header_read(bytes, len, &h) < 0 || h.exchange != IKE_SA_INIT)
        return true;
    assert_int_equal(chain_read(h.next_payload, bytes + IKE_HEADER_LEN, len - IKE_HEADER_LEN, &c), 0);
    assert_int_equal(payload_read_ke(chain_find(&c, PAYLOAD_KE, NULL), &ke), 0);
    memset(bytes + (ke.value.data - bytes), 0, ke.value.len);
    return true;
}

static void test_bad_public_value(void **state)
{
    struct pair *p = begun(&seen, no_cookies, NULL);

    (void)state;
    p->filter = spoil_ke;
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, is_done, 15 * USEC_PER_SEC));
    assert_non_null(strstr(p->node[PAIR_A].done[1], "INVALID_SYNTAX"));
    assert_null(pair_sa(p, PAIR_B));
    (void)pair_free(p);
}

/* NAT detection --------------------------------------------------------------------------------------------------- */

/* RFC 7296 2.23: without a NAT nothing changes. */
static void test_no_nat(void **state)
{
    struct pair *p = begun(&seen, no_cookies, NULL);

    (void)state;
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
    for (int node = 0; node < 2; node++) {
        const struct ike_sa *sa = pair_sa(p, node);

        assert_false(sa->nat_local || sa->nat_remote || sa->encap || sa->natt);
        assert_int_equal(addr_port(&sa->local), IKE_PORT);
        assert_false(p->node[node].children[0].encap);
    }
    (void)pair_free(p);
}

static void force_encap(int node, struct ike_conf *c)
{
    c->encap = node == PAIR_A;
}

/* As charon does it: a hash that cannot be right makes both sides use UDP, and the ports of NAT-T. */
static void test_forced_encapsulation(void **state)
{
    struct pair *p = begun(&seen, no_cookies, force_encap);

    (void)state;
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
    for (int node = 0; node < 2; node++) {
        const struct ike_sa *sa = pair_sa(p, node);

        assert_true(sa->encap && sa->natt);
        assert_false(sa->nat_local);
        assert_int_equal(addr_port(&sa->local), IKE_PORT_NATT);
        assert_int_equal(addr_port(&sa->remote), IKE_PORT_NATT);
        assert_true(p->node[node].children[0].encap);
        assert_int_equal(addr_port(&p->node[node].children[0].remote), IKE_PORT_NATT);
    }
    (void)pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cookie),
        cmocka_unit_test(test_invalid_ke),
        cmocka_unit_test(test_cookie_and_invalid_ke),
        cmocka_unit_test(test_lost_response),
        cmocka_unit_test(test_bad_network),
        cmocka_unit_test(test_forged_answers),
        cmocka_unit_test(test_forged_cookie),
        cmocka_unit_test(test_forged_response),
        cmocka_unit_test(test_outrun),
        cmocka_unit_test(test_endless_cookies),
        cmocka_unit_test(test_no_proposal_chosen),
        cmocka_unit_test(test_unknown_address),
        cmocka_unit_test(test_bad_public_value),
        cmocka_unit_test(test_no_nat),
        cmocka_unit_test(test_forced_encapsulation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
