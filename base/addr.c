#include "base/addr.h"

#include "base/parse.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

int addr_parse(const char *text, struct addr *ret)
{
    struct addr a;

    memset(&a, 0, sizeof(a));
    if (inet_pton(AF_INET, text, &a.in.sin_addr) == 1)
        a.in.sin_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &a.in6.sin6_addr) == 1)
        a.in6.sin6_family = AF_INET6;
    else
        return -EINVAL;
    *ret = a;
    return 0;
}

int addr_parse_port(const char *text, struct addr *ret)
{
    bool bracketed = text[0] == '[';
    const char *start = bracketed ? &text[1] : text;
    size_t len = strcspn(start, bracketed ? "]" : ":");
    const char *rest = &start[len];
    char host[ADDR_TEXT_MAX];
    struct addr a;
    uint16_t port = 0;

    if (bracketed && *rest++ != ']')
        return -EINVAL;
    if (!str_format(host, sizeof(host), "%.*s", (int)len, start) || addr_parse(host, &a) < 0 ||
        (addr_family(&a) == AF_INET6) != bracketed)
        return -EINVAL;
    if (rest[0] != '\0' && (rest[0] != ':' || parse_port(&rest[1], &port) < 0))
        return -EINVAL;
    addr_set_port(&a, port);
    *ret = a;
    return 0;
}

int addr_family(const struct addr *a)
{
    return a->sa.sa_family;
}

bool addr_is_set(const struct addr *a)
{
    return addr_family(a) == AF_INET || addr_family(a) == AF_INET6;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
    if (addr_family(a) != addr_family(b))
        return false;
    switch (addr_family(a)) {
    case AF_INET:
        return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
    case AF_INET6:
        return IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
    default:
        return true; /* both unset */
    }
}

bool addr_is_loopback(const struct addr *a)
{
    if (addr_family(a) == AF_INET)
        return ntohl(a->in.sin_addr.s_addr) >> 24 == 127;
    return addr_family(a) == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

socklen_t addr_len(const struct addr *a)
{
    return addr_family(a) == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

uint16_t addr_port(const struct addr *a)
{
    return ntohs(addr_family(a) == AF_INET6 ? a->in6.sin6_port : a->in.sin_port);
}

void addr_set_port(struct addr *a, uint16_t port)
{
    if (addr_family(a) == AF_INET6)
        a->in6.sin6_port = htons(port);
    else
        a->in.sin_port = htons(port);
}

struct addr addr_any(int family)
{
    struct addr a;

    memset(&a, 0, sizeof(a));
    a.sa.sa_family = (sa_family_t)family;
    return a;
}

int addr_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct addr *ret)
{
    struct addr a;

    memset(&a, 0, sizeof(a));
    if (len < sizeof(sa->sa_family) || len > sizeof(a))
        return -EINVAL;
    memcpy(&a, sa, len);
    if (!addr_is_set(&a) || len < addr_len(&a))
        return -EAFNOSUPPORT;
    *ret = a;
    return 0;
}

const char *addr_text(const struct addr *a, char buf[static ADDR_TEXT_MAX])
{
    const void *bytes = addr_family(a) == AF_INET6 ? (const void *)&a->in6.sin6_addr : (const void *)&a->in.sin_addr;

    if (!addr_is_set(a) || !inet_ntop(addr_family(a), bytes, buf, ADDR_TEXT_MAX))
        (void)str_copy(buf, ADDR_TEXT_MAX, "-");
    return buf;
}

const char *addr_port_text(const struct addr *a, char buf[static ADDR_TEXT_MAX])
{
    char host[ADDR_TEXT_MAX];

    (void)str_format(buf, ADDR_TEXT_MAX, addr_family(a) == AF_INET6 ? "[%s]:%u" : "%s:%u", addr_text(a, host),
                     addr_port(a));
    return buf;
}
