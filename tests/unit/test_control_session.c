/* The VICI server without a socket: framing, registration, commands, and what waits. The engine is played. */
#include "base/array.h"
#include "clients/vici/sas.h"
#include "tests/unit/control_host.h"

#define SECRET "correct-horse-battery"

/* Framing --------------------------------------------------------------------------------------------------------- */

static void test_answers_whatever_the_pieces(void **state)
{
    struct host *h = *state;
    cleanup(strbuf_done) struct strbuf b;

    strbuf_init(&b, VICI_PACKET_MAX);
    client_packet(&b, VICI_CMD_REQUEST, "version", "");
    client_packet(&b, VICI_CMD_REQUEST, "get-conns", "");
    for (size_t i = 0; i < b.len; i++)
        session_input(h->session, &b.data[i], 1);
    assert_non_null(strstr(host_next(h), "1 daemon=rekindle-engine version=" ENGINE_VERSION " sysname=Linux"));
    assert_string_equal(host_next(h), "1 conns[]");
    session_input(h->session, b.data, b.len);
    assert_non_null(host_next(h));
    assert_string_equal(host_next(h), "1 conns[]");
    assert_null(host_next(h));
}

static void test_unknown_names_are_said_to_be(void **state)
{
    struct host *h = *state;

    assert_string_equal(host_ask(h, "no-such-command", "a=b"), "2 ");
    host_send(h, VICI_EVENT_REGISTER, "alert", "");
    assert_string_equal(host_next(h), "6 ");
    host_send(h, VICI_EVENT_UNREGISTER, "ike-updown", "");
    assert_string_equal(host_next(h), "6 ");
    host_hear(h, "ike-updown");
    host_send(h, VICI_EVENT_UNREGISTER, "ike-updown", "");
    assert_string_equal(host_next(h), "5 ");
    assert_false(h->session->dead);
}

