#include "clients/vici/sas.h"

#include "base/array.h"
#include "base/str.h"
#include "clients/vici/reading.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STATE_TEXT_MAX 24

static const char *const ike_states[] = {
    [VICI_IKE_OTHER] = "OTHER",           [VICI_IKE_CREATED] = "CREATED",
    [VICI_IKE_CONNECTING] = "CONNECTING", [VICI_IKE_ESTABLISHED] = "ESTABLISHED",
    [VICI_IKE_PASSIVE] = "PASSIVE",       [VICI_IKE_REKEYING] = "REKEYING",
    [VICI_IKE_REKEYED] = "REKEYED",       [VICI_IKE_DELETING] = "DELETING",
    [VICI_IKE_DESTROYING] = "DESTROYING",
};

static const char *const child_states[] = {
    [VICI_CHILD_OTHER] = "OTHER",         [VICI_CHILD_CREATED] = "CREATED",
    [VICI_CHILD_ROUTED] = "ROUTED",       [VICI_CHILD_INSTALLING] = "INSTALLING",
    [VICI_CHILD_INSTALLED] = "INSTALLED", [VICI_CHILD_UPDATING] = "UPDATING",
    [VICI_CHILD_REKEYING] = "REKEYING",   [VICI_CHILD_REKEYED] = "REKEYED",
    [VICI_CHILD_RETRYING] = "RETRYING",   [VICI_CHILD_DELETING] = "DELETING",
    [VICI_CHILD_DELETED] = "DELETED",     [VICI_CHILD_DESTROYING] = "DESTROYING",
};

/* The index of IT's value in NAMES, 0 (OTHER) where it is not there. */
static size_t state_of(const struct vici_item *it, const char *const *names, size_t n)
{
    char text[STATE_TEXT_MAX];

    if (!vici_item_text(it, text, sizeof(text)))
        return 0;
    for (size_t i = 1; i < n; i++)
        if (str_eq(text, names[i]))
            return i;
    return 0;
}

/* charon prints "%any" (IPv6: "%any6") for an address that it does not know yet; it stays unset. */
static void take_host(struct reading *r, const struct vici_item *it, struct addr *ret)
{
    char text[ADDR_TEXT_MAX];

    if (!vici_item_text(it, text, sizeof(text)) || (!str_starts(text, "%any") && addr_parse(text, ret) < 0))
        reading_fail(r, -EBADMSG);
}

static void take_spi(struct reading *r, const struct vici_item *it, char *dst, size_t size)
{
    reading_text(r, it, dst, size);
    if (dst[strspn(dst, "0123456789abcdefABCDEF")] != '\0')
        reading_fail(r, -EBADMSG);
}

static void take_child_value(struct reading *r, const struct vici_item *it, struct vici_child_sa *c)
{
    const struct {
        const char *key;
        uint64_t *value;
    } numbers[] = {
        {"bytes-in", &c->bytes_in},       {"packets-in", &c->packets_in},  {"bytes-out", &c->bytes_out},
        {"packets-out", &c->packets_out}, {"install-time", &c->installed},
    };

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (vici_item_is(it, numbers[i].key))
            *numbers[i].value = reading_number(r, it, UINT64_MAX);
    if (vici_item_is(it, "name"))
        reading_text(r, it, c->name, sizeof(c->name));
    else if (vici_item_is(it, "uniqueid"))
        c->unique_id = (uint32_t)reading_number(r, it, UINT32_MAX);
    else if (vici_item_is(it, "state"))
        c->state = (enum vici_child_state)state_of(it, child_states, ARRAY_LEN(child_states));
    else if (vici_item_is(it, "spi-in"))
        take_spi(r, it, c->spi_in, sizeof(c->spi_in));
    else if (vici_item_is(it, "spi-out"))
        take_spi(r, it, c->spi_out, sizeof(c->spi_out));
}

/* One CHILD_SA, whose section was just entered. */
static void read_child(struct reading *r, struct vici_ike_sa *sa)
{
    unsigned depth = r->walk.depth;
    struct vici_child_sa c = {.state = VICI_CHILD_OTHER}, *children;
    struct vici_item it;

    while (r->walk.depth >= depth && reading_next(r, &it) != VICI_END)
        if (it.type == VICI_KEY_VALUE && r->walk.depth == depth)
            take_child_value(r, &it, &c);
    if (c.name[0] == '\0' || c.unique_id == 0)
        reading_fail(r, -EBADMSG);
    if (sa->n_children == VICI_CHILD_SAS_MAX)
        reading_fail(r, -ENOSPC);
    if (r->error < 0)
        return;
    children = reading_grow(r, sa->children, sa->n_children, sizeof(*children));
    if (!children)
        return;
    sa->children = children;
    sa->children[sa->n_children++] = c;
}

