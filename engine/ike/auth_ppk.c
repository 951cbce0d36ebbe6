/* Postquantum preshared keys (RFC 8784). */
#include "engine/ike/auth.h"

#include <errno.h>
#include <string.h>

#define PPK_ID_OPAQUE 1
#define PPK_ID_FIXED  2

int auth_ppk_mix(const struct ike_sa *sa, const struct identity *id, struct ike_keys *ret)
{
    const struct secret *s = creds_shared(core_creds(sa->engine), CREDS_PPK, id, NULL);
    struct ike_keys keys = sa->keys;
    int r = s ? keymat_mix_ppk(&keys, &(keymat_bytes){(const uint8_t *)secret_text(s), secret_len(s)}) : -ENOENT;

    if (r == 0)
        *ret = keys;
    ike_keys_wipe(&keys);
    return r;
}

void auth_ppk_write_id(struct chain_writer *cw, const struct identity *id)
{
    uint8_t buf[1 + IDENTITY_MAX] = {PPK_ID_FIXED};

    memcpy(buf + 1, id->data, id->len);
    payload_write_notify(cw, NOTIFY_PPK_IDENTITY, PROTO_NONE, NULL, 0, buf, 1 + id->len);
}

/* The type of the identity is not on the wire: it is that of the one that is configured, or what its text would be. */
static bool read_as(const struct identity *like, const uint8_t *data, size_t len, struct identity *ret)
{
    static const enum ike_id_type types[] = {ID_FQDN, ID_RFC822_ADDR, ID_KEY_ID};

    if (like->type != ID_ANY)
        return identity_from_wire((uint8_t)like->type, data, len, ret) == 0;
    for (size_t i = memchr(data, '@', len) ? 1 : 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (identity_from_wire((uint8_t)types[i], data, len, ret) == 0)
            return true;
    return false;
}

bool auth_ppk_read_id(const struct ike_conf *c, const struct notify_payload *n, struct identity *ret)
{
    struct identity id;

    if (n->data.len < 2 || (n->data.data[0] != PPK_ID_OPAQUE && n->data.data[0] != PPK_ID_FIXED))
        return false;
    if (!read_as(&c->ppk_id, n->data.data + 1, n->data.len - 1, &id) ||
        identity_match(&id, &c->ppk_id) == IDENTITY_MATCH_NONE)
        return false;
    *ret = id;
    return true;
}
