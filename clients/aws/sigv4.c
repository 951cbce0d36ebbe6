#include "clients/aws/sigv4.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define HASH_LEN  32
#define DAY_LEN   8 /* "20150830" */

/* A run of bytes in a text that somebody else owns. */
struct span {
    size_t start;
    size_t len;
};

struct param {
    struct span name; /* both in the strbuf of encoded text */
    struct span value;
};

const char *sigv4_date(usec_t wall, char buf[static SIGV4_DATE_MAX])
{
    time_t t = (time_t)(wall / USEC_PER_SEC);
    struct tm tm;

    if (!gmtime_r(&t, &tm) || !strftime(buf, SIGV4_DATE_MAX, "%Y%m%dT%H%M%SZ", &tm))
        buf[0] = '\0';
    return buf;
}

int sigv4_hash(const void *data, size_t len, char ret[static SIGV4_HEX_MAX])
{
    unsigned char hash[HASH_LEN];
    size_t hash_len = sizeof hash;

    if (!EVP_Q_digest(NULL, "SHA256", NULL, data, len, hash, &hash_len))
        return -EIO;
    str_hex(ret, hash, sizeof hash);
    return 0;
}

static bool is_unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

static void encode_byte(struct strbuf *out, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";

    if (is_unreserved(c)) {
        strbuf_putc(out, (char)c);
        return;
    }
    strbuf_putc(out, '%');
    strbuf_putc(out, digits[c >> 4]);
    strbuf_putc(out, digits[c & 15]);
}

void sigv4_encode(struct strbuf *out, const char *text)
{
    for (size_t i = 0; text[i]; i++)
        encode_byte(out, (unsigned char)text[i]);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* A query may come encoded or not: what is percent-encoded is decoded first, so that it is never encoded twice. */
static struct span encode_query_part(struct strbuf *out, const char *text, struct span s)
{
    struct span e = {.start = out->len};

    for (size_t i = 0; i < s.len; i++) {
        const char *c = &text[s.start + i];
        if (*c == '%' && i + 2 < s.len && hex_value(c[1]) >= 0 && hex_value(c[2]) >= 0) {
            encode_byte(out, (unsigned char)(hex_value(c[1]) << 4 | hex_value(c[2])));
            i += 2;
        } else {
            encode_byte(out, (unsigned char)*c);
        }
    }
    e.len = out->len - e.start;
    return e;
}

static int compare_spans(const char *text, struct span a, struct span b)
{
    int r = strncmp(&text[a.start], &text[b.start], a.len < b.len ? a.len : b.len);

    return r ? r : (a.len > b.len) - (a.len < b.len);
}

static int compare_params(const char *text, const struct param *a, const struct param *b)
{
    int r = compare_spans(text, a->name, b->name);

    return r ? r : compare_spans(text, a->value, b->value);
}

static void insert_param(struct param params[static SIGV4_PARAMS_MAX], size_t n, struct param p, const char *text)
{
    size_t at = n;

    for (; at > 0 && compare_params(text, &params[at - 1], &p) > 0; at--)
        params[at] = params[at - 1];
    params[at] = p;
}

static int add_query(struct strbuf *out, const char *query)
{
    cleanup(strbuf_done) struct strbuf encoded;
    struct param params[SIGV4_PARAMS_MAX];
    size_t n = 0;

    strbuf_init(&encoded, SIGV4_TEXT_MAX);
    for (size_t at = 0; query[at];) {
        size_t len = strcspn(&query[at], "&"), name_len = strcspn(&query[at], "=&");
        bool has_value = name_len < len;
        if (len > 0) {
            struct param p;
            if (n == SIGV4_PARAMS_MAX)
                return -E2BIG;
            p.name = encode_query_part(&encoded, query, (struct span){at, name_len});
            p.value = encode_query_part(&encoded, query,
                                        (struct span){at + name_len + has_value, len - name_len - has_value});
            if (encoded.bad)
                return -E2BIG;
            insert_param(params, n++, p, strbuf_text(&encoded));
        }
        at += len + (query[at + len] == '&');
    }
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            strbuf_putc(out, '&');
        strbuf_add(out, &strbuf_text(&encoded)[params[i].name.start], params[i].name.len);
        strbuf_putc(out, '=');
        strbuf_add(out, &strbuf_text(&encoded)[params[i].value.start], params[i].value.len);
    }
    return 0;
}

static void encode_path(struct strbuf *out, const char *path, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (path[i] == '/')
            strbuf_putc(out, '/');
        else
            encode_byte(out, (unsigned char)path[i]);
    }
}

static bool span_is(const char *text, struct span s, const char *what)
{
    return s.len == strlen(what) && !strncmp(&text[s.start], what, s.len);
}

