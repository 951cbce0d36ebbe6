/* Re-initiation against a daemon of the test's own: what is asked for, in which order, and the outcome. The lines of
 * its log are those of charon 5.9.8. */
#include "remediation/reinitiate.h"

#include "base/parse.h"
#include "remediation/ike_reason.h"
#include "tests/unit/fake_charon.h"

#include <errno.h>

#define VALUE_MAX 256
#define LINES_MAX 16

static struct {
    struct fake_charon charon;
    struct reinitiate *reinitiate;
    bool done, free_when_done;
    struct outcome outcome;
    char terminated[128]; /* ids, in order */
    bool initiated;
    char child[VALUE_MAX], ike[VALUE_MAX], timeout[VALUE_MAX];
    /* What it says and does. */
    const char *lines[LINES_MAX]; /* of its log */
    const char *errmsg;           /* NULL: success */
    const char *terminate_errmsg;
    bool silent, hang_up, senseless;
} t;

static void send_line(struct charon_peer *p, const char *line)
{
    cleanup(strbuf_done) struct strbuf b;

    strbuf_init(&b, VICI_MESSAGE_MAX);
    vici_put_value(&b, "group", "IKE");
    vici_put_value(&b, "level", "1");
    vici_put_value(&b, "ikesa-name", "aws-1");
    vici_put_value(&b, "msg", line);
    charon_send(p, VICI_EVENT, "control-log", &b);
}

static void answer_done(struct charon_peer *p)
{
    cleanup(strbuf_done) struct strbuf b;

    strbuf_init(&b, VICI_MESSAGE_MAX);
    vici_put_value(&b, t.senseless ? "what" : "success", "yes");
    charon_answer(p, &b);
}

static void on_terminate(struct charon_peer *p, struct rd message)
{
    char id[VALUE_MAX], value[VALUE_MAX];
    size_t len = strlen(t.terminated);

    assert_false(t.initiated);
    assert_true(vici_message_get(message, "ike-id", id, sizeof(id)));
    assert_true(vici_message_get(message, "force", value, sizeof(value)));
    assert_string_equal(value, "yes");
    assert_true(str_format(t.terminated + len, sizeof(t.terminated) - len, "%s ", id));
    if (t.silent)
        return;
    if (t.terminate_errmsg)
        charon_answer_failed(p, t.terminate_errmsg);
    else
        answer_done(p);
}

static void on_initiate(struct charon_peer *p, struct rd message)
{
    assert_false(t.initiated); /* once */
    t.initiated = true;
    assert_true(vici_message_get(message, "child", t.child, sizeof(t.child)));
    assert_true(vici_message_get(message, "ike", t.ike, sizeof(t.ike)));
    assert_true(vici_message_get(message, "timeout", t.timeout, sizeof(t.timeout)));
    for (size_t i = 0; i < LINES_MAX && t.lines[i]; i++)
        send_line(p, t.lines[i]);
    if (t.silent)
        return;
    if (t.hang_up)
        charon_drop(p);
    else if (t.errmsg)
        charon_answer_failed(p, t.errmsg);
    else
        answer_done(p);
}

static void serve(struct charon_peer *p, const char *command, struct rd message)
{
    if (str_eq(command, "terminate"))
        on_terminate(p, message);
    else if (str_eq(command, "initiate"))
        on_initiate(p, message);
    else
        fail_msg("asked for %s", command);
}

static void on_done(void *data, const struct outcome *o)
{
    assert_ptr_equal(data, &t);
    assert_false(t.done);
    t.done = true;
    t.outcome = *o;
    if (t.free_when_done)
        t.reinitiate = reinitiate_free(t.reinitiate);
}

static int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    charon_new(&t.charon, serve);
    charon_start(&t.charon, 8);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    t.reinitiate = reinitiate_free(t.reinitiate);
    charon_done(&t.charon);
    return 0;
}

static void start_with(struct reinitiate_args args)
{
    args.socket = t.charon.path;
    (void)str_copy(args.ike, sizeof(args.ike), "aws-1");
    if (args.child[0] == '\0')
        (void)str_copy(args.child, sizeof(args.child), "aws-1-net");
    assert_int_equal(reinitiate_start(t.charon.loop, &args, on_done, &t, &t.reinitiate), 0);
    assert_false(t.done);
}

