#include "base/strbuf.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAP_MIN 64

void strbuf_init(struct strbuf *b, size_t max)
{
    *b = (struct strbuf){.max = max};
}

void strbuf_init_secret(struct strbuf *b, size_t max)
{
    *b = (struct strbuf){.max = max, .wipe = true};
}

static void release(struct strbuf *b)
{
    if (b->wipe && b->data)
        explicit_bzero(b->data, b->cap);
    free(b->data);
}

void strbuf_done(struct strbuf *b)
{
    release(b);
    *b = (struct strbuf){.max = b->max, .wipe = b->wipe};
}

void strbuf_reset(struct strbuf *b)
{
    if (b->wipe && b->data)
        explicit_bzero(b->data, b->cap);
    b->len = 0;
    b->bad = false;
    if (b->data)
        b->data[0] = '\0';
}

/* Makes room for LEN more bytes and the NUL. Memory is not moved by realloc, which could leave a secret behind. */
static bool grow(struct strbuf *b, size_t len)
{
    size_t cap = b->cap > 0 ? b->cap : CAP_MIN;
    char *data;

    if (b->bad || len > b->max - b->len) {
        b->bad = true;
        return false;
    }
    if (b->len + len < b->cap)
        return true;
    while (cap <= b->len + len)
        cap *= 2;
    data = malloc(cap);
    if (!data) {
        b->bad = true;
        return false;
    }
    if (b->len > 0)
        memcpy(data, b->data, b->len);
    release(b);
    b->data = data;
    b->cap = cap;
    return true;
}

void strbuf_add(struct strbuf *b, const void *data, size_t len)
{
    if (!grow(b, len))
        return;
    if (len > 0)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void strbuf_puts(struct strbuf *b, const char *text)
{
    strbuf_add(b, text, strlen(text));
}

void strbuf_putc(struct strbuf *b, char c)
{
    strbuf_add(b, &c, 1);
}

void strbuf_vprintf(struct strbuf *b, const char *fmt, va_list ap)
{
    va_list again;
    int len;

    va_copy(again, ap);
    len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (len < 0) {
        b->bad = true;
        return;
    }
    if (!grow(b, (size_t)len))
        return;
    (void)vsnprintf(b->data + b->len, (size_t)len + 1, fmt, ap);
    b->len += (size_t)len;
}

void strbuf_printf(struct strbuf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    strbuf_vprintf(b, fmt, ap);
    va_end(ap);
}

void strbuf_consume(struct strbuf *b, size_t len)
{
    if (len > b->len)
        len = b->len;
    if (len == 0)
        return;
    memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
    b->data[b->len] = '\0';
}

const char *strbuf_text(const struct strbuf *b)
{
    return b->data ? b->data : "";
}

char *strbuf_take(struct strbuf *b)
{
    char *data = NULL;

    if (!b->bad && grow(b, 0)) {
        b->data[b->len] = '\0';
        data = TAKE_PTR(b->data);
        b->cap = 0;
    }
    strbuf_done(b);
    return data;
}
