#include "engine/control/load_conn_values.h"

#include "base/array.h"
#include "base/parse.h"
#include "base/str.h"
#include "engine/crypto/sign.h"
#include "engine/wire/ikev2.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

int load_bool(const char *text, bool *ret)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {
        {"yes", true}, {"true", true},   {"enabled", true},   {"1", true},
        {"no", false}, {"false", false}, {"disabled", false}, {"0", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasecmp(text, words[i].word) == 0) {
            *ret = words[i].value;
            return 0;
        }
    return -EINVAL;
}

struct unit {
    char letter;
    uint64_t factor;
};

/* A number and one letter of UNITS, or none, which means 1, blanks between. */
static int load_scaled(const char *text, const struct unit *units, size_t count, uint64_t max, uint64_t *ret)
{
    size_t len = strspn(text, "0123456789");
    const char *rest = &text[len];
    char digits[24];
    uint64_t v, factor = 1;

    if (len >= sizeof(digits))
        return -EINVAL;
    memcpy(digits, text, len);
    digits[len] = '\0';
    if (parse_u64(digits, max, &v) < 0)
        return -EINVAL;
    rest += strspn(rest, " ");
    if (*rest != '\0') {
        size_t i = 0;

        while (i < count && (*rest | 0x20) != units[i].letter)
            i++;
        if (i == count || rest[1] != '\0')
            return -EINVAL;
        factor = units[i].factor;
    }
    if (v > max / factor)
        return -EINVAL;
    *ret = v * factor;
    return 0;
}

int load_time(const char *text, usec_t *ret)
{
    static const struct unit units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    uint64_t seconds;

    if (load_scaled(text, units, ARRAY_LEN(units), UINT32_MAX, &seconds) < 0)
        return -EINVAL;
    *ret = seconds * USEC_PER_SEC;
    return 0;
}

int load_bytes(const char *text, uint64_t *ret)
{
    static const struct unit units[] = {{'k', 1 << 10}, {'m', 1 << 20}, {'g', 1 << 30}};

    return load_scaled(text, units, ARRAY_LEN(units), UINT64_MAX >> 8, ret);
}

/* The next word of *TEXT, which ends at SEPARATOR, into BUF; *TEXT is NULL behind the last one. */
static bool next_word(const char **text, char separator, char *buf, size_t size)
{
    const char *end = strchrnul(*text, separator);
    size_t len = (size_t)(end - *text);

    if (len >= size)
        return false;
    memcpy(buf, *text, len);
    buf[len] = '\0';
    *text = *end == '\0' ? NULL : end + 1;
    return true;
}

int load_action(const char *text, unsigned *ret)
{
    static const struct {
        const char *word;
        unsigned bits;
    } words[] = {
        {"none", 0},
        {"clear", 0},
        {"trap", CONF_ACTION_TRAP},
        {"route", CONF_ACTION_TRAP},
        {"hold", CONF_ACTION_TRAP},
        {"start", CONF_ACTION_START},
        {"restart", CONF_ACTION_START},
    };
    unsigned bits = 0;
    char word[16];

    while (text) {
        size_t i = 0;

        if (!next_word(&text, '|', word, sizeof(word)))
            return -EINVAL;
        while (i < ARRAY_LEN(words) && strcasecmp(word, words[i].word) != 0)
            i++;
        if (i == ARRAY_LEN(words))
            return -EINVAL;
        bits |= words[i].bits;
    }
    *ret = bits;
    return 0;
}

/* Authentication ------------------------------------------------------------------------------------------------ */

static const struct {
    const char *word;
    unsigned keys;
} key_words[] = {
    {"pubkey", 0},
    {"rsa", CONF_KEY(PKEY_RSA)},
    {"ecdsa", CONF_KEY(PKEY_ECDSA)},
    {"ed25519", CONF_KEY(PKEY_ED25519)},
};

static const struct {
    const char *word;
    unsigned hash;
} hash_words[] = {
    {"sha256", SIGN_HASH(HASH_SHA2_256)},
    {"sha384", SIGN_HASH(HASH_SHA2_384)},
    {"sha512", SIGN_HASH(HASH_SHA2_512)},
    {"identity", SIGN_HASH(HASH_IDENTITY)},
};

static int load_key_word(const char *word, struct conf_side *s)
{
    for (size_t i = 0; i < ARRAY_LEN(key_words); i++)
        if (strcmp(word, key_words[i].word) == 0) {
            s->keys = key_words[i].keys;
            return 0;
        }
    return -ENOTSUP; /* "ed448", "rsa/pss", EAP and so on */
}

/* A hash, or the least size of a key of one kind. */
static int load_constraint(const char *word, struct conf_side *s)
{
    uint32_t bits;

    for (size_t i = 0; i < ARRAY_LEN(hash_words); i++)
        if (strcmp(word, hash_words[i].word) == 0) {
            s->hashes |= hash_words[i].hash;
            return 0;
        }
    if (parse_u32(word, PKEY_RSA_BITS_MAX, &bits) < 0)
        return -ENOTSUP; /* "sha1", a second kind of key */
    if (s->keys == 0 || s->key_bits != 0 || s->hashes != 0 || bits == 0)
        return -EINVAL;
    s->key_bits = bits;
    return 0;
}

/* Of several kinds of keys in one value each has hashes of its own: that is refused rather than taken too widely. */
int load_auth(const char *text, struct conf_side *ret)
{
    struct conf_side s = *ret;
    char word[64];
    int r;

    s.auth = strcasecmp(text, "psk") == 0 ? CONF_AUTH_PSK : CONF_AUTH_PUBKEY;
    s.hashes = s.keys = s.key_bits = 0;
    if (s.auth == CONF_AUTH_PUBKEY) {
        if (str_starts(text, "ike:"))
            text += strlen("ike:");
        r = next_word(&text, '-', word, sizeof(word)) ? load_key_word(word, &s) : -EINVAL;
        while (r == 0 && text)
            r = next_word(&text, '-', word, sizeof(word)) ? load_constraint(word, &s) : -EINVAL;
        if (r < 0)
            return r;
    }
    *ret = s;
    return 0;
}

/* Addresses ----------------------------------------------------------------------------------------------------- */

int load_network(const char *text, struct addr *ret, uint8_t *ret_bits)
{
    char host[INET6_ADDRSTRLEN];
    struct addr a;
    uint32_t bits;

    if (!next_word(&text, '/', host, sizeof(host)) || addr_parse(host, &a) < 0)
        return -EINVAL;
    bits = addr_family(&a) == AF_INET6 ? 128 : 32;
    if (text && parse_u32(text, bits, &bits) < 0)
        return -EINVAL;
    *ret = a;
    *ret_bits = (uint8_t)bits;
    return 0;
}

/* Names would have to be resolved, and of ranges the engine knows networks only. */
int load_outside(const char *text, struct conf_addr *ret)
{
    static const struct {
        const char *word;
        int family;
    } any[] = {
        {"%any", AF_UNSPEC}, {"%any4", AF_INET}, {"%any6", AF_INET6}, {"0.0.0.0", AF_INET}, {"::", AF_INET6},
    };
    struct conf_addr a = {.bits = 0};

    for (size_t i = 0; i < ARRAY_LEN(any); i++)
        if (strcasecmp(text, any[i].word) == 0) {
            a.addr = addr_any(any[i].family);
            *ret = a;
            return 0;
        }
    if (load_network(text, &a.addr, &a.bits) < 0)
        return -ENOTSUP;
    *ret = a;
    return 0;
}
