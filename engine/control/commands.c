#include "engine/control/commands.h"

#include "base/array.h"
#include "base/str.h"
#include "engine/control/control_private.h"

static const struct command commands[] = {
    {"version", version_run},      {"stats", stats_run},         {"load-conn", conns_load},
    {"unload-conn", conns_unload}, {"get-conns", conns_get},     {"list-conns", list_conns_run},
    {"list-sas", list_sas_run},    {"initiate", initiate_run},   {"terminate", terminate_run},
    {"rekey", rekey_run},          {"load-shared", shared_load}, {"unload-shared", shared_unload},
    {"get-shared", shared_get},
};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (str_eq(commands[i].name, name))
            return &commands[i];
    return NULL;
}
