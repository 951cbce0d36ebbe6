#include "conf/syntax.h"

#include "base/secret.h"
#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * Every section has a hidden option with a default, which libconfuse sets when the section opens: its line is the
 * section's. Its name is empty, the one name that a file cannot say.
 */
#define OPENING ""

/*
 * To libconfuse the end of the file closes every section. So that a file that was cut off is no valid one, a hidden
 * option of the root alone is set behind its end: where it is unknown, a section is open.
 */
#define ENDING      "\001"
#define ENDING_LINE "\n" ENDING " = here\n"

struct grammar {
    cfg_opt_t options[CONF_SECTION_MAX_][CONF_SECTION_OPTIONS_MAX + 1];
    size_t n[CONF_SECTION_MAX_];
    char opening[sizeof("here")]; /* the hidden option's default: any word */
};

/* libconfuse hands no argument to its error function (and its scanner is one per process): the one parse under way. */
static struct {
    struct conf_report *report; /* borrowed; NULL outside of conf_syntax_parse() */
    int last_line;              /* of the file: what is found behind it is missing in it */
} current;

/*
 * libconfuse lets a second assignment win in silence. The default's number, which options of our type do not use, holds
 * the line of the first one; a value that stands alone so far begins an assignment.
 */
static void check_once(cfg_t *section, cfg_opt_t *option)
{
    if (!current.report || option->nvalues > 1)
        return;
    if (option->def.number > 0)
        conf_report_error(current.report, section->line, "%s is given twice: it stands on line %ld already",
                          option->name, option->def.number);
    else
        option->def.number = section->line;
}

static int keep_text(cfg_t *section, cfg_opt_t *option, const char *value, void *result)
{
    size_t size = strlen(value) + 1;
    struct conf_text *t = malloc(sizeof(*t) + size);

    if (!t)
        return -1;
    check_once(section, option);
    t->line = section->line;
    (void)str_copy(t->text, size, value);
    *(void **)result = t;
    return 0;
}

static void drop_text(void *value)
{
    struct conf_text *t = value;

    secret_wipe(t->text, strlen(t->text));
    free(t);
}

static void add_option(struct grammar *g, enum conf_section s, cfg_opt_t option)
{
    assert(g->n[s] < CONF_SECTION_OPTIONS_MAX); /* the last one stays zero: the end */
    g->options[s][g->n[s]++] = option;
}

/* Options before sections, children before parents: libconfuse copies the arrays that it is given. */
static void build_grammar(struct grammar *g)
{
    size_t n;
    const struct conf_option *o = conf_options(&n);

    *g = (struct grammar){.opening = "here"};
    for (unsigned s = 0; s < CONF_SECTION_MAX_; s++) {
        cfg_opt_t hidden = CFG_PTR_CB(OPENING, NULL, CFGF_NONE, keep_text, drop_text);

        hidden.def.parsed = g->opening;
        add_option(g, (enum conf_section)s, hidden);
    }
    cfg_opt_t ending = CFG_PTR_CB(ENDING, NULL, CFGF_NONE, keep_text, drop_text);

    add_option(g, CONF_SECTION_ROOT, ending);
    for (size_t i = 0; i < n; i++) {
        cfg_opt_t option = CFG_PTR_CB(o[i].key, NULL, o[i].list ? CFGF_LIST : CFGF_NONE, keep_text, drop_text);

        add_option(g, o[i].section, option);
    }
    for (unsigned s = CONF_SECTION_MAX_ - 1; s > CONF_SECTION_ROOT; s--) {
        const struct conf_section_info *info = conf_section_info((enum conf_section)s);
        int titled = info->title ? CFGF_TITLE | CFGF_NO_TITLE_DUPES : CFGF_NONE;
        cfg_opt_t section = CFG_SEC(info->name, g->options[s], CFGF_MULTI | titled);

        add_option(g, info->parent, section);
    }
}

/* A word that may be shown: it looks like one of our options, so it is not a piece of a secret. */
static bool is_presentable(const char *word)
{
    size_t len = strlen(word);

    return len > 0 && len <= CONF_NAME_MAX && strspn(word, "abcdefghijklmnopqrstuvwxyz-") == len;
}

static void report_unknown_option(cfg_t *section, const char *name)
{
    char known[CONF_ERROR_MAX / 2];
    size_t used = 0;

    for (cfg_opt_t *o = section->opts; o && o->name; o++) {
        if (str_eq(o->name, OPENING) || str_eq(o->name, ENDING))
            continue;
        int len = snprintf(&known[used], sizeof(known) - used, "%s%s", used > 0 ? ", " : "", o->name);

        if (len < 0 || (size_t)len >= sizeof(known) - used)
            break;
        used += (size_t)len;
    }
    known[used] = '\0';
    if (is_presentable(name))
        conf_report_error(current.report, section->line, "unknown option \"%s\"; here may stand: %s", name, known);
    else
        conf_report_error(current.report, section->line,
                          "unknown option (not shown, it may be a piece of a secret); here may stand: %s", known);
}

/* The title alone does not tell the kind of section, so an equal one of another kind is named too. */
static void report_duplicate(cfg_t *parent, const char *title)
{
    struct strbuf found cleanup(strbuf_done);

    strbuf_init(&found, CONF_ERROR_MAX);
    for (unsigned s = CONF_SECTION_ROOT + 1; s < CONF_SECTION_MAX_; s++) {
        const char *kind = conf_section_info((enum conf_section)s)->name;

        for (size_t i = 0; i < conf_syntax_count(parent, kind); i++) {
            cfg_t *other = conf_syntax_section(parent, (enum conf_section)s, i);

            if (other && str_eq(other->title, title))
                strbuf_printf(&found, "%s%s on line %d", found.len > 0 ? ", " : "", kind, conf_syntax_line(other));
        }
    }
    conf_report_error(current.report, parent->line, "the name \"%s\" is taken: %s; choose another one", title,
                      strbuf_text(&found));
}

