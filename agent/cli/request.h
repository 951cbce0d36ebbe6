/* A question to the daemon: HTTP and JSON over its socket, waiting for the answer. */
#pragma once

#include "agent/cli/cli.h"
#include "base/strbuf.h"

#include <json-c/json_object.h>

#define REQUEST_ANSWER_MAX (32 * 1024 * 1024) /* a thousand connections are some 2 MB */
#define REQUEST_TIMEOUT    10                 /* seconds */
#define REQUEST_ERROR_MAX  512

struct reply {
    long status;              /* of HTTP */
    struct strbuf text;       /* as received */
    struct json_object *body; /* owned; an object */
};

void reply_done(struct reply *r);

/*
 * Asks. BODY may be NULL: GET, otherwise POST. On failure ERROR holds a sentence that says what to do, and *RET is
 * empty; any HTTP status is an answer. -EINTR where a signal that is blocked came while it was waited for.
 */
int request_send(const struct cli *cli, const char *path, struct json_object *body, struct reply *ret,
                 char error[static REQUEST_ERROR_MAX]);

/* What stands before the daemon's sentence, by whether it accepted the order. */
struct request_words {
    const char *accepted;
    const char *refused;
};

/* Posts BODY (taken), prints the daemon's sentence, and tells how the command ends. WORDS may be NULL. */
enum cli_exit request_order(const struct cli *cli, const char *path, struct json_object *body,
                            const struct request_words *words);

/* Prints the daemon's error, or that there was none to understand. How the command ends follows from R's status. */
enum cli_exit request_refused(const struct reply *r);
