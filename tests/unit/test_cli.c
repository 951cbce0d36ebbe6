/* The command as a person meets it: the built program against a daemon that this test plays over a unix socket. */
#include "base/array.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "base/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <microhttpd.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define OUTPUT_MAX    (4 * 1024 * 1024)
#define ARGUMENTS_MAX 12
#define PATIENCE      20000 /* ms until a program that says nothing has failed the test */

static char program[512] = "build/rekindle";

/* The daemon that this test plays. What it answers is set before the program is started. */
struct fake {
    char dir[32];
    char socket[64];
    struct MHD_Daemon *mhd;
    unsigned status;
    const char *_Atomic answer;
    char method[16]; /* of the last request */
    char url[256];
    char body[1024];
    size_t body_len;
};

static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_len, void **state)
{
    struct fake *f = data;
    const char *limit;

    (void)version;
    if (!*state) {
        *state = f;
        f->body_len = 0;
        f->body[0] = '\0';
        return MHD_YES;
    }
    if (*upload_len > 0) {
        size_t room = sizeof(f->body) - 1 - f->body_len, n = *upload_len < room ? *upload_len : room;

        memcpy(&f->body[f->body_len], upload, n);
        f->body_len += n;
        f->body[f->body_len] = '\0';
        *upload_len = 0;
        return MHD_YES;
    }
    limit = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "limit");
    (void)str_format(f->url, sizeof(f->url), "%s%s%s", url, limit ? "?limit=" : "", limit ? limit : "");
    (void)str_copy(f->method, sizeof(f->method), method);

    const char *answer = f->answer;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(answer), (char *)(uintptr_t)answer, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result r = MHD_queue_response(connection, f->status, response);

    MHD_destroy_response(response);
    return r;
}

static int listen_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_true(str_copy(address.sun_path, sizeof(address.sun_path), path));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static void fake_start(struct fake *f)
{
    f->mhd = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, on_request, f, MHD_OPTION_LISTEN_SOCKET,
                              listen_unix(f->socket), MHD_OPTION_END);
    assert_non_null(f->mhd);
}

static int set_up(void **state)
{
    struct fake *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    (void)str_copy(f->dir, sizeof(f->dir), "/tmp/rekindle-cli-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)str_format(f->socket, sizeof(f->socket), "%s/rekindle.sock", f->dir);
    f->status = 200;
    f->answer = "{}";
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fake *f = *state;

    if (f->mhd)
        MHD_stop_daemon(f->mhd);
    (void)unlink(f->socket);
    (void)rmdir(f->dir);
    free(f);
    return 0;
}

/* A run of the program. */
struct run {
    pid_t pid;
    int out;
    int err; /* -1 on a terminal: it is the same */
    struct strbuf text;
    struct strbuf errors;
    int status;
};

static void run_done(struct run *r)
{
    if (r->pid > 0) {
        (void)kill(r->pid, SIGKILL);
        (void)waitpid(r->pid, NULL, 0);
    }
    closep(&r->out);
    closep(&r->err);
    strbuf_done(&r->text);
    strbuf_done(&r->errors);
}

static void become_program(const char *locale, const char *const *words, const char *dir)
{
    char *argv[ARGUMENTS_MAX] = {program, (char *)(uintptr_t) "--runtime-dir", (char *)(uintptr_t)dir};
    size_t n = 3;

    for (; *words && n + 1 < ARGUMENTS_MAX; words++)
        argv[n++] = (char *)(uintptr_t)*words;
    (void)setenv("LC_ALL", locale, 1);
    (void)setenv("TERM", "xterm", 1);
    (void)execv(program, argv);
    _exit(127);
}

static struct run run_new(void)
{
    struct run r = {.out = -1, .err = -1};

    strbuf_init(&r.text, OUTPUT_MAX);
    strbuf_init(&r.errors, OUTPUT_MAX);
    return r;
}

static struct run start(const struct fake *f, const char *locale, const char *const *words)
{
    struct run r = run_new();
    int out[2], err[2];

    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(err), 0);
    r.pid = fork();
    assert_true(r.pid >= 0);
    if (r.pid == 0) {
        (void)dup2(out[1], STDOUT_FILENO);
        (void)dup2(err[1], STDERR_FILENO);
        (void)close(out[0]);
        (void)close(err[0]);
        become_program(locale, words, f->dir);
    }
    (void)close(out[1]);
    (void)close(err[1]);
    r.out = out[0];
    r.err = err[0];
    return r;
}

