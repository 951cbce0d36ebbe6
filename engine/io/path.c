#include "engine/io/path.h"

#include "base/random.h"
#include "engine/io/path_state.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static void on_raw(void *data, const struct datagram *from, const uint8_t *packet, size_t len)
{
    path_inbound(data, from, packet, len);
}

void path_input(struct path *p, const struct udp_path *from, const uint8_t *packet, size_t len)
{
    const struct datagram d = {.local = from->local, .peer = from->peer, .ecn = from->ecn};

    path_inbound(p, &d, packet, len);
}

static void on_reaper(void *data, usec_t now)
{
    (void)now;
    path_bury(data);
}

int path_new(const struct path_config *config, struct path **ret)
{
    cleanup(path_freep) struct path *p = calloc(1, sizeof(*p));
    int r;

    if (!p)
        return -ENOMEM;
    p->config = *config;
    r = loop_timer_new(config->loop, on_reaper, p, &p->reaper);
    if (r < 0)
        return r;
    r = raw_esp_new(config->loop, ROUTE_MARK, on_raw, p, &p->raw);
    if (r < 0 && r != -EPERM && r != -EACCES && r != -EPROTONOSUPPORT)
        return r;
    *ret = TAKE_PTR(p);
    return 0;
}

bool path_can_raw(const struct path *p)
{
    return p->raw != NULL;
}

static struct path_sa *sa_free(struct path_sa *s)
{
    if (s) {
        s->in = esp_sa_free(s->in);
        s->out = esp_sa_free(s->out);
        free(s);
    }
    return NULL;
}
DEFINE_CLEANUP(struct path_sa *, sa_free)

struct path *path_free(struct path *p)
{
    if (p) {
        for (size_t i = 0; i < PATH_BUCKETS; i++)
            while (p->by_unique[i]) {
                struct path_sa *s = p->by_unique[i];

                p->by_unique[i] = s->next_by_unique;
                (void)sa_free(s);
            }
        path_tunnels_free(p);
        p->raw = raw_esp_free(p->raw);
        p->reaper = loop_timer_free(p->reaper);
        free(p);
    }
    return NULL;
}

static struct path_sa *find_unique(const struct path *p, uint32_t unique)
{
    for (struct path_sa *s = p->by_unique[unique % PATH_BUCKETS]; s; s = s->next_by_unique)
        if (s->unique == unique)
            return s;
    return NULL;
}

struct path_sa *path_find_spi(const struct path *p, uint32_t spi)
{
    for (struct path_sa *s = p->by_spi[spi % PATH_BUCKETS]; s; s = s->next_by_spi)
        if (esp_sa_spi(s->in) == spi)
            return s;
    return NULL;
}

/* The peer of an exchange uses the other half of the keys. */
static int make_keys(struct path_sa *s, const struct path_child *c)
{
    const struct child_keys *k = c->keys;
    struct esp_config config = {
        .encr = c->suite.encr,
        .integ = c->suite.integ,
        .esn = c->suite.esn,
    };
    int r;

    config.spi = c->spi_out;
    config.key_encr = c->initiator ? k->encr_i : k->encr_r;
    if (config.integ)
        config.key_integ = c->initiator ? k->integ_i : k->integ_r;
    r = esp_sa_new(&config, &s->out);
    if (r < 0)
        return r;
    config.spi = c->spi_in;
    config.window = c->conf->replay_window;
    config.key_encr = c->initiator ? k->encr_r : k->encr_i;
    if (config.integ)
        config.key_integ = c->initiator ? k->integ_r : k->integ_i;
    return esp_sa_new(&config, &s->in);
}

/* Both ends do not begin to rekey at the same moment. */
static uint64_t soft_limit(const struct conf_limit *l)
{
    uint64_t most = l->random < l->rekey ? l->random : l->rekey - !!l->rekey;

    return l->rekey - (most > 0 ? random_below(most + 1) : 0);
}

static int make_sa(const struct path_child *c, struct path_sa **ret)
{
    cleanup(sa_freep) struct path_sa *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return -ENOMEM;
    *s = (struct path_sa){
        .unique = c->unique,
        .local_ts = *c->local_ts,
        .remote_ts = *c->remote_ts,
        .local = c->local,
        .remote = c->remote,
        .encap = c->encap,
        .copy_ecn = c->conf->copy_ecn,
        .soft_bytes = soft_limit(&c->conf->bytes),
        .soft_packets = soft_limit(&c->conf->packets),
        .hard_bytes = c->conf->bytes.life,
        .hard_packets = c->conf->packets.life,
    };
    r = make_keys(s, c);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(s);
    return 0;
}

