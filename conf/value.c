/* Names, paths, secrets and numbers. */
#include "conf/options.h"

#include "base/parse.h"
#include "base/secret.h"
#include "base/str.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

void *conf_value_field(const struct conf_option *o, void *object)
{
    return &((char *)object)[o->offset];
}

int conf_value_keep_text(const struct conf_option *o, const char *text, void *object)
{
    if (o->offset == CONF_NO_FIELD)
        return 0;

    char **field = conf_value_field(o, object);
    char *copy = strdup(text);

    if (!copy)
        return -ENOMEM;
    free(*field);
    *field = copy;
    return 0;
}

bool conf_value_title_ok(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && len <= CONF_NAME_MAX && strspn(text, NAME_BYTES) == len;
}

int conf_value_name(const struct conf_option *o, const char *text, void *object, struct strbuf *why)
{
    size_t len = strlen(text);

    if (len == 0 || len > CONF_NAME_MAX) {
        strbuf_printf(why, "a name has 1 to %d characters", CONF_NAME_MAX);
        return -EINVAL;
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f) {
            strbuf_puts(why, "a name has no spaces and no control characters");
            return -EINVAL;
        }
    }
    return conf_value_keep_text(o, text, object);
}

static int check_path(const char *text, struct strbuf *why)
{
    if (text[0] != '/') {
        strbuf_printf(why, "\"%s\" is not an absolute path; begin it with /", text);
        return -EINVAL;
    }
    if (strlen(text) >= PATH_MAX) {
        strbuf_printf(why, "the path is longer than %d bytes", PATH_MAX - 1);
        return -EINVAL;
    }
    return 0;
}

int conf_value_path(const struct conf_option *o, const char *text, void *object, struct strbuf *why)
{
    int r = check_path(text, why);

    return r < 0 ? r : conf_value_keep_text(o, text, object);
}

int conf_value_psk_file(const struct conf_option *o, const char *text, void *object, struct strbuf *why)
{
    struct stat st;
    int r = check_path(text, why);

    if (r < 0)
        return r;
    if (stat(text, &st) < 0) {
        strbuf_printf(why, "cannot find \"%s\": %s", text, strerror(errno));
        return -EINVAL;
    }
    if (!S_ISREG(st.st_mode)) {
        strbuf_printf(why, "\"%s\" is not a file", text);
        return -EINVAL;
    }
    if (st.st_mode & S_IROTH) {
        strbuf_printf(why, "everybody may read the secret in \"%s\"; run: chmod o= %s", text, text);
        return -EINVAL;
    }
    return conf_value_keep_text(o, text, object);
}

static bool is_url(const char *text)
{
    size_t scheme = str_starts(text, "https://") ? 8 : str_starts(text, "http://") ? 7 : 0;

    if (scheme == 0 || text[scheme] == '\0')
        return false;
    for (size_t i = 0; text[i] != '\0'; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f)
            return false;
    return true;
}

static void keep_secret(const struct conf_option *o, void *object, struct secret *s)
{
    struct secret **field = conf_value_field(o, object);

    (void)secret_free(*field);
    *field = s;
}

int conf_value_url(const struct conf_option *o, const char *text, void *object, struct strbuf *why)
{
    if (!is_url(text) || strlen(text) > SECRET_MAX) {
        strbuf_puts(why,
                    "this is no URL (not shown, it may be a secret); write it in quotes, as \"https://HOST/PATH\"");
        return -EINVAL;
    }

    struct secret *s = secret_new(text, strlen(text));

    if (!s)
        return -ENOMEM;
    keep_secret(o, object, s);
    return 0;
}

int conf_value_url_file(const struct conf_option *o, const char *text, void *object, struct strbuf *why)
{
    struct secret *s cleanup(secret_freep) = NULL;
    int r = check_path(text, why);

    if (r < 0)
        return r;
    r = secret_from_file(text, &s);
    if (r == -ENOMEM)
        return r;
    if (r == -EPERM) {
        strbuf_printf(why, "everybody may read the secret in \"%s\"; run: chmod o= %s", text, text);
        return -EINVAL;
    }
    if (r < 0) {
        strbuf_printf(why, "cannot read \"%s\": %s", text, r == -ENODATA ? "it is empty" : strerror(-r));
        return -EINVAL;
    }
    if (!is_url(secret_text(s)) || strlen(secret_text(s)) != secret_len(s)) {
        strbuf_printf(why,
                      "the text in \"%s\" is no URL (not shown, it may be a secret); it is one line, "
                      "https://HOST/PATH",
                      text);
        return -EINVAL;
    }
    keep_secret(o, object, TAKE_PTR(s));
    return 0;
}

int conf_value_vpn_id(const struct conf_option *o, const char *text, void *object, struct strbuf *why)
{
    size_t digits = str_starts(text, "vpn-") ? strlen(text) - 4 : 0;

    if ((digits != 8 && digits != 17) || strspn(&text[4], "0123456789abcdef") != digits) {
        strbuf_printf(why, "\"%s\" is not the id of a VPN connection, which looks like vpn-0123456789abcdef0", text);
        return -EINVAL;
    }
    return conf_value_keep_text(o, text, object);
}

int conf_value_region(const struct conf_option *o, const char *text, void *object, struct strbuf *why)
{
    size_t len = strlen(text);

    if (len == 0 || len > CONF_NAME_MAX || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != len) {
        strbuf_printf(why, "\"%s\" is not the code of a region, which looks like eu-west-1", text);
        return -EINVAL;
    }
    return conf_value_keep_text(o, text, object);
}

int conf_value_duration(const struct conf_option *o, const char *text, void *object, struct strbuf *why)
{
    char low[CLOCK_TEXT_MAX], high[CLOCK_TEXT_MAX];
    usec_t value;

    if (parse_duration(text, &value) < 0) {
        strbuf_printf(why, "\"%s\" is not a duration; write a number and a unit: 500ms, 30s, 5m, 2h, 1d", text);
        return -EINVAL;
    }
    if (value < o->min || value > o->max) {
        strbuf_printf(why, "\"%s\" is out of range; it may be %s to %s", text, clock_duration(o->min, low),
                      clock_duration(o->max, high));
        return -EINVAL;
    }
    *(usec_t *)conf_value_field(o, object) = value;
    return 0;
}

int conf_value_number(const struct conf_option *o, const char *text, void *object, struct strbuf *why)
{
    uint64_t value;

    if (parse_u64(text, o->max, &value) < 0 || value < o->min) {
        strbuf_printf(why, "\"%s\" is not a number from %llu to %llu", text, (unsigned long long)o->min,
                      (unsigned long long)o->max);
        return -EINVAL;
    }
    *(unsigned *)conf_value_field(o, object) = (unsigned)value;
    return 0;
}
