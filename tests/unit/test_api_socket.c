/* The sockets of the control API: made, locked, replaced and removed; who may read and change; the loopback listener.
 */
#include "tests/unit/api_host.h"

#include "base/array.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define ROUNDS   20
#define STARTERS 8

static unsigned mode_of(const char *file)
{
    struct stat st;

    assert_int_equal(stat(file, &st), 0);
    return st.st_mode & 07777;
}

static void test_makes_its_directory_and_socket(void **state)
{
    cleanup(api_freep) struct api *other = NULL;
    char deep[128], file[160];

    (void)state;
    assert_int_equal(mode_of(host.path), 0660);
    (void)str_format(deep, sizeof(deep), "%s/a/b", host.dir);
    (void)umask(022);
    assert_int_equal(api_new(host.loop, deep, NULL, host_routes, &host, &other), 0);
    assert_int_equal(mode_of(deep), 0755);
    other = api_free(other);
    (void)str_format(file, sizeof(file), "%s/rekindle.sock", deep);
    assert_int_equal(access(file, F_OK), -1);
    (void)str_format(file, sizeof(file), "%s/rekindle.lock", deep);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(deep), 0);
    (void)str_format(deep, sizeof(deep), "%s/a", host.dir);
    assert_int_equal(rmdir(deep), 0);
}

static void test_directory_that_cannot_be_used(void **state)
{
    struct api *other = NULL;
    char far[200];

    (void)state;
    memset(far, 'x', sizeof(far));
    far[0] = '/';
    far[sizeof(far) - 1] = '\0';
    assert_int_equal(api_new(host.loop, far, NULL, host_routes, &host, &other), -ENAMETOOLONG);
    assert_int_equal(api_new(host.loop, host.path, NULL, host_routes, &host, &other), -ENOTDIR);
    assert_null(other);
}

static void test_second_daemon_is_refused(void **state)
{
    struct api *other = NULL;
    struct talk t;
    char lock[128];

    (void)state;
    assert_int_equal(api_new(host.loop, host.dir, NULL, host_routes, &host, &other), -EADDRINUSE);
    (void)str_format(lock, sizeof(lock), "%s/rekindle.lock", host.dir);
    assert_int_equal(unlink(lock), 0); /* somebody tidied up too well: the socket still answers */
    assert_int_equal(api_new(host.loop, host.dir, NULL, host_routes, &host, &other), -EADDRINUSE);
    assert_null(other);
    talk_ask(&t, "GET /healthz HTTP/1.1\r\n" END);
    talk_must_hear(&t, "ok\n");
    talk_end(&t);
}

static void leave_stale_socket(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    cleanup(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(str_copy(address.sun_path, sizeof(address.sun_path), host.path));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
}

static void test_stale_socket_is_replaced(void **state)
{
    struct talk t;

    (void)state;
    host.api = api_free(host.api);
    leave_stale_socket();
    assert_int_equal(api_new(host.loop, host.dir, NULL, host_routes, &host, &host.api), 0);
    talk_ask(&t, "GET /healthz HTTP/1.1\r\n" END);
    talk_must_hear(&t, "ok\n");
    talk_end(&t);
}

static void test_other_file_in_place_of_the_socket_stays(void **state)
{
    cleanup(closep) int fd = -1;

    (void)state;
    host.api = api_free(host.api);
    fd = open(host.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(api_new(host.loop, host.dir, NULL, host_routes, &host, &host.api), -EEXIST);
    assert_int_equal(access(host.path, F_OK), 0);
}

/* In a child: starts when GO is closed, says over SAY how it went, and lives until STAY is closed. */
static int start_one(int go, int say_fd, int stay)
{
    struct loop *l = NULL;
    struct api *a = NULL;
    char byte;

    if (read(go, &byte, 1) != 0 || loop_new(&l) < 0)
        return 1;
    switch (api_new(l, host.dir, NULL, host_routes, &host, &a)) {
    case 0:
        byte = 'w';
        break;
    case -EADDRINUSE:
        byte = 'l';
        break;
    default:
        byte = '?';
    }
    return write(say_fd, &byte, 1) == 1 && read(stay, &byte, 1) == 0 ? 0 : 1;
}

static void race(void)
{
    int go[2], say_fds[2], stay[2], status, winners = 0;
    char byte;

    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(say_fds), 0);
    assert_int_equal(pipe(stay), 0);
    for (size_t i = 0; i < STARTERS; i++) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
            (void)close(go[1]);
            (void)close(stay[1]);
            _exit(start_one(go[0], say_fds[1], stay[0]));
        }
    }
    (void)close(go[1]); /* all at once */
    (void)close(say_fds[1]);
    for (size_t i = 0; i < STARTERS; i++) {
        assert_int_equal(read(say_fds[0], &byte, 1), 1);
        assert_int_not_equal(byte, '?');
        winners += byte == 'w';
    }
    (void)close(stay[1]); /* nobody ends in order: the socket is a stale one for the next round */
    for (size_t i = 0; i < STARTERS; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    (void)close(go[0]);
    (void)close(say_fds[0]);
    (void)close(stay[0]);
    assert_int_equal(winners, 1);
}

