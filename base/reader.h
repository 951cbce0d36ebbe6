/*
 * The bounded reader: the only way that bytes from a network, a socket or a file are taken apart.
 * The error is sticky: after the first short read every getter returns 0 or NULL and the reader stays bad, so callers
 * check once, at the end, with rd_done(). A sub-reader cannot leave its parent. No allocation, no copies.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rd {
    const uint8_t *p; /* borrowed */
    const uint8_t *end;
    bool bad;
};

/* A reader over LEN bytes at DATA, which must outlive it. */
struct rd rd_of(const void *data, size_t len);

uint8_t rd_u8(struct rd *r);
uint16_t rd_be16(struct rd *r);
uint32_t rd_be32(struct rd *r);
uint64_t rd_be64(struct rd *r);

/* The next LEN bytes, or NULL where fewer are left. With LEN 0 the pointer is not NULL while the reader is good. */
const uint8_t *rd_take(struct rd *r, size_t len);

/* A reader over the next LEN bytes, which R skips. Bad where R is bad or too short. */
struct rd rd_sub(struct rd *r, size_t len);

/* All that is left, as a pointer and *RET_LEN. */
const uint8_t *rd_rest(struct rd *r, size_t *ret_len);

/* Copies the next LEN bytes to DST; DST is untouched where fewer are left. */
bool rd_copy(struct rd *r, void *dst, size_t len);

void rd_skip(struct rd *r, size_t len);
void rd_fail(struct rd *r); /* marks R bad: the caller found a value that cannot be */

size_t rd_left(const struct rd *r); /* 0 where bad */
bool rd_ok(const struct rd *r);
bool rd_done(const struct rd *r); /* good and consumed exactly */
