/* The VICI client against a server that the test plays by hand: what it sends, in which order, and what it makes of
 * answers that are late, wrong, in pieces or missing. */
#include "clients/vici/client.h"

/* Patience of ten seconds is too much for a test: the client is built anew with less. */
#undef VICI_PATIENCE
#define VICI_PATIENCE USEC_PER_SEC
#include "clients/vici/client.c"

#include "base/array.h"
#include "tests/unit/fake_vici.h"

#include <sys/stat.h>

#define SOON   (20 * USEC_PER_MSEC)  /* a deadline that is meant to pass */
#define LATER  (500 * USEC_PER_MSEC) /* likewise, after something was done */
#define NOBODY 65534

struct ended {
    bool done;
    int error;
    unsigned order;           /* among all that ended */
    unsigned events;          /* of its stream */
    char answer[FAKE_TEXT];   /* the value of "k" */
    char streamed[FAKE_TEXT]; /* the same of the last event */
    bool free_on_done, free_on_stream;
    size_t again; /* calls to make from within on_done */
};

static struct fake_vici fake;
static struct vici_client *client;
static unsigned n_ended;
static struct {
    unsigned n;
    char name[FAKE_TEXT], value[FAKE_TEXT];
    bool free;
} seen; /* events that no call asked for */
static struct {
    unsigned n;
    enum vici_state last;
    bool ever[VICI_BUSY + 1];
    bool free;
} states;

static void on_state_seen(void *data, enum vici_state state)
{
    assert_ptr_equal(data, &seen);
    states.n++;
    states.last = state;
    states.ever[state] = true;
    if (states.free)
        client = vici_client_free(client);
}

static void on_event_seen(void *data, const char *name, struct rd message)
{
    assert_ptr_equal(data, &seen);
    seen.n++;
    assert_true(str_copy(seen.name, sizeof(seen.name), name));
    if (seen.free)
        client = vici_client_free(client);
    (void)vici_message_get(message, "k", seen.value, sizeof(seen.value)); /* it is still there */
}

static void on_done(void *data, int error, struct rd message)
{
    struct ended *e = data;

    assert_false(e->done);
    e->done = true;
    e->error = error;
    e->order = ++n_ended;
    if (e->free_on_done)
        client = vici_client_free(client);
    (void)vici_message_get(message, "k", e->answer, sizeof(e->answer));
    if (e->again > 0) {
        e->again--;
        e->done = false;
        assert_int_equal(vici_call(client, "again", NULL, 0, NULL, NULL, on_done, e, FAKE_LIMIT, NULL), 0);
    }
}

static void on_stream(void *data, const char *name, struct rd message)
{
    struct ended *e = data;

    assert_false(e->done);
    assert_string_equal(name, "list-sa");
    e->events++;
    if (e->free_on_stream)
        client = vici_client_free(client);
    (void)vici_message_get(message, "k", e->streamed, sizeof(e->streamed));
}

static int set_up(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    memset(&states, 0, sizeof(states));
    n_ended = 0;
    fake_new(&fake);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    client = vici_client_free(client);
    fake_done(&fake);
    return 0;
}

static void start_client(void)
{
    unsigned n = states.n;

    assert_int_equal(vici_client_new(fake.loop, fake.path, on_state_seen, on_event_seen, &seen, &client), 0);
    assert_int_equal(states.n, n); /* nothing comes from within */
}

/* A client that is connected to a server. */
static void start(void)
{
    fake_listen(&fake, 8);
    start_client();
    fake_until(&fake, fake_accept(&fake));
    assert_int_equal(states.last, VICI_CONNECTED);
}

static void call_within(const char *command, struct ended *e, usec_t deadline)
{
    assert_int_equal(vici_call(client, command, NULL, 0, NULL, NULL, on_done, e, deadline, NULL), 0);
    assert_false(e->done);
}

static void call(const char *command, struct ended *e)
{
    call_within(command, e, FAKE_LIMIT);
}

static void call_streamed(const char *command, struct ended *e)
{
    assert_int_equal(vici_call(client, command, NULL, 0, "list-sa", on_stream, on_done, e, FAKE_LIMIT, NULL), 0);
}

static void assert_ended(struct ended *e, int error)
{
    fake_until(&fake, e->done);
    assert_int_equal(e->error, error);
}

