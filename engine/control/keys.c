#include "base/str.h"
#include "engine/control/commands.h"
#include "engine/control/control_private.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX   32
#define ID_HEX_LEN (2 * PKEY_ID_LEN)

/* "any" and the format "pkcs8" hold every kind. */
static bool type_fits(const char *type, enum pkey_kind kind)
{
    return strcasecmp(type, "any") == 0 || strcasecmp(type, "pkcs8") == 0 ||
           strcasecmp(type, pkey_kind_name(kind)) == 0;
}

void keys_load(struct call *c)
{
    cleanup(pkey_freep) struct pkey *key = NULL;
    char type[WORD_MAX], id[ID_HEX_LEN + 1];
    struct vici_item data;
    int r;

    if (args_text(c->message, "type", type, sizeof(type)) <= 0) {
        call_fail(c, "private key type missing");
        return;
    }
    if (!args_item(c->message, "data", &data)) {
        call_fail(c, "private key data missing");
        return;
    }
    r = pkey_parse(data.value, data.value_len, &key);
    if (r == -ENOTSUP) {
        call_fail(c, "private keys of this kind or size are not supported");
        return;
    }
    if (r < 0 || !type_fits(type, pkey_kind(key))) {
        call_fail(c, "parsing %s private key failed", type);
        return;
    }
    str_hex(id, pkey_id(key), PKEY_ID_LEN);
    r = creds_take_key(c->control->config.creds, TAKE_PTR(key));
    if (r < 0) {
        call_fail(c, "cannot keep the private key: %s", strerrordesc_np(-r));
        return;
    }
    call_succeed(c);
    vici_put_value(c->reply, "id", id);
}

static int digit_of(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c | 0x20) : NULL;

    return at ? (int)(at - digits) : -1;
}

static bool id_of(const char *hex, uint8_t id[static PKEY_ID_LEN])
{
    if (strlen(hex) != ID_HEX_LEN)
        return false;
    for (size_t i = 0; i < PKEY_ID_LEN; i++) {
        int high = digit_of(hex[2 * i]), low = digit_of(hex[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        id[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void keys_unload(struct call *c)
{
    char hex[ID_HEX_LEN + 1];
    uint8_t id[PKEY_ID_LEN];
    int r = args_text(c->message, "id", hex, sizeof(hex));

    if (r == 0)
        call_fail(c, "key id missing");
    else if (r < 0 || !id_of(hex, id))
        call_fail(c, "failed to parse key id");
    else if (creds_remove_key(c->control->config.creds, id) < 0)
        call_fail(c, "key not found");
    else
        call_succeed(c);
}

void keys_get(struct call *c)
{
    char id[ID_HEX_LEN + 1];
    const struct pkey *k;
    size_t pos = 0;

    vici_put_list(c->reply, "keys");
    while ((k = creds_next_key(c->control->config.creds, &pos))) {
        str_hex(id, pkey_id(k), PKEY_ID_LEN);
        vici_put_list_item(c->reply, id);
    }
    vici_put_list_end(c->reply);
}
