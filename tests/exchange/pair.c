#include "tests/exchange/pair.h"

#include "base/str.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pair_datagram {
    usec_t at;
    uint64_t order;
    int to;
    struct addr local, remote; /* of the receiver */
    uint8_t *bytes;
    size_t len;
};

/* splitmix64: a seed tells everything */
uint64_t pair_random(struct pair *p, uint64_t below)
{
    uint64_t z = p->random += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    z ^= z >> 31;
    return below == 0 ? z : z % below;
}

/* LIST with room for one more than its N: it doubles, so that a pair of which little is asked costs little. */
static void *grow(void *list, size_t n, size_t size, size_t most)
{
    assert(n < most);
    if (n == 0 || (n >= 8 && (n & (n - 1)) == 0)) {
        list = reallocarray(list, n == 0 ? 8 : 2 * n, size);
        assert(list);
    }
    return list;
}

/* The engine's table ---------------------------------------------------------------------------------------------- */

static void op_random(void *data, void *buf, size_t len)
{
    struct pair_node *n = data;
    uint8_t *bytes = buf;

    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)pair_random(n->pair, 0);
}

static usec_t op_wall(void *data)
{
    struct pair_node *n = data;

    return n->pair->wall + n->pair->now;
}

static int op_source(void *data, const struct addr *peer, struct addr *ret_local)
{
    struct pair_node *n = data;

    (void)peer;
    *ret_local = n->addr;
    return 0;
}

static void op_event(void *data, const struct engine_event *ev)
{
    struct pair_node *n = data;
    struct pair_event *e;
    bool child;

    n->events = grow(n->events, n->n_events, sizeof(*n->events), PAIR_EVENTS_MAX);
    e = &n->events[n->n_events];
    *e = (struct pair_event){.type = ev->type,
                             .ike = ev->ike->unique,
                             .ike_state = ev->ike->state,
                             .child = ev->child ? ev->child->unique : 0,
                             .child_state = ev->child ? ev->child->state : CHILD_CREATED,
                             .new_ike = ev->new_ike ? ev->new_ike->unique : 0,
                             .new_child = ev->new_child ? ev->new_child->unique : 0};
    e->asked = task_asked(ev->ike, &e->task, &child);
    if (!e->asked && ev->ike->tasks)
        e->task = ev->ike->tasks->kind;
    n->n_events++;
}

static void op_log(void *data, const struct engine_log *l)
{
    struct pair_node *n = data;
    struct pair *p = n->pair;
    int from = n == &p->node[PAIR_A] ? PAIR_A : PAIR_B;

    if (p->verbose)
        (void)fprintf(stderr, "# %10.3f %c[%u] %s\n", (double)p->now / (double)USEC_PER_SEC, 'A' + from, l->ike_unique,
                      l->text);
    if (p->log)
        p->log(p->log_data, from, l);
}

static void op_done(void *data, uint32_t ticket, const char *error)
{
    struct pair_node *n = data;

    assert(ticket < PAIR_TICKETS_MAX);
    assert(n->done[ticket][0] == '\0'); /* once only */
    (void)str_copy(n->done[ticket], sizeof(n->done[ticket]), error ? error : "ok");
}

/* The data path --------------------------------------------------------------------------------------------------- */

static struct pair_child *find_child(struct pair_node *n, uint32_t unique)
{
    for (size_t i = n->n_children; i > 0; i--)
        if (n->children[i - 1].unique == unique)
            return &n->children[i - 1];
    return NULL;
}

static int op_install(void *data, const struct path_child *c)
{
    struct pair_node *n = data;
    struct pair_child *mine;

    assert(!find_child(n, c->unique));
    n->children = grow(n->children, n->n_children, sizeof(*n->children), PAIR_CHILDREN);
    mine = &n->children[n->n_children++];
    *mine = (struct pair_child){.unique = c->unique,
                                .spi_in = c->spi_in,
                                .spi_out = c->spi_out,
                                .installed = true,
                                .initiator = c->initiator,
                                .keys = *c->keys,
                                .suite = c->suite,
                                .local = c->local,
                                .remote = c->remote,
                                .encap = c->encap};
    (void)str_copy(mine->conf, sizeof(mine->conf), c->conf->name);
    return 0;
}

static void op_use(void *data, uint32_t unique)
{
    struct pair_node *n = data;
    struct pair_child *c = find_child(n, unique);

    assert(c && c->installed);
    for (size_t i = 0; i < n->n_children; i++)
        if (str_eq(n->children[i].conf, c->conf))
            n->children[i].used = false;
    c->used = true;
    c->order = ++n->last_order;
}