/* RFC 3986 section 5.2.4, and empty segments go too. */
static int add_path(struct strbuf *out, const char *path)
{
    struct span segments[SIGV4_SEGMENTS_MAX];
    size_t n = 0, at = 0;

    while (path[at]) {
        struct span s = {at, strcspn(&path[at], "/")};
        if (span_is(path, s, "..")) {
            n -= n > 0;
        } else if (s.len > 0 && !span_is(path, s, ".")) {
            if (n == SIGV4_SEGMENTS_MAX)
                return -E2BIG;
            segments[n++] = s;
        }
        at += s.len + (path[at + s.len] == '/');
    }
    for (size_t i = 0; i < n; i++) {
        strbuf_putc(out, '/');
        encode_path(out, &path[segments[i].start], segments[i].len);
    }
    if (n == 0 || path[at - 1] == '/')
        strbuf_putc(out, '/');
    return 0;
}

/* Whether NAME is in the list "a;b;c". */
static bool list_has(const char *list, const char *name)
{
    size_t len = strlen(name);

    for (size_t at = 0; list[at];) {
        size_t item = strcspn(&list[at], ";");
        if (item == len && !strncasecmp(&list[at], name, len))
            return true;
        at += item + (list[at + item] == ';');
    }
    return false;
}

/* Fills SORTED with the headers to sign, by name; equal names keep their order. */
static int sort_headers(const struct sigv4_request *r, const struct sigv4_header *sorted[static SIGV4_HEADERS_MAX],
                        size_t *ret_n)
{
    size_t n = 0;

    if (r->n_headers > SIGV4_HEADERS_MAX)
        return -E2BIG;
    for (size_t i = 0; i < r->n_headers; i++) {
        const struct sigv4_header *h = &r->headers[i];
        size_t at = n;
        if (r->signed_headers && !list_has(r->signed_headers, h->name))
            continue;
        for (; at > 0 && strcasecmp(sorted[at - 1]->name, h->name) > 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = h;
        n++;
    }
    *ret_n = n;
    return 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void add_value(struct strbuf *out, const char *value)
{
    bool gap = false, first = true;

    for (size_t i = 0; value[i]; i++) {
        if (is_space(value[i])) {
            gap = true;
            continue;
        }
        if (gap && !first)
            strbuf_putc(out, ' ');
        strbuf_putc(out, value[i]);
        gap = first = false;
    }
}

static void add_name(struct strbuf *out, const char *name)
{
    for (size_t i = 0; name[i]; i++)
        strbuf_putc(out, name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i]);
}

static void add_headers(struct strbuf *out, const struct sigv4_header *const *sorted, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && !strcasecmp(sorted[i - 1]->name, sorted[i]->name)) {
            strbuf_putc(out, ',');
        } else {
            if (i > 0)
                strbuf_putc(out, '\n');
            add_name(out, sorted[i]->name);
            strbuf_putc(out, ':');
        }
        add_value(out, sorted[i]->value);
    }
    strbuf_puts(out, "\n\n");
}

static void add_signed_names(struct strbuf *out, const struct sigv4_header *const *sorted, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && !strcasecmp(sorted[i - 1]->name, sorted[i]->name))
            continue;
        if (i > 0)
            strbuf_putc(out, ';');
        add_name(out, sorted[i]->name);
    }
}

/* Every name that is said to be signed must be there, or a verifier would accept a request without it. */
static bool all_present(const char *list, const struct sigv4_header *const *sorted, size_t n)
{
    for (size_t at = 0; list[at];) {
        size_t len = strcspn(&list[at], ";");
        bool found = false;
        for (size_t i = 0; i < n && !found; i++)
            found = strlen(sorted[i]->name) == len && !strncasecmp(sorted[i]->name, &list[at], len);
        if (!found)
            return false;
        at += len + (list[at + len] == ';');
    }
    return true;
}

int sigv4_canonical_request(const struct sigv4_request *r, struct strbuf *out)
{
    const struct sigv4_header *sorted[SIGV4_HEADERS_MAX];
    size_t n = 0;
    int k;

    k = sort_headers(r, sorted, &n);
    if (k < 0)
        return k;
    if (r->signed_headers && !all_present(r->signed_headers, sorted, n))
        return -EBADMSG;
    strbuf_puts(out, r->method);
    strbuf_putc(out, '\n');
    if (r->keep_path && r->path[0])
        encode_path(out, r->path, strlen(r->path));
    else if ((k = add_path(out, r->path)) < 0)
        return k;
    strbuf_putc(out, '\n');
    k = add_query(out, str_or(r->query, ""));
    if (k < 0)
        return k;
    strbuf_putc(out, '\n');
    add_headers(out, sorted, n);
    add_signed_names(out, sorted, n);
    strbuf_putc(out, '\n');
    strbuf_puts(out, r->payload_hash);
    return out->bad ? -ENOBUFS : 0;
}

