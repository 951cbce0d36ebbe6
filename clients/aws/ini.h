/*
 * The shape of ~/.aws/config and ~/.aws/credentials: sections, `key = value`, comments at the start of a line, and
 * indented items beneath a key without a value.
 * https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html
 */
#pragma once

#include "base/strbuf.h"

#include <stddef.h>

#define INI_NAME_MAX 256 /* a section or a key; longer ones are never found */

struct ini_key {
    const char *section; /* "default", "profile x" */
    const char *above;   /* the key that the wanted one is indented beneath; NULL for none */
    const char *key;
};

/* Appends the value of the last KEY in TEXT to RET. -ENOENT, -ENOBUFS where RET is too small. Bad lines are skipped. */
int ini_find(const char *text, size_t len, const struct ini_key *k, struct strbuf *ret);