static void run(struct reinitiate_args args)
{
    start_with(args);
    charon_until(&t.charon, t.done);
    charon_until(&t.charon, charon_n_peers(&t.charon) == 0); /* it has left */
}

static void assert_outcome(enum outcome_result result, enum outcome_ike ike, const char *text)
{
    assert_int_equal(t.outcome.result, result);
    assert_int_equal(t.outcome.ike, ike);
    assert_string_equal(t.outcome.text, text);
}

static void test_initiates(void **state)
{
    uint32_t timeout = 0;

    (void)state;
    run((struct reinitiate_args){0});
    assert_outcome(OUTCOME_DONE, OUTCOME_IKE_NONE, "the CHILD_SA is up");
    assert_string_equal(t.terminated, "");
    assert_string_equal(t.ike, "aws-1");
    assert_string_equal(t.child, "aws-1-net");
    assert_int_equal(parse_u32(t.timeout, UINT32_MAX, &timeout), 0);
    assert_true(timeout > 0 && timeout < REINITIATE_DEADLINE / USEC_PER_MSEC);
    assert_int_equal(t.charon.n_accepted, 1);
}

static void test_terminates_first_all_of_them(void **state)
{
    (void)state;
    run((struct reinitiate_args){.terminate = {7, 8, 4294967295, 9, 10, 11, 12, 13}, .n_terminate = 8});
    assert_string_equal(t.terminated, "7 8 4294967295 9 10 11 12 13 ");
    assert_int_equal(t.outcome.result, OUTCOME_DONE);
}

static void test_what_is_gone_already_is_no_obstacle(void **state)
{
    (void)state;
    t.terminate_errmsg = "no matching SAs to terminate found";
    run((struct reinitiate_args){.terminate = {3}, .n_terminate = 1});
    assert_int_equal(t.outcome.result, OUTCOME_DONE);
}

/* A reason that was overcome is none. */
static void test_success_forgets_what_went_wrong_before(void **state)
{
    (void)state;
    t.lines[0] = "giving up after 5 retransmits";
    run((struct reinitiate_args){0});
    assert_outcome(OUTCOME_DONE, OUTCOME_IKE_NONE, "the CHILD_SA is up");
}

static void test_reason_is_read_from_the_log(void **state)
{
    static const char *const lines[] = {
        "initiating IKE_SA aws-1[3] to 203.0.113.10",
        "generating IKE_SA_INIT request 0 [ SA KE No N(NATD_S_IP) N(NATD_D_IP) N(FRAG_SUP) N(HASH_ALG) N(REDIR_SUP) ]",
        "sending packet: from 198.51.100.2[500] to 203.0.113.10[500] (272 bytes)",
        "received packet: from 203.0.113.10[500] to 198.51.100.2[500] (280 bytes)",
        "parsed IKE_SA_INIT response 0 [ SA KE No N(NATD_S_IP) N(NATD_D_IP) N(FRAG_SUP) N(HASH_ALG) N(MULT_AUTH) ]",
        "selected proposal: IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256",
        "authentication of '198.51.100.2' (myself) with pre-shared key",
        "establishing CHILD_SA aws-1{3}",
        "parsed IKE_AUTH response 1 [ N(AUTH_FAILED) ]",
        "received AUTHENTICATION_FAILED notify error",
    };

    (void)state;
    memcpy(t.lines, lines, sizeof(lines));
    t.errmsg = "establishing CHILD_SA 'aws-1' failed";
    run((struct reinitiate_args){.terminate = {2}, .n_terminate = 1});
    assert_outcome(OUTCOME_FAILED, OUTCOME_IKE_AUTHENTICATION_FAILED,
                   "establishing CHILD_SA 'aws-1' failed: received AUTHENTICATION_FAILED notify error");
}

static void test_last_reason_counts(void **state)
{
    (void)state;
    t.lines[0] = "giving up after 5 retransmits";
    t.lines[1] = "peer not responding, trying again (2/0)";
    t.lines[2] = "received NO_PROPOSAL_CHOSEN notify error";
    t.lines[3] = "something else";
    t.errmsg = "establishing CHILD_SA 'aws-1' failed";
    run((struct reinitiate_args){0});
    assert_outcome(OUTCOME_FAILED, OUTCOME_IKE_NO_PROPOSAL_CHOSEN,
                   "establishing CHILD_SA 'aws-1' failed: received NO_PROPOSAL_CHOSEN notify error");
}

