/* The transforms of a proposal as a set: what proposals.c and proposals_parse.c share. Pure. */
#pragma once

#include "engine/crypto/alg.h"
#include "engine/wire/proposal.h"

#define TRANSFORM_TYPES 5

/* As charon prints the types, and the order of an answer. */
extern const enum alg_type transform_types[TRANSFORM_TYPES];

/* Whether a proposal of PROTOCOL may have transforms of TYPE (RFC 7296 3.3.3). */
bool transform_fits(uint8_t protocol, uint8_t type);

const struct alg *transform_alg(const struct transform *t); /* NULL where it is none of ours */

/* The next transform of TYPE; *POS starts at 0; NULL at the end. */
const struct transform *transforms_next(const struct proposal *p, enum alg_type type, size_t *pos);
bool transforms_have(const struct proposal *p, const struct transform *t);
bool transforms_have_type(const struct proposal *p, enum alg_type type);

/* Once only. -ENOSPC */
int transforms_add(struct proposal *p, struct transform t);
void transforms_remove_type(struct proposal *p, enum alg_type type);
