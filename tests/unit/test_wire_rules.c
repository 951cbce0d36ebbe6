/* What a message may contain, against RFC 7296 1.2 to 1.4, 2.5 and appendix C; RFC 6023 4. */
#include "base/array.h"
#include "engine/wire/names.h"
#include "engine/wire/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MESSAGES 7
#define MANY     CHAIN_PAYLOADS_MAX

/* Which payloads each message has to have, may have once and may have often, in the RFC's order. */
static const struct {
    const char *name;
    uint8_t once[8], maybe[8], often[8]; /* zero behind the last */
    bool error_alone;
} rfc[MESSAGES] = {
    [RULES_SA_INIT_REQUEST] = {"IKE_SA_INIT request", /* C.1 */
                               {PAYLOAD_SA, PAYLOAD_KE, PAYLOAD_NONCE},
                               {0},
                               {PAYLOAD_NOTIFY},
                               false},
    [RULES_SA_INIT_RESPONSE] =
        {"IKE_SA_INIT response", {PAYLOAD_SA, PAYLOAD_KE, PAYLOAD_NONCE}, {0}, {PAYLOAD_NOTIFY, PAYLOAD_CERTREQ}, true},
    [RULES_AUTH_REQUEST] = {"IKE_AUTH request", /* C.2, C.3: without AUTH it asks for EAP */
                            {PAYLOAD_IDI},
                            {PAYLOAD_IDR, PAYLOAD_AUTH, PAYLOAD_CP, PAYLOAD_SA, PAYLOAD_TSI, PAYLOAD_TSR},
                            {PAYLOAD_CERT, PAYLOAD_NOTIFY, PAYLOAD_CERTREQ},
                            false},
    [RULES_AUTH_RESPONSE] = {"IKE_AUTH response",
                             {PAYLOAD_IDR, PAYLOAD_AUTH},
                             {PAYLOAD_CP, PAYLOAD_SA, PAYLOAD_TSI, PAYLOAD_TSR},
                             {PAYLOAD_CERT, PAYLOAD_NOTIFY},
                             true},
    [RULES_CHILD_REQUEST] = {"CREATE_CHILD_SA request", /* C.4, C.5 */
                             {PAYLOAD_SA, PAYLOAD_NONCE},
                             {PAYLOAD_KE, PAYLOAD_CP, PAYLOAD_TSI, PAYLOAD_TSR},
                             {PAYLOAD_NOTIFY},
                             false},
    [RULES_CHILD_RESPONSE] = {"CREATE_CHILD_SA response",
                              {PAYLOAD_SA, PAYLOAD_NONCE},
                              {PAYLOAD_KE, PAYLOAD_CP, PAYLOAD_TSI, PAYLOAD_TSR},
                              {PAYLOAD_NOTIFY},
                              true},
    [RULES_INFORMATIONAL] = {"INFORMATIONAL", /* C.6: empty too */
                             {0},
                             {PAYLOAD_CP},
                             {PAYLOAD_NOTIFY, PAYLOAD_DELETE},
                             false},
};

static struct chain chain;

static void add(uint8_t type, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        chain.p[chain.n++] = (struct payload){.type = type};
}

static void begin(enum rules_message m)
{
    chain.n = 0;
    for (size_t i = 0; rfc[m].once[i]; i++)
        add(rfc[m].once[i], 1);
}

static void drop(uint8_t type)
{
    for (size_t i = 0; i < chain.n; i++)
        if (chain.p[i].type == type) {
            memmove(&chain.p[i], &chain.p[i + 1], (--chain.n - i) * sizeof(chain.p[0]));
            i--;
        }
}

static void assert_verdict(enum rules_message m, enum rules_verdict expected, uint8_t about)
{
    uint8_t type = 0;
    enum rules_verdict verdict = rules_check(m, &chain, &type);

    if (verdict != expected || (verdict != RULES_FINE && type != about))
        fail_msg("%s of %zu payloads: verdict %d about %u, not %d about %u", rfc[m].name, chain.n, (int)verdict, type,
                 (int)expected, about);
}

static bool is_in(const uint8_t types[8], uint8_t type)
{
    return memchr(types, type, 8) != NULL;
}

/* A payload that goes with another one: TSi with TSr. */
static uint8_t mate_of(uint8_t type)
{
    return type == PAYLOAD_TSI ? PAYLOAD_TSR : type == PAYLOAD_TSR ? PAYLOAD_TSI : PAYLOAD_NONE;
}

static void test_payloads_that_must_be_there_once(void **state)
{
    (void)state;
    for (unsigned m = 0; m < MESSAGES; m++) {
        begin(m);
        assert_verdict(m, RULES_FINE, 0);
        for (size_t i = 0; rfc[m].once[i]; i++) {
            begin(m);
            drop(rfc[m].once[i]);
            assert_verdict(m, RULES_SYNTAX, rfc[m].once[i]);
            begin(m);
            add(rfc[m].once[i], 1);
            assert_verdict(m, RULES_SYNTAX, rfc[m].once[i]);
        }
    }
}

static void test_payloads_that_may_be_there(void **state)
{
    (void)state;
    for (unsigned m = 0; m < MESSAGES; m++) {
        for (size_t i = 0; rfc[m].maybe[i]; i++) {
            uint8_t type = rfc[m].maybe[i], mate = mate_of(type);

            begin(m);
            add(type, 1);
            add(mate, mate != PAYLOAD_NONE);
            assert_verdict(m, RULES_FINE, 0);
            add(type, 1);
            assert_verdict(m, RULES_SYNTAX, type);
        }
        for (size_t i = 0; rfc[m].often[i]; i++) {
            begin(m);
            add(rfc[m].often[i], CHAIN_PAYLOADS_MAX - (unsigned)chain.n);
            assert_verdict(m, RULES_FINE, 0);
        }
    }
}

