/* The sample file, from the options table. It loads as it is. */
#include "conf/conf.h"

#include "base/strbuf.h"
#include "conf/options.h"

#include <string.h>

#define INDENT 4

static void indent(struct strbuf *out, unsigned depth)
{
    strbuf_printf(out, "%*s", (int)(depth * INDENT), "");
}

static void write_option(struct strbuf *out, const struct conf_option *o, unsigned depth)
{
    bool bare = o->def && strspn(o->def, "abcdefghijklmnopqrstuvwxyz0123456789") == strlen(o->def);
    const char *quote = o->def && !bare ? "\"" : "";

    indent(out, depth);
    strbuf_printf(out, "# %s\n", o->doc);
    indent(out, depth);
    strbuf_printf(out, "%s%s = %s%s%s\n", o->sampled ? "" : "# ", o->key, quote, o->def ? o->def : o->example, quote);
}

static void write_options(struct strbuf *out, enum conf_section s, unsigned depth)
{
    size_t n;
    const struct conf_option *o = conf_options(&n);

    for (size_t i = 0; i < n; i++)
        if (o[i].section == s)
            write_option(out, &o[i], depth);
}

static void write_section(struct strbuf *out, enum conf_section s, unsigned depth)
{
    const struct conf_section_info *info = conf_section_info(s);

    strbuf_putc(out, '\n');
    indent(out, depth);
    strbuf_printf(out, "# %s\n", info->doc);
    indent(out, depth);
    if (info->title)
        strbuf_printf(out, "%s \"%s\" {\n", info->name, info->title);
    else
        strbuf_printf(out, "%s {\n", info->name);
    write_options(out, s, depth + 1);
    for (unsigned child = CONF_SECTION_ROOT + 1; child < CONF_SECTION_MAX_; child++)
        if (conf_section_info((enum conf_section)child)->parent == s)
            write_section(out, (enum conf_section)child, depth + 1);
    indent(out, depth);
    strbuf_puts(out, "}\n");
}

void conf_sample(struct strbuf *out)
{
    strbuf_puts(out, "# Rekindle's configuration, with every option. What is commented out shows the default,\n"
                     "# or an example where there is none.\n\n");
    write_options(out, CONF_SECTION_ROOT, 0);
    for (unsigned s = CONF_SECTION_ROOT + 1; s < CONF_SECTION_MAX_; s++)
        if (conf_section_info((enum conf_section)s)->parent == CONF_SECTION_ROOT)
            write_section(out, (enum conf_section)s, 0);
}
