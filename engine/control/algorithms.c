#include "base/array.h"
#include "base/str.h"
#include "engine/control/commands.h"
#include "engine/control/control_private.h"
#include "engine/crypto/alg.h"

#define FROM "openssl" /* where charon names its plugin */

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

void algorithms_run(struct call *c)
{
    static const char *const hashes[] = {"HASH_SHA1", "HASH_SHA2_256", "HASH_SHA2_384", "HASH_SHA2_512"};

    put_kind(c, "encryption", ALG_ENCR, false);
    put_kind(c, "integrity", ALG_INTEG, false);
    put_kind(c, "aead", ALG_ENCR, true);
    vici_put_section(c->reply, "hasher");
    for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
        vici_put_value(c->reply, hashes[i], FROM);
    vici_put_section_end(c->reply);
    put_kind(c, "prf", ALG_PRF, false);
    put_kind(c, "dh", ALG_DH, false);
}
