#include "agent/api_socket.h"

#include "base/addr.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define BACKLOG        16
#define GROUP_LINE_MAX 4096
#define GROUP_FILE     "/etc/group"
#define LOCALHOST      "localhost"

DEFINE_CLEANUP(FILE *, fclose)

static int take_lock(const char *dir)
{
    cleanup(closep) int fd = -1;
    char path[PATH_MAX];

    if (!str_format(path, sizeof(path), "%s/" API_LOCK_NAME, dir))
        return -ENAMETOOLONG;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
    return TAKE_FD(fd);
}

/* The group in the file alone: a directory service would have to be waited for, maybe through the tunnel that is down.
 */
static bool find_group(const char *name, gid_t *ret)
{
    cleanup(fclosep) FILE *f = fopen(GROUP_FILE, "re");
    char line[GROUP_LINE_MAX];
    struct group g, *found;

    while (f && fgetgrent_r(f, &g, line, sizeof(line), &found) == 0)
        if (str_eq(g.gr_name, name)) {
            *ret = g.gr_gid;
            return true;
        }
    return false;
}

/* Nobody can connect before listen(), so the mode is in place in time. */
static int set_owner(const char *path, gid_t *ret_group)
{
    struct stat st;
    gid_t group;

    if (find_group(API_SOCKET_GROUP, &group) && chown(path, (uid_t)-1, group) < 0 && errno != EPERM)
        return -errno; /* EPERM: neither root nor a member */
    if (chmod(path, 0660) < 0 || stat(path, &st) < 0)
        return -errno;
    *ret_group = st.st_gid;
    return 0;
}

static int own_and_listen(int fd, const struct sockaddr_un *address, gid_t *ret_group)
{
    int r = set_owner(address->sun_path, ret_group);

    if (r == 0 && listen(fd, BACKLOG) < 0)
        r = -errno;
    if (r < 0)
        (void)unlink(address->sun_path);
    return r;
}

int api_socket_open(const char *dir, struct api_socket *ret, int *ret_fd)
{
    cleanup(closep) int lock = -1, fd = -1;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    gid_t group = 0;
    int r;

    if (!str_format(address.sun_path, sizeof(address.sun_path), "%s/" API_SOCKET_NAME, dir))
        return -ENAMETOOLONG;
    r = file_mkdirs(dir, 0755);
    if (r < 0)
        return r;
    lock = take_lock(dir);
    if (lock < 0)
        return lock;
    r = unix_socket_bind(&address, &fd); /* the lock is held: no other rekindled is about to do the same */
    if (r == 0)
        r = own_and_listen(fd, &address, &group);
    if (r < 0)
        return r;
    *ret = (struct api_socket){.address = address, .lock = TAKE_FD(lock), .group = group};
    *ret_fd = TAKE_FD(fd);
    return 0;
}

void api_socket_close(struct api_socket *s)
{
    (void)unlink(s->address.sun_path);
    (void)close(s->lock);
    *s = (struct api_socket){.lock = -1};
}

int api_socket_listen(const char *text, int *ret_fd)
{
    cleanup(closep) int fd = -1;
    struct addr a;
    int r = addr_parse_port(text, &a), one = 1;

    if (r < 0)
        return r;
    if (!addr_is_loopback(&a) || addr_port(&a) == 0)
        return -EINVAL;
    fd = socket(addr_family(&a), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        bind(fd, &a.sa, addr_len(&a)) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* Whether GROUP is among the supplementary groups that the peer had when it connected. */
static bool peer_has_group(int fd, gid_t group)
{
    cleanup(freep) gid_t *groups = NULL;
    socklen_t len = 0;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0 || errno != ERANGE)
        return false; /* it has none, or cannot be asked */
    groups = malloc(len);
    if (!groups || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
        return false;
    for (size_t i = 0; i < len / sizeof(*groups); i++)
        if (groups[i] == group)
            return true;
    return false;
}

bool api_socket_may_change(int fd, gid_t group)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return false;
    return peer.uid == 0 || peer.uid == geteuid() || peer.gid == group || peer_has_group(fd, group);
}

bool api_socket_host_ok(const char *host)
{
    size_t len = strlen(LOCALHOST);
    struct addr a;
    uint16_t port;

    if (strncasecmp(host, LOCALHOST, len) == 0)
        return host[len] == '\0' || (host[len] == ':' && parse_port(&host[len + 1], &port) == 0);
    return addr_parse_port(host, &a) == 0 && addr_is_loopback(&a);
}
