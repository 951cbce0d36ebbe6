/*
 * The bounded writer over a caller's buffer. The error is sticky: what does not fit is not written, and wr_len() tells
 * 0 from then on. Lengths that are known only later are reserved and patched.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr {
    uint8_t *start; /* borrowed */
    uint8_t *p;
    uint8_t *end;
    bool bad;
};

struct wr wr_of(void *buf, size_t size);

void wr_u8(struct wr *w, uint8_t v);
void wr_be16(struct wr *w, uint16_t v);
void wr_be32(struct wr *w, uint32_t v);
void wr_be64(struct wr *w, uint64_t v);
void wr_bytes(struct wr *w, const void *data, size_t len);
void wr_zero(struct wr *w, size_t len);

/* Reserves LEN bytes and returns their offset for wr_patch_*(). */
size_t wr_reserve(struct wr *w, size_t len);
void wr_patch_be16(struct wr *w, size_t at, uint16_t v);
void wr_patch_be32(struct wr *w, size_t at, uint32_t v);
void wr_patch_u8(struct wr *w, size_t at, uint8_t v);

bool wr_ok(const struct wr *w);
size_t wr_len(const struct wr *w); /* bytes written; 0 where bad */
