#include "engine/ike/sa.h"

#include "base/secret.h"
#include "engine/ike/engine_state.h"
#include "engine/ike/first.h"
#include "engine/ike/life.h"
#include "engine/ike/task.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LOG_TEXT_MAX 512

/* Ours is random and no other IKE_SA of ours has it. */
static void choose_spi(struct ike_sa *sa)
{
    static const uint8_t zero[IKE_SPI_LEN];
    uint8_t spi[IKE_SPI_LEN];

    do
        core_random(sa->engine, spi, sizeof(spi));
    while (memcmp(spi, zero, sizeof(spi)) == 0 || core_sa_by_spi(sa->engine, spi));
    memcpy(sa->initiator ? sa->spi_i : sa->spi_r, spi, sizeof(spi));
}

struct ike_sa *ike_sa_new(struct engine *e, struct ike_conf *c, bool initiator, usec_t now)
{
    struct ike_sa *sa = e->n_sas < ENGINE_SAS_MAX ? calloc(1, sizeof(*sa)) : NULL;

    if (!sa)
        return NULL;
    sa->engine = e;
    sa->conf = ike_conf_ref(c);
    sa->unique = ++e->last_ike;
    sa->initiator = initiator;
    sa->created_at = now;
    sa->last_in = sa->last_out = now;
    sa->rekey_at = sa->reauth_at = sa->life_at = sa->dpd_at = sa->gone_at = sa->retransmit_at = USEC_NEVER;
    sa->keyingtry = 1;
    sa->my_auth = c->local.auth;
    sa->peer_auth = c->remote.auth;
    choose_spi(sa);
    core_sa_hash(sa);
    *e->sas_end = sa;
    e->sas_end = &sa->next;
    e->n_sas++;
    return sa;
}

