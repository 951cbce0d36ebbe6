/*
 * What the engine may still do after its start: change the network (CAP_NET_ADMIN), and nothing else that needs a
 * privilege. Call it once, before there is a thread, when the ports are bound and the keys read.
 */
#pragma once

#include <stdbool.h>

#define PRIVILEGES_USER "rekindle-engine"

/*
 * Becomes USER with its group and keeps CAP_NET_ADMIN only; no program that is run can get more (no_new_privs, an empty
 * bounding set). *RET_IS_ROOT: there is no such user, so that the process still owns root's files. -EPERM where
 * CAP_NET_ADMIN is missing, or where root lacks what it takes (CAP_SETPCAP, CAP_SETUID, CAP_SETGID). After a failure
 * the process must end: it may be anywhere in between.
 */
int privileges_drop(const char *user, bool *ret_is_root);
