#include "tests/awssim/verify.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <openssl/crypto.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define ALGORITHM         "AWS4-HMAC-SHA256 "
#define SIGNATURE_LEN     (SIGV4_HEX_MAX - 1)
#define AUTHORIZATION_MAX 2048

struct authorization {
    char text[AUTHORIZATION_MAX]; /* the others point into it */
    const char *key_id;
    const char *day;
    const char *region;
    const char *service;
    const char *terminator;
    const char *signed_headers;
    const char *signature;
};

static const char *header(const struct verify_request *r, const char *name)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (!strcasecmp(r->headers[i].name, name))
            return r->headers[i].value;
    return NULL;
}

/* "Credential=a/b/c/d/e, SignedHeaders=x;y, Signature=z", in any order. */
static bool read_authorization(const char *value, struct authorization *ret)
{
    char *rest, *field, *credential = NULL;

    if (!str_starts(value, ALGORITHM) || !str_copy(ret->text, sizeof ret->text, &value[strlen(ALGORITHM)]))
        return false;
    rest = ret->text;
    while ((field = strsep(&rest, ","))) {
        char *text = &field[strspn(field, " ")], *name = strsep(&text, "=");
        if (str_eq(name, "Credential"))
            credential = text;
        else if (str_eq(name, "SignedHeaders"))
            ret->signed_headers = text;
        else if (str_eq(name, "Signature"))
            ret->signature = text;
        else
            return false;
    }
    ret->key_id = strsep(&credential, "/");
    ret->day = strsep(&credential, "/");
    ret->region = strsep(&credential, "/");
    ret->service = strsep(&credential, "/");
    ret->terminator = credential;
    return ret->terminator && ret->signed_headers && ret->signature;
}

static bool read_date(const char *date, usec_t *ret)
{
    struct tm tm = {0};
    const char *end = strptime(date, "%Y%m%dT%H%M%SZ", &tm);

    if (!end || *end != '\0' || strlen(date) != SIGV4_DATE_MAX - 1)
        return false;
    *ret = (usec_t)timegm(&tm) * USEC_PER_SEC;
    return true;
}

static bool list_has(const char *list, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = strstr(list, name); at; at = strstr(at + 1, name))
        if ((at == list || at[-1] == ';') && (at[len] == ';' || at[len] == '\0'))
            return true;
    return false;
}

static bool signature_matches(const struct verify_request *r, const struct verify_account *a,
                              const struct authorization *auth, const char *date)
{
    cleanup(strbuf_done) struct strbuf canonical;
    cleanup(strbuf_done) struct strbuf to_sign;
    const struct sigv4_scope scope = {.date = date, .region = auth->region, .service = auth->service};
    char hash[SIGV4_HEX_MAX], expected[SIGV4_HEX_MAX];
    const struct sigv4_request request = {
        .method = r->method,
        .path = r->path,
        .query = r->query,
        .headers = r->headers,
        .n_headers = r->n_headers,
        .signed_headers = auth->signed_headers,
        .payload_hash = hash,
    };
    const char *claimed = header(r, "x-amz-content-sha256");

    strbuf_init_secret(&canonical, SIGV4_TEXT_MAX);
    strbuf_init(&to_sign, SIGV4_TEXT_MAX);
    if (sigv4_hash(r->body, r->body_len, hash) < 0 || (claimed && !str_eq(claimed, hash)))
        return false;
    if (sigv4_canonical_request(&request, &canonical) < 0 ||
        sigv4_string_to_sign(&scope, strbuf_text(&canonical), &to_sign) < 0 ||
        sigv4_signature(a->secret, &scope, strbuf_text(&to_sign), expected) < 0)
        return false;
    return strlen(auth->signature) == SIGNATURE_LEN && !CRYPTO_memcmp(expected, auth->signature, SIGNATURE_LEN);
}

static const char *refuse(const char *code, const char *message, const char **ret_message)
{
    *ret_message = message;
    return code;
}

const char *verify_signature(const struct verify_request *r, const struct verify_account *a, usec_t wall,
                             const char **ret_message)
{
    const char *value = header(r, "authorization"), *date = header(r, "x-amz-date");
    struct authorization auth = {0};
    usec_t signed_at;

    if (!value)
        return refuse("MissingAuthenticationToken", "Request is missing Authentication Token", ret_message);
    if (!read_authorization(value, &auth) || !date || !read_date(date, &signed_at))
        return refuse("IncompleteSignature", "The request signature does not conform to AWS standards.", ret_message);
    if (!str_eq(auth.key_id, a->key_id))
        return refuse("AuthFailure", "AWS was not able to validate the provided access credentials", ret_message);
    if (!list_has(auth.signed_headers, "host") || !list_has(auth.signed_headers, "x-amz-date"))
        return refuse("SignatureDoesNotMatch", "'Host' and 'X-Amz-Date' must be signed.", ret_message);
    if (!str_starts(date, auth.day) || strlen(auth.day) != 8 || !str_eq(auth.region, a->region) ||
        !str_eq(auth.service, "ec2") || !str_eq(auth.terminator, "aws4_request"))
        return refuse("SignatureDoesNotMatch", "Credential should be scoped to the date, the region and ec2.",
                      ret_message);
    if (clock_since(signed_at, wall) > VERIFY_SKEW_MAX || clock_since(wall, signed_at) > VERIFY_SKEW_MAX)
        return refuse("RequestExpired", "Request has expired.", ret_message);
    if (!signature_matches(r, a, &auth, date))
        return refuse("SignatureDoesNotMatch",
                      "The request signature we calculated does not match the signature you provided.", ret_message);
    return NULL;
}