static void test_a_command_is_answered(void **state)
{
    cleanup(strbuf_done) struct strbuf m;
    struct ended e = {0};
    uint64_t id = 0;

    (void)state;
    start();
    strbuf_init(&m, VICI_MESSAGE_MAX);
    vici_put_value(&m, "k", "question");
    assert_int_equal(vici_call(client, "version", m.data, m.len, NULL, NULL, on_done, &e, FAKE_LIMIT, &id), 0);
    assert_true(id != 0);
    fake_expect(&fake, "0 version k=question");
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, "5.9.8");
    assert_ended(&e, 0);
    assert_string_equal(e.answer, "5.9.8");
    assert_int_equal(states.n, 1);
}

static void test_what_was_called_before_the_connection_is_sent(void **state)
{
    struct ended e = {0};

    (void)state;
    fake_listen(&fake, 8);
    start_client();
    call("version", &e);
    fake_until(&fake, fake_accept(&fake));
    fake_expect(&fake, "0 version");
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, NULL);
    assert_ended(&e, 0);
    assert_string_equal(e.answer, "");
}

static void test_one_command_at_a_time_in_order(void **state)
{
    struct ended e[3] = {0};

    (void)state;
    start();
    call("one", &e[0]);
    call("two", &e[1]);
    call("three", &e[2]);
    fake_expect(&fake, "0 one");
    fake_expect_silence(&fake);
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, "1");
    fake_expect(&fake, "0 two");
    fake_expect_silence(&fake);
    fake_reply(&fake, VICI_CMD_UNKNOWN, NULL, NULL);
    fake_expect(&fake, "0 three");
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, "3");
    assert_ended(&e[2], 0);
    assert_int_equal(e[0].order, 1);
    assert_string_equal(e[0].answer, "1");
    assert_int_equal(e[1].order, 2);
    assert_int_equal(e[1].error, -EOPNOTSUPP);
    assert_string_equal(e[2].answer, "3");
}

static void test_a_streamed_answer(void **state)
{
    struct ended e[2] = {0};

    (void)state;
    start();
    call_streamed("list-sas", &e[0]);
    fake_expect(&fake, "3 list-sa");
    fake_expect_silence(&fake);
    fake_reply(&fake, VICI_EVENT_CONFIRM, NULL, NULL);
    fake_expect(&fake, "0 list-sas");
    fake_reply(&fake, VICI_EVENT, "list-sa", "first");
    fake_reply(&fake, VICI_EVENT, "list-sa", "second");
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, NULL);
    assert_ended(&e[0], 0);
    assert_int_equal(e[0].events, 2);
    assert_string_equal(e[0].streamed, "second");
    assert_int_equal(seen.n, 0);
    fake_reply(&fake, VICI_EVENT, "list-sa", "of nobody");
    fake_settle(&fake);
    call_streamed("list-sas", &e[1]); /* the registration stands */
    fake_expect(&fake, "0 list-sas");
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, NULL);
    assert_ended(&e[1], 0);
    assert_int_equal(e[1].events, 0);
    assert_int_equal(seen.n, 0);
}

/* Its answer would be incomplete, so the command is not even sent. */
static void test_a_stream_that_the_daemon_does_not_know(void **state)
{
    struct ended e[3] = {0};

    (void)state;
    start();
    call_streamed("list-sas", &e[0]);
    call_streamed("list-sas", &e[1]);
    call("version", &e[2]);
    fake_expect(&fake, "3 list-sa");
    fake_reply(&fake, VICI_EVENT_UNKNOWN, NULL, NULL);
    assert_ended(&e[0], -EOPNOTSUPP);
    fake_expect(&fake, "3 list-sa");
    fake_reply(&fake, VICI_EVENT_UNKNOWN, NULL, NULL);
    assert_ended(&e[1], -EOPNOTSUPP);
    fake_expect(&fake, "0 version");
}

