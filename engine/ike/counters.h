/* What get-counters tells: messages and rekeyings, of all connections together and of each. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum engine_counter { /* as get-counters names them; engine_counter_name() */
                      ENGINE_IKE_REKEY_INIT,
                      ENGINE_IKE_REKEY_RESP,
                      ENGINE_CHILD_REKEY,
                      ENGINE_IN_INVALID,
                      ENGINE_IN_INVALID_SPI,
                      ENGINE_IN_INIT_REQ,
                      ENGINE_IN_INIT_RSP,
                      ENGINE_OUT_INIT_REQ,
                      ENGINE_OUT_INIT_RSP,
                      ENGINE_IN_AUTH_REQ,
                      ENGINE_IN_AUTH_RSP,
                      ENGINE_OUT_AUTH_REQ,
                      ENGINE_OUT_AUTH_RSP,
                      ENGINE_IN_CHILD_REQ,
                      ENGINE_IN_CHILD_RSP,
                      ENGINE_OUT_CHILD_REQ,
                      ENGINE_OUT_CHILD_RSP,
                      ENGINE_IN_INFO_REQ,
                      ENGINE_IN_INFO_RSP,
                      ENGINE_OUT_INFO_REQ,
                      ENGINE_OUT_INFO_RSP,
                      ENGINE_COUNTERS,
};
const char *engine_counter_name(enum engine_counter c); /* "ike-rekey-init", "in-invalid" */

#define COUNTERS_NAMES_MAX 4096 /* connections that were ever there; further ones count among all alone */

struct counters;

int counters_new(struct counters **ret); /* -ENOMEM */
struct counters *counters_free(struct counters *cs);

/* NAME is of a connection; NULL: of none that is known. */
void counters_add(struct counters *cs, const char *name, enum engine_counter c);

/* ENGINE_COUNTERS of them: of the connection, NULL where nothing was counted; with NAME NULL of all together. */
const uint64_t *counters_of(const struct counters *cs, const char *name);
const uint64_t *counters_next(const struct counters *cs, size_t *pos, const char **ret_name); /* *POS starts at 0 */

void counters_reset(struct counters *cs, const char *name); /* NULL: all together, not those of each */
int counters_reset_names(struct counters *cs);              /* those of each; -ENOMEM */
