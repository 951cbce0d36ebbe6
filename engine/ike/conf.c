#include "engine/ike/conf.h"

#include "engine/ike/proposals.h"
#include "engine/wire/ikev2.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REKEY_IKE   (4 * USEC_PER_HOUR)
#define REKEY_CHILD USEC_PER_HOUR

struct ike_conf *ike_conf_new(void)
{
    struct ike_conf *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    *c = (struct ike_conf){
        .refs = 1,
        .n_local_addrs = 1,  /* %any */
        .n_remote_addrs = 1, /* %any */
        .local_port = IKE_PORT,
        .remote_port = IKE_PORT,
        .local = {.auth = CONF_AUTH_PUBKEY, .revocation = TRUST_REVOCATION_RELAXED},
        .remote = {.auth = CONF_AUTH_PUBKEY, .revocation = TRUST_REVOCATION_RELAXED},
        .fragmentation = CONF_FRAGMENTATION_YES,
        .childless = CONF_CHILDLESS_ALLOW,
        .unique = CONF_UNIQUE_NO,
        .send_cert = CONF_SEND_CERT_IFASKED,
        .send_certreq = true,
        .mobike = true,
        .keyingtries = 1,
        .rekey_time = REKEY_IKE,
        .over_time = REKEY_IKE / 10,
        .rand_time = REKEY_IKE / 10,
    };
    proposals_default(PROTO_IKE, &c->proposals);
    return c;
}

struct ike_conf *ike_conf_ref(struct ike_conf *c)
{
    c->refs++;
    return c;
}

static void side_done(struct conf_side *s)
{
    while (s->n_certs > 0)
        cert_unref(s->certs[--s->n_certs]);
    while (s->n_cas > 0)
        cert_unref(s->cas[--s->n_cas]);
}

struct ike_conf *ike_conf_unref(struct ike_conf *c)
{
    if (!c)
        return NULL;
    assert(c->refs > 0);
    if (--c->refs > 0)
        return NULL;
    side_done(&c->local);
    side_done(&c->remote);
    free(c->children);
    free(c);
    return NULL;
}

int ike_conf_add_child(struct ike_conf *c, struct child_conf **ret)
{
    const struct selectors_conf dynamic = {
        .n = 1,
        .s = {{.dynamic = true, .s = {.type = TS_IPV4_ADDR_RANGE, .port_last = 65535, .last = {255, 255, 255, 255}}}},
    };
    struct child_conf *children, *child;

    if (c->n_children == CONF_CHILDREN_MAX)
        return -ENOSPC;
    children = reallocarray(c->children, c->n_children + 1, sizeof(*children));
    if (!children)
        return -ENOMEM;
    c->children = children;
    child = &children[c->n_children++];
    *child = (struct child_conf){
        .local_ts = dynamic,
        .remote_ts = dynamic,
        .time = {.rekey = REKEY_CHILD, .life = REKEY_CHILD / 10 * 11, .random = REKEY_CHILD / 10},
        .replay_window = 32,
        .copy_ecn = true,
    };
    proposals_default(PROTO_ESP, &child->proposals);
    *ret = child;
    return 0;
}

const struct child_conf *ike_conf_child(const struct ike_conf *c, const char *name)
{
    for (size_t i = 0; i < c->n_children; i++)
        if (strcmp(c->children[i].name, name) == 0)
            return &c->children[i];
    return NULL;
}

bool conf_side_allows_key(const struct conf_side *s, const struct pkey *k)
{
    return (s->keys == 0 || (s->keys & CONF_KEY(pkey_kind(k))) != 0) && pkey_bits(k) >= s->key_bits;
}

/* The first BITS bits of A and B, which are of one family. */
static bool same_prefix(const struct addr *a, const struct addr *b, unsigned bits)
{
    bool ipv6 = addr_family(a) == AF_INET6;
    const uint8_t *x = ipv6 ? a->in6.sin6_addr.s6_addr : (const uint8_t *)&a->in.sin_addr;
    const uint8_t *y = ipv6 ? b->in6.sin6_addr.s6_addr : (const uint8_t *)&b->in.sin_addr;
    unsigned whole = bits / 8, rest = bits % 8;

    return memcmp(x, y, whole) == 0 && (rest == 0 || ((x[whole] ^ y[whole]) >> (8 - rest)) == 0);
}

/* 0: none of them; 1: only %any; more for a longer prefix. */
static unsigned match_side(const struct conf_addr *addrs, size_t count, const struct addr *a)
{
    unsigned best = 0;

    for (size_t i = 0; i < count; i++) {
        unsigned m = 1;

        if (addr_is_set(&addrs[i].addr)) {
            if (addr_family(&addrs[i].addr) != addr_family(a) || !same_prefix(&addrs[i].addr, a, addrs[i].bits))
                continue;
            m = 2U + addrs[i].bits;
        }
        best = m > best ? m : best;
    }
    return best;
}

/* Whom we talk to counts more than from where. */
unsigned ike_conf_match(const struct ike_conf *c, const struct addr *local, const struct addr *remote)
{
    unsigned mine = match_side(c->local_addrs, c->n_local_addrs, local);
    unsigned theirs = match_side(c->remote_addrs, c->n_remote_addrs, remote);

    return mine == 0 || theirs == 0 ? 0 : theirs * 256 + mine;
}
