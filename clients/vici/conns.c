/* The half of sas.h that is about loaded connections. */
#include "clients/vici/sas.h"

#include "base/array.h"
#include "base/str.h"
#include "clients/vici/reading.h"

#include <errno.h>
#include <stdlib.h>

#define VERSION_TEXT_MAX 16

static void take_version(struct reading *r, const struct vici_item *it, struct vici_conn *c)
{
    static const char *const versions[] = {"IKEv1/2", "IKEv1", "IKEv2"};
    char text[VERSION_TEXT_MAX];

    reading_text(r, it, text, sizeof(text));
    for (unsigned i = 0; r->error == 0 && i < ARRAY_LEN(versions); i++) {
        if (str_eq(text, versions[i])) {
            c->version = i;
            return;
        }
    }
    reading_fail(r, -EBADMSG);
}

/* The names in "children"; what the daemon says of each is skipped. */
static void read_conn_children(struct reading *r, struct vici_conn *c)
{
    unsigned depth = r->walk.depth;
    struct vici_item it;

    while (r->walk.depth >= depth && reading_next(r, &it) != VICI_END) {
        if (it.type != VICI_SECTION_START)
            continue;
        if (c->n_children < VICI_CONN_CHILDREN_MAX)
            reading_name(r, &it, c->children[c->n_children++], VICI_SA_NAME_MAX);
        reading_skip_section(r);
    }
}

/* A text too long for an address is a host name. */
static void take_remote(const struct vici_item *it, struct vici_conn *c)
{
    if (c->n_remote_addrs < VICI_CONN_ADDRS_MAX &&
        vici_item_text(it, c->remote_addrs[c->n_remote_addrs], sizeof(c->remote_addrs[0])))
        c->n_remote_addrs++;
}

/* One connection, whose section was just entered. */
static void read_conn(struct reading *r, const struct vici_item *section, struct vici_conn *c)
{
    unsigned depth = r->walk.depth;
    bool remotes = false;
    struct vici_item it;

    reading_name(r, section, c->name, VICI_SA_NAME_MAX);
    while (r->walk.depth >= depth) {
        switch (reading_next(r, &it)) {
        case VICI_END:
            return;
        case VICI_SECTION_START:
            if (vici_item_is(&it, "children"))
                read_conn_children(r, c);
            else
                reading_skip_section(r);
            break;
        case VICI_KEY_VALUE:
            if (vici_item_is(&it, "version"))
                take_version(r, &it, c);
            break;
        case VICI_LIST_START:
            remotes = vici_item_is(&it, "remote_addrs");
            break;
        case VICI_LIST_ITEM:
            if (remotes)
                take_remote(&it, c);
            break;
        case VICI_SECTION_END:
        case VICI_LIST_END:
            break;
        }
    }
}

static void add_conn(struct reading *r, const struct vici_item *section, struct vici_conns *conns)
{
    struct vici_conn *all;

    if (conns->n == VICI_CONNS_MAX) {
        reading_fail(r, -ENOSPC);
        return;
    }
    all = reading_grow(r, conns->conns, conns->n, sizeof(*all));
    if (!all)
        return;
    conns->conns = all;
    all[conns->n] = (struct vici_conn){0};
    read_conn(r, section, &all[conns->n++]);
}

int vici_conns_add(struct vici_conns *conns, struct rd message)
{
    struct reading r = reading_of(message);
    size_t before = conns->n;
    struct vici_item it;

    if (!vici_message_valid(message))
        return -EBADMSG;
    while (reading_next(&r, &it) != VICI_END)
        if (it.type == VICI_SECTION_START)
            add_conn(&r, &it, conns);
    if (r.error < 0)
        conns->n = before;
    return r.error;
}

void vici_conns_done(struct vici_conns *conns)
{
    free(conns->conns);
    *conns = (struct vici_conns){0};
}
