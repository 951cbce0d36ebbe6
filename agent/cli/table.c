#include "agent/cli/table.h"

#include "agent/cli/field.h"
#include "agent/cli/look.h"
#include "base/str.h"

#include <string.h>

#define CELL_MAX 128
#define GAP      2 /* between columns */

struct column_info {
    const char *title;
    bool right; /* numbers are read from the right */
};

static const struct column_info columns[COLUMN_MAX_] = {
    [COLUMN_TUNNEL] = {"TUNNEL", false}, [COLUMN_ADDRESS] = {"ENDPOINT", false}, [COLUMN_VERDICT] = {"VERDICT", false},
    [COLUMN_FOR] = {"FOR", false},       [COLUMN_LOSS] = {"LOSS", true},         [COLUMN_RTT] = {"RTT", true},
    [COLUMN_CAUSE] = {"CAUSE", false},
};

struct row {
    char cells[COLUMN_MAX_][CELL_MAX];
};

static void fill_numbers(struct row *row, struct json_object *tunnel, const struct look *look)
{
    double loss = field_number(tunnel, "loss", -1), rtt = field_number(tunnel, "rtt_ms", -1);
    double seconds = field_number(tunnel, "for_seconds", -1);
    char text[FIELD_MAX];

    (void)str_copy(row->cells[COLUMN_FOR], CELL_MAX, field_span(seconds, text));
    (void)str_copy(row->cells[COLUMN_LOSS], CELL_MAX, "-");
    (void)str_copy(row->cells[COLUMN_RTT], CELL_MAX, "-");
    if (loss >= 0 && loss <= 1) /* the least loss is not shown as none */
        (void)str_format(row->cells[COLUMN_LOSS], CELL_MAX, loss > 0 && loss < 0.01 ? "<1 %%" : "%.0f %%", loss * 100);
    if (rtt >= 0 && look->exit != CLI_FAILED) /* one of before says nothing of a tunnel that is down */
        (void)str_format(row->cells[COLUMN_RTT], CELL_MAX, rtt < 9.95 ? "%.1f ms" : "%.0f ms", rtt);
}

static void fill_row(struct row *row, struct json_object *tunnel, const struct style *s)
{
    const struct look *look = look_of(tunnel);
    char text[FIELD_MAX], connection[FIELD_MAX];

    (void)str_format(row->cells[COLUMN_TUNNEL], CELL_MAX, "%s/%s", field_text(tunnel, "connection", "?", connection),
                     field_text(tunnel, "tunnel", "?", text)); /* as commands take it */
    (void)str_copy(row->cells[COLUMN_ADDRESS], CELL_MAX, field_text(tunnel, "outside_address", "-", text));
    (void)str_format(row->cells[COLUMN_VERDICT], CELL_MAX, "%s %s", style_sign(s, look->unicode, look->ascii),
                     look->word);
    fill_numbers(row, tunnel, look);
    (void)str_copy(row->cells[COLUMN_CAUSE], CELL_MAX, field_text(tunnel, "cause", "none", text));
    if (str_eq(row->cells[COLUMN_CAUSE], "none") || !look->counted)
        (void)str_copy(row->cells[COLUMN_CAUSE], CELL_MAX, "-");
}

/* How many columns find room, the verdict in any case: what does not is said below the row. */
static unsigned fit(const struct table *t)
{
    size_t used = 0;
    unsigned n = 0;

    while (n < COLUMN_MAX_) {
        used += t->widths[n] + (n > 0 ? GAP : 0);
        if (t->style.width > 0 && used > t->style.width && n > COLUMN_VERDICT)
            break;
        n++;
    }
    return n;
}

struct table table_for(struct json_object *tunnels, const struct style *s)
{
    struct table t = {.style = *s};

    for (unsigned c = 0; c < COLUMN_MAX_; c++)
        t.widths[c] = strlen(columns[c].title);
    for (size_t i = 0; i < field_count(tunnels); i++) {
        struct row row = {0};

        fill_row(&row, json_object_array_get_idx(tunnels, i), s);
        for (unsigned c = 0; c < COLUMN_MAX_; c++)
            if (style_columns(row.cells[c]) > t.widths[c])
                t.widths[c] = style_columns(row.cells[c]);
    }
    t.n_columns = fit(&t);
    return t;
}

static void put_cell(const struct table *t, enum column c, const char *text, enum tone tone, struct strbuf *out)
{
    size_t columns_used = style_columns(text);
    int pad = t->widths[c] > columns_used ? (int)(t->widths[c] - columns_used) : 0;
    bool right = columns[c].right, last = c + 1 == t->n_columns;

    strbuf_printf(out, "%*s%s%s%s%*s", right ? pad : 0, "", style_begin(&t->style, tone), text,
                  style_end(&t->style, tone), right || last ? 0 : pad, "");
    strbuf_printf(out, "%*s", last ? 0 : GAP, last ? "\n" : "");
}

void table_put_titles(const struct table *t, struct strbuf *out)
{
    for (unsigned c = 0; c < t->n_columns; c++)
        put_cell(t, (enum column)c, columns[c].title, TONE_DIM, out);
}

void table_put_row(const struct table *t, struct json_object *tunnel, struct strbuf *out)
{
    const struct look *look = look_of(tunnel);
    struct row row = {0};

    fill_row(&row, tunnel, &t->style);
    for (unsigned c = 0; c < t->n_columns; c++) {
        enum tone tone = look->counted ? TONE_PLAIN : TONE_DIM;

        if (c == COLUMN_VERDICT || (c == COLUMN_CAUSE && !look->fine))
            tone = look->tone;
        put_cell(t, (enum column)c, row.cells[c], tone, out);
    }
}
