/*
 * Time. Microseconds everywhere. Judging and deciding never ask the clock: they are given `now`, which is read once per
 * turn of the loop. CLOCK_BOOTTIME counts suspended time too, so that lifetimes and cooldowns pass during suspend; the
 * wall clock serves only to print and to sign.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef uint64_t usec_t;

#define USEC_PER_MSEC  UINT64_C(1000)
#define USEC_PER_SEC   UINT64_C(1000000)
#define USEC_PER_MIN   (60 * USEC_PER_SEC)
#define USEC_PER_HOUR  (60 * USEC_PER_MIN)
#define USEC_NEVER     UINT64_MAX

#define CLOCK_TEXT_MAX 32

/* A source of time. The system's, or one that a test moves by hand. */
struct clock {
    usec_t (*boottime)(void *data);
    usec_t (*realtime)(void *data);
    void *data; /* borrowed by the functions */
};

/* A clock that stands until it is moved. Pass &m to clock_manual(). */
struct clock_manual {
    usec_t boottime;
    usec_t realtime;
};

/* The system's clock. */
const struct clock *clock_system(void);

/* A clock over M, which must outlive it. */
struct clock clock_manual(struct clock_manual *m);

/* Moves both times of M forward by STEP. */
void clock_advance(struct clock_manual *m, usec_t step);

usec_t clock_now(const struct clock *c);  /* CLOCK_BOOTTIME */
usec_t clock_wall(const struct clock *c); /* microseconds since 1970-01-01 UTC */

/* EARLIER..LATER, and 0 where they stand the other way round. */
static inline usec_t clock_since(usec_t earlier, usec_t later)
{
    return later > earlier ? later - earlier : 0;
}

/* A + B without wrapping: USEC_NEVER at most. */
static inline usec_t clock_add(usec_t a, usec_t b)
{
    return a > USEC_NEVER - b ? USEC_NEVER : a + b;
}

/* "2026-11-24T08:25:00.123Z" (RFC 3339, UTC). Returns BUF. */
const char *clock_rfc3339(usec_t wall, char buf[static CLOCK_TEXT_MAX]);

/* "850 ms", "12 s", "3 min 20 s", "2 h 5 min", "3 d 4 h": for people. Returns BUF. */
const char *clock_duration(usec_t span, char buf[static CLOCK_TEXT_MAX]);
