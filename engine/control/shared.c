#include "base/secret.h"
#include "base/str.h"
#include "engine/control/commands.h"
#include "engine/control/control_private.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define TYPE_MAX 32

struct request {
    char unique[CREDS_UNIQUE_MAX], type[TYPE_MAX];
    bool has_unique;
    struct secret *secret; /* owned */
    struct identity owners[CREDS_OWNERS_MAX];
    size_t n_owners;
};

static void request_done(struct request *r)
{
    (void)secret_free(r->secret);
}

/* False: answered. */
static bool take_owner(struct call *c, const struct vici_item *it, struct request *r)
{
    char text[IDENTITY_TEXT_MAX];

    if (r->n_owners == CREDS_OWNERS_MAX) {
        call_fail(c, "a secret has more than %d owners", CREDS_OWNERS_MAX);
        return false;
    }
    if (!vici_item_text(it, text, sizeof(text)) || identity_parse(text, &r->owners[r->n_owners]) < 0) {
        call_fail(c, "an owner of the secret is no identity");
        return false;
    }
    r->n_owners++;
    return true;
}

static bool take_value(struct call *c, const struct vici_item *it, struct request *r)
{
    bool fine = true;

    if (vici_item_is(it, "id")) {
        fine = vici_item_text(it, r->unique, sizeof(r->unique));
        r->has_unique = true;
    } else if (vici_item_is(it, "type")) {
        fine = vici_item_text(it, r->type, sizeof(r->type));
    } else if (vici_item_is(it, "data") && !r->secret) {
        r->secret = secret_new(it->value, it->value_len);
        fine = r->secret;
    }
    if (!fine)
        call_fail(c, "the %.*s of the secret is too long", (int)it->name_len, it->name);
    return fine;
}

static bool take(struct call *c, struct request *r)
{
    struct vici_walk w = vici_walk_of(c->message);
    bool in_owners = false;
    struct vici_item it;

    while (vici_walk_next(&w, &it) != VICI_END) {
        if (it.type == VICI_LIST_START)
            in_owners = w.depth == 0 && vici_item_is(&it, "owners");
        if (it.type == VICI_LIST_ITEM && in_owners && !take_owner(c, &it, r))
            return false;
        if (it.type == VICI_KEY_VALUE && w.depth == 0 && !take_value(c, &it, r))
            return false;
    }
    return true;
}

static bool kind_of(const char *type, enum creds_kind *ret)
{
    if (strcasecmp(type, "ike") != 0 && strcasecmp(type, "ppk") != 0)
        return false;
    *ret = strcasecmp(type, "ike") == 0 ? CREDS_IKE : CREDS_PPK;
    return true;
}

static void store(struct call *c, struct request *r)
{
    enum creds_kind kind;
    int e;

    if (!r->type[0]) {
        call_fail(c, "missing shared key type");
        return;
    }
    if (!kind_of(r->type, &kind)) {
        call_fail(c, "shared keys of type '%s' are not supported: there are IKE and PPK", r->type);
        return;
    }
    if (!r->secret || secret_len(r->secret) == 0) {
        call_fail(c, "missing shared key data");
        return;
    }
    e = creds_take_shared(c->control->config.creds, kind, r->has_unique ? r->unique : NULL, r->owners, r->n_owners,
                          TAKE_PTR(r->secret));
    if (e == -ENOSPC)
        call_fail(c, "there are %d shared keys already", CREDS_SHARED_MAX);
    else if (e < 0)
        call_fail(c, "cannot keep the shared key: %s", strerrordesc_np(-e));
    else
        call_succeed(c);
}

void shared_load(struct call *c)
{
    cleanup(request_done) struct request r = {.has_unique = false};

    if (take(c, &r))
        store(c, &r);
}

void shared_unload(struct call *c)
{
    char unique[CREDS_UNIQUE_MAX];
    int r = args_text(c->message, "id", unique, sizeof(unique));

    if (r == 0)
        call_fail(c, "missing unique identifier");
    else if (r < 0 || creds_remove_shared(c->control->config.creds, unique) < 0)
        call_fail(c, "no shared key of this identifier");
    else
        call_succeed(c);
}

void shared_get(struct call *c)
{
    const char *unique;
    size_t pos = 0;

    vici_put_list(c->reply, "keys");
    while ((unique = creds_next_unique(c->control->config.creds, &pos)))
        vici_put_list_item(c->reply, unique);
    vici_put_list_end(c->reply);
}
