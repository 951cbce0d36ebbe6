#include "engine/crypto/dn.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "base/strbuf.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <string.h>
#include <strings.h>

/* charon's names; the first one of an attribute is the one that it prints. */
static const struct attribute {
    const char *name;
    const char *oid;
    bool ia5; /* an IA5String; else a PrintableString, or UTF-8 where it must be */
} attributes[] = {
    {"C", "2.5.4.6", false},
    {"ST", "2.5.4.8", false},
    {"L", "2.5.4.7", false},
    {"O", "2.5.4.10", false},
    {"OU", "2.5.4.11", false},
    {"CN", "2.5.4.3", false},
    {"serialNumber", "2.5.4.5", false},
    {"SN", "2.5.4.5", false},
    {"S", "2.5.4.4", false},
    {"T", "2.5.4.12", false},
    {"D", "2.5.4.13", false},
    {"N", "2.5.4.41", false},
    {"G", "2.5.4.42", false},
    {"I", "2.5.4.43", false},
    {"ID", "2.5.4.45", false},
    {"dnQualifier", "2.5.4.46", false},
    {"DC", "0.9.2342.19200300.100.1.25", false},
    {"UID", "0.9.2342.19200300.100.1.1", false},
    {"E", "1.2.840.113549.1.9.1", true},
    {"Email", "1.2.840.113549.1.9.1", true},
    {"emailAddress", "1.2.840.113549.1.9.1", true},
    {"unstructuredName", "1.2.840.113549.1.9.2", true},
    {"UN", "1.2.840.113549.1.9.2", true},
    {"unstructuredAddress", "1.2.840.113549.1.9.8", false},
    {"UA", "1.2.840.113549.1.9.8", false},
    {"employeeNumber", "2.16.840.1.113730.3.1.3", false},
    {"EN", "2.16.840.1.113730.3.1.3", false},
};

static const struct attribute *attribute_named(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
        if (strlen(attributes[i].name) == len && strncasecmp(attributes[i].name, name, len) == 0)
            return &attributes[i];
    return NULL;
}

static int value_type(const struct attribute *a, const char *value, size_t len)
{
    if (a->ia5)
        return V_ASN1_IA5STRING;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)value[i]) && !(value[i] && strchr(" '()+,-./:=?", value[i])))
            return V_ASN1_UTF8STRING;
    return V_ASN1_PRINTABLESTRING;
}

/* One "name = value" of LEN bytes. */
static int add_rdn(X509_NAME *name, const char *text, size_t len)
{
    const char *sign = memchr(text, '=', len), *value;
    size_t name_len, value_len;
    const struct attribute *a;
    ASN1_OBJECT *oid;
    int added;

    if (!sign || X509_NAME_entry_count(name) == DN_RDNS_MAX)
        return -EINVAL;
    value = sign + 1;
    name_len = (size_t)(sign - text);
    value_len = len - name_len - 1;
    while (name_len > 0 && text[name_len - 1] == ' ')
        name_len--;
    for (; value_len > 0 && (*value == ' ' || *value == '='); value_len--)
        value++;
    while (value_len > 0 && value[value_len - 1] == ' ')
        value_len--;
    a = attribute_named(text, name_len);
    oid = a ? OBJ_txt2obj(a->oid, 1) : NULL;
    if (!oid)
        return -EINVAL;
    added = X509_NAME_add_entry_by_OBJ(name, oid, value_type(a, value, value_len), (const unsigned char *)value,
                                       (int)value_len, -1, 0);
    ASN1_OBJECT_free(oid);
    return added == 1 ? 0 : -EINVAL;
}

static int encode(X509_NAME *name, uint8_t *buf, size_t size, size_t *ret_len)
{
    unsigned char *der = NULL;
    int len = i2d_X509_NAME(name, &der), r = -ENOBUFS;

    if (len > 0 && (size_t)len <= size) {
        memcpy(buf, der, (size_t)len);
        *ret_len = (size_t)len;
        r = 0;
    }
    OPENSSL_free(der);
    return r;
}

int dn_parse(const char *text, uint8_t *buf, size_t size, size_t *ret_len)
{
    X509_NAME *name = X509_NAME_new();
    char separators[] = ",";
    int r = name ? 0 : -ENOMEM;

    text += strspn(text, " ");
    if (*text == '/') {
        separators[0] = '/';
        text++;
    }
    while (r == 0 && *(text += strspn(text, " ")) != '\0') {
        size_t len = strcspn(text, separators);

        r = add_rdn(name, text, len);
        text += len;
        text += *text != '\0';
    }
    if (r == 0)
        r = encode(name, buf, size, ret_len);
    X509_NAME_free(name);
    ERR_clear_error();
    return r;
}

