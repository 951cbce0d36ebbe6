/* What an action did, as far as the other side told; whether it helped is judged by its effect, later, by the agent. */
#pragma once

#include <stdbool.h>

#define OUTCOME_TEXT_MAX 256

enum outcome_result {
    OUTCOME_DONE,    /* carried out */
    OUTCOME_NOTHING, /* nothing had to be done: all was as wanted already */
    OUTCOME_FAILED,  /* carried out or refused with an error that TEXT tells */
    OUTCOME_UNKNOWN, /* no answer: may or may not have happened */
};

/* Why IKE itself says it failed: read from the daemon's log of the attempt (control-log). */
enum outcome_ike {
    OUTCOME_IKE_NONE,
    OUTCOME_IKE_AUTHENTICATION_FAILED,
    OUTCOME_IKE_NO_PROPOSAL_CHOSEN,
    OUTCOME_IKE_TS_UNACCEPTABLE,
    OUTCOME_IKE_IDENTITY_MISMATCH,
    OUTCOME_IKE_NO_CONFIG,     /* the daemon has no such connection or child */
    OUTCOME_IKE_NO_SHARED_KEY, /* the daemon has no PSK for the peer */
    OUTCOME_IKE_TIMEOUT,       /* retransmissions given up */
};

struct outcome {
    enum outcome_result result;
    enum outcome_ike ike;
    char text[OUTCOME_TEXT_MAX]; /* for people; never a secret */
};

const char *outcome_result_name(enum outcome_result r);
const char *outcome_ike_name(enum outcome_ike i); /* "authentication-failed" */
