/*
 * The executable that acts on real endpoints for the simulator: run without a shell, never waited for. It is given a
 * verb, the outside address of a tunnel and the verb's own arguments (tests/lab/endpoint_hook lists them).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define HOOK_ARGS_MAX   6
#define HOOK_OUTPUT_MAX 64

/* One run at a time. */
struct hook {
    pid_t pid; /* 0: none under way */
    int fd;    /* what it prints; -1 where that goes to our standard error */
};

/* Starts PATH with ARGS (NULL-ended, at most HOOK_ARGS_MAX). CAPTURE: its output is kept. -EBUSY, -E2BIG, -errno. */
int hook_start(struct hook *h, const char *path, const char *const *args, bool capture);

static inline bool hook_is_running(const struct hook *h)
{
    return h->pid != 0;
}

/*
 * Whether the run has ended since the last call; then *RET_OK tells whether with status 0, and OUTPUT holds its first
 * line (empty where it was not captured).
 */
bool hook_poll(struct hook *h, bool *ret_ok, char output[static HOOK_OUTPUT_MAX]);
