/* Reading the store's file at start, on a connection that lives for one call. Internal to the store. */
#pragma once

#include "agent/store.h"

/* Each calls EACH for every row; -errno. */
int store_read_intents(const char *dir, void (*each)(void *data, const struct store_intent *i),
                       void *data); /* open ones */
int store_read_values(const char *dir, const char *prefix, void (*each)(void *data, const char *key, const char *value),
                      void *data);
int store_read_alerts(const char *dir, void (*each)(void *data, const struct store_alert *a), void *data);
