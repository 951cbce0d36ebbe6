/* The bounded map, also against a plain list. */
#include "base/map.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 64

static void test_put_get_remove(void **state)
{
    cleanup(map_freep) struct map *m = NULL;
    int one = 1, two = 2;
    char key[] = "a";

    (void)state;
    assert_int_equal(map_new(10, &m), 0);
    assert_null(map_get(m, "a"));
    assert_null(map_remove(m, "a"));
    assert_int_equal(map_put(m, key, &one), 0);
    key[0] = 'z'; /* the key was copied */
    assert_ptr_equal(map_get(m, "a"), &one);
    assert_int_equal(map_put(m, "a", &two), 0);
    assert_int_equal(map_count(m), 1);
    assert_ptr_equal(map_remove(m, "a"), &two);
    assert_null(map_get(m, "a"));
    assert_int_equal(map_count(m), 0);
    assert_null(map_free(NULL));
}

static void test_maximum(void **state)
{
    cleanup(map_freep) struct map *m = NULL;
    int v = 0, w = 0;

    (void)state;
    assert_int_equal(map_new(2, &m), 0);
    assert_int_equal(map_put(m, "a", &v), 0);
    assert_int_equal(map_put(m, "b", &v), 0);
    assert_int_equal(map_put(m, "c", &v), -ENOSPC);
    assert_int_equal(map_put(m, "b", &w), 0); /* replacing is no new entry */
    assert_ptr_equal(map_get(m, "b"), &w);
    (void)map_remove(m, "a");
    assert_int_equal(map_put(m, "c", &v), 0);
}

/* Random puts and removals; after each the map knows exactly what the list knows. */
static void test_like_a_list(void **state)
{
    cleanup(map_freep) struct map *m = NULL;
    int values[KEYS];
    bool present[KEYS] = {false};
    size_t count = 0;
    uint32_t seed = 12345;
    char key[16];

    (void)state;
    assert_int_equal(map_new(KEYS, &m), 0);
    for (int step = 0; step < 5000; step++) {
        seed = seed * 1103515245 + 12345;
        size_t i = (seed >> 16) % KEYS;

        (void)str_format(key, sizeof(key), "key-%zu", i);
        if (present[i]) {
            assert_ptr_equal(map_remove(m, key), &values[i]);
            count--;
        } else {
            assert_int_equal(map_put(m, key, &values[i]), 0);
            count++;
        }
        present[i] = !present[i];
        assert_int_equal(map_count(m), count);
        for (size_t k = 0; k < KEYS; k++) {
            (void)str_format(key, sizeof(key), "key-%zu", k);
            assert_ptr_equal(map_get(m, key), present[k] ? &values[k] : NULL);
        }
    }
}

static void test_walk_sees_each_once(void **state)
{
    cleanup(map_freep) struct map *m = NULL;
    int seen[KEYS] = {0};
    const char *key;
    void *value;
    size_t pos = 0, n = 0;

    (void)state;
    assert_int_equal(map_new(KEYS, &m), 0);
    assert_false(map_next(m, &pos, &key, &value));
    for (size_t i = 0; i < KEYS; i++) {
        char text[16];

        (void)str_format(text, sizeof(text), "%zu", i);
        assert_int_equal(map_put(m, text, &seen[i]), 0);
    }
    for (pos = 0; map_next(m, &pos, &key, &value); n++)
        (*(int *)value)++;
    assert_int_equal(n, KEYS);
    for (size_t i = 0; i < KEYS; i++)
        assert_int_equal(seen[i], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_get_remove),
        cmocka_unit_test(test_maximum),
        cmocka_unit_test(test_like_a_list),
        cmocka_unit_test(test_walk_sees_each_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
