#include "agent/control_body.h"

#include "base/str.h"

#include <json-c/linkhash.h>

static const char *type_text(enum json_type type)
{
    return type == json_type_boolean ? "true or false" : type == json_type_int ? "a whole number" : "a text";
}

static bool member_ok(struct api_request *r, const char *name, struct json_object *value,
                      const struct control_member *members)
{
    for (; members->name; members++) {
        if (!str_eq(members->name, name))
            continue;
        if (!value || json_object_is_type(value, members->type))
            return true;
        api_reply_error(r, 400, "%s: %s is wanted.", name, type_text(members->type));
        return false;
    }
    api_reply_error(r, 400, "%s: there is no such member.", name);
    return false;
}

bool control_body_ok(struct api_request *r, const struct control_member *members)
{
    json_object_object_foreach(api_request_body(r), name, value)
    {
        if (!member_ok(r, name, value, members))
            return false;
    }
    return true;
}

static struct json_object *member(const struct api_request *r, const char *name)
{
    struct json_object *value = NULL;

    (void)json_object_object_get_ex(api_request_body(r), name, &value);
    return value;
}

const char *control_body_text(const struct api_request *r, const char *name)
{
    struct json_object *value = member(r, name);

    return value ? json_object_get_string(value) : NULL;
}

bool control_body_flag(const struct api_request *r, const char *name)
{
    return json_object_get_boolean(member(r, name));
}

int64_t control_body_number(const struct api_request *r, const char *name, int64_t otherwise)
{
    struct json_object *value = member(r, name);

    return value ? json_object_get_int64(value) : otherwise; /* json-c saturates */
}
