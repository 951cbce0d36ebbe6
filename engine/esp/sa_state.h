/* Private to engine/esp and its tests: the inside of an ESP SA. */
#pragma once

#include "engine/esp/sa.h"

struct esp_sa {
    uint32_t spi;
    bool esn;
    struct seal *seal;    /* owned */
    uint64_t sent;        /* outbound: the last number that was used */
    struct replay replay; /* inbound */
    struct esp_counters counters;
};
