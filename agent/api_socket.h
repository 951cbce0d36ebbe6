/*
 * Where the control API listens and who may speak there: the unix socket with its lock, the loopback listener, the
 * rights of a peer, and the Host header of a browser.
 */
#pragma once

#include "base/cleanup.h"

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#define API_SOCKET_NAME  "rekindle.sock"
#define API_LOCK_NAME    "rekindle.lock"
#define API_SOCKET_GROUP "rekindle" /* owns the socket where there is such a group */

struct api_socket {
    struct sockaddr_un address;
    int lock;    /* holds the right to the socket file for as long as it is open; owned */
    gid_t group; /* of the socket file */
};

/*
 * Makes DIR and a listening socket in it, mode 0660. What a dead process left behind is replaced; -EADDRINUSE where
 * another one lives. *RET_FD is the caller's.
 */
int api_socket_open(const char *dir, struct api_socket *ret, int *ret_fd);
void api_socket_close(struct api_socket *s); /* removes the file */

/* A listening TCP socket at "127.0.0.1:9469" or "[::1]:9469"; -EINVAL for an address that is not loopback. */
int api_socket_listen(const char *text, int *ret_fd);

/* Whether the peer of the unix socket FD may change something: root, our own user, or of GROUP. */
bool api_socket_may_change(int fd, gid_t group);

/* Whether a Host header names this machine as only its own programs do: "localhost:9469", "127.0.0.1", "[::1]:9469". */
bool api_socket_host_ok(const char *host);
