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

static int make_dir(const char *path, unsigned mode)
{
    struct stat st;

    if (mkdir(path, mode) == 0)
        return 0;
    if (errno != EEXIST)
        return -errno;
    if (stat(path, &st) < 0)
        return -errno;
    return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int file_mkdirs(const char *dir, unsigned mode)
{
    char path[PATH_MAX];

    if (dir[0] == '\0')
        return -ENOENT;
    if (!str_copy(path, sizeof(path), dir))
        return -ENAMETOOLONG;
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        int r;

        *slash = '\0';
        r = make_dir(path, mode);
        if (r < 0)
            return r;
        *slash = '/';
    }
    return make_dir(path, mode);
}
