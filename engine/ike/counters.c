#include "engine/ike/counters.h"

#include "base/map.h"

#include <errno.h>
#include <stdlib.h>

static const char *const names[ENGINE_COUNTERS] = {
    [ENGINE_IKE_REKEY_INIT] = "ike-rekey-init",
    [ENGINE_IKE_REKEY_RESP] = "ike-rekey-resp",
    [ENGINE_CHILD_REKEY] = "child-rekey",
    [ENGINE_IN_INVALID] = "invalid",
    [ENGINE_IN_INVALID_SPI] = "invalid-spi",
    [ENGINE_IN_INIT_REQ] = "ike-init-in-req",
    [ENGINE_IN_INIT_RSP] = "ike-init-in-resp",
    [ENGINE_OUT_INIT_REQ] = "ike-init-out-req",
    [ENGINE_OUT_INIT_RSP] = "ike-init-out-resp",
    [ENGINE_IN_AUTH_REQ] = "ike-auth-in-req",
    [ENGINE_IN_AUTH_RSP] = "ike-auth-in-resp",
    [ENGINE_OUT_AUTH_REQ] = "ike-auth-out-req",
    [ENGINE_OUT_AUTH_RSP] = "ike-auth-out-resp",
    [ENGINE_IN_CHILD_REQ] = "create-child-in-req",
    [ENGINE_IN_CHILD_RSP] = "create-child-in-resp",
    [ENGINE_OUT_CHILD_REQ] = "create-child-out-req",
    [ENGINE_OUT_CHILD_RSP] = "create-child-out-resp",
    [ENGINE_IN_INFO_REQ] = "info-in-req",
    [ENGINE_IN_INFO_RSP] = "info-in-resp",
    [ENGINE_OUT_INFO_REQ] = "info-out-req",
    [ENGINE_OUT_INFO_RSP] = "info-out-resp",
};

struct counters {
    uint64_t all[ENGINE_COUNTERS];
    struct map *names; /* owned, values are uint64_t[ENGINE_COUNTERS], owned */
};

const char *engine_counter_name(enum engine_counter c)
{
    return names[c];
}

int counters_new(struct counters **ret)
{
    struct counters *cs = calloc(1, sizeof(*cs));

    if (!cs || map_new(COUNTERS_NAMES_MAX, &cs->names) < 0) {
        free(cs);
        return -ENOMEM;
    }
    *ret = cs;
    return 0;
}

static void forget_all(struct counters *cs)
{
    const char *name;
    size_t pos = 0;
    void *row;

    while (map_next(cs->names, &pos, &name, &row))
        free(row);
    cs->names = map_free(cs->names);
}

struct counters *counters_free(struct counters *cs)
{
    if (!cs)
        return NULL;
    forget_all(cs);
    free(cs);
    return NULL;
}

static uint64_t *row_of(struct counters *cs, const char *name)
{
    uint64_t *row = map_get(cs->names, name);

    if (row)
        return row;
    row = calloc(ENGINE_COUNTERS, sizeof(*row));
    if (row && map_put(cs->names, name, row) < 0) {
        free(row);
        return NULL;
    }
    return row;
}

void counters_add(struct counters *cs, const char *name, enum engine_counter c)
{
    uint64_t *row = name ? row_of(cs, name) : NULL;

    cs->all[c]++;
    if (row)
        row[c]++;
}

const uint64_t *counters_of(const struct counters *cs, const char *name)
{
    return name ? map_get(cs->names, name) : cs->all;
}

const uint64_t *counters_next(const struct counters *cs, size_t *pos, const char **ret_name)
{
    void *row;

    return map_next(cs->names, pos, ret_name, &row) ? row : NULL;
}

void counters_reset(struct counters *cs, const char *name)
{
    if (name)
        free(map_remove(cs->names, name));
    else
        for (size_t i = 0; i < ENGINE_COUNTERS; i++)
            cs->all[i] = 0;
}

int counters_reset_names(struct counters *cs)
{
    struct map *fresh;
    int r = map_new(COUNTERS_NAMES_MAX, &fresh);

    if (r < 0)
        return r;
    forget_all(cs);
    cs->names = fresh;
    return 0;
}
