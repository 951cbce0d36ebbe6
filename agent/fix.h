/*
 * What a person can do: the cause table's sentence with the names of one tunnel in its commands, to be typed as they
 * stand. Pure.
 */
#pragma once

#include "base/strbuf.h"

/* What IKE-NAME, CHILD-NAME, OUTSIDE-ADDRESS and VPN-CONNECTION-ID stand for; NULL or "" where it is not known. */
struct fix_names {
    const char *ike;
    const char *child;
    const char *outside;
    const char *vpn_connection;
};

/* A word whose name is not known, or is none that may be typed into a shell, stays as it is. */
void fix_put(const char *text, const struct fix_names *names, struct strbuf *out);
