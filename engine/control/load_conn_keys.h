/* The keys of a connection in swanctl.conf(5) as a table: where each may stand and what reads it. */
#pragma once

#include "engine/ike/conf.h"

#define LOAD_KEYS_MAX 128 /* rows */
#define LOAD_WHY_MAX  256

enum load_section {
    LOAD_CONN = 1,
    LOAD_LOCAL = 2,
    LOAD_REMOTE = 4,
    LOAD_CHILD = 8,
};

/* A value, or one of a list. */
struct load_value {
    const char *text; /* NUL-ended; NULL for the bytes of a certificate */
    const void *data;
    size_t len;
    bool first; /* of its list: takes the place of the default */
    bool legacy;
    char *why; /* LOAD_WHY_MAX bytes, empty: what is wrong, where there is more to say than "not valid" */
};

struct load_word {
    const char *word; /* NULL ends the table */
    unsigned value;
};

struct load_key;

/* BASE is the struct of the section: ike_conf, conf_side or child_conf. -EINVAL, -ENOTSUP, -ENOSPC, -ENOMEM. */
typedef int load_parse(const struct load_key *key, const struct load_value *v, void *base);

struct load_key {
    const char *name;
    unsigned sections;    /* enum load_section bits */
    bool list;            /* plain text is split at its commas */
    bool binary;          /* certificates */
    load_parse *parse;    /* NULL: the engine lacks it */
    const char *harmless; /* without PARSE: values that ask for nothing, "|" between; NULL: any value does */
    size_t offset;        /* of the field in BASE */
    const struct load_word *words;
};

/* NULL where SECTION has no such key; *RET_INDEX is below LOAD_KEYS_MAX. */
const struct load_key *load_key_find(enum load_section section, const char *name, size_t *ret_index);

/* The rows of the table, for docs/engine.md; NULL at the end. */
const struct load_key *load_key_at(size_t i);

/* Whether the value of a key that the engine lacks asks for nothing. */
bool load_key_harmless(const struct load_key *key, const char *text);
