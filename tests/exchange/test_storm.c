/*
 * Both sides do anything at any time over a bad network: rekey, delete, initiate, reauthenticate, crash; each seed has
 * connections of its own kind, whose lifetimes run out meanwhile. Whatever came before, in the end one IKE_SA stands on
 * each side with one CHILD_SA for each child that fit each other (RFC 7296 2.8, 2.25), nothing is left over, and every
 * ticket was answered. STORM_RUNS (300) of it, from seed STORM_SEED (1) on.
 */
#include "tests/exchange/pair.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ACTS      40
#define TRIES     4
#define FRAGMENT  400 /* bytes of an IP packet */
#define SELECTORS 16  /* more than one, so that messages are long */
#define TICKETS   (PAIR_TICKETS_MAX - 1)

/* What both connections of a run are like. */
static struct world {
    bool two;         /* children, not one */
    bool short_lives; /* rekeyings come by themselves */
    bool reauth;
    bool start[2];    /* by itself, and again after a deletion */
    bool restart[2];  /* after DPD */
    bool other_group; /* B takes another one than A begins with (RFC 7296 1.2, 1.3.1) */
    bool pfs;
    bool cookies, childless, encap, qcd, crashes;
    bool fragments; /* of all but the shortest messages */
    enum conf_unique unique;
} world;

struct storm {
    struct pair *p;
    uint32_t tickets[2]; /* given out */
    uint32_t lost[2];    /* that went with an engine */
};

static const char *const children[] = {"net", "two"};

/* Worlds ---------------------------------------------------------------------------------------------------------- */

static void draw_world(struct pair *p)
{
    static const enum conf_unique kinds[] = {CONF_UNIQUE_NO, CONF_UNIQUE_REPLACE, CONF_UNIQUE_KEEP};
    uint64_t r = pair_random(p, 0);

    world = (struct world){
        .two = r & 1,
        .short_lives = r & 2,
        .reauth = (r & 12) == 12,
        .start = {r & 16, r & 32},
        .restart = {r & 64, r & 128},
        .other_group = (r & 0x300) == 0x300,
        .pfs = r & 0x400,
        .cookies = (r & 0x1800) == 0x1800,
        .childless = (r & 0x6000) == 0x6000,
        .encap = r & 0x8000,
        .qcd = r & 0x10000,
        .crashes = r & 0x20000,
        .fragments = (r & 0xc0000) == 0xc0000,
        .unique = kinds[(r >> 32) % 3],
    };
}

static void settings(int node, struct engine_settings *s)
{
    if (world.cookies)
        s->cookie_threshold = 0;
    if (world.fragments)
        s->fragment_size = FRAGMENT;
    if (world.qcd)
        memset(s->secret, 0x5a + node, sizeof(s->secret));
}

static void propose(struct proposals *ps, uint8_t protocol, const char *text)
{
    char error[128];

    ps->n = 0;
    assert_int_equal(proposals_parse(protocol, text, false, ps, error, sizeof(error)), 0);
}

static void add_selectors(struct selectors_conf *ss, unsigned net)
{
    char text[SELECTOR_TEXT_MAX];

    for (unsigned i = 0; i < SELECTORS; i++, ss->n++) {
        assert_true(str_format(text, sizeof(text), "10.%u.%u.0/24", net, 2 * i));
        assert_int_equal(selector_parse(text, &ss->s[ss->n]), 0);
    }
}

static void set_child(int node, struct child_conf *c)
{
    static const char *const groups[][2] = {{"aes128gcm16-x25519", "aes128gcm16-x25519"},
                                            {"aes128gcm16-x25519-ecp256", "aes128gcm16-ecp256"}};

    if (world.pfs)
        propose(&c->proposals, PROTO_ESP, groups[world.other_group][node]);
    if (world.start[node])
        c->start_action = c->close_action = CONF_ACTION_START;
    if (world.restart[node])
        c->dpd_action = CONF_ACTION_START;
    if (world.fragments) {
        unsigned net = str_eq(c->name, children[0]) ? 100 : 110;

        add_selectors(&c->local_ts, net + (unsigned)node);
        add_selectors(&c->remote_ts, net + (unsigned)!node);
    }
    if (world.short_lives)
        c->time = (struct conf_limit){40 * USEC_PER_SEC, 60 * USEC_PER_SEC, 15 * USEC_PER_SEC};
}

static void persistent(int node, struct ike_conf *c)
{
    struct child_conf *two;

    c->keyingtries = 0;
    c->dpd_delay = 30 * USEC_PER_SEC;
    c->unique = world.unique;
    c->encap = world.encap;
    c->childless = world.childless ? CONF_CHILDLESS_FORCE : CONF_CHILDLESS_ALLOW;
    if (world.other_group)
        propose(&c->proposals, PROTO_IKE,
                node == PAIR_A ? "aes128gcm16-prfsha256-x25519-ecp256" : "aes128gcm16-prfsha256-ecp256");
    if (world.short_lives) {
        c->rekey_time = 90 * USEC_PER_SEC;
        c->rand_time = 30 * USEC_PER_SEC;
        c->over_time = 60 * USEC_PER_SEC;
    }
    if (world.reauth) {
        c->reauth_time = 300 * USEC_PER_SEC;
        c->rand_time = c->over_time = 30 * USEC_PER_SEC;
    }
    if (world.two) {
        assert_int_equal(ike_conf_add_child(c, &two), 0);
        two->proposals = c->children[0].proposals;
        (void)str_copy(two->name, sizeof(two->name), "two");
        two->local_ts.n = two->remote_ts.n = 1;
        assert_int_equal(selector_parse(node == PAIR_A ? "10.3.0.0/16" : "10.4.0.0/16", &two->local_ts.s[0]), 0);
        assert_int_equal(selector_parse(node == PAIR_A ? "10.4.0.0/16" : "10.3.0.0/16", &two->remote_ts.s[0]), 0);
        set_child(node, two);
    }
    set_child(node, &c->children[0]);
}

