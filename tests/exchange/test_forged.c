/*
 * No packet that nobody vouches for changes an IKE_SA that has keys, whatever it says and wherever it comes from (RFC
 * 7296 2.1, 2.4, 2.21.4, 2.23; RFC 6290): every combination of header, body and source in each state, every message
 * seen so far once more, and each bit of each changed. What was under way goes on afterwards.
 */
#include "tests/exchange/forged.h"

#include "base/array.h"
#include "base/str.h"
#include "engine/ike/task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SEEN_MAX 64
#define SEEN_LEN 2048

#ifdef __SANITIZE_ADDRESS__
#define STEP 23 /* of the combinations; prime to all that they are made of */
#else
#define STEP 1
#endif

/* What has passed, and what is held back: messages of exchange HOLD from a node. */
static struct {
    struct {
        int from;
        bool held;
        uint8_t bytes[SEEN_LEN];
        size_t len;
    } seen[SEEN_MAX];
    size_t n;
    uint8_t hold[2];
} net;

static bool watch(void *data, struct pair *p, int from, uint8_t *bytes, size_t len)
{
    bool held = bytes[18] == net.hold[from];

    (void)data;
    (void)p;
    if (net.n < SEEN_MAX && len <= SEEN_LEN) {
        net.seen[net.n].from = from;
        net.seen[net.n].held = held;
        net.seen[net.n].len = len;
        memcpy(net.seen[net.n++].bytes, bytes, len);
    }
    return !held;
}

/* The tokens of quick crash detection are there. */
static void settings(int node, struct engine_settings *s)
{
    memset(s->secret, 1 + node, sizeof(s->secret));
}

static void conf(int node, struct ike_conf *c)
{
    (void)node;
    c->mobike = true;
    c->rekey_time = c->reauth_time = c->over_time = c->rand_time = c->dpd_delay = 0;
    c->children[0].time = (struct conf_limit){0};
}

static struct pair *begun(void)
{
    struct pair *p = pair_new(1, settings);

    memset(&net, 0, sizeof(net));
    p->filter = watch;
    pair_load(p, PAIR_A, conf);
    pair_load(p, PAIR_B, conf);
    pair_initiate(p, PAIR_A, 1);
    return p;
}

static struct pair *up(void)
{
    struct pair *p = begun();

    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
    return p;
}

/* What is under way ---------------------------------------------------------------------------------------------- */

static void begin_nothing(struct pair *p)
{
    (void)p;
}

static void begin_rekey_ike(struct pair *p)
{
    unsigned n;

    assert_int_equal(engine_rekey(p->node[PAIR_A].engine, p->now, &(struct engine_filter){.ike = "peer"}, false, &n),
                     0);
    assert_int_equal(n, 1);
}

static void begin_rekey_child(struct pair *p)
{
    unsigned n;

    assert_int_equal(engine_rekey(p->node[PAIR_A].engine, p->now, &(struct engine_filter){.child = "net"}, false, &n),
                     0);
    assert_int_equal(n, 1);
}

static void begin_dpd(struct pair *p)
{
    assert_non_null(task_add(pair_sa(p, PAIR_A), TASK_DPD, NULL, NULL, 0, 0));
}

static void begin_delete(struct pair *p)
{
    unsigned n;

    assert_int_equal(
        engine_terminate(p->node[PAIR_A].engine, p->now, &(struct engine_filter){.ike = "peer"}, false, 2, &n), 0);
    assert_int_equal(n, 1);
}

static bool is_rekeyed_ike(struct pair *p)
{
    return pair_is_up(p) && pair_count_events(p, PAIR_A, ENGINE_IKE_REKEYED) == 1 &&
           pair_count_events(p, PAIR_B, ENGINE_IKE_REKEYED) == 1;
}

static bool is_rekeyed_child(struct pair *p)
{
    return pair_is_up(p) && pair_count_events(p, PAIR_A, ENGINE_CHILD_REKEYED) == 1 &&
           pair_count_events(p, PAIR_B, ENGINE_CHILD_REKEYED) == 1;
}

static bool is_answered(struct pair *p)
{
    return pair_is_up(p) && !pair_sa(p, PAIR_A)->tasks;
}

static bool is_deleted(struct pair *p)
{
    return pair_count_sas(p, PAIR_A) == 0 && pair_count_sas(p, PAIR_B) == 0 && str_eq(p->node[PAIR_A].done[2], "ok");
}

