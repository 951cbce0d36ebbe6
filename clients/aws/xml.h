/*
 * A bounded reader of XML answers over expat. A table of rules tells which elements matter within which; all others are
 * skipped as they stream, with all they hold, and never stored. A DOCTYPE is refused, and entities with it.
 */
#pragma once

#include <stddef.h>

#define XML_TOP       0    /* what the root element lies within */
#define XML_DEPTH_MAX 16   /* skipped elements count */
#define XML_TEXT_MAX  1024 /* bytes of text that an element of interest may hold */

enum xml_text {
    XML_NO_TEXT,
    XML_TEXT,
    XML_TEXT_CUT, /* for people: what passes XML_TEXT_MAX is dropped */
};

struct xml_rule {
    int within; /* XML_TOP or the ELEMENT of another rule */
    const char *name;
    int element; /* > 0 */
    enum xml_text text;
};

struct xml_handler {
    const struct xml_rule *rules;
    size_t n_rules;
    int (*open)(void *data, int element);                    /* may be NULL; < 0 ends the reading */
    int (*close)(void *data, int element, const char *text); /* TEXT is "" where it is not collected; < 0 likewise */
};

/*
 * -EBADMSG not well-formed or with a DOCTYPE, -ENOMSG another root element, -E2BIG one of the maxima above, -ENOMEM, or
 * what the handler returned.
 */
int xml_read(const char *doc, size_t len, const struct xml_handler *h, void *data);
