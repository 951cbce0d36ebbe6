#include "engine/ike/child_log.h"

#include "base/strbuf.h"
#include "engine/ike/child_path.h"

#include <inttypes.h>

#define LINE_MAX_BYTES 16384

static void put_selectors(struct strbuf *b, const struct selectors *ss)
{
    char text[SELECTOR_TEXT_MAX];

    for (size_t i = 0; i < ss->n; i++)
        strbuf_printf(b, "%s%s", i > 0 ? " " : "", selector_text(&ss->s[i], text));
}

/* What B begins with, and the selectors. */
static void end_line(const struct child_sa *c, int level, struct strbuf *b)
{
    strbuf_puts(b, " and TS ");
    put_selectors(b, &c->local_ts);
    strbuf_puts(b, " === ");
    put_selectors(b, &c->remote_ts);
    ike_sa_log(c->ike, ENGINE_LOG_IKE, level, "%s", strbuf_text(b));
}

void child_log_established(const struct child_sa *c)
{
    cleanup(strbuf_done) struct strbuf b;

    strbuf_init(&b, LINE_MAX_BYTES);
    strbuf_printf(&b, "CHILD_SA %s{%u} established with SPIs %08x_i %08x_o", c->conf->name, c->unique, c->spi_in,
                  c->spi_out);
    end_line(c, 0, &b);
}

void child_log_closing(const struct child_sa *c)
{
    cleanup(strbuf_done) struct strbuf b;
    struct path_usage u;

    (void)child_path_usage(c, &u);
    strbuf_init(&b, LINE_MAX_BYTES);
    strbuf_printf(&b, "closing CHILD_SA %s{%u} with SPIs %08x_i (%" PRIu64 " bytes) %08x_o (%" PRIu64 " bytes)",
                  c->conf->name, c->unique, c->spi_in, u.in.bytes, c->spi_out, u.out.bytes);
    end_line(c, c->replaced_by == 0 ? 0 : 1, &b);
}

void child_log_duplicate(const struct child_sa *c)
{
    cleanup(strbuf_done) struct strbuf b;

    strbuf_init(&b, LINE_MAX_BYTES);
    strbuf_printf(&b, "not establishing CHILD_SA %s due to existing duplicate {%u} with SPIs %08x_i %08x_o",
                  c->conf->name, c->unique, c->spi_in, c->spi_out);
    end_line(c, 1, &b);
}