static void op_update(void *data, uint32_t unique, const struct addr *local, const struct addr *remote, bool encap)
{
    struct pair_child *c = find_child(data, unique);

    assert(c && c->installed);
    c->local = *local;
    c->remote = *remote;
    c->encap = encap;
}

/* What was used before it is used again, as in engine/io/path.c. */
static void op_remove(void *data, uint32_t unique)
{
    struct pair_node *n = data;
    struct pair_child *c = find_child(n, unique), *next = NULL;

    assert(c && c->installed);
    c->installed = false;
    if (!c->used)
        return;
    c->used = false;
    for (size_t i = 0; i < n->n_children; i++)
        if (n->children[i].installed && str_eq(n->children[i].conf, c->conf) && n->children[i].order > 0 &&
            (!next || n->children[i].order > next->order))
            next = &n->children[i];
    if (next)
        next->used = true;
}

static bool op_usage(void *data, uint32_t unique, struct path_usage *ret)
{
    struct pair_child *c = find_child(data, unique);

    if (!c || !c->installed)
        return false;
    *ret = c->usage;
    return true;
}

static int op_trap(void *data, struct ike_conf *ike, const struct child_conf *conf)
{
    (void)data;
    (void)ike;
    (void)conf;
    return 0;
}

static void op_untrap(void *data, const char *ike, const char *child)
{
    (void)data;
    (void)ike;
    (void)child;
}

static int op_conf_load(void *data, struct ike_conf *ike)
{
    (void)data;
    (void)ike;
    return 0;
}

static void op_conf_unload(void *data, const char *ike)
{
    (void)data;
    (void)ike;
}

static const struct engine_ops ops = {
    .random = op_random,
    .wall = op_wall,
    .source = op_source,
    .event = op_event,
    .log = op_log,
    .done = op_done,
    .path = {.conf_load = op_conf_load,
             .conf_unload = op_conf_unload,
             .child_install = op_install,
             .child_use = op_use,
             .child_update = op_update,
             .child_remove = op_remove,
             .child_usage = op_usage,
             .trap_install = op_trap,
             .trap_remove = op_untrap},
};

static bool same_half(const struct pair_child *out, const struct pair_child *in)
{
    const uint8_t *e = out->initiator ? out->keys.encr_i : out->keys.encr_r;
    const uint8_t *f = in->initiator ? in->keys.encr_r : in->keys.encr_i;

    return out->initiator != in->initiator && memcmp(e, f, out->suite.encr->key_len) == 0;
}

bool pair_packet_of(struct pair *p, int node, const char *child)
{
    struct pair_node *from = &p->node[node], *to = &p->node[!node];

    for (size_t i = 0; i < from->n_children; i++) {
        struct pair_child *out = &from->children[i];

        if (!out->used || (child && !str_eq(out->conf, child)))
            continue;
        out->usage.last_out = p->now;
        out->usage.out.packets++;
        for (size_t k = 0; k < to->n_children; k++) {
            struct pair_child *in = &to->children[k];

            if (!in->installed || in->spi_in != out->spi_out || !same_half(out, in))
                continue;
            in->usage.last_in = p->now;
            in->usage.in.packets++;
            return true;
        }
    }
    return false;
}

bool pair_packet(struct pair *p, int node)
{
    return pair_packet_of(p, node, NULL);
}

/* Making ---------------------------------------------------------------------------------------------------------- */

static void make_engine(struct pair_node *n)
{
    struct engine_settings s;
    struct engine_ops table = ops;

    engine_settings_default(&s);
    if (n->change)
        n->change((int)(n - n->pair->node), &s);
    table.path_data = n;
    assert(engine_new(&s, &table, n, n->creds, &n->engine) == 0);
}

static void make_node(struct pair *p, int node, const char *addr, void (*change)(int node, struct engine_settings *s))
{
    struct pair_node *n = &p->node[node];
    struct secret *psk = secret_new(PAIR_PSK, strlen(PAIR_PSK));

    n->pair = p;
    n->change = change;
    n->children = grow(NULL, 0, sizeof(*n->children), PAIR_CHILDREN); /* never NULL: tests compare it whole */
    assert(addr_parse(addr, &n->addr) == 0);
    assert(creds_new(&n->creds) == 0);
    assert(creds_take_shared(n->creds, CREDS_IKE, "psk", NULL, 0, psk) == 0);
    make_engine(n);
}

