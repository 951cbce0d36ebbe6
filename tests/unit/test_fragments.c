/* Fragments of a message (RFC 7383 2.6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool no_memory;

static void *scarce(size_t size)
{
    return no_memory ? NULL : malloc(size);
}

#define malloc scarce
#include "engine/ike/fragments.c" /* in the place of the library's */
#undef malloc

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

/* A request that is never finished makes room for the next one. */
static void test_another_message(void **state)
{
    (void)state;
    struct fragments fs = {0};
    char whole[64];
    assert_int_equal(give(&fs, 1, 1, 3, "old", whole), 0);
    assert_int_equal(give(&fs, 2, 2, 3, "e", whole), 0);
    assert_int_equal(give(&fs, 2, 3, 3, "w", whole), 0);
    assert_int_equal(give(&fs, 2, 1, 3, "n", whole), 1);
    assert_string_equal(whole, "new");
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

/* What cannot be kept or joined for want of memory gets through once it is sent again. */
static void test_no_memory(void **state)
{
    (void)state;
    struct fragments fs = {0};
    char whole[64];
    no_memory = true;
    assert_int_equal(give(&fs, 1, 1, 2, "a", whole), -ENOMEM);
    no_memory = false;
    assert_int_equal(give(&fs, 1, 1, 2, "a", whole), 0);
    assert_int_equal(give(&fs, 1, 2, 2, "b", whole), 1);
    assert_string_equal(whole, "ab");

    assert_int_equal(give(&fs, 2, 1, 1, "", whole), 1);
    assert_string_equal(whole, "");
    assert_int_equal(give(&fs, 3, 1, 2, "c", whole), 0);
    const struct fragment last = {.number = 2, .total = 2, .data = (const uint8_t *)"d", .len = 1};
    assert_int_equal(keep(&fs, &last), 0); /* and then there was none left to join them */
    no_memory = true;
    assert_int_equal(give(&fs, 3, 2, 2, "d", whole), -ENOMEM);
    no_memory = false;
    assert_int_equal(give(&fs, 3, 1, 2, "c", whole), 1);
    assert_string_equal(whole, "cd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fragments_in_any_order),   cmocka_unit_test(test_a_finer_round),
        cmocka_unit_test(test_another_message),          cmocka_unit_test(test_bad_fragments_keep_the_good_ones),
        cmocka_unit_test(test_fragments_have_a_maximum), cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
