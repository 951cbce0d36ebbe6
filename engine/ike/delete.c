#include "engine/ike/delete.h"

#include "engine/ike/child_log.h"
#include "engine/ike/child_path.h"
#include "engine/ike/crossed.h"
#include "engine/ike/life.h"
#include "engine/ike/rekey.h"
#include "engine/ike/task.h"

#include <errno.h>

/* CHILD_SAs ------------------------------------------------------------------------------------------------------- */

/* A DELETE of C that waited until the peer ended its rekeying may go. */
static void confirmed(const struct child_sa *c)
{
    for (struct task *t = c->ike->tasks; t; t = t->next)
        if (t->kind == TASK_DELETE_CHILD && t->child == c->unique)
            t->not_before = 0;
}

void delete_child_ended(struct child_sa *c, const char *reason, usec_t now)
{
    struct child_sa *r = c->replaced_by != 0 ? child_sa_by_unique(c->ike, c->replaced_by) : NULL;

    /* RFC 7296 2.8: at the latest now the peer sends with it too. It may be rekeyed in turn, but not by us yet. */
    if (r && !c->rekeyed_by_us && r->replaces == c->unique &&
        (child_sa_live(r) || (r->state == CHILD_REKEYED && !r->rekeyed_by_us)))
        child_path_use(r);
    if (r)
        confirmed(r);
    ike_sa_log(c->ike, ENGINE_LOG_IKE, 1, "CHILD_SA closed");
    child_sa_become(c, CHILD_DELETED, reason, now);
    if (r && r->in_path && c->in_path)
        c->gone_at = now + DELETE_LINGER;
    else
        child_sa_destroy(c, reason, now);
}

/* What C was to replace, while that is there. */
static struct child_sa *replaced_by(const struct child_sa *c)
{
    return c->replaces != 0 ? child_sa_by_unique(c->ike, c->replaces) : NULL;
}

/* The peer takes back the CHILD_SA that it made by a rekeying: the loser of a collision (RFC 7296 2.8.1), or one that
 * it cannot use. */
static void take_back(struct child_sa *c, usec_t now)
{
    struct child_sa *old = replaced_by(c);

    if (!old)
        return;
    if (old->state == CHILD_REKEYING) {
        c->replaced_by = old->unique;
    } else if (old->state == CHILD_REKEYED && !old->rekeyed_by_us && old->replaced_by == c->unique) {
        c->replaced_by = old->unique;
        old->replaced_by = 0;
        old->gone_at = USEC_NEVER;
        old->rekey_at = now + life_pause(old->ike, 0);
        child_sa_become(old, CHILD_INSTALLED, "the peer takes back the CHILD_SA that was to replace it", now);
        child_path_use(old);
    }
}

bool delete_child_by_peer(struct child_sa *c, usec_t now)
{
    bool answer = c->state != CHILD_DELETING, closed;
    struct child_sa *rival = c->state == CHILD_REKEYING ? rekey_child_rival(c) : NULL;

    if (rival)
        c->replaced_by = rival->unique;
    take_back(c, now);
    closed = answer && c->replaced_by == 0 && !c->closing;
    ike_sa_log(c->ike, ENGINE_LOG_IKE, 1, "received DELETE for ESP CHILD_SA with SPI %08x", c->spi_out);
    child_log_closing(c);
    delete_child_ended(c, "the peer's DELETE", now);
    if (closed)
        core_action(c->ike->engine, c->ike_conf, c->conf, c->conf->close_action, now);
    return answer;
}

static int build_child(struct ike_sa *sa, struct task *t, struct chain_writer *cw, usec_t now)
{
    struct child_sa *c = child_sa_by_unique(sa, t->child);

    if (!c || c->state == CHILD_DELETED || c->state == CHILD_DELETING)
        return -ECANCELED;
    if (rekey_child_unconfirmed(c)) {
        t->not_before = now + REKEY_CONFIRM;
        return -EAGAIN;
    }
    if (c->replaced_by == 0)
        c->closing = true;
    child_sa_become(c, CHILD_DELETING, "DELETE is sent", now);
    child_log_closing(c);
    ike_sa_log(sa, ENGINE_LOG_IKE, 1, "sending DELETE for ESP CHILD_SA with SPI %08x", c->spi_in);
    payload_write_delete_esp(cw, &c->spi_in, 1);
    return 0;
}

/* The answer has the SPI of the peer's half, or none where its own DELETE crossed ours (RFC 7296 1.4.1): the same. */
static enum task_result process_child(struct ike_sa *sa, struct task *t, const struct message *in, usec_t now)
{
    struct child_sa *c = child_sa_by_unique(sa, t->child);

