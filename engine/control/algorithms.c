#include "base/array.h"
#include "base/str.h"
#include "engine/control/commands.h"
#include "engine/control/control_private.h"
#include "engine/crypto/alg.h"

#define FROM "openssl" /* where charon names its plugin: who makes it */

/* Each name once: key lengths of one cipher stand next to each other in the table. */
static void put_kind(struct call *c, const char *section, enum alg_type type, bool aead)
{
    const struct alg *a;
    const char *last = NULL;
    size_t pos = 0;

    vici_put_section(c->reply, section);
    while ((a = alg_next(&pos))) {
        if (a->type != type || a->aead != aead || (a->legacy && !c->control->config.allow_legacy) ||
            str_eq(a->name, last))
            continue;
        vici_put_value(c->reply, a->name, FROM);
        last = a->name;
    }
    vici_put_section_end(c->reply);
}

struct row {
    const char *section, *from;
    const char *names[5];
};

static const struct row hashes = {
    "hasher", FROM, {"HASH_SHA1", "HASH_SHA2_256", "HASH_SHA2_384", "HASH_SHA2_512", "HASH_IDENTITY"}};
static const struct row between[] = {
    {"xof", FROM, {NULL}},
    {"kdf", "engine", {"KDF_PRF", "KDF_PRF_PLUS"}},
    {"drbg", FROM, {NULL}},
};
static const struct row last[] = {
    {"rng", "kernel", {"RNG_WEAK", "RNG_STRONG", "RNG_TRUE"}},
    {"nonce-gen", "kernel", {"NONCE_GEN"}},
};

static void put_row(struct call *c, const struct row *r)
{
    vici_put_section(c->reply, r->section);
    for (size_t i = 0; i < ARRAY_LEN(r->names) && r->names[i]; i++)
        vici_put_value(c->reply, r->names[i], r->from);
    vici_put_section_end(c->reply);
}

/* In charon's order. The engine uses no SHAKE and no DRBG of its own; HASH_IDENTITY is EdDSA's (RFC 8420). */
void algorithms_run(struct call *c)
{
    put_kind(c, "encryption", ALG_ENCR, false);
    put_kind(c, "integrity", ALG_INTEG, false);
    put_kind(c, "aead", ALG_ENCR, true);
    put_row(c, &hashes);
    put_kind(c, "prf", ALG_PRF, false);
    for (size_t i = 0; i < ARRAY_LEN(between); i++)
        put_row(c, &between[i]);
    put_kind(c, "dh", ALG_DH, false);
    for (size_t i = 0; i < ARRAY_LEN(last); i++)
        put_row(c, &last[i]);
}
