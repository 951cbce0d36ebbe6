/* Message ids of an IKE_SA (RFC 7296 2.1 to 2.3), and the messages that are kept for them. */
#include "engine/ike/message_ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
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
    struct message_ids m = {0};
    assert_int_equal(message_ids_of_request(&m, 0), MESSAGE_ID_NEW);
    assert_int_equal(message_ids_of_request(&m, 1), MESSAGE_ID_OUTSIDE);
    assert_int_equal(message_ids_of_request(&m, UINT32_MAX), MESSAGE_ID_OUTSIDE);
    for (uint32_t id = 0; id < 5; id++) {
        struct packets response = one("answer");
        message_ids_request_in(&m, &response);
        assert_int_equal(response.n, 0);
        assert_int_equal(message_ids_of_request(&m, id), MESSAGE_ID_REPEATED);
        assert_memory_equal(m.response.p[0].data, "answer", 6);
        assert_int_equal(message_ids_of_request(&m, id + 1), MESSAGE_ID_NEW);
        assert_int_equal(message_ids_of_request(&m, id + 2), MESSAGE_ID_OUTSIDE);
        if (id > 0)
            assert_int_equal(message_ids_of_request(&m, id - 1), MESSAGE_ID_OUTSIDE);
    }
    message_ids_done(&m);
}

static void test_our_requests(void **state)
{
    (void)state;
    struct message_ids m = {0};
    assert_int_equal(message_ids_of_response(&m, 0), MESSAGE_ID_OUTSIDE);
    assert_int_equal(message_ids_of_response(&m, UINT32_MAX), MESSAGE_ID_OUTSIDE); /* next - 1 where nothing was sent */
    struct packets request = one("init");
    message_ids_request_out(&m, &request);
    assert_false(message_ids_idle(&m));
    assert_int_equal(message_ids_of_response(&m, 0), MESSAGE_ID_NEW);
    assert_int_equal(message_ids_of_response(&m, 1), MESSAGE_ID_OUTSIDE);

    /* RFC 7296 2.6: with a cookie it is id 0 once more. */
    message_ids_restart(&m);
    assert_true(message_ids_idle(&m));
    request = one("init with a cookie");
    message_ids_request_out(&m, &request);
    assert_int_equal(message_ids_of_response(&m, 0), MESSAGE_ID_NEW);
    message_ids_response_in(&m);
    assert_int_equal(m.request.n, 0);
    assert_int_equal(message_ids_of_response(&m, 0), MESSAGE_ID_OUTSIDE); /* a second answer */
    request = one("auth");
    message_ids_request_out(&m, &request);
    assert_int_equal(message_ids_of_response(&m, 0), MESSAGE_ID_OUTSIDE);
    assert_int_equal(message_ids_of_response(&m, 1), MESSAGE_ID_NEW);

    /* RFC 7296 2.4: to another responder it is id 1 once more, answered or not. */
    message_ids_repeat(&m);
    assert_true(message_ids_idle(&m));
    assert_int_equal(message_ids_of_response(&m, 1), MESSAGE_ID_OUTSIDE);
    request = one("auth to another");
    message_ids_request_out(&m, &request);
    assert_int_equal(message_ids_of_response(&m, 1), MESSAGE_ID_NEW);
    message_ids_response_in(&m);
    message_ids_repeat(&m);
    assert_int_equal(m.next, 1);
    message_ids_done(&m);
}

/* RFC 7296 2.2: the ids must not wrap. */
static void test_ids_end(void **state)
{
    (void)state;
    struct message_ids m = {.next = UINT32_MAX - 1, .expected = UINT32_MAX - 1};
    assert_true(message_ids_idle(&m));
    struct packets last = one("last");
    message_ids_request_out(&m, &last);
    message_ids_response_in(&m);
    assert_false(message_ids_idle(&m));
    assert_true(message_ids_exhausted(&m));
    last = one("last");
    message_ids_request_in(&m, &last);
    assert_int_equal(message_ids_of_request(&m, UINT32_MAX), MESSAGE_ID_EXHAUSTED);
    message_ids_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets_have_a_maximum),
        cmocka_unit_test(test_requests_of_the_peer),
        cmocka_unit_test(test_our_requests),
        cmocka_unit_test(test_ids_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
