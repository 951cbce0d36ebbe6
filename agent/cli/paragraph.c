#include "agent/cli/paragraph.h"

#include "agent/cli/wrap.h"
#include "base/str.h"

#define LABEL_WIDTH 10 /* the longest label, and two spaces */
#define PREFIX_MAX  64

void paragraph_put(struct strbuf *out, const struct paragraph *p, const struct style *s, const char *text)
{
    const char *bar = style_sign(s, "│", "|");
    const char *dim = style_begin(s, TONE_DIM), *end = style_end(s, TONE_DIM);
    int label_width = p->label[0] == '\0' ? 0 : LABEL_WIDTH; /* a sentence of its own reaches to the bar */
    char prefix[PREFIX_MAX];
    struct wrap w = {prefix, p->indent + (size_t)label_width, p->width};

    (void)str_format(prefix, sizeof(prefix), "%*s%s%s%s %*s", (int)(p->indent - 2), "", dim, bar, end, label_width, "");
    strbuf_printf(out, "%*s%s%s%s %s%-*s%s", (int)(p->indent - 2), "", dim, bar, end, dim, label_width, p->label, end);
    wrap_put(out, &w, text);
    strbuf_putc(out, '\n');
}