static void test_events_come_at_any_time(void **state)
{
    struct ended e = {0};

    (void)state;
    fake_listen(&fake, 8);
    start_client();
    assert_int_equal(vici_client_register(client, "ike-updown"), 0);
    assert_int_equal(vici_client_register(client, "ike-updown"), 0); /* once is enough */
    assert_false(vici_client_knows(client, "ike-updown"));
    fake_until(&fake, fake_accept(&fake));
    fake_expect(&fake, "3 ike-updown");
    assert_int_equal(vici_client_register(client, "child-updown"), 0);
    call_streamed("list-sas", &e);
    fake_reply(&fake, VICI_EVENT_CONFIRM, NULL, NULL);
    fake_expect(&fake, "3 child-updown");
    assert_true(vici_client_knows(client, "ike-updown"));
    fake_reply(&fake, VICI_EVENT, "ike-updown", "before the confirmation");
    fake_reply(&fake, VICI_EVENT_UNKNOWN, NULL, NULL);
    fake_expect(&fake, "3 list-sa");
    assert_int_equal(seen.n, 1);
    assert_false(vici_client_knows(client, "child-updown"));
    fake_reply(&fake, VICI_EVENT_CONFIRM, NULL, NULL);
    fake_expect(&fake, "0 list-sas"); /* what is unknown is not asked again */
    fake_reply(&fake, VICI_EVENT, "list-sa", "1");
    fake_reply(&fake, VICI_EVENT, "ike-updown", "amidst the answer");
    fake_reply(&fake, VICI_EVENT, "list-sa", "2");
    fake_reply(&fake, VICI_EVENT, "never-named", "x");
    fake_reply(&fake, VICI_EVENT, "ike", "x");
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, NULL);
    assert_ended(&e, 0);
    assert_int_equal(e.events, 2);
    assert_int_equal(seen.n, 2);
    assert_string_equal(seen.name, "ike-updown");
    assert_string_equal(seen.value, "amidst the answer");
    fake_expect_silence(&fake);
    assert_false(vici_client_knows(client, "never-named"));
}

static void test_events_are_registered_again_after_a_reconnect(void **state)
{
    (void)state;
    start();
    assert_int_equal(vici_client_register(client, "ike-updown"), 0);
    fake_expect(&fake, "3 ike-updown");
    fake_reply(&fake, VICI_EVENT_CONFIRM, NULL, NULL);
    fake_until(&fake, vici_client_knows(client, "ike-updown"));
    fake_hang_up(&fake);
    fake_until(&fake, states.last == VICI_CONNECTING);
    assert_false(vici_client_knows(client, "ike-updown"));
    fake_until(&fake, fake_accept(&fake));
    fake_expect(&fake, "3 ike-updown");
    fake_reply(&fake, VICI_EVENT_CONFIRM, NULL, NULL);
    fake_until(&fake, vici_client_knows(client, "ike-updown"));
    fake_reply(&fake, VICI_EVENT, "ike-updown", "news");
    fake_until(&fake, seen.n == 1);
    assert_int_equal(fake.n_accepted, 2);
}

/* A daemon that was stopped: calls end in time, none reaches it late, no answer is mistaken for another one's, and when
 * it goes on the same connection serves on. */
static void test_a_daemon_that_hangs_and_goes_on(void **state)
{
    struct ended e[4] = {0};

    (void)state;
    start();
    call_within("one", &e[0], SOON);
    call_within("two", &e[1], SOON);
    assert_ended(&e[0], -ETIMEDOUT);
    assert_ended(&e[1], -ETIMEDOUT);
    call_within("three", &e[2], SOON);
    assert_ended(&e[2], -ETIMEDOUT);
    call("four", &e[3]);
    fake_expect(&fake, "0 one");
    fake_expect_silence(&fake);
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, "late");
    fake_expect(&fake, "0 four");
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, "in time");
    assert_ended(&e[3], 0);
    assert_string_equal(e[3].answer, "in time");
    assert_int_equal(fake.n_accepted, 1);
    assert_int_equal(states.n, 1);
}

static void test_late_events_of_a_stream_are_dropped(void **state)
{
    struct ended e[2] = {0};

    (void)state;
    start();
    assert_int_equal(vici_call(client, "list-sas", NULL, 0, "list-sa", on_stream, on_done, &e[0], LATER, NULL), 0);
    fake_expect(&fake, "3 list-sa");
    fake_reply(&fake, VICI_EVENT_CONFIRM, NULL, NULL);
    fake_expect(&fake, "0 list-sas");
    assert_ended(&e[0], -ETIMEDOUT);
    call_streamed("list-sas", &e[1]);
    fake_reply(&fake, VICI_EVENT, "list-sa", "late");
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, NULL);
    fake_expect(&fake, "0 list-sas");
    fake_reply(&fake, VICI_EVENT, "list-sa", "in time");
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, NULL);
    assert_ended(&e[1], 0);
    assert_int_equal(e[0].events, 0);
    assert_int_equal(e[1].events, 1);
    assert_string_equal(e[1].streamed, "in time");
}