static void test_reason_is_read_from_the_answer(void **state)
{
    (void)state;
    t.errmsg = "CHILD_SA config 'nope' not found";
    run((struct reinitiate_args){0});
    assert_outcome(OUTCOME_FAILED, OUTCOME_IKE_NO_CONFIG, "CHILD_SA config 'nope' not found");
}

static void test_failure_without_a_known_reason(void **state)
{
    (void)state;
    t.lines[0] = "received SOMETHING_NEW notify error";
    t.errmsg = "establishing CHILD_SA 'aws-1' failed";
    run((struct reinitiate_args){0});
    assert_outcome(OUTCOME_FAILED, OUTCOME_IKE_NONE, "establishing CHILD_SA 'aws-1' failed");
}

/* What the daemon says goes to people and to terminals. */
static void test_text_is_printable_and_bounded(void **state)
{
    char line[2000] = "tried 1 shared key for '\x1b[2J\r\n";
    size_t len = strlen(line);

    (void)state;
    memset(line + len, 'x', sizeof(line) - len);
    line[sizeof(line) - 1] = '\0';
    memcpy(line + 300, "', but MAC mismatched", sizeof("', but MAC mismatched"));
    t.lines[0] = line;
    t.errmsg = "establishing CHILD_SA '\xff\x01' failed";
    run((struct reinitiate_args){0});
    assert_int_equal(t.outcome.result, OUTCOME_FAILED);
    assert_int_equal(t.outcome.ike, OUTCOME_IKE_AUTHENTICATION_FAILED);
    assert_true(str_starts(t.outcome.text, "establishing CHILD_SA '\?\?' failed: tried 1 shared key for '?[2J\?\?xxx"));
    assert_int_equal(strlen(t.outcome.text), OUTCOME_TEXT_MAX - 1);
}

static void test_names_may_hold_any_bytes(void **state)
{
    struct reinitiate_args args = {0};

    (void)state;
    memset(args.child, 0xC3, sizeof(args.child) - 1);
    args.child[0] = '\n';
    run(args);
    assert_string_equal(t.child, args.child);
    assert_int_equal(t.outcome.result, OUTCOME_DONE);
}

static void test_lost_connection_is_unknown(void **state)
{
    (void)state;
    t.hang_up = true;
    run((struct reinitiate_args){0});
    assert_int_equal(t.outcome.result, OUTCOME_UNKNOWN);
    assert_true(t.outcome.text[0] != '\0');
}

static void test_answer_that_makes_no_sense_is_unknown(void **state)
{
    (void)state;
    t.senseless = true;
    run((struct reinitiate_args){0});
    assert_int_equal(t.outcome.result, OUTCOME_UNKNOWN);
}

static void test_daemon_that_hangs_is_asked_for_nothing_more(void **state)
{
    (void)state;
    t.silent = true;
    run((struct reinitiate_args){.terminate = {3, 4}, .n_terminate = 2});
    assert_outcome(OUTCOME_UNKNOWN, OUTCOME_IKE_NONE, "the IKE daemon did not answer in time");
    assert_string_equal(t.terminated, "3 ");
    assert_false(t.initiated);
}

static void test_dead_daemon(void **state)
{
    (void)state;
    charon_die(&t.charon);
    run((struct reinitiate_args){0});
    assert_outcome(OUTCOME_FAILED, OUTCOME_IKE_NONE, "the IKE daemon does not run");
}

static void test_freed_in_the_middle_is_silent(void **state)
{
    (void)state;
    t.silent = true;
    start_with((struct reinitiate_args){0});
    charon_until(&t.charon, t.initiated);
    t.reinitiate = reinitiate_free(t.reinitiate);
    charon_until(&t.charon, charon_n_peers(&t.charon) == 0);
    assert_false(t.done);
    assert_null(reinitiate_free(NULL));
}

static void test_freed_by_its_own_callback(void **state)
{
    (void)state;
    t.free_when_done = true;
    run((struct reinitiate_args){.terminate = {3}, .n_terminate = 1});
    assert_null(t.reinitiate);
    assert_int_equal(t.outcome.result, OUTCOME_DONE);
}