static void test_all_events_can_be_heard(void **state)
{
    static const char *const names[] = {"ike-updown", "child-updown", "ike-rekey",   "child-rekey",
                                        "ike-update", "log",          "control-log", "list-sa",
                                        "list-conn",  "list-cert",    "list-policy", "list-authority"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        host_hear(*state, names[i]);
}

static void expect_dead(struct host *h, const void *bytes, size_t len)
{
    struct session *s = session_new(h->control, NULL, NULL);

    session_input(s, bytes, len);
    assert_true(s->dead);
    assert_false(session_reads(s));
    s = session_free(s);
}

static void test_who_breaks_the_protocol_is_cut_off(void **state)
{
    static const uint8_t empty[] = {0, 0, 0, 0}, huge[] = {0, 8, 0, 1}, response[] = {0, 0, 0, 1, 1},
                         type[] = {0, 0, 0, 2, 9, 0}, short_name[] = {0, 0, 0, 3, 0, 5, 'a'},
                         nul[] = {0, 0, 0, 9, 0, 7, 'v', 'e', 'r', 's', 'i', 'o', 0};
    struct host *h = *state;

    expect_dead(h, empty, sizeof(empty));
    expect_dead(h, huge, sizeof(huge));
    expect_dead(h, response, sizeof(response));
    expect_dead(h, type, sizeof(type));
    expect_dead(h, short_name, sizeof(short_name));
    expect_dead(h, nul, sizeof(nul));
}

static void test_a_malformed_message_is_refused(void **state)
{
    static const uint8_t bytes[] = {0, 0, 0, 10, 0, 7, 'v', 'e', 'r', 's', 'i', 'o', 'n', 2};
    struct host *h = *state;

    session_input(h->session, bytes, sizeof(bytes));
    assert_string_equal(host_next(h), "1 success=no errmsg=the message is malformed");
}

/* Connections ----------------------------------------------------------------------------------------------------- */

static void test_connections_come_and_go(void **state)
{
    struct host *h = *state;

    host_load(h, CONN("aws"));
    host_load(h, CONN("other"));
    host_load(h, CONN("aws"));
    assert_int_equal(h->engine.n_confs, 2);
    assert_int_equal(h->changes, 3);
    assert_string_equal(host_ask(h, "get-conns", ""), "1 conns[other,aws]");
    assert_string_equal(host_ask(h, "unload-conn", "name=aws"), "1 success=yes");
    assert_string_equal(host_ask(h, "unload-conn", "name=aws"),
                        "1 success=no errmsg=unload: connection 'aws' not found");
    assert_string_equal(host_ask(h, "unload-conn", ""), "1 success=no errmsg=missing connection name to unload");
    assert_string_equal(host_ask(h, "get-conns", ""), "1 conns[other]");
}

static void test_a_connection_that_is_wrong_is_refused_by_name(void **state)
{
    struct host *h = *state;
    const char *answer = host_ask(h, "load-conn", "aws{remote_addrs[203.0.113.10] no_such_key=1}");

    assert_non_null(strstr(answer, "1 success=no errmsg="));
    assert_non_null(strstr(answer, "no_such_key"));
    assert_int_equal(h->engine.n_confs, 0);
}

static void test_lists_connections(void **state)
{
    struct host *h = *state;
    const char *text;

    host_load(h, CONN("aws"));
    host_load(h, CONN("other"));
    assert_string_equal(host_ask(h, "list-conns", ""), "1 ");
    host_hear(h, "list-conn");
    text = host_ask(h, "list-conns", "");
    assert_non_null(strstr(text, "7 list-conn aws{local_addrs[192.0.2.1] remote_addrs[203.0.113.10] version=IKEv2 "));
    assert_non_null(
        strstr(text, "local-1{id=192.0.2.1 class=pre-shared key groups[] cert_policy[] certs[] cacerts[]}"));
    assert_non_null(strstr(text, "children{net{mode=TUNNEL "));
    assert_non_null(strstr(text, "local-ts[10.0.0.0/16] remote-ts[10.1.0.0/16]}}"));
    assert_non_null(strstr(host_next(h), "7 list-conn other{"));
    assert_string_equal(host_next(h), "1 ");
    assert_non_null(strstr(host_ask(h, "list-conns", "ike=other"), "7 list-conn other{"));
    assert_string_equal(host_next(h), "1 ");
}

/* SAs ------------------------------------------------------------------------------------------------------------- */

static void test_lists_sas(void **state)
{
    struct host *h = *state;
    const char *text;
    struct sas one;

    host_load(h, CONN("aws"));
    host_make_sas(h, &one, 7);
    assert_string_equal(host_ask(h, "list-sas", ""), "1 ");
    host_hear(h, "list-sa");
    text = host_ask(h, "list-sas", "");
    assert_non_null(strstr(text, "7 list-sa aws{uniqueid=7 version=2 state=ESTABLISHED local-host=192.0.2.1 "
                                 "local-port=500 local-id=192.0.2.1 remote-host=203.0.113.10 remote-port=500 "
                                 "remote-id=203.0.113.10 initiator=yes initiator-spi=0102030405060708 "
                                 "responder-spi=0900000000000000 encr-alg=AES_GCM_16 encr-keysize=128 "
                                 "prf-alg=PRF_HMAC_SHA2_256 dh-group=ECP_256 established=0 rekey-time="));
    assert_non_null(strstr(text, "child-sas{net-107{name=net uniqueid=107 reqid=1 state=INSTALLED mode=TUNNEL "
                                 "protocol=ESP encap=yes spi-in=c0ffee01 spi-out=c0ffee02 encr-alg=AES_GCM_16 "
                                 "encr-keysize=128 bytes-in=300 packets-in=3 drop-in-replay=107 bytes-out=200 "
                                 "packets-out=2 install-time=0 local-ts[10.0.0.0/16] remote-ts[10.1.0.0/16]}}}"));
    assert_string_equal(host_next(h), "1 ");
}

static void test_lists_what_is_under_way(void **state)
{
    struct task second = {.kind = TASK_REKEY_CHILD}, first = {.kind = TASK_DPD, .next = &second};
    struct host *h = *state;
    struct sas one;

    host_load(h, CONN("aws"));
    host_make_sas(h, &one, 7);
    one.ike.tasks = &first;
    host_hear(h, "list-sa");
    assert_non_null(strstr(host_ask(h, "list-sas", ""), "tasks-queued[CHILD_REKEY] tasks-active[IKE_DPD]"));
    assert_string_equal(host_next(h), "1 ");
    first.not_before = USEC_NEVER;
    assert_non_null(strstr(host_ask(h, "list-sas", ""), "tasks-queued[IKE_DPD,CHILD_REKEY] child-sas"));
    assert_string_equal(host_next(h), "1 ");
    first = (struct task){.kind = TASK_INIT, .next = &second};
    second = (struct task){.kind = TASK_AUTH, .conf = one.child.conf};
    one.ike.established_at = 0;
    assert_non_null(strstr(host_ask(h, "list-sas", ""), "tasks-active[IKE_INIT,IKE_AUTH,CHILD_CREATE] child-sas"));
}

static void test_filters_sas(void **state)
{
    static const struct {
        const char *filter;
        bool found;
    } cases[] = {
        {"ike=aws", true},     {"ike=other", false},   {"ike-id=7", true},     {"ike-id=8", false},
        {"child=net", true},   {"child=nat", true},    {"child-id=107", true}, {"child-id=108", true},
        {"noblock=yes", true}, {"ike-id=zwei", false},
    };
    struct host *h = *state;
    struct sas one;

    host_load(h, CONN("aws"));
    host_make_sas(h, &one, 7);
    host_hear(h, "list-sa");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *text = host_ask(h, "list-sas", cases[i].filter);

        assert_int_equal(text[0], cases[i].found ? '7' : '1');
        if (cases[i].found)
            assert_string_equal(host_next(h), "1 ");
    }
    assert_null(strstr(host_ask(h, "list-sas", "child=nat"), "net-107"));
    assert_string_equal(host_next(h), "1 ");
    assert_non_null(strstr(host_ask(h, "list-sas", "child=net"), "net-107"));
    assert_string_equal(host_next(h), "1 ");
}

