/* The message codec: what is built reads back, and no mistake of the other side passes. */
#include "clients/vici/message.h"

#include "base/array.h"
#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The example of the protocol's own description (strongSwan, src/libcharon/plugins/vici/README.md). */
static const unsigned char example[] = {
    3, 4,  'k', 'e', 'y', '1', 0,   6,   'v', 'a', 'l', 'u', 'e', '1',           /* key1 = value1 */
    1, 8,  's', 'e', 'c', 't', 'i', 'o', 'n', '1',                               /* section1 { */
    1, 11, 's', 'u', 'b', '-', 's', 'e', 'c', 't', 'i', 'o', 'n',                /*   sub-section { */
    3, 4,  'k', 'e', 'y', '2', 0,   6,   'v', 'a', 'l', 'u', 'e', '2',           /*     key2 = value2 */
    2,                                                                           /*   } */
    4, 5,  'l', 'i', 's', 't', '1',                                              /*   list1 = [ */
    5, 0,  5,   'i', 't', 'e', 'm', '1', 5,   0,   5,   'i', 't', 'e', 'm', '2', /*     item1, item2 */
    6,                                                                           /*   ] */
    2,                                                                           /* } */
};

static struct rd of(const struct strbuf *b)
{
    assert_false(b->bad);
    return rd_of(b->data, b->len);
}

static void build_example(struct strbuf *b)
{
    vici_put_value(b, "key1", "value1");
    vici_put_section(b, "section1");
    vici_put_section(b, "sub-section");
    vici_put_valuef(b, "key2", "value%d", 2);
    vici_put_section_end(b);
    vici_put_list(b, "list1");
    vici_put_list_item(b, "item1");
    vici_put_list_item(b, "item2");
    vici_put_list_end(b);
    vici_put_section_end(b);
}

static void test_builds_what_the_protocol_says(void **state)
{
    cleanup(strbuf_done) struct strbuf b;

    (void)state;
    strbuf_init(&b, VICI_MESSAGE_MAX);
    build_example(&b);
    assert_false(b.bad);
    assert_int_equal(b.len, sizeof(example));
    assert_memory_equal(b.data, example, sizeof(example));
}

static void test_walks_the_elements_in_order(void **state)
{
    static const struct {
        enum vici_element type;
        unsigned depth; /* after it */
        const char *name, *value;
    } want[] = {
        {VICI_KEY_VALUE, 0, "key1", "value1"},
        {VICI_SECTION_START, 1, "section1", NULL},
        {VICI_SECTION_START, 2, "sub-section", NULL},
        {VICI_KEY_VALUE, 2, "key2", "value2"},
        {VICI_SECTION_END, 1, NULL, NULL},
        {VICI_LIST_START, 1, "list1", NULL},
        {VICI_LIST_ITEM, 1, NULL, "item1"},
        {VICI_LIST_ITEM, 1, NULL, "item2"},
        {VICI_LIST_END, 1, NULL, NULL},
        {VICI_SECTION_END, 0, NULL, NULL},
    };
    struct vici_walk w = vici_walk_of(rd_of(example, sizeof(example)));
    struct vici_item it;
    char text[16];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        assert_int_equal(vici_walk_next(&w, &it), want[i].type);
        assert_int_equal(it.type, want[i].type);
        assert_int_equal(w.depth, want[i].depth);
        assert_int_equal(it.name != NULL, want[i].name != NULL);
        if (want[i].name)
            assert_true(vici_item_is(&it, want[i].name));
        assert_int_equal(vici_item_text(&it, text, sizeof(text)), want[i].value != NULL);
        if (want[i].value)
            assert_string_equal(text, want[i].value);
    }
    assert_int_equal(vici_walk_next(&w, &it), VICI_END);
    assert_int_equal(vici_walk_next(&w, &it), VICI_END);
    assert_false(w.bad);
}

static void test_an_empty_message_is_valid(void **state)
{
    char text[8];

    (void)state;
    assert_true(vici_message_valid(rd_of(NULL, 0)));
    assert_false(vici_message_get(rd_of(NULL, 0), "key", text, sizeof(text)));
}

