/*
 * Every option of the configuration, in one table: where it stands, how its value is read, its default and bounds, and
 * what it means. The table makes the grammar that libconfuse reads, the defaults, and the sample file.
 */
#pragma once

#include "conf/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONF_SECTION_OPTIONS_MAX 24 /* options of one section */

enum conf_section {
    CONF_SECTION_ROOT,
    CONF_SECTION_AWS,
    CONF_SECTION_IKE,
    CONF_SECTION_CONNECTION,
    CONF_SECTION_TUNNEL,
    CONF_SECTION_ALERT,
    CONF_SECTION_TIMING,
    CONF_SECTION_LIMITS,
    CONF_SECTION_MAX_,
};

struct conf_section_info {
    const char *name;
    enum conf_section parent;
    const char *title; /* an example of one; NULL: a section without a title, given once at most */
    const char *doc;
};

struct conf_option {
    enum conf_section section;
    const char *key;
    conf_value_fn *parse;
    size_t offset;       /* of the field in the section's struct; CONF_NO_FIELD: the value is only checked */
    const char *def;     /* NULL: none */
    const char *example; /* as written in a file, for options without a default */
    uint64_t min;        /* of a number or a duration in usec */
    uint64_t max;        /* likewise; of a list: how many values */
    bool list;
    bool required;
    bool sampled; /* written out in the sample file, where options that need not be given stand commented out */
    const char *doc;
};

#define CONF_NO_FIELD SIZE_MAX

const struct conf_option *conf_options(size_t *ret_n);
const struct conf_section_info *conf_section_info(enum conf_section s);
