/* An IPv4 or IPv6 address with an optional port; always a literal, never a name. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDR_TEXT_MAX 64 /* "[v6%scope]:port" and the NUL */

struct addr {
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    };
};

int addr_parse(const char *text, struct addr *ret); /* "203.0.113.10", "2001:db8::1"; -EINVAL */
/* "203.0.113.10:500", "[2001:db8::1]:500"; without a port ("203.0.113.10", "[2001:db8::1]") it is 0. -EINVAL */
int addr_parse_port(const char *text, struct addr *ret);
bool addr_is_set(const struct addr *a);
bool addr_equal(const struct addr *a, const struct addr *b); /* family and address, not port */
bool addr_is_loopback(const struct addr *a);
int addr_family(const struct addr *a); /* AF_INET, AF_INET6, or AF_UNSPEC where not set */
socklen_t addr_len(const struct addr *a);
uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);
struct addr addr_any(int family);
int addr_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct addr *ret);

const char *addr_text(const struct addr *a, char buf[static ADDR_TEXT_MAX]); /* without the port; "-" where not set */
const char *addr_port_text(const struct addr *a,
                           char buf[static ADDR_TEXT_MAX]); /* "203.0.113.10:500", "[2001:db8::1]:500" */
