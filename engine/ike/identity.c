#include "engine/ike/identity.h"

#include "base/array.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "engine/crypto/dn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* A name with a NUL in it would pass for another one. */
static bool is_valid(enum ike_id_type type, const void *data, size_t len)
{
    switch (type) {
    case ID_ANY:
        return false;
    case ID_IPV4_ADDR:
        return len == 4;
    case ID_IPV6_ADDR:
        return len == 16;
    case ID_FQDN:
    case ID_RFC822_ADDR:
        return len > 0 && !memchr(data, '\0', len);
    case ID_DER_ASN1_DN:
        return dn_valid(data, len);
    case ID_DER_ASN1_GN:
    case ID_KEY_ID:
        return len > 0;
    }
    return false;
}

int identity_from_wire(uint8_t type, const void *data, size_t len, struct identity *ret)
{
    static const enum ike_id_type known[] = {ID_IPV4_ADDR,   ID_FQDN,        ID_RFC822_ADDR, ID_IPV6_ADDR,
                                             ID_DER_ASN1_DN, ID_DER_ASN1_GN, ID_KEY_ID};

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (known[i] != type)
            continue;
        if (len > IDENTITY_MAX || !is_valid(known[i], data, len))
            return -EBADMSG;
        *ret = (struct identity){.type = known[i], .len = len};
        memcpy(ret->data, data, len);
        return 0;
    }
    return -ENOTSUP;
}

struct identity identity_any(void)
{
    return (struct identity){.type = ID_ANY};
}

struct identity identity_of_addr(const struct addr *a)
{
    struct identity id = identity_any();

    if (addr_family(a) == AF_INET)
        (void)identity_from_wire(ID_IPV4_ADDR, &a->in.sin_addr, 4, &id);
    else if (addr_family(a) == AF_INET6)
        (void)identity_from_wire(ID_IPV6_ADDR, &a->in6.sin6_addr, 16, &id);
    return id;
}

int identity_of_subject(const struct cert *c, struct identity *ret)
{
    size_t len;
    const uint8_t *der = cert_subject(c, &len);

    if (len <= 2) /* an empty SEQUENCE names nobody */
        return -EBADMSG;
    return identity_from_wire(ID_DER_ASN1_DN, der, len, ret);
}

/* Whether all is printable, which is how charon tells a name from a number. */
static bool is_printable(const struct identity *id)
{
    for (size_t i = 0; i < id->len; i++)
        if (id->data[i] < ' ' || id->data[i] > '~')
            return false;
    return true;
}

static void put_printable(struct strbuf *b, const struct identity *id)
{
    for (size_t i = 0; i < id->len; i++)
        strbuf_putc(b, id->data[i] >= ' ' && id->data[i] <= '~' ? (char)id->data[i] : '?');
}

static void put_hex(struct strbuf *b, const struct identity *id)
{
    for (size_t i = 0; i < id->len; i++)
        strbuf_printf(b, "%s%02x", i > 0 ? ":" : "", id->data[i]);
}

const char *identity_text(const struct identity *id, char buf[static IDENTITY_TEXT_MAX])
{
    cleanup(strbuf_done) struct strbuf b;

    strbuf_init(&b, 3 * IDENTITY_MAX);
    buf[0] = '\0';
    switch (id->type) {
    case ID_ANY:
        strbuf_puts(&b, "%any");
        break;
    case ID_IPV4_ADDR:
    case ID_IPV6_ADDR:
        (void)inet_ntop(id->type == ID_IPV4_ADDR ? AF_INET : AF_INET6, id->data, buf, IDENTITY_TEXT_MAX);
        return buf;
    case ID_DER_ASN1_DN:
        (void)dn_text(id->data, id->len, buf, IDENTITY_TEXT_MAX);
        return buf;
    case ID_DER_ASN1_GN:
        strbuf_puts(&b, "(ASN.1 general name)");
        break;
    case ID_FQDN:
    case ID_RFC822_ADDR:
        put_printable(&b, id);
        break;
    case ID_KEY_ID: /* the hash of a key is a number even where it looks like text */
        if (is_printable(id) && id->len != PKEY_ID_LEN)
            put_printable(&b, id);
        else
            put_hex(&b, id);
        break;
    }
    (void)str_copy(buf, IDENTITY_TEXT_MAX, strbuf_text(&b));
    return buf;
}

