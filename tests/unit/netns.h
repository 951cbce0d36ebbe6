/* A network namespace of the test's own, where it may have any interface, address and port. Works for any user. */
#pragma once

/*
 * Moves this process into a new network namespace, whose only interface, lo, is up. 0, or -errno where the machine does
 * not allow it.
 */
int netns_enter(void);

/* Runs ip with the words of ARGS, which are separated by blanks. 0, -errno, or its exit status. */
int netns_ip(const char *args);

/*
 * From now on PATH is a file of this thread's own, in a mount namespace of its own, with the content TEXT. It can be
 * written to. 0 or -errno.
 */
int netns_file(const char *path, const char *text);
