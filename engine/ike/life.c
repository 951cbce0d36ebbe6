#include "engine/ike/life.h"

#include "engine/ike/child_path.h"
#include "engine/ike/delete.h"
#include "engine/ike/task.h"

#define PAUSE_MIN   (2 * USEC_PER_SEC) /* before something that was refused for now is tried again */
#define PAUSE_MAX   (30 * USEC_PER_SEC)
#define DYING_AFTER (200 * USEC_PER_SEC) /* a DELETE that a lifetime ended with has been given up by then */

uint64_t life_jitter(uint64_t rekey, uint64_t random, uint32_t x)
{
    uint64_t most = random < rekey ? random : rekey;

    return rekey - ((most >> 32) * x + (((most & UINT32_MAX) * x) >> 32));
}

static uint32_t random_u32(const struct ike_sa *sa)
{
    uint32_t x;

    core_random(sa->engine, &x, sizeof(x));
    return x;
}

usec_t life_pause(const struct ike_sa *sa, unsigned tries)
{
    usec_t pause = PAUSE_MIN << (tries < 4 ? tries : 4);

    if (pause > PAUSE_MAX)
        pause = PAUSE_MAX;
    /* Both sides that were refused by each other do not come again at the same moment. */
    return life_jitter(2 * pause, pause, random_u32(sa));
}

static usec_t soft(const struct ike_sa *sa, usec_t now, usec_t span, usec_t random)
{
    return span != 0 ? clock_add(now, life_jitter(span, random, random_u32(sa))) : USEC_NEVER;
}

void life_of_ike(struct ike_sa *sa, usec_t now)
{
    const struct ike_conf *c = sa->conf;
    usec_t longest = c->rekey_time > c->reauth_time ? c->rekey_time : c->reauth_time;

    sa->rekey_at = soft(sa, now, c->rekey_time, c->rand_time);
    if (sa->replaces == 0) /* rekeying does not authenticate (RFC 7296 2.8.3) */
        sa->reauth_at = soft(sa, now, c->reauth_time, c->rand_time);
    sa->life_at = longest != 0 && c->over_time != 0 ? clock_add(now, longest + c->over_time) : USEC_NEVER;
    sa->dpd_at = c->dpd_delay != 0 ? clock_add(now, c->dpd_delay) : USEC_NEVER;
}

void life_of_child(struct child_sa *c, usec_t now)
{
    const struct conf_limit *t = &c->conf->time;

    c->rekey_at = soft(c->ike, now, t->rekey, t->random);
    c->life_at = t->life != 0 ? clock_add(now, t->life) : USEC_NEVER;
    c->inactive_at = c->conf->inactivity != 0 ? clock_add(now, c->conf->inactivity) : USEC_NEVER;
}

/* The IKE_SA ------------------------------------------------------------------------------------------------------ */

static void close_ike(struct ike_sa *sa, const char *reason)
{
    sa->rekey_at = sa->reauth_at = sa->life_at = sa->dpd_at = USEC_NEVER;
    ike_sa_log(sa, ENGINE_LOG_IKE, 1, "%s", reason);
    (void)task_add(sa, TASK_DELETE_IKE, NULL, NULL, 0, 0);
}

void life_reauth(struct ike_sa *sa, const char *reason, usec_t now)
{
    if (sa->state != IKE_ESTABLISHED && sa->state != IKE_REKEYING)
        return;
    sa->reauth = true;
    close_ike(sa, reason);
    /* Should a rekeying that no answer comes to stand before the DELETE. */
    sa->gone_at = now + DYING_AFTER;
}

/* RFC 7296 2.4: only where nothing came under the keys of the IKE_SA or of its CHILD_SAs; not beside a request that is
 * out, whose answer will tell. */
static void look_for_peer(struct ike_sa *sa, usec_t now)
{
    usec_t last = sa->last_in;

    if (!sa->ids.pending)
        for (const struct child_sa *c = sa->children; c; c = c->next) {
            struct path_usage u;

            if (child_path_usage(c, &u) && u.last_in > last)
                last = u.last_in;
        }
    else
        last = now;
    sa->dpd_at = clock_add(last, sa->conf->dpd_delay);
    if (sa->dpd_at > now)
        return;
    sa->dpd_at = clock_add(now, sa->conf->dpd_delay);
    (void)task_add(sa, TASK_DPD, NULL, NULL, 0, 0);
}

static void tick_ike(struct ike_sa *sa, usec_t now)
{
    if (sa->life_at <= now) {
        life_reauth(sa, "the lifetime of the IKE_SA is over", now);
    } else if (sa->reauth_at <= now) {
        life_reauth(sa, "the IKE_SA is to be authenticated anew", now);
    } else if (sa->rekey_at <= now) {
        sa->rekey_at = USEC_NEVER;
        (void)task_add(sa, TASK_REKEY_IKE, NULL, NULL, 0, 0);
    }
    if (sa->dpd_at <= now)
        look_for_peer(sa, now);
}

