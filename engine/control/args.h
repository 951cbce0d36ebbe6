/* The arguments that commands on connections and SAs have in common. */
#pragma once

#include "base/reader.h"
#include "clients/vici/message.h"
#include "engine/ike/conf.h"

#include <stdbool.h>
#include <stdint.h>

#define ARGS_WAIT_FOREVER 0
#define ARGS_NO_WAITING   (-1)

struct args { /* "" and 0 where absent */
    char ike[CONF_NAME_MAX], child[CONF_NAME_MAX];
    uint32_t ike_id, child_id;
    int64_t timeout; /* milliseconds, or ARGS_*; below 0: ARGS_NO_WAITING */
    int level;       /* `loglevel` of control-log, 1 */
    bool force, reauth, noblock, trap, drop, pass;
};

/* Keys that are not known are passed over, as charon does. False, and a sentence in ERROR, for a value that is none. */
bool args_read(struct rd message, struct args *ret, char *error, size_t size);

const char *args_ike(const struct args *a);   /* NULL where absent */
const char *args_child(const struct args *a); /* NULL where absent */

/* The first key/value pair of KEY at the top level; its value may be bytes. */
bool args_item(struct rd message, const char *key, struct vici_item *ret);

/* Its value as text: 1, 0 where it is absent, -EINVAL where it is too long or no text. */
int args_text(struct rd message, const char *key, char *buf, size_t size);

/* charon's booleans: yes, true, enabled, 1; anything else is false. */
bool args_bool(const char *text);