/* One command may be lost in a daemon that is well otherwise. */
static void test_patience_ends(void **state)
{
    struct ended e[2] = {0};

    (void)state;
    start();
    call_within("lost", &e[0], SOON);
    fake_expect(&fake, "0 lost");
    assert_ended(&e[0], -ETIMEDOUT);
    call("next", &e[1]);
    fake_until(&fake, fake_has_left(&fake)); /* never two sockets */
    assert_int_equal(fake.wire.len, 0);
    fake_until(&fake, fake_accept(&fake));
    fake_expect(&fake, "0 next");
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, "answer");
    assert_ended(&e[1], 0);
    assert_int_equal(fake.n_accepted, 2);
}

static void test_patience_with_a_registration_ends(void **state)
{
    (void)state;
    start();
    assert_int_equal(vici_client_register(client, "ike-updown"), 0);
    fake_expect(&fake, "3 ike-updown");
    fake_until(&fake, fake_has_left(&fake));
    fake_until(&fake, fake_accept(&fake));
    fake_expect(&fake, "3 ike-updown");
}

/* Silence alone is no reason: nothing is owed to us. */
static void test_an_idle_connection_stays(void **state)
{
    usec_t end;
    struct ended e = {0};

    (void)state;
    start();
    call("version", &e);
    fake_expect(&fake, "0 version");
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, NULL);
    assert_ended(&e, 0);
    end = clock_now(clock_system()) + 3 * VICI_PATIENCE / 2;
    while (clock_now(clock_system()) < end)
        assert_true(loop_turn(fake.loop, VICI_PATIENCE / 8) >= 0);
    assert_false(fake_has_left(&fake));
    assert_int_equal(states.n, 1);
}

static void answer_now(void *data, usec_t now)
{
    (void)data;
    (void)now;
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, "just in time");
}

/* The loop itself is late: the deadline is over when it comes to look, and the answer lies there unread. */
static void test_an_answer_that_is_there_counts(void **state)
{
    cleanup(loop_timer_freep) struct loop_timer *timer = NULL;
    struct ended e = {0};
    usec_t end;

    (void)state;
    start();
    call_within("version", &e, LATER);
    fake_expect(&fake, "0 version");
    assert_int_equal(loop_timer_new(fake.loop, answer_now, NULL, &timer), 0);
    loop_timer_at(timer, 1); /* before the client's timer, in the same turn */
    end = clock_now(clock_system()) + LATER;
    while (clock_now(clock_system()) < end)
        continue;
    assert_ended(&e, 0);
    assert_string_equal(e.answer, "just in time");
}

static void test_nobody_listens(void **state)
{
    struct ended e[2] = {0};

    (void)state;
    start_client();
    call("version", &e[0]);
    assert_ended(&e[0], -ECONNREFUSED);
    assert_int_equal(states.last, VICI_REFUSED);
    fake_listen(&fake, 8);
    fake_stop_listening(&fake); /* a socket file of a daemon that died */
    call("version", &e[1]);
    assert_ended(&e[1], -ECONNREFUSED);
    assert_int_equal(unlink(fake.path), 0);
    fake_listen(&fake, 8);
    fake_until(&fake, fake_accept(&fake));
    assert_int_equal(states.last, VICI_CONNECTED);
    assert_int_equal(states.n, 2);
}

/* A daemon that hangs up on us time and again is not asked in a tight loop. */
static void test_back_off_grows_and_is_reset(void **state)
{
    struct ended e = {0};

    (void)state;
    start();
    while (client->back_off < VICI_RECONNECT_MAX) {
        usec_t before = client->back_off;

        fake_hang_up(&fake);
        fake_until(&fake, fake_accept(&fake));
        assert_true(client->back_off > before);
    }
    assert_true(client->back_off == VICI_RECONNECT_MAX);
    call("version", &e);
    fake_expect(&fake, "0 version");
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, NULL);
    assert_ended(&e, 0);
    assert_true(client->back_off == VICI_RECONNECT_FIRST);
}

