/* Scope-bound cleanup: every owner releases at the end of its scope unless the pointer is taken. */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#define cleanup(fn) __attribute__((cleanup(fn)))

/* Takes the pointer out of VAR, which becomes NULL and is no longer released at the end of its scope. */
#define TAKE_PTR(var)                                                                                                  \
    ({                                                                                                                 \
        __typeof__(var) taken_ = (var);                                                                                \
        (var) = NULL;                                                                                                  \
        taken_;                                                                                                        \
    })

/* Takes the descriptor out of VAR, which becomes -1. */
#define TAKE_FD(var)                                                                                                   \
    ({                                                                                                                 \
        int taken_ = (var);                                                                                            \
        (var) = -1;                                                                                                    \
        taken_;                                                                                                        \
    })

/* For `struct x *x_free(struct x *)`: defines x_freep() for use with cleanup(). */
#define DEFINE_CLEANUP(type, fn)                                                                                       \
    static inline void fn##p(type *p)                                                                                  \
    {                                                                                                                  \
        if (*p)                                                                                                        \
            (void)fn(*p);                                                                                              \
    }

static inline void freep(void *p)
{
    free(*(void **)p);
}

static inline void closep(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}
