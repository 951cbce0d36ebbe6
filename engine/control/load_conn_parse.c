#include "engine/control/load_conn_parse.h"

#include "base/parse.h"
#include "base/str.h"
#include "engine/control/load_conn_values.h"
#include "engine/esp/replay.h"
#include "engine/ike/proposals.h"
#include "engine/io/route.h"
#include "engine/wire/ikev2.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static void *at(const struct load_key *key, void *base)
{
    return (uint8_t *)base + key->offset;
}

int load_parse_flag(const struct load_key *key, const struct load_value *v, void *base)
{
    return load_bool(v->text, at(key, base));
}

int load_parse_time(const struct load_key *key, const struct load_value *v, void *base)
{
    return load_time(v->text, at(key, base));
}

int load_parse_volume(const struct load_key *key, const struct load_value *v, void *base)
{
    return load_bytes(v->text, at(key, base));
}

int load_parse_count64(const struct load_key *key, const struct load_value *v, void *base)
{
    return parse_u64(v->text, UINT64_MAX >> 8, at(key, base)) < 0 ? -EINVAL : 0;
}

int load_parse_count(const struct load_key *key, const struct load_value *v, void *base)
{
    return parse_u32(v->text, UINT32_MAX, at(key, base)) < 0 ? -EINVAL : 0;
}

int load_parse_word(const struct load_key *key, const struct load_value *v, void *base)
{
    for (const struct load_word *w = key->words; w->word; w++)
        if (strcasecmp(v->text, w->word) == 0) {
            *(unsigned *)at(key, base) = w->value;
            return 0;
        }
    return -EINVAL;
}

int load_parse_actions(const struct load_key *key, const struct load_value *v, void *base)
{
    return load_action(v->text, at(key, base));
}

/* 0 is the usual one, as in charon. */
int load_parse_udp_port(const struct load_key *key, const struct load_value *v, void *base)
{
    uint32_t port;

    if (parse_u32(v->text, UINT16_MAX, &port) < 0)
        return -EINVAL;
    *(uint16_t *)at(key, base) = port == 0 ? IKE_PORT : (uint16_t)port;
    return 0;
}

/* Further sockets there are none. */
int load_parse_own_port(const struct load_key *key, const struct load_value *v, void *base)
{
    const uint16_t *port = at(key, base);
    int r = load_parse_udp_port(key, v, base);

    if (r < 0 || *port == IKE_PORT || *port == IKE_PORT_NATT)
        return r;
    (void)str_copy(v->why, LOAD_WHY_MAX, "the engine has the ports 500 and 4500 alone");
    return -ENOTSUP;
}

int load_parse_tries(const struct load_key *key, const struct load_value *v, void *base)
{
    if (strcasecmp(v->text, "%forever") == 0) {
        *(unsigned *)at(key, base) = 0;
        return 0;
    }
    return load_parse_count(key, v, base);
}

/* Our window is made of words of 32. */
int load_parse_window(const struct load_key *key, const struct load_value *v, void *base)
{
    uint32_t window;

    if (parse_u32(v->text, UINT32_MAX, &window) < 0)
        return -EINVAL;
    if (window > REPLAY_WINDOW_MAX) {
        (void)str_format(v->why, LOAD_WHY_MAX, "the engine has %d at most", REPLAY_WINDOW_MAX);
        return -ENOTSUP;
    }
    *(uint32_t *)at(key, base) = (window + 31) / 32 * 32;
    return 0;
}

int load_parse_mtu(const struct load_key *key, const struct load_value *v, void *base)
{
    uint32_t mtu;

    if (parse_u32(v->text, UINT16_MAX, &mtu) < 0 || (mtu != 0 && mtu < ROUTE_MTU_MIN))
        return -EINVAL;
    *(uint32_t *)at(key, base) = mtu;
    return 0;
}

int load_parse_id(const struct load_key *key, const struct load_value *v, void *base)
{
    int r = identity_parse(v->text, at(key, base));

    return r == -ENOBUFS ? -EINVAL : r;
}

int load_parse_ppk_id(const struct load_key *key, const struct load_value *v, void *base)
{
    struct ike_conf *c = base;
    int r = load_parse_id(key, v, base);

    c->has_ppk = r == 0;
    return r;
}

