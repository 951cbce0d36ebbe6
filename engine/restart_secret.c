#include "engine/restart_secret.h"

#include "base/file.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define STATE_MODE  0700
#define SECRET_TEXT (2 * ENGINE_SECRET_LEN + 1) /* hexadecimal, so that no byte is taken for a newline */

static unsigned digit(char c)
{
    return c >= 'a' ? (unsigned)(c - 'a' + 10) & 15 : (unsigned)(c - '0') & 15;
}

/* The bytes of the file are as random as any others: what they spell does not matter, only that they stay. */
static int read_secret(const char *path, uint8_t ret[static ENGINE_SECRET_LEN])
{
    cleanup(secret_freep) struct secret *s = NULL;
    int r = secret_from_file(path, &s);

    if (r < 0)
        return r;
    if (secret_len(s) != SECRET_TEXT - 1)
        return -EBADMSG;
    for (size_t i = 0; i < ENGINE_SECRET_LEN; i++)
        ret[i] = (uint8_t)(digit(secret_text(s)[2 * i]) << 4 | digit(secret_text(s)[2 * i + 1]));
    return 0;
}

static int write_secret(const char *path, const uint8_t secret[static ENGINE_SECRET_LEN])
{
    char text[SECRET_TEXT];
    cleanup(closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t n;

    if (fd < 0)
        return -errno;
    str_hex(text, secret, ENGINE_SECRET_LEN);
    n = write(fd, text, SECRET_TEXT - 1);
    secret_wipe(text, sizeof(text));
    if (n == SECRET_TEXT - 1)
        return 0;
    (void)unlink(path);
    return n < 0 ? -errno : -ENOSPC;
}

int restart_secret(const char *state_dir, uint8_t ret[static ENGINE_SECRET_LEN])
{
    char path[PATH_MAX];
    int r = file_mkdirs(state_dir, STATE_MODE);

    memset(ret, 0, ENGINE_SECRET_LEN);
    if (r < 0)
        return r;
    if (!str_format(path, sizeof(path), "%s/engine.secret", state_dir))
        return -ENAMETOOLONG;
    r = read_secret(path, ret);
    if (r == -ENOENT) {
        random_bytes(ret, ENGINE_SECRET_LEN);
        r = write_secret(path, ret);
    }
    if (r < 0)
        secret_wipe(ret, ENGINE_SECRET_LEN);
    return r;
}
