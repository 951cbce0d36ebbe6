/* Randomness from the kernel. Protocol and policy code takes it through a table or an argument instead. */
#pragma once

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *buf, size_t len); /* getrandom(); aborts where the kernel cannot (a bug of the host) */
uint64_t random_u64(void);
uint64_t random_below(uint64_t bound); /* 0..bound-1, without bias; BOUND > 0 */

/* A lower-case UUID (RFC 9562 version 4). BUF holds 37 bytes. */
void random_uuid(char buf[static 37]);