static void test_every_cut_is_noticed(void **state)
{
    (void)state;
    assert_true(vici_message_valid(rd_of(example, sizeof(example))));
    for (size_t len = 1; len < sizeof(example); len++)
        /* Only after "key1 = value1" is the message whole. */
        assert_int_equal(vici_message_valid(rd_of(example, len)), len == 14);
}

#define bytes(s) s, sizeof(s) - 1

static void test_mistakes(void **state)
{
    static const struct {
        const char *what, *data;
        size_t len;
    } mistakes[] = {
        {"type 0", bytes("\0")},
        {"type 7", bytes("\7")},
        {"type 255", bytes("\377")},
        {"section that does not end", bytes("\1\1s")},
        {"end of no section", bytes("\2")},
        {"list that does not end", bytes("\4\1l")},
        {"end of no list", bytes("\6")},
        {"item outside of a list", bytes("\5\0\1i")},
        {"key in a list", bytes("\4\1l\3\1k\0\1v\6")},
        {"section in a list", bytes("\4\1l\1\1s\2\6")},
        {"end of a section in a list", bytes("\1\1s\4\1l\2\6")},
        {"list in a list", bytes("\4\1l\4\1m\6\6")},
        {"name over the end", bytes("\1\2s")},
        {"value over the end", bytes("\3\1k\0\2v")},
        {"long value over the end", bytes("\3\1k\377\377v")},
        {"no length of the value", bytes("\3\1k\0")},
        {"no name", bytes("\1")},
        {"NUL in a name", bytes("\3\3k\0x\0\1v")},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
        struct vici_walk w = vici_walk_of(rd_of(mistakes[i].data, mistakes[i].len));
        struct vici_item it;

        if (vici_message_valid(rd_of(mistakes[i].data, mistakes[i].len)))
            fail_msg("%s passed", mistakes[i].what);
        while (vici_walk_next(&w, &it) != VICI_END)
            continue;
        assert_true(w.bad);
        assert_int_equal(vici_walk_next(&w, &it), VICI_END); /* and it stays so */
        assert_true(w.bad);
    }
}

static void test_a_bad_reader_is_no_message(void **state)
{
    struct rd rd = rd_of(example, sizeof(example));

    (void)state;
    rd_fail(&rd);
    assert_false(vici_message_valid(rd));
}

static void test_depth_is_bounded(void **state)
{
    cleanup(strbuf_done) struct strbuf b;

    (void)state;
    strbuf_init(&b, VICI_MESSAGE_MAX);
    for (unsigned more = 0; more < 2; more++) {
        strbuf_reset(&b);
        for (unsigned i = 0; i < VICI_DEPTH_MAX + more; i++)
            vici_put_section(&b, "s");
        for (unsigned i = 0; i < VICI_DEPTH_MAX + more; i++)
            vici_put_section_end(&b);
        assert_int_equal(vici_message_valid(of(&b)), more == 0);
    }
}

static void test_get_takes_the_first_of_the_top_level(void **state)
{
    cleanup(strbuf_done) struct strbuf b;
    char text[8] = "-";

    (void)state;
    strbuf_init(&b, VICI_MESSAGE_MAX);
    vici_put_section(&b, "inner");
    vici_put_value(&b, "success", "inner");
    vici_put_section_end(&b);
    vici_put_value(&b, "successor", "no");
    vici_put_value(&b, "succes", "no");
    vici_put_value(&b, "success", "yes");
    vici_put_value(&b, "success", "no");
    assert_true(vici_message_get(of(&b), "success", text, sizeof(text)));
    assert_string_equal(text, "yes");
    assert_false(vici_message_get(of(&b), "errmsg", text, sizeof(text)));
    assert_string_equal(text, "yes");
}

