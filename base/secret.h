/*
 * A secret: a PSK, an AWS key, a webhook URL. Its memory is locked where that is allowed, kept from core dumps, and
 * wiped when it is given back. A secret is never printed; there is no function that formats one.
 */
#pragma once

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

#define SECRET_MAX 16384 /* bytes; the longest one is a session token */

struct secret;

/* A copy of LEN bytes. NULL where there is no memory or LEN is over SECRET_MAX. */
struct secret *secret_new(const void *data, size_t len);

/*
 * Reads a file whole; one newline at its end is not part of the secret. *RET is the caller's.
 * -ENOENT and the like from open(), -EFBIG over SECRET_MAX, -ENODATA where empty, -EPERM where others than the owner
 * and group may read it.
 */
int secret_from_file(const char *path, struct secret **ret);

struct secret *secret_free(struct secret *s); /* accepts NULL; returns NULL */
DEFINE_CLEANUP(struct secret *, secret_free)

const char *secret_text(const struct secret *s); /* NUL-ended, borrowed; "" for NULL */
size_t secret_len(const struct secret *s);
bool secret_equal(const struct secret *a, const struct secret *b); /* in constant time for equal lengths */

/* Wipes LEN bytes at P in a way that is not optimised away. */
void secret_wipe(void *p, size_t len);

/* Keeps this process from leaving a core dump and from being traced. Call once at the start. */
void secret_no_dumps(void);
