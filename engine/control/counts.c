#include "base/str.h"
#include "engine/control/commands.h"
#include "engine/control/control_private.h"

#include <inttypes.h>

/* False, and answered, where a single connection is asked for: its messages are not counted apart. charon says the same
 * of a connection that it does not know. */
static bool is_global(struct call *c)
{
    char name[CONF_NAME_MAX];

    if (args_text(c->message, "name", name, sizeof(name)) == 0)
        return true;
    vici_put_section(c->reply, "counters");
    vici_put_section_end(c->reply);
    call_fail(c, "no counters found for this connection");
    return false;
}

void counts_get(struct call *c)
{
    struct control *control = c->control;

    if (!is_global(c))
        return;
    vici_put_section(c->reply, "counters");
    vici_put_section(c->reply, ""); /* of all connections */
    for (unsigned i = 0; i < ENGINE_COUNTERS; i++) {
        enum engine_counter n = (enum engine_counter)i;

        vici_put_valuef(c->reply, engine_counter_name(n), "%" PRIu64,
                        engine_counter(control->config.engine, n) - control->counters[i]);
    }
    vici_put_section_end(c->reply);
    vici_put_section_end(c->reply);
    call_succeed(c);
}

/* The engine's only go up: what they were is remembered. */
void counts_reset(struct call *c)
{
    struct control *control = c->control;

    if (!is_global(c))
        return;
    for (unsigned i = 0; i < ENGINE_COUNTERS; i++)
        control->counters[i] = engine_counter(control->config.engine, (enum engine_counter)i);
    call_succeed(c);
}