static void test_we_may_not_connect(void **state)
{
    const bool root = geteuid() == 0;
    struct ended e = {0};

    (void)state;
    fake_listen(&fake, 8);
    assert_int_equal(chmod(fake.path, 0), 0);
    start_client();
    call("version", &e);
    if (root)
        assert_int_equal(seteuid(NOBODY), 0);
    fake_until(&fake, e.done);
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(e.error, -EACCES);
    assert_int_equal(states.last, VICI_DENIED);
    assert_int_equal(chmod(fake.path, 0600), 0);
    fake_until(&fake, fake_accept(&fake));
    assert_int_equal(states.last, VICI_CONNECTED);
}

/* A daemon that was stopped accepts nobody; its backlog fills. */
static void test_the_backlog_is_full(void **state)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct ended e = {0};
    int fds[4], n = 0;

    (void)state;
    fake_listen(&fake, 1);
    assert_true(str_copy(to.sun_path, sizeof(to.sun_path), fake.path));
    for (;;) {
        assert_true(n < (int)ARRAY_LEN(fds));
        fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(fds[n] >= 0);
        if (connect(fds[n++], (const struct sockaddr *)&to, sizeof(to)) < 0)
            break;
    }
    assert_int_equal(errno, EAGAIN);
    start_client();
    call("version", &e);
    assert_ended(&e, -EAGAIN);
    assert_int_equal(states.last, VICI_BUSY);
    for (int i = 0; i < n; i++)
        closep(&fds[i]);
    while (states.last != VICI_CONNECTED) /* it goes on */
        fake_until(&fake, fake_accept(&fake) || states.last == VICI_CONNECTED);
    assert_false(states.ever[VICI_REFUSED]);
}

static void test_the_connection_breaks(void **state)
{
    struct ended e[2] = {0};

    (void)state;
    start();
    call("one", &e[0]);
    call("two", &e[1]);
    fake_expect(&fake, "0 one");
    fake_hang_up(&fake);
    assert_ended(&e[0], -ECONNRESET);
    assert_int_equal(states.last, VICI_CONNECTING);
    fake_until(&fake, fake_accept(&fake));
    fake_expect(&fake, "0 two"); /* and "one" is not repeated */
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, NULL);
    assert_ended(&e[1], 0);
}

/* The call is made before the loop can tell that the other side has gone. */
static void test_a_call_into_a_broken_connection(void **state)
{
    struct ended e = {0};

    (void)state;
    start();
    fake_hang_up(&fake);
    call("one", &e);
    assert_ended(&e, -ECONNRESET);
    fake_until(&fake, fake_accept(&fake));
    fake_expect_silence(&fake);
}

static void test_what_was_sent_before_the_end_counts(void **state)
{
    struct ended e = {0};

    (void)state;
    start();
    call("one", &e);
    fake_expect(&fake, "0 one");
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, "last words");
    fake_hang_up(&fake);
    assert_ended(&e, 0);
    assert_string_equal(e.answer, "last words");
    fake_until(&fake, fake_accept(&fake));
}

#define bytes(s) s, sizeof(s) - 1

static void test_nonsense_ends_the_connection(void **state)
{
    static const struct {
        const char *what, *data;
        size_t len;
    } nonsense[] = {
        {"empty packet", bytes("\0\0\0\0")},
        {"packet over the maximum", bytes("\0\10\0\1\1")},
        {"huge packet", bytes("\377\377\377\377")},
        {"unknown type", bytes("\0\0\0\1\10")},
        {"a client's packet", bytes("\0\0\0\3\0\1x")},
        {"registration that nobody asked for", bytes("\0\0\0\1\5")},
        {"answer with a bad message", bytes("\0\0\0\2\1\2")},
        {"event without a name", bytes("\0\0\0\1\7")},
        {"event whose name is too long", bytes("\0\0\0\3\7\2x")},
        {"event with a bad message", bytes("\0\0\0\4\7\1x\6")},
        {"HTTP", bytes("HTTP/1.1 400 Bad Request\r\n\r\n")},
    };

    (void)state;
    start();
    for (size_t i = 0; i < ARRAY_LEN(nonsense); i++) {
        struct ended good = {0}, e = {0};

        call("good", &good); /* so that the next try comes soon */
        fake_expect(&fake, "0 good");
        fake_reply(&fake, VICI_CMD_RESPONSE, NULL, NULL);
        assert_ended(&good, 0);
        call("version", &e);
        fake_expect(&fake, "0 version");
        fake_send(&fake, nonsense[i].data, nonsense[i].len);
        fake_until(&fake, e.done);
        if (e.error != -EBADMSG)
            fail_msg("%s: %d", nonsense[i].what, e.error);
        fake_until(&fake, fake_has_left(&fake));
        fake_until(&fake, fake_accept(&fake));
    }
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, "to no question");
    fake_until(&fake, fake_has_left(&fake));
}