static int child_install(void *data, const struct path_child *child)
{
    cleanup(sa_freep) struct path_sa *s = NULL;
    struct path *p = data;
    struct path_tunnel *t;
    int r;

    if (find_unique(p, child->unique) || path_find_spi(p, child->spi_in))
        return -EEXIST;
    if (p->n_sas == PATH_SAS_MAX)
        return -ENOSPC;
    if (!child->encap && !p->raw)
        return -EPROTONOSUPPORT;
    r = make_sa(child, &s);
    if (r < 0)
        return r;
    r = path_tunnel_of(p, child->ike, child->conf, &t);
    if (r < 0)
        return r;
    if (t->layout.dynamic)
        r = path_tunnel_add_networks(t, child->remote_ts);
    if (r < 0) {
        path_tunnel_release(t);
        return r;
    }
    s->tunnel = t;
    s->next_by_spi = p->by_spi[child->spi_in % PATH_BUCKETS];
    p->by_spi[child->spi_in % PATH_BUCKETS] = s;
    s->next_by_unique = p->by_unique[child->unique % PATH_BUCKETS];
    p->by_unique[child->unique % PATH_BUCKETS] = TAKE_PTR(s);
    t->n_sas++;
    p->n_sas++;
    return 0;
}

static void unlink_used(struct path_sa *s)
{
    struct path_sa **at = &s->tunnel->used;

    while (*at && *at != s)
        at = &(*at)->next_used;
    if (*at)
        *at = s->next_used;
}

static void child_use(void *data, uint32_t unique)
{
    struct path_sa *s = find_unique(data, unique);

    if (!s)
        return;
    unlink_used(s);
    s->next_used = s->tunnel->used;
    s->tunnel->used = s;
    path_tunnel_refresh(s->tunnel);
}

static void child_update(void *data, uint32_t unique, const struct addr *local, const struct addr *remote, bool encap)
{
    struct path_sa *s = find_unique(data, unique);

    if (!s)
        return;
    s->local = *local;
    s->remote = *remote;
    s->encap = encap;
}

static void unlink_hashes(struct path *p, const struct path_sa *s)
{
    struct path_sa **at = &p->by_unique[s->unique % PATH_BUCKETS];

    while (*at != s)
        at = &(*at)->next_by_unique;
    *at = s->next_by_unique;
    at = &p->by_spi[esp_sa_spi(s->in) % PATH_BUCKETS];
    while (*at != s)
        at = &(*at)->next_by_spi;
    *at = s->next_by_spi;
}

static void child_remove(void *data, uint32_t unique)
{
    struct path *p = data;
    struct path_sa *s = find_unique(p, unique);
    struct path_tunnel *t;

    if (!s)
        return;
    t = s->tunnel;
    unlink_used(s);
    unlink_hashes(p, s);
    (void)sa_free(s);
    p->n_sas--;
    t->n_sas--;
    if (!t->used)
        path_tunnel_refresh(t);
    path_tunnel_release(t);
}

static bool child_usage(void *data, uint32_t unique, struct path_usage *ret)
{
    const struct path_sa *s = find_unique(data, unique);

    if (!s)
        return false;
    *ret = (struct path_usage){
        .in = *esp_sa_counters(s->in),
        .out = *esp_sa_counters(s->out),
        .last_in = s->last_in,
        .last_out = s->last_out,
    };
    return true;
}

static int trap_install(void *data, struct ike_conf *ike, const struct child_conf *conf)
{
    struct path_tunnel *t;
    int r = path_tunnel_of(data, ike, conf, &t);

    if (r < 0)
        return r;
    if (!t->trapped) {
        t->trapped = true;
        t->next_acquire = 0;
        path_tunnel_refresh(t);
    }
    return 0;
}

static void trap_remove(void *data, const char *ike, const char *child)
{
    struct path_tunnel *t = path_tunnel_find(data, ike, child);

    if (!t || !t->trapped)
        return;
    t->trapped = false;
    if (!t->used)
        path_tunnel_refresh(t);
    path_tunnel_release(t);
}

static int conf_load(void *data, struct ike_conf *ike)
{
    return path_conf_load(data, ike);
}

static void conf_unload(void *data, const char *ike)
{
    path_conf_unload(data, ike);
}

struct path_ops path_ops(void)
{
    return (struct path_ops){
        .conf_load = conf_load,
        .conf_unload = conf_unload,
        .child_install = child_install,
        .child_use = child_use,
        .child_update = child_update,
        .child_remove = child_remove,
        .child_usage = child_usage,
        .trap_install = trap_install,
        .trap_remove = trap_remove,
    };
}