static void test_of_many_starters_one_wins(void **state)
{
    (void)state;
    host.api = api_free(host.api);
    leave_stale_socket();
    (void)fflush(NULL);
    for (int i = 0; i < ROUNDS; i++)
        race();
}

/* Who asks: the groups that a child takes before it becomes nobody. */
static gid_t main_group, further_group;

static bool become_nobody(void)
{
    struct passwd *nobody = getpwnam("nobody");

    return nobody && setgroups(1, &further_group) == 0 && setgid(main_group) == 0 && setuid(nobody->pw_uid) == 0;
}

static int nobody_reads(void)
{
    return become_nobody() ? host_command_status("/v1/status", NULL, "rekindle.status/1") : 99;
}

static int nobody_pauses(void)
{
    return become_nobody() ? host_command_status("/v1/pause", json_object_new_object(), "") : 99;
}

static void must_be_root(void)
{
    if (geteuid() == 0 && getpwnam("nobody"))
        return;
    print_message("skipped: only root can become somebody else, and there must be a user nobody\n");
    skip();
}

static void test_who_may_read_and_change(void **state)
{
    struct passwd *nobody;
    struct stat st;

    (void)state;
    must_be_root();
    nobody = getpwnam("nobody");
    assert_int_equal(stat(host.path, &st), 0);
    assert_int_not_equal(st.st_gid, nobody->pw_gid);

    main_group = further_group = nobody->pw_gid;
    assert_int_equal(host_serve_child(nobody_reads), 1); /* it cannot even open it */
    assert_int_equal(chmod(host.path, 0666), 0);
    assert_int_equal(host_serve_child(nobody_reads), 20);
    assert_int_equal(host_serve_child(nobody_pauses), 43);
    assert_int_equal(host.changes, 0);
    assert_int_equal(chmod(host.path, 0660), 0);

    main_group = st.st_gid;
    assert_int_equal(host_serve_child(nobody_pauses), 20);
    main_group = nobody->pw_gid;
    further_group = st.st_gid;
    assert_int_equal(host_serve_child(nobody_reads), 20);
    assert_int_equal(host_serve_child(nobody_pauses), 20);
    assert_int_equal(host.changes, 2);
}

static int own_user_pauses(void)
{
    return host_command_status("/v1/pause", json_object_new_object(), "paused");
}

/* A server of our own user's, which need not be root: we may change. */
static int serve_and_ask_as_nobody(void)
{
    static char own[64] = "/tmp/rekindle-api-XXXXXX";
    char file[128];
    bool done;

    main_group = further_group = getpwnam("nobody")->pw_gid;
    if (!become_nobody() || !mkdtemp(own))
        return 99;
    (void)str_copy(host.dir, sizeof(host.dir), own);
    (void)str_format(host.path, sizeof(host.path), "%s/rekindle.sock", own);
    if (loop_new(&host.loop) < 0 || api_new(host.loop, own, NULL, host_routes, &host, &host.api) < 0)
        return 98;
    done = host_serve_child(own_user_pauses) == 20;
    host.api = api_free(host.api);
    host.loop = loop_free(host.loop);
    (void)str_format(file, sizeof(file), "%s/rekindle.lock", own);
    return unlink(file) == 0 && rmdir(own) == 0 && done ? 0 : 97;
}

static void test_own_user_may_change(void **state)
{
    (void)state;
    must_be_root();
    assert_int_equal(host_serve_child(serve_and_ask_as_nobody), 0);
}

/* TCP -------------------------------------------------------------------------------------------------------------- */

static struct sockaddr_in tcp_address;

/* A second server with a TCP listener on a port that was free a moment ago. */
static void listen_tcp(void)
{
    char text[64];
    int r = -EADDRINUSE;

    host.api = api_free(host.api);
    for (int i = 0; i < 100 && r == -EADDRINUSE; i++) {
        socklen_t len = sizeof(tcp_address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        tcp_address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        assert_int_equal(bind(fd, (const struct sockaddr *)&tcp_address, len), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&tcp_address, &len), 0);
        (void)close(fd);
        (void)str_format(text, sizeof(text), "127.0.0.1:%u", ntohs(tcp_address.sin_port));
        r = api_new(host.loop, host.dir, text, host_routes, &host, &host.api);
    }
    assert_int_equal(r, 0);
}