static struct run start_on_terminal_of(const struct fake *f, unsigned short columns, const char *const *words)
{
    struct winsize size = {.ws_row = 40, .ws_col = columns};
    struct run r = run_new();

    r.pid = forkpty(&r.out, NULL, NULL, &size);
    assert_true(r.pid >= 0);
    if (r.pid == 0)
        become_program("C.UTF-8", words, f->dir);
    return r;
}

static struct run start_on_terminal(const struct fake *f, const char *const *words)
{
    return start_on_terminal_of(f, 100, words);
}

/* Reads what there is; false at the end. */
static bool read_some(struct run *r)
{
    struct pollfd fds[] = {{.fd = r->out, .events = POLLIN}, {.fd = r->err, .events = POLLIN}};
    struct strbuf *buffers[] = {&r->text, &r->errors};
    int *ends[] = {&r->out, &r->err};
    char chunk[4096];

    if (r->out < 0 && r->err < 0)
        return false;
    if (poll(fds, ARRAY_LEN(fds), PATIENCE) <= 0)
        fail_msg("the program hangs; it said: %s", strbuf_text(&r->text));
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        if (fds[i].revents == 0)
            continue;
        ssize_t n = read(fds[i].fd, chunk, sizeof(chunk));

        if (n > 0) {
            strbuf_add(buffers[i], chunk, (size_t)n);
        } else { /* EIO is a terminal's end */
            closep(ends[i]);
            *ends[i] = -1;
        }
    }
    return true;
}

static void read_until(struct run *r, const char *phrase)
{
    while (!strstr(strbuf_text(&r->text), phrase))
        if (!read_some(r))
            fail_msg("\"%s\" was not said, but: %s%s", phrase, strbuf_text(&r->text), strbuf_text(&r->errors));
}