/* Its CHILD_SAs --------------------------------------------------------------------------------------------------- */

static void rekey_child(struct child_sa *c)
{
    c->rekey_at = USEC_NEVER;
    if (c->state == CHILD_INSTALLED)
        (void)task_add(c->ike, TASK_REKEY_CHILD, NULL, NULL, c->unique, 0);
}

static void close_child(struct child_sa *c)
{
    c->rekey_at = c->life_at = c->inactive_at = USEC_NEVER;
    (void)task_add(c->ike, TASK_DELETE_CHILD, NULL, NULL, c->unique, 0);
}

/* RFC 7296 2.8: one that could not be rekeyed in time takes its IKE_SA with it, and both are made anew. */
static void child_is_over(struct child_sa *c, bool was_to_be_rekeyed, usec_t now)
{
    ike_sa_log(c->ike, ENGINE_LOG_CHD, 1, "CHILD_SA %s{%u} has reached its hard limit", c->conf->name, c->unique);
    if (was_to_be_rekeyed && child_sa_live(c) && !c->closing)
        life_reauth(c->ike, "a CHILD_SA could not be rekeyed in time", now);
    else
        close_child(c);
    c->life_at = USEC_NEVER;
}

void life_limit(struct child_sa *c, bool hard, usec_t now)
{
    const struct child_conf *conf = c->conf;

    if (!hard)
        rekey_child(c);
    else if (child_sa_live(c) || c->state == CHILD_REKEYED)
        child_is_over(c, conf->bytes.rekey != 0 || conf->packets.rekey != 0, now);
}

static void look_for_traffic(struct child_sa *c, usec_t now)
{
    struct path_usage u;
    usec_t last = c->installed_at;

    (void)child_path_usage(c, &u);
    if (u.last_in > last)
        last = u.last_in;
    if (u.last_out > last)
        last = u.last_out;
    c->inactive_at = clock_add(last, c->conf->inactivity);
    if (c->inactive_at > now)
        return;
    ike_sa_log(c->ike, ENGINE_LOG_CHD, 1, "CHILD_SA %s{%u} is not used, closing it", c->conf->name, c->unique);
    c->closing = true;
    close_child(c);
}

static bool lives(const struct child_sa *c)
{
    return child_sa_live(c) || c->state == CHILD_REKEYED;
}

static void tick_child(struct child_sa *c, usec_t now)
{
    if (c->gone_at <= now) {
        c->gone_at = USEC_NEVER;
        if (c->state == CHILD_DELETED)
            child_sa_destroy(c, "packets under way have had their time", now);
        else if (c->state == CHILD_REKEYED) /* the peer's DELETE never came */
            close_child(c);
    }
    if (!lives(c))
        return;
    if (c->rekey_at <= now)
        rekey_child(c);
    if (c->life_at <= now)
        child_is_over(c, c->conf->time.rekey != 0, now);
    if (c->inactive_at <= now && child_sa_live(c))
        look_for_traffic(c, now);
}

void life_tick(struct ike_sa *sa, usec_t now)
{
    if (sa->state == IKE_CREATED || sa->state == IKE_CONNECTING || sa->state == IKE_DESTROYING)
        return;
    if (sa->gone_at <= now) {
        delete_ike_ended(sa, sa->state == IKE_REKEYED ? "the peer's DELETE never came" : "nobody answers the DELETE",
                         now);
        return;
    }
    for (struct child_sa *c = sa->children; c; c = c->next)
        tick_child(c, now);
    if (sa->state == IKE_ESTABLISHED || sa->state == IKE_REKEYING)
        tick_ike(sa, now);
}

static usec_t earlier(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

static usec_t child_next(const struct child_sa *c)
{
    usec_t next = c->state == CHILD_DESTROYING ? USEC_NEVER : c->gone_at;

    if (lives(c))
        next = earlier(next, earlier(c->rekey_at, c->life_at));
    return child_sa_live(c) ? earlier(next, c->inactive_at) : next;
}

usec_t life_next(const struct ike_sa *sa)
{
    usec_t next = sa->gone_at;

    if (sa->state == IKE_CREATED || sa->state == IKE_CONNECTING || sa->state == IKE_DESTROYING)
        return USEC_NEVER;
    for (const struct child_sa *c = sa->children; c; c = c->next)
        next = earlier(next, child_next(c));
    if (sa->state == IKE_ESTABLISHED || sa->state == IKE_REKEYING)
        next = earlier(next, earlier(earlier(sa->rekey_at, sa->reauth_at), earlier(sa->life_at, sa->dpd_at)));
    return next;
}
