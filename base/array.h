/* The number of elements of an array; does not compile for a pointer. */
#pragma once

#define ARRAY_LEN(a)                                                                                                   \
    (sizeof(a) / sizeof((a)[0]) +                                                                                      \
     0 * sizeof(char[1 - 2 * __builtin_types_compatible_p(__typeof__(a), __typeof__(&(a)[0]))]))