static void finish(struct run *r)
{
    while (read_some(r))
        ;
    assert_int_equal(waitpid(r->pid, &r->status, 0), r->pid);
    r->pid = 0;
    assert_true(WIFEXITED(r->status));
    r->status = WEXITSTATUS(r->status);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct run run(const struct fake *f, const char *const *words)
{
    struct run r = start(f, "C.UTF-8", words);

    finish(&r);
    return r;
}

static void must_say(const struct strbuf *text, const char *phrase)
{
    if (!strstr(strbuf_text(text), phrase))
        fail_msg("\"%s\" is missing in:\n%s", phrase, strbuf_text(text));
}

#define HEAD                                                                                                           \
    "{\"schema\":\"rekindle.status/1\",\"version\":\"0.1.0\",\"mode\":\"repair\",\"paused_until\":null,"               \
    "\"now\":\"2026-11-24T08:25:00.000Z\",\"uplink\":{\"state\":\"ok\"},\"daemons\":[{\"name\":\"strongswan\","        \
    "\"state\":\"ok\",\"version\":\"strongSwan 5.9.8\",\"rtt_ms\":1.5}],\"tunnels\":["
#define TAIL "]}"
#define UP                                                                                                             \
    "{\"connection\":\"aurora-backup\",\"tunnel\":\"2\",\"outside_address\":\"203.0.113.74\",\"verdict\":\"UP\","      \
    "\"cause\":\"none\",\"cause_text\":null,\"for_seconds\":273600,\"expected_down\":false,\"loss\":0.0,"              \
    "\"rtt_ms\":12.34,\"incident\":null,\"decision\":null,\"evidence\":[]}"
#define DOWN                                                                                                           \
    "{\"connection\":\"aurora-backup\",\"tunnel\":\"1\",\"outside_address\":\"203.0.113.10\",\"verdict\":\"DOWN\","    \
    "\"cause\":\"both-sides-waiting\",\"cause_text\":\"Both sides wait for the other one to initiate.\","              \
    "\"for_seconds\":252,\"expected_down\":false,\"loss\":1.0,\"rtt_ms\":null,\"incident\":\"20261124-1\","            \
    "\"decision\":{\"action\":\"initiate\",\"reason\":\"the endpoint answers again\"},"                                \
    "\"aws\":{\"state\":\"available\",\"telemetry\":\"DOWN\",\"dpd_timeout_action\":\"clear\","                        \
    "\"startup_action\":\"add\"},\"ike\":{\"state\":null,\"child_state\":null},"                                       \
    "\"evidence\":[\"the endpoint answers IKE pings\",\"no IKE_SA\\u001b[31m exists\"]}"
#define DEGRADED                                                                                                       \
    "{\"connection\":\"b\",\"tunnel\":\"1\",\"outside_address\":\"203.0.113.20\",\"verdict\":\"DEGRADED\","            \
    "\"cause\":\"undetermined\",\"for_seconds\":5,\"loss\":0.004}"
#define UNKNOWN "{\"connection\":\"c\",\"tunnel\":\"1\",\"outside_address\":\"203.0.113.30\",\"verdict\":\"UNKNOWN\"}"
#define EXPECTED                                                                                                       \
    "{\"connection\":\"d\",\"tunnel\":\"2\",\"outside_address\":\"-\",\"verdict\":\"DOWN\",\"expected_down\":true}"

static void test_status_table(void **state)
{
    struct fake *f = *state;

    f->answer = HEAD DOWN "," UP TAIL;
    fake_start(f);

    struct run r cleanup(run_done) = run(f, WORDS("status"));

    assert_int_equal(r.status, 2);
    assert_string_equal(strbuf_text(&r.errors), "");
    must_say(&r.text, "1 of 2 tunnels is DOWN: both-sides-waiting.\n");
    must_say(&r.text, "2026-11-24 08:25:00 UTC, rekindled 0.1.0 in mode repair, uplink ok\n");
    must_say(&r.text, "IKE daemon strongswan (strongSwan 5.9.8): ok\n");
    must_say(&r.text, "TUNNEL           ENDPOINT      VERDICT  FOR          LOSS    RTT  CAUSE\n");
    must_say(&r.text, "aurora-backup/1  203.0.113.10  ✗ DOWN   4 min 12 s  100 %      -  both-sides-waiting\n");
    must_say(&r.text, "aurora-backup/2  203.0.113.74  ✓ UP     3 d 4 h       0 %  12 ms  -\n");
    must_say(&r.text, "│ Both sides wait for the other one to initiate.\n");
    must_say(&r.text, "next      initiating: the endpoint answers again\n");
    must_say(&r.text, "AWS       connection available, telemetry DOWN, DPD timeout action clear, startup action add\n");
    must_say(&r.text, "IKE       IKE_SA none, CHILD_SA none\n");
    must_say(&r.text, "the endpoint answers IKE pings; no IKE_SA?[31m exists\n"); /* not obeyed by a terminal */
    assert_null(strchr(strbuf_text(&r.text), '\033'));
    assert_string_equal(f->method, "GET");
    assert_string_equal(f->url, "/v1/status");
}

#define HUNG                                                                                                           \
    "{\"connection\":\"aurora-backup\",\"tunnel\":\"1\",\"outside_address\":\"203.0.113.10\",\"verdict\":\"DOWN\","    \
    "\"cause\":\"daemon-hung\",\"for_seconds\":0,\"loss\":1.0,\"rtt_ms\":0.8,\"under_way\":\"tunnel-options\","        \
    "\"paused_until\":\"2026-11-24T10:00:00.000Z\",\"decision\":{\"action\":\"hold\",\"reason\":\"initiate is held "   \
    "back: repairs are paused\",\"needs_approval\":true,\"next_at\":\"2026-11-24T08:25:07.500Z\"},"                    \
    "\"ike\":{\"daemon\":\"hung\",\"state\":null,\"child_state\":null},"                                               \
    "\"fix\":\"Restart it: `systemctl restart strongswan`. Where that hangs too: `systemctl kill -s KILL "             \
    "strongswan`.\"}"

/* What is done now, what comes next and when, and what a person can do; nothing is claimed that is not known. */
static void test_status_of_a_repair(void **state)
{
    struct fake *f = *state;

    f->answer = HEAD HUNG TAIL;
    fake_start(f);

    struct run r cleanup(run_done) = run(f, WORDS("status"));

    must_say(&r.text, "The tunnel is DOWN: daemon-hung.\n");
    must_say(&r.text,
             "Repairs of aurora-backup/1 are paused until 2026-11-24 10:00:00 UTC. To end that: `rekindle resume "
             "aurora-backup/1`\n");
    must_say(&r.text, "✗ DOWN   <1 s  100 %    -  daemon-hung\n");
    must_say(&r.text, "now       setting the tunnel options in AWS\n");
    must_say(&r.text, "next      initiate is held back: repairs are paused; next look in 8 s\n");
    must_say(&r.text, "you can   agree to it: `rekindle approve`\n");
    must_say(&r.text, "IKE       the daemon is hung: what SAs it has is not known\n");
}

/* A command is broken only where no line can hold it. */
static void test_commands_stay_whole(void **state)
{
    struct fake *f = *state;

    f->answer = HEAD HUNG TAIL;
    fake_start(f);
    assert_int_equal(setenv("NO_COLOR", "1", 1), 0);

    struct run r cleanup(run_done) = start_on_terminal_of(f, 80, WORDS("status"));

    finish(&r);
    assert_int_equal(unsetenv("NO_COLOR"), 0);
    must_say(&r.text, "Restart it: `systemctl restart strongswan`. Where that hangs too:\r\n"
                      "  │           `systemctl kill -s KILL strongswan`.\r\n");
}

static void test_status_ascii(void **state)
{
    struct fake *f = *state;

    f->answer = HEAD DOWN "," UP TAIL;
    fake_start(f);

    struct run r cleanup(run_done) = start(f, "C", WORDS("status"));

    finish(&r);
    must_say(&r.text, "  x DOWN  ");
    must_say(&r.text, "  + UP  ");
    for (size_t i = 0; i < r.text.len; i++)
        assert_true((unsigned char)r.text.data[i] < 0x80);
}

static void test_status_colour(void **state)
{
    struct fake *f = *state;

    f->answer = HEAD DOWN TAIL;
    fake_start(f);

    struct run colour cleanup(run_done) = start_on_terminal(f, WORDS("status"));

    finish(&colour);
    must_say(&colour.text, "\033[1;31m✗ DOWN\033[0m");

    assert_int_equal(setenv("NO_COLOR", "1", 1), 0);

    struct run plain cleanup(run_done) = start_on_terminal(f, WORDS("status"));

    finish(&plain);
    assert_int_equal(unsetenv("NO_COLOR"), 0);
    must_say(&plain.text, "✗ DOWN");
    assert_null(strchr(strbuf_text(&plain.text), '\033'));
}

struct status_case {
    const char *answer;
    int status;
    const char *summary;
};

/* A narrow terminal loses columns, not lines: no row is longer than it is wide. */
static void test_status_narrow(void **state)
{
    struct fake *f = *state;

    f->answer = HEAD DOWN "," UP TAIL;
    fake_start(f);
    assert_int_equal(setenv("NO_COLOR", "1", 1), 0);

    struct run r cleanup(run_done) = start_on_terminal_of(f, 72, WORDS("status"));

    finish(&r);
    assert_int_equal(unsetenv("NO_COLOR"), 0);
    must_say(&r.text, "✗ DOWN   4 min 12 s  100 %      -\r\n");
    must_say(&r.text, "DPD timeout action\r\n  │           clear, startup action add\r\n");
}

static void test_status_exits(void **state)
{
    static const struct status_case cases[] = {
        {HEAD UP TAIL, 0, "The tunnel is up.\n"},
        {HEAD UP "," EXPECTED TAIL, 0, "– expected down"},
        {HEAD UP "," UP TAIL, 0, "All tunnels are up.\n"},
        {HEAD UP "," DEGRADED TAIL, 1, "1 of 2 tunnels is not well: undetermined.\n"},
        {HEAD UNKNOWN TAIL, 1, "? UNKNOWN"},
        {HEAD DEGRADED "," DOWN TAIL, 2, "1 of 2 tunnels is DOWN: both-sides-waiting.\n"},
        {HEAD TAIL, 1, "No tunnel is watched.\n"},
        {"{\"tunnels\": 7}", 1, "No tunnel is watched.\n"},
    };
    struct fake *f = *state;

    fake_start(f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        f->answer = cases[i].answer;

        struct run r cleanup(run_done) = run(f, WORDS("status"));

        assert_string_equal(strbuf_text(&r.errors), "");
        assert_int_equal(r.status, cases[i].status);
        must_say(&r.text, cases[i].summary);
    }
}

static void test_status_json(void **state)
{
    struct fake *f = *state;

    f->answer = HEAD UP TAIL;
    fake_start(f);

    struct run r cleanup(run_done) = run(f, WORDS("status", "--json"));

    assert_int_equal(r.status, 0);
    assert_string_equal(strbuf_text(&r.text), HEAD UP TAIL "\n");
}

/* A new block for each change and none for the passing of time. */
static void test_watch(void **state)
{
    struct fake *f = *state;

    f->answer = HEAD UP TAIL;
    fake_start(f);

    struct run r cleanup(run_done) = start(f, "C.UTF-8", WORDS("status", "--watch"));

    read_until(&r, "The tunnel is up.\n");
    f->answer = HEAD DOWN TAIL;
    read_until(&r, "The tunnel is DOWN: both-sides-waiting.\n");
    assert_int_equal(kill(r.pid, SIGTERM), 0);
    finish(&r);
    assert_int_equal(r.status, 2);

    const char *first = strstr(strbuf_text(&r.text), "The tunnel is up.");

    assert_null(strstr(&first[1], "The tunnel is up."));
}

static void test_watch_gives_the_cursor_back(void **state)
{
    struct fake *f = *state;

    f->answer = HEAD UP TAIL;
    fake_start(f);

    struct run r cleanup(run_done) = start_on_terminal(f, WORDS("status", "--watch"));

    read_until(&r, "The tunnel is up.");
    assert_int_equal(write(r.out, "\003", 1), 1); /* Ctrl-C */
    finish(&r);
    must_say(&r.text, "\033[?25l");
    must_say(&r.text, "\033[?25h");
    assert_int_equal(r.status, 0);
}

/* One that waits for an answer ends at once too. */
static void test_watch_of_a_hung_daemon_ends(void **state)
{
    struct fake *f = *state;
    int fd = listen_unix(f->socket), connection;
    struct run r cleanup(run_done) = start_on_terminal(f, WORDS("status", "--watch"));

    connection = accept(fd, NULL, NULL);
    assert_true(connection >= 0);
    assert_int_equal(write(r.out, "\003", 1), 1);
    finish(&r);
    must_say(&r.text, "\033[?25h");
    assert_null(strstr(strbuf_text(&r.text), "did not answer"));
    assert_int_equal(r.status, 3);
    (void)close(connection);
    (void)close(fd);
}

static void test_daemon_absent(void **state)
{
    static const char *const commands[][2] = {{"status"}, {"history"}, {"reload"}, {"repair", "a/1"}};
    struct fake *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        struct run r cleanup(run_done) = run(f, WORDS(commands[i][0], commands[i][1]));

        assert_int_equal(r.status, 3);
        assert_string_equal(strbuf_text(&r.text), "");
        must_say(&r.errors, "rekindled is not running: there is no ");
        must_say(&r.errors, "Start it: rekindled --runtime-dir ");
    }
}

