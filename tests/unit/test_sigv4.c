/* The signer against the public vectors, and the steps that a verifier uses. */
#include "clients/aws/sigv4.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define VECTORS "tests/vectors/sigv4/header.json"
#define CASES   38

struct vector {
    json_object *json;
    char *request; /* owned; cut into pieces in place */
    struct sigv4_header headers[SIGV4_HEADERS_MAX];
    size_t n_headers;
    const char *method, *path, *query, *body;
    char date[SIGV4_DATE_MAX];
    char hash[SIGV4_HEX_MAX];
};

static const char *text(const struct vector *v, const char *key)
{
    json_object *o = NULL;

    return json_object_object_get_ex(v->json, key, &o) ? json_object_get_string(o) : NULL;
}

static bool flag(const struct vector *v, const char *key)
{
    json_object *o = NULL;

    return json_object_object_get_ex(v->json, key, &o) && json_object_get_boolean(o);
}

static void add_header(struct vector *v, const char *name, const char *value)
{
    assert_true(v->n_headers < SIGV4_HEADERS_MAX);
    v->headers[v->n_headers++] = (struct sigv4_header){name, value};
}

/* Cuts "Name:value" lines (a line that starts with a space goes on) up to the empty one; returns the body. */
static const char *cut_headers(struct vector *v, char *at)
{
    while (*at && *at != '\n') {
        char *end = strchr(at, '\n'), *colon = strchr(at, ':');
        while (end && end[1] == ' ')
            end = strchr(end + 1, '\n');
        assert_non_null(colon);
        *colon = '\0';
        if (end)
            *end = '\0';
        add_header(v, at, colon + 1);
        if (!end)
            return "";
        at = end + 1;
    }
    return *at ? at + 1 : at;
}

static void cut_request(struct vector *v)
{
    char *at, *end, *mark;

    v->request = strdup(text(v, "request"));
    assert_non_null(v->request);
    at = strchr(v->request, ' ');
    end = strchr(v->request, '\n');
    assert_true(at && end && end - at > 9);
    v->method = v->request;
    *at++ = '\0';
    *(end - strlen(" HTTP/1.1")) = '\0';
    v->path = at;
    mark = strchr(at, '?');
    v->query = mark ? mark + 1 : NULL;
    if (mark)
        *mark = '\0';
    v->body = cut_headers(v, end + 1);
}

static void prepare(struct vector *v)
{
    const char *t = text(v, "timestamp");

    cut_request(v);
    assert_true(
        str_format(v->date, sizeof v->date, "%.4s%.2s%.2sT%.2s%.2s%.2sZ", t, t + 5, t + 8, t + 11, t + 14, t + 17));
    assert_int_equal(sigv4_hash(v->body, strlen(v->body), v->hash), 0);
    add_header(v, "X-Amz-Date", v->date);
    if (text(v, "token") && !flag(v, "omit_session_token"))
        add_header(v, "X-Amz-Security-Token", text(v, "token"));
    if (flag(v, "sign_body"))
        add_header(v, "x-amz-content-sha256", v->hash);
}

static void check_vector(json_object *json)
{
    struct vector v = {.json = json};
    cleanup(strbuf_done) struct strbuf canonical;
    cleanup(strbuf_done) struct strbuf to_sign;
    cleanup(strbuf_done) struct strbuf authorization;
    cleanup(secret_freep) struct secret *key =
        secret_new(text(&v, "secret_access_key"), strlen(text(&v, "secret_access_key")));
    char signature[SIGV4_HEX_MAX];

    strbuf_init(&canonical, SIGV4_TEXT_MAX);
    strbuf_init(&to_sign, SIGV4_TEXT_MAX);
    strbuf_init(&authorization, SIGV4_TEXT_MAX);
    print_message("%s\n", text(&v, "name"));
    prepare(&v);
    const struct sigv4_request r = {
        .method = v.method,
        .path = v.path,
        .query = v.query,
        .headers = v.headers,
        .n_headers = v.n_headers,
        .payload_hash = v.hash,
        .keep_path = !flag(&v, "normalize"),
    };
    const struct sigv4_scope s = {.date = v.date, .region = text(&v, "region"), .service = text(&v, "service")};

    assert_int_equal(sigv4_canonical_request(&r, &canonical), 0);
    assert_string_equal(strbuf_text(&canonical), text(&v, "canonical_request"));
    assert_int_equal(sigv4_string_to_sign(&s, strbuf_text(&canonical), &to_sign), 0);
    assert_string_equal(strbuf_text(&to_sign), text(&v, "string_to_sign"));
    assert_int_equal(sigv4_signature(key, &s, strbuf_text(&to_sign), signature), 0);
    assert_string_equal(signature, text(&v, "signature"));
    assert_int_equal(sigv4_authorization(&r, &s, text(&v, "access_key_id"), key, &authorization), 0);
    assert_true(str_starts(strbuf_text(&authorization), "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/"));
    assert_non_null(strstr(strbuf_text(&authorization), text(&v, "signature")));
    free(v.request);
}

