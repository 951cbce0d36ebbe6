/*
 * The causes of a tunnel's trouble: one table with code, severity, the facts that prove it and those that exclude it,
 * what may be done, and what to tell a person. Facts are three-valued: what is not known neither proves nor excludes.
 */
#pragma once

#include "agent/fact.h"
#include "remediation/ladder.h"

#include <stdbool.h>
#include <stddef.h>

#define CAUSE_FACTS_MAX 8

enum cause {
    CAUSE_NONE,         /* nothing is wrong */
    CAUSE_UNDETERMINED, /* something is wrong and no row fits */
    CAUSE_EXPECTED_DOWN,
    CAUSE_UPLINK_DOWN,
    CAUSE_DAEMON_DEAD,
    CAUSE_DAEMON_HUNG,
    CAUSE_AWS_MODIFYING,
    CAUSE_AUTHENTICATION_FAILED,
    CAUSE_NO_PROPOSAL_CHOSEN,
    CAUSE_TS_UNACCEPTABLE,
    CAUSE_IDENTITY_MISMATCH,
    CAUSE_CONNECTION_NOT_LOADED,
    CAUSE_ENDPOINT_REPLACING,
    CAUSE_ENDPOINT_SILENT,
    CAUSE_BOTH_SIDES_WAITING,
    CAUSE_CHILD_MISSING,
    CAUSE_STALE_SA,
    CAUSE_INBOUND_LOST,
    CAUSE_OUTBOUND_LOST,
    CAUSE_PROBE_TARGET_DOWN,
    CAUSE_MAX_,
};

enum cause_severity {
    CAUSE_FINE,
    CAUSE_INFO,
    CAUSE_WARNING,
    CAUSE_CRITICAL,
};

struct cause_want {
    enum fact fact;
    enum truth truth; /* TRUTH_YES or TRUTH_NO */
};

/* A row: the cause holds when all of PROVES hold and none of EXCLUDES. Rows of one cause may differ in their evidence.
 */
struct cause_row {
    enum cause cause;
    enum cause_severity severity;
    struct cause_want proves[CAUSE_FACTS_MAX]; /* ended by FACT_NONE */
    struct cause_want excludes[CAUSE_FACTS_MAX];
    unsigned actions; /* bits 1 << enum action that may be taken; 0: straight to people */
    const char *text; /* a sentence for a person: what happened */
    const char *fix;  /* what a person can do where Rekindle does not, with words for names: agent/fix.h */
};

/* The rows in the order in which they are tried: the first that holds is the diagnosis, later ones are alternatives. */
const struct cause_row *cause_rows(size_t *ret_n);

const char *cause_name(enum cause c); /* "both-sides-waiting" */
const char *cause_severity_name(enum cause_severity s);
