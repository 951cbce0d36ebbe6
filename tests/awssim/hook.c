#include "tests/awssim/hook.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int spawn(const char *path, char *const *argv, int out, pid_t *ret)
{
    posix_spawn_file_actions_t files;
    int r;

    r = posix_spawn_file_actions_init(&files);
    if (r != 0)
        return -r;
    r = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    if (r == 0)
        r = posix_spawn(ret, path, &files, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    return -r;
}

int hook_start(struct hook *h, const char *path, const char *const *args, bool capture)
{
    char *argv[HOOK_ARGS_MAX + 2] = {(char *)(uintptr_t)path};
    cleanup(closep) int in = -1;
    cleanup(closep) int out = -1;
    int ends[2], r;
    pid_t pid;

    if (hook_is_running(h))
        return -EBUSY;
    for (size_t i = 0; args[i]; i++) {
        if (i == HOOK_ARGS_MAX)
            return -E2BIG;
        argv[i + 1] = (char *)(uintptr_t)args[i];
    }
    if (capture) {
        if (pipe2(ends, O_CLOEXEC) < 0)
            return -errno;
        in = ends[0];
        out = ends[1];
    }
    r = spawn(path, argv, capture ? out : STDERR_FILENO, &pid);
    if (r < 0)
        return r;
    h->pid = pid;
    h->fd = TAKE_FD(in);
    return 0;
}

bool hook_poll(struct hook *h, bool *ret_ok, char output[static HOOK_OUTPUT_MAX])
{
    ssize_t n = 0;
    int status;

    if (!hook_is_running(h) || waitpid(h->pid, &status, WNOHANG) != h->pid)
        return false;
    h->pid = 0;
    if (h->fd >= 0) {
        /* It has ended, and what it printed fits a pipe; a child that it left behind must not block us. */
        (void)fcntl(h->fd, F_SETFL, O_NONBLOCK);
        n = read(h->fd, output, HOOK_OUTPUT_MAX - 1);
        (void)close(h->fd);
        h->fd = -1;
    }
    output[n > 0 ? n : 0] = '\0';
    output[strcspn(output, "\n")] = '\0';
    *ret_ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return true;
}
