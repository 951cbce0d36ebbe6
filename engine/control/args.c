#include "engine/control/args.h"

#include "base/array.h"
#include "base/parse.h"
#include "base/str.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define NUMBER_MAX 32 /* text of a number or a boolean */

enum kind {
    KIND_NAME,
    KIND_ID,
    KIND_FLAG,
    KIND_PRESENT, /* any value will do */
    KIND_LEVEL,
    KIND_TIMEOUT,
};

static const struct row {
    const char *key;
    enum kind kind;
    size_t offset;
} rows[] = {
    {"ike", KIND_NAME, offsetof(struct args, ike)},
    {"child", KIND_NAME, offsetof(struct args, child)},
    {"ike-id", KIND_ID, offsetof(struct args, ike_id)},
    {"child-id", KIND_ID, offsetof(struct args, child_id)},
    {"timeout", KIND_TIMEOUT, offsetof(struct args, timeout)},
    {"loglevel", KIND_LEVEL, offsetof(struct args, level)},
    {"force", KIND_FLAG, offsetof(struct args, force)},
    {"reauth", KIND_FLAG, offsetof(struct args, reauth)},
    {"noblock", KIND_PRESENT, offsetof(struct args, noblock)},
    {"trap", KIND_PRESENT, offsetof(struct args, trap)},
    {"drop", KIND_PRESENT, offsetof(struct args, drop)},
    {"pass", KIND_PRESENT, offsetof(struct args, pass)},
};

bool args_bool(const char *text)
{
    static const char *const yes[] = {"yes", "true", "enabled", "1"};

    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        if (strcasecmp(text, yes[i]) == 0)
            return true;
    return false;
}

/* Numbers below 0 have one meaning for all: -1. */
static bool number_of(const char *text, int64_t *ret)
{
    uint64_t n;
    bool negative = text[0] == '-';

    if (parse_u64(&text[negative], UINT32_MAX, &n) < 0)
        return false;
    *ret = negative ? -1 : (int64_t)n;
    return true;
}

static bool set_number(void *field, enum kind kind, const char *text)
{
    int64_t n;

    if (!number_of(text, &n))
        return false;
    if (kind == KIND_TIMEOUT) {
        *(int64_t *)field = n;
    } else if (kind == KIND_LEVEL) {
        *(int *)field = n > 4 ? 4 : (int)n;
    } else {
        if (n < 0)
            return false;
        *(uint32_t *)field = (uint32_t)n;
    }
    return true;
}

static bool set(const struct row *r, const struct vici_item *it, struct args *a)
{
    void *field = (char *)a + r->offset;
    char text[NUMBER_MAX];

    switch (r->kind) {
    case KIND_NAME:
        return vici_item_text(it, field, CONF_NAME_MAX);
    case KIND_PRESENT:
        *(bool *)field = true;
        return true;
    case KIND_FLAG:
        if (!vici_item_text(it, text, sizeof(text)))
            return false;
        *(bool *)field = args_bool(text);
        return true;
    case KIND_ID:
    case KIND_LEVEL:
    case KIND_TIMEOUT:
        return vici_item_text(it, text, sizeof(text)) && set_number(field, r->kind, text);
    }
    return false;
}

bool args_read(struct rd message, struct args *ret, char *error, size_t size)
{
    struct vici_walk w = vici_walk_of(message);
    struct args a = {.level = 1};
    struct vici_item it;

    while (vici_walk_next(&w, &it) != VICI_END) {
        if (it.type != VICI_KEY_VALUE || w.depth > 0)
            continue;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
            if (vici_item_is(&it, rows[i].key) && !set(&rows[i], &it, &a)) {
                (void)str_format(error, size, "invalid value of '%s'", rows[i].key);
                return false;
            }
    }
    *ret = a;
    return true;
}

const char *args_ike(const struct args *a)
{
    return a->ike[0] ? a->ike : NULL;
}

const char *args_child(const struct args *a)
{
    return a->child[0] ? a->child : NULL;
}

bool args_item(struct rd message, const char *key, struct vici_item *ret)
{
    struct vici_walk w = vici_walk_of(message);

    while (vici_walk_next(&w, ret) != VICI_END)
        if (ret->type == VICI_KEY_VALUE && w.depth == 0 && vici_item_is(ret, key))
            return true;
    return false;
}

int args_text(struct rd message, const char *key, char *buf, size_t size)
{
    struct vici_item it;

    if (!args_item(message, key, &it))
        return 0;
    return vici_item_text(&it, buf, size) ? 1 : -EINVAL;
}
