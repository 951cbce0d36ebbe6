/*
 * How the answers of VICI become data: a walk over one message with a sticky error, so that a reader of a section reads
 * like the section and checks once at its end.
 */
#pragma once

#include "clients/vici/message.h"

struct reading {
    struct vici_walk walk;
    int error; /* 0 or the first -errno */
};

struct reading reading_of(struct rd message);
void reading_fail(struct reading *r, int error);

/* The next element; VICI_END at the end of the message and after any error. */
enum vici_element reading_next(struct reading *r, struct vici_item *ret);

/* Skips the rest of the section that was just entered. */
void reading_skip_section(struct reading *r);

/* These fail with -EBADMSG where IT cannot be what is wanted. */
uint64_t reading_number(struct reading *r, const struct vici_item *it, uint64_t max);
void reading_text(struct reading *r, const struct vici_item *it, char *buf, size_t size);
void reading_name(struct reading *r, const struct vici_item *it, char *buf, size_t size); /* of a section; not empty */

/* Room for one more in an array of N items of SIZE, whose capacity doubles whenever N is a power of two. NULL, with
 * ITEMS as they were and -ENOMEM, where there is none. */
void *reading_grow(struct reading *r, void *items, size_t n, size_t size);
