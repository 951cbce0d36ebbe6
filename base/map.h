/* A bounded map from text to pointers: open addressing, at most MAX entries, the keys are copied. Values are borrowed.
 */
#pragma once

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

struct map;

int map_new(size_t max, struct map **ret);
struct map *map_free(struct map *m); /* accepts NULL; values are the caller's */
DEFINE_CLEANUP(struct map *, map_free)

int map_put(struct map *m, const char *key, void *value); /* replaces; -ENOSPC at the maximum, -ENOMEM */
void *map_get(const struct map *m, const char *key);      /* NULL where missing */
void *map_remove(struct map *m, const char *key);         /* the value that was there, or NULL */
size_t map_count(const struct map *m);

/* Walks all entries: *POS starts at 0. Returns false at the end. The map must not change meanwhile. */
bool map_next(const struct map *m, size_t *pos, const char **ret_key, void **ret_value);
