/* The chain of payloads of a message, plain or decrypted, taken apart and put together (RFC 7296 3.2). */
#pragma once

#include "base/writer.h"
#include "engine/wire/ikev2.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHAIN_PAYLOADS_MAX 96
#define CHAIN_BYTES_MAX    65000 /* of a chain that we write */
#define PAYLOAD_HEADER_LEN 4

/* One payload; borrowed from the message. */
struct payload {
    uint8_t type; /* enum ike_payload, or another number */
    bool critical;
    const uint8_t *body; /* behind the generic header */
    size_t len;
};

struct chain {
    size_t n;
    struct payload p[CHAIN_PAYLOADS_MAX];
    uint8_t inner; /* of a chain that ends with SK or SKF: the type of the first payload inside */
};

/*
 * Payload FIRST at DATA and those that follow. SK and SKF end a chain whatever follows inside them. -EBADMSG where a
 * length is wrong or bytes are left over, -ENOSPC over CHAIN_PAYLOADS_MAX; *RET is untouched then.
 */
int chain_read(uint8_t first, const void *data, size_t len, struct chain *ret);

bool chain_is_sealed(const struct chain *c); /* it ends with SK or SKF */

/* The payload of TYPE behind AFTER (NULL: the first one); NULL where there is none. */
const struct payload *chain_find(const struct chain *c, enum ike_payload type, const struct payload *after);

/* Writes a chain. Zeroed FIRST means empty. */
struct chain_writer {
    struct wr w;
    uint8_t first;  /* type of the first payload; PAYLOAD_NONE where the chain is empty */
    size_t next_at; /* offset of the field that names the next payload */
    size_t start;   /* offset of the payload that is open */
};

struct chain_writer chain_writer_of(void *buf, size_t size);

/* Opens a payload, never critical (RFC 7296 2.5: all of ours are known); its body is written to cw->w; then it is
 * closed. */
void chain_open(struct chain_writer *cw, enum ike_payload type);
void chain_close(struct chain_writer *cw);
bool chain_ok(const struct chain_writer *cw);
