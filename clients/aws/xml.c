#include "clients/aws/xml.h"

#include "base/cleanup.h"
#include "base/strbuf.h"

#include <errno.h>
#include <expat.h>
#include <limits.h>
#include <string.h>

struct reader {
    XML_Parser parser; /* owned */
    const struct xml_handler *handler;
    void *data;
    const struct xml_rule *stack[XML_DEPTH_MAX]; /* NULL from the first element on that is skipped */
    size_t depth;
    struct strbuf text;
    int error; /* the first one; the parser stands still from then on */
};

static void fail(struct reader *r, int error)
{
    if (r->error == 0)
        r->error = error;
    (void)XML_StopParser(r->parser, XML_FALSE);
}

static const struct xml_rule *current(const struct reader *r)
{
    return r->depth > 0 ? r->stack[r->depth - 1] : NULL;
}

static const struct xml_rule *find_rule(const struct reader *r, const char *name)
{
    const struct xml_rule *above = current(r);
    int within = above ? above->element : XML_TOP;

    if (r->depth > 0 && !above)
        return NULL;
    for (size_t i = 0; i < r->handler->n_rules; i++) {
        const struct xml_rule *rule = &r->handler->rules[i];
        if (rule->within == within && !strcmp(rule->name, name))
            return rule;
    }
    return NULL;
}

static void on_open(void *data, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *r = data;
    const struct xml_rule *rule = find_rule(r, name);
    int k;

    (void)attributes;
    if (r->error)
        return;
    if (r->depth == XML_DEPTH_MAX) {
        fail(r, -E2BIG);
        return;
    }
    if (r->depth == 0 && !rule) {
        fail(r, -ENOMSG);
        return;
    }
    r->stack[r->depth++] = rule;
    strbuf_reset(&r->text);
    k = rule && r->handler->open ? r->handler->open(r->data, rule->element) : 0;
    if (k < 0)
        fail(r, k);
}

static void on_close(void *data, const XML_Char *name)
{
    struct reader *r = data;
    const struct xml_rule *rule = current(r);
    int k;

    (void)name;
    if (r->error)
        return;
    r->depth--;
    if (!rule)
        return;
    k = r->handler->close(r->data, rule->element, rule->text != XML_NO_TEXT ? strbuf_text(&r->text) : "");
    strbuf_reset(&r->text);
    if (k < 0)
        fail(r, k);
}

static void on_text(void *data, const XML_Char *text, int len)
{
    struct reader *r = data;
    const struct xml_rule *rule = current(r);

    size_t n = (size_t)len;

    if (r->error || !rule || rule->text == XML_NO_TEXT)
        return;
    if (rule->text == XML_TEXT_CUT && n > XML_TEXT_MAX - r->text.len)
        n = XML_TEXT_MAX - r->text.len;
    strbuf_add(&r->text, text, n);
    if (r->text.bad)
        fail(r, -E2BIG);
}

static void on_doctype(void *data, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id,
                       int has_internal_subset)
{
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    fail(data, -EBADMSG);
}

int xml_read(const char *doc, size_t len, const struct xml_handler *h, void *data)
{
    struct reader r = {.handler = h, .data = data};

    if (len > INT_MAX)
        return -E2BIG;
    r.parser = XML_ParserCreate(NULL);
    if (!r.parser)
        return -ENOMEM;
    strbuf_init(&r.text, XML_TEXT_MAX);
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_open, on_close);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    /* In one piece: expat then reads where the text lies and keeps no copy of what is skipped. */
    if (XML_Parse(r.parser, doc, (int)len, XML_TRUE) != XML_STATUS_OK && r.error == 0)
        r.error = XML_GetErrorCode(r.parser) == XML_ERROR_NO_MEMORY ? -ENOMEM : -EBADMSG;
    XML_ParserFree(r.parser);
    strbuf_done(&r.text);
    return r.error;
}
