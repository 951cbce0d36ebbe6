#include "engine/control/tree.h"

#include "base/str.h"
#include "engine/ike/core.h"
#include "engine/ike/sa.h"
#include "engine/ike/task.h"

#include <inttypes.h>

/* Seconds from NOW to AT; below 0 where it has passed. */
static int64_t seconds_to(usec_t now, usec_t at)
{
    return at >= now ? (int64_t)((at - now) / USEC_PER_SEC) : -(int64_t)((now - at) / USEC_PER_SEC);
}

static void put_until(struct strbuf *b, const char *key, usec_t now, usec_t at)
{
    if (at != USEC_NEVER)
        vici_put_valuef(b, key, "%" PRId64, seconds_to(now, at));
}

static void put_since(struct strbuf *b, const char *key, usec_t at, usec_t now)
{
    vici_put_valuef(b, key, "%" PRIu64, clock_since(at, now) / USEC_PER_SEC);
}

static void put_flag(struct strbuf *b, const char *key, bool on)
{
    if (on)
        vici_put_value(b, key, "yes");
}

static void put_spi(struct strbuf *b, const char *key, const uint8_t spi[static IKE_SPI_LEN])
{
    char text[2 * IKE_SPI_LEN + 1];

    str_hex(text, spi, IKE_SPI_LEN);
    vici_put_value(b, key, text);
}

static void put_suite(struct strbuf *b, const struct suite *s)
{
    if (!s->encr)
        return; /* nothing is agreed on yet */
    vici_put_value(b, "encr-alg", s->encr->name);
    if (s->encr->key_bits)
        vici_put_valuef(b, "encr-keysize", "%u", s->encr->key_bits);
    if (s->integ)
        vici_put_value(b, "integ-alg", s->integ->name);
    if (s->prf)
        vici_put_value(b, "prf-alg", s->prf->name);
    if (s->dh)
        vici_put_value(b, "dh-group", s->dh->name);
}

void tree_put_selectors(struct strbuf *b, const char *key, const struct selectors *ss)
{
    char text[SELECTOR_TEXT_MAX];

    vici_put_list(b, key);
    for (size_t i = 0; i < ss->n; i++)
        vici_put_list_item(b, selector_text(&ss->s[i], text));
    vici_put_list_end(b);
}

void tree_put_selectors_conf(struct strbuf *b, const char *key, const struct selectors_conf *ss)
{
    char text[SELECTOR_TEXT_MAX];

    vici_put_list(b, key);
    for (size_t i = 0; i < ss->n; i++)
        vici_put_list_item(b, selector_conf_text(&ss->s[i], text));
    vici_put_list_end(b);
}

/* IKE_SAs --------------------------------------------------------------------------------------------------------- */

static void put_end(struct strbuf *b, const char *side, const struct addr *a, const struct identity *id)
{
    char key[32], text[IDENTITY_TEXT_MAX];

    (void)str_format(key, sizeof(key), "%s-host", side);
    if (addr_is_set(a))
        vici_put_value(b, key, addr_text(a, text));
    else
        vici_put_value(b, key, "%any");
    (void)str_format(key, sizeof(key), "%s-port", side);
    vici_put_valuef(b, key, "%u", addr_port(a));
    (void)str_format(key, sizeof(key), "%s-id", side);
    vici_put_value(b, key, identity_text(id, text));
}

/* charon's names, that its users know. */
static const char *task_name(enum task_kind k)
{
    switch (k) {
    case TASK_INIT:
        return "IKE_INIT";
    case TASK_AUTH:
        return "IKE_AUTH";
    case TASK_CHILD:
        return "CHILD_CREATE";
    case TASK_REKEY_CHILD:
        return "CHILD_REKEY";
    case TASK_REKEY_IKE:
        return "IKE_REKEY";
    case TASK_DELETE_CHILD:
        return "CHILD_DELETE";
    case TASK_DELETE_IKE:
        return "IKE_DELETE";
    case TASK_DPD:
        break;
    }
    return "IKE_DPD";
}

/* CHILD: IKE_AUTH makes a CHILD_SA too, which is all that is left of it once the IKE_SA is established. */
static void put_task(struct strbuf *b, const struct ike_sa *sa, enum task_kind kind, bool child)
{
    if (kind != TASK_AUTH || sa->established_at == 0)
        vici_put_list_item(b, task_name(kind));
    if (kind == TASK_AUTH && child)
        vici_put_list_item(b, task_name(TASK_CHILD));
}

/* The first one's turn has come: its request is out, or its response is being looked at, unless it waits. IKE_SA_INIT
 * and IKE_AUTH are one thing. */
static bool is_active(const struct ike_sa *sa, const struct task *t, usec_t now)
{
    const struct task *first = sa->tasks;

    return first->not_before <= now && (t == first || (first->kind == TASK_INIT && t->kind == TASK_AUTH));
}

static void put_tasks(struct strbuf *b, const char *key, const struct ike_sa *sa, usec_t now, bool active)
{
    bool any = false;

    for (const struct task *t = sa->tasks; t; t = t->next) {
        if (is_active(sa, t, now) != active)
            continue;
        if (!any)
            vici_put_list(b, key);
        any = true;
        put_task(b, sa, t->kind, t->conf);
    }
    if (any)
        vici_put_list_end(b);
}

static void put_asked(struct strbuf *b, const struct ike_sa *sa)
{
    enum task_kind kind;
    bool child;

    if (!task_asked(sa, &kind, &child))
        return;
    vici_put_list(b, "tasks-passive");
    put_task(b, sa, kind, child);
    vici_put_list_end(b);
}

