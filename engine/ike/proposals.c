#include "engine/ike/proposals.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "engine/ike/transforms.h"
#include "engine/wire/ikev2.h"

#include <assert.h>
#include <string.h>

/* Whether P may do without a transform of TYPE: it has none, or one that says so. Without ESN means 32-bit numbers. */
static bool may_lack(const struct proposal *p, enum alg_type type)
{
    return !transforms_have_type(p, type) || transforms_have(p, &(struct transform){.type = (uint8_t)type});
}

void proposals_without_dh(const struct proposals *ps, struct proposals *ret)
{
    *ret = *ps;
    for (size_t i = 0; i < ret->n; i++)
        transforms_remove_type(&ret->p[i], ALG_DH);
}

void proposals_set_spi(struct proposals *ps, const void *spi, uint8_t len)
{
    assert(len <= sizeof(ps->p[0].spi));
    for (size_t i = 0; i < ps->n; i++) {
        ps->p[i].spi_len = len;
        memcpy(ps->p[i].spi, spi, len);
    }
}

static const struct alg **slot_of(struct suite *s, enum alg_type type)
{
    switch (type) {
    case ALG_ENCR:
        return &s->encr;
    case ALG_PRF:
        return &s->prf;
    case ALG_INTEG:
        return &s->integ;
    case ALG_DH:
        return &s->dh;
    case ALG_ESN:
        break;
    }
    return NULL;
}

static void take(struct suite *s, struct proposal *answer, const struct transform *t)
{
    const struct alg **slot = slot_of(s, (enum alg_type)t->type);

    if (slot)
        *slot = transform_alg(t);
    else
        s->esn = t->id == 1;
    if (t->id != 0 || t->type == ALG_ESN) /* NONE is not answered */
        answer->transforms[answer->n_transforms++] = *t;
}

/* One transform of TYPE that both have, in the order of OURS: within a proposal the peer's has no meaning. */
static bool choose_type(const struct proposal *peer, const struct proposal *ours, enum alg_type type,
                        const struct alg *only_dh, struct suite *s, struct proposal *answer)
{
    const struct transform *t;
    size_t pos = 0;

    while ((t = transforms_next(ours, type, &pos)))
        if (transforms_have(peer, t) && (type != ALG_DH || !only_dh || t->id == only_dh->id)) {
            take(s, answer, t);
            return true;
        }
    if (!may_lack(peer, type) || !may_lack(ours, type) || (type == ALG_DH && only_dh))
        return false;
    if (type == ALG_ESN && transforms_have_type(peer, type))
        take(s, answer, &(struct transform){.type = ALG_ESN});
    return true;
}

static bool choose(const struct proposal *peer, const struct proposal *ours, const struct alg *only_dh,
                   struct suite *ret_suite, struct proposal *ret)
{
    struct suite s = {0};
    struct proposal answer = {.number = peer->number, .protocol = peer->protocol};

    if (peer->protocol != ours->protocol)
        return false;
    for (size_t i = 0; i < peer->n_transforms; i++) /* RFC 7296 3.3.6: a type that is not known */
        if (!transform_fits(peer->protocol, peer->transforms[i].type))
            return false;
    for (size_t i = 0; i < TRANSFORM_TYPES; i++) {
        if (!transform_fits(peer->protocol, (uint8_t)transform_types[i]))
            continue;
        /* Integrity beside an AEAD: MUST NOT be offered (RFC 7296 3.3), but some do. */
        if (transform_types[i] == ALG_INTEG && s.encr->aead)
            continue;
        if (!choose_type(peer, ours, transform_types[i], only_dh, &s, &answer) || !s.encr)
            return false;
    }
    *ret_suite = s;
    *ret = answer;
    return true;
}

static bool choose_from(const struct proposals *peer, const struct proposals *ours, const struct alg *only_dh,
                        struct suite *ret_suite, struct proposal *ret_proposal)
{
    for (size_t i = 0; i < peer->n; i++)
        for (size_t k = 0; k < ours->n; k++)
            if (choose(&peer->p[i], &ours->p[k], only_dh, ret_suite, ret_proposal))
                return true;
    return false;
}

bool proposals_choose(const struct proposals *peer, const struct proposals *ours, const struct alg *prefer,
                      struct suite *ret_suite, struct proposal *ret_proposal)
{
    return (prefer && choose_from(peer, ours, prefer, ret_suite, ret_proposal)) ||
           choose_from(peer, ours, NULL, ret_suite, ret_proposal);
}

/* Whether ANSWER has at most one transform of each type. */
static bool is_choice(const struct proposal *answer)
{
    for (size_t i = 0; i < answer->n_transforms; i++)
        for (size_t k = 0; k < i; k++)
            if (answer->transforms[i].type == answer->transforms[k].type)
                return false;
    return true;
}

/*
 * An answer is a choice where choosing from it gives all of it. Its number must be that of the proposal it is from
 * (RFC 7296 3.3.1), but nothing hangs on that: what it holds is covered by AUTH.
 */
bool proposals_accept(const struct proposals *answer, const struct proposals *ours, struct suite *ret_suite)
{
    struct suite s;
    struct proposal p;

    if (answer->n != 1 || !is_choice(&answer->p[0]) || !choose_from(answer, ours, NULL, &s, &p))
        return false;
    for (size_t i = 0; i < answer->p[0].n_transforms; i++) {
        const struct transform *t = &answer->p[0].transforms[i];

        if (t->id != 0 && !transforms_have(&p, t))
            return false;
    }
    *ret_suite = s;
    return true;
}

const struct alg *proposals_first_dh(const struct proposals *ps)
{
    const struct transform *t;
    size_t pos = 0;

    while (ps->n > 0 && (t = transforms_next(&ps->p[0], ALG_DH, &pos)))
        if (transform_alg(t))
            return transform_alg(t);
    return NULL;
}

bool proposals_have_dh(const struct proposals *ps, uint16_t id)
{
    for (size_t i = 0; i < ps->n; i++)
        if (transforms_have(&ps->p[i], &(struct transform){.type = ALG_DH, .id = id}))
            return true;
    return false;
}

/* Text ---------------------------------------------------------------------------------------------------------- */

static void put_transform(struct strbuf *b, const struct transform *t)
{
    const struct alg *a = transform_alg(t);

    if (a)
        strbuf_puts(b, a->name);
    else if (t->id == 0)
        strbuf_puts(b, "NONE");
    else
        strbuf_printf(b, "UNKNOWN_%u_%u", t->type, t->id);
    if (t->key_bits != 0)
        strbuf_printf(b, "_%u", t->key_bits);
}

const char *proposal_text(const struct proposal *p, char buf[static PROPOSALS_TEXT_MAX])
{
    cleanup(strbuf_done) struct strbuf b;
    const struct transform *t;
    bool first = true;

    strbuf_init(&b, 8192);
    strbuf_puts(&b, p->protocol == PROTO_IKE ? "IKE:" : p->protocol == PROTO_ESP ? "ESP:" : "AH:");
    for (size_t i = 0; i < TRANSFORM_TYPES; i++) {
        size_t pos = 0;

        while ((t = transforms_next(p, transform_types[i], &pos))) {
            strbuf_puts(&b, first ? "" : "/");
            put_transform(&b, t);
            first = false;
        }
    }
    (void)str_copy(buf, PROPOSALS_TEXT_MAX, strbuf_text(&b));
    return buf;
}
