/* Small helpers for text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

static inline const char *str_or(const char *s, const char *otherwise)
{
    return s ? s : otherwise;
}

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);

/* LEN bytes, the case of ASCII letters aside; a NUL is a byte like others. */
bool str_same_nocase(const void *a, const void *b, size_t len);

/* Copies as much of SRC as fits, always NUL-ended. Returns false where it was cut. */
bool str_copy(char *dst, size_t size, const char *src);

/* Copies LEN bytes for display: control characters and bytes that are not valid UTF-8 become '?', cut at SIZE - 1. */
void str_printable(char *dst, size_t size, const char *src, size_t len);

/* Formats into DST. Returns false where it was cut. */
bool str_format(char *dst, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Lowercase hexadecimal of LEN bytes; DST holds 2 * LEN + 1. */
void str_hex(char *dst, const void *data, size_t len);
