/*
 * Every suite of an IKE_SA and every suite of a CHILD_SA between two engines: the SAs come up, both are rekeyed with a
 * key exchange, both ends hold the same keys and a packet passes each way.
 */
#include "base/array.h"
#include "tests/exchange/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CIPHERS_MAX 16
#define ALGS_MAX    16

/* Encryption with its integrity algorithm; NULL with an AEAD. */
struct cipher {
    const struct alg *encr, *integ;
};

static struct cipher ciphers[CIPHERS_MAX];
static const struct alg *prfs[ALGS_MAX], *groups[ALGS_MAX];
static size_t n_ciphers, n_prfs, n_groups;

static void add_ciphers(const struct alg *encr)
{
    const struct alg *integ;
    size_t pos = 0;

    if (encr->aead)
        ciphers[n_ciphers++] = (struct cipher){encr, NULL};
    while (!encr->aead && (integ = alg_next(&pos)))
        if (integ->type == ALG_INTEG)
            ciphers[n_ciphers++] = (struct cipher){encr, integ};
}

/* All that the engine knows. */
static int list_algorithms(void **state)
{
    const struct alg *a;
    size_t pos = 0;

    (void)state;
    while ((a = alg_next(&pos))) {
        if (a->type == ALG_ENCR)
            add_ciphers(a);
        else if (a->type == ALG_PRF)
            prfs[n_prfs++] = a;
        else if (a->type == ALG_DH)
            groups[n_groups++] = a;
    }
    assert_int_equal(n_ciphers, 3 + 2 * 4);
    assert_int_equal(n_prfs, 4);
    assert_int_equal(n_groups, 15);
    return 0;
}

/* What both sides of a run propose and nothing else. */
static struct {
    struct cipher ike, esp;
    const struct alg *prf, *ike_group, *esp_group;
    bool esn;
} want;

static void put(struct proposal *p, const struct alg *a)
{
    if (a)
        p->transforms[p->n_transforms++] =
            (struct transform){.type = (uint8_t)a->type, .id = a->id, .key_bits = a->key_bits};
}

static void propose_wanted(int node, struct ike_conf *c)
{
    struct proposal *ike = &c->proposals.p[0], *esp = &c->children[0].proposals.p[0];

    (void)node;
    ike->n_transforms = esp->n_transforms = 0;
    put(ike, want.ike.encr);
    put(ike, want.ike.integ);
    put(ike, want.prf);
    put(ike, want.ike_group);
    put(esp, want.esp.encr);
    put(esp, want.esp.integ);
    put(esp, want.esp_group);
    put(esp, alg_find(ALG_ESN, want.esn, 0));
}

static void assert_ike_suite(struct pair *p, int node)
{
    const struct suite *s = &pair_sa(p, node)->suite;

    assert_ptr_equal(s->encr, want.ike.encr);
    assert_ptr_equal(s->integ, want.ike.integ);
    assert_ptr_equal(s->prf, want.prf);
    assert_ptr_equal(s->dh, want.ike_group);
}

/* What stands in the data path: one CHILD_SA. */
static const struct pair_child *installed(const struct pair *p, int node)
{
    const struct pair_child *ret = NULL;

    for (size_t i = 0; i < p->node[node].n_children; i++)
        if (p->node[node].children[i].installed) {
            assert_null(ret);
            ret = &p->node[node].children[i];
        }
    assert_non_null(ret);
    return ret;
}

static void assert_child_suite(const struct pair_child *c, const struct alg *group)
{
    assert_ptr_equal(c->suite.encr, want.esp.encr);
    assert_ptr_equal(c->suite.integ, want.esp.integ);
    assert_ptr_equal(c->suite.dh, group);
    assert_int_equal(c->suite.esn, want.esn);
}

static void assert_same_child(const struct pair *p, const struct alg *group)
{
    const struct pair_child *a = installed(p, PAIR_A), *b = installed(p, PAIR_B);

    assert_child_suite(a, group);
    assert_child_suite(b, group);
    assert_memory_equal(&a->keys, &b->keys, sizeof(a->keys));
    assert_memory_not_equal(a->keys.encr_i, a->keys.encr_r, want.esp.encr->key_len);
}

static void rekey(struct pair *p, int node, const char *child)
{
    struct engine_filter f = {.ike = "peer", .child = child};
    unsigned n;

    assert_int_equal(engine_rekey(p->node[node].engine, p->now, &f, false, &n), 0);
    assert_int_equal(n, 1);
    pair_run(p, 20 * USEC_PER_SEC);
    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
}

/* RFC 7296 1.2, 1.3.2, 1.3.3: the first CHILD_SA has no key exchange of its own, the one that replaces it has. */
static void run_wanted(void)
{
    struct pair *p = pair_new(1, NULL);
    uint32_t ike, child;

    pair_load(p, PAIR_A, propose_wanted);
    pair_load(p, PAIR_B, propose_wanted);
    pair_initiate(p, PAIR_A, 1);
    assert_true(pair_until(p, pair_is_up, USEC_PER_SEC));
    assert_string_equal(p->node[PAIR_A].done[1], "ok");
    assert_ike_suite(p, PAIR_A);
    assert_ike_suite(p, PAIR_B);
    assert_same_child(p, NULL);
    ike = pair_sa(p, PAIR_A)->unique;
    child = installed(p, PAIR_A)->unique;
    rekey(p, PAIR_A, NULL);
    assert_int_not_equal(pair_sa(p, PAIR_A)->unique, ike);
    assert_ike_suite(p, PAIR_A);
    assert_ike_suite(p, PAIR_B);
    rekey(p, PAIR_B, "net");
    assert_int_not_equal(installed(p, PAIR_A)->unique, child);
    assert_same_child(p, want.esp_group);
    (void)pair_free(p);
}

/* Each cipher with each PRF in each group for the IKE_SA; beside it, for the CHILD_SA, each cipher in each group with
 * and without ESN. */
static void test_every_suite(void **state)
{
    static bool seen[CIPHERS_MAX][ALGS_MAX][2]; /* of CHILD_SAs */
    size_t runs = 0, children = 0;

    (void)state;
    for (size_t g = 0; g < n_groups; g++)
        for (size_t f = 0; f < n_prfs; f++)
            for (size_t s = 0; s < n_ciphers; s++) {
                const size_t cipher = (s + g) % n_ciphers, group = (g + 1 + f) % n_groups;

                want.ike = ciphers[s];
                want.prf = prfs[f];
                want.ike_group = groups[g];
                want.esp = ciphers[cipher];
                want.esp_group = groups[group];
                want.esn = f / 2;
                run_wanted();
                runs++;
                children += !seen[cipher][group][want.esn];
                seen[cipher][group][want.esn] = true;
            }
    assert_int_equal(children, n_ciphers * n_groups * 2);
    print_message("%zu suites of IKE_SAs, %zu of CHILD_SAs\n", runs, children);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_suite),
    };

    return cmocka_run_group_tests(tests, list_algorithms, NULL);
}
