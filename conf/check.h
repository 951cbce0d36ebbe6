/* What values say of each other: checked once all of them are read. */
#pragma once

#include "conf/conf.h"
#include "conf/report.h"

#include <confuse.h>

/* Checks C, which was loaded from ROOT: section i of a kind there is element i of C's array. */
void conf_check(const struct conf *c, cfg_t *root, struct conf_report *r);