/* The message of the event that comes first after COMMAND. */
static struct rd first_event(struct host *h, const char *command)
{
    struct rd rd, packet;

    host_send(h, VICI_CMD_REQUEST, command, "");
    host_drain(h);
    rd = rd_of(h->wire.data, h->wire.len);
    packet = rd_sub(&rd, rd_be32(&rd));
    assert_int_equal(rd_u8(&packet), VICI_EVENT);
    rd_skip(&packet, rd_u8(&packet));
    assert_true(rd_ok(&packet));
    return packet;
}

/* Rekindle's own agent watches the engine as it watches charon. */
static void test_the_agent_reads_what_is_listed(void **state)
{
    struct host *h = *state;
    struct vici_sas sas = {0};
    struct vici_conns conns = {0};
    struct sas one;

    host_load(h, CONN("aws"));
    host_make_sas(h, &one, 7);
    host_hear(h, "list-sa");
    host_hear(h, "list-conn");
    assert_int_equal(vici_sas_add(&sas, first_event(h, "list-sas")), 0);
    assert_int_equal(sas.n, 1);
    assert_string_equal(sas.sas[0].name, "aws");
    assert_true(vici_ike_is_up(&sas.sas[0]) && sas.sas[0].initiator);
    assert_int_equal(sas.sas[0].n_children, 1);
    assert_true(vici_child_is_up(&sas.sas[0].children[0]));
    assert_int_equal(sas.sas[0].children[0].bytes_in, 300);
    vici_sas_done(&sas);
    strbuf_reset(&h->wire);
    assert_int_equal(vici_conns_add(&conns, first_event(h, "list-conns")), 0);
    assert_int_equal(conns.n, 1);
    assert_int_equal(conns.conns[0].version, 2);
    assert_string_equal(conns.conns[0].remote_addrs[0], "203.0.113.10");
    assert_string_equal(conns.conns[0].children[0], "net");
    vici_conns_done(&conns);
}

/* A list is told as fast as it is read, and SAs may end meanwhile. */
static void test_a_long_list_does_not_fill_memory(void **state)
{
    enum { N = 1000, REMOVED = 400 };
    struct host *h = *state;
    cleanup(freep) struct sas *many = calloc(N, sizeof(*many));
    unsigned n = 0;
    const char *text;

    host_load(h, CONN("aws"));
    for (uint32_t i = 0; i < N; i++)
        host_make_sas(h, &many[i], i + 1);
    host_hear(h, "list-sa");
    host_send(h, VICI_CMD_REQUEST, "list-sas", "");
    assert_in_range(h->session->out.len, SESSION_OUT_LOW, SESSION_OUT_LOW + 4096);
    assert_false(session_reads(h->session));
    h->engine.sas = &many[N - 1 - REMOVED].ike; /* the newest ones, which were told first or were to be */
    while ((text = host_next(h)) && text[0] == '7')
        n++;
    assert_string_equal(text, "1 ");
    assert_in_range(n, N - REMOVED, N - 1);
    assert_true(session_reads(h->session));
}

/* Wishes ---------------------------------------------------------------------------------------------------------- */

