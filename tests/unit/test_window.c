/* Message ids and fragments of an IKE_SA (RFC 7296 2.1 to 2.3, RFC 7383 2.6), and the tables of its states. */
#include "engine/ike/fragments.h"
#include "engine/ike/state.h"
#include "engine/ike/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct packets one(const char *text)
{
    struct packets ps = {0};
    assert_int_equal(packets_add(&ps, text, strlen(text)), 0);
    return ps;
}

static void test_packets_have_a_maximum(void **state)
{
    (void)state;
    struct packets ps = {0};
    assert_int_equal(packets_add(&ps, "", 0), -EMSGSIZE);
    for (int i = 0; i < PACKETS_MAX; i++)
        assert_int_equal(packets_add(&ps, "x", 1), 0);
    assert_int_equal(packets_add(&ps, "x", 1), -ENOSPC);
    packets_clear(&ps);
    assert_int_equal(ps.n, 0);
}

/* RFC 7296 2.1: the same request again gets the same response; older and later ones get nothing. */
static void test_requests_of_the_peer(void **state)
{
    (void)state;
    struct window w = {0};
    assert_int_equal(window_of_request(&w, 0), WINDOW_NEW);
    assert_int_equal(window_of_request(&w, 1), WINDOW_OUTSIDE);
    assert_int_equal(window_of_request(&w, UINT32_MAX), WINDOW_OUTSIDE);
    for (uint32_t id = 0; id < 5; id++) {
        struct packets response = one("answer");
        window_request_in(&w, &response);
        assert_int_equal(response.n, 0);
        assert_int_equal(window_of_request(&w, id), WINDOW_REPEATED);
        assert_memory_equal(w.response.p[0].data, "answer", 6);
        assert_int_equal(window_of_request(&w, id + 1), WINDOW_NEW);
        assert_int_equal(window_of_request(&w, id + 2), WINDOW_OUTSIDE);
        if (id > 0)
            assert_int_equal(window_of_request(&w, id - 1), WINDOW_OUTSIDE);
    }
    window_done(&w);
}

static void test_our_requests(void **state)
{
    (void)state;
    struct window w = {0};
    assert_int_equal(window_of_response(&w, 0), WINDOW_OUTSIDE);
    assert_int_equal(window_of_response(&w, UINT32_MAX), WINDOW_OUTSIDE); /* next - 1 where nothing was sent */
    struct packets request = one("init");
    window_request_out(&w, &request);
    assert_false(window_idle(&w));
    assert_int_equal(window_of_response(&w, 0), WINDOW_NEW);
    assert_int_equal(window_of_response(&w, 1), WINDOW_OUTSIDE);

    /* RFC 7296 2.6: with a cookie it is id 0 once more. */
    window_restart(&w);
    assert_true(window_idle(&w));
    request = one("init with a cookie");
    window_request_out(&w, &request);
    assert_int_equal(window_of_response(&w, 0), WINDOW_NEW);
    window_response_in(&w);
    assert_int_equal(w.request.n, 0);
    assert_int_equal(window_of_response(&w, 0), WINDOW_OUTSIDE); /* a second answer */
    request = one("auth");
    window_request_out(&w, &request);
    assert_int_equal(window_of_response(&w, 0), WINDOW_OUTSIDE);
    assert_int_equal(window_of_response(&w, 1), WINDOW_NEW);
    window_done(&w);
}

/* RFC 7296 2.2: the ids must not wrap. */
static void test_ids_end(void **state)
{
    (void)state;
    struct window w = {.next = UINT32_MAX - 1, .expected = UINT32_MAX - 1};
    assert_true(window_idle(&w));
    struct packets last = one("last");
    window_request_out(&w, &last);
    window_response_in(&w);
    assert_false(window_idle(&w));
    assert_true(window_exhausted(&w));
    last = one("last");
    window_request_in(&w, &last);
    assert_int_equal(window_of_request(&w, UINT32_MAX), WINDOW_EXHAUSTED);
    window_done(&w);
}

static int give(struct fragments *fs, uint32_t id, uint16_t number, uint16_t total, const char *text, char *ret)
{
    uint8_t first = 0;
    uint8_t *whole = NULL;
    size_t len = 0;
    const struct fragment f = {.number = number,
                               .total = total,
                               .first_payload = number == 1 ? 35 : 0,
                               .data = (const uint8_t *)text,
                               .len = strlen(text)};
    int r = fragments_add(fs, id, &f, &first, &whole, &len);
    if (r == 1) {
        assert_int_equal(first, 35);
        memcpy(ret, whole, len);
        ret[len] = '\0';
        free(whole);
    }
    return r;
}

