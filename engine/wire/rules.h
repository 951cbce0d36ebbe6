/*
 * What a message may contain, as tables: for each exchange and direction, each payload with how often it may stand
 * there (RFC 7296 1.2 to 1.4, 2.5, appendix C). Asked before any handler runs.
 */
#pragma once

#include "engine/wire/chain.h"

/* The messages that differ in what they may contain; IKE_AUTH is the one round without EAP. */
enum rules_message {
    RULES_SA_INIT_REQUEST,
    RULES_SA_INIT_RESPONSE, /* one that goes on; notifications alone (COOKIE, INVALID_KE_PAYLOAD, errors) are legal too
                             */
    RULES_AUTH_REQUEST,
    RULES_AUTH_RESPONSE, /* of success or of failure */
    RULES_CHILD_REQUEST, /* of CREATE_CHILD_SA: new, rekey of a CHILD_SA or of an IKE_SA */
    RULES_CHILD_RESPONSE,
    RULES_INFORMATIONAL, /* both ways */
};

enum rules_verdict {
    RULES_FINE,
    RULES_CRITICAL, /* a payload that nobody knows is marked critical: UNSUPPORTED_CRITICAL_PAYLOAD with its type */
    RULES_SYNTAX,   /* INVALID_SYNTAX: one is missing, or stands too often */
};

/*
 * Unknown payloads that are not critical and known ones that have no business there are passed over, not errors (RFC
 * 7296 2.5). *RET_TYPE is the payload that RULES_CRITICAL or RULES_SYNTAX is about.
 */
enum rules_verdict rules_check(enum rules_message m, const struct chain *c, uint8_t *ret_type);

/* A line of the tables, for docs/engine.md. False at the end. */
struct rules_row {
    const char *message;
    const char *payload;
    unsigned min, max;
};
bool rules_row(size_t i, struct rules_row *ret);
