/* Bytes written as hexadecimal digits, for the vectors of RFCs; blanks between them do not matter. */
#pragma once

#include <assert.h>
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>

static inline uint8_t hex_digit(char c)
{
    assert(isxdigit((unsigned char)c));
    return (uint8_t)(isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10);
}

/* Writes at most MAX bytes to RET and returns how many. */
static inline size_t unhex(const char *text, uint8_t *ret, size_t max)
{
    size_t n = 0;

    for (; *text; text++) {
        if (isspace((unsigned char)*text))
            continue;
        assert(n < max && text[1]);
        ret[n++] = (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
        text++;
    }
    return n;
}