static void test_initiate_waits_for_the_engine(void **state)
{
    struct host *h = *state;

    host_load(h, CONN("aws"));
    assert_null(host_ask(h, "initiate", "child=net ike=aws timeout=0"));
    assert_string_equal(h->engine.asked, "initiate aws/net");
    assert_int_equal(h->changes, 2);
    assert_false(session_reads(h->session));
    control_done(h->control, h->engine.ticket + 1, NULL);
    assert_null(host_next(h));
    control_done(h->control, h->engine.ticket, NULL);
    assert_string_equal(host_next(h), "1 success=yes");
    control_done(h->control, h->engine.ticket, NULL);
    assert_null(host_next(h));
    assert_null(host_ask(h, "initiate", "child=net"));
    control_done(h->control, h->engine.ticket, "the peer does not answer");
    assert_string_equal(host_next(h),
                        "1 success=no errmsg=establishing CHILD_SA 'net' failed: the peer does not answer");
    assert_null(host_ask(h, "initiate", "ike=aws"));
    assert_string_equal(h->engine.asked, "initiate aws/-");
    control_done(h->control, h->engine.ticket, "no");
    assert_string_equal(host_next(h), "1 success=no errmsg=establishing IKE_SA 'aws' failed: no");
}

static void test_initiate_is_answered_at_once(void **state)
{
    struct host *h = *state;

    host_load(h, CONN("aws"));
    assert_string_equal(host_ask(h, "initiate", "child=net timeout=-1"), "1 success=yes");
    assert_int_equal(h->engine.ticket, 0);
    assert_string_equal(host_ask(h, "initiate", "child=net ike=other"),
                        "1 success=no errmsg=CHILD_SA config 'net' not found");
    assert_string_equal(host_ask(h, "initiate", ""), "1 success=no errmsg=missing configuration name");
    assert_string_equal(host_ask(h, "initiate", "child=net timeout=soon"),
                        "1 success=no errmsg=invalid value of 'timeout'");
    h->engine.at_once = true;
    assert_string_equal(host_ask(h, "initiate", "child=net"), "1 success=yes");
    assert_null(host_next(h));
    assert_true(session_reads(h->session));
}

static void test_commands_behind_a_wish_wait_for_their_turn(void **state)
{
    struct host *h = *state;
    cleanup(strbuf_done) struct strbuf b;

    host_load(h, CONN("aws"));
    strbuf_init(&b, VICI_PACKET_MAX);
    client_packet(&b, VICI_CMD_REQUEST, "initiate", "child=net");
    client_packet(&b, VICI_CMD_REQUEST, "get-conns", "");
    session_input(h->session, b.data, b.len);
    assert_null(host_next(h));
    control_done(h->control, h->engine.ticket, NULL);
    assert_string_equal(host_next(h), "1 success=yes");
    assert_string_equal(host_next(h), "1 conns[aws]");
}

static const char *wait_for_answer(struct host *h)
{
    const char *text = NULL;

    for (unsigned i = 0; i < 1000 && !text; i++) {
        assert_true(loop_turn(h->loop, 10 * USEC_PER_MSEC) >= 0);
        text = host_next(h);
    }
    return text;
}

static void test_initiate_gives_up_waiting(void **state)
{
    struct host *h = *state;

    host_load(h, CONN("aws"));
    assert_null(host_ask(h, "initiate", "child=net timeout=20"));
    assert_string_equal(wait_for_answer(h), "1 success=no errmsg=CHILD_SA 'net' not established after 20ms");
    control_done(h->control, h->engine.ticket, NULL);
    assert_null(host_next(h));
}

static void test_who_goes_away_cancels_the_waiting_only(void **state)
{
    struct host *h = *state;

    host_load(h, CONN("aws"));
    assert_null(host_ask(h, "initiate", "child=net"));
    h->session = session_free(h->session);
    control_done(h->control, h->engine.ticket, NULL); /* finds nobody */
    h->session = session_new(h->control, NULL, NULL);
    assert_string_equal(host_ask(h, "get-conns", ""), "1 conns[aws]");
}

