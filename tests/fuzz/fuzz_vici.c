/* The readers of VICI messages: whatever comes, the walk stays within it and says whether it is good, a good message
 * is the same when it is built again, and SAs and connections are read whole or not at all. */
#include "clients/vici/message.h"
#include "clients/vici/sas.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* NAME of the item, NUL-ended. */
static const char *name_of(const struct vici_item *it, char buf[static VICI_NAME_MAX + 1])
{
    memcpy(buf, it->name, it->name_len);
    buf[it->name_len] = '\0';
    assert(vici_item_is(it, buf));
    return buf;
}

/* Appends IT to B. False where its value is no text, which cannot be built. */
static bool build_item(struct strbuf *b, const struct vici_item *it)
{
    static char value[VICI_VALUE_MAX + 1];
    char name[VICI_NAME_MAX + 1];

    if (it->value && !vici_item_text(it, value, sizeof(value)))
        return false;
    switch (it->type) {
    case VICI_SECTION_START:
        vici_put_section(b, name_of(it, name));
        break;
    case VICI_SECTION_END:
        vici_put_section_end(b);
        break;
    case VICI_KEY_VALUE:
        vici_put_value(b, name_of(it, name), value);
        break;
    case VICI_LIST_START:
        vici_put_list(b, name_of(it, name));
        break;
    case VICI_LIST_ITEM:
        vici_put_list_item(b, value);
        break;
    case VICI_LIST_END:
        vici_put_list_end(b);
        break;
    case VICI_END:
        assert(false);
    }
    return true;
}

static void check_inside(const char *p, size_t len, const uint8_t *data, size_t size)
{
    const uint8_t *start = (const uint8_t *)p;

    if (p)
        assert(start >= data && len <= size && (size_t)(start - data) <= size - len);
}

/* The first key of the top level is found with its value. */
static void check_get(struct rd message, const struct vici_item *it)
{
    char name[VICI_NAME_MAX + 1], found[256];

    if (vici_message_get(message, name_of(it, name), found, sizeof(found)))
        assert(strlen(found) == it->value_len && memcmp(found, it->value, it->value_len) == 0);
}

static bool check_walk(struct rd message, const uint8_t *data, size_t size)
{
    cleanup(strbuf_done) struct strbuf again;
    struct vici_walk w = vici_walk_of(message);
    bool is_text = true, first = true;
    struct vici_item it;

    strbuf_init(&again, size);
    while (vici_walk_next(&w, &it) != VICI_END) {
        assert(w.depth <= VICI_DEPTH_MAX);
        check_inside(it.name, it.name_len, data, size);
        check_inside(it.value, it.value_len, data, size);
        is_text = is_text && build_item(&again, &it);
        if (first && it.type == VICI_KEY_VALUE && w.depth == 0) {
            check_get(message, &it);
            first = false;
        }
    }
    assert(vici_message_valid(message) == !w.bad);
    if (!w.bad && is_text) {
        assert(!again.bad && again.len == size);
        assert(size == 0 || memcmp(again.data, data, size) == 0);
    }
    return !w.bad;
}

static void check_sa(const struct vici_ike_sa *sa)
{
    assert(strnlen(sa->name, VICI_SA_NAME_MAX) < VICI_SA_NAME_MAX && sa->name[0]);
    assert(sa->version == 1 || sa->version == 2);
    assert(vici_ike_state_name(sa->state));
    assert(sa->n_children <= VICI_CHILD_SAS_MAX);
    for (size_t i = 0; i < sa->n_children; i++) {
        const struct vici_child_sa *c = &sa->children[i];

        assert(strnlen(c->name, VICI_SA_NAME_MAX) < VICI_SA_NAME_MAX && c->name[0]);
        assert(strnlen(c->spi_in, sizeof(c->spi_in)) < sizeof(c->spi_in));
        assert(vici_child_state_name(c->state));
    }
}

/* The second time gives as much again. */
static void check_sas(struct rd message, bool valid)
{
    struct vici_sas sas = {0};
    int r = vici_sas_add(&sas, message);
    size_t n = sas.n;

    assert(r == 0 ? valid : r == -EBADMSG || (valid && r == -ENOSPC));
    assert(r == 0 || n == 0);
    for (size_t i = 0; i < n; i++)
        check_sa(&sas.sas[i]);
    if (n <= VICI_IKE_SAS_MAX / 2) {
        assert(vici_sas_add(&sas, message) == r);
        assert(sas.n == 2 * n);
    }
    vici_sas_done(&sas);
    assert(sas.n == 0 && !sas.sas);
}

static void check_conns(struct rd message, bool valid)
{
    struct vici_conns conns = {0};
    int r = vici_conns_add(&conns, message);

    assert(r == 0 ? valid : r == -EBADMSG || (valid && r == -ENOSPC));
    assert(r == 0 || conns.n == 0);
    for (size_t i = 0; i < conns.n; i++) {
        const struct vici_conn *c = &conns.conns[i];

        assert(strnlen(c->name, VICI_SA_NAME_MAX) < VICI_SA_NAME_MAX && c->name[0]);
        assert(c->version <= 2);
        assert(c->n_remote_addrs <= VICI_CONN_ADDRS_MAX && c->n_children <= VICI_CONN_CHILDREN_MAX);
        for (size_t k = 0; k < c->n_children; k++)
            assert(strnlen(c->children[k], VICI_SA_NAME_MAX) < VICI_SA_NAME_MAX);
    }
    vici_conns_done(&conns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd message = rd_of(data, size);
    bool valid = check_walk(message, data, size);

    check_sas(message, valid);
    check_conns(message, valid);
    return 0;
}
