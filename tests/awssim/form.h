/* A form body (application/x-www-form-urlencoded), decoded into names and values in the order of the body. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define FORM_PARAMS_MAX 64
#define FORM_BODY_MAX   65536

struct form_param {
    const char *name; /* both in FORM's text */
    const char *value;
};

struct form {
    char *text; /* owned */
    struct form_param params[FORM_PARAMS_MAX];
    size_t n;
};

/* -EINVAL where the encoding is broken, -E2BIG over FORM_PARAMS_MAX, -ENOMEM. */
int form_parse(const char *body, struct form *ret);
void form_done(struct form *f);

/* NULL where it is not there. */
const char *form_get(const struct form *f, const char *name);

/* Whether NAME is "PREFIX." and a number, as in a list: "VpnConnectionId.1". */
bool form_is_item(const char *name, const char *prefix);
