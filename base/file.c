#include "base/file.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK 4096

int file_read(const char *path, struct strbuf *b)
{
    cleanup(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    char chunk[CHUNK];

    if (fd < 0) /* a pipe that nobody writes to is empty: nothing here waits */
        return -errno;
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        strbuf_add(b, chunk, (size_t)n);
        if (b->wipe)
            explicit_bzero(chunk, sizeof(chunk));
        if (b->bad)
            return -EFBIG;
    }
    return 0;
}

int file_mkdirs(const char *dir, unsigned mode)
{
    char path[PATH_MAX];

    if (!str_copy(path, sizeof(path), dir))
        return -ENAMETOOLONG;
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, mode) < 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    return mkdir(path, mode) < 0 && errno != EEXIST ? -errno : 0;
}
