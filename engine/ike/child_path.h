/* A CHILD_SA and the data path: what is asked of the table of ops.h for it. */
#pragma once

#include "engine/ike/core.h"

/* CREATED or so: receives from now on, INSTALLED; INITIATOR of the exchange that made KEYS. Errors of child_install();
 * then it is INSTALLING still. */
int child_path_install(struct child_sa *c, bool initiator, const struct child_keys *keys, usec_t now);

void child_path_use(struct child_sa *c); /* sends with it */
void child_path_update(struct child_sa *c);

/* False, and zeroes, where it is not in the data path. */
bool child_path_usage(const struct child_sa *c, struct path_usage *ret);
