#include "agent/ike_view.h"

#include "base/str.h"

#include <string.h>

void ike_view_absent(struct ike_view *v)
{
    *v = (struct ike_view){.configured = false};
}

/* The parts of a view that a list of SAs replaces. */
static void begin_list(struct tunnel *t)
{
    struct ike_view *v = &t->ike;

    v->loaded = false;
    v->ike[0] = v->child[0] = '\0';
    v->n_ike = v->n_ike_up = v->n_child_up = v->n_connecting = 0;
    v->established_at = 0;
    t->sum_in = t->sum_out = 0;
}

static void add_sa(struct tunnel *t, const struct vici_ike_sa *sa, usec_t now)
{
    struct ike_view *v = &t->ike;

    if (v->n_ike < VIEW_IKE_SAS_MAX)
        v->ids[v->n_ike] = sa->unique_id;
    v->n_ike++;
    if (sa->state == VICI_IKE_CREATED || sa->state == VICI_IKE_CONNECTING) {
        /* Unique ids count upwards. */
        if (v->n_connecting++ == 0 || sa->unique_id < t->oldest_connecting)
            t->oldest_connecting = sa->unique_id;
    }
    if (vici_ike_is_up(sa)) {
        usec_t at = clock_since(sa->established * USEC_PER_SEC, now);

        v->n_ike_up++;
        if (at > v->established_at)
            v->established_at = at;
    }
    for (size_t i = 0; i < sa->n_children; i++) {
        t->sum_in += sa->children[i].packets_in;
        t->sum_out += sa->children[i].packets_out;
        if (vici_child_is_up(&sa->children[i]))
            v->n_child_up++;
    }
}

static void move_counter(uint64_t *counter, usec_t *moved, uint64_t value, usec_t now)
{
    /* A smaller value is a new CHILD_SA that counts from zero: it moved if it counted anything. */
    if (value > *counter || (value < *counter && value > 0))
        *moved = now;
    *counter = value;
}

/* What follows from the whole list. */
static void end_list(struct tunnel *t, usec_t now)
{
    struct ike_view *v = &t->ike;

    move_counter(&v->packets_in, &v->in_moved, t->sum_in, now);
    move_counter(&v->packets_out, &v->out_moved, t->sum_out, now);
    if (v->n_child_up > 0) {
        v->missing_since = 0;
        v->child_since = v->child_since != 0 ? v->child_since : now;
    } else {
        v->missing_since = v->missing_since != 0 ? v->missing_since : now;
        v->child_since = 0;
    }
    if (v->n_connecting == 0) {
        t->connecting_id = 0;
    } else if (t->connecting_id != t->oldest_connecting) {
        t->connecting_id = t->oldest_connecting;
        t->connecting_id_since = now;
    }
    v->connecting_since = v->n_connecting > 0 ? t->connecting_id_since : 0;
}

/* The tunnel whose endpoint has the address TEXT, as the daemon prints it; NULL where it is none of ours. */
static struct tunnel *tunnel_at(struct daemon *d, const char *text)
{
    char key[ADDR_TEXT_MAX];
    struct addr a;

    return addr_parse(text, &a) >= 0 ? map_get(d->by_outside, addr_text(&a, key)) : NULL;
}

static void take_names(struct tunnel *t, const struct vici_conn *c)
{
    if (t->ike.loaded || c->n_children == 0)
        return;
    t->ike.loaded = true;
    (void)str_copy(t->ike.ike, sizeof(t->ike.ike), c->name);
    (void)str_copy(t->ike.child, sizeof(t->ike.child), str_or(t->conf->ike_child, c->children[0]));
}

/* The names to initiate: the configuration's where they are loaded, else those of the loaded connection to the
 * endpoint. */
static void find_names(struct daemon *d, const struct vici_conns *conns)
{
    const char *key;
    void *value;

    for (size_t i = 0; i < conns->n; i++) {
        for (size_t k = 0; k < conns->conns[i].n_remote_addrs; k++) {
            struct tunnel *t = tunnel_at(d, conns->conns[i].remote_addrs[k]);

            if (t && !t->conf->ike_connection)
                take_names(t, &conns->conns[i]);
        }
    }
    for (size_t pos = 0; map_next(d->by_outside, &pos, &key, &value);) {
        struct tunnel *t = value;

        for (size_t i = 0; t->conf->ike_connection && i < conns->n; i++)
            if (str_eq(conns->conns[i].name, t->conf->ike_connection))
                take_names(t, &conns->conns[i]);
    }
}

static void update_list(struct daemon *d, usec_t now)
{
    const struct vici_sas *sas = ike_sa_probe_sas(d->probe);
    const char *key;
    void *value;

    for (size_t pos = 0; map_next(d->by_outside, &pos, &key, &value);)
        begin_list(value);
    for (size_t i = 0; i < sas->n; i++) {
        char text[ADDR_TEXT_MAX];
        struct tunnel *t = map_get(d->by_outside, addr_text(&sas->sas[i].remote, text));

        if (t)
            add_sa(t, &sas->sas[i], now);
    }
    for (size_t pos = 0; map_next(d->by_outside, &pos, &key, &value);)
        end_list(value, now);
    find_names(d, ike_sa_probe_conns(d->probe));
}

void ike_view_update(struct daemon *d, usec_t now)
{
    enum ike_daemon_state state = ike_sa_probe_daemon(d->probe);
    usec_t when = ike_sa_probe_when(d->probe);
    const char *key;
    void *value;

    if (state != d->state) {
        d->state = state;
        d->since = now;
    }
    if (state == IKE_DAEMON_OK)
        update_list(d, now);
    for (size_t pos = 0; map_next(d->by_outside, &pos, &key, &value);) {
        struct tunnel *t = value;

        t->ike.configured = true;
        t->ike.daemon = state;
        t->ike.daemon_since = d->since;
        t->ike.when = when;
    }
}
