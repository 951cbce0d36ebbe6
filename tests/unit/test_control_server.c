/* The socket of the VICI server: who may be there before, who comes, who goes. The engine is played. */
#include "engine/control/control.h"

#include "base/clock.h"
#include "engine/control/control_private.h"
#include "tests/unit/fake_engine.h"
#include "tests/unit/vici_client.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define LIMIT (20 * USEC_PER_SEC) /* for what must happen */

struct host {
    struct loop *loop;
    struct engine engine;
    struct creds *creds;
    struct control *control;
    char dir[32], path[64];
};

#define until(h, condition)                                                                                            \
    do {                                                                                                               \
        usec_t end_ = clock_now(clock_system()) + LIMIT;                                                               \
        while (!(condition)) {                                                                                         \
            assert_true(clock_now(clock_system()) < end_);                                                             \
            assert_true(loop_turn((h)->loop, USEC_PER_MSEC) >= 0);                                                     \
        }                                                                                                              \
    } while (0)

static int start(struct host *h, struct control **ret)
{
    const struct control_config config = {.path = h->path, .engine = &h->engine, .creds = h->creds};

    return control_new(h->loop, &config, ret);
}

static int setup(void **state)
{
    struct host *h = calloc(1, sizeof(*h));

    assert_non_null(h);
    (void)str_copy(h->dir, sizeof(h->dir), "/tmp/test-control-XXXXXX");
    assert_non_null(mkdtemp(h->dir));
    assert_true(str_format(h->path, sizeof(h->path), "%s/vici", h->dir));
    assert_int_equal(loop_new(&h->loop), 0);
    assert_int_equal(creds_new(&h->creds), 0);
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    struct host *h = *state;

    h->control = control_free(h->control);
    h->creds = creds_free(h->creds);
    fake_engine_done(&h->engine);
    h->loop = loop_free(h->loop);
    (void)unlink(h->path);
    assert_int_equal(rmdir(h->dir), 0);
    free(h);
    return 0;
}

static int dial(struct host *h)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_true(str_copy(to.sun_path, sizeof(to.sun_path), h->path));
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static void send_packet(int fd, enum vici_packet type, const char *name, const char *spec)
{
    cleanup(strbuf_done) struct strbuf b;

    strbuf_init(&b, VICI_PACKET_MAX);
    client_packet(&b, type, name, spec);
    assert_int_equal(send(fd, b.data, b.len, MSG_NOSIGNAL), b.len);
}

/* What has come from the server; false once it has hung up. */
static bool pull(int fd, struct strbuf *wire)
{
    char buf[65536];
    ssize_t n = recv(fd, buf, sizeof(buf), 0);

    if (n > 0)
        strbuf_add(wire, buf, (size_t)n);
    return n > 0 || (n < 0 && errno == EAGAIN);
}

static const char *await(struct host *h, int fd, struct strbuf *wire)
{
    const char *text = NULL;

    until(h, pull(fd, wire) && (text = client_take(wire)));
    return text;
}

static void await_hang_up(struct host *h, int fd)
{
    cleanup(strbuf_done) struct strbuf wire;

    strbuf_init(&wire, 8 * VICI_PACKET_MAX);
    until(h, !pull(fd, &wire));
}

static void test_serves_several_clients(void **state)
{
    struct host *h = *state;
    cleanup(closep) int one = -1, two = -1;
    cleanup(strbuf_done) struct strbuf from_one, from_two;

    strbuf_init(&from_one, VICI_PACKET_MAX);
    strbuf_init(&from_two, VICI_PACKET_MAX);
    assert_int_equal(start(h, &h->control), 0);
    one = dial(h);
    two = dial(h);
    send_packet(one, VICI_CMD_REQUEST, "version", "");
    send_packet(two, VICI_EVENT_REGISTER, "log", "");
    assert_non_null(strstr(await(h, one, &from_one), "daemon=rekindle-engine"));
    assert_string_equal(await(h, two, &from_two), "5 ");
    control_log(h->control, &(struct engine_log){.group = ENGINE_LOG_NET, .level = 1, .text = "hello"});
    assert_string_equal(await(h, two, &from_two), "7 log group=NET level=1 thread=1 msg=hello");
    control_log(h->control, &(struct engine_log){.group = ENGINE_LOG_NET, .level = 1, .text = "goodbye"});
    h->control = control_free(h->control);
    assert_string_equal(await(h, two, &from_two), "7 log group=NET level=1 thread=1 msg=goodbye");
}