static bool is_name(const struct identity *id)
{
    return id->type == ID_FQDN || id->type == ID_RFC822_ADDR;
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
    if (a->type != b->type)
        return false;
    if (a->type == ID_DER_ASN1_DN)
        return dn_equal(a->data, a->len, b->data, b->len);
    if (a->len != b->len)
        return false;
    return is_name(a) ? str_same_nocase(a->data, b->data, a->len) : memcmp(a->data, b->data, a->len) == 0;
}

bool identity_has_wildcards(const struct identity *id)
{
    return id->type == ID_ANY || (is_name(id) && id->data[0] == '*') ||
           (id->type == ID_DER_ASN1_DN && dn_match(id->data, id->len, id->data, id->len) > 0);
}

/* One wildcard, at the head, as charon has it: "*.a.example", "*@a.example", or "*" for any of the type. */
static unsigned match_name(const struct identity *id, const struct identity *pattern)
{
    size_t tail = pattern->len - 1;

    if (pattern->data[0] != '*' || id->len < pattern->len)
        return IDENTITY_MATCH_NONE;
    if (tail == 0)
        return IDENTITY_MATCH_ANY;
    return str_same_nocase(id->data + id->len - tail, pattern->data + 1, tail) ? IDENTITY_MATCH_WILDCARD
                                                                               : IDENTITY_MATCH_NONE;
}

static unsigned match_dn(const struct identity *id, const struct identity *pattern)
{
    int stars = dn_match(id->data, id->len, pattern->data, pattern->len);

    if (stars < 0)
        return IDENTITY_MATCH_NONE;
    if ((unsigned)stars > IDENTITY_MATCH_PERFECT - IDENTITY_MATCH_MANY)
        return IDENTITY_MATCH_MANY;
    return IDENTITY_MATCH_PERFECT - (unsigned)stars;
}

unsigned identity_match(const struct identity *id, const struct identity *pattern)
{
    if (pattern->type == ID_ANY)
        return IDENTITY_MATCH_ANY;
    if (id->type != pattern->type)
        return IDENTITY_MATCH_NONE;
    if (id->type == ID_DER_ASN1_DN)
        return match_dn(id, pattern);
    if (identity_equal(id, pattern))
        return IDENTITY_MATCH_PERFECT;
    return is_name(id) ? match_name(id, pattern) : IDENTITY_MATCH_NONE;
}

/* What a certificate says, one by one: the subject, the names, the key ids. False at the end. */
static bool next_of_cert(const struct cert *c, size_t i, struct identity *ret)
{
    size_t sans = cert_sans(c);
    int r = -ENOENT;

    *ret = identity_any();
    if (i == 0) {
        r = identity_of_subject(c, ret);
    } else if (i <= sans) {
        struct cert_san san = cert_san(c, i - 1);

        r = identity_from_wire(san.type, san.data, san.len, ret);
    } else if (i <= sans + 2) {
        r = identity_from_wire(ID_KEY_ID, i == sans + 1 ? pkey_id(cert_key(c)) : pkey_info_id(cert_key(c)), PKEY_ID_LEN,
                               ret);
    }
    return r != -ENOENT; /* what cannot be an identity stays %any, which nothing equals */
}

bool identity_in_cert(const struct identity *id, const struct cert *c)
{
    struct identity own;

    for (size_t i = 0; id->type != ID_ANY && next_of_cert(c, i, &own); i++)
        if (identity_equal(id, &own))
            return true;
    return false;
}

unsigned identity_match_cert(const struct cert *c, const struct identity *pattern)
{
    unsigned best = IDENTITY_MATCH_NONE;
    struct identity own;

    if (pattern->type == ID_ANY)
        return IDENTITY_MATCH_ANY;
    for (size_t i = 0; next_of_cert(c, i, &own); i++) {
        unsigned match = identity_match(&own, pattern);

        best = match > best ? match : best;
    }
    return best;
}