/* Acts ------------------------------------------------------------------------------------------------------------ */

static void initiate(struct storm *s, int node, const char *child)
{
    if (s->tickets[node] < TICKETS)
        assert_int_equal(engine_initiate(s->p->node[node].engine, s->p->now, "peer", child, ++s->tickets[node]), 0);
}

static void end(struct storm *s, int node, const char *child)
{
    unsigned n;
    struct engine_filter f = {.ike = "peer", .child = child};

    if (s->tickets[node] == TICKETS)
        return;
    assert_int_equal(engine_terminate(s->p->node[node].engine, s->p->now, &f, false, s->tickets[node] + 1, &n), 0);
    s->tickets[node] += n > 0;
}

static void rekey(struct storm *s, int node, const char *child, bool reauth)
{
    unsigned n;
    struct engine_filter f = {.ike = "peer", .child = child};

    assert_int_equal(engine_rekey(s->p->node[node].engine, s->p->now, &f, reauth, &n), 0);
}

static void crash(struct storm *s, int node)
{
    s->lost[node] = s->tickets[node];
    pair_restart(s->p, node);
    pair_load(s->p, node, persistent);
}

static void act(struct storm *s, int node)
{
    const char *child = children[world.two ? pair_random(s->p, 2) : 0];
    uint64_t what = pair_random(s->p, 100);

    if (what < 35)
        rekey(s, node, child, false);
    else if (what < 70)
        rekey(s, node, NULL, false);
    else if (what < 75)
        rekey(s, node, NULL, true);
    else if (what < 87)
        initiate(s, node, child);
    else if (what < 93)
        end(s, node, child);
    else if (what < 97)
        end(s, node, NULL);
    else if (world.crashes)
        crash(s, node);
}

/* What must come out ---------------------------------------------------------------------------------------------- */

static bool is_settled(struct pair *p)
{
    unsigned n = world.two ? 2 : 1;

    if (pair_count_sas(p, PAIR_A) != 1 || pair_count_sas(p, PAIR_B) != 1 || pair_count_children(p, PAIR_A) != n ||
        pair_count_children(p, PAIR_B) != n || p->n_under_way > 0)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (!pair_packet_of(p, PAIR_A, children[i]) || !pair_packet_of(p, PAIR_B, children[i]))
            return false;
    return true;
}

static void check_tickets(const struct storm *s, unsigned long long seed)
{
    for (int n = 0; n < 2; n++)
        for (uint32_t t = s->lost[n] + 1; t <= s->tickets[n]; t++)
            if (s->p->node[n].done[t][0] == '\0')
                fail_msg("seed %llu: ticket %u of %c is not answered", seed, t, "AB"[n]);
}

static void settle(struct storm *s, unsigned long long seed)
{
    struct pair *p = s->p;

    p->net.loss = 0;
    pair_run(p, 20 * USEC_PER_MIN);
    for (unsigned i = 0; i < TRIES && !is_settled(p); i++) { /* one may come while an IKE_SA ends, and go with it */
        initiate(s, PAIR_A, "net");
        if (world.two)
            initiate(s, PAIR_A, "two");
        (void)pair_until(p, is_settled, 5 * USEC_PER_MIN);
    }
    if (!is_settled(p))
        fail_msg("seed %llu: A has %u and %u, B has %u and %u", seed, pair_count_sas(p, PAIR_A),
                 pair_count_children(p, PAIR_A), pair_count_sas(p, PAIR_B), pair_count_children(p, PAIR_B));
    check_tickets(s, seed);
}

static void run(uint64_t seed)
{
    struct storm s = {.p = pair_new(seed, NULL)};
    struct pair *p = s.p;

    draw_world(p);
    for (int n = 0; n < 2; n++) {
        p->node[n].change = settings;
        crash(&s, n);
    }
    p->net = (struct pair_net){.loss = (unsigned)pair_random(p, 25),
                               .twice = (unsigned)pair_random(p, 25),
                               .delay = USEC_PER_MSEC * (1 + pair_random(p, 100)),
                               .jitter = USEC_PER_MSEC * (1 + pair_random(p, 500))};
    initiate(&s, PAIR_A, "net");
    for (unsigned i = 0; i < ACTS; i++) {
        pair_run(p, pair_random(p, 3) == 0 ? pair_random(p, 20 * USEC_PER_SEC) : pair_random(p, USEC_PER_SEC));
        act(&s, (int)pair_random(p, 2));
    }
    settle(&s, seed);
    (void)pair_free(p);
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t n = 0;

    for (; text && *text >= '0' && *text <= '9'; text++)
        n = n * 10 + (uint64_t)(*text - '0');
    return n > 0 ? n : otherwise;
}

static void test_storm(void **state)
{
    uint64_t first = number("STORM_SEED", 1), runs = number("STORM_RUNS", 300);

    (void)state;
    for (uint64_t seed = first; seed < first + runs; seed++)
        run(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_storm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
