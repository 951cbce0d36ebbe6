/* The unix socket of the VICI server and those who are connected to it. */
#pragma once

#include "base/loop.h"

#include <sys/types.h>

struct control;
struct server;

int server_new(struct control *c, const char *path, mode_t mode, struct server **ret); /* as control_new() */
struct server *server_free(struct server *s); /* removes the socket and all sessions; accepts NULL */