/* NULL where it is not one, or has too many parts; the caller's. */
static X509_NAME *decode(const void *der, size_t len)
{
    const unsigned char *p = der;
    X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)len);

    ERR_clear_error();
    if (name && (p != (const unsigned char *)der + len || X509_NAME_entry_count(name) > DN_RDNS_MAX)) {
        X509_NAME_free(name);
        return NULL;
    }
    return name;
}

bool dn_valid(const void *der, size_t len)
{
    X509_NAME *name = decode(der, len);
    bool valid = name;

    X509_NAME_free(name);
    return valid;
}

static void put_attribute(struct strbuf *b, const ASN1_OBJECT *oid)
{
    const unsigned char *data = OBJ_get0_data(oid);
    char text[80] = "";

    (void)OBJ_obj2txt(text, sizeof(text), oid, 1);
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
        if (strcmp(attributes[i].oid, text) == 0) {
            strbuf_printf(b, "%s=", attributes[i].name);
            return;
        }
    for (size_t i = 0; i < OBJ_length(oid); i++)
        strbuf_printf(b, "%s%02x", i > 0 ? ":" : "", data[i]);
    strbuf_putc(b, '=');
}

static void put_value(struct strbuf *b, const ASN1_STRING *value)
{
    const unsigned char *data = ASN1_STRING_get0_data(value);

    for (int i = 0; i < ASN1_STRING_length(value); i++)
        strbuf_putc(b, data[i] >= ' ' && data[i] <= '~' ? (char)data[i] : '?');
}

bool dn_text(const void *der, size_t len, char *buf, size_t size)
{
    cleanup(strbuf_done) struct strbuf b;
    X509_NAME *name = decode(der, len);
    bool whole = name;

    strbuf_init(&b, size);
    for (int i = 0; name && i < X509_NAME_entry_count(name); i++) {
        const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);

        strbuf_puts(&b, i > 0 ? ", " : "");
        put_attribute(&b, X509_NAME_ENTRY_get_object(e));
        put_value(&b, X509_NAME_ENTRY_get_data(e));
    }
    X509_NAME_free(name);
    return str_copy(buf, size, strbuf_text(&b)) && whole && !b.bad;
}

static bool is_star(const ASN1_STRING *value)
{
    return ASN1_STRING_length(value) == 1 && ASN1_STRING_get0_data(value)[0] == '*';
}

/* The case counts, but in PrintableStrings and mail addresses (RFC 5280 7.1, 7.5). */
static bool same_value(const ASN1_STRING *a, const ASN1_STRING *b)
{
    const unsigned char *x = ASN1_STRING_get0_data(a), *y = ASN1_STRING_get0_data(b);
    int type = ASN1_STRING_type(a), len = ASN1_STRING_length(a);

    if (len != ASN1_STRING_length(b))
        return false;
    if (type == ASN1_STRING_type(b) && (type == V_ASN1_PRINTABLESTRING || type == V_ASN1_IA5STRING))
        return str_same_nocase(x, y, (size_t)len);
    return len == 0 || memcmp(x, y, (size_t)len) == 0;
}

/* Counts the values of PATTERN that are "*" and may stand for any; -1 where the names differ. */
static int compare(const X509_NAME *name, const X509_NAME *pattern, bool wildcards)
{
    int stars = 0, n = X509_NAME_entry_count(name);

    if (n != X509_NAME_entry_count(pattern))
        return -1;
    for (int i = 0; i < n; i++) {
        const X509_NAME_ENTRY *a = X509_NAME_get_entry(name, i), *b = X509_NAME_get_entry(pattern, i);

        if (X509_NAME_ENTRY_set(a) != X509_NAME_ENTRY_set(b) ||
            OBJ_cmp(X509_NAME_ENTRY_get_object(a), X509_NAME_ENTRY_get_object(b)) != 0)
            return -1;
        if (wildcards && is_star(X509_NAME_ENTRY_get_data(b)))
            stars++;
        else if (!same_value(X509_NAME_ENTRY_get_data(a), X509_NAME_ENTRY_get_data(b)))
            return -1;
    }
    return stars;
}

static int compare_der(const void *a, size_t a_len, const void *b, size_t b_len, bool wildcards)
{
    X509_NAME *x = decode(a, a_len), *y = decode(b, b_len);
    int r = x && y ? compare(x, y, wildcards) : -1;

    X509_NAME_free(x);
    X509_NAME_free(y);
    return r;
}

bool dn_equal(const void *a, size_t a_len, const void *b, size_t b_len)
{
    return compare_der(a, a_len, b, b_len, false) == 0;
}

int dn_match(const void *der, size_t len, const void *pattern, size_t pattern_len)
{
    return compare_der(der, len, pattern, pattern_len, true);
}
