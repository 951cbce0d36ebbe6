#include "engine/io/tun.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#define DEVICE "/dev/net/tun"
#define NAMES  "rk%d"

struct tun {
    int fd;             /* owned */
    struct loop_io *io; /* owned */
    tun_packet_fn fn;
    void *data; /* borrowed for fn */
    char name[IF_NAMESIZE];
    uint32_t index;
};

/* The kernel cuts a packet that is longer than the buffer and says nothing: so the buffer has one byte more. */
static void on_readable(void *data, int fd, uint32_t revents)
{
    struct tun *t = data;
    uint8_t buf[TUN_PACKET_MAX + 1];

    (void)revents;
    for (int i = 0; i < TUN_READS_MAX; i++) {
        ssize_t n = read(fd, buf, sizeof(buf));

        if (n < 0 && errno == EBADFD) /* somebody deleted the device, which is ready for ever now */
            t->io = loop_io_free(t->io);
        if (n < 0)
            return;
        if (n > 0 && n <= TUN_PACKET_MAX)
            t->fn(t->data, buf, (size_t)n);
    }
}

/* The kernel would take "%d" and more of that kind for a pattern. */
static bool is_name(const char *name)
{
    return name[0] != '\0' && strlen(name) < IF_NAMESIZE && !strpbrk(name, "%/: \t\n") && !str_eq(name, ".") &&
           !str_eq(name, "..");
}

static int open_device(struct tun *t, const char *name)
{
    struct ifreq req = {.ifr_flags = IFF_TUN | IFF_NO_PI};

    (void)str_copy(req.ifr_name, sizeof(req.ifr_name), name);
    t->fd = open(DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (t->fd < 0 || ioctl(t->fd, TUNSETIFF, &req) < 0)
        return -errno;
    (void)str_copy(t->name, sizeof(t->name), req.ifr_name);
    t->index = if_nametoindex(t->name);
    return t->index == 0 ? -errno : 0;
}

int tun_new(struct loop *l, const char *name, tun_packet_fn fn, void *data, struct tun **ret)
{
    cleanup(tun_freep) struct tun *t = NULL;
    int r;

    if (name && !is_name(name))
        return -EINVAL;
    t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->fd = -1;
    t->fn = fn;
    t->data = data;
    if (name && if_nametoindex(name) != 0)
        return -EBUSY; /* a persistent TUN device of somebody else's would be ours without a word */
    r = open_device(t, name ? name : NAMES);
    if (r < 0)
        return r;
    r = loop_io_new(l, t->fd, EPOLLIN, on_readable, t, &t->io);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(t);
    return 0;
}

struct tun *tun_free(struct tun *t)
{
    if (t) {
        t->io = loop_io_free(t->io);
        closep(&t->fd);
        free(t);
    }
    return NULL;
}

const char *tun_name(const struct tun *t)
{
    return t->name;
}

uint32_t tun_index(const struct tun *t)
{
    return t->index;
}

int tun_write(struct tun *t, const uint8_t *packet, size_t len)
{
    ssize_t n = write(t->fd, packet, len);

    if (n < 0)
        return -errno;
    return (size_t)n == len ? 0 : -EIO;
}
