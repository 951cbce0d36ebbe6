/* Values that are one word of a fixed few. */
#include "conf/options.h"

#include "base/array.h"
#include "base/str.h"

#include <errno.h>

struct word {
    const char *text;
    int value; /* NOT_YET: a word of a later version */
};

#define NOT_YET (-1)

static const struct word modes[] = {
    {"observe", CONF_MODE_OBSERVE},
    {"approve", CONF_MODE_APPROVE},
    {"repair", CONF_MODE_REPAIR},
};

static const struct word ike_types[] = {
    {"vici", CONF_IKE_VICI}, {"none", CONF_IKE_NONE}, {"libreswan", NOT_YET}, {"openiked", NOT_YET}, {"xfrm", NOT_YET},
};

static const struct word expectations[] = {{"down", 1}};

static const struct word fallbacks[] = {{"none", 0}, {"engine", 1}};

static const struct word alert_types[] = {
    {"webhook", 0},     {"slack", NOT_YET},       {"pagerduty", NOT_YET}, {"alertmanager", NOT_YET},
    {"teams", NOT_YET}, {"cloudevents", NOT_YET},
};

static void add_supported(struct strbuf *why, const struct word *words, size_t n)
{
    const char *separator = "";

    for (size_t i = 0; i < n; i++) {
        if (words[i].value == NOT_YET)
            continue;
        strbuf_printf(why, "%s%s", separator, words[i].text);
        separator = ", ";
    }
}

static int read_word(const struct word *words, size_t n, const char *text, struct strbuf *why, int *ret)
{
    for (size_t i = 0; i < n; i++) {
        if (!str_eq(words[i].text, text))
            continue;
        if (words[i].value == NOT_YET) {
            strbuf_printf(why, "\"%s\" is not supported by this version; supported: ", text);
            add_supported(why, words, n);
            return -EINVAL;
        }
        *ret = words[i].value;
        return 0;
    }
    strbuf_printf(why, "\"%s\" is not known; it must be ", text);
    if (n > 1)
        strbuf_puts(why, "one of: ");
    add_supported(why, words, n);
    return -EINVAL;
}

int conf_value_mode(const struct conf_option *o, const char *text, void *object, struct strbuf *why)
{
    int value;
    int r = read_word(modes, ARRAY_LEN(modes), text, why, &value);

    if (r < 0)
        return r;
    *(enum conf_mode *)conf_value_field(o, object) = (enum conf_mode)value;
    return 0;
}

int conf_value_ike_type(const struct conf_option *o, const char *text, void *object, struct strbuf *why)
{
    int value;
    int r = read_word(ike_types, ARRAY_LEN(ike_types), text, why, &value);

    if (r < 0)
        return r;
    *(enum conf_ike_type *)conf_value_field(o, object) = (enum conf_ike_type)value;
    return 0;
}

int conf_value_expected(const struct conf_option *o, const char *text, void *object, struct strbuf *why)
{
    int value;
    int r = read_word(expectations, ARRAY_LEN(expectations), text, why, &value);

    if (r < 0)
        return r;
    *(bool *)conf_value_field(o, object) = true;
    return 0;
}

int conf_value_fallback(const struct conf_option *o, const char *text, void *object, struct strbuf *why)
{
    int value;

    (void)o;
    (void)object;
    return read_word(fallbacks, ARRAY_LEN(fallbacks), text, why, &value);
}

int conf_value_alert_type(const struct conf_option *o, const char *text, void *object, struct strbuf *why)
{
    int value;

    (void)o;
    (void)object;
    return read_word(alert_types, ARRAY_LEN(alert_types), text, why, &value);
}

const char *conf_mode_name(enum conf_mode mode)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++)
        if (modes[i].value == (int)mode)
            return modes[i].text;
    return "?";
}
