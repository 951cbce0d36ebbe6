/*
 * Puts the fragments of one message together again (RFC 7383 2.6). Only fragments that verified under the IKE_SA's keys
 * come here, so that nobody outside can fill the memory or spoil a message; even so all is bounded.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAGMENTS_MAX       64    /* of one message */
#define FRAGMENTS_BYTES_MAX 65536 /* of one message, put together */

struct fragment {
    uint16_t number; /* 1 .. total */
    uint16_t total;
    uint8_t first_payload; /* of the whole message: in fragment 1 only, 0 in the others */
    const uint8_t *data;   /* decrypted, borrowed */
    size_t len;
};

/* Zeroed, it is empty. Holds fragments of one message at a time. */
struct fragments {
    bool active;
    uint32_t message_id;
    uint16_t total;
    uint16_t have;
    uint8_t first_payload;
    size_t bytes;
    uint8_t *data[FRAGMENTS_MAX]; /* owned, by number - 1 */
    size_t len[FRAGMENTS_MAX];
};

/*
 * Takes a copy of F. 1 where the message is complete: *RET and *RET_LEN are its payload chain, the caller's to wipe and
 * free, *RET_FIRST its first payload, and FS is empty. 0 where more are missing, or F was there already. -EBADMSG where
 * F contradicts itself or the others, -ENOSPC over a maximum; then all is kept as it was. -ENOMEM.
 */
int fragments_add(struct fragments *fs, uint32_t message_id, const struct fragment *f, uint8_t *ret_first,
                  uint8_t **ret, size_t *ret_len);

void fragments_clear(struct fragments *fs); /* wipes */
