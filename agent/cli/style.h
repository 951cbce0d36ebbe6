/* How text is dressed: colour and signs on a terminal, plain words elsewhere. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum tone {
    TONE_PLAIN,
    TONE_GOOD,
    TONE_WARN,
    TONE_BAD,
    TONE_DIM,
    TONE_STRONG,
    TONE_MAX_,
};

struct style {
    bool colour;
    bool unicode;
    unsigned width;  /* columns; 0: lines are not broken */
    unsigned height; /* rows; 0: any number */
};

/* That of standard output: colour on a terminal without NO_COLOR, signs in a UTF-8 locale. */
struct style style_of_stdout(void);

const char *style_begin(const struct style *s, enum tone t); /* an escape sequence, or "" */
const char *style_end(const struct style *s, enum tone t);

/* UNICODE where the locale has it, else ASCII. */
const char *style_sign(const struct style *s, const char *unicode, const char *ascii);

size_t style_columns(const char *text); /* of UTF-8 text without wide characters; colours take none */