static void test_path_that_is_too_long(void **state)
{
    char path[300];
    const struct reinitiate_args args = {.socket = path};

    (void)state;
    memset(path, '/', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(reinitiate_start(t.charon.loop, &args, on_done, &t, &t.reinitiate), -ENAMETOOLONG);
    assert_null(t.reinitiate);
}

static void test_reasons(void **state)
{
    static const struct {
        const char *line;
        enum outcome_ike reason;
    } rows[] = {
        {"received AUTHENTICATION_FAILED notify error", OUTCOME_IKE_AUTHENTICATION_FAILED},
        {"tried 1 shared key for '203.0.113.10' - '198.51.100.2', but MAC mismatched",
         OUTCOME_IKE_AUTHENTICATION_FAILED},
        {"received NO_PROPOSAL_CHOSEN notify error", OUTCOME_IKE_NO_PROPOSAL_CHOSEN},
        {"received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built", OUTCOME_IKE_NO_PROPOSAL_CHOSEN},
        {"received TS_UNACCEPTABLE notify, no CHILD_SA built", OUTCOME_IKE_TS_UNACCEPTABLE},
        {"constraint check failed: identity '*.example.com' required ", OUTCOME_IKE_IDENTITY_MISMATCH},
        {"no shared key found for '198.51.100.2' - '203.0.113.10'", OUTCOME_IKE_NO_SHARED_KEY},
        {"CHILD_SA config 'nope' not found", OUTCOME_IKE_NO_CONFIG},
        {"giving up after 2 retransmits", OUTCOME_IKE_TIMEOUT},
        {"establishing IKE_SA failed, peer not responding", OUTCOME_IKE_TIMEOUT},
        {"CHILD_SA 'aws-1' not established after 3000ms", OUTCOME_IKE_TIMEOUT},
        {"", OUTCOME_IKE_NONE},
        {"retransmit 1 of request with message ID 0", OUTCOME_IKE_NONE},
        {"establishing CHILD_SA 'aws-1' failed", OUTCOME_IKE_NONE},
        {"CHILD_SA aws-1{10} established with SPIs 35d7f67c_i a2b13b48_o and TS 10.9.0.1/32 === 10.0.0.0/16",
         OUTCOME_IKE_NONE},
        {"failed to establish CHILD_SA, keeping IKE_SA", OUTCOME_IKE_NONE},
        {"IKE_SA aws-1[11] established between 198.51.100.2[198.51.100.2]...203.0.113.10[received TS_UNACCEPTABLE ]",
         OUTCOME_IKE_NONE}, /* an identity of the peer's own choice */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(ike_reason(rows[i].line), rows[i].reason);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(outcome_result_name(OUTCOME_DONE), "done");
    assert_string_equal(outcome_result_name(OUTCOME_NOTHING), "nothing");
    assert_string_equal(outcome_result_name(OUTCOME_FAILED), "failed");
    assert_string_equal(outcome_result_name(OUTCOME_UNKNOWN), "unknown");
    assert_string_equal(outcome_ike_name(OUTCOME_IKE_NONE), "none");
    assert_string_equal(outcome_ike_name(OUTCOME_IKE_AUTHENTICATION_FAILED), "authentication-failed");
    assert_string_equal(outcome_ike_name(OUTCOME_IKE_TIMEOUT), "timeout");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_initiates),
        TEST(test_terminates_first_all_of_them),
        TEST(test_what_is_gone_already_is_no_obstacle),
        TEST(test_success_forgets_what_went_wrong_before),
        TEST(test_reason_is_read_from_the_log),
        TEST(test_last_reason_counts),
        TEST(test_reason_is_read_from_the_answer),
        TEST(test_failure_without_a_known_reason),
        TEST(test_text_is_printable_and_bounded),
        TEST(test_names_may_hold_any_bytes),
        TEST(test_lost_connection_is_unknown),
        TEST(test_answer_that_makes_no_sense_is_unknown),
        TEST(test_daemon_that_hangs_is_asked_for_nothing_more),
        TEST(test_dead_daemon),
        TEST(test_freed_in_the_middle_is_silent),
        TEST(test_freed_by_its_own_callback),
        TEST(test_path_that_is_too_long),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
