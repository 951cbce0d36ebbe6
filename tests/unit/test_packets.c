/* The datagrams of one message: copies of their own, with maxima; without memory they are as before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static unsigned allocations; /* so many more are served */

static void *scarce(size_t size)
{
    return allocations > 0 && allocations-- > 0 ? malloc(size) : NULL;
}

static void *scarce_array(void *p, size_t n, size_t size)
{
    return allocations > 0 && allocations-- > 0 ? reallocarray(p, n, size) : NULL;
}

#define malloc       scarce
#define reallocarray scarce_array
#include "engine/ike/packets.c" /* in the place of the library's */
#undef malloc
#undef reallocarray

static int plenty(void **state)
{
    (void)state;
    allocations = UINT32_MAX;
    return 0;
}

static void assert_packet(const struct packets *ps, size_t i, const char *text)
{
    assert_true(i < ps->n);
    assert_int_equal(ps->p[i].len, strlen(text));
    assert_memory_equal(ps->p[i].data, text, strlen(text));
}

static void test_copies(void **state)
{
    struct packets ps = {0};
    char text[] = "first";

    (void)state;
    assert_int_equal(packets_add(&ps, text, strlen(text)), 0);
    memset(text, 'x', sizeof(text));
    assert_int_equal(packets_add(&ps, "the second", 10), 0);
    assert_int_equal(ps.n, 2);
    assert_packet(&ps, 0, "first");
    assert_packet(&ps, 1, "the second");
    packets_clear(&ps);
    assert_int_equal(ps.n, 0);
    assert_null(ps.p);
    packets_clear(&ps); /* once more does no harm */
}

static void test_maxima(void **state)
{
    static const uint8_t big[PACKET_SIZE_MAX + 1];
    struct packets ps = {0};

    (void)state;
    assert_int_equal(packets_add(&ps, big, 0), -EMSGSIZE);
    assert_int_equal(packets_add(&ps, big, sizeof(big)), -EMSGSIZE);
    assert_int_equal(ps.n, 0);
    assert_int_equal(packets_add(&ps, big, PACKET_SIZE_MAX), 0);
    assert_int_equal(ps.p[0].len, PACKET_SIZE_MAX);
    while (ps.n < PACKETS_MAX)
        assert_int_equal(packets_add(&ps, "x", 1), 0);
    assert_int_equal(packets_add(&ps, "x", 1), -ENOSPC);
    assert_int_equal(ps.n, PACKETS_MAX);
    packets_clear(&ps);
}

static void test_move(void **state)
{
    struct packets a = {0}, b = {0};

    (void)state;
    assert_int_equal(packets_add(&a, "a1", 2), 0);
    assert_int_equal(packets_add(&a, "a2", 2), 0);
    assert_int_equal(packets_add(&b, "b", 1), 0);
    packets_move(&b, &a);
    assert_int_equal(a.n, 0);
    assert_null(a.p);
    assert_int_equal(b.n, 2);
    assert_packet(&b, 0, "a1");
    assert_packet(&b, 1, "a2");
    packets_move(&b, &a); /* nothing */
    assert_int_equal(b.n, 0);
}

static void test_no_memory(void **state)
{
    struct packets ps = {0};

    (void)state;
    assert_int_equal(packets_add(&ps, "kept", 4), 0);
    for (unsigned i = 0; i < 2; i++) {
        allocations = i;
        assert_int_equal(packets_add(&ps, "lost", 4), -ENOMEM);
        assert_int_equal(ps.n, 1);
        assert_packet(&ps, 0, "kept");
    }
    allocations = 2;
    assert_int_equal(packets_add(&ps, "more", 4), 0);
    assert_packet(&ps, 1, "more");
    packets_clear(&ps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_copies, plenty),
        cmocka_unit_test_setup(test_maxima, plenty),
        cmocka_unit_test_setup(test_move, plenty),
        cmocka_unit_test_setup(test_no_memory, plenty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
