/* Diagnosis: the cause that explains the facts, with the evidence for it and the other causes that also would. Pure. */
#pragma once

#include "agent/cause.h"
#include "agent/fact.h"

#include <stddef.h>

#define DIAGNOSIS_ALTERNATIVES_MAX 4

struct diagnosis {
    const struct cause_row *row; /* static; NULL for CAUSE_NONE and CAUSE_UNDETERMINED */
    enum cause cause;
    struct facts facts;
    enum cause alternatives[DIAGNOSIS_ALTERNATIVES_MAX];
    size_t n_alternatives;
};

/* NONE unless the verdict is bad, suspect or UNKNOWN, or the facts say that something is wrong all the same. */
struct diagnosis diagnosis_make(const struct fact_input *in, usec_t now);

const char *diagnosis_text(const struct diagnosis *d); /* the cause's sentence */
