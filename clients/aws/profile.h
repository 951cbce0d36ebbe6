/*
 * The shared files of the AWS tools: ~/.aws/credentials and ~/.aws/config, or where AWS_SHARED_CREDENTIALS_FILE and
 * AWS_CONFIG_FILE point, and in them the profile of AWS_PROFILE or "default". Read anew at each call, so that a changed
 * file holds at once.
 */
#pragma once

#include "base/strbuf.h"

#include <stddef.h>

#define PROFILE_PATH_MAX 4096
#define PROFILE_FILE_MAX (256 * 1024)

enum profile_file {
    PROFILE_CREDENTIALS,
    PROFILE_CONFIG,
};

const char *profile_name(void); /* borrowed from the environment */

/* The path of FILE. -ENOENT where neither its variable nor HOME is set, -ENAMETOOLONG. */
int profile_path(enum profile_file file, char ret[static PROFILE_PATH_MAX]);

/*
 * Appends the value of KEY of the profile to RET, which should be wiped where it may hold a secret. -ENOENT where the
 * file, the profile or the key is missing, -EFBIG over PROFILE_FILE_MAX, -ENOBUFS, or what open() says: -EACCES.
 */
int profile_get(enum profile_file file, const char *key, struct strbuf *ret);

/* The same for KEY beneath SERVICE in the `services` section of the config file that the profile names. */
int profile_get_service(const char *service, const char *key, struct strbuf *ret);
