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

/* The same, kept as text by number. */
struct model {
    uint32_t id;
    unsigned total, n;
    bool has[5];
    char part[5][4];
    size_t len[5];
    uint8_t first;
};

/* What fragments_add() is to return, and in WHOLE what is put together. */
static int model_add(struct model *m, uint32_t id, const struct fragment *f, char whole[static 32], size_t *ret_len)
{
    if (f->number == 0 || f->total == 0 || f->number > f->total || (f->number > 1 && f->first_payload != 0))
        return -EBADMSG;
    if (m->total == 0 || m->id != id || f->total > m->total)
        *m = (struct model){.id = id, .total = f->total};
    if (f->total < m->total)
        return 0;
    if (!m->has[f->number - 1]) {
        m->has[f->number - 1] = true;
        m->n++;
        memcpy(m->part[f->number - 1], f->data, f->len);
        m->len[f->number - 1] = f->len;
        m->first = f->number == 1 ? f->first_payload : m->first;
    }
    if (m->n < m->total)
        return 0;
    *ret_len = 0;
    for (unsigned i = 0; i < m->total; *ret_len += m->len[i++])
        memcpy(whole + *ret_len, m->part[i], m->len[i]);
    return 1;
}

static void test_against_a_model(void **state)
{
    (void)state;
    struct fragments fs = {0};
    struct model m = {0};
    uint32_t seed = 1;
    unsigned complete = 0;
    for (unsigned i = 0; i < 200000; i++) {
        uint8_t *got = NULL, first = 0;
        char text[4] = "", whole[32];
        size_t len = 0, want = 0;
        seed = seed * 1664525 + 1013904223;
        const struct fragment f = {.number = (uint16_t)(seed >> 8 & 7),
                                   .total = (uint16_t)((seed >> 11 & 7) % 6),
                                   .first_payload = seed >> 14 & 7 ? (uint8_t)((seed >> 8 & 7) == 1) * 35 : 36,
                                   .data = (const uint8_t *)text,
                                   .len = seed >> 17 & 3};
        memset(text, 'a' + (int)(i % 26), f.len);
        const uint32_t id = (seed >> 19 & 15) == 0;
        const int r = model_add(&m, id, &f, whole, &want);
        assert_int_equal(fragments_add(&fs, id, &f, &first, &got, &len), r);
        if (r == 1) {
            complete++;
            assert_int_equal(len, want);
            assert_memory_equal(got, whole, len);
            assert_int_equal(first, m.first);
            m = (struct model){0};
            free(got);
        }
    }
    assert_true(complete > 1000);
    fragments_clear(&fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fragments_in_any_order),   cmocka_unit_test(test_a_finer_round),
        cmocka_unit_test(test_another_message),          cmocka_unit_test(test_bad_fragments_keep_the_good_ones),
        cmocka_unit_test(test_fragments_have_a_maximum), cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_against_a_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
