/* A host in a network namespace of the test's own, with a default route for IPv4 and IPv6 whose uplink is listened to.
 */
#pragma once

#include <stdbool.h>

struct leak {
    int tap; /* owned; hears what leaves on the uplink */
};

/* 0, or -errno where the machine does not allow it. */
int leak_host(struct leak *l);
void leak_done(struct leak *l);

/* Skips the test, and says why, where leak_host() or what else it needs failed with ERROR. */
void leak_need(int error);

/* Sends a datagram TO, as any program of the host would. 0 or -errno. */
int leak_send(const char *to);
int leak_send_marked(const char *to, unsigned mark);

/* Whether a packet to TO left on the uplink until now. What was seen does not count again. */
bool leak_seen(struct leak *l, const char *to);
