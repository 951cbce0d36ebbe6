/* A client of the VICI server in a test: requests are built, and packets are taken apart and printed as text. */
#pragma once

#include "base/cleanup.h"
#include "base/reader.h"
#include "base/strbuf.h"
#include "clients/vici/message.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CLIENT_TEXT_MAX (2 * VICI_MESSAGE_MAX)

/* Appends the message in SPEC to B: "a=b child{x=y} list[u,v]", words apart by blanks; a value has no blank, but '_'
 * stands for one. */
static inline void client_build(struct strbuf *b, const char *spec)
{
    char word[512], value[512];
    size_t n = 0;

    for (const char *p = spec;; p++) {
        if (*p == '{') {
            word[n] = '\0';
            vici_put_section(b, word);
            n = 0;
        } else if (*p == '[') {
            word[n] = '\0';
            vici_put_list(b, word);
            n = 0;
        } else if (*p == '=') {
            size_t k = 0;

            word[n] = '\0';
            for (p++; *p && !strchr(" }", *p); p++)
                value[k++] = *p;
            value[k] = '\0';
            vici_put_value(b, word, value);
            n = 0;
            p--;
        } else if (*p == '}') {
            vici_put_section_end(b);
        } else if (*p == ']' || *p == ',') {
            word[n] = '\0';
            if (n > 0)
                vici_put_list_item(b, word);
            if (*p == ']')
                vici_put_list_end(b);
            n = 0;
        } else if (*p == '\0') {
            return;
        } else if (*p != ' ') {
            word[n++] = *p;
        }
    }
}

static inline void client_packet(struct strbuf *b, enum vici_packet type, const char *name, const char *spec)
{
    cleanup(strbuf_done) struct strbuf m;

    strbuf_init(&m, VICI_MESSAGE_MAX);
    client_build(&m, spec);
    vici_put_packet(b, type, name, m.data, m.len);
    assert_false(m.bad || b->bad);
}

/* The message as client_build() reads it, but with blanks as they are. */
static inline void client_print(struct strbuf *b, struct rd message)
{
    struct vici_walk w = vici_walk_of(message);
    struct vici_item it;
    enum vici_element last = VICI_END;

    while (vici_walk_next(&w, &it) != VICI_END) {
        bool first = last == VICI_END || last == VICI_SECTION_START || last == VICI_LIST_START;

        if (!first && it.type != VICI_SECTION_END && it.type != VICI_LIST_END)
            strbuf_putc(b, it.type == VICI_LIST_ITEM ? ',' : ' ');
        if (it.type == VICI_SECTION_START)
            strbuf_printf(b, "%.*s{", (int)it.name_len, it.name);
        else if (it.type == VICI_LIST_START)
            strbuf_printf(b, "%.*s[", (int)it.name_len, it.name);
        else if (it.type == VICI_KEY_VALUE)
            strbuf_printf(b, "%.*s=%.*s", (int)it.name_len, it.name, (int)it.value_len, it.value);
        else if (it.type == VICI_LIST_ITEM)
            strbuf_printf(b, "%.*s", (int)it.value_len, it.value);
        else
            strbuf_putc(b, it.type == VICI_LIST_END ? ']' : '}');
        last = it.type;
    }
    assert_false(w.bad);
}

/* Takes the next packet off WIRE and prints it: "<type> <message>", of an event "<type> <name> <message>". NULL where
 * none is whole. Valid until the next call. */
static inline const char *client_take(struct strbuf *wire)
{
    static struct strbuf text;
    struct rd rd = rd_of(wire->data, wire->len), packet = rd_sub(&rd, rd_be32(&rd));
    uint8_t type = rd_u8(&packet);

    if (!rd_ok(&rd))
        return NULL;
    strbuf_done(&text);
    strbuf_init(&text, CLIENT_TEXT_MAX);
    strbuf_printf(&text, "%u ", type);
    if (type == VICI_EVENT) {
        size_t len = rd_u8(&packet);

        strbuf_printf(&text, "%.*s ", (int)len, (const char *)rd_take(&packet, len));
    }
    assert_true(rd_ok(&packet));
    client_print(&text, packet);
    strbuf_consume(wire, wire->len - rd_left(&rd));
    return strbuf_text(&text);
}
