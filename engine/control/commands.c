#include "engine/control/commands.h"

#include "base/array.h"
#include "base/str.h"
#include "engine/control/control_private.h"

static const struct command commands[] = {
    {"version", version_run},
    {"stats", stats_run},
    {"load-conn", conns_load},
    {"unload-conn", conns_unload},
    {"get-conns", conns_get},
    {"list-conns", list_conns_run},
    {"list-sas", list_sas_run},
    {"initiate", initiate_run},
    {"terminate", terminate_run},
    {"rekey", rekey_run},
    {"load-shared", shared_load},
    {"unload-shared", shared_unload},
    {"get-shared", shared_get},
    {"load-cert", certs_load},
    {"list-certs", list_certs_run},
    {"clear-creds", certs_clear},
    {"flush-certs", certs_flush},
    {"load-key", keys_load},
    {"unload-key", keys_unload},
    {"get-keys", keys_get},
    {"load-token", none_load_token},
    {"install", policies_install},
    {"uninstall", policies_uninstall},
    {"list-policies", list_policies_run},
    {"get-counters", counts_get},
    {"reset-counters", counts_reset},
    {"get-algorithms", algorithms_run},
    {"get-pools", none_pools},
    {"load-pool", none_load_pool},
    {"unload-pool", none_unload_pool},
    {"get-authorities", none_authorities},
    {"list-authorities", none_list_authorities},
    {"load-authority", none_load_authority},
    {"unload-authority", none_unload_authority},
    {"redirect", none_redirect},
    {"reload-settings", none_reload},
};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (str_eq(commands[i].name, name))
            return &commands[i];
    return NULL;
}
