#include "agent/cli/style.h"

#include "base/str.h"

#include <assert.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char *const sequences[TONE_MAX_] = {
    [TONE_PLAIN] = "",         [TONE_GOOD] = "\033[32m", [TONE_WARN] = "\033[33m",
    [TONE_BAD] = "\033[1;31m", [TONE_DIM] = "\033[2m",   [TONE_STRONG] = "\033[1m",
};

struct style style_of_stdout(void)
{
    const char *no_colour = getenv("NO_COLOR");
    struct style s = {.unicode = str_eq(nl_langinfo(CODESET), "UTF-8")};
    struct winsize size;

    if (!isatty(STDOUT_FILENO))
        return s;
    s.colour = (!no_colour || no_colour[0] == '\0') && !str_eq(getenv("TERM"), "dumb");
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
        s.width = size.ws_col;
        s.height = size.ws_row;
    }
    return s;
}

const char *style_begin(const struct style *s, enum tone t)
{
    assert(t < TONE_MAX_);
    return s->colour ? sequences[t] : "";
}

const char *style_end(const struct style *s, enum tone t)
{
    return s->colour && t != TONE_PLAIN ? "\033[0m" : "";
}

const char *style_sign(const struct style *s, const char *unicode, const char *ascii)
{
    return s->unicode ? unicode : ascii;
}

size_t style_columns(const char *text)
{
    size_t n = 0;

    while (*text != '\0') {
        if (str_starts(text, "\033[")) {
            text += strcspn(text, "m");
            text += *text == 'm';
            continue;
        }
        n += ((unsigned char)*text & 0xc0) != 0x80; /* continuation bytes stand in no column of their own */
        text++;
    }
    return n;
}
