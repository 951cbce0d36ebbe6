/* Text to values. Every parser takes the whole text or nothing: trailing junk, signs and overflow are -EINVAL/-ERANGE.
 */
#pragma once

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

int parse_u64(const char *text, uint64_t max, uint64_t *ret);
int parse_u32(const char *text, uint32_t max, uint32_t *ret);
int parse_port(const char *text, uint16_t *ret);       /* 1..65535 */
int parse_bool(const char *text, bool *ret);           /* yes/no, true/false, on/off, 1/0 */
int parse_duration(const char *text, usec_t *ret);     /* "500ms", "30s", "5m", "2h", "1d"; a bare number is seconds */
int parse_rfc3339(const char *text, usec_t *ret_wall); /* "2024-01-02T03:04:05.000Z" */
int parse_http_date(const char *text, usec_t *ret_wall); /* RFC 9110 5.6.7, IMF-fixdate */
