/* Whole files, bounded. */
#pragma once

#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

/* Reads all of PATH into B, whose maximum bounds it: -EFBIG where the file is longer. */
int file_read(const char *path, struct strbuf *b);

/* Creates DIR and its parents with MODE where they are missing. */
int file_mkdirs(const char *dir, unsigned mode);
