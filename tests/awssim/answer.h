/* An answer of the EC2 Query API: a status and an XML document, a result or an error. */
#pragma once

#include "base/strbuf.h"

#include <stdbool.h>

#define ANSWER_MAX    (256 * 1024)
#define ANSWER_ID_MAX 37
#define EC2_NAMESPACE "http://ec2.amazonaws.com/doc/2016-11-15/"

struct answer {
    unsigned status;
    const char *code;       /* of the error; NULL for a result; static */
    char id[ANSWER_ID_MAX]; /* the request's */
    struct strbuf body;     /* holds PSKs */
    bool applied;           /* something was changed */
    bool hang_up;           /* the connection ends without an answer */
};

void answer_init(struct answer *a);
void answer_done(struct answer *a);

/* The errors that EC2 knows and their HTTP status. MESSAGE is for people. */
void answer_error(struct answer *a, const char *code, const char *message);

/* Opens and closes the document of ACTION; between them comes what the action tells. */
void answer_open(struct answer *a, const char *action);
void answer_close(struct answer *a, const char *action);

/* Appends TEXT with the five characters of XML escaped. */
void answer_escape(struct strbuf *out, const char *text);

/* Appends <NAME>TEXT</NAME>, escaped. */
void answer_element(struct strbuf *out, const char *name, const char *text);
