/* Which connection an IKE_AUTH request is about: IKE_SA_INIT knew the addresses only. */
#include "engine/ike/auth.h"

#include <string.h>

struct candidate {
    struct ike_conf *conf;
    unsigned peer, me, addrs;
};

/* What we chose in IKE_SA_INIT must be a choice out of C's proposals too. */
static bool allows_suite(const struct ike_sa *sa, const struct ike_conf *c)
{
    struct proposals chosen = {.n = 1, .p = {sa->first->chosen}};
    struct suite suite;

    return proposals_accept(&chosen, &c->proposals, &suite);
}

/* How well WANTED, the IDr of the request, names us under C. */
static unsigned match_me(const struct ike_sa *sa, const struct ike_conf *c, const struct identity *wanted)
{
    struct auth_own own;
    unsigned match;

    if (!wanted)
        return IDENTITY_MATCH_ANY;
    auth_own(sa, c, wanted, &own);
    if (!identity_equal(wanted, &own.id))
        return IDENTITY_MATCH_NONE;
    match = identity_match(wanted, &c->local.id);
    return match != IDENTITY_MATCH_NONE ? match : IDENTITY_MATCH_ANY;
}

static bool is_better(const struct candidate *a, const struct candidate *b)
{
    if (a->peer != b->peer)
        return a->peer > b->peer;
    return a->me != b->me ? a->me > b->me : a->addrs > b->addrs;
}

size_t auth_candidates(const struct ike_sa *sa, const struct identity *peer, const struct identity *me,
                       struct ike_conf *ret[static AUTH_CANDIDATES_MAX])
{
    struct candidate best[AUTH_CANDIDATES_MAX + 1];
    struct ike_conf *c;
    size_t n = 0;

    for (size_t i = 0; (c = engine_conf_at(sa->engine, i)); i++) {
        struct candidate x = {c, identity_match(peer, &c->remote.id), 0, ike_conf_match(c, &sa->local, &sa->remote)};
        size_t at = n;

        if (x.addrs == 0 || x.peer == IDENTITY_MATCH_NONE || !allows_suite(sa, c))
            continue;
        x.me = match_me(sa, c, me);
        if (x.me == IDENTITY_MATCH_NONE)
            continue;
        for (; at > 0 && is_better(&x, &best[at - 1]); at--)
            best[at] = best[at - 1];
        best[at] = x;
        n = n < AUTH_CANDIDATES_MAX ? n + 1 : n;
    }
    for (size_t i = 0; i < n; i++)
        ret[i] = best[i].conf;
    return n;
}
