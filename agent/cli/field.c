#include "agent/cli/field.h"

#include "base/parse.h"
#include "base/str.h"

#include <string.h>

static struct json_object *get(struct json_object *o, const char *key, enum json_type type)
{
    struct json_object *v;

    return o && json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &v) &&
                   json_object_is_type(v, type)
               ? v
               : NULL;
}

const char *field_text(struct json_object *o, const char *key, const char *otherwise, char buf[static FIELD_MAX])
{
    struct json_object *v = get(o, key, json_type_string);
    const char *text = v ? json_object_get_string(v) : otherwise;

    str_printable(buf, FIELD_MAX, text, v ? (size_t)json_object_get_string_len(v) : strlen(text));
    return buf;
}

const char *field_time(struct json_object *o, const char *key, char buf[static FIELD_MAX])
{
    char text[FIELD_MAX];
    usec_t wall;

    if (parse_rfc3339(field_text(o, key, "", text), &wall) < 0)
        buf[0] = '\0';
    else
        (void)str_format(buf, FIELD_MAX, "%.10s %.8s UTC", text, &text[11]);
    return buf;
}

usec_t field_wall(struct json_object *o, const char *key)
{
    char text[FIELD_MAX];
    usec_t wall;

    return parse_rfc3339(field_text(o, key, "", text), &wall) < 0 ? 0 : wall;
}

const char *field_span(double seconds, char buf[static FIELD_MAX])
{
    char span[CLOCK_TEXT_MAX];

    if (!(seconds >= 0 && seconds < 1e12))
        (void)str_copy(buf, FIELD_MAX, "-");
    else if (seconds < 60)
        (void)str_format(buf, FIELD_MAX, seconds < 1 ? "<1 s" : "%.0f s", seconds);
    else
        (void)str_copy(buf, FIELD_MAX, clock_duration((usec_t)seconds * USEC_PER_SEC, span));
    return buf;
}

bool field_flag(struct json_object *o, const char *key, bool otherwise)
{
    struct json_object *v = get(o, key, json_type_boolean);

    return v ? json_object_get_boolean(v) : otherwise;
}

double field_number(struct json_object *o, const char *key, double otherwise)
{
    struct json_object *v = get(o, key, json_type_double);

    if (!v)
        v = get(o, key, json_type_int);
    return v ? json_object_get_double(v) : otherwise;
}

struct json_object *field_object(struct json_object *o, const char *key)
{
    return get(o, key, json_type_object);
}

struct json_object *field_array(struct json_object *o, const char *key)
{
    return get(o, key, json_type_array);
}

size_t field_count(struct json_object *array)
{
    return array ? json_object_array_length(array) : 0;
}