void pair_restart(struct pair *p, int node)
{
    struct pair_node *n = &p->node[node];

    (void)engine_free(n->engine);
    n->n_children = 0;
    make_engine(n);
}

struct pair *pair_new(uint64_t seed, void (*change)(int node, struct engine_settings *s))
{
    struct pair *p = calloc(1, sizeof(*p));

    assert(p);
    p->random = seed;
    p->now = USEC_PER_HOUR;
    p->wall = (usec_t)PAIR_WALL * USEC_PER_SEC;
    p->net.delay = USEC_PER_MSEC;
    p->verbose = getenv("PAIR_VERBOSE") != NULL;
    make_node(p, PAIR_A, "198.51.100.2", change);
    make_node(p, PAIR_B, "203.0.113.2", change);
    return p;
}

struct pair *pair_free(struct pair *p)
{
    if (!p)
        return NULL;
    for (int i = 0; i < 2; i++) {
        (void)engine_free(p->node[i].engine);
        (void)creds_free(p->node[i].creds);
        free(p->node[i].children);
        free(p->node[i].events);
    }
    for (size_t i = 0; i < p->n_under_way; i++)
        free(p->under_way[i].bytes);
    free(p->under_way);
    free(p);
    return NULL;
}

static void add_addr(struct conf_addr *list, size_t *n, const struct addr *a)
{
    list[0] = (struct conf_addr){.addr = *a, .bits = 32};
    *n = 1;
}

static void add_selector(struct selectors_conf *list, const char *text)
{
    assert(selector_parse(text, &list->s[list->n]) == 0);
    list->n++;
}

void pair_load(struct pair *p, int node, void (*change)(int node, struct ike_conf *c))
{
    struct ike_conf *c = ike_conf_new();
    struct child_conf *child;
    char error[128];

    assert(c);
    (void)str_copy(c->name, sizeof(c->name), "peer");
    add_addr(c->local_addrs, &c->n_local_addrs, &p->node[node].addr);
    add_addr(c->remote_addrs, &c->n_remote_addrs, &p->node[!node].addr);
    c->local.auth = c->remote.auth = CONF_AUTH_PSK;
    assert(identity_parse(node == PAIR_A ? "a.example" : "b.example", &c->local.id) == 0);
    assert(identity_parse(node == PAIR_A ? "b.example" : "a.example", &c->remote.id) == 0);
    c->proposals.n = 0;
    assert(proposals_parse(PROTO_IKE, "aes128gcm16-prfsha256-x25519", false, &c->proposals, error, sizeof(error)) == 0);
    assert(ike_conf_add_child(c, &child) == 0);
    (void)str_copy(child->name, sizeof(child->name), "net");
    child->proposals.n = 0;
    assert(proposals_parse(PROTO_ESP, "aes128gcm16", false, &child->proposals, error, sizeof(error)) == 0);
    child->local_ts.n = child->remote_ts.n = 0;
    add_selector(&child->local_ts, node == PAIR_A ? "10.1.0.0/16" : "10.2.0.0/16");
    add_selector(&child->remote_ts, node == PAIR_A ? "10.2.0.0/16" : "10.1.0.0/16");
    if (change)
        change(node, c);
    assert(engine_load(p->node[node].engine, p->now, c) == 0);
    (void)ike_conf_unref(c);
}

/* The network ----------------------------------------------------------------------------------------------------- */

static void put_under_way(struct pair *p, int to, const struct addr *local, const struct addr *remote, usec_t at,
                          const void *bytes, size_t len)
{
    struct pair_datagram *d;

    p->under_way = grow(p->under_way, p->n_under_way, sizeof(*p->under_way), PAIR_NET_MAX);
    d = &p->under_way[p->n_under_way];
    *d = (struct pair_datagram){
        .at = at, .order = p->sent++, .to = to, .local = *local, .remote = *remote, .bytes = malloc(len), .len = len};
    assert(d->bytes);
    memcpy(d->bytes, bytes, len);
    p->n_under_way++;
}

static usec_t arrival(struct pair *p)
{
    return p->now + p->net.delay + (p->net.jitter > 0 ? pair_random(p, p->net.jitter) : 0);
}

static void collect(struct pair *p, int from)
{
    struct engine_output o;

    while (engine_next_output(p->node[from].engine, &o)) {
        uint8_t *copy;

        if (o.keepalive || (p->net.loss > 0 && pair_random(p, 100) < p->net.loss))
            continue;
        copy = malloc(o.len);
        assert(copy);
        memcpy(copy, o.data, o.len);
        if (!p->filter || p->filter(p->filter_data, p, from, copy, o.len)) {
            put_under_way(p, !from, &o.remote, &o.local, arrival(p), copy, o.len);
            if (p->net.twice > 0 && pair_random(p, 100) < p->net.twice)
                put_under_way(p, !from, &o.remote, &o.local, arrival(p), copy, o.len);
        }
        free(copy);
    }
}

