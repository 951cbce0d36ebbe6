#include "base/unix_socket.h"

#include "base/cleanup.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int make(int *ret)
{
    *ret = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return *ret < 0 ? -errno : 0;
}

static int remove_stale(const struct sockaddr_un *address)
{
    cleanup(closep) int fd = -1;
    struct stat st;
    int r;

    if (lstat(address->sun_path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    r = make(&fd);
    if (r < 0)
        return r;
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
        return -EADDRINUSE; /* EAGAIN: somebody listens and is busy */
    if (errno != ECONNREFUSED)
        return -errno;
    return unlink(address->sun_path) < 0 ? -errno : 0;
}

int unix_socket_bind(const struct sockaddr_un *address, int *ret)
{
    cleanup(closep) int fd = -1;
    int r = remove_stale(address);

    if (r == 0)
        r = make(&fd);
    if (r < 0)
        return r;
    if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
        return -errno;
    *ret = TAKE_FD(fd);
    return 0;
}
