#include "tests/awssim/form.h"

#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* In place; an encoded NUL would hide what follows it. */
static int decode(char *text)
{
    size_t out = 0;

    for (size_t i = 0; text[i]; i++) {
        if (text[i] == '+') {
            text[out++] = ' ';
        } else if (text[i] == '%') {
            int high = hex_value(text[i + 1]), low = high < 0 ? -1 : hex_value(text[i + 2]);
            if (low < 0 || high + low == 0)
                return -EINVAL;
            text[out++] = (char)(high << 4 | low);
            i += 2;
        } else {
            text[out++] = text[i];
        }
    }
    text[out] = '\0';
    return 0;
}

int form_parse(const char *body, struct form *ret)
{
    struct form f = {.text = strdup(body)};
    char *rest = f.text, *pair;

    if (!f.text)
        return -ENOMEM;
    while ((pair = strsep(&rest, "&"))) {
        char *value = pair, *name = strsep(&value, "=");
        int r;
        if (name[0] == '\0' && !value)
            continue;
        r = f.n == FORM_PARAMS_MAX ? -E2BIG : decode(name);
        if (r == 0 && value)
            r = decode(value);
        if (r < 0) {
            form_done(&f);
            return r;
        }
        f.params[f.n++] = (struct form_param){name, str_or(value, "")};
    }
    *ret = f;
    return 0;
}

void form_done(struct form *f)
{
    free(f->text);
    *f = (struct form){0};
}

const char *form_get(const struct form *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++)
        if (str_eq(f->params[i].name, name))
            return f->params[i].value;
    return NULL;
}

bool form_is_item(const char *name, const char *prefix)
{
    const char *number = &name[str_starts(name, prefix) ? strlen(prefix) : 0];

    return number != name && number[0] == '.' && number[1] != '\0' &&
           strspn(&number[1], "0123456789") == strlen(&number[1]);
}
