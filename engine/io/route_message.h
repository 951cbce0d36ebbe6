/* Private to engine/io/route: netlink messages, and the conversation with the kernel. */
#pragma once

#include "engine/io/route.h"

#include <libmnl/libmnl.h>
#include <stdint.h>

#define ROUTE_MESSAGE_MAX 1024 /* bytes of a request */

union route_message {
    struct nlmsghdr header;
    uint8_t bytes[ROUTE_MESSAGE_MAX];
};

/* Starts a request with a body of SIZE bytes, all zero, which is returned. */
void *route_message_begin(union route_message *m, uint16_t type, uint16_t flags, size_t size);
void route_message_put_addr(union route_message *m, uint16_t attr, const struct addr *a);
/* Into *A, whose family is set already; false where ATTR has another length. */
bool route_message_get_addr(const struct nlattr *attr, struct addr *a);

/* N without the bits behind its prefix. */
struct network route_message_base(const struct network *n);

/* Sends M and returns what the kernel says: 0 or -errno. */
int route_ask(struct route *r, union route_message *m);

/* Asks for a list: READ gets each message of it, and ends it with -errno, which is returned. -E2BIG where the kernel
 * does not come to an end. */
typedef int (*route_read_fn)(void *data, const struct nlmsghdr *h);
int route_dump(struct route *r, union route_message *m, route_read_fn read, void *data);

struct route_entry {
    struct network network;
    uint32_t index; /* 0: unreachable */
    uint32_t metric;
};

#define ROUTE_ENTRIES_MAX 4096

/* The routes of our table. -E2BIG where there are more than ROUTE_ENTRIES_MAX. */
int route_list(struct route *r, int family, struct route_entry **ret, size_t *ret_n);
