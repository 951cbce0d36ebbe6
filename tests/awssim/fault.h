/* What a test wants to go wrong: at most one fault at a time, for a number of calls. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define FAULT_ACTION_MAX 64

enum fault_kind {
    FAULT_NONE,
    FAULT_THROTTLE,       /* RequestLimitExceeded, nothing done */
    FAULT_UNAVAILABLE,    /* 503, nothing done */
    FAULT_APPLY_THEN_503, /* done, and 503 all the same */
    FAULT_DENIED,         /* UnauthorizedOperation */
    FAULT_HANG_UP,        /* done, and the connection ends without an answer */
    FAULT_FREEZE_BEFORE,  /* awssim stops itself (SIGSTOP) and does it when it is continued */
    FAULT_FREEZE_AFTER,   /* ... is done first, and the answer comes then */
};

struct fault {
    enum fault_kind kind;
    char action[FAULT_ACTION_MAX]; /* "" is every action */
    unsigned times;                /* calls left; 0: until told otherwise */
};

const char *fault_name(enum fault_kind kind);
bool fault_from_name(const char *name, enum fault_kind *ret);

/* Arms F. TIMES 0: for every call until the next fault_set(). */
void fault_set(struct fault *f, enum fault_kind kind, const char *action, unsigned times);

/* The fault that this call of ACTION meets; it counts. */
enum fault_kind fault_take(struct fault *f, const char *action);
