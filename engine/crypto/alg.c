#include "engine/crypto/alg.h"

#include "base/array.h"

#include <string.h>

#define AES(ID, BITS, NAME, KEYWORD)                                                                                   \
    .type = ALG_ENCR, .id = (ID), .key_bits = (BITS), .name = (NAME), .keyword = (KEYWORD), .key_len = (BITS) / 8
#define INTEG(ID, NAME, KEYWORD, KEY, ICV)                                                                             \
    {                                                                                                                  \
        .type = ALG_INTEG, .id = (ID), .name = (NAME), .keyword = (KEYWORD), .key_len = (KEY), .icv_len = (ICV)        \
    }
#define PRF(ID, NAME, KEYWORD, LEN)                                                                                    \
    {                                                                                                                  \
        .type = ALG_PRF, .id = (ID), .name = (NAME), .keyword = (KEYWORD), .key_len = (LEN), .out_len = (LEN)          \
    }
#define DH(ID, NAME, KEYWORD)                                                                                          \
    {                                                                                                                  \
        .type = ALG_DH, .id = (ID), .name = (NAME), .keyword = (KEYWORD)                                               \
    }

static const struct alg algs[] = {
    {AES(12, 128, "AES_CBC", "aes128"), .block = 16, .iv_len = 16}, /* RFC 3602 */
    {AES(12, 256, "AES_CBC", "aes256"), .block = 16, .iv_len = 16},
    {AES(20, 128, "AES_GCM_16", "aes128gcm16"), .aead = true, .salt_len = 4, .block = 1, .iv_len = 8, .icv_len = 16},
    {AES(20, 256, "AES_GCM_16", "aes256gcm16"), .aead = true, .salt_len = 4, .block = 1, .iv_len = 8, .icv_len = 16},
    /* RFC 7634 5: the Key Length attribute is not sent. */
    {.type = ALG_ENCR,
     .id = 28,
     .name = "CHACHA20_POLY1305",
     .keyword = "chacha20poly1305",
     .key_len = 32,
     .aead = true,
     .salt_len = 4,
     .block = 1,
     .iv_len = 8,
     .icv_len = 16},

    INTEG(2, "HMAC_SHA1_96", "sha1", 20, 12),         /* RFC 2404 */
    INTEG(12, "HMAC_SHA2_256_128", "sha256", 32, 16), /* RFC 4868 */
    INTEG(13, "HMAC_SHA2_384_192", "sha384", 48, 24),
    INTEG(14, "HMAC_SHA2_512_256", "sha512", 64, 32),

    PRF(2, "PRF_HMAC_SHA1", "prfsha1", 20),
    PRF(5, "PRF_HMAC_SHA2_256", "prfsha256", 32),
    PRF(6, "PRF_HMAC_SHA2_384", "prfsha384", 48),
    PRF(7, "PRF_HMAC_SHA2_512", "prfsha512", 64),

    {.type = ALG_DH, .id = 2, .name = "MODP_1024", .keyword = "modp1024", .legacy = true},
    {.type = ALG_DH, .id = 5, .name = "MODP_1536", .keyword = "modp1536", .legacy = true},
    DH(14, "MODP_2048", "modp2048"), /* RFC 3526 */
    DH(15, "MODP_3072", "modp3072"),
    DH(16, "MODP_4096", "modp4096"),
    DH(17, "MODP_6144", "modp6144"),
    DH(18, "MODP_8192", "modp8192"),
    DH(19, "ECP_256", "ecp256"), /* RFC 5903 */
    DH(20, "ECP_384", "ecp384"),
    DH(21, "ECP_521", "ecp521"),
    DH(22, "MODP_1024_160", "modp1024s160"), /* RFC 5114 */
    DH(23, "MODP_2048_224", "modp2048s224"),
    DH(24, "MODP_2048_256", "modp2048s256"),
    DH(31, "CURVE_25519", "curve25519"), /* RFC 8031 */
    DH(32, "CURVE_448", "curve448"),

    {.type = ALG_ESN, .id = 0, .name = "NO_EXT_SEQ", .keyword = "noesn"},
    {.type = ALG_ESN, .id = 1, .name = "EXT_SEQ", .keyword = "esn"},
};

/* Other words that strongSwan takes for the same. */
static const struct {
    enum alg_type type;
    const char *alias;
    const char *keyword;
} aliases[] = {
    {ALG_ENCR, "aes", "aes128"},
    {ALG_ENCR, "aes128gcm128", "aes128gcm16"},
    {ALG_ENCR, "aes256gcm128", "aes256gcm16"},
    {ALG_INTEG, "sha", "sha1"},
    {ALG_INTEG, "sha2_256", "sha256"},
    {ALG_INTEG, "sha2_384", "sha384"},
    {ALG_INTEG, "sha2_512", "sha512"},
    {ALG_PRF, "sha", "prfsha1"},
    {ALG_PRF, "sha1", "prfsha1"},
    {ALG_PRF, "sha256", "prfsha256"},
    {ALG_PRF, "sha2_256", "prfsha256"},
    {ALG_PRF, "sha384", "prfsha384"},
    {ALG_PRF, "sha2_384", "prfsha384"},
    {ALG_PRF, "sha512", "prfsha512"},
    {ALG_PRF, "sha2_512", "prfsha512"},
    {ALG_DH, "x25519", "curve25519"},
    {ALG_DH, "x448", "curve448"},
};

const struct alg *alg_find(enum alg_type type, uint16_t id, uint16_t key_bits)
{
    for (size_t i = 0; i < ARRAY_LEN(algs); i++)
        if (algs[i].type == type && algs[i].id == id && algs[i].key_bits == key_bits)
            return &algs[i];
    return NULL;
}

const struct alg *alg_by_keyword(enum alg_type type, const char *keyword)
{
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
        if (aliases[i].type == type && strcmp(aliases[i].alias, keyword) == 0)
            keyword = aliases[i].keyword;
    for (size_t i = 0; i < ARRAY_LEN(algs); i++)
        if (algs[i].type == type && strcmp(algs[i].keyword, keyword) == 0)
            return &algs[i];
    return NULL;
}

const struct alg *alg_next(size_t *pos)
{
    return *pos < ARRAY_LEN(algs) ? &algs[(*pos)++] : NULL;
}