static void test_terminate_counts(void **state)
{
    struct host *h = *state;
    struct sas one, two, newer;

    host_load(h, CONN("aws"));
    assert_string_equal(host_ask(h, "terminate", ""), "1 success=no errmsg=missing terminate selector");
    assert_string_equal(host_ask(h, "terminate", "ike=aws"),
                        "1 success=no matches=0 terminated=0 errmsg=no matching SAs to terminate found");
    host_make_sas(h, &one, 7);
    h->engine.found = 1;
    assert_null(host_ask(h, "terminate", "ike=aws"));
    assert_string_equal(h->engine.asked, "terminate aws/-");
    fake_end(&one.ike);
    host_make_sas(h, &newer, 9); /* since then */
    control_done(h->control, h->engine.ticket, NULL);
    assert_string_equal(host_next(h), "1 success=yes matches=1 terminated=1");
    host_make_sas(h, &two, 10);
    assert_null(host_ask(h, "terminate", "child=net"));
    fake_end(&two.ike);
    control_done(h->control, h->engine.ticket, NULL); /* one of the two could not be ended */
    assert_string_equal(host_next(h),
                        "1 success=no matches=2 terminated=1 errmsg=not all matching SAs could be terminated");
    assert_string_equal(host_ask(h, "terminate", "child=net timeout=-1"), "1 success=yes matches=1 terminated=1");
    assert_null(host_ask(h, "terminate", "ike-id=9 timeout=20"));
    assert_string_equal(wait_for_answer(h), "1 success=no matches=1 terminated=0 errmsg=terminating SA failed");
    h->engine.at_once = true;
    h->engine.error = "it is gone"; /* which is what was asked for */
    assert_string_equal(host_ask(h, "terminate", "child-id=109"), "1 success=yes matches=1 terminated=1");
}

/* The peer has the time that is given, none where there is none. */
static void test_terminate_by_force(void **state)
{
    struct host *h = *state;
    struct sas one;

    host_load(h, CONN("aws"));
    host_make_sas(h, &one, 7);
    h->engine.found = 1;
    assert_null(host_ask(h, "terminate", "ike-id=7 force=yes timeout=20"));
    assert_string_equal(h->engine.asked, "terminate -/-");
    assert_string_equal(wait_for_answer(h), "1 success=yes matches=1 terminated=1");
    assert_string_equal(h->engine.asked, "kill -/-");
    h->engine.sas = NULL;
    host_make_sas(h, &one, 8);
    h->engine.at_once = true;
    assert_string_equal(host_ask(h, "terminate", "ike-id=8 force=yes"), "1 success=yes matches=1 terminated=1");
    assert_string_equal(h->engine.asked, "kill -/-");
}

static void test_rekey_counts(void **state)
{
    struct host *h = *state;
    struct sas one;

    host_load(h, CONN("aws"));
    host_make_sas(h, &one, 7);
    h->engine.found = 1;
    assert_string_equal(host_ask(h, "rekey", "child=net"), "1 success=yes matches=1");
    assert_string_equal(h->engine.asked, "rekey -/net");
    assert_string_equal(host_ask(h, "rekey", "ike=aws reauth=yes"), "1 success=yes matches=1");
    assert_string_equal(h->engine.asked, "reauth aws/-");
    h->engine.found = 0;
    assert_string_equal(host_ask(h, "rekey", "ike=x"), "1 success=no matches=0 errmsg=no matching SAs to rekey found");
    assert_string_equal(host_ask(h, "rekey", ""), "1 success=no errmsg=missing rekey selector");
}

/* The log --------------------------------------------------------------------------------------------------------- */

static void say(struct host *h, int level, uint32_t ike, const char *text)
{
    const struct engine_log l = {
        .group = ENGINE_LOG_IKE, .level = level, .ike_unique = ike, .ike_name = ike ? "aws" : NULL, .text = text};

    control_log(h->control, &l);
}

/* Of the IKE_SA that is worked on, as far as its level was asked for. */
static void test_tells_the_log_of_what_is_waited_for(void **state)
{
    struct host *h = *state;

    host_load(h, CONN("aws"));
    host_hear(h, "control-log");
    say(h, 1, 3, "before");
    h->engine.serves = 3;
    assert_null(host_ask(h, "initiate", "child=net"));
    say(h, 1, 3, "initiating");
    say(h, 2, 3, "details");
    say(h, 1, 4, "another IKE_SA of the connection");
    say(h, 1, 0, "none of any");
    control_done(h->control, h->engine.ticket, NULL);
    say(h, 1, 3, "after");
    assert_string_equal(host_next(h), "7 control-log group=IKE level=1 ikesa-name=aws ikesa-uniqueid=3 msg=initiating");
    assert_string_equal(host_next(h), "1 success=yes");
    assert_null(host_next(h));
    assert_null(host_ask(h, "initiate", "child=net loglevel=2"));
    say(h, 2, 3, "details");
    assert_string_equal(host_next(h), "7 control-log group=IKE level=2 ikesa-name=aws ikesa-uniqueid=3 msg=details");
}

