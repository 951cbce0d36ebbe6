/* What a process may still do after it dropped its privileges: each test looks from within a child. */
#include "engine/io/privileges.h"

#include "base/str.h"
#include "engine/io/route.h"
#include "tests/unit/netns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define SOMEBODY    "nobody" /* on every Debian */
#define NOBODY_THAT "no-such-user-here"
#define FOREIGN     "/tmp/privileges-XXXXXX"

static char foreign[sizeof(FOREIGN)]; /* a file that root may read as root only: it is another user's, mode 0600 */

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (void)fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                              \
            return 1;                                                                                                  \
        }                                                                                                              \
    } while (0)

static void need_root(void)
{
    if (geteuid() != 0) {
        printf("skipped: needs root\n");
        skip();
    }
}

static void run(int (*fn)(void))
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(fn());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* The line of NAME in /proc/self/status is VALUE. */
static bool has_status(const char *name, const char *value)
{
    cleanup(closep) int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    char text[8192], line[128];
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (n < 0)
        return false;
    text[n] = '\0';
    (void)str_format(line, sizeof(line), "\n%s:\t%s\n", name, value);
    return strstr(text, line) != NULL;
}

static bool may_bind(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    cleanup(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    return fd >= 0 && bind(fd, (const struct sockaddr *)&a, sizeof(a)) == 0;
}

static int may_network_only(void)
{
    cleanup(route_freep) struct route *route = NULL;
    cleanup(closep) int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

    CHECK(raw < 0 && errno == EPERM);
    CHECK(!may_bind(501));
    CHECK(route_new(&route) == 0 && route_rules_add(route) == 0);
    CHECK(has_status("CapPrm", "0000000000001000"));
    CHECK(has_status("CapEff", "0000000000001000"));
    CHECK(has_status("CapInh", "0000000000000000"));
    CHECK(has_status("CapBnd", "0000000000000000"));
    CHECK(has_status("CapAmb", "0000000000000000"));
    CHECK(has_status("NoNewPrivs", "1"));
    CHECK(open(foreign, O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
    CHECK(chown("/proc/self", 1, 1) < 0);
    return 0;
}

static int become_somebody(void)
{
    const gid_t more[] = {27};
    bool is_root = true;

    CHECK(netns_enter() == 0 && may_bind(501) && setgroups(1, more) == 0);
    CHECK(privileges_drop(SOMEBODY, &is_root) == 0);
    CHECK(!is_root && getuid() != 0 && geteuid() != 0 && getgid() != 0 && getgroups(0, NULL) == 0);
    CHECK(setuid(0) < 0 && setgid(0) < 0);
    return may_network_only();
}

static int stay_root(void)
{
    bool is_root = false;

    CHECK(netns_enter() == 0);
    CHECK(privileges_drop(NOBODY_THAT, &is_root) == 0);
    CHECK(is_root && geteuid() == 0);
    CHECK(setuid(1) < 0);
    return may_network_only();
}

/* Even a program that root runs. */
static int run_program(void)
{
    bool is_root;
    char *argv[] = {(char[]){"grep"}, (char[]){"-q"}, (char[]){"CapEff:.0000000000000000"},
                    (char[]){"/proc/self/status"}, NULL};

    CHECK(privileges_drop(NOBODY_THAT, &is_root) == 0);
    (void)execv("/bin/grep", argv);
    return 1;
}

static int lack_the_one(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    bool is_root = false;

    CHECK(syscall(SYS_capget, &header, data) == 0);
    data[0].permitted &= ~(1U << CAP_NET_ADMIN);
    data[0].effective = data[0].permitted;
    CHECK(syscall(SYS_capset, &header, data) == 0);
    CHECK(privileges_drop(SOMEBODY, &is_root) == -EPERM);
    CHECK(!is_root);
    return 0;
}

static void test_as_the_user(void **state)
{
    (void)state;
    need_root();
    run(become_somebody);
}

static void test_without_the_user(void **state)
{
    (void)state;
    need_root();
    run(stay_root);
}

static void test_programs_get_nothing(void **state)
{
    (void)state;
    need_root();
    run(run_program);
}

static void test_without_the_capability(void **state)
{
    (void)state;
    need_root();
    run(lack_the_one);
}

static int make_foreign(void **state)
{
    cleanup(closep) int fd = -1;

    (void)state;
    (void)str_copy(foreign, sizeof(foreign), FOREIGN);
    fd = mkostemp(foreign, O_CLOEXEC);
    return fd < 0 || (geteuid() == 0 && fchown(fd, 1, 1) < 0) ? -1 : 0;
}

static int remove_foreign(void **state)
{
    (void)state;
    return unlink(foreign);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_the_user),
        cmocka_unit_test(test_without_the_user),
        cmocka_unit_test(test_programs_get_nothing),
        cmocka_unit_test(test_without_the_capability),
    };

    return cmocka_run_group_tests(tests, make_foreign, remove_foreign);
}
