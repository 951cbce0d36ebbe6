/* The bounded queue. */
#include "base/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

static void test_order_over_many_rounds(void **state)
{
    cleanup(queue_freep) struct queue *q = NULL;
    int items[100];
    size_t in = 0, out = 0;

    (void)state;
    assert_int_equal(queue_new(100, &q), 0);
    assert_null(queue_pop(q));
    assert_null(queue_peek(q));
    /* More goes in than out, so that the ring wraps while it grows. */
    while (out < 60) {
        for (int k = 0; k < 3 && in < 100; k++)
            assert_int_equal(queue_push(q, &items[in++]), 0);
        for (int k = 0; k < 2; k++) {
            assert_ptr_equal(queue_peek(q), &items[out]);
            assert_ptr_equal(queue_pop(q), &items[out++]);
        }
        assert_int_equal(queue_len(q), in - out);
    }
    while (out < in)
        assert_ptr_equal(queue_pop(q), &items[out++]);
    assert_int_equal(queue_len(q), 0);
}

static void test_maximum(void **state)
{
    cleanup(queue_freep) struct queue *q = NULL;
    int item = 0;

    (void)state;
    assert_int_equal(queue_new(3, &q), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(queue_push(q, &item), 0);
    assert_int_equal(queue_push(q, &item), -ENOSPC);
    assert_int_equal(queue_len(q), 3);
    (void)queue_pop(q);
    assert_int_equal(queue_push(q, &item), 0);
    assert_null(queue_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_over_many_rounds),
        cmocka_unit_test(test_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
