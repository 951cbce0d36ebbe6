/* A plain hash, where IKEv2 wants one that hides nothing (RFC 7296 2.23). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HASH_SHA1_LEN 20

void hash_sha1(const void *data, size_t len, uint8_t ret[static HASH_SHA1_LEN]);
