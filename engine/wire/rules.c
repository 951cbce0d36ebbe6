#include "engine/wire/rules.h"

#include "base/array.h"
#include "engine/wire/names.h"

#include <string.h>

#define MESSAGES 7
#define MANY     CHAIN_PAYLOADS_MAX

static const struct {
    const char *name;
    bool error_alone; /* one that says no, or not yet: notifications and nothing of the table */
} messages[MESSAGES] = {
    [RULES_SA_INIT_REQUEST] = {"IKE_SA_INIT request", false},
    [RULES_SA_INIT_RESPONSE] = {"IKE_SA_INIT response", true},
    [RULES_AUTH_REQUEST] = {"IKE_AUTH request", false},
    [RULES_AUTH_RESPONSE] = {"IKE_AUTH response", true},
    [RULES_CHILD_REQUEST] = {"CREATE_CHILD_SA request", false},
    [RULES_CHILD_RESPONSE] = {"CREATE_CHILD_SA response", true},
    [RULES_INFORMATIONAL] = {"INFORMATIONAL", false},
};

/* RFC 7296 appendix C; IKE_AUTH without SA and selectors is RFC 6023's. AUTH is missing where the peer wants EAP, which
 * the handler refuses as what it is. */
static const struct {
    enum rules_message message;
    enum ike_payload payload;
    unsigned min, max;
} rows[] = {
    {RULES_SA_INIT_REQUEST, PAYLOAD_SA, 1, 1},
    {RULES_SA_INIT_REQUEST, PAYLOAD_KE, 1, 1},
    {RULES_SA_INIT_REQUEST, PAYLOAD_NONCE, 1, 1},
    {RULES_SA_INIT_REQUEST, PAYLOAD_NOTIFY, 0, MANY},
    {RULES_SA_INIT_RESPONSE, PAYLOAD_SA, 1, 1},
    {RULES_SA_INIT_RESPONSE, PAYLOAD_KE, 1, 1},
    {RULES_SA_INIT_RESPONSE, PAYLOAD_NONCE, 1, 1},
    {RULES_SA_INIT_RESPONSE, PAYLOAD_CERTREQ, 0, MANY},
    {RULES_SA_INIT_RESPONSE, PAYLOAD_NOTIFY, 0, MANY},
    {RULES_AUTH_REQUEST, PAYLOAD_IDI, 1, 1},
    {RULES_AUTH_REQUEST, PAYLOAD_CERT, 0, MANY},
    {RULES_AUTH_REQUEST, PAYLOAD_CERTREQ, 0, MANY},
    {RULES_AUTH_REQUEST, PAYLOAD_IDR, 0, 1},
    {RULES_AUTH_REQUEST, PAYLOAD_AUTH, 0, 1},
    {RULES_AUTH_REQUEST, PAYLOAD_CP, 0, 1},
    {RULES_AUTH_REQUEST, PAYLOAD_SA, 0, 1},
    {RULES_AUTH_REQUEST, PAYLOAD_TSI, 0, 1},
    {RULES_AUTH_REQUEST, PAYLOAD_TSR, 0, 1},
    {RULES_AUTH_REQUEST, PAYLOAD_NOTIFY, 0, MANY},
    {RULES_AUTH_RESPONSE, PAYLOAD_IDR, 1, 1},
    {RULES_AUTH_RESPONSE, PAYLOAD_CERT, 0, MANY},
    {RULES_AUTH_RESPONSE, PAYLOAD_AUTH, 1, 1},
    {RULES_AUTH_RESPONSE, PAYLOAD_CP, 0, 1},
    {RULES_AUTH_RESPONSE, PAYLOAD_SA, 0, 1},
    {RULES_AUTH_RESPONSE, PAYLOAD_TSI, 0, 1},
    {RULES_AUTH_RESPONSE, PAYLOAD_TSR, 0, 1},
    {RULES_AUTH_RESPONSE, PAYLOAD_NOTIFY, 0, MANY},
    {RULES_CHILD_REQUEST, PAYLOAD_SA, 1, 1},
    {RULES_CHILD_REQUEST, PAYLOAD_NONCE, 1, 1},
    {RULES_CHILD_REQUEST, PAYLOAD_KE, 0, 1},
    {RULES_CHILD_REQUEST, PAYLOAD_TSI, 0, 1},
    {RULES_CHILD_REQUEST, PAYLOAD_TSR, 0, 1},
    {RULES_CHILD_REQUEST, PAYLOAD_CP, 0, 1},
    {RULES_CHILD_REQUEST, PAYLOAD_NOTIFY, 0, MANY},
    {RULES_CHILD_RESPONSE, PAYLOAD_SA, 1, 1},
    {RULES_CHILD_RESPONSE, PAYLOAD_NONCE, 1, 1},
    {RULES_CHILD_RESPONSE, PAYLOAD_KE, 0, 1},
    {RULES_CHILD_RESPONSE, PAYLOAD_TSI, 0, 1},
    {RULES_CHILD_RESPONSE, PAYLOAD_TSR, 0, 1},
    {RULES_CHILD_RESPONSE, PAYLOAD_CP, 0, 1},
    {RULES_CHILD_RESPONSE, PAYLOAD_NOTIFY, 0, MANY},
    {RULES_INFORMATIONAL, PAYLOAD_NOTIFY, 0, MANY},
    {RULES_INFORMATIONAL, PAYLOAD_DELETE, 0, MANY},
    {RULES_INFORMATIONAL, PAYLOAD_CP, 0, 1},
};

static unsigned count(const struct chain *c, enum ike_payload type)
{
    unsigned n = 0;

    for (const struct payload *p = chain_find(c, type, NULL); p; p = chain_find(c, type, p))
        n++;
    return n;
}

/* RFC 7296 2.5: what this version of the RFCs does not know. */
static const struct payload *find_critical(const struct chain *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->p[i].critical && !name_payload(c->p[i].type))
            return &c->p[i];
    return NULL;
}

/* Notifications, and none of what the table requires. */
static bool is_error_alone(enum rules_message m, const struct chain *c)
{
    if (!messages[m].error_alone || count(c, PAYLOAD_NOTIFY) == 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].message == m && rows[i].min > 0 && count(c, rows[i].payload) > 0)
            return false;
    return true;
}

/* Selectors go with an SA payload in both directions (RFC 7296 1.2). */
static bool selectors_are_whole(const struct chain *c, uint8_t *ret_type)
{
    unsigned i = count(c, PAYLOAD_TSI), r = count(c, PAYLOAD_TSR);

    if (i == r)
        return true;
    *ret_type = i < r ? PAYLOAD_TSI : PAYLOAD_TSR;
    return false;
}

enum rules_verdict rules_check(enum rules_message m, const struct chain *c, uint8_t *ret_type)
{
    const struct payload *critical = find_critical(c);

    if (critical) {
        *ret_type = critical->type;
        return RULES_CRITICAL;
    }
    if (is_error_alone(m, c))
        return RULES_FINE;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned n = rows[i].message == m ? count(c, rows[i].payload) : 0;

        if (rows[i].message == m && (n < rows[i].min || n > rows[i].max)) {
            *ret_type = (uint8_t)rows[i].payload;
            return RULES_SYNTAX;
        }
    }
    return selectors_are_whole(c, ret_type) ? RULES_FINE : RULES_SYNTAX;
}

bool rules_row(size_t i, struct rules_row *ret)
{
    if (i >= ARRAY_LEN(rows))
        return false;
    *ret = (struct rules_row){messages[rows[i].message].name, name_payload((uint8_t)rows[i].payload), rows[i].min,
                              rows[i].max};
    return true;
}