static void test_daemon_gone_but_socket_left(void **state)
{
    struct fake *f = *state;
    int fd = listen_unix(f->socket);

    (void)close(fd);

    struct run r cleanup(run_done) = run(f, WORDS("status"));

    assert_int_equal(r.status, 3);
    must_say(&r.errors, "is there, but nobody listens. Start it: ");
}

static void test_answer_is_nonsense(void **state)
{
    struct fake *f = *state;

    f->answer = "<html>";
    fake_start(f);

    struct run r cleanup(run_done) = run(f, WORDS("status", "--json"));

    assert_int_equal(r.status, 3);
    assert_string_equal(strbuf_text(&r.text), "");
    must_say(&r.errors, "is no JSON object");
}

struct order_case {
    const char *words[6];
    const char *url;
    const char *body;
};

static void test_orders(void **state)
{
    static const struct order_case cases[] = {
        {{"repair", "a/1"}, "/v1/repair", "{\"tunnel\":\"a/1\",\"action\":null,\"dry_run\":false}"},
        {{"repair", "203.0.113.10", "--action", "initiate", "--dry-run"},
         "/v1/repair",
         "{\"tunnel\":\"203.0.113.10\",\"action\":\"initiate\",\"dry_run\":true}"},
        {{"pause"}, "/v1/pause", "{\"scope\":null}"},
        {{"pause", "--for", "90m", "a"}, "/v1/pause", "{\"for_seconds\":5400,\"scope\":\"a\"}"},
        {{"resume"}, "/v1/resume", "{\"scope\":null}"},
        {{"approve", "20261124-1"}, "/v1/approve", "{\"id\":\"20261124-1\"}"},
        {{"approve"}, "/v1/approve", "{\"id\":null}"},
        {{"reload"}, "/v1/reload", "{}"},
        {{"test-alert"}, "/v1/test-alert", "{}"},
    };
    struct fake *f = *state;

    f->answer = "{\"text\":\"That is done.\"}";
    fake_start(f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct run r cleanup(run_done) = run(f, cases[i].words);

        assert_int_equal(r.status, 0);
        must_say(&r.text, "That is done.\n");
        assert_string_equal(f->method, "POST");
        assert_string_equal(f->url, cases[i].url);
        assert_string_equal(f->body, cases[i].body);
    }
}

