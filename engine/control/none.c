/* Commands whose nouns the engine has none of: they are refused by name, lists of them are empty. */
#include "engine/control/commands.h"
#include "engine/control/control_private.h"

#include <string.h>

/* The name of the first section: what is to be loaded. */
static void refuse(struct call *c, const char *what)
{
    struct vici_walk w = vici_walk_of(c->message);
    struct vici_item it;

    while (vici_walk_next(&w, &it) != VICI_END)
        if (it.type == VICI_SECTION_START) {
            call_fail(c, "%s '%.*s': %ss are not supported", what, (int)it.name_len, it.name, what);
            return;
        }
    call_fail(c, "%ss are not supported", what);
}

void none_load_pool(struct call *c)
{
    refuse(c, "pool");
}

void none_load_authority(struct call *c)
{
    refuse(c, "certification authority section");
}

static void not_found(struct call *c, const char *what)
{
    char name[VICI_NAME_MAX + 1] = "";

    (void)args_text(c->message, "name", name, sizeof(name));
    call_fail(c, "unload: %s '%s' not found", what, name);
}

void none_unload_pool(struct call *c)
{
    not_found(c, "pool");
}

void none_unload_authority(struct call *c)
{
    not_found(c, "authority");
}

void none_pools(struct call *c)
{
    (void)c; /* a section for each */
}

void none_authorities(struct call *c)
{
    vici_put_list(c->reply, "authorities");
    vici_put_list_end(c->reply);
}

void none_list_authorities(struct call *c)
{
    (void)c; /* an event for each */
}

void none_load_token(struct call *c)
{
    call_fail(c, "private keys on tokens are not supported");
}

void none_redirect(struct call *c)
{
    call_fail(c, "redirecting (RFC 5685) is not supported");
}

/* There is no file of settings that could have changed. */
void none_reload(struct call *c)
{
    call_succeed(c);
}