static void test_get_does_not_cut(void **state)
{
    static const char with_nul[] = "\3\1k\0\3a\0b";
    cleanup(strbuf_done) struct strbuf b;
    char text[8] = "-";

    (void)state;
    strbuf_init(&b, VICI_MESSAGE_MAX);
    vici_put_value(&b, "fits", "1234567");
    vici_put_value(&b, "long", "12345678");
    vici_put_value(&b, "empty", "");
    assert_false(vici_message_get(of(&b), "long", text, sizeof(text)));
    assert_string_equal(text, "-");
    assert_true(vici_message_get(of(&b), "fits", text, sizeof(text)));
    assert_string_equal(text, "1234567");
    assert_true(vici_message_get(of(&b), "empty", text, sizeof(text)));
    assert_string_equal(text, "");
    assert_true(vici_message_valid(rd_of(bytes(with_nul)))); /* bytes may be anything, but are no text then */
    assert_false(vici_message_get(rd_of(bytes(with_nul)), "k", text, sizeof(text)));
}

static void test_names_and_values_are_bounded(void **state)
{
    static char name[VICI_NAME_MAX + 2], value[VICI_VALUE_MAX + 2];
    cleanup(strbuf_done) struct strbuf b;

    (void)state;
    memset(name, 'n', VICI_NAME_MAX);
    memset(value, 'v', VICI_VALUE_MAX);
    strbuf_init(&b, VICI_MESSAGE_MAX);
    vici_put_section(&b, name);
    vici_put_value(&b, name, value);
    vici_put_valuef(&b, name, "%s", value);
    vici_put_list(&b, name);
    vici_put_list_item(&b, value);
    vici_put_list_end(&b);
    vici_put_section_end(&b);
    assert_true(vici_message_valid(of(&b)));
    name[VICI_NAME_MAX] = 'n';
    value[VICI_VALUE_MAX] = 'v';
    strbuf_reset(&b);
    vici_put_section(&b, name);
    assert_true(b.bad);
    strbuf_reset(&b);
    vici_put_value(&b, "k", value);
    assert_true(b.bad);
    strbuf_reset(&b);
    vici_put_valuef(&b, "k", "%s", value);
    assert_true(b.bad);
    strbuf_reset(&b);
    vici_put_list_item(&b, value);
    assert_true(b.bad);
}

static void test_a_message_stays_within_its_buffer(void **state)
{
    cleanup(strbuf_done) struct strbuf b;

    (void)state;
    strbuf_init(&b, sizeof(example) - 1);
    build_example(&b);
    assert_true(b.bad);
    assert_true(b.len <= sizeof(example) - 1);
}

static void test_packets(void **state)
{
    static const char two[] = "\0\0\0\17\0\7version\3\1k\0\1v" /* 1 + 1 + 7 + 6 */
                              "\0\0\0\1\5";
    cleanup(strbuf_done) struct strbuf b;
    char *large = calloc(1, VICI_MESSAGE_MAX);

    (void)state;
    assert_non_null(large);
    strbuf_init(&b, 2 * VICI_PACKET_MAX); /* its own maximum holds, whatever the buffer's */
    vici_put_packet(&b, VICI_CMD_REQUEST, "version", bytes("\3\1k\0\1v"));
    vici_put_packet(&b, VICI_EVENT_CONFIRM, NULL, NULL, 0);
    assert_false(b.bad);
    assert_int_equal(b.len, sizeof(two) - 1);
    assert_memory_equal(b.data, two, sizeof(two) - 1);
    strbuf_reset(&b);
    vici_put_packet(&b, VICI_CMD_RESPONSE, NULL, large, VICI_MESSAGE_MAX - 1);
    assert_false(b.bad);
    assert_int_equal(b.len, VICI_PACKET_MAX);
    assert_memory_equal(b.data, "\0\10\0\0\1", 5);
    strbuf_reset(&b);
    vici_put_packet(&b, VICI_EVENT, "x", large, VICI_MESSAGE_MAX - 2);
    assert_true(b.bad);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_builds_what_the_protocol_says),
        cmocka_unit_test(test_walks_the_elements_in_order),
        cmocka_unit_test(test_an_empty_message_is_valid),
        cmocka_unit_test(test_every_cut_is_noticed),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_a_bad_reader_is_no_message),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_get_takes_the_first_of_the_top_level),
        cmocka_unit_test(test_get_does_not_cut),
        cmocka_unit_test(test_names_and_values_are_bounded),
        cmocka_unit_test(test_a_message_stays_within_its_buffer),
        cmocka_unit_test(test_packets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
