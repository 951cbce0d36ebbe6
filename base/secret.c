#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* Each secret has pages of its own, so that they can be locked and kept from dumps. There are a handful of them. */
struct secret {
    size_t len;
    size_t mapped;
    char text[]; /* NUL-ended */
};

static struct secret *secret_map(size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t mapped = (sizeof(struct secret) + len + 1 + page - 1) / page * page;
    struct secret *s = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (s == MAP_FAILED)
        return NULL;
    /* Both may be refused (RLIMIT_MEMLOCK, old kernels): the secret is as safe as the host then. */
    (void)mlock(s, mapped);
    (void)madvise(s, mapped, MADV_DONTDUMP);
    s->mapped = mapped;
    s->len = len;
    return s;
}

struct secret *secret_new(const void *data, size_t len)
{
    struct secret *s;

    if (len > SECRET_MAX)
        return NULL;
    s = secret_map(len);
    if (s && len > 0)
        memcpy(s->text, data, len);
    return s;
}

struct secret *secret_free(struct secret *s)
{
    if (s) {
        size_t mapped = s->mapped;

        secret_wipe(s, mapped);
        (void)munmap(s, mapped);
    }
    return NULL;
}

/* Reads until the end or until more than SECRET_MAX + 1 bytes came; they fill S->text. */
static int read_all(int fd, struct secret *s, size_t *ret_len)
{
    size_t len = 0;

    for (;;) {
        ssize_t n = read(fd, s->text + len, SECRET_MAX + 2 - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        len += (size_t)n;
        if (n == 0 || len > SECRET_MAX + 1)
            break;
    }
    *ret_len = len;
    return 0;
}

int secret_from_file(const char *path, struct secret **ret)
{
    cleanup(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    cleanup(secret_freep) struct secret *whole = NULL;
    struct stat st;
    size_t len = 0;
    int r;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    if (st.st_mode & S_IRWXO)
        return -EPERM;
    whole = secret_map(SECRET_MAX + 2);
    if (!whole)
        return -ENOMEM;
    r = read_all(fd, whole, &len);
    if (r < 0)
        return r;
    if (len > 0 && whole->text[len - 1] == '\n')
        len--;
    if (len > SECRET_MAX)
        return -EFBIG;
    if (len == 0)
        return -ENODATA;
    *ret = secret_new(whole->text, len);
    return *ret ? 0 : -ENOMEM;
}

const char *secret_text(const struct secret *s)
{
    return s ? s->text : "";
}

size_t secret_len(const struct secret *s)
{
    return s ? s->len : 0;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    unsigned char difference = 0;

    if (secret_len(a) != secret_len(b))
        return false;
    for (size_t i = 0; i < secret_len(a); i++)
        difference |= (unsigned char)(a->text[i] ^ b->text[i]);
    return difference == 0;
}

void secret_wipe(void *p, size_t len)
{
    if (p && len > 0)
        explicit_bzero(p, len);
}

void secret_no_dumps(void)
{
    const struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
}
