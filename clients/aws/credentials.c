#include "clients/aws/credentials.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "clients/aws/profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Three texts as a provider found them; "" where it has none. */
struct found {
    struct strbuf id;
    struct strbuf key;
    struct strbuf token;
};

/*
 * A source of keys. `find` fills what it has and returns -ENOENT where it has nothing at all: the next one is asked.
 * Any other error ends the search, since going on with somebody else's keys would surprise.
 */
struct provider {
    int (*find)(struct found *ret);
    void (*describe)(struct strbuf *out); /* what was looked at */
};

static void add_variable(struct strbuf *out, const char *name)
{
    strbuf_puts(out, str_or(getenv(name), ""));
}

static int find_in_environment(struct found *ret)
{
    add_variable(&ret->id, "AWS_ACCESS_KEY_ID");
    add_variable(&ret->key, "AWS_SECRET_ACCESS_KEY");
    add_variable(&ret->token, "AWS_SESSION_TOKEN");
    return ret->id.len == 0 && ret->key.len == 0 ? -ENOENT : 0;
}

static void describe_environment(struct strbuf *out)
{
    strbuf_puts(out, "AWS_ACCESS_KEY_ID in the environment");
}

static int find_in_file(enum profile_file file, struct found *ret)
{
    int r = profile_get(file, "aws_access_key_id", &ret->id);
    int k = profile_get(file, "aws_secret_access_key", &ret->key);

    if (r < 0 && r != -ENOENT)
        return r;
    if (k < 0 && (k != -ENOENT || r < 0))
        return k;
    k = profile_get(file, "aws_session_token", &ret->token);
    return k == -ENOENT ? 0 : k;
}

static void describe_file(enum profile_file file, struct strbuf *out)
{
    char path[PROFILE_PATH_MAX];

    if (profile_path(file, path) < 0)
        strbuf_puts(out, file == PROFILE_CONFIG ? "no config file (HOME is not set)"
                                                : "no credentials file (HOME is not set)");
    else
        strbuf_printf(out, "profile %s in %s", profile_name(), path);
}

static int find_in_credentials_file(struct found *ret)
{
    return find_in_file(PROFILE_CREDENTIALS, ret);
}

static void describe_credentials_file(struct strbuf *out)
{
    describe_file(PROFILE_CREDENTIALS, out);
}

static int find_in_config_file(struct found *ret)
{
    return find_in_file(PROFILE_CONFIG, ret);
}

static void describe_config_file(struct strbuf *out)
{
    describe_file(PROFILE_CONFIG, out);
}

/* In the order of asking. */
static const struct provider providers[] = {
    {find_in_environment, describe_environment},
    {find_in_credentials_file, describe_credentials_file},
    {find_in_config_file, describe_config_file},
};

/* A key id goes into a header as it is. */
static bool is_key_id(const char *id)
{
    return id[0] && strlen(id) < AWS_ACCESS_KEY_MAX &&
           id[strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static bool is_header_text(const char *text)
{
    for (size_t i = 0; text[i]; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return true;
}

static int take(const struct found *f, struct aws_credentials *ret)
{
    struct aws_credentials c = {0};

    if (f->id.bad || f->key.bad || f->token.bad)
        return -EINVAL;
    if (!is_key_id(strbuf_text(&f->id)) || f->key.len == 0 || !is_header_text(strbuf_text(&f->token)))
        return -EINVAL;
    (void)str_copy(c.access_key_id, sizeof c.access_key_id, strbuf_text(&f->id));
    c.secret_key = secret_new(strbuf_text(&f->key), f->key.len);
    if (f->token.len > 0)
        c.session_token = secret_new(strbuf_text(&f->token), f->token.len);
    if (!c.secret_key || (f->token.len > 0 && !c.session_token)) {
        aws_credentials_done(&c);
        return -ENOMEM;
    }
    *ret = c;
    return 0;
}

static int ask(const struct provider *p, struct aws_credentials *ret)
{
    struct found f;
    int r;

    strbuf_init_secret(&f.id, AWS_ACCESS_KEY_MAX);
    strbuf_init_secret(&f.key, SECRET_MAX);
    strbuf_init_secret(&f.token, SECRET_MAX);
    r = p->find(&f);
    if (r == 0)
        r = take(&f, ret);
    strbuf_done(&f.id);
    strbuf_done(&f.key);
    strbuf_done(&f.token);
    return r;
}

static void describe_all(struct strbuf *out)
{
    strbuf_puts(out, "no AWS credentials found; looked at ");
    for (size_t i = 0; i < ARRAY_LEN(providers); i++) {
        strbuf_puts(out, i > 0 ? ", " : "");
        providers[i].describe(out);
    }
}

int aws_credentials_find(struct aws_credentials *ret, char *why, size_t len)
{
    cleanup(strbuf_done) struct strbuf text;

    strbuf_init(&text, 3 * PROFILE_PATH_MAX);
    for (size_t i = 0; i < ARRAY_LEN(providers); i++) {
        int r = ask(&providers[i], ret);
        if (r == 0)
            return 0;
        if (r == -ENOENT)
            continue;
        strbuf_puts(&text, r == -EINVAL ? "AWS credentials are incomplete or malformed: " : "AWS credentials: ");
        providers[i].describe(&text);
        if (r != -EINVAL)
            strbuf_printf(&text, ": %s", strerrordesc_np(-r));
        str_printable(why, len, strbuf_text(&text), text.len);
        return r;
    }
    describe_all(&text);
    str_printable(why, len, strbuf_text(&text), text.len);
    return -ENOENT;
}

void aws_credentials_done(struct aws_credentials *c)
{
    c->secret_key = secret_free(c->secret_key);
    c->session_token = secret_free(c->session_token);
    secret_wipe(c->access_key_id, sizeof c->access_key_id);
}
