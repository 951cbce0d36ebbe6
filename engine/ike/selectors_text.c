#include "base/array.h"
#include "base/parse.h"
#include "base/str.h"
#include "engine/ike/selectors.h"
#include "engine/wire/ikev2.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

struct name {
    const char *name;
    uint16_t number;
};

/* Names as in Debian's /etc/protocols and /etc/services, which the engine does not open. The first of a number is the
 * one that is printed. */
static const struct name protocols[] = {
    {"icmp", 1}, {"igmp", 2},  {"tcp", 6},        {"udp", 17},    {"ipv6", 41},  {"gre", 47},   {"esp", 50},
    {"ah", 51},  {"ospf", 89}, {"ipv6-icmp", 58}, {"icmpv6", 58}, {"vrrp", 112}, {"l2tp", 115}, {"sctp", 132},
};
static const struct name services[] = {
    {"ftp", 21},    {"ssh", 22},     {"telnet", 23},  {"smtp", 25},         {"domain", 53},
    {"tftp", 69},   {"http", 80},    {"ntp", 123},    {"snmp", 161},        {"bgp", 179},
    {"ldap", 389},  {"https", 443},  {"isakmp", 500}, {"syslog", 514},      {"ldaps", 636},
    {"l2tp", 1701}, {"mysql", 3306}, {"sip", 5060},   {"postgresql", 5432},
};

static bool find_name(const struct name *names, size_t count, const char *text, uint16_t *ret)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i].name, text) == 0) {
            *ret = names[i].number;
            return true;
        }
    return false;
}

static const char *name_of_protocol(uint8_t protocol)
{
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
        if (protocols[i].number == protocol)
            return protocols[i].name;
    return NULL;
}

static int parse_number(const char *text, uint16_t max, uint16_t *ret)
{
    uint32_t v;

    if (parse_u32(text, max, &v) < 0)
        return -EINVAL;
    *ret = (uint16_t)v;
    return 0;
}

/* "", "any", "tcp", "6" */
static int parse_protocol(const char *text, struct selector *s)
{
    uint16_t v = 0;

    if (*text != '\0' && strcmp(text, "any") != 0 && !find_name(protocols, ARRAY_LEN(protocols), text, &v) &&
        parse_number(text, UINT8_MAX, &v) < 0)
        return -EINVAL;
    s->protocol = (uint8_t)v;
    return 0;
}

/* "", "any", "opaque", "http", "80", "1024-65535" */
static int parse_ports(char *text, struct selector *s)
{
    char *dash;

    if (*text == '\0' || strcmp(text, "any") == 0)
        return 0;
    if (strcasecmp(text, "opaque") == 0) {
        s->port_first = 65535;
        s->port_last = 0;
        return 0;
    }
    if (find_name(services, ARRAY_LEN(services), text, &s->port_first)) {
        s->port_last = s->port_first;
        return 0;
    }
    dash = strchr(text, '-');
    if (dash)
        *dash = '\0';
    if (parse_number(text, UINT16_MAX, &s->port_first) < 0 ||
        parse_number(dash ? dash + 1 : text, UINT16_MAX, &s->port_last) < 0 || s->port_first > s->port_last)
        return -EINVAL;
    return 0;
}

/* "tcp/80]" */
static int parse_restriction(char *text, struct selector *s)
{
    char *end = strrchr(text, ']'), *slash;

    if (!end || end[1] != '\0')
        return -EINVAL;
    *end = '\0';
    slash = strchr(text, '/');
    if (slash)
        *slash = '\0';
    if (parse_protocol(text, s) < 0)
        return -EINVAL;
    return slash ? parse_ports(slash + 1, s) : 0;
}

static int set_addr(const char *text, uint8_t type, uint8_t *ret)
{
    return inet_pton(type == TS_IPV6_ADDR_RANGE ? AF_INET6 : AF_INET, text, ret) == 1 ? 0 : -EINVAL;
}

/* Bits past BITS are those of the network: cleared in the first address, set in the last. */
static void set_network(struct selector *s, size_t size, uint32_t bits)
{
    memcpy(s->last, s->first, size);
    for (size_t i = 0; i < size; i++) {
        size_t kept = bits > i * 8 ? bits - i * 8 : 0;
        uint8_t host = (uint8_t)(0xffU >> (kept < 8 ? kept : 8));

        s->first[i] = (uint8_t)(s->first[i] & ~host);
        s->last[i] |= host;
    }
}

/* "10.0.0.0/16", "10.0.0.1", "10.1.0.1-10.1.0.9" */
static int parse_addrs(char *text, struct selector *s)
{
    char *dash = strchr(text, '-'), *slash = strchr(text, '/');
    size_t size;
    uint32_t bits;

    s->type = strchr(text, ':') ? TS_IPV6_ADDR_RANGE : TS_IPV4_ADDR_RANGE;
    size = s->type == TS_IPV6_ADDR_RANGE ? 16 : 4;
    bits = (uint32_t)size * 8;
    if (dash)
        *dash = '\0';
    if (slash)
        *slash = '\0';
    if (set_addr(text, s->type, s->first) < 0)
        return -EINVAL;
    if (!dash) {
        if (slash && parse_u32(slash + 1, bits, &bits) < 0)
            return -EINVAL;
        set_network(s, size, bits);
        return 0;
    }
    if (slash || set_addr(dash + 1, s->type, s->last) < 0)
        return -EINVAL;
    return memcmp(s->first, s->last, size) <= 0 ? 0 : -EINVAL;
}

