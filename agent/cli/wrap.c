#include "agent/cli/wrap.h"

#include "agent/cli/style.h"

#include <stdint.h>
#include <string.h>

#define ROOM_MIN 20 /* a terminal that is narrower than that breaks lines by itself */

static size_t columns_of(const char *text, size_t len)
{
    char piece[512];

    if (len >= sizeof(piece))
        return len;
    memcpy(piece, text, len);
    piece[len] = '\0';
    return style_columns(piece);
}

/* Bytes of what comes next and is not to be broken. */
static size_t unit(const char *text, size_t room)
{
    size_t word = strcspn(text, " ");
    const char *end = text[0] == '`' ? strchr(text + 1, '`') : NULL;
    size_t command = end ? (size_t)(end - text) + strcspn(end, " ") : word;

    return columns_of(text, command) <= room ? command : word;
}

void wrap_put(struct strbuf *out, const struct wrap *w, const char *text)
{
    size_t indent = style_columns(w->prefix), column = w->column;
    size_t room = w->width == 0 ? SIZE_MAX : w->width > indent + ROOM_MIN ? w->width - indent : ROOM_MIN;
    size_t limit = room == SIZE_MAX ? SIZE_MAX : indent + room;

    for (bool first = true; *text != '\0'; first = false) {
        size_t len = unit(text, room), columns = columns_of(text, len);

        if (!first && column + 1 + columns > limit) {
            strbuf_printf(out, "\n%s", w->prefix);
            column = indent;
        } else if (!first) {
            strbuf_putc(out, ' ');
            column++;
        }
        strbuf_add(out, text, len);
        column += columns;
        text += len;
        text += strspn(text, " ");
    }
}
