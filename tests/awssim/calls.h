/* The record of all calls, one JSON object a line, from which tests count. A pre-shared key in it is masked. */
#pragma once

#include "tests/awssim/answer.h"
#include "tests/awssim/form.h"

/* Opens PATH for appending, readable by the owner only. *RET_FD is the caller's. */
int calls_open(const char *path, int *ret_fd);

/* {"time","action","dry_run","applied","status","code","parameters":{}}: code is null for a result. */
int calls_write(int fd, const struct form *f, const struct answer *a);

/* Appends TEXT as a JSON string with its quotes. */
void calls_add_string(struct strbuf *out, const char *text);
