#include "engine/ike/transforms.h"

#include "engine/wire/ikev2.h"

#include <errno.h>

const enum alg_type transform_types[TRANSFORM_TYPES] = {ALG_ENCR, ALG_INTEG, ALG_PRF, ALG_DH, ALG_ESN};

bool transform_fits(uint8_t protocol, uint8_t type)
{
    switch ((enum alg_type)type) {
    case ALG_ENCR:
    case ALG_INTEG:
    case ALG_DH:
        return true;
    case ALG_PRF:
        return protocol == PROTO_IKE;
    case ALG_ESN:
        return protocol == PROTO_ESP;
    }
    return false;
}

const struct alg *transform_alg(const struct transform *t)
{
    return alg_find((enum alg_type)t->type, t->id, t->key_bits);
}

const struct transform *transforms_next(const struct proposal *p, enum alg_type type, size_t *pos)
{
    while (*pos < p->n_transforms) {
        const struct transform *t = &p->transforms[(*pos)++];

        if (t->type == type)
            return t;
    }
    return NULL;
}

bool transforms_have_type(const struct proposal *p, enum alg_type type)
{
    size_t pos = 0;

    return transforms_next(p, type, &pos) != NULL;
}

static bool same(const struct transform *a, const struct transform *b)
{
    return a->type == b->type && a->id == b->id && a->key_bits == b->key_bits;
}

bool transforms_have(const struct proposal *p, const struct transform *t)
{
    for (size_t i = 0; i < p->n_transforms; i++)
        if (same(&p->transforms[i], t))
            return true;
    return false;
}

int transforms_add(struct proposal *p, struct transform t)
{
    if (transforms_have(p, &t))
        return 0;
    if (p->n_transforms == TRANSFORMS_MAX)
        return -ENOSPC;
    p->transforms[p->n_transforms++] = t;
    return 0;
}

void transforms_remove_type(struct proposal *p, enum alg_type type)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_transforms; i++)
        if (p->transforms[i].type != type)
            p->transforms[n++] = p->transforms[i];
    p->n_transforms = n;
}