static void test_tells_the_log_of_what_is_ended(void **state)
{
    static const char *const asks[] = {"ike-id=7", "child-id=107"};
    struct host *h = *state;
    struct sas one, two;

    host_load(h, CONN("aws"));
    host_make_sas(h, &one, 7);
    host_make_sas(h, &two, 8);
    h->engine.found = 1;
    host_hear(h, "control-log");
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        assert_null(host_ask(h, "terminate", asks[i]));
        say(h, 0, 8, "the other one");
        say(h, 0, 7, "deleting");
        one.child.state = CHILD_DELETED;
        say(h, 1, 7, "deleted");
        assert_string_equal(host_next(h),
                            "7 control-log group=IKE level=0 ikesa-name=aws ikesa-uniqueid=7 msg=deleting");
        assert_string_equal(host_next(h),
                            "7 control-log group=IKE level=1 ikesa-name=aws ikesa-uniqueid=7 msg=deleted");
        one.child.state = CHILD_INSTALLED;
        control_done(h->control, h->engine.ticket, NULL);
        assert_non_null(strstr(host_next(h), "1 success=no matches=1 "));
    }
}

static void test_tells_the_log(void **state)
{
    struct host *h = *state;

    say(h, 1, 0, "unheard");
    host_hear(h, "log");
    say(h, 1, 0, "hello");
    say(h, 2, 0, "details");
    assert_string_equal(host_next(h), "7 log group=IKE level=1 thread=1 msg=hello");
    assert_null(host_next(h));
}

static void test_who_does_not_read_is_cut_off(void **state)
{
    struct host *h = *state;
    char text[1024];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    host_hear(h, "log");
    for (unsigned i = 0; i < 4 * SESSION_OUT_MAX / sizeof(text) && !h->session->dead; i++) {
        say(h, 1, 0, text);
        assert_in_range(h->session->out.len, 0, SESSION_OUT_MAX);
    }
    assert_true(h->session->dead);
}

/* Events ---------------------------------------------------------------------------------------------------------- */

static void test_tells_what_happens_to_sas(void **state)
{
    struct host *h = *state;
    struct engine_event ev;
    struct sas one, two;

    host_load(h, CONN("aws"));
    host_make_sas(h, &one, 7);
    host_make_sas(h, &two, 8);
    ev = (struct engine_event){
        .type = ENGINE_IKE_UP, .ike = &one.ike, .new_ike = &two.ike, .child = &one.child, .new_child = &two.child};
    control_event(h->control, &ev);
    assert_null(host_next(h));
    host_hear(h, "ike-updown");
    host_hear(h, "child-updown");
    host_hear(h, "ike-rekey");
    host_hear(h, "child-rekey");
    host_hear(h, "ike-update");
    control_event(h->control, &ev);
    assert_non_null(strstr(host_next(h), "7 ike-updown up=yes aws{uniqueid=7 "));
    ev.type = ENGINE_IKE_DOWN;
    control_event(h->control, &ev);
    assert_non_null(strstr(host_next(h), "7 ike-updown aws{uniqueid=7 "));
    ev.type = ENGINE_CHILD_UP;
    control_event(h->control, &ev);
    assert_non_null(strstr(host_next(h), "7 child-updown up=yes aws{uniqueid=7 "));
    ev.type = ENGINE_CHILD_DOWN;
    control_event(h->control, &ev);
    assert_non_null(strstr(host_next(h), "child-sas{net-107{name=net "));
    ev.type = ENGINE_IKE_REKEYED;
    control_event(h->control, &ev);
    assert_non_null(strstr(host_next(h), "7 ike-rekey aws{old{uniqueid=7 "));
    ev.type = ENGINE_CHILD_REKEYED;
    control_event(h->control, &ev);
    assert_non_null(strstr(host_next(h), "child-sas{net-107{old{name=net uniqueid=107 "));
    ev.type = ENGINE_IKE_MOVED;
    control_event(h->control, &ev);
    assert_non_null(strstr(host_next(h), "7 ike-update "));
    assert_null(host_next(h));
}

/* Secrets --------------------------------------------------------------------------------------------------------- */