/* FROM's messages of EXCHANGE are held back; 0: none. */
static const struct situation {
    const char *name;
    bool up;
    void (*begin)(struct pair *p);
    uint8_t exchange;
    int from;
    enum ike_state state[2];
    bool (*ended)(struct pair *p);
} situations[] = {
    {"an IKE_SA that stands", true, begin_nothing, 0, PAIR_A, {IKE_ESTABLISHED, IKE_ESTABLISHED}, pair_is_up},
    {"IKE_AUTH, request lost", false, begin_nothing, IKE_AUTH, PAIR_A, {IKE_CONNECTING, IKE_CONNECTING}, pair_is_up},
    {"IKE_AUTH, response lost", false, begin_nothing, IKE_AUTH, PAIR_B, {IKE_CONNECTING, IKE_ESTABLISHED}, pair_is_up},
    {"a rekeying of the IKE_SA, request lost",
     true,
     begin_rekey_ike,
     CREATE_CHILD_SA,
     PAIR_A,
     {IKE_REKEYING, IKE_ESTABLISHED},
     is_rekeyed_ike},
    {"a rekeying of the IKE_SA, response lost",
     true,
     begin_rekey_ike,
     CREATE_CHILD_SA,
     PAIR_B,
     {IKE_REKEYING, IKE_REKEYED},
     is_rekeyed_ike},
    {"a rekeying of the CHILD_SA, request lost",
     true,
     begin_rekey_child,
     CREATE_CHILD_SA,
     PAIR_A,
     {IKE_ESTABLISHED, IKE_ESTABLISHED},
     is_rekeyed_child},
    {"a rekeying of the CHILD_SA, response lost",
     true,
     begin_rekey_child,
     CREATE_CHILD_SA,
     PAIR_B,
     {IKE_ESTABLISHED, IKE_ESTABLISHED},
     is_rekeyed_child},
    {"DPD, request lost", true, begin_dpd, INFORMATIONAL, PAIR_A, {IKE_ESTABLISHED, IKE_ESTABLISHED}, is_answered},
    {"DPD, response lost", true, begin_dpd, INFORMATIONAL, PAIR_B, {IKE_ESTABLISHED, IKE_ESTABLISHED}, is_answered},
    {"a DELETE, request lost", true, begin_delete, INFORMATIONAL, PAIR_A, {IKE_DELETING, IKE_ESTABLISHED}, is_deleted},
};

/* The messages that passed, once more, and each bit of each changed; what was held back is not sent as it is: that
 * would be the message. */
static void send_seen(struct forged *f, const char *name)
{
    char what[128];

    for (size_t i = 0; i < net.n; i++) {
        uint8_t *bytes = net.seen[i].bytes;

        (void)str_format(what, sizeof(what), "%s: message %zu again", name, i);
        f->again = true;
        if (!net.seen[i].held)
            forged_send(f, bytes, net.seen[i].len, what);
        f->again = false;
        for (size_t bit = 0; bit < 8 * net.seen[i].len; bit += STEP) {
            (void)str_format(what, sizeof(what), "%s: message %zu with bit %zu changed", name, i, bit);
            bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
            forged_send(f, bytes, net.seen[i].len, what);
            bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
    }
}

static void test_state(const struct situation *s, int node)
{
    static struct forged f;
    struct pair *p;

    if (s->up)
        p = up();
    else
        p = begun();
    net.hold[s->from] = s->exchange;
    s->begin(p);
    engine_tick(p->node[PAIR_A].engine, p->now);
    pair_run(p, 100 * USEC_PER_MSEC);
    assert_int_equal(pair_sa(p, node)->state, s->state[node]);
    forged_aim(&f, p, node, pair_sa(p, node));
    forged_barrage(&f, STEP);
    send_seen(&f, s->name);
    print_message("# %s, %s: %llu packets, %llu answers\n", s->name, node == PAIR_A ? "asking" : "asked",
                  (unsigned long long)f.sent, (unsigned long long)f.answers);
    net.hold[s->from] = 0;
    if (!pair_until(p, s->ended, 2 * USEC_PER_MIN))
        fail_msg("%s does not end", s->name);
    (void)pair_free(p);
}

static void test_states(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(situations); i++)
        for (int node = 0; node < 2; node++)
            if (situations[i].state[node] != IKE_CONNECTING || situations[i].from == PAIR_A || node == PAIR_B)
                test_state(&situations[i], node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