struct refusal {
    unsigned http;
    const char *answer;
    int status;
};

static void test_refusals(void **state)
{
    static const struct refusal cases[] = {
        {404, "{\"error\":\"No such tunnel.\"}", 2},
        {409, "{\"error\":\"An action is under way.\"}", 2},
        {403, "{\"error\":\"Only root may.\"}", 3},
        {400, "{\"error\":\"No such action.\"}", 64},
        {200, "{\"decision\":\"hold\",\"text\":\"The uplink is down.\",\"accepted\":false}", 1},
    };
    static const char *const said[] = {"No such tunnel.\n", "An action is under way.\n", "Only root may.\n",
                                       "No such action.\n", "Nothing is done: The uplink is down.\n"};
    struct fake *f = *state;

    fake_start(f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        f->status = cases[i].http;
        f->answer = cases[i].answer;

        struct run r cleanup(run_done) = run(f, WORDS("repair", "a/1"));

        assert_int_equal(r.status, cases[i].status);
        assert_string_equal(strbuf_text(cases[i].http == 200 ? &r.text : &r.errors), said[i]);
    }
}

static void test_history(void **state)
{
    struct fake *f = *state;

    f->answer =
        "{\"schema\":\"rekindle.history/1\",\"entries\":[{\"at\":\"2026-11-24T08:25:00.000Z\",\"kind\":\"decision\","
        "\"incident\":\"20261124-1\",\"connection\":\"a\",\"tunnel\":\"1\",\"text\":\"initiating\"},"
        "{\"at\":\"2026-11-24T08:24:59.000Z\",\"kind\":\"uplink\",\"text\":\"gw has its uplink back.\"}]}";
    fake_start(f);

    struct run r cleanup(run_done) = run(f, WORDS("history", "--limit", "5"));

    assert_int_equal(r.status, 0);
    assert_string_equal(strbuf_text(&r.text),
                        "2026-11-24 08:24:59 UTC  uplink    gw has its uplink back.\n"
                        "2026-11-24 08:25:00 UTC  decision  a/1: initiating (20261124-1)\n"); /* the newest last */
    assert_string_equal(f->url, "/v1/history?limit=5");
}

