/*
 * The load-conn request of VICI (strongSwan 5.9.8): a connection of swanctl.conf(5) becomes a `struct ike_conf`. Every
 * key of that page is known: it is read, or its value asks for nothing, or it is refused by name.
 */
#pragma once

#include "base/reader.h"
#include "engine/ike/conf.h"

#define LOAD_CONN_ERROR_MAX 512

/*
 * Reads MESSAGE, which holds one connection. ALLOW_LEGACY permits the weak groups. *RET is the caller's reference.
 * Else ERROR is a sentence that names connection, section and key, without its full stop: -EBADMSG where the message
 * keeps not to the grammar, -EINVAL for what is wrong, -ENOTSUP for what the engine lacks, -ENOSPC, -ENOMEM.
 */
int load_conn_read(struct rd message, bool allow_legacy, struct ike_conf **ret, char *error, size_t size);
