#include "base/str.h"
#include "engine/control/commands.h"
#include "engine/control/control_private.h"

#include <inttypes.h>

/* What `name` and `all` ask for. */
struct wish {
    bool each, named;
    char name[CONF_NAME_MAX];
};

/* False: answered. */
static bool read_wish(struct call *c, struct wish *ret)
{
    char all[8];
    int r;

    *ret = (struct wish){.each = args_text(c->message, "all", all, sizeof(all)) != 0};
    r = args_text(c->message, "name", ret->name, sizeof(ret->name));
    ret->named = !ret->each && r != 0;
    if (ret->named && r < 0)
        call_fail(c, "invalid value of 'name'");
    return !ret->named || r > 0;
}

/* With an empty name: of all connections together. */
static void put_row(struct call *c, const char *name, const uint64_t *row)
{
    vici_put_section(c->reply, name);
    for (unsigned i = 0; i < ENGINE_COUNTERS; i++)
        vici_put_valuef(c->reply, engine_counter_name((enum engine_counter)i), "%" PRIu64, row[i]);
    vici_put_section_end(c->reply);
}

static void put_each(struct call *c, const struct counters *cs)
{
    const uint64_t *row;
    const char *name;
    size_t pos = 0;

    while ((row = counters_next(cs, &pos, &name)))
        put_row(c, name, row);
}

void counts_get(struct call *c)
{
    const struct counters *cs = engine_counters(c->control->config.engine);
    const uint64_t *row = NULL;
    struct wish w;

    if (!read_wish(c, &w))
        return;
    vici_put_section(c->reply, "counters");
    if (w.each)
        put_each(c, cs);
    else if ((row = counters_of(cs, w.named ? w.name : NULL)))
        put_row(c, w.name, row);
    vici_put_section_end(c->reply);
    if (w.each || row)
        call_succeed(c);
    else
        call_fail(c, "no counters found for this connection");
}

void counts_reset(struct call *c)
{
    struct counters *cs = engine_counters(c->control->config.engine);
    struct wish w;
    int r = 0;

    if (!read_wish(c, &w))
        return;
    if (w.each)
        r = counters_reset_names(cs);
    else
        counters_reset(cs, w.named ? w.name : NULL);
    if (r < 0)
        call_fail(c, "out of memory");
    else
        call_succeed(c);
}