static bool is_date(const char *date)
{
    if (strlen(date) != SIGV4_DATE_MAX - 1 || strspn(date, "0123456789") != DAY_LEN || date[DAY_LEN] != 'T')
        return false;
    return strspn(&date[DAY_LEN + 1], "0123456789") == 6 && date[SIGV4_DATE_MAX - 2] == 'Z';
}

static void add_scope(struct strbuf *out, const struct sigv4_scope *s)
{
    strbuf_printf(out, "%.*s/%s/%s/aws4_request", DAY_LEN, s->date, s->region, s->service);
}

int sigv4_string_to_sign(const struct sigv4_scope *s, const char *canonical_request, struct strbuf *out)
{
    char hash[SIGV4_HEX_MAX];
    int r;

    if (!is_date(s->date))
        return -EINVAL;
    r = sigv4_hash(canonical_request, strlen(canonical_request), hash);
    if (r < 0)
        return r;
    strbuf_printf(out, ALGORITHM "\n%s\n", s->date);
    add_scope(out, s);
    strbuf_printf(out, "\n%s", hash);
    return out->bad ? -ENOBUFS : 0;
}

/* KEY becomes HMAC(KEY, DATA). */
static int chain(unsigned char key[static HASH_LEN], const char *data, size_t len)
{
    unsigned char mac[HASH_LEN];
    size_t mac_len = 0;

    if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, HASH_LEN, (const unsigned char *)data, len, mac, sizeof mac,
                   &mac_len))
        return -EIO;
    for (size_t i = 0; i < HASH_LEN; i++)
        key[i] = mac[i];
    OPENSSL_cleanse(mac, sizeof mac);
    return 0;
}

static int derive(const struct secret *secret_key, const char *date, unsigned char ret[static HASH_LEN])
{
    cleanup(strbuf_done) struct strbuf first;
    size_t len = 0;

    strbuf_init_secret(&first, SECRET_MAX + sizeof "AWS4");
    strbuf_puts(&first, "AWS4");
    strbuf_add(&first, secret_text(secret_key), secret_len(secret_key));
    if (first.bad)
        return -ENOMEM;
    if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, strbuf_text(&first), first.len, (const unsigned char *)date,
                   DAY_LEN, ret, HASH_LEN, &len))
        return -EIO;
    return 0;
}

int sigv4_signature(const struct secret *secret_key, const struct sigv4_scope *s, const char *string_to_sign,
                    char ret[static SIGV4_HEX_MAX])
{
    const char *const links[] = {s->region, s->service, "aws4_request", string_to_sign};
    unsigned char key[HASH_LEN];
    int r;

    if (!is_date(s->date))
        return -EINVAL;
    r = derive(secret_key, s->date, key);
    for (size_t i = 0; r == 0 && i < sizeof links / sizeof links[0]; i++)
        r = chain(key, links[i], strlen(links[i]));
    if (r == 0)
        str_hex(ret, key, sizeof key);
    OPENSSL_cleanse(key, sizeof key);
    return r;
}

int sigv4_authorization(const struct sigv4_request *r, const struct sigv4_scope *s, const char *access_key_id,
                        const struct secret *secret_key, struct strbuf *out)
{
    cleanup(strbuf_done) struct strbuf canonical;
    cleanup(strbuf_done) struct strbuf to_sign;
    const struct sigv4_header *sorted[SIGV4_HEADERS_MAX];
    char signature[SIGV4_HEX_MAX];
    size_t n = 0;
    int k;

    /* The canonical request holds the session token. */
    strbuf_init_secret(&canonical, SIGV4_TEXT_MAX);
    strbuf_init(&to_sign, SIGV4_TEXT_MAX);
    k = sigv4_canonical_request(r, &canonical);
    if (k == 0)
        k = sigv4_string_to_sign(s, strbuf_text(&canonical), &to_sign);
    if (k == 0)
        k = sigv4_signature(secret_key, s, strbuf_text(&to_sign), signature);
    if (k == 0)
        k = sort_headers(r, sorted, &n);
    if (k < 0)
        return k;
    strbuf_printf(out, ALGORITHM " Credential=%s/", access_key_id);
    add_scope(out, s);
    strbuf_puts(out, ", SignedHeaders=");
    add_signed_names(out, sorted, n);
    strbuf_printf(out, ", Signature=%s", signature);
    return out->bad ? -ENOBUFS : 0;
}