void pair_inject(struct pair *p, int to, const struct addr *local, const struct addr *remote, const void *bytes,
                 size_t len)
{
    engine_input(p->node[to].engine, p->now, local, remote, bytes, len);
    collect(p, to);
}

static size_t first_under_way(const struct pair *p)
{
    size_t best = 0;

    for (size_t i = 1; i < p->n_under_way; i++) {
        const struct pair_datagram *a = &p->under_way[i], *b = &p->under_way[best];

        if (a->at < b->at || (a->at == b->at && a->order < b->order))
            best = i;
    }
    return best;
}

static usec_t next_event(const struct pair *p)
{
    usec_t next = p->n_under_way > 0 ? p->under_way[first_under_way(p)].at : USEC_NEVER;

    for (int i = 0; i < 2; i++) {
        usec_t d = engine_next_deadline(p->node[i].engine);

        next = d < next ? d : next;
    }
    return next;
}

/* One thing happens. */
static void step(struct pair *p)
{
    size_t i = first_under_way(p);

    if (p->n_under_way > 0 && p->under_way[i].at <= p->now) {
        struct pair_datagram d = p->under_way[i];

        p->under_way[i] = p->under_way[--p->n_under_way];
        engine_input(p->node[d.to].engine, p->now, &d.local, &d.remote, d.bytes, d.len);
        free(d.bytes);
        collect(p, d.to);
        return;
    }
    for (int n = 0; n < 2; n++)
        if (engine_next_deadline(p->node[n].engine) <= p->now) {
            engine_tick(p->node[n].engine, p->now);
            collect(p, n);
        }
}

bool pair_until(struct pair *p, bool (*cond)(struct pair *p), usec_t span)
{
    usec_t end = p->now + span;

    collect(p, PAIR_A);
    collect(p, PAIR_B);
    for (;;) {
        usec_t next;

        if (cond && cond(p))
            return true;
        next = next_event(p);
        if (next > end)
            break;
        p->now = next > p->now ? next : p->now;
        step(p);
    }
    p->now = end;
    return !cond || cond(p);
}

void pair_run(struct pair *p, usec_t span)
{
    (void)pair_until(p, NULL, span);
}

/* Looking --------------------------------------------------------------------------------------------------------- */

void pair_initiate(struct pair *p, int node, uint32_t ticket)
{
    assert(engine_initiate(p->node[node].engine, p->now, "peer", "net", ticket) == 0);
    collect(p, node);
}

unsigned pair_count_sas(const struct pair *p, int node)
{
    unsigned n = 0;

    for (const struct ike_sa *sa = engine_next_sa(p->node[node].engine, NULL); sa;
         sa = engine_next_sa(p->node[node].engine, sa))
        n += sa->state != IKE_CONNECTING && sa->state != IKE_CREATED;
    return n;
}

unsigned pair_count_children(const struct pair *p, int node)
{
    unsigned n = 0;

    for (const struct ike_sa *sa = engine_next_sa(p->node[node].engine, NULL); sa;
         sa = engine_next_sa(p->node[node].engine, sa))
        for (const struct child_sa *c = sa->children; c; c = c->next)
            n += child_sa_live(c);
    return n;
}

unsigned pair_count_events(const struct pair *p, int node, enum engine_event_type type)
{
    unsigned n = 0;

    for (size_t i = 0; i < p->node[node].n_events; i++)
        n += p->node[node].events[i].type == type;
    return n;
}

struct ike_sa *pair_sa(struct pair *p, int node)
{
    const struct ike_sa *sa = engine_next_sa(p->node[node].engine, NULL);

    return sa ? core_sa_by_unique(p->node[node].engine, sa->unique) : NULL;
}

struct child_sa *pair_child(struct pair *p, int node)
{
    struct ike_sa *sa = pair_sa(p, node);

    return sa ? sa->children : NULL;
}

bool pair_is_up(struct pair *p)
{
    return pair_count_sas(p, PAIR_A) == 1 && pair_count_sas(p, PAIR_B) == 1 && pair_count_children(p, PAIR_A) == 1 &&
           pair_count_children(p, PAIR_B) == 1 && p->n_under_way == 0 && pair_packet(p, PAIR_A) &&
           pair_packet(p, PAIR_B);
}