static void read_children(struct reading *r, struct vici_ike_sa *sa)
{
    unsigned depth = r->walk.depth;
    struct vici_item it;

    while (r->walk.depth >= depth && reading_next(r, &it) != VICI_END)
        if (it.type == VICI_SECTION_START)
            read_child(r, sa);
}

/* Kept apart until the addresses are known. */
struct ports {
    uint16_t local, remote;
};

static void take_ike_value(struct reading *r, const struct vici_item *it, struct vici_ike_sa *sa, struct ports *ports)
{
    if (vici_item_is(it, "uniqueid"))
        sa->unique_id = (uint32_t)reading_number(r, it, UINT32_MAX);
    else if (vici_item_is(it, "version"))
        sa->version = (unsigned)reading_number(r, it, 2);
    else if (vici_item_is(it, "state"))
        sa->state = (enum vici_ike_state)state_of(it, ike_states, ARRAY_LEN(ike_states));
    else if (vici_item_is(it, "local-host"))
        take_host(r, it, &sa->local);
    else if (vici_item_is(it, "remote-host"))
        take_host(r, it, &sa->remote);
    else if (vici_item_is(it, "local-port"))
        ports->local = (uint16_t)reading_number(r, it, UINT16_MAX);
    else if (vici_item_is(it, "remote-port"))
        ports->remote = (uint16_t)reading_number(r, it, UINT16_MAX);
    else if (vici_item_is(it, "initiator"))
        sa->initiator = it->value_len == 3 && memcmp(it->value, "yes", 3) == 0;
    else if (vici_item_is(it, "established"))
        sa->established = reading_number(r, it, UINT64_MAX);
}

/* What must be there, and the ports. */
static void finish_ike(struct reading *r, struct vici_ike_sa *sa, const struct ports *ports)
{
    if (sa->unique_id == 0 || sa->version == 0)
        reading_fail(r, -EBADMSG);
    if (addr_is_set(&sa->local))
        addr_set_port(&sa->local, ports->local);
    if (addr_is_set(&sa->remote))
        addr_set_port(&sa->remote, ports->remote);
}

/* One IKE_SA, whose section was just entered. */
static void read_ike(struct reading *r, const struct vici_item *section, struct vici_ike_sa *sa)
{
    unsigned depth = r->walk.depth;
    struct ports ports = {0};
    bool tasks = false;
    struct vici_item it;

    reading_name(r, section, sa->name, VICI_SA_NAME_MAX);
    while (r->walk.depth >= depth) {
        switch (reading_next(r, &it)) {
        case VICI_END:
            return;
        case VICI_SECTION_START:
            if (vici_item_is(&it, "child-sas"))
                read_children(r, sa);
            else
                reading_skip_section(r);
            break;
        case VICI_KEY_VALUE:
            take_ike_value(r, &it, sa, &ports);
            break;
        case VICI_LIST_START:
            tasks = vici_item_is(&it, "tasks-active");
            break;
        case VICI_LIST_ITEM:
            sa->tasks_active = sa->tasks_active || tasks;
            break;
        case VICI_SECTION_END:
        case VICI_LIST_END:
            break;
        }
    }
    finish_ike(r, sa, &ports);
}

static void add_sa(struct reading *r, const struct vici_item *section, struct vici_sas *sas)
{
    struct vici_ike_sa *all;

    if (sas->n == VICI_IKE_SAS_MAX) {
        reading_fail(r, -ENOSPC);
        return;
    }
    all = reading_grow(r, sas->sas, sas->n, sizeof(*all));
    if (!all)
        return;
    sas->sas = all;
    all[sas->n] = (struct vici_ike_sa){.state = VICI_IKE_OTHER};
    read_ike(r, section, &all[sas->n++]);
}

int vici_sas_add(struct vici_sas *sas, struct rd message)
{
    struct reading r = reading_of(message);
    size_t before = sas->n;
    struct vici_item it;

    if (!vici_message_valid(message))
        return -EBADMSG;
    while (reading_next(&r, &it) != VICI_END)
        if (it.type == VICI_SECTION_START)
            add_sa(&r, &it, sas);
    while (r.error < 0 && sas->n > before)
        free(sas->sas[--sas->n].children);
    return r.error;
}

void vici_sas_done(struct vici_sas *sas)
{
    for (size_t i = 0; i < sas->n; i++)
        free(sas->sas[i].children);
    free(sas->sas);
    *sas = (struct vici_sas){0};
}

const char *vici_ike_state_name(enum vici_ike_state s)
{
    return ike_states[s];
}

const char *vici_child_state_name(enum vici_child_state s)
{
    return child_states[s];
}

bool vici_ike_is_up(const struct vici_ike_sa *sa)
{
    return sa->state == VICI_IKE_ESTABLISHED || sa->state == VICI_IKE_REKEYING;
}

bool vici_child_is_up(const struct vici_child_sa *c)
{
    return c->state == VICI_CHILD_INSTALLED || c->state == VICI_CHILD_UPDATING || c->state == VICI_CHILD_REKEYING;
}
