/* Addresses, networks and probe targets. */
#include "conf/options.h"

#include "base/parse.h"
#include "base/str.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#define HOST_MAX 253 /* RFC 1035 2.3.4, as text */

static bool is_unspecified(const struct addr *a)
{
    struct addr any = addr_any(addr_family(a));

    return addr_equal(a, &any);
}

int conf_value_address(const struct conf_option *o, const char *text, void *object, struct strbuf *why)
{
    struct addr a;

    if (addr_parse(text, &a) < 0 || is_unspecified(&a)) {
        strbuf_printf(why, "\"%s\" is not an address; write a literal one, such as 203.0.113.10", text);
        return -EINVAL;
    }
    *(struct addr *)conf_value_field(o, object) = a;
    return 0;
}

/* Splits "HOST:PORT" or "[v6]:PORT". HOST holds HOST_MAX + 1 bytes. */
static int split_host_port(const char *text, char *host, uint16_t *ret_port)
{
    const char *colon = strrchr(text, ':');

    if (!colon)
        return -EINVAL;

    size_t len = (size_t)(colon - text);
    bool bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
    const char *start = bracketed ? &text[1] : text;

    if (bracketed)
        len -= 2;
    if (len == 0 || len > HOST_MAX || (!bracketed && memchr(start, ':', len)))
        return -EINVAL;

    int r = parse_port(&colon[1], ret_port);

    if (r < 0)
        return r;
    (void)str_format(host, HOST_MAX + 1, "%.*s", (int)len, start);
    return bracketed && strchr(host, ':') == NULL ? -EINVAL : 0;
}

int conf_value_listen(const struct conf_option *o, const char *text, void *object, struct strbuf *why)
{
    char host[HOST_MAX + 1];
    struct addr a;
    uint16_t port;

    if (split_host_port(text, host, &port) < 0 || addr_parse(host, &a) < 0 || !addr_is_loopback(&a)) {
        strbuf_printf(why, "\"%s\" is not a loopback address with a port, such as 127.0.0.1:9469", text);
        return -EINVAL;
    }
    return conf_value_keep_text(o, text, object);
}

int conf_value_source(const struct conf_option *o, const char *text, void *object, struct strbuf *why)
{
    struct addr a;
    size_t len = strlen(text);

    if (addr_parse(text, &a) < 0 && (len >= IF_NAMESIZE || !conf_value_title_ok(text))) {
        strbuf_printf(why, "\"%s\" is neither an address nor the name of an interface", text);
        return -EINVAL;
    }
    return conf_value_keep_text(o, text, object);
}

int conf_value_network(const struct conf_option *o, const char *text, void *object, struct strbuf *why)
{
    char address[ADDR_TEXT_MAX];
    const char *slash = strchr(text, '/');
    struct addr a;
    uint32_t bits;

    (void)o;
    (void)object;
    if (!slash || !str_format(address, sizeof(address), "%.*s", (int)(slash - text), text) ||
        addr_parse(address, &a) < 0 || parse_u32(&slash[1], addr_family(&a) == AF_INET6 ? 128 : 32, &bits) < 0) {
        strbuf_printf(why, "\"%s\" is not a network; write address and prefix length, such as 10.0.0.0/16", text);
        return -EINVAL;
    }

    const unsigned char *bytes =
        addr_family(&a) == AF_INET6 ? a.in6.sin6_addr.s6_addr : (const unsigned char *)&a.in.sin_addr.s_addr;
    uint32_t n_bits = addr_family(&a) == AF_INET6 ? 128 : 32;

    for (uint32_t i = bits; i < n_bits; i++) {
        if (bytes[i / 8] & (0x80 >> (i % 8))) {
            strbuf_printf(why, "\"%s\" has bits set behind its prefix length; write the network's first address", text);
            return -EINVAL;
        }
    }
    return 0;
}

static bool is_host_name(const char *host)
{
    size_t len = strlen(host);

    return len > 0 && host[0] != '-' && host[0] != '.' &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == len;
}

static int read_tcp_target(const char *text, struct conf_target *t, struct strbuf *why)
{
    char host[HOST_MAX + 1];
    uint16_t port;

    if (split_host_port(&text[4], host, &port) < 0) {
        strbuf_printf(why, "\"%s\" is not a TCP target; write tcp:HOST:PORT or tcp:[IPv6]:PORT", text);
        return -EINVAL;
    }
    t->kind = CONF_TARGET_TCP;
    t->port = port;
    if (addr_parse(host, &t->addr) == 0) {
        addr_set_port(&t->addr, port);
        return 0;
    }
    /* What consists of digits and dots only and is no address is a mistyped address, not a name. */
    if (!is_host_name(host) || strspn(host, "0123456789.") == strlen(host)) {
        strbuf_printf(why, "\"%s\" in \"%s\" is neither an address nor a host name", host, text);
        return -EINVAL;
    }
    t->host = strdup(host);
    return t->host ? 0 : -ENOMEM;
}

static int read_icmp_target(const char *text, struct conf_target *t, struct strbuf *why)
{
    if (addr_parse(text, &t->addr) < 0 || is_unspecified(&t->addr)) {
        strbuf_printf(why, "\"%s\" is no target; write an address for ICMP echo or tcp:HOST:PORT", text);
        return -EINVAL;
    }
    t->kind = CONF_TARGET_ICMP;
    return 0;
}

int conf_value_target(const struct conf_option *o, const char *text, void *object, struct strbuf *why)
{
    struct conf_tunnel *tunnel = object;
    struct conf_target t = {0};

    if (tunnel->n_targets >= o->max) /* reported for the list as a whole */
        return 0;

    int r = str_starts(text, "tcp:") ? read_tcp_target(text, &t, why) : read_icmp_target(text, &t, why);

    if (r < 0)
        return r;
    t.text = strdup(text);
    if (!t.text) {
        free(t.host);
        return -ENOMEM;
    }
    tunnel->targets[tunnel->n_targets++] = t;
    return 0;
}
