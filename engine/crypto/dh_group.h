/* The groups behind dh.h and how each family of them computes. For the files of this folder. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dh_group;

/* All return -ENOMEM; outputs are untouched then. */
struct dh_family {
    int (*generate)(const struct dh_group *g, uint8_t *ret_private, size_t *ret_len);
    /* -ERANGE where PRIVATE is none of the group. */
    int (*public)(const struct dh_group *g, const uint8_t *private, size_t len, uint8_t *ret);
    /* PEER has public_len bytes. -EBADMSG where it is no public value. */
    int (*secret)(const struct dh_group *g, const uint8_t *private, size_t len, const uint8_t *peer, uint8_t *ret);
};

extern const struct dh_family dh_modp;
extern const struct dh_family dh_ecp;
extern const struct dh_family dh_curve;

struct dh_group {
    uint16_t id;
    const struct dh_family *family;
    size_t public_len;
    size_t secret_len;
    const char *name; /* OpenSSL's */
};

/* NULL where there is none. */
const struct dh_group *dh_group_find(uint16_t id);
