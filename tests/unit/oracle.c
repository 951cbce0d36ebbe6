#include "tests/unit/oracle.h"

#include "base/str.h"
#include "tests/unit/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static FILE *to_oracle, *from_oracle;
static pid_t oracle;

int oracle_start(const char *script)
{
    char path[PATH_MAX], python[] = "/usr/bin/python3", line[16] = "";
    char *const argv[] = {python, path, NULL};
    posix_spawn_file_actions_t actions;
    int in[2], out[2];

    (void)signal(SIGPIPE, SIG_IGN);
    if (!str_copy(path, sizeof(path), script) || pipe(in) < 0 || pipe(out) < 0)
        return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, in[1]);
    posix_spawn_file_actions_addclose(&actions, out[0]);
    if (posix_spawn(&oracle, python, &actions, NULL, argv, environ) != 0)
        oracle = 0;
    posix_spawn_file_actions_destroy(&actions);
    (void)close(in[0]);
    (void)close(out[1]);
    to_oracle = fdopen(in[1], "w");
    from_oracle = fdopen(out[0], "r");
    if (oracle && !fgets(line, sizeof(line), from_oracle)) {
        (void)waitpid(oracle, NULL, 0);
        oracle = 0;
    }
    if (!oracle)
        print_message("%s with what %s imports does not start from here: not compared\n", python, script);
    return 0;
}

int oracle_stop(void)
{
    int status = 0;

    (void)fclose(to_oracle);
    (void)fclose(from_oracle);
    if (oracle && waitpid(oracle, &status, 0) != oracle)
        return -1;
    return status == 0 ? 0 : -1;
}

bool oracle_is_there(void)
{
    return oracle != 0;
}

void oracle_say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vfprintf(to_oracle, fmt, ap);
    va_end(ap);
}

void oracle_say_bytes(const uint8_t *data, size_t len)
{
    if (len == 0)
        (void)fputs(" -", to_oracle);
    else
        (void)fputc(' ', to_oracle);
    for (size_t i = 0; i < len; i++)
        (void)fprintf(to_oracle, "%02x", data[i]);
}

size_t oracle_answer(uint8_t ret[ORACLE_ANSWER_MAX])
{
    static char line[2 * ORACLE_ANSWER_MAX + 2];

    (void)fputc('\n', to_oracle);
    (void)fflush(to_oracle);
    assert_non_null(fgets(line, sizeof(line), from_oracle));
    return unhex(line, ret, ORACLE_ANSWER_MAX);
}
