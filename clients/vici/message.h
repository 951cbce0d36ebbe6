/*
 * The message codec of VICI, for both sides of the protocol: sections, key/value pairs and lists, all lengths bounded.
 * Values are bytes, in practice text.
 */
#pragma once

#include "base/reader.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VICI_MESSAGE_MAX (512 * 1024) /* bytes of a packet after its length, the protocol's own limit */
#define VICI_PACKET_MAX  (4 + VICI_MESSAGE_MAX)
#define VICI_DEPTH_MAX   16 /* nested sections */
#define VICI_NAME_MAX    255
#define VICI_VALUE_MAX   65535

enum vici_packet {
    VICI_CMD_REQUEST = 0,
    VICI_CMD_RESPONSE = 1,
    VICI_CMD_UNKNOWN = 2,
    VICI_EVENT_REGISTER = 3,
    VICI_EVENT_UNREGISTER = 4,
    VICI_EVENT_CONFIRM = 5,
    VICI_EVENT_UNKNOWN = 6,
    VICI_EVENT = 7,
};

enum vici_element {
    VICI_END = 0, /* of the message: not on the wire */
    VICI_SECTION_START = 1,
    VICI_SECTION_END = 2,
    VICI_KEY_VALUE = 3,
    VICI_LIST_START = 4,
    VICI_LIST_ITEM = 5,
    VICI_LIST_END = 6,
};

/* One element; NAME and VALUE are borrowed from the message and not NUL-ended. A name holds no NUL. */
struct vici_item {
    enum vici_element type;
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};

/* Walks a message and enforces its grammar. */
struct vici_walk {
    struct rd rd;
    unsigned depth;
    bool in_list;
    bool bad;
};

struct vici_walk vici_walk_of(struct rd message);

/* The next element; VICI_END at the end of a good message and from the first mistake on (then walk->bad is set). */
enum vici_element vici_walk_next(struct vici_walk *w, struct vici_item *ret);

/* Whether the whole of MESSAGE keeps to the grammar. */
bool vici_message_valid(struct rd message);

/* The first value with key NAME at the top level of MESSAGE into BUF. False where missing or as vici_item_text(). */
bool vici_message_get(struct rd message, const char *name, char *buf, size_t size);

bool vici_item_is(const struct vici_item *it, const char *name); /* compares the name */

/* The value into BUF, NUL-ended. False, with BUF untouched, where it does not fit or is no text (holds a NUL). */
bool vici_item_text(const struct vici_item *it, char *buf, size_t size);

/* Building: appends to B, whose maximum bounds the message. A name or value over its own maximum makes B bad as well:
 * check B->bad once, at the end. */
void vici_put_section(struct strbuf *b, const char *name);
void vici_put_section_end(struct strbuf *b);
void vici_put_value(struct strbuf *b, const char *key, const char *value);
void vici_put_bytes(struct strbuf *b, const char *key, const void *data, size_t len);
void vici_put_valuef(struct strbuf *b, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void vici_put_list(struct strbuf *b, const char *name);
void vici_put_list_item(struct strbuf *b, const char *value);
void vici_put_list_end(struct strbuf *b);

/* Appends a whole packet: length, type, name (where the type has one, else NULL), message. B holds VICI_PACKET_MAX. */
void vici_put_packet(struct strbuf *b, enum vici_packet type, const char *name, const void *message, size_t len);
