/* Datagrams that wait to be sent, a ring: where it is full the oldest is dropped, as the network might. */
#pragma once

#include "engine/ike/engine.h"
#include "engine/ike/packets.h"

struct output_item {
    struct addr local, remote;
    bool natt;
    bool keepalive;
    uint8_t *data; /* owned; NULL for a keepalive */
    size_t len;
};

struct output {
    struct output_item items[ENGINE_OUTPUT_MAX];
    size_t first, n;
    uint8_t *given; /* owned: what output_next() gave last */
};

void output_add(struct output *o, const struct addr *local, const struct addr *remote, bool natt,
                const struct packets *ps); /* copies; what finds no memory is lost */
void output_keepalive(struct output *o, const struct addr *local, const struct addr *remote);
bool output_next(struct output *o, struct engine_output *ret); /* valid until the next call of anything here */
void output_done(struct output *o);
