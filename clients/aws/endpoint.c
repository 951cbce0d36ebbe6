#include "clients/aws/endpoint.h"

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "clients/aws/profile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* https://docs.aws.amazon.com/general/latest/gr/ec2-service.html; the first prefix that fits. */
static const struct partition {
    const char *prefix;
    const char *suffix;
    const char *dual_stack;
    bool plain_is_fips;
} partitions[] = {
    {"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", false},
    {"us-gov-", "amazonaws.com", "api.aws", true},
    {"us-isob-", "sc2s.sgov.gov", "sc2s.sgov.gov", false},
    {"us-iso-", "c2s.ic.gov", "c2s.ic.gov", false},
    {"", "amazonaws.com", "api.aws", false},
};

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value && value[0] ? value : NULL;
}

/* NAME of the environment, else KEY of the profile. */
static bool setting(const char *name, const char *key, struct strbuf *ret)
{
    const char *value = variable(name);

    if (value)
        strbuf_puts(ret, value);
    else
        (void)profile_get(PROFILE_CONFIG, key, ret);
    return ret->len > 0 && !ret->bad;
}

static bool is_switched_on(const char *name, const char *key)
{
    cleanup(strbuf_done) struct strbuf text;
    bool on = false;

    strbuf_init(&text, AWS_REGION_MAX);
    return setting(name, key, &text) && parse_bool(strbuf_text(&text), &on) == 0 && on;
}

static bool is_region(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && len < AWS_REGION_MAX && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

int aws_region_find(const char *wanted, char ret[static AWS_REGION_MAX])
{
    cleanup(strbuf_done) struct strbuf text;
    const char *region = wanted && wanted[0] ? wanted : variable("AWS_REGION");

    strbuf_init(&text, AWS_REGION_MAX);
    if (!region)
        region = variable("AWS_DEFAULT_REGION");
    if (!region && profile_get(PROFILE_CONFIG, "region", &text) == 0)
        region = strbuf_text(&text);
    if (!region)
        return -ENOENT;
    if (!is_region(region))
        return -EINVAL;
    (void)str_copy(ret, AWS_REGION_MAX, region);
    return 0;
}

/* Returns the name of the place where a URL is configured, or NULL. */
static const char *find_configured(const struct aws_service *s, struct strbuf *ret)
{
    if (is_switched_on("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls"))
        return NULL;
    if (variable(s->variable)) {
        strbuf_puts(ret, variable(s->variable));
        return s->variable;
    }
    if (variable("AWS_ENDPOINT_URL")) {
        strbuf_puts(ret, variable("AWS_ENDPOINT_URL"));
        return "AWS_ENDPOINT_URL";
    }
    if (profile_get_service(s->section, "endpoint_url", ret) == 0)
        return "the services section of the AWS config file";
    if (profile_get(PROFILE_CONFIG, "endpoint_url", ret) == 0)
        return "endpoint_url of the AWS config file";
    return NULL;
}

static void build_url(const struct aws_service *s, const char *region, struct strbuf *ret)
{
    bool fips = is_switched_on("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
    bool dual_stack = is_switched_on("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
    const struct partition *p = partitions;

    while (!str_starts(region, p->prefix))
        p++;
    if (p->plain_is_fips && !dual_stack)
        fips = false;
    strbuf_printf(ret, "https://%s%s.%s.%s/", s->host, fips ? "-fips" : "", region,
                  dual_stack ? p->dual_stack : p->suffix);
}

static bool is_plain_text(const char *text)
{
    for (size_t i = 0; text[i]; i++)
        if (text[i] <= ' ' || text[i] > '~' || strchr("@?#\\\"<>", text[i]))
            return false;
    return true;
}

/* Splits URL into what is signed: host and path. The port is signed only where it is not the scheme's own. */
static int split_url(const char *url, struct aws_endpoint *ret)
{
    bool tls = str_starts(url, "https://");
    const char *usual_port = tls ? ":443" : ":80";
    size_t start = tls ? strlen("https://") : strlen("http://");
    size_t host_len, len = strlen(url), port_len = strlen(usual_port);

    if ((!tls && !str_starts(url, "http://")) || !is_plain_text(url))
        return -EINVAL;
    host_len = strcspn(&url[start], "/");
    if (host_len == 0 || len + 1 >= AWS_URL_MAX)
        return -EINVAL;
    (void)str_format(ret->host, sizeof ret->host, "%.*s", (int)host_len, &url[start]);
    (void)str_copy(ret->path, sizeof ret->path, url[start + host_len] ? &url[start + host_len] : "/");
    (void)str_format(ret->url, sizeof ret->url, "%s%s", url, url[start + host_len] ? "" : "/");
    if (host_len > port_len && str_eq(&ret->host[host_len - port_len], usual_port))
        ret->host[host_len - port_len] = '\0';
    return 0;
}

int aws_endpoint_find(const struct aws_service *s, const char *region, struct aws_endpoint *ret, char *why, size_t len)
{
    cleanup(strbuf_done) struct strbuf url;
    cleanup(strbuf_done) struct strbuf ca;
    struct aws_endpoint e = {0};
    const char *from;

    strbuf_init(&url, AWS_URL_MAX - 1);
    strbuf_init(&ca, AWS_PATH_MAX - 1);
    from = find_configured(s, &url);
    if (!from)
        build_url(s, region, &url);
    if (url.bad || split_url(strbuf_text(&url), &e) < 0) {
        (void)str_format(why, len, "the endpoint in %s is no URL that can be used", str_or(from, "the region"));
        return -EINVAL;
    }
    if (setting("AWS_CA_BUNDLE", "ca_bundle", &ca))
        (void)str_copy(e.ca_file, sizeof e.ca_file, strbuf_text(&ca));
    *ret = e;
    return 0;
}