static void test_public_vectors(void **state)
{
    json_object *all = json_object_from_file(VECTORS);

    (void)state;
    assert_non_null(all);
    assert_int_equal(json_object_array_length(all), CASES);
    for (size_t i = 0; i < CASES; i++)
        check_vector(json_object_array_get_idx(all, i));
    json_object_put(all);
}

static void test_date_of_a_time(void **state)
{
    char buf[SIGV4_DATE_MAX];

    (void)state;
    assert_string_equal(sigv4_date(UINT64_C(1440938160) * USEC_PER_SEC, buf), "20150830T123600Z");
}

static const struct sigv4_header received[] = {
    {"User-Agent", "aws-cli"},
    {"Host", "ec2.eu-west-1.amazonaws.com"},
    {"X-Amz-Date", "20150830T123600Z"},
};

static int canonical_of(const char *path, const char *query, const char *signed_headers, struct strbuf *out)
{
    const struct sigv4_request r = {
        .method = "GET",
        .path = path,
        .query = query,
        .headers = received,
        .n_headers = ARRAY_LEN(received),
        .signed_headers = signed_headers,
        .payload_hash = "h",
    };

    strbuf_init(out, SIGV4_TEXT_MAX);
    return sigv4_canonical_request(&r, out);
}

static void test_verifier_takes_only_the_signed_headers(void **state)
{
    cleanup(strbuf_done) struct strbuf b;

    (void)state;
    assert_int_equal(canonical_of("/", NULL, "host;x-amz-date", &b), 0);
    assert_string_equal(strbuf_text(&b), "GET\n/\n\nhost:ec2.eu-west-1.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
                                         "host;x-amz-date\nh");
}

static void test_signed_header_that_is_missing_is_refused(void **state)
{
    cleanup(strbuf_done) struct strbuf b;

    (void)state;
    assert_int_equal(canonical_of("/", NULL, "host;x-amz-date;x-amz-security-token", &b), -EBADMSG);
}

static void test_parameters_without_value_and_of_one_name(void **state)
{
    cleanup(strbuf_done) struct strbuf b;

    (void)state;
    assert_int_equal(canonical_of("", "b=2&&a&b=1&a-=x%2fy&c=100%", "host", &b), 0);
    assert_string_equal(strbuf_text(&b),
                        "GET\n/\na=&a-=x%2Fy&b=1&b=2&c=100%25\nhost:ec2.eu-west-1.amazonaws.com\n\nhost\nh");
}

static void test_too_many_of_anything_is_refused(void **state)
{
    cleanup(strbuf_done) struct strbuf query;
    cleanup(strbuf_done) struct strbuf path;
    cleanup(strbuf_done) struct strbuf b;
    cleanup(strbuf_done) struct strbuf b2;

    (void)state;
    strbuf_init(&query, 4096);
    strbuf_init(&path, 4096);
    for (size_t i = 0; i <= SIGV4_PARAMS_MAX; i++)
        strbuf_puts(&query, "a=1&");
    for (size_t i = 0; i <= SIGV4_SEGMENTS_MAX; i++)
        strbuf_puts(&path, "/a");
    assert_int_equal(canonical_of("/", strbuf_text(&query), "host", &b), -E2BIG);
    assert_int_equal(canonical_of(strbuf_text(&path), NULL, "host", &b2), -E2BIG);
}

static void test_date_of_another_form_is_refused(void **state)
{
    const char *const dates[] = {
        "", "20150830", "20150830T123600", "2015-08-30T12:36", "20150830T1236000", "x0150830T123600Z"};
    cleanup(strbuf_done) struct strbuf b;

    (void)state;
    strbuf_init(&b, SIGV4_TEXT_MAX);
    for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
        const struct sigv4_scope s = {.date = dates[i], .region = "r", .service = "s"};
        assert_int_equal(sigv4_string_to_sign(&s, "c", &b), -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_public_vectors),
        cmocka_unit_test(test_date_of_a_time),
        cmocka_unit_test(test_verifier_takes_only_the_signed_headers),
        cmocka_unit_test(test_signed_header_that_is_missing_is_refused),
        cmocka_unit_test(test_parameters_without_value_and_of_one_name),
        cmocka_unit_test(test_too_many_of_anything_is_refused),
        cmocka_unit_test(test_date_of_another_form_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
