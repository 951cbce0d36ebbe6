/* Distinguished names: text as in swanctl.conf, DER as on the wire, and how two of them compare, as charon does it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DN_RDNS_MAX 20

/* "C=CH, O=Test, CN=x", or "/C=CH/O=Test/CN=x". -EINVAL where an attribute has no name that is known, -ENOBUFS */
int dn_parse(const char *text, uint8_t *buf, size_t size, size_t *ret_len);

bool dn_valid(const void *der, size_t len);

/* "C=CH, O=Test, CN=x"; what is not printable becomes '?'. False where it was cut. */
bool dn_text(const void *der, size_t len, char *buf, size_t size);

bool dn_equal(const void *a, size_t a_len, const void *b, size_t b_len);

/* How many values of PATTERN are "*" where it matches; -1 where it does not. */
int dn_match(const void *der, size_t len, const void *pattern, size_t pattern_len);
