/* load-conn: a connection is read whole and keeps to its bounds, or a sentence without control characters says why not.
 * What is configured goes with itself: a proposal, an identity, a selector. */
#include "engine/control/load_conn.h"

#include "engine/ike/proposals.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t size)
{
    assert(strnlen(text, size) < size && text[0]);
    for (; *text; text++)
        assert((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void check_proposals(const struct proposals *ps, bool ike)
{
    char buf[PROPOSALS_TEXT_MAX];

    assert(ps->n > 0 && ps->n <= PROPOSALS_MAX);
    for (size_t i = 0; i < ps->n; i++) {
        struct proposals one = {.n = 1, .p = {ps->p[i]}}, answer = {.n = 1};
        struct suite s;

        assert(ps->p[i].number == i + 1);
        check_text(proposal_text(&ps->p[i], buf), sizeof(buf));
        assert(proposals_choose(&one, &one, NULL, &s, &answer.p[0]));
        assert(s.encr && !s.integ == s.encr->aead && !s.prf != ike && (!ike || s.dh));
        assert(proposals_accept(&answer, &one, &s));
    }
}

static void check_selectors(const struct selectors_conf *ss)
{
    char buf[SELECTOR_TEXT_MAX];
    struct selectors a, b;
    struct addr host;

    assert(addr_parse("192.0.2.1", &host) == 0);
    assert(ss->n > 0 && ss->n <= TS_MAX);
    for (size_t i = 0; i < ss->n; i++)
        check_text(selector_conf_text(&ss->s[i], buf), sizeof(buf));
    selectors_resolve(ss, &host, &a);
    assert(a.n == ss->n);
    selectors_narrow(&a, &a, &b);
    assert(b.n > 0 && selectors_within(&a, &b) && selectors_within(&b, &a));
}

static void check_limit(const struct conf_limit *lim)
{
    assert(lim->random <= lim->rekey / 2);
}

static void check_side(const struct conf_side *s)
{
    char buf[IDENTITY_TEXT_MAX];

    assert(s->n_certs <= CONF_CERTS_MAX && s->n_cas <= CONF_CERTS_MAX);
    assert(identity_equal(&s->id, &s->id));
    assert(strlen(identity_text(&s->id, buf)) < sizeof(buf));
}

static void check_conf(const struct ike_conf *c)
{
    assert(c->refs == 1 && c->n_children <= CONF_CHILDREN_MAX);
    assert(c->n_local_addrs > 0 && c->n_local_addrs <= CONF_ADDRS_MAX);
    assert(c->n_remote_addrs > 0 && c->n_remote_addrs <= CONF_ADDRS_MAX);
    assert(c->local_port > 0 && c->remote_port > 0);
    assert(c->over_time != UINT64_MAX && c->rand_time <= (c->rekey_time | c->reauth_time));
    check_text(c->name, sizeof(c->name));
    check_proposals(&c->proposals, true);
    check_side(&c->local);
    check_side(&c->remote);
    for (size_t i = 0; i < c->n_children; i++) {
        const struct child_conf *child = &c->children[i];

        check_text(child->name, sizeof(child->name));
        assert(ike_conf_child(c, child->name) == child);
        check_proposals(&child->proposals, false);
        check_selectors(&child->local_ts);
        check_selectors(&child->remote_ts);
        check_limit(&child->time);
        check_limit(&child->bytes);
        check_limit(&child->packets);
        assert(child->replay_window % 32 == 0);
        assert(child->n_inside <= CONF_ADDRS_MAX && child->n_networks <= CONF_NETWORKS_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup(ike_conf_unrefp) struct ike_conf *c = NULL;
    char error[LOAD_CONN_ERROR_MAX] = "";
    int r = load_conn_read(rd_of(data, size), size % 2 == 0, &c, error, sizeof(error));

    assert((r == 0) == (c != NULL));
    if (r < 0)
        check_text(error, sizeof(error));
    else
        check_conf(c);
    return 0;
}
