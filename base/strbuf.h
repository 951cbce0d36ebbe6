/*
 * A growing buffer of bytes or text with a maximum given at creation. The error is sticky: what would pass the maximum
 * (or finds no memory) is not written and the buffer is bad. The text is always NUL-ended.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct strbuf {
    char *data; /* owned; NULL until something is written */
    size_t len;
    size_t cap;
    size_t max; /* LEN never passes it */
    bool bad;
    bool wipe; /* holds a secret: cleared before memory is given back */
};

void strbuf_init(struct strbuf *b, size_t max);
void strbuf_init_secret(struct strbuf *b, size_t max);
void strbuf_done(struct strbuf *b);  /* gives the memory back; B may be used again */
void strbuf_reset(struct strbuf *b); /* empties it, keeps the memory, clears the error */

void strbuf_add(struct strbuf *b, const void *data, size_t len);
void strbuf_puts(struct strbuf *b, const char *text);
void strbuf_putc(struct strbuf *b, char c);
void strbuf_printf(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vprintf(struct strbuf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Drops the first LEN bytes. */
void strbuf_consume(struct strbuf *b, size_t len);

const char *strbuf_text(const struct strbuf *b); /* never NULL; borrowed until the next write */
char *strbuf_take(struct strbuf *b);             /* owned by the caller; NULL where bad; B is empty afterwards */