void ike_sa_log(const struct ike_sa *sa, enum engine_group g, int level, const char *fmt, ...)
{
    char text[LOG_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    sa->engine->ops.log(
        sa->engine->data,
        &(struct engine_log){
            .group = g, .level = level, .ike_unique = sa->unique, .ike_name = sa->conf->name, .text = text});
}

/* A half-open IKE_SA is one that a peer began and has not authenticated. */
static bool is_half_open(const struct ike_sa *sa)
{
    return !sa->initiator && sa->state == IKE_CONNECTING;
}

static void half_open_add(struct ike_sa *sa)
{
    struct engine *e = sa->engine;

    assert(e->n_half_open < ENGINE_HALF_OPEN_MAX); /* half_open.c sees to it */
    e->half_open[e->n_half_open++] = sa;
}

static void half_open_remove(struct ike_sa *sa)
{
    struct engine *e = sa->engine;

    for (unsigned i = 0; i < e->n_half_open; i++)
        if (e->half_open[i] == sa) {
            e->half_open[i] = e->half_open[--e->n_half_open];
            return;
        }
}

void ike_sa_become(struct ike_sa *sa, enum ike_state s, const char *reason, usec_t now)
{
    enum ike_state before = sa->state;
    struct engine_event ev = {.type = ENGINE_IKE_UP, .ike = sa};

    assert(ike_state_may(before, s));
    if (is_half_open(sa))
        half_open_remove(sa);
    sa->state = s;
    if (is_half_open(sa))
        half_open_add(sa);
    /* What goes otherwise than by a DELETE has said nothing so far. */
    ike_sa_log(sa, ENGINE_LOG_IKE, s == IKE_DESTROYING && before != IKE_DELETING ? 1 : 2,
               "IKE_SA %s[%u] state change: %s => %s: %s", sa->conf->name, sa->unique, ike_state_name(before),
               ike_state_name(s), reason);
    if (s == IKE_ESTABLISHED && before != IKE_REKEYING) {
        sa->established_at = now;
        /* One that was made by a rekeying is told of by ENGINE_IKE_REKEYED. */
        if (sa->replaces == 0)
            core_event(sa->engine, &ev);
    }
    engine_wake(sa->engine, now);
}

/* An IKE_SA that another one took the place of goes without a word. */
static bool tells_its_end(enum ike_state before)
{
    return before == IKE_ESTABLISHED || before == IKE_REKEYING || before == IKE_DELETING;
}

void ike_sa_destroy(struct ike_sa *sa, const char *reason, usec_t now)
{
    struct engine_event ev = {.type = ENGINE_IKE_DOWN, .ike = sa};
    bool tell = tells_its_end(sa->state) && sa->established_at != 0 && sa->replaced_by == 0;

    if (sa->state == IKE_DESTROYING)
        return;
    if (tell) {
        core_event(sa->engine, &ev);
        for (struct child_sa *c = sa->children; c; c = c->next)
            child_sa_tell_down(c);
    }
    ike_sa_become(sa, IKE_DESTROYING, reason, now);
    for (struct child_sa *c = sa->children; c; c = c->next)
        child_sa_destroy(c, reason, now);
    while (sa->tasks)
        task_end(sa, sa->tasks, reason);
    sa->engine->reap_wanted = true;
}

int ike_sa_keyed(struct ike_sa *sa)
{
    const struct ike_keys *k = &sa->keys;
    struct seal *in, *out;
    int r = seal_new(sa->suite.encr, sa->initiator ? k->sk_ei : k->sk_er, sa->suite.integ,
                     sa->suite.integ ? (sa->initiator ? k->sk_ai : k->sk_ar) : NULL, &out);

    if (r < 0)
        return r;
    r = seal_new(sa->suite.encr, sa->initiator ? k->sk_er : k->sk_ei, sa->suite.integ,
                 sa->suite.integ ? (sa->initiator ? k->sk_ar : k->sk_ai) : NULL, &in);
    if (r < 0) {
        (void)seal_free(out);
        return r;
    }
    (void)seal_free(sa->seal_in);
    (void)seal_free(sa->seal_out);
    sa->seal_in = in;
    sa->seal_out = out;
    return 0;
}

/* Whose connection a peer asks for is not known before it has said who it is. */
void ike_sa_count(const struct ike_sa *sa, enum engine_counter c)
{
    counters_add(sa->engine->counters, sa->initiator || sa->established_at != 0 ? sa->conf->name : NULL, c);
}

const uint8_t *ike_sa_my_spi(const struct ike_sa *sa)
{
    return sa->initiator ? sa->spi_i : sa->spi_r;
}

const uint8_t *ike_sa_peer_spi(const struct ike_sa *sa)
{
    return sa->initiator ? sa->spi_r : sa->spi_i;
}

/* Reaping --------------------------------------------------------------------------------------------------------- */

static void free_child(struct child_sa *c)
{
    (void)ike_conf_unref(c->ike_conf);
    free(c);
}

static void free_sa(struct engine *e, struct ike_sa *sa)
{
    struct child_sa *next;

    for (struct child_sa *c = sa->children; c; c = next) {
        next = c->next;
        free_child(c);
    }
    (void)first_free(sa->first);
    message_ids_done(&sa->ids);
    fragments_clear(&sa->request_in);
    fragments_clear(&sa->response_in);
    (void)seal_free(sa->seal_in);
    (void)seal_free(sa->seal_out);
    (void)ike_conf_unref(sa->conf);
    secret_wipe(sa, sizeof(*sa));
    free(sa);
    e->n_sas--;
}

static void reap_children(struct ike_sa *sa)
{
    struct child_sa **p = &sa->children;

    while (*p) {
        struct child_sa *c = *p;

        if (c->state != CHILD_DESTROYING) {
            p = &c->next;
            continue;
        }
        *p = c->next;
        sa->n_children--;
        free_child(c);
    }
}

void engine_reap(struct engine *e)
{
    struct ike_sa **p = &e->sas;

    if (!e->reap_wanted)
        return;
    e->reap_wanted = false;
    while (*p) {
        struct ike_sa *sa = *p;

        if (sa->state != IKE_DESTROYING) {
            reap_children(sa);
            p = &sa->next;
            continue;
        }
        *p = sa->next;
        core_sa_unhash(sa);
        free_sa(e, sa);
    }
    e->sas_end = p;
}