static void test_secrets_go_in_and_do_not_come_out(void **state)
{
    struct host *h = *state;
    struct identity peer;

    assert_int_equal(identity_parse("203.0.113.10", &peer), 0);
    assert_string_equal(host_ask(h, "load-shared", "id=ike-aws type=IKE data=" SECRET " owners[203.0.113.10]"),
                        "1 success=yes");
    assert_null(h->session->in.data); /* wiped and given back */
    assert_string_equal(secret_text(creds_shared(h->creds, CREDS_IKE, NULL, &peer)), SECRET);
    assert_string_equal(host_ask(h, "load-shared", "id=p type=ppk data=x owners[p]"), "1 success=yes");
    assert_string_equal(host_ask(h, "get-shared", ""), "1 keys[ike-aws,p]");
    assert_string_equal(host_ask(h, "unload-shared", "id=ike-aws"), "1 success=yes");
    assert_null(creds_shared(h->creds, CREDS_IKE, NULL, &peer));
    assert_non_null(strstr(host_ask(h, "unload-shared", "id=ike-aws"), "success=no"));
}

static void test_logs_who_asked_for_what(void **state)
{
    struct host *h = *state;

    host_load(h, CONN("aws"));
    assert_string_equal(h->logged, "added vici connection: aws");
    assert_string_equal(host_ask(h, "initiate", "child=net ike=aws timeout=-1"), "1 success=yes");
    assert_string_equal(h->logged, "vici initiate CHILD_SA 'net'");
    (void)host_ask(h, "terminate", "ike=a\nb");
    assert_string_equal(h->logged, "vici terminate IKE_SA 'a?b'");
    (void)host_ask(h, "rekey", "child-id=5");
    assert_string_equal(h->logged, "vici rekey CHILD_SA #5");
}

static void test_refuses_secrets_by_name(void **state)
{
    struct host *h = *state;
    const char *text = host_ask(h, "load-shared", "id=e type=EAP data=" SECRET);

    assert_non_null(strstr(text, "success=no errmsg=shared keys of type 'EAP' are not supported"));
    assert_null(strstr(text, SECRET));
    assert_non_null(strstr(host_ask(h, "load-shared", "type=IKE"), "success=no errmsg=missing shared key data"));
    assert_non_null(strstr(host_ask(h, "load-shared", "data=" SECRET), "success=no errmsg=missing shared key type"));
    assert_string_equal(host_ask(h, "get-shared", ""), "1 keys[]");
}

static void test_statistics(void **state)
{
    struct host *h = *state;
    const char *text = host_ask(h, "stats", "");

    assert_non_null(strstr(text, "1 uptime{running=0 seconds since="));
    assert_non_null(strstr(text, "ikesas{total=0 half-open=0}"));
    assert_non_null(strstr(text, "mallinfo{sbrk="));
}

#define T(f) cmocka_unit_test_setup_teardown(f, host_setup, host_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_answers_whatever_the_pieces),
        T(test_unknown_names_are_said_to_be),
        T(test_all_events_can_be_heard),
        T(test_who_breaks_the_protocol_is_cut_off),
        T(test_a_malformed_message_is_refused),
        T(test_connections_come_and_go),
        T(test_a_connection_that_is_wrong_is_refused_by_name),
        T(test_lists_connections),
        T(test_lists_sas),
        T(test_lists_what_is_under_way),
        T(test_filters_sas),
        T(test_the_agent_reads_what_is_listed),
        T(test_a_long_list_does_not_fill_memory),
        T(test_initiate_waits_for_the_engine),
        T(test_initiate_is_answered_at_once),
        T(test_commands_behind_a_wish_wait_for_their_turn),
        T(test_initiate_gives_up_waiting),
        T(test_who_goes_away_cancels_the_waiting_only),
        T(test_terminate_counts),
        T(test_terminate_by_force),
        T(test_rekey_counts),
        T(test_tells_the_log_of_what_is_waited_for),
        T(test_tells_the_log_of_what_is_ended),
        T(test_tells_the_log),
        T(test_who_does_not_read_is_cut_off),
        T(test_tells_what_happens_to_sas),
        T(test_secrets_go_in_and_do_not_come_out),
        T(test_logs_who_asked_for_what),
        T(test_refuses_secrets_by_name),
        T(test_statistics),
    };

    return cmocka_run_group_tests_name("control_session", tests, NULL, NULL);
}