static void test_the_socket_is_the_owners(void **state)
{
    struct host *h = *state;
    struct stat st;

    assert_int_equal(start(h, &h->control), 0);
    assert_int_equal(stat(h->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    h->control = control_free(h->control);
    assert_int_equal(stat(h->path, &st), -1);
}

static void test_takes_over_a_stale_socket_only(void **state)
{
    struct host *h = *state;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct control *second = NULL;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(str_copy(to.sun_path, sizeof(to.sun_path), h->path));
    assert_int_equal(bind(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(start(h, &second), -EADDRINUSE);
    close(fd);
    assert_int_equal(start(h, &h->control), 0);
    assert_int_equal(start(h, &second), -EADDRINUSE);
    fd = dial(h);
    close(fd);
    h->control = control_free(h->control);
    fd = creat(h->path, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(start(h, &second), -EEXIST);
    assert_null(second);
}

static void test_too_many_clients_are_turned_away(void **state)
{
    struct host *h = *state;
    int fds[CONTROL_SESSIONS_MAX + 1];
    cleanup(strbuf_done) struct strbuf wire;

    strbuf_init(&wire, VICI_PACKET_MAX);
    assert_int_equal(start(h, &h->control), 0);
    for (size_t i = 0; i < CONTROL_SESSIONS_MAX; i++) {
        fds[i] = dial(h);
        send_packet(fds[i], VICI_CMD_REQUEST, "get-conns", "");
        assert_string_equal(await(h, fds[i], &wire), "1 conns[]");
    }
    fds[CONTROL_SESSIONS_MAX] = dial(h);
    await_hang_up(h, fds[CONTROL_SESSIONS_MAX]);
    close(fds[CONTROL_SESSIONS_MAX]);
    close(fds[0]);
    until(h, h->control->n_sessions == CONTROL_SESSIONS_MAX - 1);
    fds[0] = dial(h);
    send_packet(fds[0], VICI_CMD_REQUEST, "get-conns", "");
    assert_string_equal(await(h, fds[0], &wire), "1 conns[]");
    for (size_t i = 0; i < CONTROL_SESSIONS_MAX; i++)
        close(fds[i]);
}

static void test_goes_on_without_descriptors(void **state)
{
    struct host *h = *state;
    struct rlimit before, full;
    int client, next;
    cleanup(strbuf_done) struct strbuf wire;

    strbuf_init(&wire, VICI_PACKET_MAX);
    assert_int_equal(start(h, &h->control), 0);
    client = dial(h);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    full = before;
    next = dup(0); /* the lowest one that is free */
    full.rlim_cur = (rlim_t)next;
    close(next);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &full), 0);
    await_hang_up(h, client);
    assert_int_equal(loop_turn(h->loop, 0), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    close(client);
    client = dial(h);
    send_packet(client, VICI_CMD_REQUEST, "get-conns", "");
    assert_string_equal(await(h, client, &wire), "1 conns[]");
    close(client);
}

static void test_who_breaks_the_protocol_or_does_not_read_is_hung_up_on(void **state)
{
    struct host *h = *state;
    cleanup(closep) int bad = -1, deaf = -1;
    cleanup(strbuf_done) struct strbuf wire;
    char text[4096];

    strbuf_init(&wire, VICI_PACKET_MAX);
    assert_int_equal(start(h, &h->control), 0);
    bad = dial(h);
    assert_int_equal(send(bad, "\xFF\xFF\xFF\xFF", 4, MSG_NOSIGNAL), 4);
    await_hang_up(h, bad);
    deaf = dial(h);
    send_packet(deaf, VICI_EVENT_REGISTER, "log", "");
    assert_string_equal(await(h, deaf, &wire), "5 ");
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (unsigned i = 0; i < 2 * SESSION_OUT_MAX / sizeof(text); i++) {
        control_log(h->control, &(struct engine_log){.group = ENGINE_LOG_NET, .level = 1, .text = text});
        assert_true(loop_turn(h->loop, 0) >= 0);
    }
    until(h, h->control->n_sessions == 0);
    await_hang_up(h, deaf);
}

static void test_who_hangs_up_while_waiting_is_forgotten(void **state)
{
    static const char conn[] = "aws{version=2 remote_addrs[203.0.113.10] local{auth=psk} remote{auth=psk} "
                               "children{net{remote_ts[10.1.0.0/16]}}}";
    struct host *h = *state;
    cleanup(strbuf_done) struct strbuf wire;
    int fd;

    strbuf_init(&wire, VICI_PACKET_MAX);
    assert_int_equal(start(h, &h->control), 0);
    fd = dial(h);
    send_packet(fd, VICI_CMD_REQUEST, "load-conn", conn);
    assert_string_equal(await(h, fd, &wire), "1 success=yes");
    send_packet(fd, VICI_CMD_REQUEST, "initiate", "child=net");
    until(h, h->engine.ticket != 0);
    close(fd);
    until(h, h->control->n_sessions == 0);
    control_done(h->control, h->engine.ticket, NULL);
    fd = dial(h);
    send_packet(fd, VICI_CMD_REQUEST, "get-conns", "");
    assert_string_equal(await(h, fd, &wire), "1 conns[aws]");
    close(fd);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_serves_several_clients),
        T(test_the_socket_is_the_owners),
        T(test_takes_over_a_stale_socket_only),
        T(test_too_many_clients_are_turned_away),
        T(test_goes_on_without_descriptors),
        T(test_who_breaks_the_protocol_or_does_not_read_is_hung_up_on),
        T(test_who_hangs_up_while_waiting_is_forgotten),
    };

    return cmocka_run_group_tests_name("control_server", tests, NULL, NULL);
}