/* RFC 7296 2.5: payloads are known by their type; their order does not matter, and known ones that do not belong to a
 * message are passed over, critical or not. */
static void test_order_and_strangers(void **state)
{
    (void)state;
    for (unsigned m = 0; m < MESSAGES; m++) {
        begin(m);
        for (size_t i = 0; i < chain.n / 2; i++) {
            struct payload p = chain.p[i];

            chain.p[i] = chain.p[chain.n - 1 - i];
            chain.p[chain.n - 1 - i] = p;
        }
        assert_verdict(m, RULES_FINE, 0);
        for (uint8_t type = PAYLOAD_SA; type <= PAYLOAD_SKF; type++)
            if (!is_in(rfc[m].once, type) && !is_in(rfc[m].maybe, type) && name_payload(type) &&
                mate_of(type) == PAYLOAD_NONE) {
                begin(m);
                add(type, 2);
                chain.p[chain.n - 1].critical = true;
                assert_verdict(m, RULES_FINE, 0);
            }
    }
}

/* RFC 7296 2.5: whatever else is wrong with the message. */
static void test_unknown_payloads(void **state)
{
    (void)state;
    for (unsigned m = 0; m < MESSAGES; m++)
        for (unsigned type = 1; type <= UINT8_MAX; type++) {
            if (name_payload((uint8_t)type))
                continue;
            begin(m);
            add((uint8_t)type, 1);
            assert_verdict(m, RULES_FINE, 0);
            chain.p[chain.n - 1].critical = true;
            assert_verdict(m, RULES_CRITICAL, (uint8_t)type);
            chain.p[0] = chain.p[chain.n - 1];
            chain.n = 1;
            assert_verdict(m, RULES_CRITICAL, (uint8_t)type);
            add(PAYLOAD_NOTIFY, 1); /* nor does a notification beside it help */
            assert_verdict(m, RULES_CRITICAL, (uint8_t)type);
        }
}

/* RFC 7296 1.2, 2.21: a response says no by notifications alone; a request never does. */
static void test_refusals(void **state)
{
    (void)state;
    for (unsigned m = 0; m < MESSAGES; m++) {
        enum rules_verdict alone = rfc[m].error_alone || m == RULES_INFORMATIONAL ? RULES_FINE : RULES_SYNTAX;

        chain.n = 0;
        add(PAYLOAD_NOTIFY, 2);
        add(PAYLOAD_VENDOR, 1);
        assert_verdict(m, alone, rfc[m].once[0]);
        /* with a part of the rest it is neither */
        if (rfc[m].once[0]) {
            uint8_t missing = rfc[m].once[1] ? rfc[m].once[1] : PAYLOAD_NONE;

            add(rfc[m].once[0], 1);
            assert_verdict(m, missing ? RULES_SYNTAX : RULES_FINE, missing);
        }
        /* nothing at all is legal in INFORMATIONAL only */
        chain.n = 0;
        assert_verdict(m, m == RULES_INFORMATIONAL ? RULES_FINE : RULES_SYNTAX, rfc[m].once[0]);
    }
}

/* RFC 7296 1.2: one never comes without the other. */
static void test_selectors_come_together(void **state)
{
    (void)state;
    for (unsigned m = RULES_AUTH_REQUEST; m <= RULES_CHILD_RESPONSE; m++)
        for (uint8_t type = PAYLOAD_TSI; type <= PAYLOAD_TSR; type++) {
            begin(m);
            if (!is_in(rfc[m].once, PAYLOAD_SA))
                add(PAYLOAD_SA, 1);
            add(type, 1);
            assert_verdict(m, RULES_SYNTAX, mate_of(type));
            add(mate_of(type), 1);
            assert_verdict(m, RULES_FINE, 0);
        }
}

/* The rows that docs/engine.md shows are these and no others. */
static void test_rows(void **state)
{
    struct rules_row row;
    size_t n = 0, expected = 0;

    (void)state;
    for (unsigned m = 0; m < MESSAGES; m++)
        expected +=
            strlen((const char *)rfc[m].once) + strlen((const char *)rfc[m].maybe) + strlen((const char *)rfc[m].often);
    for (; rules_row(n, &row); n++) {
        bool found = false;

        for (unsigned m = 0; m < MESSAGES; m++)
            for (uint8_t type = PAYLOAD_SA; type <= PAYLOAD_SKF; type++)
                found |= strcmp(row.message, rfc[m].name) == 0 && name_payload(type) &&
                         strcmp(row.payload, name_payload(type)) == 0 &&
                         ((is_in(rfc[m].once, type) && row.min == 1 && row.max == 1) ||
                          (is_in(rfc[m].maybe, type) && row.min == 0 && row.max == 1) ||
                          (is_in(rfc[m].often, type) && row.min == 0 && row.max == MANY));
        if (!found)
            fail_msg("%s: %s %u to %u is not the RFC's", row.message, row.payload, row.min, row.max);
    }
    assert_int_equal(n, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_payloads_that_must_be_there_once),
        cmocka_unit_test(test_payloads_that_may_be_there),
        cmocka_unit_test(test_order_and_strangers),
        cmocka_unit_test(test_unknown_payloads),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_selectors_come_together),
        cmocka_unit_test(test_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
