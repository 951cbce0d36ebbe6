/* The engine's surroundings and tables, for the other parts. */
#include "engine/ike/engine_state.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LOG_TEXT_MAX 512
#define ESP_SPI_MIN  256 /* RFC 4303 2.1: those below are reserved */

const struct engine_settings *core_settings(const struct engine *e)
{
    return &e->settings;
}

const struct path_ops *core_path(const struct engine *e, void **ret_data)
{
    *ret_data = e->ops.path_data;
    return &e->ops.path;
}

struct creds *core_creds(const struct engine *e)
{
    return e->creds;
}

usec_t core_wall(const struct engine *e)
{
    return e->ops.wall(e->data);
}

void core_random(const struct engine *e, void *buf, size_t len)
{
    e->ops.random(e->data, buf, len);
}

int core_source(const struct engine *e, const struct addr *peer, struct addr *ret)
{
    return e->ops.source(e->data, peer, ret);
}

void core_event(const struct engine *e, const struct engine_event *ev)
{
    e->ops.event(e->data, ev);
}

void core_log(const struct engine *e, enum engine_group g, int level, const char *fmt, ...)
{
    char text[LOG_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    e->ops.log(e->data, &(struct engine_log){.group = g, .level = level, .text = text});
}

/* Of several that end under one ticket only the last one answers it. */
static bool is_last(struct engine *e, uint32_t ticket)
{
    for (size_t i = 0; i < e->n_waiters; i++) {
        struct waiter *w = &e->waiters[i];

        if (w->ticket != ticket || w->count == 0)
            continue;
        if (--w->count > 0)
            return false;
        *w = e->waiters[--e->n_waiters];
        return true;
    }
    return true;
}

void core_done(struct engine *e, uint32_t ticket, const char *error)
{
    if (ticket == 0 || !is_last(e, ticket))
        return;
    e->ops.done(e->data, ticket, error);
    for (size_t i = 0; i < e->n_waiters;) {
        struct waiter w = e->waiters[i];

        if (w.of != ticket || w.count != 0) {
            i++;
            continue;
        }
        e->waiters[i] = e->waiters[--e->n_waiters];
        e->ops.done(e->data, w.ticket, error);
    }
}

void core_count(struct engine *e, enum engine_counter c)
{
    counters_add(e->counters, NULL, c);
}

void core_send(struct engine *e, const struct addr *local, const struct addr *remote, bool natt,
               const struct packets *ps)
{
    output_add(&e->output, local, remote, natt, ps);
}

/* Tables ---------------------------------------------------------------------------------------------------------- */

uint32_t core_reqid(struct engine *e, const char *ike, const struct child_conf *conf)
{
    struct reqid *r;

    for (size_t i = 0; i < e->n_reqids; i++)
        if (str_eq(e->reqids[i].ike, ike) && str_eq(e->reqids[i].child, conf->name))
            return e->reqids[i].id;
    r = e->n_reqids < ENGINE_REQIDS_MAX ? realloc(e->reqids, (e->n_reqids + 1) * sizeof(*r)) : NULL;
    if (!r)
        return ++e->last_reqid;
    e->reqids = r;
    r = &e->reqids[e->n_reqids++];
    (void)str_copy(r->ike, sizeof(r->ike), ike);
    (void)str_copy(r->child, sizeof(r->child), conf->name);
    r->id = ++e->last_reqid;
    return r->id;
}

static bool has_spi_in(const struct engine *e, uint32_t spi)
{
    for (const struct ike_sa *sa = e->sas; sa; sa = sa->next)
        for (const struct child_sa *c = sa->children; c; c = c->next)
            if (c->spi_in == spi)
                return true;
    return false;
}

uint32_t core_esp_spi(struct engine *e)
{
    uint32_t spi;

    do
        core_random(e, &spi, sizeof(spi));
    while (spi < ESP_SPI_MIN || has_spi_in(e, spi));
    return spi;
}

struct ike_sa *core_sa_by_unique(const struct engine *e, uint32_t unique)
{
    for (struct ike_sa *sa = e->sas; sa; sa = sa->next)
        if (sa->unique == unique && sa->state != IKE_DESTROYING)
            return sa;
    return NULL;
}

/* Our SPIs are random. */
static size_t bucket_of(const uint8_t *spi)
{
    return ((size_t)spi[0] << 8 | spi[1]) % ENGINE_BUCKETS;
}

struct ike_sa *core_sa_by_spi(const struct engine *e, const uint8_t *my_spi)
{
    for (struct ike_sa *sa = e->by_spi[bucket_of(my_spi)]; sa; sa = sa->next_spi)
        if (memcmp(ike_sa_my_spi(sa), my_spi, IKE_SPI_LEN) == 0 && sa->state != IKE_DESTROYING)
            return sa;
    return NULL;
}

void core_sa_hash(struct ike_sa *sa)
{
    struct ike_sa **bucket = &sa->engine->by_spi[bucket_of(ike_sa_my_spi(sa))];

    sa->next_spi = *bucket;
    *bucket = sa;
}

void core_sa_unhash(struct ike_sa *sa)
{
    struct ike_sa **p = &sa->engine->by_spi[bucket_of(ike_sa_my_spi(sa))];

    while (*p && *p != sa)
        p = &(*p)->next_spi;
    if (*p)
        *p = sa->next_spi;
}
