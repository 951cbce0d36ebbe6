/*
 * One tunnel as its sides see it, for tests of the pure chain: begins healthy, and is changed step by step into what
 * went wrong. The clock stands at NOW; the trouble, where there is one, began a minute before.
 */
#pragma once

#include "agent/diagnosis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#define NOW     (1000 * USEC_PER_SEC)
#define TROUBLE (NOW - USEC_PER_MIN)
#define MSEC    USEC_PER_MSEC
#define TARGETS 2

struct situation {
    struct window windows[TARGETS]; /* 0: the endpoint's inside address, 1: a host behind it */
    bool is_endpoint[TARGETS];
    struct verdict_target targets[TARGETS];
    size_t n_targets;
    bool expected_down;
    struct verdict_state verdict;
    struct ike_view ike;
    struct ping_view ping;
    struct aws_view aws;
    struct host_view host;
};

/* N echoes each 100 ms, the newest sent 300 ms before NOW. */
static inline void echoes(struct window *w, size_t n, bool answered)
{
    window_clear(w);
    for (size_t i = n; i > 0; i--) {
        usec_t sent = NOW - 200 * MSEC - i * 100 * MSEC;

        window_sent(w, sent);
        if (answered)
            assert_true(window_reply(w, sent, 20 * MSEC));
    }
    (void)window_expire(w, NOW - 1);
    if (!answered)
        (void)window_expire(w, NOW + USEC_PER_SEC);
}

/* A gateway with an IKE daemon and AWS; one target, the endpoint's inside address. All is well. */
static inline void healthy(struct situation *s)
{
    *s = (struct situation){
        .n_targets = 1,
        .is_endpoint = {true, false},
        .verdict = {.verdict = VERDICT_UP, .since = USEC_PER_SEC},
        .ike = {.configured = true,
                .daemon = IKE_DAEMON_OK,
                .daemon_since = USEC_PER_SEC,
                .when = NOW - 300 * MSEC,
                .loaded = true,
                .ike = "aws-1",
                .child = "aws-1",
                .n_ike = 1,
                .n_ike_up = 1,
                .n_child_up = 1,
                .established_at = 100 * USEC_PER_SEC,
                .child_since = 100 * USEC_PER_SEC,
                .in_moved = NOW - 300 * MSEC,
                .out_moved = NOW - 300 * MSEC},
        .ping = {.last_answer = 500 * USEC_PER_SEC},
        .aws = {.configured = true,
                .when = 800 * USEC_PER_SEC,
                .state = EC2_STATE_AVAILABLE,
                .tunnel_known = true,
                .telemetry_known = true,
                .telemetry_up = true,
                .telemetry_read = 800 * USEC_PER_SEC,
                .ikev2_allowed = true},
        .host = {.uplink = UPLINK_OK},
    };
    for (size_t i = 0; i < TARGETS; i++) {
        echoes(&s->windows[i], 30, true);
        s->targets[i].window = &s->windows[i];
    }
}

static inline struct fact_input input_of(const struct situation *s)
{
    return (struct fact_input){
        .expected_down = s->expected_down,
        .verdict = s->verdict,
        .targets = s->targets,
        .target_is_endpoint = s->is_endpoint,
        .n_targets = s->n_targets,
        .ike = &s->ike,
        .ping = &s->ping,
        .aws = &s->aws,
        .host = &s->host,
    };
}

/* The steps. The tunnel itself: */

static inline void goes_down(struct situation *s)
{
    s->verdict =
        (struct verdict_state){.verdict = VERDICT_DOWN, .since = TROUBLE + 2 * USEC_PER_SEC, .trouble_since = TROUBLE};
    s->ike.in_moved = TROUBLE;
}

static inline void is_lost(struct situation *s)
{
    goes_down(s);
    for (size_t i = 0; i < s->n_targets; i++)
        echoes(&s->windows[i], 30, false);
}

