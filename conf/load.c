/* From the text of a file to a struct conf: syntax, then values, then what values say of each other. */
#include "conf/conf.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "conf/check.h"
#include "conf/options.h"
#include "conf/report.h"
#include "conf/syntax.h"

#include <errno.h>
#include <string.h>

#define WHY_MAX CONF_ERROR_MAX

static int load_value(struct conf_report *r, const struct conf_option *o, int line, const char *text, void *object)
{
    struct strbuf why cleanup(strbuf_done);

    strbuf_init(&why, WHY_MAX);
    int err = o->parse(o, text, object, &why);

    if (err == -EINVAL)
        conf_report_error(r, line, "%s: %s", o->key, strbuf_text(&why));
    return err == -EINVAL ? 0 : err; /* mistakes are collected; only the lack of memory ends it */
}

/* Fills OBJECT, the struct of section S, from what stands in SEC and from the defaults. SEC may be NULL: defaults. */
static int load_options(struct conf_report *r, enum conf_section s, cfg_t *sec, void *object)
{
    size_t n;
    const struct conf_option *o = conf_options(&n);
    int err = 0;

    for (const struct conf_option *end = &o[n]; o < end && err == 0; o++) {
        size_t values = sec && o->section == s ? conf_syntax_count(sec, o->key) : 0;

        if (o->section != s)
            continue;
        if (values == 0 && o->def)
            err = load_value(r, o, 0, o->def, object);
        else if (values == 0 && o->required && sec)
            conf_report_error(r, conf_syntax_line(sec), "%s is missing; give it as %s = %s", o->key, o->key,
                              o->example);
        if (o->list && values > o->max)
            conf_report_error(r, conf_syntax_value(sec, o->key, o->max)->line, "%s: at most %llu values", o->key,
                              (unsigned long long)o->max);
        for (size_t i = 0; i < values && err == 0; i++) {
            const struct conf_text *v = conf_syntax_value(sec, o->key, i);

            err = load_value(r, o, v->line, v->text, object);
        }
    }
    return err;
}

/* Loads a section that has no title into C itself. */
static int load_single(struct conf_report *r, enum conf_section s, cfg_t *root, struct conf *c)
{
    const char *name = conf_section_info(s)->name;
    size_t n = conf_syntax_count(root, name);

    if (n > 1)
        conf_report_error(r, conf_syntax_line(conf_syntax_section(root, s, 1)),
                          "%s is given twice: it stands on line %d already", name,
                          conf_syntax_line(conf_syntax_section(root, s, 0)));
    return load_options(r, s, n > 0 ? conf_syntax_section(root, s, 0) : NULL, c);
}

static int load_name(struct conf_report *r, cfg_t *sec, char **ret)
{
    const char *title = cfg_title(sec);

    if (!conf_value_title_ok(title))
        conf_report_error(r, conf_syntax_line(sec),
                          "the name \"%s\" is not usable; letters, digits and . _ - are, at most %d", title,
                          CONF_NAME_MAX);
    *ret = strdup(title);
    return *ret ? 0 : -ENOMEM;
}

/* How many sections of kind S stand in PARENT; what is above MAX is a mistake and not counted. */
static size_t count_sections(struct conf_report *r, cfg_t *parent, enum conf_section s, size_t max)
{
    const char *name = conf_section_info(s)->name;
    size_t n = conf_syntax_count(parent, name);

    if (n > max) {
        conf_report_error(r, conf_syntax_line(conf_syntax_section(parent, s, max)),
                          "at most %zu %s sections can be here", max, name);
        n = max;
    }
    return n;
}

static int load_ikes(struct conf_report *r, cfg_t *root, struct conf *c)
{
    size_t n = count_sections(r, root, CONF_SECTION_IKE, CONF_IKES_MAX);
    int err = 0;

    c->ikes = calloc(n + 1, sizeof(*c->ikes));
    if (!c->ikes)
        return -ENOMEM;
    for (; c->n_ikes < n && err == 0; c->n_ikes++) {
        struct conf_ike *ike = &c->ikes[c->n_ikes];
        cfg_t *sec = conf_syntax_section(root, CONF_SECTION_IKE, c->n_ikes);

        err = load_name(r, sec, &ike->name);
        if (err == 0)
            err = load_options(r, CONF_SECTION_IKE, sec, ike);
        if (ike->type == CONF_IKE_NONE) {
            free(ike->socket);
            ike->socket = NULL;
        }
    }
    return err;
}

