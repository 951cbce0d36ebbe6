/* A change of tunnel options by a whole agent: what happens between the decision and the call that changes AWS. */
#include "agent/agent.h"

#include "agent/state.h"
#include "base/log.h"
#include "tests/unit/fake_ec2.h"

#include <fcntl.h>
#include <ftw.h>
#include <unistd.h>

#define VPN     "vpn-0123456789abcdef0"
#define ANSWERS 24 /* of DescribeVpnConnections; more than are asked for */

/* A probe target that takes no connection until it is let. */
struct listener {
    int fd, filler;
    struct sockaddr_in address;
    struct loop_io *io;
};

static char dir[64], config[128], state_dir[128], sock[128];
static struct fake_ec2 *aws;
static struct agent *agent;
static struct listener target;

static struct {
    bool done;
    long status;
    char body[65536];
} got;

static void on_probe(void *data, int fd, uint32_t revents)
{
    int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

    (void)data;
    (void)revents;
    closep(&peer);
}

static void target_open(struct listener *t)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sin);

    *t = (struct listener){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), .filler = -1};
    assert_int_equal(bind(t->fd, (struct sockaddr *)&sin, len), 0);
    assert_int_equal(listen(t->fd, 0), 0);
    assert_int_equal(getsockname(t->fd, (struct sockaddr *)&sin, &len), 0);
    t->address = sin;
}

static void target_answers(struct listener *t)
{
    assert_int_equal(loop_io_new(aws->loop, t->fd, EPOLLIN, on_probe, t, &t->io), 0);
}

/* Its queue has room for one, which is taken: the kernel drops all further SYNs. */
static void target_is_silent(struct listener *t)
{
    t->io = loop_io_free(t->io);
    t->filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(t->filler, (struct sockaddr *)&t->address, sizeof(t->address)), 0);
}

