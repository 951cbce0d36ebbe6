/* HMAC with a key that stays in its context. For the files of this folder. */
#pragma once

#include "engine/crypto/alg.h"

#include <openssl/evp.h>

/* ALG is an integrity algorithm or a PRF. NULL where there is no memory. EVP_MAC_CTX_free() wipes the key. */
EVP_MAC_CTX *hmac_new(const struct alg *alg, const uint8_t *key, size_t key_len);
