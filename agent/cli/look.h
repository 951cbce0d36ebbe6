/* What a tunnel looks like: the one place where a verdict becomes a word, a sign, a colour and an exit status. */
#pragma once

#include "agent/cli/cli.h"
#include "agent/cli/style.h"

#include <json-c/json_object.h>
#include <stdbool.h>

struct look {
    const char *word;
    const char *unicode;
    const char *ascii;
    enum tone tone;
    bool fine;    /* nothing more need be said */
    bool counted; /* among the tunnels that are to be up */
    enum cli_exit exit;
};

/* The look of a tunnel of the status document. */
const struct look *look_of(struct json_object *tunnel);
