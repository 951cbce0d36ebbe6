#include "clients/aws/ini.h"

#include "base/reader.h"
#include "base/str.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct slice {
    const char *text; /* borrowed from the file's text */
    size_t len;
};

struct place {
    bool in_section;
    char above[INI_NAME_MAX]; /* the key that indented lines belong to; "" where it has a value of its own */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct slice cut(struct slice s, size_t start, size_t end)
{
    while (start < end && is_blank(s.text[start]))
        start++;
    while (end > start && is_blank(s.text[end - 1]))
        end--;
    return (struct slice){&s.text[start], end - start};
}

static bool slice_is(struct slice s, const char *what)
{
    return s.len == strlen(what) && !strncmp(s.text, what, s.len);
}

static struct slice next_line(struct rd *r)
{
    struct rd ahead = *r;
    size_t left, len;
    const uint8_t *rest = rd_rest(&ahead, &left);
    const uint8_t *end = memchr(rest, '\n', left);

    len = end ? (size_t)(end - rest) : left;
    (void)rd_take(r, len);
    if (end)
        rd_skip(r, 1);
    return (struct slice){(const char *)rest, len};
}

/* "[profile x]" or "[profile "x"]": words are parted by one space, quotes are not part of a name. */
static bool section_is(struct slice line, const char *wanted)
{
    const char *end = memchr(line.text, ']', line.len);
    char name[INI_NAME_MAX];
    size_t n = 0;
    struct slice s;

    if (!end)
        return false;
    s = cut(line, 1, (size_t)(end - line.text));
    for (size_t i = 0; i < s.len; i++) {
        char c = s.text[i];
        if (c == '"' || c == '\'' || (is_blank(c) && n > 0 && name[n - 1] == ' '))
            continue;
        if (n == sizeof name - 1)
            return false;
        name[n++] = is_blank(c) ? ' ' : c;
    }
    name[n] = '\0';
    return str_eq(name, wanted);
}

static void set_above(struct place *p, struct slice key, struct slice value)
{
    p->above[0] = '\0';
    if (value.len == 0 && key.len < sizeof p->above)
        (void)str_format(p->above, sizeof p->above, "%.*s", (int)key.len, key.text);
}

/* Whether LINE, an item of the section, holds the value of K. */
static bool item_is(struct slice line, const struct ini_key *k, struct place *p, struct slice *ret_value)
{
    bool indented = is_blank(line.text[0]);
    size_t at = 0;
    struct slice key, value;

    while (at < line.len && line.text[at] != '=')
        at++;
    if (at == line.len)
        return false;
    key = cut(line, 0, at);
    value = cut(line, at + 1, line.len);
    if (!indented)
        set_above(p, key, value);
    if (!slice_is(key, k->key) || indented != !!k->above || (k->above && !str_eq(p->above, k->above)))
        return false;
    *ret_value = value;
    return true;
}

int ini_find(const char *text, size_t len, const struct ini_key *k, struct strbuf *ret)
{
    struct rd r = rd_of(text, len);
    struct place p = {0};
    struct slice found = {0};

    while (rd_left(&r) > 0) {
        struct slice line = next_line(&r), bare = cut(line, 0, line.len);
        if (bare.len == 0 || bare.text[0] == '#' || bare.text[0] == ';')
            continue;
        if (line.text[0] == '[')
            p = (struct place){.in_section = section_is(line, k->section)};
        else if (p.in_section)
            (void)item_is(line, k, &p, &found);
    }
    if (!found.text)
        return -ENOENT;
    strbuf_add(ret, found.text, found.len);
    return ret->bad ? -ENOBUFS : 0;
}