static void ask_tcp(struct talk *t, const char *text)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&tcp_address, sizeof(tcp_address)), 0);
    talk_on(t, fd);
    talk_say(t, text);
    turn_until(t->closed);
}

static void test_tcp_reads_but_does_not_change(void **state)
{
    struct talk t;

    (void)state;
    listen_tcp();
    ask_tcp(&t, "GET /v1/status HTTP/1.1\r\nHost: localhost:9469\r\nConnection: close\r\n\r\n");
    talk_must_hear(&t, "200 OK");
    talk_must_hear(&t, "rekindle.status/1");
    talk_end(&t);
    ask_tcp(&t, "POST /v1/pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
    talk_must_hear(&t, "HTTP/1.1 403 ");
    talk_must_hear(&t, host.path);
    talk_end(&t);
    assert_int_equal(host.changes, 0);
    talk_ask(&t, "POST /v1/pause HTTP/1.1\r\nContent-Length: 0\r\n" END); /* the socket is served as ever */
    talk_must_hear(&t, "200 OK");
    talk_end(&t);
}

static void test_tcp_serves_its_own_names_only(void **state)
{
    static const char *const good[] = {"localhost", "LocalHost:80", "127.0.0.1", "127.0.0.1:9469",
                                       "127.1.2.3", "[::1]",        "[::1]:9469"};
    static const char *const bad[] = {"evil.example",
                                      "evil.example:9469",
                                      "localhost.evil.example",
                                      "localhost:",
                                      "",
                                      "localhost:x",
                                      "127.0.0.1.evil.example",
                                      "203.0.113.10",
                                      "::1",
                                      "[::1",
                                      "[::2]",
                                      "0.0.0.0",
                                      "127.1",
                                      "localhost, evil.example",
                                      "localhost\r\nHost: evil.example",
                                      "evil.example\r\nHost: localhost"};
    struct talk t;
    char text[256];

    (void)state;
    listen_tcp();
    for (size_t i = 0; i < ARRAY_LEN(good) + ARRAY_LEN(bad); i++) {
        bool ok = i < ARRAY_LEN(good);
        const char *name = ok ? good[i] : bad[i - ARRAY_LEN(good)];

        (void)str_format(text, sizeof(text), "GET /v1/status HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", name);
        ask_tcp(&t, text);
        if (talk_heard(&t, "HTTP/1.1 200 ") != ok || talk_heard(&t, "HTTP/1.1 403 ") == ok)
            fail_msg("Host: %s\n%s", name, strbuf_text(&t.heard));
        talk_end(&t);
    }
    ask_tcp(&t, "GET /v1/status HTTP/1.0\r\n\r\n"); /* no Host at all */
    assert_false(talk_heard(&t, "200 OK"));
    talk_end(&t);
    assert_int_equal(host.calls, ARRAY_LEN(good));
}

static void test_tcp_listens_on_loopback_only(void **state)
{
    static const char *const bad[] = {"0.0.0.0:9469", "203.0.113.10:9469", "[::]:9469", "localhost:9469",
                                      "127.0.0.1",    "127.0.0.1:0",       ""};

    (void)state;
    host.api = api_free(host.api);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(api_new(host.loop, host.dir, bad[i], host_routes, &host, &host.api), -EINVAL);
        assert_int_equal(access(host.path, F_OK), -1); /* nothing half-made stays behind */
    }
}

static void test_tcp_address_in_use(void **state)
{
    char text[64], other_dir[160], lock[192];
    struct api *other = NULL;

    (void)state;
    listen_tcp();
    (void)str_format(text, sizeof(text), "127.0.0.1:%u", ntohs(tcp_address.sin_port));
    (void)str_format(other_dir, sizeof(other_dir), "%s/other", host.dir);
    assert_int_equal(api_new(host.loop, other_dir, text, host_routes, &host, &other), -EADDRINUSE);
    (void)str_format(lock, sizeof(lock), "%s/rekindle.lock", other_dir);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(rmdir(other_dir), 0);
}

#define api_test(f) cmocka_unit_test_setup_teardown(f, host_set_up, host_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        api_test(test_makes_its_directory_and_socket),
        api_test(test_directory_that_cannot_be_used),
        api_test(test_second_daemon_is_refused),
        api_test(test_stale_socket_is_replaced),
        api_test(test_other_file_in_place_of_the_socket_stays),
        api_test(test_of_many_starters_one_wins),
        api_test(test_who_may_read_and_change),
        api_test(test_own_user_may_change),
        api_test(test_tcp_reads_but_does_not_change),
        api_test(test_tcp_serves_its_own_names_only),
        api_test(test_tcp_listens_on_loopback_only),
        api_test(test_tcp_address_in_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
