/* The HTTP side of the simulator, on libmicrohttpd. It runs in turns: nothing happens but within server_turn(). */
#pragma once

#include "base/addr.h"
#include "base/cleanup.h"
#include "tests/awssim/sim.h"

struct server;

/* Listens on ADDR (with its port). S is borrowed. -EADDRINUSE and the like are all -EIO; libmicrohttpd tells no more.
 */
int server_new(struct sim *s, const struct addr *a, struct server **ret);
struct server *server_free(struct server *server); /* accepts NULL */
DEFINE_CLEANUP(struct server *, server_free)

/* Waits for requests for at most LIMIT, rounded to milliseconds, and answers them. */
int server_turn(struct server *server, usec_t limit);
