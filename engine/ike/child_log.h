/* What the log says of a CHILD_SA: in the words that charon's users, and their scripts, look for. */
#pragma once

#include "engine/ike/sa.h"

void child_log_established(const struct child_sa *c);
void child_log_closing(const struct child_sa *c);   /* with what it has passed */
void child_log_duplicate(const struct child_sa *c); /* it was asked for, and is there */
