/*
 * Values of load-conn: text, read as charon's VICI reads it. All return -EINVAL where the text is wrong, -ENOTSUP where
 * it is right and the engine lacks it. Pure.
 */
#pragma once

#include "engine/ike/conf.h"

int load_bool(const char *text, bool *ret);                /* yes/no, true/false, enabled/disabled, 1/0 */
int load_time(const char *text, usec_t *ret);              /* "30", "30s", "10m", "4h", "1d" */
int load_bytes(const char *text, uint64_t *ret);           /* "500", "10k", "5m", "1g": powers of 1024 */
int load_action(const char *text, unsigned *ret);          /* CONF_ACTION bits: "none", "trap", "start", "trap|start" */
int load_auth(const char *text, struct conf_side *ret);    /* "psk", "pubkey", "rsa-2048-sha256", "ike:ecdsa-sha384" */
int load_outside(const char *text, struct conf_addr *ret); /* "%any", "203.0.113.10", "203.0.113.0/24" */
int load_network(const char *text, struct addr *ret, uint8_t *ret_bits); /* "10.0.0.0/16", "169.254.10.2" */
