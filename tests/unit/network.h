/* Networks written as text, for the tests of engine/io. */
#pragma once

#include "engine/io/route.h"

#include <assert.h>

static inline struct network network_of(const char *text, uint8_t bits)
{
    struct network n = {.bits = bits};
    int r = addr_parse(text, &n.addr);

    assert(r == 0);
    (void)r;
    return n;
}