    (void)in;
    if (c && c->state == CHILD_DELETING)
        delete_child_ended(c, "the answer to our DELETE", now);
    return TASK_DONE;
}

const struct task_ops task_delete_child_ops = {
    .name = "delete CHILD_SA",
    .exchange = INFORMATIONAL,
    .build = build_child,
    .process = process_child,
};

/* IKE_SAs --------------------------------------------------------------------------------------------------------- */

/* The children of an IKE_SA that ends, and what is to be done for each then. */
struct ending {
    size_t n;
    struct {
        struct ike_conf *ike; /* owned reference */
        const struct child_conf *conf;
        unsigned action;
    } children[SA_CHILDREN_MAX];
};

static void add_ending(struct ending *e, const struct child_sa *c, unsigned action)
{
    for (size_t i = 0; i < e->n; i++)
        if (e->children[i].conf == c->conf)
            return;
    if (action == 0)
        return;
    e->children[e->n].ike = ike_conf_ref(c->ike_conf);
    e->children[e->n].conf = c->conf;
    e->children[e->n].action = action;
    e->n++;
}

static void end(struct ike_sa *sa, bool by_peer, const char *reason, usec_t now)
{
    struct engine *engine = sa->engine;
    struct ending e = {.n = 0};

    for (const struct child_sa *c = sa->children; c; c = c->next) {
        if (!child_sa_live(c) || c->closing)
            continue;
        if (sa->reauth)
            add_ending(&e, c, CONF_ACTION_START);
        else if (by_peer)
            add_ending(&e, c, c->conf->close_action);
    }
    ike_sa_destroy(sa, reason, now);
    for (size_t i = 0; i < e.n; i++) {
        core_action(engine, e.children[i].ike, e.children[i].conf, e.children[i].action, now);
        (void)ike_conf_unref(e.children[i].ike);
    }
}

/* Of one that another took the place of, only who asks for more hears. */
static int level_of(const struct ike_sa *sa)
{
    return sa->replaced_by == 0 ? 0 : 1;
}

static void log_deleting(const struct ike_sa *sa)
{
    char mine[IDENTITY_TEXT_MAX], theirs[IDENTITY_TEXT_MAX], local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];

    ike_sa_log(sa, ENGINE_LOG_IKE, level_of(sa), "deleting IKE_SA %s[%u] between %s[%s]...%s[%s]", sa->conf->name,
               sa->unique, addr_text(&sa->local, local), identity_text(&sa->me, mine), addr_text(&sa->remote, remote),
               identity_text(&sa->peer, theirs));
}

static void log_deleted(const struct ike_sa *sa)
{
    ike_sa_log(sa, ENGINE_LOG_IKE, level_of(sa), "IKE_SA deleted");
}

void delete_ike_ended(struct ike_sa *sa, const char *reason, usec_t now)
{
    end(sa, false, reason, now);
}

/* RFC 7296 2.25.2: as usual, whatever of ours is under way; its own rekeying, or DELETE, is forgotten. */
void delete_ike_by_peer(struct ike_sa *sa, const char *reason, usec_t now)
{
    bool by_peer;

    rekey_ike_taken_back(sa);
    ike_sa_log(sa, ENGINE_LOG_IKE, 1, "%s", reason);
    rekey_ike_adopt_rival(sa, now);
    by_peer = sa->state != IKE_DELETING;
    if (by_peer)
        ike_sa_become(sa, IKE_DELETING, "the peer's DELETE", now);
    log_deleting(sa);
    log_deleted(sa);
    end(sa, by_peer, reason, now);
}

static int build_ike(struct ike_sa *sa, struct task *t, struct chain_writer *cw, usec_t now)
{
    if (sa->state == IKE_DELETING)
        return -ECANCELED;
    if (sa->crossed_at != 0 && t->ticket == 0) {
        int r = crossed_leave(sa, now, &t->not_before);

        if (r < 0)
            return r;
    }
    ike_sa_become(sa, IKE_DELETING, "DELETE is sent", now);
    log_deleting(sa);
    ike_sa_log(sa, ENGINE_LOG_IKE, 1, "sending DELETE for IKE_SA %s[%u]", sa->conf->name, sa->unique);
    payload_write_delete_ike(cw);
    return 0;
}

static enum task_result process_ike(struct ike_sa *sa, struct task *t, const struct message *in, usec_t now)
{
    (void)t;
    (void)in;
    log_deleted(sa);
    delete_ike_ended(sa, "the answer to our DELETE", now);
    return TASK_DONE;
}

const struct task_ops task_delete_ike_ops = {
    .name = "delete IKE_SA",
    .exchange = INFORMATIONAL,
    .build = build_ike,
    .process = process_ike,
};
