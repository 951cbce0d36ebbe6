/*
 * Traffic selectors: as configured, narrowed to what both sides want (RFC 7296 2.9), and printed as charon does. Pure.
 */
#pragma once

#include "base/addr.h"
#include "engine/wire/proposal.h"

#include <stdbool.h>

#define SELECTOR_TEXT_MAX 160

/* A configured selector: "10.0.0.0/16", "dynamic", "10.0.0.1[tcp/80]", "2001:db8::/32[udp]", "10.1.0.1-10.1.0.9". */
struct selector_conf {
    bool dynamic; /* the outside address of the side, known once there is a peer; protocol and ports hold */
    struct selector s;
};

struct selectors_conf {
    size_t n;
    struct selector_conf s[TS_MAX];
};

int selector_parse(const char *text, struct selector_conf *ret); /* -EINVAL */

/* CONF with each dynamic one replaced by HOST. */
void selectors_resolve(const struct selectors_conf *conf, const struct addr *host, struct selectors *ret);

/*
 * What WANTED (the peer's) and OURS have in common, in the order of the peer's, which lists first what it needs at once
 * (RFC 7296 2.9); empty where nothing. At most TS_MAX, further ones are left out.
 */
void selectors_narrow(const struct selectors *wanted, const struct selectors *ours, struct selectors *ret);

bool selectors_equal(const struct selectors *a, const struct selectors *b);
bool selectors_within(const struct selectors *inner,
                      const struct selectors *outer); /* each inner one within one outer */

/* An inner packet. Ports are 0 where the protocol has none; ICMP's are type << 8 | code (RFC 7296 3.13.1). ADDR is 4 or
 * 16 bytes in network order. */
bool selectors_match(const struct selectors *ss, bool ipv6, const uint8_t *addr, uint8_t protocol, uint16_t port);

/* "10.0.0.0/16", "10.0.0.1/32[tcp/80]", "10.1.0.1..10.1.0.9": as list-sas. Returns BUF. */
const char *selector_text(const struct selector *s, char buf[static SELECTOR_TEXT_MAX]);
const char *selector_conf_text(const struct selector_conf *s, char buf[static SELECTOR_TEXT_MAX]); /* "dynamic" */
