#include "engine/ike/fragments.h"

#include "base/cleanup.h"
#include "base/secret.h"

#include <errno.h>
#include <string.h>

void fragments_clear(struct fragments *fs)
{
    for (size_t i = 0; i < FRAGMENTS_MAX; i++) {
        if (fs->data[i])
            secret_wipe(fs->data[i], fs->len[i]);
        free(fs->data[i]);
    }
    *fs = (struct fragments){0};
}

static bool sound(const struct fragment *f)
{
    if (f->number == 0 || f->total == 0 || f->number > f->total)
        return false;
    /* RFC 7383 2.5: the first payload's type stands in the first fragment, and zero in all others. */
    return f->number == 1 || f->first_payload == 0;
}

/* RFC 7383 2.6: a sender that lowered its fragment size begins anew with more of them; older ones are void. */
static bool begins_anew(const struct fragments *fs, uint32_t message_id, const struct fragment *f)
{
    return !fs->active || fs->message_id != message_id || f->total > fs->total;
}

static int keep(struct fragments *fs, const struct fragment *f)
{
    uint8_t *copy = malloc(f->len > 0 ? f->len : 1);
    if (!copy)
        return -ENOMEM;
    if (f->len > 0)
        memcpy(copy, f->data, f->len);
    fs->data[f->number - 1] = copy;
    fs->len[f->number - 1] = f->len;
    fs->bytes += f->len;
    fs->have++;
    if (f->number == 1)
        fs->first_payload = f->first_payload;
    return 0;
}

static int join(struct fragments *fs, uint8_t *ret_first, uint8_t **ret, size_t *ret_len)
{
    uint8_t *whole = malloc(fs->bytes > 0 ? fs->bytes : 1);
    if (!whole)
        return -ENOMEM;
    size_t at = 0;
    for (size_t i = 0; i < fs->total; i++) {
        memcpy(whole + at, fs->data[i], fs->len[i]);
        at += fs->len[i];
    }
    *ret_first = fs->first_payload;
    *ret = whole;
    *ret_len = at;
    fragments_clear(fs);
    return 1;
}

int fragments_add(struct fragments *fs, uint32_t message_id, const struct fragment *f, uint8_t *ret_first,
                  uint8_t **ret, size_t *ret_len)
{
    if (!sound(f))
        return -EBADMSG;
    if (f->total > FRAGMENTS_MAX || f->len > FRAGMENTS_BYTES_MAX)
        return -ENOSPC;
    if (begins_anew(fs, message_id, f)) {
        fragments_clear(fs);
        fs->active = true;
        fs->message_id = message_id;
        fs->total = f->total;
    }
    if (f->total < fs->total)
        return 0; /* of an older, coarser round */
    if (!fs->data[f->number - 1]) {
        if (fs->bytes + f->len > FRAGMENTS_BYTES_MAX)
            return -ENOSPC;
        int r = keep(fs, f);
        if (r < 0)
            return r;
    }
    /* A duplicate finds them complete where there was no memory to join them. */
    return fs->have == fs->total ? join(fs, ret_first, ret, ret_len) : 0;
}
