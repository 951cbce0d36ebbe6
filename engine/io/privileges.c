#include "engine/io/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define ENTRY_MAX 16384 /* bytes of a line of passwd(5) */
#define KEPT      CAP_NET_ADMIN

struct ids {
    uid_t uid;
    gid_t gid;
};

/* 0 where found, 1 where there is no such user. */
static int find_user(const char *name, struct ids *ret)
{
    char buf[ENTRY_MAX];
    struct passwd entry, *found = NULL;
    int error = getpwnam_r(name, &entry, buf, sizeof(buf), &found);

    if (found) {
        *ret = (struct ids){.uid = entry.pw_uid, .gid = entry.pw_gid};
        return 0;
    }
    /* getpwnam(3): some report what was not found as an error */
    return error == 0 || error == ENOENT || error == ESRCH ? 1 : -error;
}

/* Who is not root and may not empty it gains nothing from it: no_new_privs leaves programs no capability to get. */
static int empty_bounding_set(void)
{
    for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++) {
        if (prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 0 || prctl(PR_CAPBSET_DROP, c, 0, 0, 0) == 0)
            continue;
        if (errno != EPERM || geteuid() == 0)
            return -errno;
    }
    return 0;
}

/* Groups go before the user, who could not give them up. */
static int become(const struct ids *ids)
{
    if (getuid() == ids->uid && geteuid() == ids->uid && getuid() != 0)
        return 0; /* the service manager did it */
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
        setresgid(ids->gid, ids->gid, ids->gid) < 0 || setresuid(ids->uid, ids->uid, ids->uid) < 0 ||
        prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
        return -errno;
    return 0;
}

static int reduce_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

    data[CAP_TO_INDEX(KEPT)].permitted = CAP_TO_MASK(KEPT);
    data[CAP_TO_INDEX(KEPT)].effective = CAP_TO_MASK(KEPT);
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || syscall(SYS_capset, &header, data) < 0)
        return -errno;
    return 0;
}

int privileges_drop(const char *user, bool *ret_is_root)
{
    struct ids ids = {0};
    int missing = find_user(user, &ids), r;

    if (missing < 0)
        return missing;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    r = empty_bounding_set();
    if (r < 0)
        return r;
    r = missing ? 0 : become(&ids);
    if (r < 0)
        return r;
    r = reduce_capabilities();
    if (r < 0)
        return r;
    *ret_is_root = geteuid() == 0;
    return 0;
}