static void test_an_answer_in_single_bytes(void **state)
{
    cleanup(strbuf_done) struct strbuf m, b;
    struct ended e = {0};

    (void)state;
    start();
    assert_int_equal(vici_client_register(client, "ev"), 0);
    fake_expect(&fake, "3 ev");
    call("version", &e);
    strbuf_init(&m, VICI_MESSAGE_MAX);
    strbuf_init(&b, VICI_PACKET_MAX);
    vici_put_value(&m, "k", "piecemeal");
    vici_put_packet(&b, VICI_EVENT_CONFIRM, NULL, NULL, 0);
    vici_put_packet(&b, VICI_EVENT, "ev", m.data, m.len);
    for (size_t i = 0; i < b.len; i++) {
        assert_int_equal(seen.n, 0);
        fake_send(&fake, &b.data[i], 1);
        fake_settle(&fake);
    }
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.value, "piecemeal");
    fake_expect(&fake, "0 version");
    strbuf_reset(&b);
    vici_put_packet(&b, VICI_CMD_RESPONSE, NULL, m.data, m.len);
    for (size_t i = 0; i < b.len; i++) {
        assert_false(e.done);
        fake_send(&fake, &b.data[i], 1);
        fake_settle(&fake);
    }
    assert_ended(&e, 0);
    assert_string_equal(e.answer, "piecemeal");
}

/* As much as a packet can hold, both ways: neither side can take it at once. */
static void test_the_largest_packets(void **state)
{
    static char value[VICI_VALUE_MAX + 1];
    cleanup(strbuf_done) struct strbuf m, b;
    struct ended e[2] = {0};
    const size_t room = VICI_MESSAGE_MAX - 2 - strlen("big");
    size_t got = 0;

    (void)state;
    start();
    strbuf_init(&m, VICI_MESSAGE_MAX);
    strbuf_init(&b, VICI_PACKET_MAX);
    vici_put_value(&m, "k", "large");
    memset(value, 'v', VICI_VALUE_MAX);
    while (room - m.len > VICI_VALUE_MAX + 8)
        vici_put_value(&m, "filler", value);
    value[room - m.len - 5] = '\0';
    vici_put_value(&m, "x", value);
    assert_int_equal(m.len, room);
    assert_int_equal(vici_call(client, "bigg", m.data, m.len, NULL, NULL, on_done, &e[1], FAKE_LIMIT, NULL), -EMSGSIZE);
    assert_int_equal(vici_call(client, "big", m.data, m.len, NULL, NULL, on_done, &e[0], FAKE_LIMIT, NULL), 0);
    call("small", &e[1]);
    fake_settle(&fake);
    assert_true(vici_link_is_sending(&client->link)); /* the kernel did not take all */
    fake_expect(&fake, "0 big k=large");
    vici_put_packet(&b, VICI_CMD_RESPONSE, NULL, m.data, m.len);
    while (got < b.len) {
        size_t len = b.len - got < 70000 ? b.len - got : 70000;

        assert_false(e[0].done);
        fake_send(&fake, b.data + got, len);
        got += len;
    }
    assert_ended(&e[0], 0);
    assert_string_equal(e[0].answer, "large");
    fake_expect(&fake, "0 small");
    assert_true(client->link.in.cap <= 64 * 1024); /* the memory is given back */
}

