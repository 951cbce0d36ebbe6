#include "tests/unit/leak.h"

#include "base/addr.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "tests/unit/netns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#define PATIENCE_SECONDS 5
#define DISCARD          9
#define CONTROL4         "192.0.2.99" /* leaves on the uplink, always */
#define CONTROL6         "2001:db8:99::99"

static const char *const set_up[] = {
    "link add wan0 type veth peer name far",
    "link set wan0 arp off up",
    "link set far arp off up",
    "addr add 198.51.100.2/24 dev wan0",
    "addr add 2001:db8:1::2/64 dev wan0 nodad",
    "route add default via 198.51.100.1",
    "-6 route add default via 2001:db8:1::1",
};

static int open_tap(void)
{
    const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    cleanup(closep) int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));

    at.sll_ifindex = (int)if_nametoindex("wan0");
    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
        return -errno;
    return TAKE_FD(fd);
}

int leak_host(struct leak *l)
{
    int r = netns_enter();

    l->tap = -1;
    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(set_up); i++)
        if (netns_ip(set_up[i]) != 0)
            return -ENOENT;
    l->tap = open_tap();
    return l->tap < 0 ? l->tap : 0;
}

void leak_need(int error)
{
    if (error < 0) {
        printf("skipped: no network namespace, ip(8), packet socket or TUN: %s\n", strerror(-error));
        skip();
    }
}

void leak_done(struct leak *l)
{
    closep(&l->tap);
    l->tap = -1;
}

static struct addr addr_of(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(text, &a), 0);
    addr_set_port(&a, DISCARD);
    return a;
}

int leak_send_marked(const char *to, unsigned mark)
{
    struct addr a = addr_of(to);
    cleanup(closep) int fd = socket(addr_family(&a), SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || (mark != 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0))
        return -errno;
    return sendto(fd, "inner", 5, 0, &a.sa, addr_len(&a)) < 0 ? -errno : 0;
}

int leak_send(const char *to)
{
    return leak_send_marked(to, 0);
}

/* Whether the IP packet goes to A. */
static bool goes_to(const uint8_t *p, size_t len, const struct addr *a)
{
    if (addr_family(a) == AF_INET6)
        return len >= 40 && p[0] >> 4 == 6 && memcmp(&p[24], &a->in6.sin6_addr, 16) == 0;
    return len >= 20 && p[0] >> 4 == 4 && memcmp(&p[16], &a->in.sin_addr, 4) == 0;
}

/* A packet that must leave is sent last: all that left before was heard when this one is, and that we can hear. */
bool leak_seen(struct leak *l, const char *to)
{
    struct addr inner = addr_of(to);
    const char *control_text = addr_family(&inner) == AF_INET6 ? CONTROL6 : CONTROL4;
    struct addr control = addr_of(control_text);
    bool seen = false;

    assert_int_equal(leak_send(control_text), 0);
    for (;;) {
        uint8_t packet[2048];
        ssize_t n = recv(l->tap, packet, sizeof(packet), 0);

        assert_true(n > 0);
        if (goes_to(packet, (size_t)n, &control))
            return seen;
        if (goes_to(packet, (size_t)n, &inner))
            seen = true;
    }
}