static void test_fragments_in_any_order(void **state)
{
    (void)state;
    struct fragments fs = {0};
    char whole[64];
    assert_int_equal(give(&fs, 1, 3, 3, "c", whole), 0);
    assert_int_equal(give(&fs, 1, 1, 3, "a", whole), 0);
    assert_int_equal(give(&fs, 1, 1, 3, "x", whole), 0); /* a duplicate changes nothing */
    assert_int_equal(give(&fs, 1, 2, 3, "b", whole), 1);
    assert_string_equal(whole, "abc");
    assert_false(fs.active);
    assert_int_equal(give(&fs, 2, 1, 1, "alone", whole), 1);
    assert_string_equal(whole, "alone");
}

/* RFC 7383 2.6: finer fragments replace coarser ones, never the other way round. */
static void test_a_finer_round(void **state)
{
    (void)state;
    struct fragments fs = {0};
    char whole[64];
    assert_int_equal(give(&fs, 1, 1, 2, "coarse", whole), 0);
    assert_int_equal(give(&fs, 1, 1, 3, "f", whole), 0);
    assert_int_equal(give(&fs, 1, 2, 2, "coarse", whole), 0);
    assert_int_equal(give(&fs, 1, 2, 3, "i", whole), 0);
    assert_int_equal(give(&fs, 1, 3, 3, "ne", whole), 1);
    assert_string_equal(whole, "fine");
}

static void test_bad_fragments_keep_the_good_ones(void **state)
{
    (void)state;
    struct fragments fs = {0};
    char whole[64];
    assert_int_equal(give(&fs, 1, 1, 2, "a", whole), 0);
    assert_int_equal(give(&fs, 1, 0, 2, "b", whole), -EBADMSG);
    assert_int_equal(give(&fs, 1, 3, 2, "b", whole), -EBADMSG);
    assert_int_equal(give(&fs, 1, 1, 0, "b", whole), -EBADMSG);
    assert_int_equal(give(&fs, 1, 2, FRAGMENTS_MAX + 1, "b", whole), -ENOSPC);
    const struct fragment wrong = {
        .number = 2, .total = 2, .first_payload = 35, .data = (const uint8_t *)"b", .len = 1};
    uint8_t first;
    uint8_t *bytes;
    size_t len;
    assert_int_equal(fragments_add(&fs, 1, &wrong, &first, &bytes, &len), -EBADMSG);
    assert_int_equal(give(&fs, 1, 2, 2, "b", whole), 1);
    assert_string_equal(whole, "ab");
}

static void test_fragments_have_a_maximum(void **state)
{
    (void)state;
    struct fragments fs = {0};
    static const uint8_t big[FRAGMENTS_BYTES_MAX];
    uint8_t first;
    uint8_t *bytes;
    size_t len;
    struct fragment f = {.number = 1, .total = 2, .first_payload = 35, .data = big, .len = sizeof(big)};
    assert_int_equal(fragments_add(&fs, 7, &f, &first, &bytes, &len), 0);
    f = (struct fragment){.number = 2, .total = 2, .data = big, .len = 1};
    assert_int_equal(fragments_add(&fs, 7, &f, &first, &bytes, &len), -ENOSPC);
    f.len = 0;
    assert_int_equal(fragments_add(&fs, 7, &f, &first, &bytes, &len), 1);
    assert_int_equal(len, sizeof(big));
    free(bytes);
    fragments_clear(&fs);
}

/* Every state can be reached and left; nothing leads out of the last one, nor back to the first. */
static void test_states(void **state)
{
    (void)state;
    for (unsigned s = 0; s < IKE_STATES; s++) {
        assert_non_null(ike_state_name((enum ike_state)s));
        assert_int_equal(ike_state_may((enum ike_state)s, IKE_DESTROYING), s != IKE_DESTROYING);
        assert_false(ike_state_may((enum ike_state)s, IKE_CREATED));
        assert_false(ike_state_may(IKE_DESTROYING, (enum ike_state)s));
    }
    for (unsigned s = 0; s < CHILD_STATES; s++) {
        assert_non_null(child_state_name((enum child_state)s));
        assert_int_equal(child_state_may((enum child_state)s, CHILD_DESTROYING), s != CHILD_DESTROYING);
        assert_false(child_state_may((enum child_state)s, CHILD_CREATED));
    }
    assert_false(ike_state_may(IKE_CONNECTING, IKE_REKEYING));
    assert_false(child_state_may(CHILD_DELETED, CHILD_INSTALLED));
    struct state_row row;
    size_t n = 0;
    while (ike_state_row(n, &row))
        n++;
    assert_true(n >= IKE_STATES);
    assert_string_equal((ike_state_row(0, &row), row.from), "CREATED");
    for (n = 0; child_state_row(n, &row); n++)
        assert_non_null(row.when);
    assert_true(n >= CHILD_STATES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets_have_a_maximum),
        cmocka_unit_test(test_requests_of_the_peer),
        cmocka_unit_test(test_our_requests),
        cmocka_unit_test(test_ids_end),
        cmocka_unit_test(test_fragments_in_any_order),
        cmocka_unit_test(test_a_finer_round),
        cmocka_unit_test(test_bad_fragments_keep_the_good_ones),
        cmocka_unit_test(test_fragments_have_a_maximum),
        cmocka_unit_test(test_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