int load_parse_auth(const struct load_key *key, const struct load_value *v, void *base)
{
    (void)key;
    return load_auth(v->text, base);
}

static int add_proposals(uint8_t protocol, const struct load_value *v, struct proposals *ps)
{
    if (v->first)
        ps->n = 0;
    return proposals_parse(protocol, v->text, v->legacy, ps, v->why, LOAD_WHY_MAX);
}

int load_parse_ike_proposal(const struct load_key *key, const struct load_value *v, void *base)
{
    return add_proposals(PROTO_IKE, v, at(key, base));
}

int load_parse_esp_proposal(const struct load_key *key, const struct load_value *v, void *base)
{
    return add_proposals(PROTO_ESP, v, at(key, base));
}

int load_parse_selector(const struct load_key *key, const struct load_value *v, void *base)
{
    struct selectors_conf *ss = at(key, base);

    if (v->first)
        ss->n = 0;
    if (ss->n == TS_MAX)
        return -ENOSPC;
    if (selector_parse(v->text, &ss->s[ss->n]) < 0)
        return -EINVAL;
    ss->n++;
    return 0;
}

static int add_outside(const struct load_value *v, struct conf_addr *addrs, size_t *n)
{
    int r;

    if (v->first)
        *n = 0;
    if (*n == CONF_ADDRS_MAX)
        return -ENOSPC;
    r = load_outside(v->text, &addrs[*n]);
    if (r == -ENOTSUP)
        (void)str_copy(v->why, LOAD_WHY_MAX, "it takes addresses and networks, no names and no ranges");
    *n += r == 0;
    return r;
}

int load_parse_local_addr(const struct load_key *key, const struct load_value *v, void *base)
{
    struct ike_conf *c = base;

    (void)key;
    return add_outside(v, c->local_addrs, &c->n_local_addrs);
}

int load_parse_remote_addr(const struct load_key *key, const struct load_value *v, void *base)
{
    struct ike_conf *c = base;

    (void)key;
    return add_outside(v, c->remote_addrs, &c->n_remote_addrs);
}

static int add_network(const struct load_value *v, struct network_conf *networks, size_t max, size_t *n)
{
    if (*n == max)
        return -ENOSPC;
    if (load_network(v->text, &networks[*n].addr, &networks[*n].bits) < 0)
        return -EINVAL;
    (*n)++;
    return 0;
}

int load_parse_inside(const struct load_key *key, const struct load_value *v, void *base)
{
    struct child_conf *c = base;

    (void)key;
    return add_network(v, c->inside, CONF_ADDRS_MAX, &c->n_inside);
}

int load_parse_network(const struct load_key *key, const struct load_value *v, void *base)
{
    struct child_conf *c = base;

    (void)key;
    return add_network(v, c->networks, CONF_NETWORKS_MAX, &c->n_networks);
}

/* PEM or DER: swanctl sends the file as it is. */
static int add_cert(const struct load_value *v, struct cert **certs, size_t *n, bool ca)
{
    cleanup(cert_unrefp) struct cert *c = NULL;
    int r;

    if (*n == CONF_CERTS_MAX)
        return -ENOSPC;
    r = cert_parse(v->data, v->len, &c);
    if (r == 0 && ca && !cert_is_ca(c)) {
        (void)str_copy(v->why, LOAD_WHY_MAX, "a certificate is none of a CA");
        return -EINVAL;
    }
    if (r == -ENOTSUP)
        (void)str_copy(v->why, LOAD_WHY_MAX, "a certificate has a key of a kind that the engine lacks");
    else if (r == -EBADMSG || r == -EFBIG)
        (void)str_copy(v->why, LOAD_WHY_MAX, "a certificate cannot be read");
    if (r < 0)
        return r == -EBADMSG || r == -EFBIG ? -EINVAL : r;
    certs[(*n)++] = TAKE_PTR(c);
    return 0;
}

int load_parse_cert(const struct load_key *key, const struct load_value *v, void *base)
{
    struct conf_side *s = base;

    (void)key;
    return add_cert(v, s->certs, &s->n_certs, false);
}

int load_parse_ca(const struct load_key *key, const struct load_value *v, void *base)
{
    struct conf_side *s = base;

    (void)key;
    return add_cert(v, s->cas, &s->n_cas, true);
}