static void write_config(void)
{
    FILE *f = fopen(config, "we");

    assert_non_null(f);
    assert_true(fprintf(f,
                        "mode = observe\naws { region = \"eu-west-1\" }\nconnection \"a\" {\n"
                        "  vpn-connection-id = \"" VPN "\"\n  tunnel \"1\" { outside-address = \"" FAKE_OUTSIDE
                        "\" probe = {\"tcp:127.0.0.1:%u\"} }\n}\n",
                        ntohs(target.address.sin_port)) > 0);
    assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
    const struct agent_args args = {config, state_dir, dir};

    log_set_level(LOG_CRIT);
    (void)fake_set_up(state);
    aws = *state;
    (void)str_copy(dir, sizeof(dir), "/tmp/rekindle-repair-XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)str_format(config, sizeof(config), "%s/rekindle.conf", dir);
    (void)str_format(state_dir, sizeof(state_dir), "%s/state", dir);
    (void)str_format(sock, sizeof(sock), "%s/rekindle.sock", dir);
    target_open(&target);
    target_is_silent(&target);
    write_config();
    for (size_t i = 0; i < ANSWERS; i++)
        fake_queue_described(aws, (const char *const[]){VPN}, 1, (struct fake_tunnel){.state = "available"});
    assert_int_equal(agent_new(aws->loop, &args, &agent), 0);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    agent = agent_free(agent);
    target.io = loop_io_free(target.io);
    closep(&target.fd);
    closep(&target.filler);
    (void)fake_tear_down(state);
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void on_answer(void *data, const struct http_response *r)
{
    (void)data;
    got.done = true;
    got.status = r->status;
    (void)str_copy(got.body, sizeof(got.body), str_or(r->body, ""));
}

/* Asks the agent. BODY NULL: GET. True where the answer holds PHRASE. */
static bool ask(const char *path, const char *body, const char *phrase)
{
    char url[128];
    const struct http_request request = {.method = body ? "POST" : "GET",
                                         .url = url,
                                         .body = body,
                                         .body_len = body ? strlen(body) : 0,
                                         .unix_socket = sock,
                                         .timeout = FAKE_PATIENCE,
                                         .max_body = sizeof(got.body)};

    (void)str_format(url, sizeof(url), "http://rekindle%s", path);
    got.done = false;
    assert_int_equal(http_send(aws->http, &request, on_answer, NULL, NULL), 0);
    fake_wait(aws, &got.done);
    assert_int_equal(got.status, 200);
    return strstr(got.body, phrase) != NULL;
}

static void wait_for(const char *path, const char *phrase)
{
    usec_t end = loop_now(aws->loop) + FAKE_PATIENCE;

    while (!ask(path, NULL, phrase)) {
        if (loop_now(aws->loop) > end)
            fail_msg("\"%s\" is missing in %s", phrase, got.body);
        assert_true(loop_turn(aws->loop, 20 * USEC_PER_MSEC) >= 0);
    }
}

/* The tunnel passes nothing, and a change of its options is ordered. AWS does not answer from then on. */
static void order_while_aws_is_silent(void)
{
    wait_for("/v1/status", "\"state\":\"available\"");
    wait_for("/v1/status", "\"loss\":1.0");
    assert_int_equal(loop_io_events(aws->io, 0), 0);
    if (!ask("/v1/repair", "{\"tunnel\":\"a\",\"action\":\"tunnel-options\"}", "\"accepted\":true"))
        fail_msg("%s", got.body);
}

static void let_aws_answer(void)
{
    assert_int_equal(loop_io_events(aws->io, EPOLLIN), 0);
}

static void test_change_is_made_where_nothing_came_between(void **state)
{
    (void)state;
    order_while_aws_is_silent();
    let_aws_answer();
    while (fake_count(aws, "Action=ModifyVpnTunnelOptions") == 0)
        assert_true(loop_turn(aws->loop, FAKE_PATIENCE) > 0);
    assert_int_equal(fake_count(aws, "Action=ModifyVpnTunnelOptions"), 1);
}

static void test_change_is_not_made_where_traffic_came_back(void **state)
{
    (void)state;
    order_while_aws_is_silent();
    target_answers(&target);
    wait_for("/v1/status", "\"loss\":0.");
    let_aws_answer();
    wait_for("/v1/history", "the tunnel passes traffic again, so nothing was changed in AWS");
    assert_int_equal(fake_count(aws, "Action=ModifyVpnTunnelOptions"), 0);
}

static void test_change_is_not_made_where_a_person_paused_it(void **state)
{
    (void)state;
    order_while_aws_is_silent();
    assert_true(ask("/v1/pause", "{\"scope\":\"a\"}", "are paused"));
    let_aws_answer();
    wait_for("/v1/history", "repairs were paused meanwhile, so nothing was changed in AWS");
    assert_int_equal(fake_count(aws, "Action=ModifyVpnTunnelOptions"), 0);
}

static const struct policy_state *policy(void)
{
    return &tunnel_first(agent->fleet)->policy;
}

/* It was never made, so that it costs no hour: the new configuration may decide on it at once. */
static void test_reload_before_the_intention(void **state)
{
    char error[512];

    (void)state;
    order_while_aws_is_silent();
    assert_int_equal(policy()->n_past, 1);
    assert_int_equal(agent_reload(agent, error, sizeof(error)), 0);
    assert_int_equal(policy()->n_past, 0);
    let_aws_answer();
    wait_for("/v1/status", "\"state\":\"available\"");
    assert_int_equal(fake_count(aws, "Action=ModifyVpnTunnelOptions"), 0);
}

static void test_what_ends_before_the_intention_is_idle(void **state)
{
    (void)state;
    order_while_aws_is_silent();
    while (aws->n_answers > aws->next_answer)
        free(aws->answers[--aws->n_answers].body);
    for (size_t i = 0; i < 4; i++)
        fake_queue_error(aws, 403, "UnauthorizedOperation");
    let_aws_answer();
    wait_for("/v1/history", "tunnel-options: failed");
    assert_int_equal(policy()->n_past, 1);
    assert_true(policy()->past[0].idle);
    assert_int_equal(fake_count(aws, "Action=ModifyVpnTunnelOptions"), 0);
}

#define repair_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        repair_test(test_change_is_made_where_nothing_came_between),
        repair_test(test_change_is_not_made_where_traffic_came_back),
        repair_test(test_change_is_not_made_where_a_person_paused_it),
        repair_test(test_reload_before_the_intention),
        repair_test(test_what_ends_before_the_intention_is_idle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