static void test_usage_errors(void **state)
{
    static const char *const cases[][5] = {
        {"diagnose"},
        {"status", "now"},
        {"status", "--dry-run"},
        {"status", "--json", "--watch"},
        {"status", "--colour"},
        {"repair"},
        {"repair", "a", "b"},
        {"repair", "a", "--action"},
        {"pause", "--for", "ever"},
        {"history", "--limit", "many"},
        {NULL},
    };
    struct fake *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct run r cleanup(run_done) = run(f, cases[i]);

        assert_int_equal(r.status, 64);
        assert_string_equal(strbuf_text(&r.text), "");
        must_say(&r.errors, "rekindle");
    }
}

static void test_version_and_help(void **state)
{
    struct fake *f = *state;
    struct run version cleanup(run_done) = run(f, WORDS("--version"));
    struct run help cleanup(run_done) = run(f, WORDS("help"));

    assert_int_equal(version.status, 0);
    assert_true(str_starts(strbuf_text(&version.text), "rekindle 0."));
    assert_int_equal(help.status, 0);
    must_say(&help.text, "  repair TUNNEL [--action A] [--dry-run]\n");
}

static void test_check_config(void **state)
{
    struct fake *f = *state;
    char path[64], phrase[160];
    FILE *file;

    (void)str_format(path, sizeof(path), "%s/test.conf", f->dir);
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs("mode = repair\nconnection a {\n tunnel 1 {\n  outside-address = 203.0.113.1\n }\n}\n", file);
    (void)fclose(file);

    struct run good cleanup(run_done) = run(f, WORDS("check-config", path));

    assert_int_equal(good.status, 0);
    (void)str_format(phrase, sizeof(phrase), "%s: 1 connection, 1 tunnel, mode repair: fine\n", path);
    assert_string_equal(strbuf_text(&good.text), phrase);
    must_say(&good.errors, ":3: tunnel \"1\" has no probe");

    file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs("mode = observe\nmood = good\n", file);
    (void)fclose(file);

    struct run bad cleanup(run_done) = run(f, WORDS("--config", path, "check-config"));

    assert_int_equal(bad.status, 2);
    assert_string_equal(strbuf_text(&bad.text), "");
    (void)str_format(phrase, sizeof(phrase), "%s:2: unknown option \"mood\"", path);
    must_say(&bad.errors, phrase);
    (void)unlink(path);

    struct run missing cleanup(run_done) = run(f, WORDS("check-config", path));

    assert_int_equal(missing.status, 2);
    must_say(&missing.errors, "cannot read it: No such file or directory");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

/* The program is the one built beside this test, or the one that REKINDLE names. */
static void find_program(const char *self)
{
    const char *named = getenv("REKINDLE");
    const char *tests = strstr(self, "/tests/");

    if (named)
        (void)str_copy(program, sizeof(program), named);
    else if (tests)
        (void)str_format(program, sizeof(program), "%.*s/rekindle", (int)(tests - self), self);
    if (access(program, X_OK) < 0)
        fprintf(stderr, "%s is missing: build it first\n", program);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_status_table),
        TEST(test_status_of_a_repair),
        TEST(test_commands_stay_whole),
        TEST(test_status_ascii),
        TEST(test_status_colour),
        TEST(test_status_narrow),
        TEST(test_status_exits),
        TEST(test_status_json),
        TEST(test_watch),
        TEST(test_watch_gives_the_cursor_back),
        TEST(test_watch_of_a_hung_daemon_ends),
        TEST(test_daemon_absent),
        TEST(test_daemon_gone_but_socket_left),
        TEST(test_answer_is_nonsense),
        TEST(test_orders),
        TEST(test_refusals),
        TEST(test_history),
        TEST(test_usage_errors),
        TEST(test_version_and_help),
        TEST(test_check_config),
    };

    find_program(argc > 0 ? argv[0] : "");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