static void test_a_cancelled_call(void **state)
{
    struct ended e[3] = {0};
    uint64_t ids[2];

    (void)state;
    start();
    assert_int_equal(vici_call(client, "flying", NULL, 0, NULL, NULL, on_done, &e[0], FAKE_LIMIT, &ids[0]), 0);
    assert_int_equal(vici_call(client, "queued", NULL, 0, NULL, NULL, on_done, &e[1], FAKE_LIMIT, &ids[1]), 0);
    call("other", &e[2]);
    fake_expect(&fake, "0 flying");
    vici_call_cancel(client, ids[0]);
    vici_call_cancel(client, ids[1]);
    vici_call_cancel(client, ids[1]);
    vici_call_cancel(client, 999);
    fake_expect_silence(&fake);
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, "of the cancelled one");
    fake_expect(&fake, "0 other");
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, "other's");
    assert_ended(&e[2], 0);
    assert_string_equal(e[2].answer, "other's");
    assert_false(e[0].done);
    assert_false(e[1].done);
}

static void test_limits(void **state)
{
    static char name[VICI_NAME_MAX + 2], long_path[200];
    struct ended e[VICI_QUEUE_MAX] = {0};
    struct vici_client *none = NULL;
    char event[FAKE_TEXT];

    (void)state;
    memset(long_path, 'p', sizeof(long_path) - 1);
    assert_int_equal(vici_client_new(fake.loop, long_path, NULL, NULL, NULL, &none), -ENAMETOOLONG);
    assert_null(none);
    start_client();
    memset(name, 'n', VICI_NAME_MAX + 1);
    assert_int_equal(vici_call(client, name, NULL, 0, NULL, NULL, on_done, e, FAKE_LIMIT, NULL), -EMSGSIZE);
    assert_int_equal(vici_client_register(client, name), -ENAMETOOLONG);
    for (int i = 0; i < VICI_EVENTS_MAX; i++) {
        assert_true(str_format(event, sizeof(event), "event-%d", i));
        assert_int_equal(vici_client_register(client, event), 0);
    }
    assert_int_equal(vici_client_register(client, "one-more"), -ENOSPC);
    assert_int_equal(vici_client_register(client, "event-0"), 0);
    assert_int_equal(vici_call(client, "c", NULL, 0, "list-sa", on_stream, on_done, e, FAKE_LIMIT, NULL), -ENOSPC);
    for (size_t i = 0; i < VICI_QUEUE_MAX; i++)
        call("version", &e[i]);
    assert_int_equal(vici_call(client, "version", NULL, 0, NULL, NULL, on_done, e, FAKE_LIMIT, NULL), -ENOSPC);
    for (size_t i = 0; i < VICI_QUEUE_MAX; i++) {
        assert_ended(&e[i], -ECONNREFUSED);
        assert_int_equal(e[i].order, i + 1);
    }
}

/* What a callback asks for again waits for the next try: it does not keep the loop from going on. */
static void test_calls_from_a_callback(void **state)
{
    struct ended e = {.again = 2};

    (void)state;
    start_client();
    call("version", &e);
    fake_until(&fake, n_ended == 1);
    assert_int_equal(states.last, VICI_REFUSED);
    fake_until(&fake, n_ended == 2);
    fake_listen(&fake, 8);
    fake_until(&fake, fake_accept(&fake));
    fake_expect(&fake, "0 again");
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, NULL);
    assert_ended(&e, 0);
    assert_int_equal(n_ended, 3);
}

static void test_freed_from_each_callback(void **state)
{
    struct ended e = {.free_on_done = true}, other = {0};

    (void)state;
    start();
    call("version", &e);
    call("other", &other);
    fake_expect(&fake, "0 version");
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, "still readable");
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, "nobody reads this");
    assert_ended(&e, 0);
    assert_null(client);
    assert_string_equal(e.answer, "still readable");
    fake_until(&fake, fake_has_left(&fake));

    e = (struct ended){.free_on_stream = true};
    start_client();
    fake_until(&fake, fake_accept(&fake));
    call_streamed("list-sas", &e);
    fake_expect(&fake, "3 list-sa");
    fake_reply(&fake, VICI_EVENT_CONFIRM, NULL, NULL);
    fake_expect(&fake, "0 list-sas");
    fake_reply(&fake, VICI_EVENT, "list-sa", "still readable");
    fake_reply(&fake, VICI_EVENT, "list-sa", "nobody reads this");
    fake_until(&fake, !client);
    assert_string_equal(e.streamed, "still readable");
    fake_until(&fake, fake_has_left(&fake));

    seen.free = true;
    start_client();
    fake_until(&fake, fake_accept(&fake));
    assert_int_equal(vici_client_register(client, "ev"), 0);
    fake_expect(&fake, "3 ev");
    fake_reply(&fake, VICI_EVENT_CONFIRM, NULL, NULL);
    fake_reply(&fake, VICI_EVENT, "ev", "still readable");
    fake_until(&fake, !client);
    assert_string_equal(seen.value, "still readable");
    fake_settle(&fake);
    assert_false(e.done);
    assert_false(other.done);
}