/* Two seconds after the first loss: the counters were seen to move once since, which they did before it. */
static inline void is_lost_just_now(struct situation *s)
{
    is_lost(s);
    s->verdict.trouble_since = NOW - 2 * USEC_PER_SEC;
    s->verdict.since = NOW - 100 * MSEC;
    s->ike.in_moved = NOW - 1500 * MSEC;
}

/* The first echo was lost just now, nothing else is known. */
static inline void becomes_suspect(struct situation *s)
{
    s->verdict.suspect = true;
    s->verdict.suspect_since = NOW;
    s->verdict.trouble_since = NOW - 300 * MSEC;
    for (size_t i = 0; i < s->n_targets; i++) {
        window_sent(&s->windows[i], s->verdict.trouble_since);
        window_lose(&s->windows[i], s->verdict.trouble_since, 0);
    }
}

static inline void has_second_target(struct situation *s)
{
    s->n_targets = 2;
}

static inline void has_only_a_host(struct situation *s)
{
    s->is_endpoint[0] = false;
}

static inline void has_no_target(struct situation *s)
{
    s->n_targets = 0;
}

static inline void degrades(struct situation *s)
{
    s->verdict = (struct verdict_state){.verdict = VERDICT_DEGRADED, .since = TROUBLE, .trouble_since = TROUBLE};
}

static inline void host_is_lost(struct situation *s)
{
    degrades(s);
    echoes(&s->windows[1], 30, false);
}

static inline void endpoint_target_is_lost(struct situation *s)
{
    degrades(s);
    echoes(&s->windows[0], 30, false);
}

/* Every probe fails for want of a socket, and the verdict is the daemon's. */
static inline void cannot_be_probed(struct situation *s)
{
    window_clear(&s->windows[0]);
    for (size_t i = 0; i < 10; i++)
        window_failed(&s->windows[0], NOW - 1000 * MSEC + i * 100 * MSEC, EPERM);
    s->verdict = (struct verdict_state){.verdict = VERDICT_UNKNOWN, .since = TROUBLE, .trouble_since = TROUBLE};
}

static inline void is_expected_down(struct situation *s)
{
    s->expected_down = true;
    s->verdict = (struct verdict_state){.verdict = VERDICT_UNKNOWN, .since = USEC_PER_SEC};
    window_clear(&s->windows[0]);
}

/* The gateway: */

static inline void no_daemon(struct situation *s)
{
    s->ike = (struct ike_view){.configured = false};
}

static inline void daemon_dead(struct situation *s)
{
    s->ike.daemon = IKE_DAEMON_DEAD;
    s->ike.when = NOW - 20 * USEC_PER_SEC;
}

static inline void daemon_hung(struct situation *s)
{
    daemon_dead(s);
    s->ike.daemon = IKE_DAEMON_HUNG;
}

static inline void daemon_denied(struct situation *s)
{
    daemon_dead(s);
    s->ike.daemon = IKE_DAEMON_DENIED;
}

static inline void no_child(struct situation *s)
{
    s->ike.n_child_up = 0;
    s->ike.missing_since = TROUBLE;
    s->ike.child_since = 0;
}

static inline void no_sas(struct situation *s)
{
    no_child(s);
    s->ike.n_ike = s->ike.n_ike_up = 0;
    s->ike.established_at = 0;
}

/* Since a minute, so longer than the endpoint is back, where it is. */
static inline void is_connecting(struct situation *s)
{
    no_sas(s);
    s->ike.n_ike = s->ike.n_connecting = 1;
    s->ike.connecting_since = TROUBLE;
}

static inline void not_loaded(struct situation *s)
{
    s->ike.loaded = false;
}

static inline void list_is_old(struct situation *s)
{
    s->ike.when = NOW - 11 * USEC_PER_SEC;
}

static inline void packets_come_in(struct situation *s)
{
    s->ike.in_moved = NOW - 300 * MSEC;
}

static inline void failed_with_outcome(struct situation *s, enum outcome_ike outcome)
{
    s->ike.failure = outcome;
    s->ike.failure_at = NOW - 5 * USEC_PER_SEC;
}

