#include "engine/ike/identity.h"

#include "base/array.h"
#include "engine/crypto/dn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

static const struct prefix {
    const char *text;
    enum ike_id_type type;
} prefixes[] = {
    {"ipv4:", ID_IPV4_ADDR},       {"ipv6:", ID_IPV6_ADDR}, {"rfc822:", ID_RFC822_ADDR},
    {"email:", ID_RFC822_ADDR},    {"fqdn:", ID_FQDN},      {"dns:", ID_FQDN},
    {"userfqdn:", ID_RFC822_ADDR}, {"keyid:", ID_KEY_ID},   {"asn1dn:", ID_DER_ASN1_DN},
};

/* What charon takes for anybody. */
static const char *const anybody[] = {"", "%any", "%any6", "0.0.0.0", "*", "::", "0::0"};

static int set(struct identity *ret, enum ike_id_type type, const void *data, size_t len)
{
    int r = identity_from_wire((uint8_t)type, data, len, ret);

    return r == -EBADMSG ? -EINVAL : r;
}

static int set_text(struct identity *ret, enum ike_id_type type, const char *text)
{
    return strlen(text) > IDENTITY_MAX ? -ENOBUFS : set(ret, type, text, strlen(text));
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Pairs of digits, with or without colons between them. */
static int set_hex(struct identity *ret, enum ike_id_type type, const char *hex)
{
    uint8_t data[IDENTITY_MAX];
    size_t len = 0;

    while (*hex != '\0') {
        int high = hex_digit(hex[0]), low = high < 0 ? -1 : hex_digit(hex[1]);

        if (low < 0)
            return -EINVAL;
        if (len == sizeof(data))
            return -ENOBUFS;
        data[len++] = (uint8_t)(high << 4 | low);
        hex += 2;
        hex += *hex == ':';
    }
    return set(ret, type, data, len);
}

static int set_dn(struct identity *ret, const char *text)
{
    uint8_t der[IDENTITY_MAX];
    size_t len = 0;
    int r = dn_parse(text, der, sizeof(der), &len);

    return r < 0 ? r : set(ret, ID_DER_ASN1_DN, der, len);
}

static int set_addr(struct identity *ret, enum ike_id_type type, const char *text)
{
    struct in6_addr a;

    if (inet_pton(type == ID_IPV4_ADDR ? AF_INET : AF_INET6, text, &a) != 1)
        return -EINVAL;
    return set(ret, type, &a, type == ID_IPV4_ADDR ? 4 : 16);
}

/* TEXT is what follows a prefix. */
static int set_typed(struct identity *ret, enum ike_id_type type, const char *text)
{
    if (*text == '#')
        return set_hex(ret, type, text + 1);
    switch (type) {
    case ID_IPV4_ADDR:
    case ID_IPV6_ADDR:
        return set_addr(ret, type, text);
    case ID_DER_ASN1_DN:
        return set_dn(ret, text);
    case ID_ANY:
    case ID_FQDN:
    case ID_RFC822_ADDR:
    case ID_DER_ASN1_GN:
    case ID_KEY_ID:
        break;
    }
    return set_text(ret, type, text);
}

/* "192.0.2.0/24" and "192.0.2.1-192.0.2.9" are identities of charon's for which IKEv2 has no type. */
static bool is_range(const char *text)
{
    size_t len = strcspn(text, "/-");
    char first[INET6_ADDRSTRLEN];
    struct addr a;

    if (text[len] == '\0' || len >= sizeof(first))
        return false;
    memcpy(first, text, len);
    first[len] = '\0';
    return addr_parse(first, &a) == 0;
}

static int parse_plain(const char *text, struct identity *ret)
{
    int r;

    for (size_t i = 0; i < ARRAY_LEN(anybody); i++)
        if (strcmp(text, anybody[i]) == 0) {
            *ret = identity_any();
            return 0;
        }
    if (is_range(text))
        return -ENOTSUP;
    if (strchr(text, ':')) {
        r = set_addr(ret, ID_IPV6_ADDR, text);
        return r < 0 ? set_text(ret, ID_KEY_ID, text) : r;
    }
    r = set_addr(ret, ID_IPV4_ADDR, text);
    return r < 0 ? set_text(ret, ID_FQDN, text) : r;
}

static int parse_with_at(const char *text, struct identity *ret)
{
    if (text[0] != '@')
        return set_text(ret, ID_RFC822_ADDR, text);
    if (text[1] == '#')
        return set_hex(ret, ID_KEY_ID, text + 2);
    if (text[1] == '@')
        return set_text(ret, ID_RFC822_ADDR, text + 2);
    return set_text(ret, ID_FQDN, text + 1);
}

int identity_parse(const char *text, struct identity *ret)
{
    int r;

    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (strncasecmp(text, prefixes[i].text, strlen(prefixes[i].text)) == 0)
            return set_typed(ret, prefixes[i].type, text + strlen(prefixes[i].text));
    if (strchr(text, '=')) {
        r = set_dn(ret, text);
        return r == -EINVAL ? set_text(ret, ID_KEY_ID, text) : r;
    }
    return strchr(text, '@') ? parse_with_at(text, ret) : parse_plain(text, ret);
}
