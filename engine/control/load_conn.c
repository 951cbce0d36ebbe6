#include "engine/control/load_conn.h"

#include "base/str.h"
#include "clients/vici/message.h"
#include "engine/control/load_conn_keys.h"
#include "engine/wire/ikev2.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define UNSET           UINT64_MAX
#define VALUE_TEXT_MAX  1024 /* and the NUL; an identity is the longest */
#define VALUE_SHOWN_MAX 80

struct load {
    struct vici_walk walk;
    struct ike_conf *conf;
    bool legacy;
    bool local, remote, children; /* the section was there */
    char *error;
    size_t size;
};

/* A section under way. */
struct section {
    enum load_section kind;
    const char *name; /* of a child */
    void *base;
    bool given[LOAD_KEYS_MAX];
};

/* "connection 'aws-1', child 'net': " and SENTENCE. Returns R. */
__attribute__((format(printf, 4, 5))) static int fail(struct load *l, const struct section *s, int r, const char *fmt,
                                                      ...)
{
    char where[CONF_NAME_MAX + 16] = "", sentence[LOAD_CONN_ERROR_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(sentence, sizeof(sentence), fmt, ap);
    va_end(ap);
    if (s && s->kind == LOAD_CHILD)
        (void)str_format(where, sizeof(where), ", child '%s'", s->name);
    else if (s && s->kind != LOAD_CONN)
        (void)str_copy(where, sizeof(where), s->kind == LOAD_LOCAL ? ", local" : ", remote");
    (void)str_format(l->error, l->size, "connection '%s'%s: %s", l->conf->name, where, sentence);
    return r;
}

static int bad_message(struct load *l)
{
    (void)str_copy(l->error, l->size, "the request is not a message of VICI");
    return -EBADMSG;
}

/* Names of keys and sections, NUL-ended; what is not printable shows as '?'. */
static void name_of(const struct vici_item *it, char buf[static VICI_NAME_MAX + 1])
{
    str_printable(buf, VICI_NAME_MAX + 1, it->name, it->name_len);
}

/* Connections and children: names stand in logs and in list-sas. */
static bool take_name(const struct vici_item *it, char buf[static CONF_NAME_MAX])
{
    if (it->name_len == 0 || it->name_len >= CONF_NAME_MAX)
        return false;
    str_printable(buf, CONF_NAME_MAX, it->name, it->name_len);
    return memcmp(buf, it->name, it->name_len) == 0;
}

/* Values -------------------------------------------------------------------------------------------------------- */

static int explain(struct load *l, const struct section *s, const struct load_key *key, const struct load_value *v,
                   int r)
{
    char shown[VALUE_SHOWN_MAX] = "", pair[VICI_NAME_MAX + VALUE_SHOWN_MAX + 4];
    const char *colon = *v->why ? ": " : "";

    if (v->text)
        str_printable(shown, sizeof(shown), v->text, strlen(v->text));
    (void)str_format(pair, sizeof(pair), "%s%s%s", key->name, *shown ? " = " : "", shown);
    if (r == -ENOTSUP)
        return fail(l, s, r, "'%s' is not supported by this engine%s%s", pair, colon, v->why);
    if (r == -ENOSPC && !*v->why)
        return fail(l, s, r, "'%s' has too many values", key->name);
    if (r == -ENOMEM)
        return fail(l, s, r, "no memory");
    return fail(l, s, r, "'%s' is not valid%s%s", pair, colon, v->why);
}

static int read_value(struct load *l, struct section *s, const struct load_key *key, struct load_value v)
{
    char why[LOAD_WHY_MAX] = "";
    int r;

    v.legacy = l->legacy;
    v.why = why;
    if (!v.text && !key->binary)
        r = key->parse ? -EINVAL : -ENOTSUP;
    else if (key->parse)
        r = key->parse(key, &v, s->base);
    else
        r = load_key_harmless(key, v.text) ? 0 : -ENOTSUP;
    return r < 0 ? explain(l, s, key, &v, r) : 0;
}

/* The value as text; false where it has a control character: it may stand in a log (charon takes none either). */
static bool text_of(const struct vici_item *it, char *buf, size_t size)
{
    if (it->value_len >= size)
        return false;
    str_printable(buf, size, it->value, it->value_len);
    return memcmp(buf, it->value, it->value_len) == 0;
}

/* An item of a list, or a whole value. */
static int read_item(struct load *l, struct section *s, const struct load_key *key, const struct vici_item *it,
                     bool first)
{
    char text[VALUE_TEXT_MAX];
    bool is_text = !key->binary && text_of(it, text, sizeof(text));

    return read_value(
        l, s, key,
        (struct load_value){.text = is_text ? text : NULL, .data = it->value, .len = it->value_len, .first = first});
}

/* Lists that swanctl does not know as such come as text, with commas. */
static int read_split(struct load *l, struct section *s, const struct load_key *key, const struct vici_item *it)
{
    char copy[4096], *rest = copy, *word;
    bool first = true;
    int r = 0;

    if (!text_of(it, copy, sizeof(copy)))
        return read_value(l, s, key, (struct load_value){.text = NULL});
    while (r == 0 && (word = strsep(&rest, ","))) {
        size_t len;

        word += strspn(word, " ");
        for (len = strlen(word); len > 0 && word[len - 1] == ' '; len--)
            word[len - 1] = '\0';
        if (*word == '\0')
            continue;
        r = read_value(l, s, key, (struct load_value){.text = word, .data = word, .len = len, .first = first});
        first = false;
    }
    return r;
}

static int read_list(struct load *l, struct section *s, const struct load_key *key)
{
    struct vici_item it;
    enum vici_element e;
    bool first = true;

    while ((e = vici_walk_next(&l->walk, &it)) == VICI_LIST_ITEM) {
        int r = read_item(l, s, key, &it, first);

        if (r < 0)
            return r;
        first = false;
    }
    return e == VICI_LIST_END ? 0 : bad_message(l);
}

static int read_key(struct load *l, struct section *s, const struct vici_item *it)
{
    bool is_list = it->type == VICI_LIST_START;
    char name[VICI_NAME_MAX + 1];
    const struct load_key *key;
    size_t i = 0;

    name_of(it, name);
    key = load_key_find(s->kind, name, &i);
    if (!key)
        return fail(l, s, -EINVAL, "unknown option '%s'", name);
    if (s->given[i])
        return fail(l, s, -EINVAL, "'%s' is given twice", name);
    s->given[i] = true;
    if (is_list && !key->list)
        return fail(l, s, -EINVAL, "'%s' is not a list", name);
    if (!is_list && key->binary)
        return fail(l, s, -EINVAL, "'%s' must be a list", name);
    if (is_list)
        return read_list(l, s, key);
    return key->list ? read_split(l, s, key, it) : read_item(l, s, key, it, true);
}

/* Sections ------------------------------------------------------------------------------------------------------ */

/* Reads S to its end; ENTER reads a section inside it. */
static int read_section(struct load *l, struct section *s,
                        int (*enter)(struct load *l, struct section *s, const struct vici_item *it))
{
    enum vici_element e;
    struct vici_item it;
    int r = 0;

    while (r == 0) {
        e = vici_walk_next(&l->walk, &it);
        switch (e) {
        case VICI_SECTION_START:
            r = enter(l, s, &it);
            break;
        case VICI_KEY_VALUE:
        case VICI_LIST_START:
            r = read_key(l, s, &it);
            break;
        case VICI_SECTION_END:
            return 0;
        case VICI_LIST_ITEM:
        case VICI_LIST_END:
        case VICI_END:
            return bad_message(l);
        }
    }
    return r;
}

static int enter_nothing(struct load *l, struct section *s, const struct vici_item *it)
{
    char name[VICI_NAME_MAX + 1];

    name_of(it, name);
    return fail(l, s, -EINVAL, "unknown section '%s'", name);
}

/* `cert` and `cacert` sections name files and tokens: the engine opens neither. */
static int enter_side(struct load *l, struct section *s, const struct vici_item *it)
{
    char name[VICI_NAME_MAX + 1];

    name_of(it, name);
    if (strncasecmp(name, "cert", 4) != 0 && strncasecmp(name, "cacert", 6) != 0)
        return enter_nothing(l, s, it);
    return fail(l, s, -ENOTSUP, "section '%s' is not supported by this engine: it takes the certificates of '%s'", name,
                strncasecmp(name, "cert", 4) == 0 ? "certs" : "cacerts");
}

/* What is not given follows from what is: the hard limit is 10 % behind the soft one, the difference is random. */
static void complete_limit(struct conf_limit *lim, uint64_t rekey)
{
    if (lim->rekey == UNSET)
        lim->rekey = lim->life == UNSET ? rekey : lim->life / 11 * 10;
    if (lim->life == UNSET)
        lim->life = lim->rekey + lim->rekey / 10;
    if (lim->random == UNSET)
        lim->random = lim->life > lim->rekey ? lim->life - lim->rekey : 0;
    /* Rekeying must not follow upon rekeying. */
    if (lim->random > lim->rekey / 2)
        lim->random = lim->rekey / 2;
}

static int enter_child(struct load *l, struct section *s, const struct vici_item *it)
{
    const struct conf_limit unset = {.rekey = UNSET, .life = UNSET, .random = UNSET};
    struct section section = {.kind = LOAD_CHILD};
    struct child_conf *child = NULL;
    char name[CONF_NAME_MAX];
    struct conf_limit usual;
    int r;

    if (!take_name(it, name))
        return fail(l, s, -EINVAL, "the name of a child is empty, too long or not printable");
    if (ike_conf_child(l->conf, name))
        return fail(l, s, -EINVAL, "child '%s' is given twice", name);
    r = ike_conf_add_child(l->conf, &child);
    if (r < 0)
        return fail(l, s, r, r == -ENOSPC ? "it has more than %d children" : "no memory for %d children",
                    CONF_CHILDREN_MAX);
    (void)str_copy(child->name, sizeof(child->name), name);
    section.name = child->name;
    section.base = child;
    usual = child->time;
    child->time = child->bytes = child->packets = unset;
    r = read_section(l, &section, enter_nothing);
    complete_limit(&child->time, usual.rekey);
    complete_limit(&child->bytes, 0);
    complete_limit(&child->packets, 0);
    return r;
}

static int read_children(struct load *l, struct section *s)
{
    struct vici_item it;
    enum vici_element e;
    char name[VICI_NAME_MAX + 1];

    if (l->children)
        return fail(l, s, -EINVAL, "section 'children' is given twice");
    l->children = true;
    while ((e = vici_walk_next(&l->walk, &it)) == VICI_SECTION_START) {
        int r = enter_child(l, s, &it);

        if (r < 0)
            return r;
    }
    if (e == VICI_SECTION_END)
        return 0;
    if (e != VICI_KEY_VALUE && e != VICI_LIST_START)
        return bad_message(l);
    name_of(&it, name);
    return fail(l, s, -EINVAL, "unknown option '%s' in 'children'", name);
}

static int read_side(struct load *l, struct section *s, bool local)
{
    struct section section = {.kind = local ? LOAD_LOCAL : LOAD_REMOTE};
    bool *seen = local ? &l->local : &l->remote;

    if (*seen)
        return fail(l, s, -ENOTSUP, "several rounds of authentication (%s) are not supported by this engine",
                    local ? "local" : "remote");
    *seen = true;
    section.base = local ? &l->conf->local : &l->conf->remote;
    return read_section(l, &section, enter_side);
}

static int enter_conn(struct load *l, struct section *s, const struct vici_item *it)
{
    char name[VICI_NAME_MAX + 1];

    name_of(it, name);
    if (strcasecmp(name, "children") == 0)
        return read_children(l, s);
    if (strncasecmp(name, "local", 5) == 0)
        return read_side(l, s, true);
    if (strncasecmp(name, "remote", 6) == 0)
        return read_side(l, s, false);
    return enter_nothing(l, s, it);
}

/* As charon: reauthentication alone means no rekeying; the random part is at most half of the shorter time. */
static void complete_times(struct ike_conf *c, usec_t rekey)
{
    usec_t longer, shorter;

    if (c->rekey_time == UNSET)
        c->rekey_time = c->reauth_time == UNSET ? rekey : 0;
    if (c->reauth_time == UNSET)
        c->reauth_time = 0;
    longer = c->rekey_time > c->reauth_time ? c->rekey_time : c->reauth_time;
    shorter = c->rekey_time > c->reauth_time ? c->reauth_time : c->rekey_time;
    if (shorter == 0)
        shorter = longer;
    if (c->over_time == UNSET)
        c->over_time = longer / 10;
    if (c->rand_time == UNSET)
        c->rand_time = c->over_time;
    if (c->rand_time > shorter / 2)
        c->rand_time = shorter / 2;
}

static int read_conn(struct load *l, const struct vici_item *it)
{
    struct section section = {.kind = LOAD_CONN, .base = l->conf};
    usec_t rekey = l->conf->rekey_time;
    struct vici_item more;
    int r;

    if (!take_name(it, l->conf->name)) {
        (void)str_copy(l->error, l->size, "the name of the connection is empty, too long or not printable");
        return -EINVAL;
    }
    l->conf->rekey_time = l->conf->reauth_time = l->conf->over_time = l->conf->rand_time = UNSET;
    r = read_section(l, &section, enter_conn);
    if (r < 0)
        return r;
    complete_times(l->conf, rekey);
    if (l->conf->local_port == IKE_PORT_NATT && l->conf->remote_port == IKE_PORT)
        return fail(l, &section, -EINVAL,
                    "'local_port = 4500' needs a 'remote_port' other than 500"); /* RFC 3948 2.2 */
    if (vici_walk_next(&l->walk, &more) != VICI_END)
        return fail(l, &section, -EINVAL, "there is more than one connection in the request");
    return l->walk.bad ? bad_message(l) : 0;
}

int load_conn_read(struct rd message, bool allow_legacy, struct ike_conf **ret, char *error, size_t size)
{
    cleanup(ike_conf_unrefp) struct ike_conf *conf = ike_conf_new();
    struct load l = {.walk = vici_walk_of(message), .conf = conf, .legacy = allow_legacy, .error = error, .size = size};
    struct vici_item it;
    int r;

    if (!conf) {
        (void)str_copy(error, size, "no memory");
        return -ENOMEM;
    }
    if (!vici_message_valid(message))
        return bad_message(&l);
    if (vici_walk_next(&l.walk, &it) != VICI_SECTION_START) {
        (void)str_copy(error, size, "there is no connection in the request");
        return -EINVAL;
    }
    r = read_conn(&l, &it);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(conf);
    return 0;
}
