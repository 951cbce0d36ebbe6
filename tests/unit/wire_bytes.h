/* The body of a payload written as hexadecimal digits, in memory of just its size for the sanitizer. */
#pragma once

#include "engine/wire/chain.h"
#include "tests/unit/hex.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX 4096

/* Valid until the next call. */
static inline const struct payload *body(enum ike_payload type, const char *hex)
{
    static struct payload p;
    static uint8_t *made;
    uint8_t buf[BODY_MAX];
    size_t len = unhex(hex, buf, sizeof(buf));

    free(made);
    made = malloc(len + !len);
    assert(made);
    memcpy(made, buf, len);
    p = (struct payload){.type = (uint8_t)type, .body = made, .len = len};
    return &p;
}