static int load_tunnels(struct conf_report *r, cfg_t *parent, struct conf_connection *connection)
{
    size_t n = count_sections(r, parent, CONF_SECTION_TUNNEL, CONF_TUNNELS_MAX);
    int err = 0;

    for (; connection->n_tunnels < n && err == 0; connection->n_tunnels++) {
        struct conf_tunnel *tunnel = &connection->tunnels[connection->n_tunnels];
        cfg_t *sec = conf_syntax_section(parent, CONF_SECTION_TUNNEL, connection->n_tunnels);

        err = load_name(r, sec, &tunnel->name);
        if (err == 0)
            err = load_options(r, CONF_SECTION_TUNNEL, sec, tunnel);
    }
    return err;
}

static void link_ike(struct conf_report *r, cfg_t *sec, const struct conf *c, struct conf_connection *connection)
{
    const struct conf_text *named = conf_syntax_value(sec, "ike", 0);

    if (!named)
        return;
    for (size_t i = 0; i < c->n_ikes; i++)
        if (strcmp(c->ikes[i].name, named->text) == 0)
            connection->ike = &c->ikes[i];
    if (!connection->ike)
        conf_report_error(r, named->line, "ike: there is no section ike \"%s\"; add it or correct the name",
                          named->text);
}

static int load_connections(struct conf_report *r, cfg_t *root, struct conf *c)
{
    size_t n = count_sections(r, root, CONF_SECTION_CONNECTION, CONF_CONNECTIONS_MAX);
    int err = 0;

    c->connections = calloc(n + 1, sizeof(*c->connections));
    if (!c->connections)
        return -ENOMEM;
    for (; c->n_connections < n && err == 0; c->n_connections++) {
        struct conf_connection *connection = &c->connections[c->n_connections];
        cfg_t *sec = conf_syntax_section(root, CONF_SECTION_CONNECTION, c->n_connections);

        err = load_name(r, sec, &connection->name);
        if (err == 0)
            err = load_options(r, CONF_SECTION_CONNECTION, sec, connection);
        if (err == 0)
            err = load_tunnels(r, sec, connection);
        link_ike(r, sec, c, connection);
    }
    return err;
}

static int load_alerts(struct conf_report *r, cfg_t *root, struct conf *c)
{
    size_t n = count_sections(r, root, CONF_SECTION_ALERT, CONF_ALERTS_MAX);
    int err = 0;

    c->alerts = calloc(n + 1, sizeof(*c->alerts));
    if (!c->alerts)
        return -ENOMEM;
    for (; c->n_alerts < n && err == 0; c->n_alerts++) {
        struct conf_alert *alert = &c->alerts[c->n_alerts];
        cfg_t *sec = conf_syntax_section(root, CONF_SECTION_ALERT, c->n_alerts);

        err = load_name(r, sec, &alert->name);
        if (err == 0)
            err = load_options(r, CONF_SECTION_ALERT, sec, alert);
    }
    return err;
}

static int load_all(struct conf_report *r, cfg_t *root, struct conf *c)
{
    int err = load_options(r, CONF_SECTION_ROOT, root, c);

    c->aws = conf_syntax_count(root, conf_section_info(CONF_SECTION_AWS)->name) > 0;
    if (err == 0)
        err = load_single(r, CONF_SECTION_AWS, root, c);
    if (err == 0)
        err = load_single(r, CONF_SECTION_TIMING, root, c);
    if (err == 0)
        err = load_single(r, CONF_SECTION_LIMITS, root, c);
    if (err == 0)
        err = load_ikes(r, root, c);
    if (err == 0)
        err = load_connections(r, root, c);
    if (err == 0)
        err = load_alerts(r, root, c);
    return err;
}

int conf_load_text(const char *name, const char *text, size_t len, struct conf **ret, struct strbuf *errors,
                   struct strbuf *warnings)
{
    struct conf_report report = {.file = name, .errors = errors, .warnings = warnings};
    cfg_t *root cleanup(conf_syntax_freep) = NULL;
    struct conf *c cleanup(conf_freep) = calloc(1, sizeof(*c));
    int err = c ? conf_syntax_parse(text, len, &report, &root) : -ENOMEM;

    if (err == 0)
        err = load_all(&report, root, c);
    if (err < 0) {
        if (report.n_errors == 0)
            conf_report_error(&report, 0, "cannot read it: %s", strerror(-err));
        return err;
    }
    conf_check(c, root, &report);
    if (report.n_errors > 0)
        return -EINVAL;
    *ret = TAKE_PTR(c);
    return 0;
}

int conf_load(const char *path, struct conf **ret, struct strbuf *errors, struct strbuf *warnings)
{
    struct conf_report report = {.file = path, .errors = errors, .warnings = warnings};
    struct strbuf text cleanup(strbuf_done);

    strbuf_init_secret(&text, CONF_FILE_MAX); /* it may hold the URL of an alert */
    int err = file_read(path, &text);

    if (err < 0) {
        conf_report_error(&report, 0, "cannot read it: %s", strerror(-err));
        return err;
    }
    return conf_load_text(path, strbuf_text(&text), text.len, ret, errors, warnings);
}
