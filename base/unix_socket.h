/* Unix stream sockets to listen at. */
#pragma once

#include <sys/un.h>

/*
 * Binds a socket to ADDRESS that does not listen yet, so that nobody can connect before its file has its rights; *RET
 * is the caller's, and so is the file. What a dead process left there is replaced; the caller sees to it that no other
 * one is about to do the same. -EADDRINUSE where somebody listens, -EEXIST where there is something else.
 */
int unix_socket_bind(const struct sockaddr_un *address, int *ret);
