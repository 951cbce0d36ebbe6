#include "base/map.h"

#include "base/random.h"
#include "base/str.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CAP_MIN 16

struct entry {
    char *key; /* owned; NULL where the slot is free */
    void *value;
};

struct map {
    size_t max, n, cap; /* CAP is a power of two, at least twice N */
    uint64_t seed;      /* keys may come from outside: nobody can make them collide on purpose */
    struct entry *entries;
};

int map_new(size_t max, struct map **ret)
{
    struct map *m = calloc(1, sizeof(*m));

    if (!m)
        return -ENOMEM;
    m->max = max;
    m->seed = random_u64();
    *ret = m;
    return 0;
}

struct map *map_free(struct map *m)
{
    if (!m)
        return NULL;
    for (size_t i = 0; i < m->cap; i++)
        free(m->entries[i].key);
    free(m->entries);
    free(m);
    return NULL;
}

/* FNV-1a from a random start, mixed once more so that the low bits depend on all of it. */
static size_t home_of(const struct map *m, const char *key)
{
    uint64_t h = m->seed ^ UINT64_C(0xcbf29ce484222325);

    for (; *key != '\0'; key++)
        h = (h ^ (unsigned char)*key) * UINT64_C(0x100000001b3);
    h ^= h >> 32;
    return (size_t)h & (m->cap - 1);
}

/* The slot of KEY, or the free one where it belongs. CAP is not 0. */
static size_t slot_of(const struct map *m, const char *key)
{
    size_t i = home_of(m, key);

    while (m->entries[i].key && strcmp(m->entries[i].key, key) != 0)
        i = (i + 1) & (m->cap - 1);
    return i;
}

static int grow(struct map *m)
{
    struct map bigger = *m;

    bigger.cap = m->cap > 0 ? 2 * m->cap : CAP_MIN;
    bigger.entries = calloc(bigger.cap, sizeof(*bigger.entries));
    if (!bigger.entries)
        return -ENOMEM;
    for (size_t i = 0; i < m->cap; i++)
        if (m->entries[i].key)
            bigger.entries[slot_of(&bigger, m->entries[i].key)] = m->entries[i];
    free(m->entries);
    *m = bigger;
    return 0;
}

int map_put(struct map *m, const char *key, void *value)
{
    size_t i;

    if (2 * (m->n + 1) > m->cap) {
        int r = grow(m);

        if (r < 0)
            return r;
    }
    i = slot_of(m, key);
    if (!m->entries[i].key) {
        if (m->n == m->max)
            return -ENOSPC;
        m->entries[i].key = strdup(key);
        if (!m->entries[i].key)
            return -ENOMEM;
        m->n++;
    }
    m->entries[i].value = value;
    return 0;
}

void *map_get(const struct map *m, const char *key)
{
    return m->cap > 0 ? m->entries[slot_of(m, key)].value : NULL;
}

void *map_remove(struct map *m, const char *key)
{
    size_t hole = m->cap > 0 ? slot_of(m, key) : 0;
    void *value;

    if (m->cap == 0 || !m->entries[hole].key)
        return NULL;
    value = m->entries[hole].value;
    free(m->entries[hole].key);
    m->n--;
    /* Entries behind the hole move up unless that would put them before their home. */
    for (size_t i = (hole + 1) & (m->cap - 1); m->entries[i].key; i = (i + 1) & (m->cap - 1)) {
        size_t home = home_of(m, m->entries[i].key);

        if (((i - home) & (m->cap - 1)) < ((i - hole) & (m->cap - 1)))
            continue;
        m->entries[hole] = m->entries[i];
        hole = i;
    }
    m->entries[hole] = (struct entry){0};
    return value;
}

size_t map_count(const struct map *m)
{
    return m->n;
}

bool map_next(const struct map *m, size_t *pos, const char **ret_key, void **ret_value)
{
    for (; *pos < m->cap; (*pos)++) {
        const struct entry *e = &m->entries[*pos];

        if (!e->key)
            continue;
        *ret_key = e->key;
        *ret_value = e->value;
        (*pos)++;
        return true;
    }
    return false;
}