static inline void failed_authentication(struct situation *s)
{
    failed_with_outcome(s, OUTCOME_IKE_AUTHENTICATION_FAILED);
}

static inline void has_no_key(struct situation *s)
{
    failed_with_outcome(s, OUTCOME_IKE_NO_SHARED_KEY);
}

static inline void failed_proposal(struct situation *s)
{
    failed_with_outcome(s, OUTCOME_IKE_NO_PROPOSAL_CHOSEN);
}

static inline void failed_selectors(struct situation *s)
{
    failed_with_outcome(s, OUTCOME_IKE_TS_UNACCEPTABLE);
}

static inline void failed_identity(struct situation *s)
{
    failed_with_outcome(s, OUTCOME_IKE_IDENTITY_MISMATCH);
}

static inline void failure_is_old(struct situation *s)
{
    s->ike.failure_at = NOW - FACT_FAILURE_SPAN - 1;
}

/* The endpoint: */

static inline void answers_pings(struct situation *s)
{
    s->ping = (struct ping_view){.last_answer = NOW - 100 * MSEC};
}

static inline void is_silent(struct situation *s)
{
    s->ping.first_sent = TROUBLE + 300 * MSEC;
    s->ping.unanswered = 55;
}

static inline void is_silent_long(struct situation *s)
{
    s->verdict.trouble_since = 10 * USEC_PER_SEC;
    s->ping = (struct ping_view){.first_sent = NOW - FACT_REPLACEMENT_SPAN - 1, .unanswered = 900, .last_answer = 1};
}

static inline void never_answered(struct situation *s)
{
    s->ping = (struct ping_view){.first_sent = TROUBLE, .unanswered = 55};
}

static inline void missed_one_ping(struct situation *s)
{
    s->ping.unanswered = 1;
    s->ping.first_sent = NOW - USEC_PER_SEC;
}

static inline void comes_back(struct situation *s)
{
    s->ping = (struct ping_view){.last_answer = NOW - 600 * MSEC, .came_back = NOW - 600 * MSEC};
}

static inline void comes_back_now(struct situation *s)
{
    s->ping = (struct ping_view){.last_answer = NOW - 50 * MSEC, .came_back = NOW};
}

static inline void cannot_ping(struct situation *s)
{
    s->ping = (struct ping_view){.failed = EPERM};
}

/* AWS: */

static inline void no_aws(struct situation *s)
{
    s->aws = (struct aws_view){.configured = false};
}

static inline void aws_was_read(struct situation *s)
{
    s->aws.when = s->aws.telemetry_read = NOW - 3 * USEC_PER_SEC;
}

static inline void aws_says_down(struct situation *s)
{
    aws_was_read(s);
    s->aws.telemetry_up = false;
}

static inline void aws_starts(struct situation *s)
{
    s->aws.startup_action = EC2_STARTUP_START;
}

static inline void aws_modifies(struct situation *s)
{
    aws_was_read(s);
    s->aws.state = EC2_STATE_MODIFYING;
}

static inline void we_modify(struct situation *s)
{
    s->aws.repairing = true;
}

static inline void aws_never_read(struct situation *s)
{
    s->aws = (struct aws_view){.configured = true};
}

/* The host: */

static inline void link_is_cut(struct situation *s)
{
    s->host.uplink = UPLINK_LINK_DOWN;
}

static inline void has_no_route(struct situation *s)
{
    s->host.uplink = UPLINK_NO_ROUTE;
}

static inline void cannot_ask_kernel(struct situation *s)
{
    s->host.uplink = UPLINK_UNKNOWN;
}

static inline void pings_have_no_way(struct situation *s)
{
    s->ping.failed = ENETUNREACH;
}

static inline void all_are_silent(struct situation *s)
{
    s->host.all_silent = true;
}

static inline void api_is_unreachable(struct situation *s)
{
    s->host.api_unreachable = true;
}

static inline void api_is_reached(struct situation *s)
{
    s->host.api_reachable = true;
}
