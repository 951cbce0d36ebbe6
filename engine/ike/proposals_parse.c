#include "base/array.h"
#include "base/str.h"
#include "engine/ike/proposals.h"
#include "engine/ike/transforms.h"
#include "engine/wire/ikev2.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/*
 * Narrow on purpose: AWS takes the lowest value that both sides have, whatever the order, so what is not wanted must
 * not be offered. No SHA-1 and no group below 2048 bits: who needs them names them. AEAD stands first; it and CBC
 * cannot share a proposal (RFC 7296 3.3).
 */
static const char *const defaults_ike[] = {
    "aes128gcm16-aes256gcm16-prfsha256-prfsha384-ecp256-ecp384-modp2048",
    "aes128-aes256-sha256-sha384-ecp256-ecp384-modp2048",
};
static const char *const defaults_esp[] = {
    "aes128gcm16-aes256gcm16-noesn",
    "aes128-aes256-sha256-sha384-noesn",
};

static int add_alg(struct proposal *p, const struct alg *a)
{
    return transforms_add(p, (struct transform){.type = (uint8_t)a->type, .id = a->id, .key_bits = a->key_bits});
}

/* "sha256" names an integrity algorithm and a PRF: it is the former, which comes first in transform_types. */
static const struct alg *alg_of_word(const char *word)
{
    for (size_t i = 0; i < TRANSFORM_TYPES; i++) {
        const struct alg *a = alg_by_keyword(transform_types[i], word);

        if (a)
            return a;
    }
    return NULL;
}

static int add_word(struct proposal *p, const char *word, bool legacy, char *error, size_t size)
{
    const struct alg *a = alg_of_word(word);

    if (str_eq(word, "modpnone")) /* as in strongSwan: or no key exchange; IKE always has one */
        return p->protocol == PROTO_IKE ? 0 : transforms_add(p, (struct transform){.type = ALG_DH});
    if (!a) {
        (void)str_format(error, size, "'%s' is not an algorithm of this engine", word);
        return -EINVAL;
    }
    if (a->legacy && !legacy) {
        (void)str_format(error, size, "'%s' is weak and needs allow-legacy", word);
        return -EINVAL;
    }
    if (a->type == ALG_PRF && p->protocol != PROTO_IKE)
        return 0; /* as charon */
    if (!transform_fits(p->protocol, (uint8_t)a->type)) {
        (void)str_format(error, size, "'%s' has no meaning in a proposal of IKE", word);
        return -EINVAL;
    }
    return add_alg(p, a);
}

static int add_words(struct proposal *p, const char *text, bool legacy, char *error, size_t size)
{
    while (true) {
        size_t len = strcspn(text, "-");
        char word[32];
        int r;

        if (len == 0 || len >= sizeof(word)) {
            (void)str_format(error, size, "a word of the proposal is %s", len == 0 ? "missing" : "too long");
            return -EINVAL;
        }
        memcpy(word, text, len);
        word[len] = '\0';
        r = add_word(p, word, legacy, error, size);
        if (r < 0)
            return r;
        if (text[len] == '\0')
            return 0;
        text += len + 1;
    }
}

/* Without a PRF that is named, those of the integrity algorithms' hashes, as charon does. */
static int add_prfs(struct proposal *p)
{
    size_t pos = 0;
    const struct transform *t;

    while ((t = transforms_next(p, ALG_INTEG, &pos))) {
        const struct alg *integ = transform_alg(t);
        int r = add_alg(p, alg_by_keyword(ALG_PRF, integ->keyword));

        if (r < 0)
            return r;
    }
    return 0;
}

static size_t count_ciphers(const struct proposal *p, bool aead)
{
    size_t n = 0, pos = 0;
    const struct transform *t;

    while ((t = transforms_next(p, ALG_ENCR, &pos)))
        n += transform_alg(t)->aead == aead;
    return n;
}

/* What is missing or does not go together (RFC 7296 3.3, 3.3.3); NULL: nothing. */
static const char *fault_of(const struct proposal *p)
{
    size_t aead = count_ciphers(p, true), classic = count_ciphers(p, false);

    if (aead + classic == 0)
        return "the proposal has no encryption algorithm";
    if (aead > 0 && classic > 0)
        return "AEAD and other encryption algorithms cannot share a proposal";
    if (classic > 0 && !transforms_have_type(p, ALG_INTEG))
        return "the proposal has no integrity algorithm";
    if (p->protocol == PROTO_IKE && !transforms_have_type(p, ALG_PRF))
        return "the proposal has no PRF";
    if (p->protocol == PROTO_IKE && !transforms_have_type(p, ALG_DH))
        return "the proposal has no key exchange group";
    return NULL;
}

static int complete(struct proposal *p, char *error, size_t size)
{
    const char *fault;
    int r = 0;

    if (p->protocol == PROTO_IKE && !transforms_have_type(p, ALG_PRF))
        r = add_prfs(p);
    if (r == 0 && p->protocol == PROTO_ESP && !transforms_have_type(p, ALG_ESN))
        r = transforms_add(p, (struct transform){.type = ALG_ESN});
    if (r < 0)
        return r;
    fault = fault_of(p);
    if (fault) {
        (void)str_copy(error, size, fault);
        return -EINVAL;
    }
    if (count_ciphers(p, true) > 0)
        transforms_remove_type(p, ALG_INTEG);
    return 0;
}

static int parse_one(uint8_t protocol, const char *text, bool legacy, struct proposals *ps, char *error, size_t size)
{
    struct proposal p = {.protocol = protocol};
    int r = ps->n < PROPOSALS_MAX ? add_words(&p, text, legacy, error, size) : -ENOSPC;

    if (r == 0)
        r = complete(&p, error, size);
    if (r == -ENOSPC)
        (void)str_format(error, size, "there are too many proposals or algorithms in one");
    if (r < 0)
        return r;
    p.number = (uint8_t)(ps->n + 1);
    ps->p[ps->n++] = p;
    return 0;
}

int proposals_parse(uint8_t protocol, const char *text, bool legacy, struct proposals *ps, char *error, size_t size)
{
    const char *const *defaults = protocol == PROTO_IKE ? defaults_ike : defaults_esp;
    size_t n = ps->n;

    assert(protocol == PROTO_IKE || protocol == PROTO_ESP);
    if (strcmp(text, "default") != 0)
        return parse_one(protocol, text, legacy, ps, error, size);
    for (size_t i = 0; i < ARRAY_LEN(defaults_ike); i++) {
        int r = parse_one(protocol, defaults[i], false, ps, error, size);

        if (r < 0) {
            ps->n = n;
            return r;
        }
    }
    return 0;
}

void proposals_default(uint8_t protocol, struct proposals *ret)
{
    char error[128];
    int r;

    ret->n = 0;
    r = proposals_parse(protocol, "default", false, ret, error, sizeof(error));
    assert(r == 0);
    (void)r;
}
