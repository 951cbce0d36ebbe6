#include "tests/unit/netns.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define IP        "/bin/ip"
#define WORDS_MAX 32
#define ARGS_MAX  512

extern char **environ;

static int write_text(const char *path, const char *text)
{
    cleanup(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        return -errno;
    return 0;
}

/* Root of a user namespace, so that the programs we run may do there what we may. */
static int become_root(uid_t uid, gid_t gid)
{
    char line[64];
    int r = write_text("/proc/self/setgroups", "deny");

    if (r < 0)
        return r;
    (void)str_format(line, sizeof(line), "0 %u 1", (unsigned)gid);
    r = write_text("/proc/self/gid_map", line);
    if (r < 0)
        return r;
    (void)str_format(line, sizeof(line), "0 %u 1", (unsigned)uid);
    return write_text("/proc/self/uid_map", line);
}

static int set_lo_up(void)
{
    cleanup(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq req = {.ifr_name = "lo", .ifr_flags = IFF_UP};

    return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req) < 0 ? -errno : 0;
}

int netns_enter(void)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();

    if (unshare(CLONE_NEWNET) < 0) {
        int r = unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 ? -errno : become_root(uid, gid);

        if (r < 0)
            return r;
    }
    return set_lo_up();
}

int netns_ip(const char *args)
{
    char text[ARGS_MAX], name[] = "ip", *rest = NULL;
    char *argv[WORDS_MAX + 1] = {name};
    int status, r;
    pid_t pid;

    if (!str_copy(text, sizeof(text), args))
        return -E2BIG;
    for (size_t n = 1; n <= WORDS_MAX; n++) {
        argv[n] = strtok_r(n == 1 ? text : NULL, " ", &rest);
        if (!argv[n])
            break;
    }
    if (argv[WORDS_MAX])
        return -E2BIG;
    r = posix_spawn(&pid, IP, NULL, NULL, argv, environ);
    if (r != 0)
        return -r;
    if (waitpid(pid, &status, 0) < 0)
        return -errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

static int write_over(int fd, const char *text, const char *from, const char *path)
{
    if (write(fd, text, strlen(text)) < 0 || fchmod(fd, 0644) < 0 || unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount(from, path, NULL, MS_BIND, NULL) < 0)
        return -errno;
    return 0;
}

int netns_file(const char *path, const char *text)
{
    char from[] = "/tmp/netns-file-XXXXXX";
    cleanup(closep) int fd = mkostemp(from, O_CLOEXEC);
    int r = fd < 0 ? -errno : write_over(fd, text, from, path);

    if (fd >= 0)
        (void)unlink(from); /* the mount keeps it */
    return r;
}