/* Words of libconfuse's own sentences may be pieces of a secret: only punctuation is repeated. */
static void report_unexpected(cfg_t *section, const char *word)
{
    if (strlen(word) == 1 && strchr("{}()=,+", word[0]))
        conf_report_error(current.report, section->line,
                          "\"%s\" cannot stand here; look for a missing value, quote or "
                          "bracket before it",
                          word);
    else
        conf_report_error(current.report, section->line,
                          "a word stands where none can; look for a missing quote, "
                          "comma or bracket before it");
}

static void report_end(cfg_t *section)
{
    if (str_eq(section->name, "root"))
        conf_report_error(current.report, current.last_line,
                          "the file ends too early; a value, quote or bracket is missing");
    else
        conf_report_error(
            current.report, current.last_line,
            "the file ends too early; a quote or bracket is not closed in the section that opens on line %d",
            conf_syntax_line(section));
}

static void on_error(cfg_t *section, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

static void on_error(cfg_t *section, const char *fmt, va_list ap)
{
    char text[CONF_ERROR_MAX];

    if (section->line > current.last_line) {
        report_end(section);
    } else if (str_eq(fmt, "no such option '%s'")) {
        report_unknown_option(section, va_arg(ap, const char *));
    } else if (str_eq(fmt, "found duplicate title '%s'")) {
        report_duplicate(section, va_arg(ap, const char *));
    } else if (str_eq(fmt, "unexpected token '%s'")) {
        report_unexpected(section, va_arg(ap, const char *));
    } else if (strstr(fmt, "'%s' in '%s'") || str_starts(fmt, "bad escape") || str_starts(fmt, "invalid octal")) {
        conf_report_error(current.report, section->line, "this cannot be read; check quotes and backslashes");
    } else {
        (void)vsnprintf(text, sizeof(text), fmt, ap);
        conf_report_error(current.report, section->line, "%s", text);
    }
}

static int count_lines(const char *text, size_t len)
{
    int lines = len > 0 && text[len - 1] != '\n';

    for (size_t i = 0; i < len; i++)
        lines += text[i] == '\n';
    return lines;
}

static int parse_stream(cfg_t *root, FILE *stream, int last_line, struct conf_report *report)
{
    size_t before = report->n_errors;

    current.report = report;
    current.last_line = last_line;
    int r = cfg_parse_fp(root, stream);
    current.report = NULL;

    if (report->n_errors > before)
        return -EINVAL;
    if (r != CFG_SUCCESS) {
        conf_report_error(report, root->line, "this cannot be read");
        return -EINVAL;
    }
    if (conf_syntax_count(root, ENDING) == 0) {
        conf_report_error(report, last_line, "the file ends too early; a comment is not closed");
        return -EINVAL;
    }
    return 0;
}

static int parse_text(cfg_t *root, const char *text, size_t len, struct conf_report *report)
{
    struct strbuf whole cleanup(strbuf_done);

    strbuf_init_secret(&whole, CONF_FILE_MAX + sizeof(ENDING_LINE));
    if (memchr(text, '\0', len)) {
        conf_report_error(report, 0, "the file holds a zero byte: it is not a text");
        return -EINVAL;
    }
    strbuf_add(&whole, text, len);
    strbuf_puts(&whole, ENDING_LINE);
    if (whole.bad)
        return len > CONF_FILE_MAX ? -EFBIG : -ENOMEM;

    FILE *stream = fmemopen(whole.data, whole.len, "r");

    if (!stream)
        return -errno;
    int r = parse_stream(root, stream, count_lines(text, len), report);

    (void)fclose(stream);
    return r;
}

int conf_syntax_parse(const char *text, size_t len, struct conf_report *report, cfg_t **ret)
{
    cfg_t *root cleanup(conf_syntax_freep) = NULL;
    struct grammar *grammar cleanup(freep) = malloc(sizeof(*grammar));

    if (!grammar)
        return -ENOMEM;
    build_grammar(grammar);
    root = cfg_init(grammar->options[CONF_SECTION_ROOT], CFGF_NONE);
    if (!root)
        return -ENOMEM;
    (void)cfg_set_error_function(root, on_error);

    int r = parse_text(root, text, len, report);

    if (r < 0)
        return r;
    *ret = TAKE_PTR(root);
    return 0;
}

cfg_t *conf_syntax_free(cfg_t *root)
{
    if (root)
        (void)cfg_free(root);
    return NULL;
}

static cfg_opt_t *find(cfg_t *section, const char *key)
{
    for (cfg_opt_t *o = section->opts; o && o->name; o++)
        if (str_eq(o->name, key))
            return o;
    return NULL;
}

size_t conf_syntax_count(cfg_t *section, const char *key)
{
    cfg_opt_t *o = find(section, key);

    return o ? cfg_opt_size(o) : 0;
}

const struct conf_text *conf_syntax_value(cfg_t *section, const char *key, size_t i)
{
    cfg_opt_t *o = find(section, key);

    return o && i < cfg_opt_size(o) ? cfg_opt_getnptr(o, (unsigned)i) : NULL;
}

cfg_t *conf_syntax_section(cfg_t *parent, enum conf_section s, size_t i)
{
    cfg_opt_t *o = find(parent, conf_section_info(s)->name);

    return o && i < cfg_opt_size(o) ? cfg_opt_getnsec(o, (unsigned)i) : NULL;
}

int conf_syntax_line(cfg_t *section)
{
    const struct conf_text *opening = conf_syntax_value(section, OPENING, 0);

    return opening && opening->line > 0 ? opening->line : 1;
}