void tree_put_ike(struct strbuf *b, const struct ike_sa *sa, usec_t now)
{
    vici_put_valuef(b, "uniqueid", "%u", sa->unique);
    vici_put_value(b, "version", "2");
    vici_put_value(b, "state", ike_state_name(sa->state));
    put_end(b, "local", &sa->local, &sa->me);
    put_end(b, "remote", &sa->remote, &sa->peer);
    put_flag(b, "initiator", sa->initiator);
    put_spi(b, "initiator-spi", sa->spi_i);
    put_spi(b, "responder-spi", sa->spi_r);
    put_flag(b, "nat-local", sa->nat_local);
    put_flag(b, "nat-remote", sa->nat_remote);
    put_flag(b, "nat-any", sa->nat_local || sa->nat_remote);
    put_suite(b, &sa->suite);
    put_flag(b, "ppk", sa->ppk_used);
    if (sa->state == IKE_ESTABLISHED || sa->state == IKE_REKEYING) {
        put_since(b, "established", sa->established_at, now);
        put_until(b, "rekey-time", now, sa->rekey_at);
        put_until(b, "reauth-time", now, sa->reauth_at);
    }
    put_tasks(b, "tasks-queued", sa, now, false);
    put_tasks(b, "tasks-active", sa, now, true);
    put_asked(b, sa);
}

/* CHILD_SAs ------------------------------------------------------------------------------------------------------- */

/* What was dropped, by reason: keys of ours. */
static void put_drops(struct strbuf *b, const char *direction, const struct esp_counters *c)
{
    char key[VICI_NAME_MAX];

    for (int why = ESP_OK + 1; why < ESP_DROPS; why++)
        if (c->drops[why] > 0 &&
            str_format(key, sizeof(key), "drop-%s-%s", direction, esp_drop_name((enum esp_drop)why)))
            vici_put_valuef(b, key, "%" PRIu64, c->drops[why]);
}

static void put_use(struct strbuf *b, const char *direction, const struct esp_counters *c, usec_t last, usec_t now)
{
    char key[VICI_NAME_MAX];

    (void)str_format(key, sizeof(key), "bytes-%s", direction);
    vici_put_valuef(b, key, "%" PRIu64, c->bytes);
    (void)str_format(key, sizeof(key), "packets-%s", direction);
    vici_put_valuef(b, key, "%" PRIu64, c->packets);
    if (last) {
        (void)str_format(key, sizeof(key), "use-%s", direction);
        put_since(b, key, last, now);
    }
    put_drops(b, direction, c);
}

static void put_installed(struct strbuf *b, const struct child_sa *c, usec_t now)
{
    struct path_usage u = {0};
    void *data;
    const struct path_ops *path = core_path(c->ike->engine, &data);

    vici_put_value(b, "protocol", "ESP");
    put_flag(b, "encap", c->encap);
    vici_put_valuef(b, "spi-in", "%.8x", c->spi_in);
    vici_put_valuef(b, "spi-out", "%.8x", c->spi_out);
    put_suite(b, &c->suite);
    if (c->suite.esn)
        vici_put_value(b, "esn", "1");
    (void)path->child_usage(data, c->unique, &u); /* zero where it is gone from there */
    put_use(b, "in", &u.in, u.last_in, now);
    put_use(b, "out", &u.out, u.last_out, now);
    put_until(b, "rekey-time", now, c->rekey_at);
    put_until(b, "life-time", now, c->life_at);
    put_since(b, "install-time", c->installed_at, now);
}

static bool was_installed(const struct child_sa *c)
{
    switch (c->state) {
    case CHILD_INSTALLED:
    case CHILD_UPDATING:
    case CHILD_REKEYING:
    case CHILD_REKEYED:
    case CHILD_DELETING:
    case CHILD_DELETED:
        return true;
    case CHILD_DESTROYING:
        return c->installed_at != 0;
    case CHILD_CREATED:
    case CHILD_INSTALLING:
        break;
    }
    return false;
}

static void put_child(struct strbuf *b, const struct child_sa *c, usec_t now)
{
    vici_put_value(b, "name", c->conf->name);
    vici_put_valuef(b, "uniqueid", "%u", c->unique);
    vici_put_valuef(b, "reqid", "%u", c->reqid);
    vici_put_value(b, "state", child_state_name(c->state));
    vici_put_value(b, "mode", "TUNNEL");
    if (was_installed(c))
        put_installed(b, c, now);
    tree_put_selectors(b, "local-ts", &c->local_ts);
    tree_put_selectors(b, "remote-ts", &c->remote_ts);
}

static void put_child_section(struct strbuf *b, const struct child_sa *c)
{
    char name[CONF_NAME_MAX + 16];

    (void)str_format(name, sizeof(name), "%s-%u", c->conf->name, c->unique);
    vici_put_section(b, name);
}

void tree_put_child(struct strbuf *b, const struct child_sa *c, usec_t now)
{
    put_child_section(b, c);
    put_child(b, c, now);
    vici_put_section_end(b);
}

void tree_put_child_rekeyed(struct strbuf *b, const struct child_sa *old, const struct child_sa *new, usec_t now)
{
    put_child_section(b, old);
    vici_put_section(b, "old");
    put_child(b, old, now);
    vici_put_section_end(b);
    vici_put_section(b, "new");
    put_child(b, new, now);
    vici_put_section_end(b);
    vici_put_section_end(b);
}
