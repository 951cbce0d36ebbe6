#include "clients/vici/message.h"

#include <stdarg.h>
#include <string.h>

struct vici_walk vici_walk_of(struct rd message)
{
    return (struct vici_walk){.rd = message};
}

static enum vici_element fail(struct vici_walk *w)
{
    w->bad = true;
    return VICI_END;
}

/* A name with a NUL in it would pass for another one. */
static void take_name(struct vici_walk *w, struct vici_item *it)
{
    it->name_len = rd_u8(&w->rd);
    it->name = (const char *)rd_take(&w->rd, it->name_len);
    if (it->name && memchr(it->name, '\0', it->name_len))
        rd_fail(&w->rd);
}

static void take_value(struct vici_walk *w, struct vici_item *it)
{
    it->value_len = rd_be16(&w->rd);
    it->value = (const char *)rd_take(&w->rd, it->value_len);
}

/* Reads what follows the type and follows the nesting. False where the element may not stand here. */
static bool take_element(struct vici_walk *w, struct vici_item *it)
{
    bool list_only = it->type == VICI_LIST_ITEM || it->type == VICI_LIST_END;

    if (w->in_list != list_only)
        return false;
    switch (it->type) {
    case VICI_SECTION_START:
        take_name(w, it);
        return w->depth++ < VICI_DEPTH_MAX;
    case VICI_SECTION_END:
        return w->depth-- > 0;
    case VICI_KEY_VALUE:
        take_name(w, it);
        take_value(w, it);
        return true;
    case VICI_LIST_START:
        take_name(w, it);
        w->in_list = true;
        return true;
    case VICI_LIST_ITEM:
        take_value(w, it);
        return true;
    case VICI_LIST_END:
        w->in_list = false;
        return true;
    case VICI_END:
        break;
    }
    return false;
}

enum vici_element vici_walk_next(struct vici_walk *w, struct vici_item *ret)
{
    struct vici_item it = {.type = VICI_END};
    uint8_t type;

    if (w->bad || rd_done(&w->rd))
        return w->depth > 0 || w->in_list ? fail(w) : VICI_END;
    type = rd_u8(&w->rd);
    if (type < VICI_SECTION_START || type > VICI_LIST_END)
        return fail(w);
    it.type = (enum vici_element)type;
    if (!take_element(w, &it) || !rd_ok(&w->rd))
        return fail(w);
    *ret = it;
    return it.type;
}

bool vici_message_valid(struct rd message)
{
    struct vici_walk w = vici_walk_of(message);
    struct vici_item it;

    while (vici_walk_next(&w, &it) != VICI_END)
        continue;
    return !w.bad;
}

bool vici_message_get(struct rd message, const char *name, char *buf, size_t size)
{
    struct vici_walk w = vici_walk_of(message);
    struct vici_item it;

    while (vici_walk_next(&w, &it) != VICI_END)
        if (it.type == VICI_KEY_VALUE && w.depth == 0 && vici_item_is(&it, name))
            return vici_item_text(&it, buf, size);
    return false;
}

bool vici_item_is(const struct vici_item *it, const char *name)
{
    return it->name && strlen(name) == it->name_len && memcmp(it->name, name, it->name_len) == 0;
}

bool vici_item_text(const struct vici_item *it, char *buf, size_t size)
{
    if (!it->value || it->value_len >= size || memchr(it->value, '\0', it->value_len))
        return false;
    memcpy(buf, it->value, it->value_len);
    buf[it->value_len] = '\0';
    return true;
}

static void put_type(struct strbuf *b, enum vici_element type)
{
    strbuf_putc(b, (char)type);
}

static void put_name(struct strbuf *b, const char *name)
{
    size_t len = strlen(name);

    if (len > VICI_NAME_MAX)
        b->bad = true;
    strbuf_putc(b, (char)len);
    strbuf_add(b, name, len);
}

static void put_bytes(struct strbuf *b, const void *data, size_t len)
{
    if (len > VICI_VALUE_MAX)
        b->bad = true;
    strbuf_putc(b, (char)(len >> 8));
    strbuf_putc(b, (char)(len & 0xFF));
    strbuf_add(b, data, len);
}

void vici_put_section(struct strbuf *b, const char *name)
{
    put_type(b, VICI_SECTION_START);
    put_name(b, name);
}

void vici_put_section_end(struct strbuf *b)
{
    put_type(b, VICI_SECTION_END);
}

void vici_put_bytes(struct strbuf *b, const char *key, const void *data, size_t len)
{
    put_type(b, VICI_KEY_VALUE);
    put_name(b, key);
    put_bytes(b, data, len);
}

void vici_put_value(struct strbuf *b, const char *key, const char *value)
{
    vici_put_bytes(b, key, value, strlen(value));
}

void vici_put_valuef(struct strbuf *b, const char *key, const char *fmt, ...)
{
    size_t at, len;
    va_list ap;

    put_type(b, VICI_KEY_VALUE);
    put_name(b, key);
    at = b->len;
    strbuf_add(b, "\0", 2); /* the length, known below */
    va_start(ap, fmt);
    strbuf_vprintf(b, fmt, ap);
    va_end(ap);
    if (b->bad)
        return;
    len = b->len - at - 2;
    b->bad = len > VICI_VALUE_MAX;
    b->data[at] = (char)(len >> 8);
    b->data[at + 1] = (char)(len & 0xFF);
}

void vici_put_list(struct strbuf *b, const char *name)
{
    put_type(b, VICI_LIST_START);
    put_name(b, name);
}

void vici_put_list_item(struct strbuf *b, const char *value)
{
    put_type(b, VICI_LIST_ITEM);
    put_bytes(b, value, strlen(value));
}

void vici_put_list_end(struct strbuf *b)
{
    put_type(b, VICI_LIST_END);
}

void vici_put_packet(struct strbuf *b, enum vici_packet type, const char *name, const void *message, size_t len)
{
    size_t size = 1 + (name ? 1 + strlen(name) : 0) + len;

    if (size > VICI_MESSAGE_MAX)
        b->bad = true;
    for (int shift = 24; shift >= 0; shift -= 8)
        strbuf_putc(b, (char)(size >> shift & 0xFF));
    strbuf_putc(b, (char)type);
    if (name)
        put_name(b, name);
    strbuf_add(b, message, len);
}