/* The blanks around the dash of a range do not matter. */
static bool copy_without_blanks(char *dst, size_t size, const char *text)
{
    size_t n = 0;

    for (; *text; text++) {
        if (*text == ' ')
            continue;
        if (n + 1 >= size)
            return false;
        dst[n++] = *text;
    }
    dst[n] = '\0';
    return true;
}

int selector_parse(const char *text, struct selector_conf *ret)
{
    char buf[SELECTOR_TEXT_MAX], *bracket;
    struct selector_conf c = {.s = {.port_last = 65535}};

    if (!copy_without_blanks(buf, sizeof(buf), text))
        return -EINVAL;
    bracket = strchr(buf, '[');
    if (bracket) {
        *bracket = '\0';
        if (parse_restriction(bracket + 1, &c.s) < 0)
            return -EINVAL;
    }
    if (strcmp(buf, "dynamic") == 0) {
        c.dynamic = true;
        c.s.type = TS_IPV4_ADDR_RANGE;
        memset(c.s.last, 0xff, 4);
    } else if (parse_addrs(buf, &c.s) < 0)
        return -EINVAL;
    *ret = c;
    return 0;
}

/* Text ---------------------------------------------------------------------------------------------------------- */

/* The bits of the prefix, or -1 where it is no network. */
static int prefix_of(const struct selector *s, size_t size)
{
    struct selector n = *s;
    uint32_t bits = 0;

    while (bits < size * 8 && ((s->first[bits / 8] ^ s->last[bits / 8]) & (0x80 >> bits % 8)) == 0)
        bits++;
    set_network(&n, size, bits);
    return memcmp(n.first, s->first, size) == 0 && memcmp(n.last, s->last, size) == 0 ? (int)bits : -1;
}

static void put(char *buf, const char *text)
{
    size_t len = strlen(buf);

    (void)str_copy(&buf[len], SELECTOR_TEXT_MAX - len, text);
}

static void put_addrs(char *buf, const struct selector *s)
{
    bool ipv6 = s->type == TS_IPV6_ADDR_RANGE;
    int bits = prefix_of(s, ipv6 ? 16 : 4);
    char text[INET6_ADDRSTRLEN] = "";

    (void)inet_ntop(ipv6 ? AF_INET6 : AF_INET, s->first, text, sizeof(text));
    put(buf, text);
    if (bits >= 0) {
        (void)str_format(text, sizeof(text), "/%d", bits);
        put(buf, text);
        return;
    }
    (void)inet_ntop(ipv6 ? AF_INET6 : AF_INET, s->last, text, sizeof(text));
    put(buf, "..");
    put(buf, text);
}

static void put_port(char *buf, const struct selector *s, uint16_t port)
{
    bool icmp = s->protocol == IPPROTO_ICMP || s->protocol == IPPROTO_ICMPV6;
    char text[16];

    if (!icmp)
        (void)str_format(text, sizeof(text), "%u", port);
    else if ((port & 0xff) == 0)
        (void)str_format(text, sizeof(text), "%u", port >> 8);
    else
        (void)str_format(text, sizeof(text), "%u(%u)", port >> 8, port & 0xffU);
    put(buf, text);
}

/* "[tcp/80]"; nothing for any protocol and port. */
static void put_restriction(char *buf, const struct selector *s)
{
    bool any_port = s->port_first == 0 && s->port_last == 65535;
    const char *name = name_of_protocol(s->protocol);
    char number[8];

    if (s->protocol == 0 && any_port)
        return;
    (void)str_format(number, sizeof(number), "%u", s->protocol);
    put(buf, "[");
    put(buf, str_or(name, number));
    if (!any_port)
        put(buf, "/");
    if (s->port_first == 65535 && s->port_last == 0)
        put(buf, "OPAQUE");
    else if (!any_port) {
        put_port(buf, s, s->port_first);
        if (s->port_last != s->port_first) {
            put(buf, "-");
            put_port(buf, s, s->port_last);
        }
    }
    put(buf, "]");
}

const char *selector_text(const struct selector *s, char buf[static SELECTOR_TEXT_MAX])
{
    buf[0] = '\0';
    put_addrs(buf, s);
    put_restriction(buf, s);
    return buf;
}

const char *selector_conf_text(const struct selector_conf *s, char buf[static SELECTOR_TEXT_MAX])
{
    if (!s->dynamic)
        return selector_text(&s->s, buf);
    (void)str_copy(buf, SELECTOR_TEXT_MAX, "dynamic");
    put_restriction(buf, &s->s);
    return buf;
}
