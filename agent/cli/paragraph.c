#include "agent/cli/paragraph.h"

#include <stdint.h>
#include <string.h>

#define LABEL_WIDTH    10 /* the longest label, and two spaces */
#define TEXT_WIDTH_MIN 20

void paragraph_put(struct strbuf *out, const struct paragraph *p, const struct style *s, const char *text)
{
    unsigned margin = p->indent + LABEL_WIDTH;
    size_t room = p->width >= margin + TEXT_WIDTH_MIN ? p->width - margin : p->width > 0 ? TEXT_WIDTH_MIN : SIZE_MAX;
    size_t used = 0;
    const char *bar = style_sign(s, "│", "|");

    if (p->label[0] == '\0') { /* a sentence of its own reaches to the bar */
        margin = p->indent;
        room += room == SIZE_MAX ? 0 : LABEL_WIDTH;
    }
    strbuf_printf(out, "%*s%s%s%s %s%-*s%s", (int)(p->indent - 2), "", style_begin(s, TONE_DIM), bar,
                  style_end(s, TONE_DIM), style_begin(s, TONE_DIM), (int)(margin - p->indent), p->label,
                  style_end(s, TONE_DIM));
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        char word[256];
        size_t shown = len < sizeof(word) ? len : sizeof(word) - 1;

        memcpy(word, text, shown);
        word[shown] = '\0';

        size_t columns = style_columns(word);

        if (used > 0 && used + 1 + columns > room) {
            strbuf_printf(out, "\n%*s%s%s%s %*s", (int)(p->indent - 2), "", style_begin(s, TONE_DIM), bar,
                          style_end(s, TONE_DIM), (int)(margin - p->indent), "");
            used = 0;
        }
        strbuf_printf(out, "%s%s", used > 0 ? " " : "", word);
        used += columns + (used > 0);
        text = &text[shown];
        text = &text[strspn(text, " ")];
    }
    strbuf_putc(out, '\n');
}
