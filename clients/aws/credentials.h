/*
 * Where the keys come from: the environment, then the shared credentials file, then the config file. Looked up at each
 * call, so that rotated keys hold at once.
 * https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
 */
#pragma once

#include "base/secret.h"

#include <stddef.h>

#define AWS_ACCESS_KEY_MAX 129 /* an access key id has 16 to 128 characters */

struct aws_credentials {
    char access_key_id[AWS_ACCESS_KEY_MAX]; /* travels in clear in every request */
    struct secret *secret_key;              /* owned */
    struct secret *session_token;           /* owned; NULL for keys that do not expire */
};

/*
 * Asks one provider after the other. Fills *RET, which aws_credentials_done() empties again. -ENOENT where nobody has
 * any, -EINVAL where a provider has only a part of them, -ENOMEM, or what reading a file said. On failure WHY (of size
 * LEN) holds a sentence that tells what was looked at; never a value.
 */
int aws_credentials_find(struct aws_credentials *ret, char *why, size_t len);
void aws_credentials_done(struct aws_credentials *c);