static void test_freed_when_calls_fail(void **state)
{
    struct ended e[2] = {{.free_on_done = true}, {0}};

    (void)state;
    start_client();
    call("one", &e[0]);
    call("two", &e[1]);
    assert_ended(&e[0], -ECONNREFUSED);
    assert_null(client);

    e[0] = (struct ended){.free_on_done = true};
    fake_listen(&fake, 8);
    start_client();
    call_within("one", &e[0], SOON);
    call_within("two", &e[1], SOON);
    assert_ended(&e[0], -ETIMEDOUT);
    assert_null(client);

    e[0] = (struct ended){.free_on_done = true};
    start_client();
    while (!client->requests.last_id)
        call("one", &e[0]);
    call("two", &e[1]);
    while (fake_accept(&fake) || fake.n_accepted < 2)
        assert_true(loop_turn(fake.loop, USEC_PER_MSEC) >= 0);
    fake_hang_up(&fake);
    assert_ended(&e[0], -ECONNRESET);
    assert_null(client);

    memset(&states, 0, sizeof(states));
    states.free = true;
    start_client();
    fake_until(&fake, !client);
    fake_settle(&fake);
    assert_false(e[1].done);
}

static void test_freed_with_calls_under_way(void **state)
{
    struct ended e[2] = {0};

    (void)state;
    start();
    call("one", &e[0]);
    call("two", &e[1]);
    fake_expect(&fake, "0 one");
    client = vici_client_free(client);
    assert_true(fake_has_left(&fake));
    fake_settle(&fake);
    assert_false(e[0].done);
    assert_false(e[1].done);
    assert_null(vici_client_free(NULL));
}

static void test_without_callbacks(void **state)
{
    struct ended e = {0};

    (void)state;
    fake_listen(&fake, 8);
    assert_int_equal(vici_client_new(fake.loop, fake.path, NULL, NULL, NULL, &client), 0);
    assert_int_equal(vici_client_register(client, "ev"), 0);
    call("version", &e);
    fake_until(&fake, fake_accept(&fake));
    fake_expect(&fake, "3 ev");
    fake_reply(&fake, VICI_EVENT_CONFIRM, NULL, NULL);
    fake_reply(&fake, VICI_EVENT, "ev", NULL);
    fake_expect(&fake, "0 version");
    fake_reply(&fake, VICI_CMD_RESPONSE, NULL, NULL);
    assert_ended(&e, 0);
}

#define client_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        client_test(test_a_command_is_answered),
        client_test(test_what_was_called_before_the_connection_is_sent),
        client_test(test_one_command_at_a_time_in_order),
        client_test(test_a_streamed_answer),
        client_test(test_a_stream_that_the_daemon_does_not_know),
        client_test(test_events_come_at_any_time),
        client_test(test_events_are_registered_again_after_a_reconnect),
        client_test(test_a_daemon_that_hangs_and_goes_on),
        client_test(test_late_events_of_a_stream_are_dropped),
        client_test(test_patience_ends),
        client_test(test_patience_with_a_registration_ends),
        client_test(test_an_idle_connection_stays),
        client_test(test_an_answer_that_is_there_counts),
        client_test(test_nobody_listens),
        client_test(test_back_off_grows_and_is_reset),
        client_test(test_we_may_not_connect),
        client_test(test_the_backlog_is_full),
        client_test(test_the_connection_breaks),
        client_test(test_a_call_into_a_broken_connection),
        client_test(test_what_was_sent_before_the_end_counts),
        client_test(test_nonsense_ends_the_connection),
        client_test(test_an_answer_in_single_bytes),
        client_test(test_the_largest_packets),
        client_test(test_a_cancelled_call),
        client_test(test_limits),
        client_test(test_calls_from_a_callback),
        client_test(test_freed_from_each_callback),
        client_test(test_freed_when_calls_fail),
        client_test(test_freed_with_calls_under_way),
        client_test(test_without_callbacks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
