/*
 * The syntax of the file, read by libconfuse with a grammar made from the options table. Values stay text here, each
 * with the line it stands on; sections know the line they open on.
 */
#pragma once

#include "base/cleanup.h"
#include "conf/options.h"
#include "conf/report.h"

#include <confuse.h>

/* A value as written. Wiped when it is given back: it may be a secret. */
struct conf_text {
    int line;
    char text[];
};

/* Reads TEXT of LEN bytes. On failure *RET is untouched and REPORT holds why; libconfuse stops at the first mistake. */
int conf_syntax_parse(const char *text, size_t len, struct conf_report *report, cfg_t **ret);
cfg_t *conf_syntax_free(cfg_t *root); /* accepts NULL */
DEFINE_CLEANUP(cfg_t *, conf_syntax_free)

size_t conf_syntax_count(cfg_t *section, const char *key); /* values of an option, or sections of a kind */
const struct conf_text *conf_syntax_value(cfg_t *section, const char *key, size_t i); /* NULL where there is none */
cfg_t *conf_syntax_section(cfg_t *parent, enum conf_section s, size_t i);
int conf_syntax_line(cfg_t *section); /* where it opens; the root's is 1 */
